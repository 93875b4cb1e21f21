//! A listener that can stand: deadlines for everything a peer may be slow at, caps on everything it may
//! send too much of, a refusal for every request whose end or host is in doubt, and a drain at the end.
//!
//! The loopback callback of the login, the sandbox, the broker and MCP all stand on this one
//! (`docs/ARCHITECTURE.md`). `axum::serve` has no header or body deadline, and serves a request with both
//! Content-Length and Transfer-Encoding, and one without Host: so it is not used.

mod certificate;
mod connection;
mod guard;
mod manners;
mod patience;
mod peers;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use futures_util::future::{self, BoxFuture};
use http::{Request, Response};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

pub use certificate::{Minted, ServeError, from_pem, from_pem_for_clients, mint};
pub use connection::PeerCertificate;
pub use guard::{CloseUnanswered, Refusal};
pub use manners::{Broken, Busy, Full, Gate, Manners, NoRoom, Refuse, Taken, Unserved};

use connection::Shared;
pub use peers::block;
use peers::{Peers, Seat};

/// Connections that the kernel keeps for us before they are accepted. 128 is the default, and a burst
/// of callers overruns it.
const BACKLOG: u32 = 4096;

/// The first and the longest pause after `accept` failed for want of file descriptors or memory.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Answers one request.
pub type Handler = Box<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// What a peer may take, in time and size.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long the header of a request may take to arrive, and how long a connection may be idle.
    /// Default 10 s.
    pub header: Duration,
    /// How long the body of a request may take to arrive, from the end of its header; then 408.
    /// Default 30 s.
    pub body: Duration,
    /// How long a write may make no progress before the connection is given up. Default 30 s.
    pub write: Duration,
    /// How long a TLS handshake may take. Default 10 s.
    pub handshake: Duration,
    /// How long requests in flight may go on after the shutdown began; a body may arrive for half of it.
    /// Default 10 s.
    pub grace: Duration,
    /// The largest body taken, in bytes; more is 413, before a byte of it is read. Default 1 MiB.
    pub max_body: u64,
    /// Connections served at a time; what becomes of more is said by [`Full`]. Default 1024.
    pub connections: usize,
    /// Of which from one address, or one network of IPv6 (/64). Default: as many as there are.
    pub per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header: Duration::from_secs(10),
            body: Duration::from_secs(30),
            write: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            max_body: 1024 * 1024,
            connections: 1024,
            per_address: usize::MAX,
        }
    }
}

/// Binds a listener with a long backlog. Port 0 takes any free one.
///
/// On Unix the address may be taken again while connections of an earlier process linger; on Windows
/// the same option would let a second process share the port, so it is not set there.
pub fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Serves the router on every listener, until `shutdown` is ready and what was in flight has been
/// answered, or the grace is over.
///
/// Before the router sees a request it has exactly one `Host`, no `Transfer-Encoding`, and a body that
/// is whole and within the cap. The peer's address is there as `axum::extract::ConnectInfo<SocketAddr>`.
/// With `tls`, plain connections are not served.
pub async fn serve(
    listeners: Vec<TcpListener>,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let tls = tls.map(|config| watch::channel(config).1);
    let cap = usize::try_from(limits.max_body).unwrap_or(usize::MAX);
    let router = router.layer(DefaultBodyLimit::max(cap));
    let handler: Handler = Box::new(move |request| {
        let answered = router.clone().oneshot(request);
        Box::pin(async { answered.await.unwrap_or_else(|never: Infallible| match never {}) })
    });
    serve_with(listeners, handler, limits, Manners { tls, ..Manners::default() }, shutdown).await;
}

/// The same with manners of one's own, and without a router: who has but a few paths needs none.
pub async fn serve_with(
    listeners: Vec<TcpListener>,
    handler: Handler,
    limits: Limits,
    manners: Manners,
    shutdown: impl Future<Output = ()>,
) {
    let peers = Peers::new(limits.per_address, manners.exempt.clone());
    let shared = Arc::new(Shared { handler, limits, manners, peers });
    let places = Arc::new(Semaphore::new(limits.connections));
    let (stop, stopping) = watch::channel(false);
    let loops = listeners.into_iter().map(|listener| {
        accept_until_stopped(listener, Arc::clone(&shared), Arc::clone(&places), stopping.clone())
    });
    let ending = async {
        shutdown.await;
        stop.send_replace(true);
    };
    future::join(future::join_all(loops), ending).await;
}

async fn accept_until_stopped(
    listener: TcpListener,
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut pause = ACCEPT_PAUSE.0;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stopping) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places, &shared) => accepted,
        };
        match accepted {
            Ok(Some((stream, peer, place))) => {
                pause = ACCEPT_PAUSE.0;
                let open = Open::count(&shared.manners.open);
                let (shared, stopping) = (Arc::clone(&shared), stopping.clone());
                connections.spawn(async move {
                    connection::run(stream, peer, &shared, stopping).await;
                    drop((open, place));
                });
            }
            Ok(None) => {}
            Err(error) if is_the_peers(&error) => {}
            // No descriptor or no memory: they come back when connections end, so neither spin nor die.
            Err(error) => {
                (shared.manners.hear)(Unserved::Unaccepted(&error));
                tokio::select! {
                    () = stopped(&mut stopping) => break,
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(ACCEPT_PAUSE.1),
                }
            }
        }
    }
    drop(listener);
    drain(connections, shared.limits.grace).await;
}

/// A connection with what it holds as long as it lasts.
type Accepted = (TcpStream, SocketAddr, (OwnedSemaphorePermit, Seat));

/// Takes a connection and a place for it. Who finds none waits in the backlog, unless he is to be told: then
/// there is no connection here. So it is for an address that has as many as it may.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    shared: &Shared,
) -> io::Result<Option<Accepted>> {
    let Manners { full, tls, .. } = &shared.manners;
    let kept = match full {
        Full::Wait => Some(Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?),
        Full::Tell(_) => None,
    };
    let (stream, peer) = listener.accept().await?;
    let taken = match shared.peers.take(peer.ip()) {
        Ok(seat) => match kept.or_else(|| Arc::clone(places).try_acquire_owned().ok()) {
            Some(place) => return Ok(Some((stream, peer, (place, seat)))),
            None => Taken::All,
        },
        Err(first) => Taken::OfAddress { first },
    };
    if let Full::Tell(busy) = full {
        let words = busy(NoRoom { peer: peer.ip(), taken });
        if tls.is_none() {
            // Nobody waits for it to be heard: that would be a connection again.
            let _ = stream.try_write(&words);
        }
    }
    Ok(None)
}

/// One connection among those that are counted.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn count(all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(all))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the connection failed, not our accepting.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn drain(mut connections: JoinSet<()>, grace: Duration) {
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, all_ended).await.is_err() {
        connections.shutdown().await;
    }
}

/// Ready when the shutdown has begun, or whoever could begin it is gone.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error says that the sender is gone, which is a shutdown as well.
    let _ = stopping.wait_for(|stop| *stop).await;
}
