//! What a broker refuses or leaves unanswered, and what each of it is to the command.

use std::fmt;

use thiserror::Error;

use crate::error::{Actor, Code, Failure, Hint};
use crate::http::HttpError;

use super::wire::ErrorCode;

/// Why the broker did not do what was asked.
#[derive(Clone, Debug, Error)]
#[error("{}", Told(self))]
pub struct BrokerError {
    /// The broker's host.
    pub host: String,
    /// Why.
    pub fault: Fault,
    /// What the broker's log calls the request.
    pub request_id: Option<String>,
    /// Whole seconds to wait, if it said so.
    pub retry_after: Option<u64>,
    /// Whether a try got no answer although it may have reached the broker. What the answer to a later one says
    /// of the token is then true of the token after both.
    pub unanswered: bool,
}

/// The same, told apart.
#[derive(Clone, Debug)]
pub enum Fault {
    /// 400 `invalid_grant`: Jira refused the refresh token, or the code.
    InvalidGrant,
    /// 401: the caller token is missing or wrong.
    Refused {
        /// Whether one was sent.
        with_token: bool,
    },
    /// 502 `invalid_client`: the broker's secret is wrong.
    Misconfigured,
    /// 429.
    RateLimited,
    /// 503 `refresh_interrupted`: nobody knows what became of the token.
    Interrupted,
    /// It does not exchange codes.
    NoExchange,
    /// Any other answer that says "later": 5xx, or 408.
    Down {
        /// The HTTP status.
        status: u16,
        /// The broker's word, if it is a broker's.
        word: Option<ErrorCode>,
    },
    /// No answer, although asked again.
    Silent {
        /// What happened at the last try.
        reason: String,
    },
    /// An answer that no broker gives to what this program asks.
    Protocol {
        /// The HTTP status.
        status: u16,
        /// The broker's word, if it is a broker's.
        word: Option<ErrorCode>,
        /// The host that a redirect points to; it is not followed.
        leads_to: Option<String>,
    },
    /// No connection that could be used: an untrusted certificate, roots or a proxy that are none.
    Connection(HttpError),
    /// The caller token is no token.
    Unsendable,
}

impl BrokerError {
    /// A fault of the broker at `host`, with nothing else known.
    pub fn new(host: String, fault: Fault) -> Self {
        BrokerError { host, fault, request_id: None, retry_after: None, unanswered: false }
    }

    /// Whether it is certain that the refresh token was not spent.
    pub fn leaves_the_token_alone(&self) -> bool {
        if self.unanswered {
            return false;
        }
        match &self.fault {
            Fault::Refused { .. }
            | Fault::Misconfigured
            | Fault::RateLimited
            | Fault::NoExchange
            | Fault::Silent { .. }
            | Fault::Connection(_)
            | Fault::Unsendable => true,
            Fault::Down { word, .. } => matches!(
                word,
                Some(
                    ErrorCode::Overloaded
                        | ErrorCode::Draining
                        | ErrorCode::UpstreamRateLimited
                        | ErrorCode::RequestTimeout
                )
            ),
            // An answer of 200 that cannot be read may have held the successor.
            Fault::Protocol { status, .. } => *status != 200,
            Fault::InvalidGrant | Fault::Interrupted => false,
        }
    }
}

/// The sentence. It is a type so that the match below stands beside the others.
struct Told<'a>(&'a BrokerError);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.0.host;
        let said =
            |word: &Option<ErrorCode>| word.map_or(String::new(), |word| format!(" {}", word.as_str()));
        match &self.0.fault {
            Fault::InvalidGrant => {
                write!(f, "the broker at {host} asked Jira, and Jira refused the grant")
            }
            Fault::Refused { with_token: true } => {
                write!(
                    f,
                    "the broker at {host} does not know the caller token that was sent (JIRA_BROKER_TOKEN)"
                )
            }
            Fault::Refused { with_token: false } => {
                write!(f, "the broker at {host} wants a caller token, and JIRA_BROKER_TOKEN is not set")
            }
            Fault::Misconfigured => {
                write!(f, "the broker at {host} has the wrong client ID or secret for this Jira")
            }
            Fault::RateLimited => write!(f, "the broker at {host} limits the rate of requests"),
            Fault::Interrupted => write!(
                f,
                "a refresh with this session's token was cut off between the broker at {host} and Jira, and what became \
                 of the token is not known yet. The session is kept: ask again, and if Jira refuses the token then, log \
                 in"
            ),
            Fault::NoExchange => write!(f, "the broker at {host} does not exchange the codes of logins"),
            Fault::Down { status, word } => {
                let meaning = word.map_or("", ErrorCode::meaning).trim_end_matches('.');
                let meaning = if meaning.is_empty() { String::new() } else { format!(". {meaning}") };
                write!(f, "the broker at {host} is not available (status {status}{}){meaning}", said(word))
            }
            Fault::Silent { reason } => write!(f, "the broker at {host} is not available: {reason}"),
            Fault::Protocol { leads_to: Some(to), .. } => {
                write!(f, "the broker at {host} redirects to {to}; it is not followed")
            }
            Fault::Protocol { status, word: Some(ErrorCode::InvalidClientId), .. } => {
                write!(
                    f,
                    "the broker at {host} stands for another client ID than the session's (status {status})"
                )
            }
            Fault::Protocol { status, word, leads_to: None } => {
                write!(f, "{host} does not answer as a broker does (status {status}{})", said(word))
            }
            Fault::Connection(error) => error.fmt(f),
            Fault::Unsendable => {
                write!(
                    f,
                    "JIRA_BROKER_TOKEN holds a character that cannot be sent: a token is one word of printable ASCII"
                )
            }
        }
    }
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        let text = error.to_string();
        let failure = match error.fault {
            Fault::InvalidGrant => Failure::new(Code::SessionEnded, text).hint(Hint::Login { site: None }),
            Fault::Refused { .. } => {
                Failure::new(Code::BrokerRefused, text).status(401).hint(Hint::BrokerToken)
            }
            Fault::Misconfigured => Failure::new(Code::BrokerMisconfigured, text).status(502),
            Fault::RateLimited => Failure::new(Code::RateLimited, text).status(429),
            Fault::Interrupted => Failure::new(Code::RefreshInterrupted, text).status(503),
            Fault::NoExchange => Failure::new(Code::LoginDenied, text).actor(Actor::Operator),
            Fault::Down { status, .. } => Failure::new(Code::BrokerDown, text).status(status),
            Fault::Silent { .. } => Failure::new(Code::BrokerDown, text),
            Fault::Protocol { status, .. } => Failure::new(Code::BrokerProtocol, text).status(status),
            Fault::Connection(error) => error.into(),
            Fault::Unsendable => Failure::new(Code::BadValue, text),
        };
        Failure { request_id: error.request_id, retry_after: error.retry_after, ..failure }
    }
}
