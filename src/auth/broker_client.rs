//! The broker as its client sees it: it stands between this program and Jira's token endpoint, for
//! applications whose secret must not be in anybody's hands.
//!
//! What is said is in [`wire`](super::wire); what a refusal means to the command is in `broker_fault`. A broker
//! replays the answer to a refresh for a while, so a refresh that got none is asked for again with the same token.

use std::time::Duration;

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ::http::{HeaderValue, Method};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::config::{BaseUrl, ClientId};
use crate::http::{self, Client, HttpError, Request, Target};
use crate::secret::Secret;

use super::broker_fault::{BrokerError, Fault};
use super::endpoint::Revocation;
use super::session::Tokens;
use super::wire::{self, ErrorCode, Exchange, Pair, Refresh, Refusal, Revoke, Revoked};

/// One of several tries. All of them and the pauses together take less than siblings wait for the lock (40 s),
/// and less than the program's end waits for a session that is being saved (30 s). A try may end before the
/// broker's call to Jira does: the next one joins that call.
const TRY: Duration = Duration::from_secs(9);

/// Before the second and the third try: time enough for another replica to take the place of one that ends.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// The one try that an exchange has.
const ONLY_TRY: Duration = Duration::from_secs(25);

const _: () = assert!(TRY.as_millis() * 3 + PAUSES[0].as_millis() + PAUSES[1].as_millis() < 30_000);

const ANSWER_CAP: usize = 256 * 1024;

/// More than any broker takes to name a request.
const REQUEST_ID_CAP: usize = 128;

/// One broker.
#[derive(Clone, Debug)]
pub struct BrokerClient {
    client: Client,
    url: BaseUrl,
    token: Option<Secret>,
}

/// Whether a call may be made again although it may have reached the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// It says the same as the first one, to the broker or to Jira.
    Harmless,
    /// Jira kills the tokens of a code that is redeemed twice.
    IfUnsent,
}

/// What came back.
struct Answer {
    status: u16,
    retry_after: Option<u64>,
    request_id: Option<String>,
    /// Where it leads, if it is a redirect.
    leads_to: Option<String>,
    body: Secret,
}

impl Answer {
    fn refusal(&self) -> Option<Refusal> {
        serde_json::from_str(self.body.expose()).ok()
    }

    /// 503 `draining`.
    fn is_draining(&self) -> bool {
        self.status == 503 && self.refusal().is_some_and(|refusal| refusal.error == ErrorCode::Draining)
    }
}

impl BrokerClient {
    /// The broker at `url`; `token` is what it knows this caller by.
    pub fn new(client: Client, url: BaseUrl, token: Option<Secret>) -> Self {
        BrokerClient { client, url, token }
    }

    /// Has a refresh token spent.
    pub async fn refresh(
        &self,
        client_id: &ClientId,
        refresh_token: &Secret,
        redirect_uri: Option<&str>,
    ) -> Result<Tokens, BrokerError> {
        let body = wire::body(&Refresh {
            refresh_token: refresh_token.clone(),
            client_id: Some(client_id.as_str().to_owned()),
            redirect_uri: redirect_uri.map(str::to_owned),
        });
        self.ask(wire::REFRESH_PATH, &body, Again::Harmless, pair).await
    }

    /// Has an authorization code redeemed.
    pub async fn exchange(
        &self,
        client_id: &ClientId,
        code: &Secret,
        code_verifier: &Secret,
        redirect_uri: &str,
    ) -> Result<Tokens, BrokerError> {
        let body = wire::body(&Exchange {
            code: code.clone(),
            code_verifier: code_verifier.clone(),
            redirect_uri: redirect_uri.to_owned(),
            client_id: Some(client_id.as_str().to_owned()),
        });
        let asked = self.ask(wire::EXCHANGE_PATH, &body, Again::IfUnsent, pair).await;
        // A broker that has never heard of it says what is not there; ours says that it does not do it.
        asked.map_err(|error| match error.fault {
            Fault::Protocol { status: 404 | 405, .. }
            | Fault::Protocol { word: Some(ErrorCode::ExchangeDisabled), .. } => {
                BrokerError { fault: Fault::NoExchange, ..error }
            }
            // What was asked is whole; these are Jira's words for a code that came too late.
            Fault::Protocol { status: 400, word: Some(ErrorCode::InvalidRequest), .. } => {
                BrokerError { fault: Fault::InvalidGrant, ..error }
            }
            _ => error,
        })
    }

    /// Has a session forgotten. Jira says yes to a token that is gone already, so it may be asked twice.
    pub async fn revoke(
        &self,
        client_id: &ClientId,
        refresh_token: &Secret,
    ) -> Result<Revocation, BrokerError> {
        let body = wire::body(&Revoke {
            refresh_token: refresh_token.clone(),
            client_id: Some(client_id.as_str().to_owned()),
        });
        let revoked = |answer: Revoked| Some(answer.revocation);
        match self.ask(wire::REVOKE_PATH, &body, Again::Harmless, revoked).await {
            // go-jira's broker refreshes and does nothing else.
            Err(BrokerError { fault: Fault::Protocol { status: 404 | 405, .. }, .. }) => {
                Ok(Revocation::Unsupported)
            }
            asked => asked,
        }
    }

