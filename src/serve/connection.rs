//! One connection from handshake to end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use futures_util::future;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::guard::{self, CloseUnanswered, Refusal};
use super::manners::{Broken, Manners, Unserved};
use super::patience::Patient;
use super::peers::Peers;
use super::{Handler, Limits, stopped};

/// How long the body of a request that is refused is read and thrown away: before the answer, so that the connection
/// may go on where the body is whole by then; and again after it, where it is not. Closing at once would make the kernel
/// send a reset, and with it the peer could lose the answer that says why.
const LINGER: Duration = Duration::from_secs(1);

/// What all connections share.
pub(super) struct Shared {
    pub(super) handler: Handler,
    pub(super) limits: Limits,
    pub(super) manners: Manners,
    pub(super) peers: Arc<Peers>,
}

impl Shared {
    fn hear(&self, peer: SocketAddr, how: Broken<'_>) {
        (self.manners.hear)(Unserved::Broken { peer: peer.ip(), how });
    }
}

/// The certificate that the client showed, as DER: an extension of each request of its connection. It has been
/// verified; there is none where none was asked for or shown.
#[derive(Clone)]
pub struct PeerCertificate(pub CertificateDer<'static>);

/// What a connection's requests tell its end.
#[derive(Default)]
struct Progress {
    /// A request has arrived.
    started: AtomicBool,
    /// One was refused with its body unread.
    refused: AtomicBool,
}

/// Serves one connection until it ends. A failed handshake or a broken connection ends it without a word to the peer.
pub(super) async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    shared: &Arc<Shared>,
    mut stopping: watch::Receiver<bool>,
) {
    // Small answers must not wait for an acknowledgement. A stream that refuses the option still works.
    let _ = stream.set_nodelay(true);
    let stream = Patient::new(stream, shared.limits.write);
    let Some(tls) = &shared.manners.tls else {
        return exchange(stream, Peer { address: peer, certificate: None }, shared, stopping).await;
    };
    // As the certificates are now: they may be renewed while the server runs.
    let acceptor = TlsAcceptor::from(Arc::clone(&tls.borrow()));
    let shaken = tokio::select! {
        () = stopped(&mut stopping) => return,
        shaken = timeout(shared.limits.handshake, acceptor.accept(stream)) => shaken,
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return shared.hear(peer, Broken::Handshake(&error)),
        Err(_) => return shared.hear(peer, Broken::SlowHandshake),
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.map(|shown| PeerCertificate(shown.clone().into_owned()));
    exchange(stream, Peer { address: peer, certificate }, shared, stopping).await;
}

/// The largest header of a request, and what a connection holds at most of one that is not whole. hyper would hold
/// 400 KiB for each of thousands of strangers.
const HEADER_CAP: usize = 16 * 1024;

/// Who is at the other end.
#[derive(Clone)]
struct Peer {
    address: SocketAddr,
    certificate: Option<PeerCertificate>,
}

async fn exchange<S>(stream: S, peer: Peer, shared: &Arc<Shared>, mut stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let progress = Arc::new(Progress::default());
    let address = peer.address;
    let service = {
        let (shared, progress, stopping) = (Arc::clone(shared), Arc::clone(&progress), stopping.clone());
        service_fn(move |request| {
            let (shared, progress) = (Arc::clone(&shared), Arc::clone(&progress));
            Box::pin(answer(request, peer.clone(), shared, progress, stopping.clone()))
        })
    };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.header)
        .max_buf_size(HEADER_CAP)
        .serve_connection(TokioIo::new(stream), service);
    let mut draining = false;
    let ended = loop {
        tokio::select! {
            biased;
            () = stopped(&mut stopping), if !draining => {
                draining = true;
                // hyper waits for the first request of a fresh connection, and none is coming.
                if !progress.started.load(Ordering::Relaxed) {
                    return;
                }
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
            ended = future::poll_fn(|cx| connection.poll_without_shutdown(cx)) => break ended,
        }
    };
    let linger = match ended {
        Ok(()) => progress.refused.load(Ordering::Relaxed),
        // hyper has said so itself: 400, 414 or 431.
        Err(error) if error.is_parse() => {
            shared
                .hear(address, if error.is_parse_too_large() { Broken::TooLarge } else { Broken::Malformed });
            true
        }
        Err(error) => {
            let half = !connection.into_parts().read_buf.is_empty();
            let started = progress.started.load(Ordering::Relaxed);
            return match (error.is_timeout(), error.is_incomplete_message()) {
                (true, _) if half => shared.hear(address, Broken::SlowHeader),
                (true, _) if !started => shared.hear(address, Broken::Idle),
                (false, true) => shared.hear(address, Broken::CutOff),
                (false, false) if half && is_lost(&error) => shared.hear(address, Broken::CutOff),
                // The usual end of a connection that is kept open, or a peer that does not read.
                _ => {}
            };
        }
    };
    let stream = connection.into_parts().io.into_inner();
    // Whether the peer hears our goodbye does not matter any more.
    let _ = close(stream, linger).await;
}

/// Whether the peer went away by a reset, or with TLS without a word of it: not what a service says, nor that our
/// patience with a peer that does not read is over.
fn is_lost(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    !error.is_user() && cause.is_some_and(|cause| cause.kind() != io::ErrorKind::TimedOut)
}

async fn answer(
    request: Request<Incoming>,
    peer: Peer,
    shared: Arc<Shared>,
    progress: Arc<Progress>,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<Response<Body>> {
    progress.started.store(true, Ordering::Relaxed);
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(ConnectInfo(peer.address));
    if let Some(certificate) = peer.certificate {
        parts.extensions.insert(certificate);
    }
    let unread = |answer: Response<Body>| {
        progress.refused.store(true, Ordering::Relaxed);
        Ok(guard::closing(answer))
    };
    if let Err(refusal) = guard::judge(&parts, &body, shared.limits.max_body) {
        return unread((shared.manners.refusal)(refusal, &parts));
    }
    if let Some(answer) = (shared.manners.gate)(&mut parts) {
        return if is_here(body).await { Ok(answer) } else { unread(answer) };
    }
    let read = tokio::select! {
        biased;
        read = guard::read_body(body, shared.limits.body) => read,
        // Not to be cut off without a word: what is left of the grace is for the answer.
        () = half_over(&mut stopping, shared.limits.grace) => Err(Refusal::Ending),
    };
    let body = match read {
        Ok(Some(body)) => body,
        Ok(None) => {
            shared.hear(peer.address, Broken::CutOff);
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Err(refusal) => return unread((shared.manners.refusal)(refusal, &parts)),
    };
    let request = Request::from_parts(parts, Body::from(body));
    let response = (shared.handler)(request).await;
    if response.extensions().get::<CloseUnanswered>().is_some() {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    Ok(response)
}

/// Ready when half of the grace is over.
async fn half_over(stopping: &mut watch::Receiver<bool>, grace: Duration) {
    stopped(stopping).await;
    tokio::time::sleep(grace / 2).await;
}

/// Whether a body that nobody wants comes as a whole in the time that is given to it anyway, so that the connection
/// may go on. What comes of it is thrown away piece by piece.
async fn is_here(mut body: Incoming) -> bool {
    let whole = async {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return false;
            }
        }
        true
    };
    timeout(LINGER, whole).await.unwrap_or(false)
}

async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, linger: bool) -> io::Result<()> {
    stream.shutdown().await?;
    if linger {
        let mut waste = [0; 4096];
        let rest = async {
            while stream.read(&mut waste).await? > 0 {}
            Ok(())
        };
        return timeout(LINGER, rest).await.unwrap_or(Ok(()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::pin::Pin;
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Poll};

    use tokio::io::ReadBuf;

    use super::*;

    /// What has come, and then a reset.
    struct Reset(Option<&'static [u8]>);

    impl AsyncRead for Reset {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(match self.0.take() {
                Some(bytes) => {
                    buf.put_slice(bytes);
                    Ok(())
                }
                None => Err(io::ErrorKind::ConnectionReset.into()),
            })
        }
    }

    #[tokio::test]
    async fn a_reset_under_a_header_is_heard_of_and_one_without_is_nothing() {
        let (_stop, stopping) = watch::channel(false);
        for (came, expected) in [(Some(&b"GET / HTTP/1.1\r\nHo"[..]), 1), (None, 0)] {
            let heard = Arc::new(AtomicUsize::new(0));
            let hearing = Arc::clone(&heard);
            let hear = move |unserved: Unserved<'_>| {
                assert!(matches!(unserved, Unserved::Broken { how: Broken::CutOff, .. }), "{unserved:?}");
                hearing.fetch_add(1, Ordering::Relaxed);
            };
            let shared = Arc::new(Shared {
                handler: Box::new(|_| Box::pin(async { Response::new(Body::empty()) })),
                limits: Limits::default(),
                manners: Manners { hear: Arc::new(hear), ..Manners::default() },
                peers: Peers::new(usize::MAX, Vec::new()),
            });
            let peer = Peer { address: (Ipv4Addr::LOCALHOST, 1).into(), certificate: None };
            let stream = tokio::io::join(Reset(came), tokio::io::sink());
            exchange(stream, peer, &shared, stopping.clone()).await;
            assert_eq!(heard.load(Ordering::Relaxed), expected, "{came:?}");
        }
    }
}
