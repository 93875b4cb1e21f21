//! Health, readiness and metrics. Health asks nobody anything; readiness says whether requests are welcome, and
//! not how Jira is: a Jira that is down would otherwise take the broker, whose answers say so, away as well.

use axum::body::Body;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use super::Broker;
use super::coordination::State;
use super::metrics;
use super::routes;
use super::settings::WithoutCoordination;
use crate::serve;

/// Why the siblings are not there in the moment after the start.
const NOT_YET: &str = "it has not been reached yet";

/// Answers a request for one of the three; `None` for any other path.
pub fn answer(broker: &Broker, method: &Method, path: &str) -> Option<Response<Body>> {
    let respond: fn(&Broker) -> Response<Body> = match path {
        "/healthz" => |_| plain(StatusCode::OK, &json!({ "status": "ok" })),
        "/readyz" => readiness,
        "/metrics" => numbers,
        _ => return None,
    };
    if method != Method::GET && method != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "method_not_allowed" }));
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(response);
    }
    Some(respond(broker))
}

/// The same on a listener of their own.
pub fn answer_alone(broker: &Broker, method: &Method, path: &str) -> Response<Body> {
    let nothing = || plain(StatusCode::NOT_FOUND, &json!({ "error": "not_found" }));
    answer(broker, method, path).unwrap_or_else(nothing)
}

/// There, the answer to a request whose end or host is in doubt, or whose body did not come. Nobody needs a body here: how
/// long it would be is no reason to say anything else than without one.
pub fn turned_away(broker: &Broker, refusal: serve::Refusal, parts: &Parts) -> Response<Body> {
    match refusal {
        serve::Refusal::NoLength | serve::Refusal::TooLarge => {
            answer_alone(broker, &parts.method, parts.uri.path())
        }
        other => plain(other.status(), &json!({ "error": routes::code(other).as_str() })),
    }
}

/// Whether requests are welcome, and if not, why not.
pub fn ready(broker: &Broker) -> Result<(), String> {
    if broker.is_draining() {
        return Err("draining".to_owned());
    }
    match (broker.coalesce.coordination.state(), broker.settings.without_coordination) {
        (State::Down(reason), WithoutCoordination::Refuse) => Err(format!("coordination: {reason}")),
        (State::NotYet, WithoutCoordination::Refuse) => Err(format!("coordination: {NOT_YET}")),
        (State::Off | State::NotYet | State::Up | State::Down(_), _) => Ok(()),
    }
}

fn readiness(broker: &Broker) -> Response<Body> {
    let coordination = broker.coalesce.coordination.state();
    let mut answer = json!({ "ready": true, "coordination": word(&coordination) });
    match coordination {
        State::Down(reason) => answer["reason"] = reason.into(),
        State::NotYet => answer["reason"] = NOT_YET.into(),
        State::Off | State::Up => {}
    }
    match ready(broker) {
        Ok(()) => plain(StatusCode::OK, &answer),
        Err(reason) => {
            answer["ready"] = false.into();
            answer["reason"] = reason.into();
            plain(StatusCode::SERVICE_UNAVAILABLE, &answer)
        }
    }
}

/// How it stands with the siblings, in one word.
pub fn word(state: &State) -> &'static str {
    match state {
        State::Off => "off",
        State::Up => "up",
        State::NotYet | State::Down(_) => "down",
    }
}

fn numbers(broker: &Broker) -> Response<Body> {
    broker.measure();
    let mut response = Response::new(Body::from(broker.metrics.text()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn plain(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
