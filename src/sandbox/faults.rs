//! Bad luck on order: what a network, a proxy or a busy Jira does to a request, for the requests that a
//! test names. Tests wait for a [`Gate`], never for time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::watch;

use crate::serve::CloseUnanswered;

use super::lock;

/// Which requests are struck, and by what.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Only requests with this method.
    pub method: Option<Method>,
    /// Only requests whose path and query, below the context path, begin like this.
    pub path_prefix: String,
    /// So many such requests go through first.
    pub skip: usize,
    /// So many are struck then.
    pub times: usize,
    /// What happens to them.
    pub action: Action,
}

impl Fault {
    /// Strikes the next request whose path begins like this.
    pub fn on(path_prefix: impl Into<String>, action: Action) -> Fault {
        Fault { method: None, path_prefix: path_prefix.into(), skip: 0, times: 1, action }
    }

    /// Only with this method.
    pub fn method(self, method: Method) -> Fault {
        Fault { method: Some(method), ..self }
    }

    /// After so many that go through.
    pub fn skip(self, skip: usize) -> Fault {
        Fault { skip, ..self }
    }

    /// So many, one after the other.
    pub fn times(self, times: usize) -> Fault {
        Fault { times, ..self }
    }

    /// All from now on.
    pub fn always(self) -> Fault {
        self.times(usize::MAX)
    }
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Action {
    /// The work begins so much later.
    Delay(Duration),
    /// The work begins when the gate is opened.
    Hold(Gate),
    /// No work; this answer instead.
    Respond {
        /// The status.
        status: StatusCode,
        /// Headers, each added to the answer.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// No work; an answer whose body is one piece again and again, without a length.
    Flood {
        /// The headers.
        headers: Vec<(String, String)>,
        /// One piece.
        piece: Bytes,
        /// How many pieces.
        times: usize,
    },
    /// No work, and the connection is closed.
    Drop,
    /// No work and no answer, with the connection open until the sandbox stops.
    Hang,
    /// The work is done, and the connection closed instead of an answer.
    ProcessThenDrop,
    /// The work is done at once, the answer comes so much later.
    ProcessThenDelay(Duration),
    /// The work is done at once, the answer comes when the gate is opened.
    ProcessThenHold(Gate),
    /// The answer's body comes so many bytes at a time, with a pause before each.
    Drip {
        /// How many bytes.
        bytes: usize,
        /// The pause.
        every: Duration,
    },
}

impl Action {
    /// An answer with a body of some type.
    pub fn respond(status: u16, content_type: &str, body: impl Into<Bytes>) -> Action {
        Action::Respond {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }
}

/// Where requests wait until a test lets them go on. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<GateState>);

#[derive(Debug)]
struct GateState {
    arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Gate {
        Gate(Arc::new(GateState { arrived: watch::Sender::new(0), open: watch::Sender::new(false) }))
    }

    /// Waits until so many requests have reached the gate. For [`Action::ProcessThenHold`] their work
    /// is done then.
    pub async fn arrived(&self, n: usize) {
        // An error would mean that the gate is gone, and it is borrowed here.
        let _ = self.0.arrived.subscribe().wait_for(|count| *count >= n).await;
    }

    /// Opens the gate, for good.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    async fn pass(&self) {
        self.0.arrived.send_modify(|count| *count += 1);
        let _ = self.0.open.subscribe().wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Gate::new()
    }
}

/// The faults that are ordered. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Orders a fault. Of several that match, the one ordered first strikes.
    pub fn add(&self, fault: Fault) {
        lock(&self.0).push(fault);
    }

    /// Holds the next request whose path begins like this before its work, until the gate is released.
    pub fn hold(&self, path_prefix: impl Into<String>) -> Gate {
        let gate = Gate::new();
        self.add(Fault::on(path_prefix, Action::Hold(gate.clone())));
        gate
    }

    /// Forgets all that have not struck.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }

    /// How many faults are still to strike; a test that ends with some has tried less than it thinks.
    pub fn pending(&self) -> usize {
        lock(&self.0).len()
    }

    /// The fault for this request, which counts it.
    pub(super) fn next(&self, method: &Method, path_and_query: &str) -> Option<Action> {
        let mut faults = lock(&self.0);
        let matching = |fault: &&mut Fault| {
            fault.method.as_ref().is_none_or(|wanted| wanted == method)
                && path_and_query.starts_with(&fault.path_prefix)
        };
        let mut action = None;
        for fault in faults.iter_mut().filter(matching) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 {
                fault.times -= 1;
                action = Some(fault.action.clone());
                break;
            }
        }
        faults.retain(|fault| fault.times > 0);
        action
    }
}

