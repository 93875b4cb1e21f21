//! Answers on the wire: compressed, cut off, damaged, stalled, and a connection that has died in between.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join;
use http::Method;
use jira_oauth::http::{self as transport, Client, HttpError, Options, Request, Target, client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::support::wait;

fn plain() -> Client {
    client(&Options { plain: true, ..Options::default() })
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// An answer with this body; `promised` is how long it says that it is.
fn answer(headers: &str, body: &[u8], promised: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {promised}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// Answers one request, and hands the connection out: whoever drops it closes it.
async fn serve(listener: &TcpListener, answer: Vec<u8>) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    stream.write_all(&answer).await.unwrap();
    stream
}

/// Gives this answer, and then closes the connection, or with `hold` keeps it open for ever.
async fn server(answer: Vec<u8>, hold: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let stream = serve(&listener, answer).await;
        let _held = hold.then_some(stream);
        std::future::pending::<()>().await;
    });
    url
}

fn get(url: &str, timeout: Duration) -> Request {
    Request::new(Method::GET, Target::new(url.parse().unwrap()).unwrap(), timeout)
}

async fn text(client: &Client, url: &str, cap: usize, timeout: Duration) -> Result<String, HttpError> {
    let answer = wait(client.send(get(url, timeout))).await?;
    Ok(String::from_utf8(wait(transport::read(answer, cap)).await?).unwrap())
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn compression_is_undone_and_counted_after_it() {
    let (once, coded) = (gzip("hello "), "content-encoding: gzip\r\n");
    let twice = [once.clone(), gzip("world")].concat();
    for (headers, body, cap, expected) in [
        ("", b"hello".to_vec(), 5, Some("hello")),
        ("", b"hello".to_vec(), 4, None),
        (coded, once.clone(), 6, Some("hello ")),
        (coded, once.clone(), 5, None),
        ("Content-Encoding: GZIP\r\n", twice.clone(), 11, Some("hello world")),
        (coded, twice, 10, None),
        (coded, vec![], 5, Some("")),
    ] {
        let url = server(answer(headers, &body, body.len()), false).await;
        let read = text(&plain(), &url, cap, LONG).await;
        match expected {
            Some(expected) => assert_eq!(read.unwrap(), expected, "{headers}{cap}"),
            None => assert!(matches!(read, Err(HttpError::TooLarge { .. })), "{headers}{cap}: {read:?}"),
        }
    }
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let coded = "content-encoding: gzip\r\n";
    let whole = gzip("hello hello hello");
    let (half, mut damaged) = (whole[..whole.len() - 9].to_vec(), whole.clone());
    let last = damaged.len() - 5;
    damaged[last] ^= 1;
    for (headers, body, promised) in [
        ("", b"hello".to_vec(), 6),
        (coded, whole.clone(), whole.len() + 1),
        (coded, half.clone(), half.len()),
        (coded, damaged.clone(), damaged.len()),
        (coded, b"<html>".to_vec(), 6),
    ] {
        let url = server(answer(headers, &body, promised), false).await;
        let read = text(&plain(), &url, 100, LONG).await;
        assert!(matches!(read, Err(HttpError::Broken { .. })), "{body:?}: {read:?}");
        assert!(read.unwrap_err().may_have_been_sent());
    }
}

#[tokio::test(start_paused = true)]
async fn time_runs_from_the_request_to_the_last_byte() {
    let allowed = Duration::from_secs(20);
    let started = Instant::now();
    let read = text(&plain(), &server(vec![], true).await, 100, allowed).await;
    assert!(matches!(read, Err(HttpError::Timeout { .. })), "{read:?}");
    assert!(started.elapsed() < allowed + allowed / 2, "{:?}", started.elapsed());
    // The time that the head took is gone for the body.
    let url = server(answer("", b"hel", 5), true).await;
    let started = Instant::now();
    let answer = plain().send(get(&url, allowed)).await.unwrap();
    tokio::time::advance(allowed * 3 / 4).await;
    let read = transport::read(answer, 100).await;
    assert!(matches!(read, Err(HttpError::Timeout { .. })), "{read:?}");
    assert!(started.elapsed() < allowed + allowed / 2, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn time_that_ends_before_there_is_a_connection_has_sent_nothing() {
    // Its handshake is never answered.
    let url = server(vec![], true).await.replace("http:", "https:");
    let client = client(&Options { insecure: true, ..Options::default() });
    let error = text(&client, &url, 100, Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(error, HttpError::NotConnected { .. }) && !error.may_have_been_sent(), "{error:?}");
}

/// A server that closes after each answer, and hears of a second request only on a connection of its own.
#[tokio::test]
async fn a_connection_that_has_died_is_not_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = plain();
    for expected in ["1", "2"] {
        let server = serve(&listener, answer("", expected.as_bytes(), 1));
        let url = format!("http://{address}/");
        let (read, stream) = wait(join(text(&client, &url, 100, LONG), server)).await;
        assert_eq!(read.unwrap(), expected);
        drop(stream);
        // The runtime hears of the end before it hears of this one.
        let (other, accepted) = wait(join(TcpStream::connect(address), listener.accept())).await;
        drop((other.unwrap(), accepted.unwrap()));
    }
}

/// What was read may have been done: a refresh token would be spent twice.
#[tokio::test]
async fn what_a_server_has_read_on_a_kept_connection_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let client = plain();
    let post =
        || Request::new(Method::POST, Target::new(url.parse().unwrap()).unwrap(), LONG).form(&[("a", "b")]);
    let (first, mut stream) = wait(join(client.send(post()), serve(&listener, answer("", b"1", 1)))).await;
    assert_eq!(transport::read(first.unwrap(), 100).await.unwrap(), b"1");
    let closing = async {
        let mut rest = vec![0; 1024];
        let mut length = stream.read(&mut rest).await.unwrap();
        // Of the first request there may have been a body to read.
        while find(&rest[..length], b"POST").is_none() {
            length += stream.read(&mut rest[length..]).await.unwrap();
        }
        drop(stream);
    };
    let (second, ()) = wait(join(client.send(post()), closing)).await;
    let error = second.unwrap_err();
    assert!(matches!(error, HttpError::Broken { .. }) && error.may_have_been_sent(), "{error:?}");
    let nobody = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(nobody.is_err(), "it came again");
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[test]
fn what_is_shown_of_a_request_holds_no_secret() {
    let target = Target::new("https://jira.example.com/rest?canary=1".parse().unwrap()).unwrap();
    let bearer = "Bearer canary".parse().unwrap();
    let request = Request::new(Method::POST, target, LONG).form(&[("refresh_token", "canary")]);
    assert_eq!(
        format!("{:?}", request.header(http::header::AUTHORIZATION, bearer)),
        "POST to jira.example.com, 20 bytes"
    );
}

#[tokio::test]
async fn what_never_left_is_told_from_what_may_have() {
    let refused = text(&plain(), "http://127.0.0.1:1/", 100, LONG).await.unwrap_err();
    assert!(matches!(refused, HttpError::Connect { .. }) && !refused.may_have_been_sent(), "{refused:?}");
    let silent = text(&plain(), &server(vec![], false).await, 100, LONG).await.unwrap_err();
    assert!(matches!(silent, HttpError::Broken { .. }) && silent.may_have_been_sent(), "{silent:?}");
}

#[tokio::test]
async fn a_plain_server_is_told_from_an_untrusted_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let plain_server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&answer("", b"1", 1)).await.unwrap();
        let _ = stream.read_to_end(&mut vec![]).await;
    };
    let client = client(&Options { insecure: true, ..Options::default() });
    let (read, ()) = wait(join(text(&client, &url, 100, LONG), plain_server)).await;
    let error = read.unwrap_err();
    assert!(matches!(error, HttpError::NotTls { .. }) && error.is_lasting(), "{error:?}");
}

#[test]
fn a_url_that_http_has_no_room_for_is_refused() {
    let long = format!("https://jira.example.com/{}", "a".repeat(70_000));
    let refused = Target::new(long.parse().unwrap()).unwrap_err();
    assert!(matches!(refused, HttpError::TooLong { .. }), "{refused:?}");
    assert!(refused.to_string().contains("jira.example.com"), "{refused}");
}
