//! The callback server: for a minute or two it listens on this machine for the browser to come back with
//! the authorization code.
//!
//! Any page in that browser and any program on this machine can reach it. So nothing but a request with
//! the right state ends the wait, and every answer is fixed text.

mod pages;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rustls::ServerConfig;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::serve::{self, Limits};

use super::authorize::{Attempt, Outcome};
use super::redirect::Listen;

pub use pages::Page;

/// The browser's requests are small, and it waits for the exchange.
const LIMITS: Limits = Limits {
    header: Duration::from_secs(10),
    body: Duration::from_secs(5),
    write: Duration::from_secs(10),
    handshake: Duration::from_secs(60),
    grace: Duration::from_secs(3),
    max_body: 0,
    connections: 256,
    per_address: 256,
};

/// The port cannot be listened on.
#[derive(Debug, Error)]
pub enum LoopbackError {
    /// Somebody else does.
    #[error(
        "port {port} is in use by another program, and the browser must come back to exactly that port: end that \
         program, or have another redirect URI registered and name its port with --callback-port"
    )]
    PortBusy {
        /// The port.
        port: u16,
    },
    /// The system refuses.
    #[error("cannot listen on port {port}: {source}")]
    Bind {
        /// The port.
        port: u16,
        /// The system's words.
        #[source]
        source: io::Error,
    },
}

/// Listeners, before anything is served on them.
#[derive(Debug)]
pub struct Bound {
    listeners: Vec<TcpListener>,
    listen: Listen,
}

/// Binds every address of the redirect URI. Of `localhost`, one is enough: a machine may have no IPv6.
pub fn bind(listen: &Listen) -> Result<Bound, LoopbackError> {
    let mut listeners = Vec::new();
    let mut last = None;
    for address in &listen.addresses {
        match serve::bind(*address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(LoopbackError::PortBusy { port: listen.port });
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(source) if listeners.is_empty() => Err(LoopbackError::Bind { port: listen.port, source }),
        _ => Ok(Bound { listeners, listen: listen.clone() }),
    }
}

/// What the requests share.
struct Shared {
    listen: Listen,
    attempt: Arc<Attempt>,
    start_path: String,
    arrived: mpsc::Sender<Outcome>,
    taken: AtomicBool,
    verdict: watch::Receiver<Option<Page>>,
}

/// A callback server that runs.
pub struct Waiting {
    /// What comes back with the right state.
    pub arrived: mpsc::Receiver<Outcome>,
    /// Tells the browser's page how it ended.
    pub verdict: watch::Sender<Option<Page>>,
    task: tokio::task::JoinHandle<()>,
    stop: tokio::sync::oneshot::Sender<()>,
}

impl Waiting {
    /// Lets the last page out and closes the port.
    pub async fn close(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

impl Bound {
    /// Serves `attempt`. `/start/<nonce>` sends the browser on to Jira, so that the warning about our own
    /// certificate is clicked away before Jira issues a code that lives ten seconds.
    pub fn serve(self, attempt: Arc<Attempt>, nonce: &str, tls: Option<Arc<ServerConfig>>) -> Waiting {
        let (sender, arrived) = mpsc::channel(1);
        let (verdict, verdict_seen) = watch::channel(None);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let shared = Arc::new(Shared {
            listen: self.listen,
            attempt,
            start_path: format!("/start/{nonce}"),
            arrived: sender,
            taken: AtomicBool::new(false),
            verdict: verdict_seen,
        });
        let router = Router::new().fallback(answer).with_state(shared);
        let task = tokio::spawn(serve::serve(self.listeners, tls, router, LIMITS, async {
            let _ = stopped.await;
        }));
        Waiting { arrived, verdict, task, stop }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if let Some(refusal) = refusal(&shared, &request) {
        return refusal;
    }
    let path = request.uri().path();
    if path == shared.start_path {
        let location = shared.attempt.url.as_str().to_owned();
        let headers = [
            (header::LOCATION, location),
            (header::CACHE_CONTROL, "no-store".to_owned()),
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
        ];
        return (StatusCode::SEE_OTHER, headers).into_response();
    }
    if path != shared.listen.path {
        return Page::NotHere.answer(StatusCode::BAD_REQUEST);
    }
    match shared.attempt.judge(request.uri().query().unwrap_or_default()) {
        Ok(outcome) => callback(&shared, outcome).await,
        Err(_) => Page::NotThisLogin.answer(StatusCode::BAD_REQUEST),
    }
}

/// What no browser sends that comes back from Jira.
fn refusal(shared: &Shared, request: &Request) -> Option<Response> {
    // The server below us guarantees that there is exactly one, and that a URI with an authority agrees.
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !host.eq_ignore_ascii_case(&shared.listen.authority) {
        // Another name for this address: a page that rebinds its own host name to 127.0.0.1.
        return Some(Page::NotHere.answer(StatusCode::MISDIRECTED_REQUEST));
    }
    if request.headers().contains_key(header::ORIGIN) {
        // A redirect carries none; a script's request does.
        return Some(Page::NotHere.answer(StatusCode::FORBIDDEN));
    }
    if request.method() != Method::GET {
        let mut response = Page::NotHere.answer(StatusCode::METHOD_NOT_ALLOWED);
        response
            .headers_mut()
            .extend(HeaderMap::from_iter([(header::ALLOW, header::HeaderValue::from_static("GET"))]));
        return Some(response);
    }
    None
}

/// The one request that counts: it hands its outcome over and waits for the verdict. A second one, even with
/// the right state, finds the place taken: a code is redeemed once.
async fn callback(shared: &Shared, outcome: Outcome) -> Response {
    let first = !shared.taken.swap(true, Ordering::AcqRel);
    if !first || shared.arrived.try_send(outcome).is_err() {
        return Page::NotThisLogin.answer(StatusCode::BAD_REQUEST);
    }
    let mut verdict = shared.verdict.clone();
    match verdict.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(page)) => page.answer(StatusCode::OK),
        _ => Page::Failed.answer(StatusCode::OK),
    }
}
