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

use crate::support::wait;

fn plain() -> Client {
    client(&Options { plain: true, ..Options::default() }).unwrap()
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

async fn text(client: &Client, url: &str, cap: usize, timeout: Duration) -> Result<String, HttpError> {
    let target = Target::new(url.parse().unwrap()).unwrap();
    let answer = wait(client.send(Request::new(Method::GET, target, timeout))).await?;
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

#[tokio::test]
async fn time_runs_from_the_request_to_the_last_byte() {
    for begun in [vec![], answer("", b"hel", 5)] {
        let url = server(begun.clone(), true).await;
        let read = text(&plain(), &url, 100, Duration::from_millis(300)).await;
        assert!(matches!(read, Err(HttpError::Timeout { .. })), "{begun:?}: {read:?}");
    }
}

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

#[tokio::test]
async fn what_never_left_is_told_from_what_may_have() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    let refused = text(&plain(), &url, 100, LONG).await.unwrap_err();
    assert!(matches!(refused, HttpError::Connect { .. }) && !refused.may_have_been_sent(), "{refused:?}");
    let unknown = text(&plain(), "http://jira.invalid/", 100, LONG).await.unwrap_err();
    assert!(matches!(unknown, HttpError::Dns { .. }) && !unknown.may_have_been_sent(), "{unknown:?}");
    let silent = text(&plain(), &server(vec![], false).await, 100, LONG).await.unwrap_err();
    assert!(matches!(silent, HttpError::Broken { .. }) && silent.may_have_been_sent(), "{silent:?}");
}

#[test]
fn a_url_that_http_has_no_room_for_is_refused() {
    let long = format!("https://jira.example.com/{}", "a".repeat(70_000));
    let refused = Target::new(long.parse().unwrap()).unwrap_err();
    assert!(matches!(refused, HttpError::TooLong { .. }), "{refused:?}");
    assert!(refused.to_string().contains("jira.example.com"), "{refused}");
}
