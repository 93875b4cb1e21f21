//! The listener seen from outside, through raw sockets: what a client library would never send.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

/// Nothing in these tests may take longer: a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

struct Server {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn start(router: Router, limits: Limits, tls: Option<Arc<rustls::ServerConfig>>) -> Server {
    let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopping) = oneshot::channel();
    let shutdown = async {
        let _ = stopping.await;
    };
    let task = tokio::spawn(serve(vec![listener], tls, router, limits, shutdown));
    Server { addr, stop, task }
}

fn echo() -> Router {
    Router::new()
        .route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
        .route("/echo", post(|body: Bytes| async move { body }).put(|body: Bytes| async move { body }))
}

fn quick() -> Limits {
    let moment = Duration::from_millis(150);
    Limits { header: moment, body: moment, write: moment, handshake: moment, ..Limits::default() }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Sends the bytes and reads until the server closes.
    async fn exchange(&self, bytes: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.task).await.expect("the drain ends").unwrap();
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes").unwrap();
    String::from_utf8(answer).unwrap()
}

/// A whole request on a connection of its own.
async fn is_served(server: &Server) -> bool {
    let answer = server.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\n\r\n127.0.0.1:")
}

#[tokio::test]
async fn a_request_in_doubt_is_refused_and_the_connection_closed() {
    let server = start(echo(), Limits { max_body: 10, ..Limits::default() }, None);
    let smuggled = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (request, status) in [
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 400),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\n\r\n", 411),
        ("PUT /echo HTTP/1.1\r\nHost: a\r\n\r\n", 411),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413),
        ("CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ] {
        let answer = server.exchange(&format!("{request}{smuggled}")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} "))
                || answer.starts_with(&format!("HTTP/1.0 {status} ")),
            "{request}: {answer}"
        );
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "a second answer to {request}: {answer}");
    }
    for good in [
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123456789",
        "GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ] {
        assert!(server.exchange(good).await.starts_with("HTTP/1.1 200 "), "{good}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_to_too_much_is_read_by_who_is_still_sending() {
    let server = start(echo(), Limits { max_body: 10, ..Limits::default() }, None);
    let mut stream = server.connect().await;
    stream.write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n").await.unwrap();
    let chunk = vec![b'x'; 4_000_000];
    stream.write_all(&chunk).await.expect("the server goes on reading for a while");
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 413 "));
    server.stop().await;
}

#[tokio::test]
async fn half_a_request_is_not_waited_for() {
    let server = start(echo(), quick(), None);
    let mut silent = server.connect().await;
    assert_eq!(read_all(&mut silent).await, "", "a connection without a byte");
    assert!(!server.exchange("GET / HTTP/1.1\r\nHost: a\r\nX-Half").await.contains(" 200 "));
    let answer = server.exchange("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let answer = server.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "then idle, then closed: {answer}");
    server.stop().await;
}

#[tokio::test]
async fn many_idle_connections_are_no_hindrance() {
    let server = start(echo(), Limits::default(), None);
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET / HT").await.unwrap();
        idle.push(stream);
    }
    assert!(is_served(&server).await);
    let before = Instant::now();
    server.stop().await;
    assert!(before.elapsed() < Duration::from_secs(5), "connections without a request hold no drain");
    drop(idle);
}

#[tokio::test]
async fn over_the_cap_one_waits_for_a_place() {
    let server = start(echo(), Limits { connections: 2, ..quick() }, None);
    let idle = (server.connect().await, server.connect().await);
    assert!(is_served(&server).await, "served when the idle ones have been closed");
    drop(idle);
    server.stop().await;
}

#[tokio::test]
async fn who_does_not_read_is_given_up() {
    let dropped = Arc::new(Notify::new());
    let told = Arc::clone(&dropped);
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let endless = get(move || {
        let tell = Tell(Arc::clone(&told));
        let chunks = futures_util::stream::repeat_with(move || {
            let _ = &tell;
            Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 65536]))
        });
        async move { Body::from_stream(chunks) }
    });
    let server = start(Router::new().route("/", endless), quick(), None);
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    timeout(PATIENCE, dropped.notified()).await.expect("the answer is dropped");
    server.stop().await;
}

#[tokio::test]
async fn what_is_in_flight_is_answered_and_nothing_new_is_taken() {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (arrived, go_on) = (Arc::clone(&arrived), Arc::clone(&go_on));
        get(move || async move {
            arrived.notify_one();
            go_on.notified().await;
            "done"
        })
    };
    let server = start(Router::new().route("/", slow), Limits::default(), None);
    let addr = server.addr;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    arrived.notified().await;
    server.stop.send(()).unwrap();
    timeout(PATIENCE, async {
        while TcpStream::connect(addr).await.is_ok() {
            tokio::task::yield_now().await
        }
    })
    .await
    .expect("new connections are refused");
    go_on.notify_one();
    assert!(read_all(&mut stream).await.ends_with("\r\n\r\ndone"));
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_grace_ends() {
    let arrived = Arc::new(Notify::new());
    let hang = {
        let arrived = Arc::clone(&arrived);
        get(move || async move {
            arrived.notify_one();
            std::future::pending::<()>().await;
        })
    };
    let limits = Limits { grace: Duration::from_millis(50), ..Limits::default() };
    let server = start(Router::new().route("/", hang), limits, None);
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    arrived.notified().await;
    server.stop().await;
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn a_response_can_be_withheld() {
    let withheld = get(|| async { (axum::Extension(CloseUnanswered), "never sent") });
    let server = start(Router::new().route("/", withheld), Limits::default(), None);
    assert_eq!(server.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await, "");
    server.stop().await;
}

#[tokio::test]
async fn a_minted_certificate_is_trusted_by_who_was_given_it_and_nobody_else() {
    let now = real_now();
    let minted = mint(&["127.0.0.1", "::1", "localhost"], now).unwrap();
    let stranger = mint(&["127.0.0.1"], now).unwrap();
    let stale = mint(&["127.0.0.1"], now - jiff::SignedDuration::from_hours(25)).unwrap();
    let get = async |served: &Minted, trusted: &Minted, host: &str| {
        let server = start(echo(), quick(), Some(Arc::clone(&served.config)));
        let url = format!("https://{host}:{}/", server.addr.port());
        let result = client(trusted).get(url).send().await;
        server.stop().await;
        result
    };
    let answer = get(&minted, &minted, "127.0.0.1").await.unwrap();
    assert!(answer.text().await.unwrap().starts_with("127.0.0.1:"));
    get(&minted, &minted, "localhost").await.unwrap();
    get(&minted, &stranger, "127.0.0.1").await.unwrap_err();
    get(&stale, &stale, "127.0.0.1").await.unwrap_err();
    get(&stranger, &stranger, "localhost").await.unwrap_err();
}

#[tokio::test]
async fn a_handshake_is_not_waited_for() {
    let minted = mint(&["127.0.0.1"], real_now()).unwrap();
    let server = start(echo(), quick(), Some(minted.config));
    let mut stream = server.connect().await;
    assert_eq!(read_all(&mut stream).await, "");
    assert!(!server.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.contains("HTTP/1.1 200"));
    server.stop().await;
}

#[expect(clippy::disallowed_methods, reason = "a real handshake is judged by the real clock")]
fn real_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn client(trusted: &Minted) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.certificate_der.clone().into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
}
