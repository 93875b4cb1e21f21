//! What every write has to pass before a handler sees it.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use crate::sandbox::{Caller, Scope};

/// Refuses writes that look as if a browser had been made to send them, and those beyond the scope.
/// POST /search is a read.
pub(super) async fn writes(request: Request, next: Next) -> Response {
    let method = request.method();
    let read = method == Method::GET || method == Method::HEAD || request.uri().path().ends_with("/search");
    if read {
        return next.run(request).await;
    }
    if from_a_browser(request.headers()) {
        return Refusal::xsrf().into_response();
    }
    let caller = request.extensions().get::<Caller>();
    if caller.is_some_and(|caller| caller.user.is_some() && caller.scope == Scope::Read) {
        let message = "You do not have permission to perform this operation.";
        return Refusal::forbidden(message).into_response();
    }
    next.run(request).await
}

/// Jira's XSRF check: a browser's User-Agent or an Origin, and no `X-Atlassian-Token: no-check`.
fn from_a_browser(headers: &HeaderMap) -> bool {
    let starts = |name, with: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with(with))
    };
    let excused = starts(header::HeaderName::from_static("x-atlassian-token"), "no-check");
    !excused && (headers.contains_key(header::ORIGIN) || starts(header::USER_AGENT, "Mozilla/"))
}
