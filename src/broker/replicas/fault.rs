//! What can be wrong with Redis, in few words and none of its own: they go into logs and answers.

use std::io;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use rustls::CertificateError;

use crate::broker::coordination::CoordinationError;

/// Why Redis is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("it has not been reached yet")]
    NotYet,
    #[error("it cannot be connected to: {0}")]
    Unreachable(io::ErrorKind),
    #[error("it does not answer in time")]
    Slow,
    #[error("it closed the connection")]
    Closed,
    #[error("{0}")]
    Tls(String),
    #[error("it refuses the password or the user of JIRA_BROKER_REDIS_URL")]
    Credentials,
    #[error("it does not allow its user the commands or keys that are needed")]
    Permission,
    #[error("it has no room left (maxmemory)")]
    Full,
    #[error("it takes no writes: it is a replica, has too few of them, or cannot save its data")]
    ReadOnly,
    #[error("it is still loading its data")]
    Loading,
    #[error("it is busy with somebody's script")]
    Busy,
    #[error("it is one node of a cluster, and the keys belong to others; a single Redis is needed")]
    Cluster,
    #[error("it refuses, with a reason that is not known here")]
    Refused,
    #[error("it answers what no Redis answers")]
    Garbage,
    #[error("what it holds was not sealed by a replica of this broker")]
    Foreign,
    #[error("this machine gives no random bytes")]
    Random,
}

impl Fault {
    /// Whether the connection is of no use any more, or another one may lead to another Redis.
    pub(super) fn ends_the_connection(&self) -> bool {
        use Fault::{
            Busy, Closed, Cluster, Credentials, Foreign, Full, Garbage, Loading, NotYet, Permission, Random,
            ReadOnly, Refused, Slow, Tls, Unreachable,
        };
        match self {
            // Slow: its answers to commands that are given up would pile up in front of later ones.
            // ReadOnly: after a failover the same name is another machine.
            NotYet | Unreachable(_) | Slow | Closed | Tls(_) | Credentials | ReadOnly | Garbage => true,
            Permission | Full | Loading | Busy | Cluster | Refused | Foreign | Random => false,
        }
    }

    /// Whether it says nothing of Redis as a whole.
    pub(super) fn is_of_one_token(&self) -> bool {
        matches!(self, Fault::Foreign | Fault::Random)
    }
}

impl From<Fault> for CoordinationError {
    fn from(fault: Fault) -> Self {
        CoordinationError::Unavailable(fault.to_string())
    }
}

impl From<&RedisError> for Fault {
    fn from(error: &RedisError) -> Self {
        if error.is_timeout() {
            return Fault::Slow;
        }
        match error.kind() {
            ErrorKind::Io => Fault::Closed,
            ErrorKind::AuthenticationFailed => Fault::Credentials,
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Fault::Garbage,
            ErrorKind::Server(ServerErrorKind::NoPerm) => Fault::Permission,
            ErrorKind::Server(ServerErrorKind::BusyLoading) => Fault::Loading,
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => Fault::ReadOnly,
            ErrorKind::Server(
                ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::CrossSlot
                | ServerErrorKind::TryAgain,
            ) => Fault::Cluster,
            _ => by_words(error.code().unwrap_or_default(), error.detail().unwrap_or_default()),
        }
    }
}

/// Codes that the library does not know; and Redis 6, which puts the code of what failed inside a script into
/// the text of an `ERR`. What a script's user may not do has no code there, nor in Redis 7.0.
fn by_words(code: &str, detail: &str) -> Fault {
    let is = |word: &str| code == word || detail.split([' ', '-']).any(|part| part == word);
    if is("OOM") {
        Fault::Full
    } else if is("READONLY") || is("MISCONF") || is("NOREPLICAS") {
        Fault::ReadOnly
    } else if is("NOAUTH") || is("WRONGPASS") {
        Fault::Credentials
    } else if is("NOPERM") || detail.starts_with("The user executing the script can't") {
        Fault::Permission
    } else if is("BUSY") {
        Fault::Busy
    } else if is("WRONGTYPE") {
        Fault::Foreign
    } else {
        Fault::Refused
    }
}

/// A handshake that failed. The peer's own words are left out: anybody may have written them.
pub(super) fn handshake(error: &io::Error) -> Fault {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Fault::Tls(
                "it ends the TLS handshake; does it speak TLS, or ask for a client certificate?".into(),
            ),
            kind => Fault::Unreachable(kind),
        };
    };
    Fault::Tls(match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate does not lead to a trusted root (--redis-ca)".into()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another name".into(),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired".into(),
        // Ours: the roots could not be read.
        rustls::Error::General(reason) => reason.clone(),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS".into(),
        _ => "the TLS handshake with it fails".into(),
    })
}
