//! Where the client comes: the token and the revocation endpoint. Their errors have OAuth's shape; what
//! Jira has not foreseen is a 500 of another.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};

use crate::sandbox::State;

use super::form::Params;
use super::provider::{Redemption, Refresh, Refusal, Tokens};

/// Jersey's words for a body that is no form; Jira answers them with a 500.
const NO_FORM: &str = "The @FormParam is utilized when the content type of the request entity is not \
                       application/x-www-form-urlencoded";

/// `POST /rest/oauth2/latest/token`
pub(super) async fn token(Extract(state): Extract<Arc<State>>, headers: HeaderMap, body: Bytes) -> Response {
    match trade(&state, &headers, &body) {
        Ok(tokens) => answer(StatusCode::OK, &tokens_json(&tokens)),
        Err(refusal) => refused(&refusal),
    }
}

/// `POST /rest/oauth2/latest/revoke`. The secret must not be blank, even where none is looked at.
pub(super) async fn revoke(Extract(state): Extract<Arc<State>>, headers: HeaderMap, body: Bytes) -> Response {
    let revoked = form(&headers, &body).and_then(|params| {
        let token = required(&params, "token")?;
        let client_id = required(&params, "client_id")?;
        let secret = required(&params, "client_secret")?;
        match optional(&params, "token_type_hint")? {
            None | Some("access_token" | "refresh_token") => {}
            Some(_) => {
                return Err(Refusal::OAuth("unsupported_token_type", "There are no tokens of this type."));
            }
        }
        state.provider.revoke(token, client_id, secret)
    });
    match revoked {
        Ok(()) => (NO_STORE, StatusCode::OK).into_response(),
        Err(refusal) => refused(&refusal),
    }
}

fn trade(state: &State, headers: &HeaderMap, body: &Bytes) -> Result<Tokens, Refusal> {
    let params = form(headers, body)?;
    let now = state.clock.now();
    match required(&params, "grant_type")? {
        "authorization_code" => {
            let asked = Redemption {
                code: required(&params, "code")?,
                client_id: required(&params, "client_id")?,
                redirect_uri: required(&params, "redirect_uri")?,
                client_secret: optional(&params, "client_secret")?,
                code_verifier: optional(&params, "code_verifier")?,
            };
            state.provider.redeem(&asked, now)
        }
        "refresh_token" => {
            let asked = Refresh {
                refresh_token: required(&params, "refresh_token")?,
                client_id: required(&params, "client_id")?,
                client_secret: optional(&params, "client_secret")?,
                redirect_uri: optional(&params, "redirect_uri")?,
            };
            state.provider.refresh(&asked, now)
        }
        _ => Err(Refusal::OAuth("unsupported_grant_type", "There is no such grant.")),
    }
}

fn form(headers: &HeaderMap, body: &Bytes) -> Result<Params, Refusal> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(Params::parse(body))
    } else {
        Err(Refusal::Unmapped(NO_FORM))
    }
}

fn required<'a>(params: &'a Params, name: &'static str) -> Result<&'a str, Refusal> {
    optional(params, name)?.ok_or(Refusal::OAuth("invalid_request", "A mandatory parameter is missing."))
}

fn optional<'a>(params: &'a Params, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    let bad = Refusal::OAuth("invalid_request", "A parameter is blank, or given more than once.");
    params.optional(name).map_err(|_| bad)
}

fn tokens_json(tokens: &Tokens) -> Value {
    json!({
        "access_token": tokens.access_token,
        // In lower case; a client that makes its header of it is anonymous.
        "token_type": "bearer",
        "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh_token,
        "scope": tokens.scope,
        "created_at": tokens.created_at,
    })
}

fn refused(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::OAuth(error, description) => {
            answer(StatusCode::BAD_REQUEST, &json!({"error": error, "error_description": description}))
        }
        Refusal::Unmapped(message) => {
            answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({"errors": [message], "fieldErrors": {}}))
        }
    }
}

const NO_STORE: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, NO_STORE, Json(body)).into_response()
}