    /// Asks until there is an answer, three times at most, and reads it.
    async fn ask<A: DeserializeOwned, T>(
        &self,
        path: &'static str,
        body: &Secret,
        again: Again,
        read: impl Fn(A) -> Option<T>,
    ) -> Result<T, BrokerError> {
        let error = |fault| BrokerError::new(self.url.host(), fault);
        if self.token.as_ref().is_some_and(|token| !token.is_visible_ascii()) {
            return Err(error(Fault::Unsendable));
        }
        let mut pauses = PAUSES.into_iter();
        let mut unanswered = false;
        loop {
            match self.post(path, body, again).await {
                // It is about to end and has not touched what was sent; its successor, or its sibling, takes it.
                Ok(answer) if answer.is_draining() && pauses.len() > 0 => {
                    tokio::time::sleep(pauses.next().unwrap_or_default()).await;
                }
                Ok(answer) => {
                    let judged = self.judge(answer, read);
                    return judged.map_err(|error| BrokerError { unanswered, ..error });
                }
                Err(problem) if problem.is_lasting() => return Err(error(Fault::Connection(problem))),
                Err(problem) => {
                    unanswered |= problem.may_have_been_sent();
                    let pause = pauses.next().filter(|_| again == Again::Harmless || !unanswered);
                    let Some(pause) = pause else {
                        let fault = Fault::Silent { reason: problem.to_string() };
                        return Err(BrokerError { unanswered, ..error(fault) });
                    };
                    log::info!("the broker gave no answer and is asked again: {problem}");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn post(&self, path: &'static str, body: &Secret, again: Again) -> Result<Answer, HttpError> {
        let timeout = if again == Again::Harmless { TRY } else { ONLY_TRY };
        let json = HeaderValue::from_static("application/json");
        let mut request = Request::new(Method::POST, Target::new(self.url.under(path))?, timeout)
            .header(CONTENT_TYPE, json.clone())
            .header(ACCEPT, json)
            .wiped(body.expose().to_owned());
        if let Some(token) = &self.token {
            let text = Zeroizing::new(format!("Bearer {}", token.expose()));
            let mut bearer = HeaderValue::from_str(&text).map_err(|_| HttpError::Unsendable)?;
            bearer.set_sensitive(true);
            request = request.header(AUTHORIZATION, bearer);
        }
        let answer = self.client.send(request).await?;
        let status = answer.status().as_u16();
        let retry_after = http::retry_after(answer.headers());
        let header = |name| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
        let request_id = header("x-request-id");
        let leads_to = answer.location().and_then(|to| Some(to.host_str()?.to_owned()));
        let body = match http::read_secret(answer, ANSWER_CAP).await {
            Ok(body) => Secret::from_utf8_lossy(body),
            // It did answer, and as no broker does.
            Err(HttpError::TooLarge { .. }) => Secret::new(""),
            Err(error) => return Err(error),
        };
        Ok(Answer { status, retry_after, request_id, leads_to, body })
    }

    fn judge<A: DeserializeOwned, T>(
        &self,
        answer: Answer,
        read: impl Fn(A) -> Option<T>,
    ) -> Result<T, BrokerError> {
        let refusal = answer.refusal();
        let Answer { status, retry_after, request_id, leads_to, body } = answer;
        let word = refusal.as_ref().map(|refusal| refusal.error);
        let fault = match (status, word) {
            (200, _) => match serde_json::from_str(body.expose()).ok().and_then(read) {
                Some(read) => return Ok(read),
                None => Fault::Protocol { status, word: None, leads_to },
            },
            (400, Some(ErrorCode::InvalidGrant)) => Fault::InvalidGrant,
            (401, _) => Fault::Refused { with_token: self.token.is_some() },
            (429, _) => Fault::RateLimited,
            (502, Some(ErrorCode::InvalidClient)) => Fault::Misconfigured,
            (503, Some(ErrorCode::RefreshInterrupted)) => Fault::Interrupted,
            (408 | 500.., word) => Fault::Down { status, word },
            (_, word) => Fault::Protocol { status, word, leads_to },
        };
        let named = refusal.map(|refusal| refusal.request_id).filter(|id| !id.is_empty()).or(request_id);
        let request_id =
            named.filter(|id| id.len() <= REQUEST_ID_CAP && id.chars().all(|c| c.is_ascii_graphic()));
        Err(BrokerError { retry_after, request_id, ..BrokerError::new(self.url.host(), fault) })
    }
}

fn pair(pair: Pair) -> Option<Tokens> {
    pair.tokens()
}
