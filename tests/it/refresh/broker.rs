//! The refresh through a broker, as its client sees it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use jira_oauth::sandbox::{Scope, Tokens};
use jira_oauth::serve::{CloseUnanswered, Limits, bind, serve};
use serde_json::{Value, json};

use crate::support::{Evil, World};

/// What a broker answers, in order; what is not planned is a 500 that no test expects.
#[derive(Clone, Debug)]
enum Plan {
    Pair(Tokens),
    Says(u16, Value),
    Leads(String),
    Hangs,
}

/// One call that the broker got.
#[derive(Clone, Debug)]
struct Call {
    authorization: Option<String>,
    body: Value,
}

#[derive(Clone, Default)]
struct Broker {
    plans: Arc<Mutex<Vec<Plan>>>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Broker {
    /// Starts one and has the session of the world refresh through it, which is due.
    async fn behind(world: &World) -> Broker {
        let broker = Broker::default();
        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/refresh", post(answer)).with_state(broker.clone());
        tokio::spawn(serve(vec![listener], None, router, Limits::default(), std::future::pending()));
        world.logged_in().await;
        world.change_session(|session| session.trust.broker_url = Some(url)).await;
        world.advance(Duration::from_secs(3600));
        broker
    }

    fn plan(&self, plans: impl IntoIterator<Item = Plan>) {
        *self.plans.lock().unwrap() = plans.into_iter().collect();
    }

    fn calls(&self) -> Vec<Call> {
        assert!(self.plans.lock().unwrap().is_empty(), "the broker was asked less often than planned");
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

async fn answer(State(broker): State<Broker>, headers: HeaderMap, body: Bytes) -> Response {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    broker.calls.lock().unwrap().push(Call { authorization, body: serde_json::from_slice(&body).unwrap() });
    let mut plans = broker.plans.lock().unwrap();
    if plans.is_empty() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    match plans.remove(0) {
        Plan::Pair(tokens) => axum::Json(json!({
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_in": tokens.expires_in,
        }))
        .into_response(),
        Plan::Says(status, body) => {
            let headers = [("retry-after", "9")];
            (StatusCode::from_u16(status).unwrap(), headers, axum::Json(body)).into_response()
        }
        Plan::Leads(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Plan::Hangs => {
            let mut response = Response::default();
            response.extensions_mut().insert(CloseUnanswered);
            response
        }
    }
}

#[tokio::test]
async fn the_pair_comes_from_the_broker_and_jira_sees_no_refresh() {
    let world = World::new().await;
    let broker = Broker::behind(&world).await;
    let old = world.stored().await;
    broker.plan([Plan::Pair(world.jira.mint_session("developer", Scope::Write))]);
    let ran = world.command(&["whoami"]).env("JIRA_BROKER_TOKEN", "caller-canary").run().await.ok();
    assert_eq!(ran.hides(&["caller-canary"]).json()["user"]["name"], "developer");
    let calls = broker.calls();
    assert_eq!(calls[0].authorization.as_deref(), Some("Bearer caller-canary"));
    assert_eq!(calls[0].body["refresh_token"], old.refresh_token.unwrap().expose());
    assert_eq!(calls[0].body["client_id"], world.jira.client_id());
    assert_eq!((calls.len(), world.refreshes()), (1, 0));
    assert!(
        !world
            .jira
            .log()
            .iter()
            .any(|request| request.header("authorization").is_some_and(|header| header.contains("canary")))
    );
    let stored = world.stored().await;
    assert_eq!(stored.scope.as_deref(), Some("WRITE"), "a broker need not repeat it");
    assert!(stored.trust.broker_url.is_some());
}

#[tokio::test]
async fn every_refusal_of_a_broker_is_told_apart() {
    let world = World::new().await;
    let broker = Broker::behind(&world).await;
    let says = |status, error: &str| Plan::Says(status, json!({ "error": error }));
    for (plan, exit, code, actor) in [
        (says(401, "unauthorized"), 3, "broker_refused", "operator"),
        (says(502, "invalid_client"), 1, "broker_misconfigured", "operator"),
        (says(400, "invalid_request"), 1, "broker_protocol", "operator"),
        (says(400, "invalid_client_id"), 1, "broker_protocol", "operator"),
        (says(413, "too_large"), 1, "broker_protocol", "operator"),
        (says(415, "unsupported"), 1, "broker_protocol", "operator"),
        (says(404, "not_found"), 1, "broker_protocol", "operator"),
        (Plan::Says(200, json!({})), 1, "broker_protocol", "operator"),
        (says(429, "too_many"), 4, "rate_limited", "nobody"),
        (says(503, "unavailable"), 7, "broker_down", "nobody"),
        (says(504, "timeout"), 7, "broker_down", "nobody"),
        (says(502, "bad_gateway"), 7, "broker_down", "nobody"),
    ] {
        let what = format!("{plan:?}");
        broker.plan([plan]);
        let ran = world.run(&["whoami"]).await;
        let error = ran.error();
        assert_eq!(
            (ran.code, error["code"].as_str(), error["actor"].as_str()),
            (exit, Some(code), Some(actor)),
            "{what}: {ran}"
        );
        assert_eq!(broker.calls().len(), 1, "{what}");
        assert!(world.stored().await.ended.is_none(), "{what}");
        if code == "rate_limited" {
            assert_eq!(error["retry_after"], 9);
        }
    }
    assert_eq!(world.requests(), [""; 0], "Jira is not asked in the broker's place");
}

#[tokio::test]
async fn a_grant_that_the_broker_says_is_dead_ends_the_session() {
    let world = World::new().await;
    let broker = Broker::behind(&world).await;
    broker.plan([Plan::Says(400, json!({ "error": "invalid_grant" }))]);
    world.run(&["whoami"]).await.failed(3, "session_ended");
    assert_eq!(broker.calls().len(), 1);
    world.run(&["whoami"]).await.failed(3, "session_ended");
    assert_eq!(broker.calls().len(), 0, "the refusal is remembered");
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_asked_again_twice_with_the_same_token() {
    let world = World::new().await;
    let broker = Broker::behind(&world).await;
    broker.plan([Plan::Hangs, Plan::Hangs, Plan::Pair(world.jira.mint_session("developer", Scope::Write))]);
    world.run(&["whoami"]).await.ok();
    let calls = broker.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.body == calls[0].body));
    world.advance(Duration::from_secs(3600));
    broker.plan([Plan::Hangs, Plan::Hangs, Plan::Hangs]);
    world.run(&["whoami"]).await.failed(7, "broker_down");
    assert_eq!(broker.calls().len(), 3);
}

#[tokio::test]
async fn a_redirect_of_a_broker_is_never_followed() {
    let world = World::new().await;
    let (broker, evil) = (Broker::behind(&world).await, Evil::start().await);
    broker.plan([Plan::Leads(format!("{}/v1/refresh", evil.url()))]);
    world.run(&["whoami"]).await.failed(1, "broker_protocol");
    assert_eq!(broker.calls().len(), 1);
    evil.saw_nothing().await;
}
