//! A listener that nobody has any business with: it counts who comes all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A second listener; every connection counts, whatever comes over it.
pub struct Evil {
    port: u16,
    seen: Arc<AtomicUsize>,
}

impl Evil {
    pub async fn start() -> Evil {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream));
            }
        });
        Evil { port, seen }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Panics if anybody has connected. It connects itself, and who came before is accepted before.
    #[track_caller]
    pub fn saw_nothing(&self) -> impl Future<Output = ()> {
        let (port, seen) = (self.port, self.seen.clone());
        let place = std::panic::Location::caller();
        async move {
            let before = seen.load(Ordering::SeqCst);
            let mut own = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let _ = own.read(&mut [0; 1]).await;
            assert_eq!(before, 0, "{place}: evil was asked");
            assert_eq!(seen.swap(0, Ordering::SeqCst), 1, "{place}: evil was asked");
        }
    }
}

/// Says something at once, so that whoever waits for a server that speaks first goes on.
async fn answer(mut stream: TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
}
