//! The broker as its client sees it: `POST /v1/refresh`, instead of Jira's token endpoint, for
//! applications whose secret must not be in anybody's hands.
//!
//! The broker replays an answer for a while, so a call that got none is asked again with the same token.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::config::{BaseUrl, ClientId};
use crate::http::{self, Client, HttpError};
use crate::secret::Secret;

use super::session::Tokens;

/// One try. All of them together take less than siblings wait for the lock, and less than the program's end
/// waits for a session that is being saved.
const TIMEOUT: Duration = Duration::from_secs(9);

/// How often a call without an answer is made.
const TRIES: usize = 3;

const ANSWER_CAP: usize = 256 * 1024;

/// One broker.
#[derive(Clone, Debug)]
pub struct BrokerClient {
    client: Client,
    url: BaseUrl,
    token: Option<Secret>,
}

/// Why the broker gave no tokens.
#[derive(Clone, Debug, Error)]
pub enum BrokerError {
    /// Jira refused the refresh token.
    #[error("Jira refused the refresh token")]
    InvalidGrant,
    /// 401: our own caller token is missing or wrong.
    #[error("the broker at {host} does not know this caller")]
    Refused {
        /// The broker's host.
        host: String,
    },
    /// 502 `invalid_client`: the broker's secret is wrong.
    #[error("the broker at {host} has the wrong client secret for this Jira")]
    Misconfigured {
        /// The broker's host.
        host: String,
    },
    /// 429.
    #[error("the broker at {host} limits the rate of requests")]
    RateLimited {
        /// The broker's host.
        host: String,
        /// Whole seconds, if it said so.
        retry_after: Option<u64>,
    },
    /// 5xx, or no answer although asked again.
    #[error("the broker at {host} is not available: {reason}")]
    Down {
        /// The broker's host.
        host: String,
        /// What happened.
        reason: String,
        /// Whether a request can have reached it.
        sent: bool,
    },
    /// Its certificate is not trusted.
    #[error(transparent)]
    Untrusted(HttpError),
    /// An answer that no broker gives.
    #[error("{host} does not answer as a broker does (status {status})")]
    Protocol {
        /// The broker's host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
}

impl BrokerError {
    /// Whether it is certain that the refresh token was not spent.
    pub fn leaves_the_token_alone(&self) -> bool {
        match self {
            BrokerError::Down { sent, .. } => !sent,
            BrokerError::Refused { .. } | BrokerError::RateLimited { .. } | BrokerError::Untrusted(_) => true,
            BrokerError::Misconfigured { .. } => true,
            BrokerError::InvalidGrant | BrokerError::Protocol { .. } => false,
        }
    }
}

#[derive(Deserialize)]
struct Pair {
    access_token: Secret,
    refresh_token: Secret,
    expires_in: u64,
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl BrokerClient {
    /// The broker at `url`; `token` is what it knows this caller by.
    pub fn new(client: Client, url: BaseUrl, token: Option<Secret>) -> Self {
        BrokerClient { client, url, token }
    }

    /// Has a refresh token spent. Asked up to three times while there is no answer.
    pub async fn refresh(
        &self,
        client_id: &ClientId,
        refresh_token: &Secret,
        redirect_uri: Option<&str>,
    ) -> Result<Tokens, BrokerError> {
        let mut body = serde_json::json!({
            "refresh_token": refresh_token.expose(),
            "client_id": client_id.as_str(),
        });
        if let Some(uri) = redirect_uri {
            body["redirect_uri"] = uri.into();
        }
        let body = body.to_string();
        let mut sent = false;
        let mut last = String::new();
        for _ in 0..TRIES {
            match self.ask(&body).await {
                Ok(outcome) => return outcome,
                Err(error @ HttpError::Untrusted { .. }) => return Err(BrokerError::Untrusted(error)),
                Err(error) => {
                    sent |= error.may_have_been_sent();
                    last = error.to_string();
                }
            }
        }
        Err(BrokerError::Down { host: self.url.host(), reason: last, sent })
    }

    async fn ask(&self, body: &str) -> Result<Result<Tokens, BrokerError>, HttpError> {
        let host = self.url.host();
        let mut request = self
            .client
            .post(self.url.join("/v1/refresh"))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .timeout(TIMEOUT)
            .body(body.to_owned());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let answer = request.send().await.map_err(|error| HttpError::new(&error, &host))?;
        let status = answer.status().as_u16();
        let retry_after = http::retry_after(answer.headers());
        let body = Secret::from_utf8_lossy(http::read(answer, ANSWER_CAP).await?);
        Ok(self.judge(status, retry_after, &body))
    }

    fn judge(&self, status: u16, retry_after: Option<u64>, body: &Secret) -> Result<Tokens, BrokerError> {
        let host = self.url.host();
        let error = serde_json::from_str::<Refusal>(body.expose()).map(|refusal| refusal.error);
        match (status, error.as_deref()) {
            (200, _) => {
                let pair: Option<Pair> = serde_json::from_str(body.expose()).ok();
                let pair = pair.filter(|pair| {
                    pair.access_token.is_visible_ascii() && pair.refresh_token.is_visible_ascii()
                });
                let pair = pair.ok_or(BrokerError::Protocol { host, status })?;
                Ok(Tokens {
                    access_token: pair.access_token,
                    refresh_token: pair.refresh_token,
                    expires_in: pair.expires_in,
                    scope: pair.scope,
                })
            }
            (400, Ok("invalid_grant")) => Err(BrokerError::InvalidGrant),
            (401, _) => Err(BrokerError::Refused { host }),
            (429, _) => Err(BrokerError::RateLimited { host, retry_after }),
            (502, Ok("invalid_client")) => Err(BrokerError::Misconfigured { host }),
            (500.., _) => {
                Err(BrokerError::Down { host, reason: format!("it answered {status}"), sent: true })
            }
            _ => Err(BrokerError::Protocol { host, status }),
        }
    }
}