/// Does the work, or not, as the action says. Whoever still waits when the sandbox stops is not answered.
pub(super) async fn apply(
    action: Option<Action>,
    work: impl Future<Output = Response>,
    mut stopping: watch::Receiver<bool>,
) -> Response {
    let Some(action) = action else { return work.await };
    let stopped = async {
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            // There is nobody left who could stop it.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        response = strike(action, work) => response,
        () = stopped => unanswered(),
    }
}

async fn strike(action: Action, work: impl Future<Output = Response>) -> Response {
    match action {
        Action::Delay(time) => {
            tokio::time::sleep(time).await;
            work.await
        }
        Action::Hold(gate) => {
            gate.pass().await;
            work.await
        }
        Action::Respond { status, headers, body } => answer(status, &headers, Body::from(body)),
        Action::Flood { headers, piece, times } => {
            let pieces = std::iter::repeat_n(piece, times).map(Ok::<_, std::io::Error>);
            answer(StatusCode::OK, &headers, Body::from_stream(stream::iter(pieces)))
        }
        Action::Drop => unanswered(),
        Action::Hang => std::future::pending().await,
        Action::ProcessThenDrop => {
            work.await;
            unanswered()
        }
        Action::ProcessThenDelay(time) => {
            let response = work.await;
            tokio::time::sleep(time).await;
            response
        }
        Action::ProcessThenHold(gate) => {
            let response = work.await;
            gate.pass().await;
            response
        }
        Action::Drip { bytes, every } => drip(work.await, bytes.max(1), every).await,
    }
}

fn answer(status: StatusCode, headers: &[(String, String)], body: Body) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().clear();
    for (name, value) in headers {
        // A test that orders an impossible header sees that it is not there.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// The connection is closed instead of an answer.
fn unanswered() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(CloseUnanswered);
    response
}

async fn drip(response: Response, bytes: usize, every: Duration) -> Response {
    let (mut parts, body) = response.into_parts();
    // The bodies of our own handlers are in memory.
    let whole = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let drops = stream::unfold(whole, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(every).await;
        let drop = rest.split_to(bytes.min(rest.len()));
        Some((Ok::<_, std::io::Error>(drop), rest))
    });
    Response::from_parts(parts, Body::from_stream(drops))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_after_those_it_lets_pass_and_so_often() {
        let faults = Faults::default();
        faults.add(Fault::on("/rest/api", Action::Drop).skip(1).times(2));
        faults.add(Fault::on("/rest/api/2/search", Action::Hang).method(Method::POST));
        let strike = |method: Method, path: &str| match faults.next(&method, path) {
            None => "none",
            Some(Action::Drop) => "drop",
            Some(_) => "hang",
        };
        assert_eq!(strike(Method::GET, "/rest/oauth2"), "none");
        assert_eq!(strike(Method::POST, "/rest/api/2/search"), "hang", "the first one lets it pass");
        assert_eq!(strike(Method::POST, "/rest/api/2/search"), "drop");
        assert_eq!(strike(Method::GET, "/rest/api/2/myself"), "drop");
        assert_eq!(strike(Method::GET, "/rest/api/2/myself"), "none");
        assert_eq!(faults.pending(), 0);
    }
}
