//! RFC 8414 metadata, as newer versions of Jira have it. It does not say that PKCE is there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use serde_json::{Value, json};

use crate::sandbox::{Scope, State};

use super::{AUTHORIZE, REVOKE, TOKEN};

/// `GET /rest/oauth2/latest/.well-known/oauth-authorization-server`
pub(super) async fn metadata(Extract(state): Extract<Arc<State>>) -> Json<Value> {
    let base = &state.base_url;
    let scopes = Scope::ALL.map(Scope::as_str);
    Json(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}{AUTHORIZE}"),
        "token_endpoint": format!("{base}{TOKEN}"),
        "revocation_endpoint": format!("{base}{REVOKE}"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_post"],
    }))
}
