//! The OAuth 2.0 provider of Jira Data Center ("incoming link"), as strict as the strictest that was seen.
//!
//! [`authorize`] is where the browser comes, [`token`] where the client comes, [`provider`] knows what
//! has been given out and what is dead.

mod authorize;
mod client;
mod form;
mod jws;
mod metadata;
mod pkce;
mod provider;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::State;

pub(super) use authorize::AuthorizeRequest;
pub(super) use client::Client;
pub use provider::Tokens;
pub(super) use provider::{Provider, Rules};

/// Where the browser asks for consent; Jira's own path.
pub(super) const CONSENT: &str = "/plugins/servlet/oauth2/consent";

/// Where the browser comes first.
pub(super) const AUTHORIZE: &str = "/rest/oauth2/latest/authorize";

/// Where the client trades codes and refresh tokens.
pub(super) const TOKEN: &str = "/rest/oauth2/latest/token";

const REVOKE: &str = "/rest/oauth2/latest/revoke";

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route(AUTHORIZE, get(authorize::authorize))
        .route(CONSENT, get(authorize::consent_page).post(authorize::consent))
        .route(TOKEN, post(token::token))
        .route(REVOKE, post(token::revoke))
        .route("/rest/oauth2/latest/.well-known/oauth-authorization-server", get(metadata::metadata))
}
