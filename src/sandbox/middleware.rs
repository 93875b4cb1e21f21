//! What every request passes through, in this order: log, fault, credential, rate limit, latency, the
//! work, headers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;

use super::auth::{self, Outcome};
use super::limit::Standing;
use super::log::Entry;
use super::{Caller, State, browser, faults, headers, pages};

/// The rate limit does not count it, and it has no such headers.
const UNCOUNTED: &str = "/rest/api/2/serverInfo";

/// The outermost layer.
pub(super) async fn around(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // `serve` has read it already; in a test it is in memory.
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let entry = state.log.arrived(&parts.method, &path, &parts.headers, &body);
    let below = state.below_context(&path).unwrap_or(&path);
    let action = state.faults.next(&parts.method, below);
    let request = Request::from_parts(parts, Body::from(body));
    let work = work(&state, below, request, next, &entry);
    let response = faults::apply(action, work, state.stopping.clone()).await;
    if response.extensions().get::<crate::serve::CloseUnanswered>().is_none() {
        entry.answered(response.status());
    }
    response
}

/// Does what the request asks for, or says why not.
async fn work(state: &State, path: &str, request: Request, next: Next, entry: &Entry<'_>) -> Response {
    if !path.starts_with("/rest/") {
        let user = state.browsers.find(request.headers()).and_then(|session| session.user);
        entry.caller(user.as_deref());
        let mut response = next.run(request).await;
        headers::identify(state, &mut response, user.as_deref(), state.clock.now());
        return response;
    }
    let has_session = browser::cookie(request.headers()).is_some();
    let (user, mut response) = match auth::authenticate(state, request.headers()) {
        Outcome::Refused(response) => (None, *response),
        Outcome::Goes(caller, reason) => {
            entry.caller(caller.user.as_deref());
            let user = caller.user.clone();
            let mut response = limited(state, path, request, next, caller).await;
            if let Some(reason) = reason {
                headers::login_reason(&mut response, reason);
            }
            (user, response)
        }
    };
    headers::identify(state, &mut response, user.as_deref(), state.clock.now());
    headers::rest(state, &mut response, has_session);
    response
}

/// The limit is for accounts, and checked before anything is done.
async fn limited(state: &State, path: &str, mut request: Request, next: Next, caller: Caller) -> Response {
    let counted = caller.user.as_deref().filter(|_| !path.starts_with(UNCOUNTED));
    let standing = counted.and_then(|user| state.limiter.count(user, state.clock.now()));
    let mut response = match &standing {
        Some(Standing { refused: true, .. }) => too_many(request.headers()),
        _ => {
            if !state.options.latency.is_zero() {
                tokio::time::sleep(state.options.latency).await;
            }
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
    };
    if let Some(standing) = &standing {
        headers::rate_limit(&mut response, standing);
    }
    response
}

/// JSON for those who ask for it; for others the container's page.
fn too_many(request: &HeaderMap) -> Response {
    let accepts = request.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if accepts.into_iter().any(|accept| accept.contains("application/json")) {
        let body = json!({"message": "Rate limit exceeded."});
        return (StatusCode::TOO_MANY_REQUESTS, axum::Json(body)).into_response();
    }
    pages::too_many_requests()
}

impl State {
    /// What is below the context path, or nothing.
    pub(super) fn below_context<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.context.as_str()).filter(|rest| rest.starts_with('/'))
    }
}
