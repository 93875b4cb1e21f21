//! Through a proxy: one that reads what it passes on, one that does not, and one that refuses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use jira_oauth::http::{Client, HttpError, Options, Request, Target, client};
use jira_oauth::sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::support::wait;

/// `user:p@ss`, as a header says it.
const AUTHORIZATION: &str = "proxy-authorization: Basic dXNlcjpwQHNz\r\n";

const NOTHING: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// What a proxy does with whoever comes.
#[derive(Clone)]
enum Conduct {
    /// Answers in the server's place.
    Answers(&'static str),
    /// Consents, and passes everything on to this address.
    Tunnels(String),
}

/// A proxy, and the first request on each of its connections.
struct Proxy {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(conduct: Conduct) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(vec![]));
        let heads = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass_on(stream, conduct.clone(), Arc::clone(&heads)));
            }
        });
        Proxy { port, seen }
    }

    fn client(&self, no_proxy: &str) -> Client {
        through(&format!("http://user:p%40ss@127.0.0.1:{}", self.port), no_proxy)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn pass_on(mut stream: TcpStream, conduct: Conduct, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    heads.lock().unwrap().push(String::from_utf8(head).unwrap());
    match conduct {
        Conduct::Answers(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
        Conduct::Tunnels(to) => {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut TcpStream::connect(to).await.unwrap()).await;
        }
    }
}

fn through(proxy: &str, no_proxy: &str) -> Client {
    let (proxy, no_proxy) = (Some(proxy.to_owned()), Some(no_proxy.to_owned()));
    client(&Options { proxy, no_proxy, insecure: true, ..Options::default() })
}

async fn get(client: &Client, url: &str) -> Result<u16, HttpError> {
    let target = Target::new(url.parse().unwrap()).unwrap();
    let answer = wait(client.send(Request::new(Method::GET, target, Duration::from_secs(60)))).await;
    answer.map(|answer| answer.status().as_u16())
}

#[tokio::test]
async fn a_proxy_for_plain_http_is_told_the_whole_url_and_who_asks() {
    let proxy = Proxy::start(Conduct::Answers(NOTHING)).await;
    let client = proxy.client("elsewhere.example.com");
    assert_eq!(get(&client, "http://jira.example.com/jira/rest?a=b").await.unwrap(), 204);
    let head = &proxy.seen()[0];
    assert!(head.starts_with("GET http://jira.example.com/jira/rest?a=b HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: jira.example.com\r\n") && head.contains(AUTHORIZATION), "{head}");
}

#[tokio::test]
async fn a_tunnel_hides_the_request_from_the_proxy() {
    let jira = sandbox::start(sandbox::Options { tls: true, ..Default::default() }, || {
        jiff::Timestamp::from_second(1_800_000_000).unwrap()
    });
    let jira = jira.await.unwrap();
    let address = jira.base_url().trim_start_matches("https://").to_owned();
    let proxy = Proxy::start(Conduct::Tunnels(address)).await;
    let client = proxy.client("");
    for _ in 0..2 {
        assert_eq!(get(&client, "https://jira.example.com/rest/api/2/serverInfo").await.unwrap(), 200);
    }
    let seen = proxy.seen();
    assert_eq!(seen.len(), 1, "the connection is kept: {seen:?}");
    assert!(seen[0].starts_with("CONNECT jira.example.com:443 HTTP/1.1\r\n"), "{seen:?}");
    assert!(seen[0].to_lowercase().contains(&AUTHORIZATION.to_lowercase()), "{seen:?}");
    assert!(seen[0].contains("jira-oauth/") && !seen[0].contains("serverInfo"), "{seen:?}");
    jira.stop().await;
}

#[tokio::test]
async fn a_proxy_that_refuses_has_let_nothing_through() {
    let proxy = Proxy::start(Conduct::Answers("HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n")).await;
    let error = get(&proxy.client(""), "https://jira.example.com/").await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }) && !error.may_have_been_sent(), "{error:?}");
    assert!(error.to_string().contains("proxy authorization required"), "{error}");
    assert!(!error.to_string().contains("p@ss"), "{error}");
}

