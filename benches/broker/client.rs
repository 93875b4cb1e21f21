//! Callers on open connections: as many as are wanted, each with one request at a time.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to a server.
pub struct Caller {
    stream: TcpStream,
    host: String,
}

impl Caller {
    /// Opens it, and has one answer, so that it is open at the other end too.
    pub async fn new(host: &str) -> Caller {
        let stream = TcpStream::connect(host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut caller = Caller { stream, host: host.to_owned() };
        assert_eq!(caller.ask("GET", "/healthz", "").await.0, 200);
        caller
    }

    /// Has a token spent.
    pub async fn refresh(&mut self, token: &str) {
        let body = format!(r#"{{"refresh_token":"{token}"}}"#);
        let (status, said) = self.ask("POST", "/v1/refresh", &body).await;
        assert_eq!(status, 200, "{said}");
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
            self.host
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> (u16, String) {
        let mut bytes = Vec::with_capacity(1024);
        loop {
            assert!(self.stream.read_buf(&mut bytes).await.unwrap() > 0, "the connection ended");
            let text = String::from_utf8_lossy(&bytes);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                return (head[9..12].parse().unwrap(), body.to_owned());
            }
        }
    }
}

/// How long a crowd with one token waits for its last answer.
pub async fn crowd(host: &str, callers: usize, token: &str) -> Duration {
    let mut waiting = Vec::with_capacity(callers);
    for _ in 0..callers {
        waiting.push(Caller::new(host).await);
    }
    let begun = Instant::now();
    let all: Vec<_> = waiting
        .into_iter()
        .map(|mut caller| {
            let token = token.to_owned();
            tokio::spawn(async move { caller.refresh(&token).await })
        })
        .collect();
    for one in all {
        one.await.unwrap();
    }
    begun.elapsed()
}
