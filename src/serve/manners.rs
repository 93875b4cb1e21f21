//! How a server differs from the usual one: certificates that are renewed while it runs, refusals in its own
//! words, and what it does when it is full.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::body::Body;
use http::Response;
use rustls::ServerConfig;
use tokio::sync::watch;

use super::guard::Refusal;

/// What a plain connection is told for which there is no place.
pub(super) const NO_ROOM: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    cache-control: no-store\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 92\r\n\r\n\
    {\"error\":\"overloaded\",\"error_description\":\"There are too many connections.\",\"request_id\":\"\"}";

/// How one server is.
pub struct Manners {
    /// What each new connection is encrypted with; without it, plain connections are served.
    pub tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    /// The answer to a request that goes no further. The connection is closed with it.
    pub refusal: Arc<dyn Fn(Refusal) -> Response<Body> + Send + Sync>,
    /// What becomes of a connection for which there is no place.
    pub full: Full,
    /// How many connections there are, kept up to date.
    pub open: Arc<AtomicUsize>,
}

impl Default for Manners {
    fn default() -> Self {
        Manners { tls: None, refusal: Arc::new(Refusal::response), full: Full::Wait, open: Arc::default() }
    }
}

/// What becomes of a connection for which there is no place.
pub enum Full {
    /// It waits in the kernel's backlog.
    Wait,
    /// It is told so, and ends; whoever counts hears of it.
    Tell(Arc<dyn Fn() + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use super::NO_ROOM;

    #[test]
    fn what_is_told_has_the_length_that_it_says() {
        let text = std::str::from_utf8(NO_ROOM).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
    }
}
