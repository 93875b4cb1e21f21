//! Jira's token endpoint with the client's secret, and what its refusals mean for a caller of the broker.
//!
//! This is the only other place that spends a refresh token, beside the refresh itself: it belongs to a caller
//! who holds its session's lock and saves what comes back.

use std::time::Duration;

use super::metrics::{Grant, Upstream as Outcome};
use super::settings::Settings;
use crate::auth::endpoint::{EndpointError, TokenEndpoint};
use crate::auth::session::Tokens;
use crate::auth::wire::{ErrorCode, Exchange, Refresh, Revoke, Revoked};
use crate::config::ClientId;
use crate::http::Client;
use crate::secret::Secret;

/// The way to one Jira. The client keeps its connections; the secret is given anew each time, since it may be
/// renewed.
pub struct Upstream {
    endpoint: TokenEndpoint,
    client_id: ClientId,
    timeout: Duration,
}

/// A refusal, as a caller is told it.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Why.
    pub code: ErrorCode,
    /// Why, for a person. None of it is Jira's: what answers in Jira's place may repeat what it was sent, and that
    /// was the secret.
    pub words: String,
    /// Jira's words, for the log, without the secrets that it was sent.
    pub reason: Option<String>,
    /// Whole seconds to wait, if somebody said so.
    pub retry_after: Option<u64>,
    /// Whether the token may have been spent although nobody has its successor.
    pub unknown: bool,
}

impl Refused {
    /// One with nothing to add.
    pub fn plain(code: ErrorCode) -> Self {
        Refused::because(code, code.meaning())
    }

    /// One with words of its own.
    pub fn because(code: ErrorCode, words: impl Into<String>) -> Self {
        Refused { code, words: words.into(), reason: None, retry_after: None, unknown: false }
    }

    fn without(self, secrets: &[&Secret]) -> Self {
        let strike = |reason: String| secrets.iter().fold(reason, |text, secret| secret.struck_from(&text));
        Refused { reason: self.reason.map(strike), ..self }
    }
}

impl Upstream {
    /// Asks through `client`, which follows no redirect.
    pub fn new(client: Client, settings: &Settings) -> Self {
        Upstream {
            endpoint: TokenEndpoint::new(client, &settings.base_url),
            client_id: settings.client_id.clone(),
            timeout: settings.upstream_timeout,
        }
    }

    fn endpoint(&self, secret: Secret) -> TokenEndpoint {
        self.endpoint.clone().with_secret(secret, self.timeout)
    }

    /// Spends a refresh token.
    pub async fn refresh(&self, secret: Secret, asked: &Refresh) -> Result<Tokens, Refused> {
        let Refresh { refresh_token, client_id: _, redirect_uri } = asked;
        let endpoint = self.endpoint(secret.clone());
        let answer = endpoint.refresh(&self.client_id, refresh_token, redirect_uri.as_deref()).await;
        answer.map_err(|error| refused(error, Grant::Refresh).without(&[&secret, refresh_token]))
    }

    /// Redeems a code.
    pub async fn exchange(&self, secret: Secret, asked: &Exchange) -> Result<Tokens, Refused> {
        let Exchange { code, code_verifier, redirect_uri, client_id: _ } = asked;
        let endpoint = self.endpoint(secret.clone());
        let answer = endpoint.exchange(&self.client_id, code, code_verifier, redirect_uri).await;
        answer.map_err(|error| refused(error, Grant::Exchange).without(&[&secret, code, code_verifier]))
    }

    /// Has a token forgotten.
    pub async fn revoke(&self, secret: Secret, asked: &Revoke) -> Revoked {
        let Revoke { refresh_token, client_id: _ } = asked;
        Revoked { revocation: self.endpoint(secret).revoke(&self.client_id, refresh_token).await }
    }
}

/// What the metrics call it.
pub fn outcome<T>(result: &Result<T, Refused>) -> Outcome {
    let Err(refused) = result else { return Outcome::Ok };
    match refused.code {
        ErrorCode::InvalidGrant => Outcome::InvalidGrant,
        ErrorCode::InvalidClient => Outcome::InvalidClient,
        ErrorCode::UpstreamRateLimited => Outcome::RateLimited,
        ErrorCode::RefreshInterrupted => Outcome::Interrupted,
        _ => Outcome::Unavailable,
    }
}

/// Seconds. Nobody waits for longer because a header says so.
const LONGEST_WAIT: u64 = 3600;

/// What is said of a redirect.
const REDIRECTED: &str = "Jira's token endpoint answers with a redirect, which is not followed.";

/// What is said of a client that is refused with a code.
const CLIENT_OR_REDIRECT: &str = "Jira refused the broker's client ID or secret, or the redirect_uri of the request, which must be registered in \
                                  Jira: its answer does not tell which.";

