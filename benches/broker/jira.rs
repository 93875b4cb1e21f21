//! A token endpoint that grants whatever it is asked for, and costs next to nothing: both cores are shared, and what
//! it spends is missing to what is measured. It reads HTTP no further than to know where a request ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::stand_in::pair;

/// Answers every POST with a pair of its own after `delay`, and every GET with the number of those.
pub async fn serve(listener: TcpListener, delay: Duration) {
    let calls = Arc::new(AtomicU64::new(0));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(answer(stream, delay, Arc::clone(&calls)));
    }
}

async fn answer(mut stream: TcpStream, delay: Duration, calls: Arc<AtomicU64>) {
    let mut asked = Vec::with_capacity(4096);
    loop {
        while !is_whole(&asked) {
            // Whoever goes away has had what it wanted.
            if stream.read_buf(&mut asked).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let said = match asked.starts_with(b"POST ") {
            true => pair(calls.fetch_add(1, Ordering::Relaxed)),
            false => calls.load(Ordering::Relaxed).to_string(),
        };
        let closes = asked.windows(17).any(|words| words == b"Connection: close");
        asked.clear();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let length = said.len();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        if stream.write_all((head + &said).as_bytes()).await.is_err() || closes {
            return;
        }
    }
}

/// Whether a request is there with its body. One is answered before the next is sent.
fn is_whole(asked: &[u8]) -> bool {
    let Some(end) = asked.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&asked[..end]).unwrap();
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    asked.len() >= end + 4 + length.unwrap_or(0)
}
