//! How a server differs from the usual one: certificates that are renewed while it runs, refusals in its own
//! words, and what it does when it is full.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::body::Body;
use http::Response;
use http::request::Parts;
use ipnet::IpNet;
use rustls::ServerConfig;
use tokio::sync::watch;

use super::guard::Refusal;

/// Makes the answer to a request that goes no further.
pub type Refuse = dyn Fn(Refusal, &Parts) -> Response<Body> + Send + Sync;

/// Looks at a header, and has an answer already or none.
pub type Gate = dyn Fn(&mut Parts) -> Option<Response<Body>> + Send + Sync;

/// Makes the answer for a connection for which there is no place.
pub type Busy = dyn Fn(NoRoom) -> Vec<u8> + Send + Sync;

/// How one server is.
pub struct Manners {
    /// What each new connection is encrypted with; without it, plain connections are served.
    pub tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    /// The answer to a request that goes no further. The connection is closed with it.
    pub refusal: Arc<Refuse>,
    /// Looks at the header of a request before a byte of its body is read: whoever may not ask must not make the
    /// server hold or await what is not going to be looked at. The answer, if there is one already; the body is given a
    /// second to come and is thrown away, and a connection whose body is on its way still is closed with the answer. What
    /// was found out may be left in the extensions.
    pub gate: Arc<Gate>,
    /// What becomes of a connection for which there is no place.
    pub full: Full,
    /// Whose connections are not counted by address: those of proxies.
    pub exempt: Vec<IpNet>,
    /// How many connections there are, kept up to date.
    pub open: Arc<AtomicUsize>,
    /// Hears of whatever did not get as far as a request.
    pub hear: Arc<dyn Fn(Unserved<'_>) + Send + Sync>,
}

impl Default for Manners {
    fn default() -> Self {
        Manners {
            tls: None,
            refusal: Arc::new(|refusal, _| refusal.response()),
            gate: Arc::new(|_| None),
            full: Full::Wait,
            exempt: Vec::new(),
            open: Arc::default(),
            hear: Arc::new(|unserved| {
                if let Unserved::Unaccepted(error) = unserved {
                    log::warn!("a connection cannot be accepted: {error}");
                }
            }),
        }
    }
}

/// What becomes of a connection for which there is no place.
#[derive(Clone)]
pub enum Full {
    /// It waits in the kernel's backlog.
    Wait,
    /// It ends, and is told so first if it is a plain one: a whole answer, with its header.
    Tell(Arc<Busy>),
}

/// A connection for which there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// From here.
    pub peer: IpAddr,
    /// Whose places are taken.
    pub taken: Taken,
}

/// Whose places are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Everybody's: there are as many connections as there may be.
    All,
    /// Those of this address: there are as many from it as there may be.
    OfAddress {
        /// Whether it is the first one of many.
        first: bool,
    },
}

/// A connection that came to nothing, though there was a place for it.
#[derive(Debug)]
pub enum Unserved<'a> {
    /// It could not be accepted: there are no descriptors or there is no memory.
    Unaccepted(&'a io::Error),
    /// Something is wrong with what came from here.
    Broken {
        /// From here.
        peer: IpAddr,
        /// What it is.
        how: Broken<'a>,
    },
}

/// What is wrong with what came, or did not come.
#[derive(Debug)]
pub enum Broken<'a> {
    /// What came is no HTTP; 400 was answered.
    Malformed,
    /// The header or the target of a request is over the cap; 431 or 414 was answered.
    TooLarge,
    /// The TLS handshake failed.
    Handshake(&'a io::Error),
    /// The TLS handshake was not over in time.
    SlowHandshake,
    /// The header of a request began and did not end in time.
    SlowHeader,
    /// Not a byte of a request came in time.
    Idle,
    /// The peer went away in the middle of a header or a body.
    CutOff,
}
