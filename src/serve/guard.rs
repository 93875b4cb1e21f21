//! The first layer: what is refused before any handler sees it, and the body, whole and within its cap.
//!
//! A request whose end is in doubt is how one request is smuggled inside another; one whose host is in
//! doubt is how a page in a browser reaches a loopback server (DNS rebinding). hyper takes the
//! Content-Length out of a request that has a Transfer-Encoding too, before a layer could see both, and
//! merges equal ones: so any Transfer-Encoding is refused. Our own clients send a Content-Length.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};

/// As an extension of a response: the connection is closed instead of sending it. The sandbox needs it
/// to be a server that does the work and then does not answer.
#[derive(Debug, Clone, Copy)]
pub struct CloseUnanswered;

/// Why a request goes no further. The connection ends with it, since where the next request would begin is
/// unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 400: it has a Transfer-Encoding.
    TransferEncoding,
    /// 400: not exactly one host.
    Host,
    /// 411: it may have a body and does not say how long.
    NoLength,
    /// 413: the body would be over the cap.
    TooLarge,
    /// 408: the body did not arrive in time.
    SlowBody,
    /// 503: the server ends, and the body is still on its way.
    Ending,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Refusal::TransferEncoding | Refusal::Host => StatusCode::BAD_REQUEST,
            Refusal::NoLength => StatusCode::LENGTH_REQUIRED,
            Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Refusal::Ending => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What is wrong, for a person.
    pub fn text(self) -> &'static str {
        match self {
            Refusal::TransferEncoding => "Transfer-Encoding is not taken here; send a Content-Length.",
            Refusal::Host => "A request needs one Host, and no other host in its target.",
            Refusal::NoLength => "This request needs a Content-Length.",
            Refusal::TooLarge => "The body is too large.",
            Refusal::SlowBody => "The body did not arrive in time.",
            Refusal::Ending => "The server ends, and the body was not there yet.",
        }
    }

    /// The usual answer.
    pub(super) fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(format!("{}\n", self.text())));
        *response.status_mut() = self.status();
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }
}

/// An answer with which its connection ends.
pub(super) fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// What a request's header says about it, judged without its body.
pub(super) fn judge(parts: &Parts, body: &Incoming, max_body: u64) -> Result<(), Refusal> {
    let headers = &parts.headers;
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(Refusal::TransferEncoding);
    }
    let host = the_host(headers).ok_or(Refusal::Host)?;
    if parts.uri.authority().is_some_and(|target| !same_host(target, &host)) {
        return Err(Refusal::Host);
    }
    let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&parts.method);
    if has_body && !headers.contains_key(CONTENT_LENGTH) {
        return Err(Refusal::NoLength);
    }
    if body.size_hint().lower() > max_body {
        return Err(Refusal::TooLarge);
    }
    Ok(())
}

/// Reads the body that `judge` has let pass. `Ok(None)`: the peer went away in the middle of it.
pub(super) async fn read_body(body: Incoming, deadline: Duration) -> Result<Option<Bytes>, Refusal> {
    match tokio::time::timeout(deadline, body.collect()).await {
        Ok(Ok(collected)) => Ok(Some(collected.to_bytes())),
        Ok(Err(_)) => Ok(None),
        Err(_) => Err(Refusal::SlowBody),
    }
}

/// The one host, if there is exactly one and it is one (RFC 9112, 3.2).
fn the_host(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, None) = (hosts.next()?, hosts.next()) else { return None };
    let authority: Authority = host.to_str().ok()?.parse().ok()?;
    let has_user = authority.as_str().contains('@');
    (!has_user && !authority.host().is_empty()).then_some(authority)
}

fn same_host(one: &Authority, other: &Authority) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HOST, HeaderValue::from_static(value));
        }
        the_host(&headers).map(|host| host.to_string())
    }

    #[test]
    fn a_host_is_one_and_names_no_user() {
        assert_eq!(host_of(&["127.0.0.1:8085"]).as_deref(), Some("127.0.0.1:8085"));
        assert_eq!(host_of(&["[::1]:8085"]).as_deref(), Some("[::1]:8085"));
        for bad in [&[][..], &["a", "a"], &["a", "b"], &[""], &["user@a"], &["a b"], &["a/b"], &[":80"]] {
            assert_eq!(host_of(bad), None, "{bad:?}");
        }
    }
}
