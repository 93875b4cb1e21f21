//! Why a request got no answer, told apart by whether it can have reached the server.

use std::error::Error as StdError;

use hyper_util::client::legacy;
use thiserror::Error;

use super::connect::{UnknownName, Unreached};
use crate::error::{Code, Failure};

/// Why a request got no usable answer.
#[derive(Clone, Debug, Error)]
pub enum HttpError {
    /// The host's name is not known.
    #[error("the name service does not know {host}")]
    Dns {
        /// The host asked for.
        host: String,
    },
    /// Nobody listens there, or the way is cut.
    #[error("cannot connect to {host}: {reason}")]
    Connect {
        /// The host asked for.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// The certificate does not prove that it is this host.
    #[error("the certificate of {host} is not trusted: {reason}")]
    Untrusted {
        /// The host asked for.
        host: String,
        /// The TLS library's words.
        reason: String,
    },
    /// What answers there does not speak TLS.
    #[error("{host} does not speak TLS on that port: is it http, or another port?")]
    NotTls {
        /// The host asked for.
        host: String,
    },
    /// The request was sent, and no answer came in time.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host asked.
        host: String,
    },
    /// The request was sent, and the connection ended before the answer did.
    #[error("the connection to {host} ended before the answer did: {reason}")]
    Broken {
        /// The host asked.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// The time was up before there was a connection.
    #[error("no connection to {host} was made in time")]
    NotConnected {
        /// The host.
        host: String,
    },
    /// The command's time was up before the request was sent.
    #[error("{host} was not asked: the command's time is up")]
    NoTimeLeft {
        /// The host.
        host: String,
    },
    /// The roots that somebody named cannot be used.
    #[error("the CA bundle cannot be used: {reason}")]
    Roots {
        /// The system's words.
        reason: String,
    },
    /// A credential that no header can carry.
    #[error("the credential holds a character that cannot be sent: a token is one word of printable ASCII")]
    Unsendable,
    /// The answer is larger than anything we take.
    #[error("the answer of {host} is larger than {} MiB", cap >> 20)]
    TooLarge {
        /// The host asked.
        host: String,
        /// The cap, in bytes.
        cap: usize,
    },
    /// The URL is longer than HTTP has room for.
    #[error("the request to {host} is too long: its URL would have more than 65534 bytes")]
    TooLong {
        /// The host that was to be asked.
        host: String,
    },
    /// What was named as the proxy is none that could be used.
    #[error(
        "the proxy that the environment names cannot be used: it is not the URL of an HTTP proxy, and others (SOCKS) are not supported"
    )]
    BadProxy,
}

impl HttpError {
    /// Of a request that got no answer; `host` is who was asked.
    pub(super) fn unanswered(error: &legacy::Error, host: String) -> Self {
        if !error.is_connect() {
            return HttpError::cut_off(error, host);
        }
        let unreached = chain(error).find_map(|cause| cause.downcast_ref::<Unreached>());
        let host = unreached.map_or(host, |proxy| format!("the proxy {}", proxy.host));
        match certificate_problem(error) {
            Some(Problem::Certificate(reason)) => HttpError::Untrusted { host, reason },
            Some(Problem::Roots(reason)) => HttpError::Roots { reason },
            Some(Problem::NotTls) => HttpError::NotTls { host },
            None if chain(error).any(|cause| cause.is::<UnknownName>()) => HttpError::Dns { host },
            None => HttpError::Connect { host, reason: innermost(error) },
        }
    }

    /// Of an answer that did not come to its end.
    pub(super) fn cut_off(error: &(dyn StdError + 'static), host: String) -> Self {
        HttpError::Broken { host, reason: innermost(error) }
    }

    /// Whether the request can have reached the server, so that a change may have been made.
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            HttpError::Timeout { .. } | HttpError::Broken { .. } | HttpError::TooLarge { .. } => true,
            HttpError::Dns { .. }
            | HttpError::Connect { .. }
            | HttpError::Untrusted { .. }
            | HttpError::NotTls { .. }
            | HttpError::NotConnected { .. }
            | HttpError::NoTimeLeft { .. }
            | HttpError::Roots { .. }
            | HttpError::Unsendable
            | HttpError::TooLong { .. }
            | HttpError::BadProxy => false,
        }
    }

    /// Whether the same request would fail in the same way until somebody changes something.
    pub fn is_lasting(&self) -> bool {
        match self {
            HttpError::Untrusted { .. }
            | HttpError::NotTls { .. }
            | HttpError::Roots { .. }
            | HttpError::Unsendable
            | HttpError::TooLong { .. }
            | HttpError::BadProxy => true,
            HttpError::Dns { .. }
            | HttpError::Connect { .. }
            | HttpError::Timeout { .. }
            | HttpError::Broken { .. }
            | HttpError::NotConnected { .. }
            | HttpError::NoTimeLeft { .. }
            | HttpError::TooLarge { .. } => false,
        }
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let advice = match error {
            HttpError::Untrusted { .. } => {
                "; if its CA is your company's own, name the file with --ca-bundle"
            }
            _ => "",
        };
        let code = match error {
            HttpError::Dns { .. } => Code::Dns,
            HttpError::Connect { .. } | HttpError::Broken { .. } => Code::Connect,
            HttpError::Untrusted { .. } => Code::TlsUntrusted,
            HttpError::Timeout { .. } | HttpError::NotConnected { .. } | HttpError::NoTimeLeft { .. } => {
                Code::Timeout
            }
            HttpError::Roots { .. }
            | HttpError::Unsendable
            | HttpError::NotTls { .. }
            | HttpError::TooLong { .. }
            | HttpError::BadProxy => Code::BadValue,
            HttpError::TooLarge { .. } => Code::TooLarge,
        };
        Failure::new(code, format!("{error}{advice}"))
    }
}

/// What a TLS failure is about, where it is about trust.
enum Problem {
    Certificate(String),
    /// Ours: `roots.rs` reports what it cannot read in this way.
    Roots(String),
    /// It is no TLS at all.
    NotTls,
}

fn certificate_problem(error: &(dyn StdError + 'static)) -> Option<Problem> {
    let tls = chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    match tls {
        rustls::Error::InvalidCertificate(reason) => Some(Problem::Certificate(reason.to_string())),
        rustls::Error::NoCertificatesPresented => Some(Problem::Certificate("it presented none".to_owned())),
        rustls::Error::General(reason) => Some(Problem::Roots(reason.clone())),
        rustls::Error::InvalidMessage(_) => Some(Problem::NotTls),
        _ => None,
    }
}

/// The innermost cause, which is the system's own words.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(|cause| cause.to_string()).unwrap_or_default()
}

/// The error and what caused it. An `io::Error` hides its payload from `source`, and rustls' errors travel in
/// one, or in one inside another.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause| {
        let payload = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        payload.map(|payload| payload as &(dyn StdError + 'static)).or_else(|| (*cause).source())
    })
}
