//! How an answer looks, and what is counted and logged of it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use tokio::sync::watch;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::Broker;
use super::caller::Caller;
use super::coordination::TokenKey;
use super::log::Level;
use super::metrics::Route;
use super::upstream::Refused;
use crate::auth::wire::{self, ErrorCode, Refusal};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What a plain connection is told for which there is no place: a whole answer, since nobody reads what it asks.
pub fn no_room(id: &str) -> Vec<u8> {
    let words = "There are too many connections.".to_owned();
    let refusal =
        Refusal { error: ErrorCode::Overloaded, error_description: words, request_id: id.to_owned() };
    let body = wire::body(&refusal);
    let body = body.expose();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\nx-request-id: {id}\r\nretry-after: 1\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What is known of a request by its end, for the log.
#[derive(Clone)]
pub struct Facts {
    /// When it began.
    pub begun: Instant,
    /// What it asks for.
    pub route: Route,
    /// Who asks.
    pub caller: Option<Caller>,
    /// Whether its header was judged good: then it counts against its caller's limit, if there is one.
    pub admitted: bool,
    /// Which token it is about.
    pub key: Option<TokenKey>,
    /// How its answer came to be, in a word.
    pub how: &'static str,
    /// How long Jira took, if it was asked.
    pub upstream: Option<Duration>,
    /// Has the drain wait for it, if it came before.
    pub accepted: Option<watch::Receiver<()>>,
}

impl Facts {
    /// Of one that begins now.
    pub fn of(route: Route) -> Self {
        Facts {
            begun: Instant::now(),
            route,
            caller: None,
            admitted: false,
            key: None,
            how: "refused",
            upstream: None,
            accepted: None,
        }
    }
}

/// The body of a good answer, wiped when it has been sent.
pub type Good = Zeroizing<Vec<u8>>;

/// The answer, counted and logged; of those that were refused by their header, so many are.
pub fn finish(broker: &Broker, facts: &Facts, result: Result<Good, Refused>) -> Response<Body> {
    let took = facts.begun.elapsed();
    let id = broker.next_id();
    let code = result.as_ref().err().map(|refused| refused.code);
    broker.metrics.answered(facts.route, code, took);
    if facts.admitted || code.is_none_or(|code| broker.may_say(code, facts.caller.as_ref())) {
        log(broker, facts, result.as_ref().err(), &id, took);
    }
    let mut response = match result {
        Ok(body) => Response::new(Body::from(Bytes::from_owner(body))),
        Err(refused) => refusal(&refused, &id),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if broker.is_draining() {
        headers.insert(CONNECTION, CLOSE);
    }
    headers.insert(REQUEST_ID, HeaderValue::from_str(&id).expect("hex digits and a dash are visible"));
    response
}

fn refusal(refused: &Refused, id: &str) -> Response<Body> {
    let Refused { code, words, retry_after, reason: _, unknown: _ } = refused;
    let text = Refusal { error: *code, error_description: words.clone(), request_id: id.to_owned() };
    let mut response = Response::new(Body::from(wire::body(&text).expose().to_owned()));
    *response.status_mut() = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(seconds) = retry_after.or(code.retry_after()) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    match code {
        ErrorCode::MethodNotAllowed => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
        ErrorCode::Unauthorized => {
            drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        _ => {}
    }
    response
}

/// The line of a request. Of a token, the first twelve digits of its hash; of what failed here or at Jira, why.
fn log(broker: &Broker, facts: &Facts, refused: Option<&Refused>, id: &str, took: Duration) {
    let status = refused.map_or(200, |refused| refused.code.status());
    let level = if status >= 500 { Level::Warn } else { Level::Info };
    let mut line = broker.log.line(level, "request").word("request_id", id);
    line = line.word("route", facts.route.as_str());
    if let Some(caller) = &facts.caller {
        line = line.text("caller", &caller.as_str());
    }
    if let Some(key) = &facts.key {
        line = line.word("token", &key.short());
    }
    line = line.word("outcome", facts.how);
    let code = refused.map_or("ok", |refused| refused.code.as_str());
    line = line.word("code", code).number("status", status.into());
    if let Some(Refused { words, reason, .. }) = refused.filter(|_| status >= 500) {
        line = line.text("reason", reason.as_ref().unwrap_or(words));
    }
    if let Some(upstream) = facts.upstream {
        line = line.millis("upstream_ms", upstream);
    }
    broker.log.write(line.millis("ms", took));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_without_room_is_an_answer_of_ours_as_long_as_it_says() {
        let text = String::from_utf8(no_room("9c41d07e-00002a")).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
        let said: Refusal = serde_json::from_str(body).unwrap();
        assert_eq!((said.error, said.request_id.as_str()), (ErrorCode::Overloaded, "9c41d07e-00002a"));
        assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: 1\r\n"), "{head}");
    }
}
