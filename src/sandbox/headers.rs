//! The headers that Jira puts on its answers.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::response::Response;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::limit::Standing;
use super::{State, browser, random};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-arequestid");
const NODE_ID: HeaderName = HeaderName::from_static("x-anodeid");
const USER_NAME: HeaderName = HeaderName::from_static("x-ausername");
const LOGIN_REASON: HeaderName = HeaderName::from_static("x-seraph-loginreason");

/// What Java's URLEncoder leaves as it is.
const UNENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');

static REQUESTS: AtomicU64 = AtomicU64::new(1);

/// On every answer: which request, on which node, by whom.
pub(super) fn identify(state: &State, response: &mut Response, user: Option<&str>, now: Timestamp) {
    let minute_of_day = now.as_second().div_euclid(60).rem_euclid(24 * 60);
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    put(response, REQUEST_ID, &format!("{minute_of_day}x{number}x1"));
    put(response, NODE_ID, "sandbox");
    if state.options.send_username_header {
        let name = user.unwrap_or("anonymous");
        put(response, USER_NAME, &utf8_percent_encode(name, &UNENCODED).to_string());
    }
}

/// What became of a log-in by password.
pub(super) fn login_reason(response: &mut Response, reason: &str) {
    put(response, LOGIN_REASON, reason);
}

/// How the account stands with its rate limit; `Retry-After: 0` rides on every healthy answer.
pub(super) fn rate_limit(response: &mut Response, standing: &Standing) {
    let interval = standing.limit.interval.as_secs();
    for (name, number) in [
        (HeaderName::from_static("x-ratelimit-limit"), standing.limit.limit),
        (HeaderName::from_static("x-ratelimit-remaining"), standing.remaining),
        (HeaderName::from_static("x-ratelimit-fillrate"), standing.limit.fill_rate),
        (HeaderName::from_static("x-ratelimit-interval-seconds"), interval),
        (RETRY_AFTER, standing.retry_after),
    ] {
        response.headers_mut().insert(name, HeaderValue::from(number));
    }
}

/// On REST answers: nothing is cached, and whoever came without a session is given one, which is worth
/// nothing: Jira ends the sessions of bearer requests at once.
pub(super) fn rest(state: &State, response: &mut Response, has_session: bool) {
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache, no-store, no-transform"));
    put(response, HeaderName::from_static("x-content-type-options"), "nosniff");
    if !has_session {
        session_cookie(state, response, &random::id().to_uppercase());
    }
}

/// Sets the session cookie.
pub(super) fn session_cookie(state: &State, response: &mut Response, id: &str) {
    let path = if state.context.is_empty() { "/" } else { &state.context };
    let secure = if state.options.tls { "; Secure" } else { "" };
    let name = browser::COOKIE_NAME;
    put(response, SET_COOKIE, &format!("{name}={id}; Path={path}; HttpOnly; SameSite=Lax{secure}"));
}

/// Values are made here of digits, hex and percent-encoded text, and of a context path that was checked.
fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