#[tokio::test]
async fn exceptions_go_directly() {
    let direct = Proxy::start(Conduct::Answers(NOTHING)).await;
    let proxy = Proxy::start(Conduct::Answers("HTTP/1.1 500 No\r\n\r\n")).await;
    let url = format!("http://127.0.0.1:{}/", direct.port);
    let for_its_port = format!("example.com:1, 127.0.0.1:{}", direct.port);
    for no_proxy in ["127.0.0.1", "example.com, 127.0.0.0/8", "*", &for_its_port] {
        assert_eq!(get(&proxy.client(no_proxy), &url).await.unwrap(), 204, "{no_proxy}");
    }
    for no_proxy in ["127.0.0.2,example.com", "127.0.0.1:1,[::1]:80,::1"] {
        assert_eq!(get(&proxy.client(no_proxy), &url).await.unwrap(), 500, "{no_proxy}");
    }
    for no_proxy in ["*.example.com", ".EXAMPLE.com", "example.com", "*.example.com:80", "example.com:80"] {
        let unknown = get(&proxy.client(no_proxy), "http://jira.invalid.example.com/").await;
        assert!(!matches!(unknown, Ok(500)), "{no_proxy}");
    }
    assert_eq!((direct.seen().len(), proxy.seen().len()), (4, 2));
    assert!(direct.seen()[0].starts_with("GET / HTTP/1.1\r\n"), "{:?}", direct.seen());
    assert!(!direct.seen().concat().contains("proxy-authorization"), "{:?}", direct.seen());
}

#[tokio::test]
async fn a_proxy_is_understood_as_people_write_it() {
    for (user, authorization) in [
        ("user:p@ss@", "dXNlcjpwQHNz"),
        ("user:p%40ss@", "dXNlcjpwQHNz"),
        ("user:p|^ss@", "dXNlcjpwfF5zcw=="),
        ("user@", "dXNlcjo="),
    ] {
        for scheme in ["http://", ""] {
            let proxy = Proxy::start(Conduct::Answers(NOTHING)).await;
            let client = through(&format!("{scheme}{user}127.0.0.1:{}/", proxy.port), "");
            assert_eq!(get(&client, "http://jira.example.com/").await.unwrap(), 204, "{scheme}{user}");
            let head = &proxy.seen()[0];
            assert!(head.contains(&format!("proxy-authorization: Basic {authorization}\r\n")), "{head}");
        }
    }
}

#[tokio::test]
async fn what_is_no_http_proxy_is_refused_and_not_gone_round() {
    let jira = Proxy::start(Conduct::Answers(NOTHING)).await;
    let url = format!("http://127.0.0.1:{}/", jira.port);
    for proxy in ["socks5://127.0.0.1:1080", "ftp://127.0.0.1", "http://", "a b", ""] {
        let refused = get(&through(proxy, "example.com"), &url).await;
        assert!(matches!(refused, Err(HttpError::BadProxy)), "{proxy}: {refused:?}");
        for exception in ["127.0.0.1", "*"] {
            assert_eq!(get(&through(proxy, exception), &url).await.unwrap(), 204, "{proxy}");
        }
    }
    assert_eq!(jira.seen().len(), 10);
}

#[tokio::test]
async fn a_proxy_that_is_not_reached_is_named() {
    for (proxy, url) in [
        ("http://127.0.0.1:1", "http://jira.example.com/"),
        ("http://127.0.0.1:1", "https://jira.example.com/"),
        ("https://user:secret@127.0.0.1:1", "https://jira.example.com/"),
    ] {
        let error = get(&through(proxy, ""), url).await.unwrap_err();
        assert!(
            matches!(&error, HttpError::Connect { host, .. } if host == "the proxy 127.0.0.1"),
            "{error:?}"
        );
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