/// OAuth's errors keep their meaning; what is no answer of Jira's is Jira not being there.
fn refused(error: EndpointError, grant: Grant) -> Refused {
    let words = error.to_string();
    let said = |code| Refused { reason: Some(words.clone()), ..Refused::plain(code) };
    match error {
        EndpointError::InvalidGrant(_) => said(ErrorCode::InvalidGrant),
        // Of a redirect URI that is not registered Jira says the same, and that one is the caller's.
        EndpointError::InvalidClient(_) if grant == Grant::Exchange => {
            Refused { reason: Some(words), ..Refused::because(ErrorCode::InvalidClient, CLIENT_OR_REDIRECT) }
        }
        EndpointError::InvalidClient(_) => said(ErrorCode::InvalidClient),
        // Jira's words for a code that it does not know, or not any more; RFC 6749 has another one for it.
        EndpointError::InvalidRequest(_) if grant == Grant::Exchange => said(ErrorCode::InvalidGrant),
        // What the caller asked was whole: whatever Jira does not like about it is ours, or Jira's own.
        EndpointError::InvalidRequest(_) | EndpointError::Refused { .. } => said(ErrorCode::UpstreamRefused),
        EndpointError::RateLimited { retry_after } => {
            let retry_after = retry_after.map(|seconds| seconds.min(LONGEST_WAIT));
            Refused { retry_after, ..Refused::because(ErrorCode::UpstreamRateLimited, words) }
        }
        // Where it leads is told to nobody: a host may be made of what was sent, in any spelling.
        EndpointError::Redirected { .. } => Refused::because(ErrorCode::UpstreamUnavailable, REDIRECTED),
        // A page in Jira's place: whether Jira saw the request behind it is not known, but it is not likely.
        EndpointError::Unavailable { .. } => {
            Refused { unknown: true, ..Refused::because(ErrorCode::UpstreamUnavailable, words) }
        }
        EndpointError::Garbage => interrupted(&words, grant),
        EndpointError::Http(error) if error.may_have_been_sent() => interrupted(&words, grant),
        EndpointError::Http(_) => Refused::because(ErrorCode::UpstreamUnavailable, words),
    }
}

/// The request left and no answer came.
fn interrupted(words: &str, grant: Grant) -> Refused {
    match grant {
        Grant::Refresh => {
            let words = format!(
                "{words}. Whether the refresh token was spent is not known: ask again with the same one, and if Jira \
                 then refuses it, log in"
            );
            Refused { unknown: true, ..Refused::because(ErrorCode::RefreshInterrupted, words) }
        }
        Grant::Exchange | Grant::Revoke => Refused::because(ErrorCode::UpstreamUnavailable, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpError;

    #[test]
    fn every_refusal_of_jira_keeps_its_meaning() {
        let host = || "jira.example.com".to_owned();
        let timeout = || EndpointError::Http(HttpError::Timeout { host: host() });
        let dns = EndpointError::Http(HttpError::Dns { host: host() });
        for (error, grant, code, unknown) in [
            (EndpointError::InvalidGrant(String::new()), Grant::Refresh, ErrorCode::InvalidGrant, false),
            (EndpointError::InvalidClient(String::new()), Grant::Refresh, ErrorCode::InvalidClient, false),
            (EndpointError::InvalidRequest(String::new()), Grant::Exchange, ErrorCode::InvalidGrant, false),
            (EndpointError::InvalidRequest(String::new()), Grant::Refresh, ErrorCode::UpstreamRefused, false),
            (
                EndpointError::Refused { status: 400, reason: String::new() },
                Grant::Refresh,
                ErrorCode::UpstreamRefused,
                false,
            ),
            (
                EndpointError::Unavailable { status: 502 },
                Grant::Refresh,
                ErrorCode::UpstreamUnavailable,
                true,
            ),
            (
                EndpointError::Redirected { host: host() },
                Grant::Refresh,
                ErrorCode::UpstreamUnavailable,
                false,
            ),
            (EndpointError::Garbage, Grant::Refresh, ErrorCode::RefreshInterrupted, true),
            (timeout(), Grant::Refresh, ErrorCode::RefreshInterrupted, true),
            (timeout(), Grant::Exchange, ErrorCode::UpstreamUnavailable, false),
            (dns, Grant::Refresh, ErrorCode::UpstreamUnavailable, false),
        ] {
            let what = format!("{error:?}");
            let refused = refused(error, grant);
            assert_eq!((refused.code, refused.unknown), (code, unknown), "{what}");
        }
        let of_client = |grant| refused(EndpointError::InvalidClient("no".to_owned()), grant);
        let (refresh, exchange) = (of_client(Grant::Refresh), of_client(Grant::Exchange));
        assert_eq!((refresh.code, exchange.code), (ErrorCode::InvalidClient, ErrorCode::InvalidClient));
        assert!(!refresh.words.contains("redirect_uri") && exchange.words.contains("redirect_uri"));
        assert_eq!(exchange.reason, refresh.reason, "the log has Jira's words");
        let limited = refused(EndpointError::RateLimited { retry_after: Some(17) }, Grant::Refresh);
        assert_eq!((limited.code, limited.retry_after), (ErrorCode::UpstreamRateLimited, Some(17)));
    }
}
