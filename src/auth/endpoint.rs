//! Jira's token endpoint: a form goes in, a pair of tokens or a refusal comes out.
//!
//! It is never retried and never redirected: a second redemption of a code kills the tokens made from the
//! first, a second refresh with one token is refused, and a 307 would send the secret again elsewhere.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::ACCEPT;
use ::http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::{BaseUrl, ClientId};
use crate::http::{self, Client, HttpError, Request, Target};
use crate::secret::Secret;

use super::session::Tokens;

/// Jira answers within its own lock's 10 s or not at all.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A token answer has a few hundred bytes.
const ANSWER_CAP: usize = 256 * 1024;

/// The token endpoint of one Jira. Clones share what was made of its URL.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    client: Client,
    place: Arc<Place>,
    /// A broker's; the command line has none.
    secret: Option<Secret>,
    timeout: Duration,
}

/// Where it is.
#[derive(Debug)]
struct Place {
    token: Target,
    revoke: Target,
}

/// Why the token endpoint gave no tokens. The texts are Jira's own where it said something.
#[derive(Clone, Debug, Error)]
pub enum EndpointError {
    /// `invalid_grant`: the refresh token or the code's verifier is refused for good.
    #[error("Jira refused the grant{}", said(.0))]
    InvalidGrant(String),
    /// `invalid_client`: Jira wants the client's secret, or does not know the client.
    #[error("Jira refused the client{}", said(.0))]
    InvalidClient(String),
    /// `invalid_request`: on an exchange, the code is unknown or came too late.
    #[error("Jira refused the request{}", said(.0))]
    InvalidRequest(String),
    /// Another refusal in OAuth's or Jira's form.
    #[error("Jira's token endpoint answered {status}{}", said(.reason))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its words, if it had any.
        reason: String,
    },
    /// 429.
    #[error("Jira limits the rate of token requests")]
    RateLimited {
        /// Whole seconds, if it said so.
        retry_after: Option<u64>,
    },
    /// 5xx, or a page where JSON belongs: something in between, or Jira in trouble. The session is kept.
    #[error("Jira's token endpoint answered {status}{}; it may be starting up or down", without_json(*.status))]
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// A redirect, which is not followed.
    #[error("Jira's token endpoint redirects to {host}; it is not followed")]
    Redirected {
        /// The host it points to.
        host: String,
    },
    /// 200 with something that is no pair of tokens.
    #[error("Jira's token endpoint answered 200 with something that is no pair of tokens")]
    Garbage,
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
}

fn without_json(status: u16) -> &'static str {
    if status < 500 { " without JSON" } else { "" }
}

fn said(words: &str) -> String {
    let words = words.trim_end_matches('.');
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

impl EndpointError {
    /// Whether it is certain that the refresh token is still good: the request did not leave, or it was
    /// refused before it was looked at.
    pub fn leaves_the_token_alone(&self) -> bool {
        match self {
            EndpointError::Http(error) => !error.may_have_been_sent(),
            EndpointError::RateLimited { .. }
            | EndpointError::InvalidClient(_)
            | EndpointError::InvalidRequest(_)
            | EndpointError::Refused { .. }
            | EndpointError::Redirected { .. } => true,
            EndpointError::InvalidGrant(_) | EndpointError::Unavailable { .. } | EndpointError::Garbage => {
                false
            }
        }
    }
}

/// What became of a token that was to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Revocation {
    /// Jira has forgotten it.
    Revoked,
    /// Jira was asked and did not.
    Failed,
    /// Jira revokes only for clients with a secret, or does not know how.
    Unsupported,
}

impl TokenEndpoint {
    /// The endpoint below `base_url`, asked through `client`.
    pub fn new(client: Client, base_url: &BaseUrl) -> Self {
        let [token, revoke] = ["/rest/oauth2/latest/token", "/rest/oauth2/latest/revoke"].map(|path| {
            Target::new(base_url.under(path)).expect("a base URL leaves room for a path of ours")
        });
        let place = Arc::new(Place { token, revoke });
        TokenEndpoint { client, place, secret: None, timeout: TIMEOUT }
    }

    /// The same with the client's secret in every form (RFC 6749 2.3.1: in the body, which is where Jira looks),
    /// and with a time of its own for each call. For the broker alone.
    pub fn with_secret(self, secret: Secret, timeout: Duration) -> Self {
        TokenEndpoint { secret: Some(secret), timeout, ..self }
    }

    /// Redeems an authorization code (RFC 6749 4.1.3, RFC 7636 4.5).
    pub async fn exchange(
        &self,
        client_id: &ClientId,
        code: &Secret,
        code_verifier: &Secret,
        redirect_uri: &str,
    ) -> Result<Tokens, EndpointError> {
        self.ask(vec![
            ("grant_type", "authorization_code"),
            ("client_id", client_id.as_str()),
            ("code", code.expose()),
            ("code_verifier", code_verifier.expose()),
            ("redirect_uri", redirect_uri),
        ])
        .await
    }

