//! A door in front of a server: whoever comes first is kept waiting on the doorstep and never let in.

use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use tokio::sync::watch;

/// Forwards connections, all but the first ones. Listens until the test process ends.
pub struct Door {
    pub url: String,
    knocked: watch::Receiver<usize>,
}

impl Door {
    /// In front of `http://HOST:PORT`; the first `kept_out` connections are accepted, and nothing is read.
    pub fn before(base_url: &str, kept_out: usize) -> Door {
        let server: SocketAddr = base_url.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (knock, knocked) = watch::channel(0);
        thread::spawn(move || {
            let mut waiting = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                knock.send_modify(|count| *count += 1);
                if waiting.len() < kept_out {
                    waiting.push(stream);
                } else if let Ok(inside) = TcpStream::connect(server) {
                    through(stream, inside);
                }
            }
        });
        Door { url, knocked }
    }

    /// Waits until so many have come.
    pub async fn knocked(&self, n: usize) {
        let _ = self.knocked.clone().wait_for(|count| *count >= n).await;
    }
}

fn through(one: TcpStream, other: TcpStream) {
    for (mut from, mut to) in [(one.try_clone().unwrap(), other.try_clone().unwrap()), (other, one)] {
        thread::spawn(move || {
            let _ = copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