    /// Spends a refresh token (RFC 6749 6). Jira kills both old tokens.
    pub async fn refresh(
        &self,
        client_id: &ClientId,
        refresh_token: &Secret,
        redirect_uri: Option<&str>,
    ) -> Result<Tokens, EndpointError> {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", client_id.as_str()),
            ("refresh_token", refresh_token.expose()),
        ];
        form.extend(redirect_uri.map(|uri| ("redirect_uri", uri)));
        self.ask(form).await
    }

    /// Asks Jira to forget a token (RFC 7009). Jira demands a secret for it, so for a client without one
    /// this usually ends in [`Revocation::Unsupported`].
    pub async fn revoke(&self, client_id: &ClientId, token: &Secret) -> Revocation {
        let form = vec![("token", token.expose()), ("client_id", client_id.as_str())];
        match self.client.send(self.request(&self.place.revoke, form)).await {
            Ok(answer) if answer.status().is_success() => Revocation::Revoked,
            // Without a secret this is what Jira says to every client; with one it is what an old Jira says.
            Ok(answer) if answer.status().is_client_error() && self.secret.is_none() => {
                Revocation::Unsupported
            }
            Ok(answer) if matches!(answer.status().as_u16(), 404 | 405) => Revocation::Unsupported,
            Ok(_) | Err(_) => Revocation::Failed,
        }
    }

    fn request<'a>(&'a self, to: &Target, mut form: Vec<(&'a str, &'a str)>) -> Request {
        form.extend(self.secret.as_ref().map(|secret| ("client_secret", secret.expose())));
        Request::new(Method::POST, to.clone(), self.timeout)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .form(&form)
    }

    async fn ask(&self, form: Vec<(&str, &str)>) -> Result<Tokens, EndpointError> {
        // An error carries the host, never the form.
        let answer = self.client.send(self.request(&self.place.token, form)).await?;
        let status = answer.status().as_u16();
        if answer.status().is_redirection() {
            let to = answer.location().and_then(|to| Some(to.host_str()?.to_owned()));
            return Err(EndpointError::Redirected { host: to.unwrap_or_default() });
        }
        if status == 429 {
            return Err(EndpointError::RateLimited { retry_after: http::retry_after(answer.headers()) });
        }
        let body = Secret::from_utf8_lossy(http::read_secret(answer, ANSWER_CAP).await?);
        judge(status, &body)
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    refresh_token: Secret,
    expires_in: u64,
    scope: Option<String>,
}

/// Jira's refusals come as `{"error","error_description"}` or as `{"errors","fieldErrors"}`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: Option<String>,
    error_description: Option<String>,
    errors: Vec<serde_json::Value>,
}

/// Reads an answer. Which 4xx a refusal has is not relied on: versions differ. A 5xx is none, whatever stands in it:
/// a Jira in trouble has the last word on nobody's session.
fn judge(status: u16, body: &Secret) -> Result<Tokens, EndpointError> {
    if status == 200 {
        let granted: Granted = serde_json::from_str(body.expose()).map_err(|_| EndpointError::Garbage)?;
        // Either would make the next command fail in a way that nobody understands.
        if !granted.access_token.is_visible_ascii() || !granted.refresh_token.is_visible_ascii() {
            return Err(EndpointError::Garbage);
        }
        return Ok(Tokens {
            access_token: granted.access_token,
            refresh_token: granted.refresh_token,
            expires_in: granted.expires_in,
            scope: granted.scope,
        });
    }
    let refusal = match serde_json::from_str::<Refusal>(body.expose()) {
        Ok(refusal) if status < 500 => refusal,
        _ => return Err(EndpointError::Unavailable { status }),
    };
    let words = refusal.error_description.unwrap_or_default();
    match refusal.error.as_deref() {
        Some("invalid_grant") => Err(EndpointError::InvalidGrant(words)),
        Some("invalid_client") => Err(EndpointError::InvalidClient(words)),
        Some("invalid_request") => Err(EndpointError::InvalidRequest(words)),
        Some(other) if words.is_empty() => Err(EndpointError::Refused { status, reason: other.to_owned() }),
        Some(_) => Err(EndpointError::Refused { status, reason: words }),
        None => {
            let reason = refusal.errors.iter().map(|error| error.to_string()).collect::<Vec<_>>().join("; ");
            Err(EndpointError::Refused { status, reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> String {
        match judge(status, &Secret::new(body)) {
            Ok(tokens) => format!("{} {:?}", tokens.expires_in, tokens.scope),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn answers_are_told_apart_by_their_words() {
        let good = r#"{"access_token":"a","refresh_token":"r","expires_in":3600,"scope":"WRITE","token_type":"bearer"}"#;
        assert_eq!(judged(200, good), r#"3600 Some("WRITE")"#);
        assert_eq!(judged(400, r#"{"error":"invalid_grant"}"#), "Jira refused the grant");
        assert_eq!(
            judged(401, r#"{"error":"invalid_client","error_description":"no"}"#),
            "Jira refused the client: no"
        );
        assert!(judged(200, "<html>").contains("no pair of tokens"));
        assert!(judged(200, &good.replace("\"r\"", "\"\"")).contains("no pair of tokens"));
        assert!(judged(403, "<html>").contains("without JSON"));
        for body in
            [r#"{"errors":["boom"],"fieldErrors":{}}"#, r#"{"error":"invalid_grant"}"#, "{}", "<html>"]
        {
            assert_eq!(
                judged(503, body),
                "Jira's token endpoint answered 503; it may be starting up or down",
                "{body}"
            );
        }
        assert_eq!(
            judged(400, r#"{"errors":["https"],"fieldErrors":{}}"#),
            "Jira's token endpoint answered 400: \"https\""
        );
    }
}
