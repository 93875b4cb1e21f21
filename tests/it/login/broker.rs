//! The login where Jira demands the client's secret and a broker has it.

use jira_oauth::sandbox::{Action, Confidential, Fault};
use serde_json::json;

use crate::support::{FakeBroker, Plan, Ran, World, follow};

const TOKEN: &str = "/rest/oauth2/latest/token";

async fn confidential() -> World {
    World::with(|options| options.confidential = Confidential::All).await
}

/// Logs in with the broker.
async fn log_in(world: &World, broker: &FakeBroker) -> Ran {
    log_in_with(world, &["--broker-url", broker.url()]).await
}

async fn log_in_with(world: &World, more: &[&str]) -> Ran {
    let (live, ran) = world.login(more).start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    ran
}

/// Has Jira demand the secret once, whatever it does otherwise.
fn demand_once(world: &World) {
    let refusal = json!({ "error": "invalid_client", "error_description": "no" }).to_string();
    world.jira.faults().add(Fault::on(TOKEN, Action::respond(401, "application/json", refusal)));
}

fn codes(world: &World) -> usize {
    world.jira.token_calls("authorization_code")
}

#[tokio::test]
async fn a_broker_finishes_the_login_by_itself_where_jira_demands_the_secret() {
    let world = confidential().await;
    let broker = FakeBroker::start(&world).await;
    broker.plan([Plan::Forwards]);
    let (live, ran) = world
        .login(&["--broker-url", broker.url()])
        .env("JIRA_BROKER_TOKEN", "caller-canary")
        .env("JIRA_OAUTH_CLIENT_SECRET", "secret-canary")
        .start();
    let (ran, steps) = tokio::join!(ran, async { follow(live.login_url().await).await });
    let session = ran.ok().hides(&["caller-canary", "secret-canary"]).json();
    assert!(steps.last().unwrap().body.contains("You are logged in"), "{}", steps.last().unwrap().body);
    assert_eq!((&session["session"], &session["broker_url"]), (&json!("ok"), &json!(broker.url())));
    let calls = broker.calls();
    assert_eq!((calls.len(), calls[0].path.as_str()), (1, "/v1/exchange"));
    assert_eq!(calls[0].authorization.as_deref(), Some("Bearer caller-canary"));
    let names: Vec<_> = calls[0].body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "code_verifier", "redirect_uri", "client_id"], "and no secret");
    assert_eq!(codes(&world), 2, "Jira was asked first");
    let site = world.sites().list()[0].clone();
    assert_eq!(site.broker_url.unwrap().as_str(), broker.url());
    // From now on the site has it, and nothing need be said.
    broker.plan([Plan::Forwards]);
    log_in_with(&world, &[]).await.ok();
    assert_eq!((broker.calls().len(), codes(&world)), (1, 3), "and the broker is asked first");
    broker.plan([Plan::Forwards]);
    world.run(&["token", "refresh", "--site", site.name.as_str()]).await.ok();
    assert_eq!(broker.calls()[0].path, "/v1/refresh");
}

#[tokio::test]
async fn a_login_that_jira_takes_without_a_secret_is_no_brokers_business() {
    let world = World::new().await;
    let broker = FakeBroker::start(&world).await;
    log_in(&world, &broker).await.ok();
    log_in(&world, &broker).await.ok();
    assert_eq!((broker.calls().len(), codes(&world)), (0, 2));
}

#[tokio::test]
async fn a_broker_that_does_not_exchange_is_one_of_the_ways_on() {
    for plan in [Plan::refuses(403, "exchange_disabled"), Plan::refuses(404, "not_found"), Plan::Page(404)] {
        let world = confidential().await;
        let broker = FakeBroker::start(&world).await;
        broker.plan([plan]);
        let ran = log_in(&world, &broker).await.failed(1, "login_denied");
        let error = ran.error();
        let message = error["message"].as_str().unwrap();
        let ways = [
            "jira login --pat",
            "broker at 127.0.0.1",
            "--allow-exchange",
            "-Datlassian.oauth2.provider.validate.client.secret=false",
        ];
        let places: Vec<_> =
            ways.iter().map(|way| message.find(way).unwrap_or_else(|| panic!("{way}: {ran}"))).collect();
        assert!(places.is_sorted(), "{ran}");
        assert_eq!(error["actor"], "operator");
        assert!(error["hint"].as_str().unwrap().starts_with("jira login --pat"), "{ran}");
        assert_eq!(world.config_toml(), "", "nothing is remembered of a login that failed");
    }
}

#[tokio::test]
async fn what_a_broker_answers_to_an_exchange_is_told_apart_and_never_asked_twice() {
    for (plan, exit, code) in [
        (Plan::refuses(401, "unauthorized"), 3, "broker_refused"),
        (Plan::refuses(502, "invalid_client"), 1, "broker_misconfigured"),
        (Plan::refuses(429, "rate_limited"), 4, "rate_limited"),
        (Plan::refuses(503, "upstream_unavailable"), 7, "broker_down"),
        (Plan::refuses(400, "invalid_client_id"), 1, "broker_protocol"),
        (Plan::refuses(403, "origin_refused"), 1, "broker_protocol"),
        (Plan::Says(200, json!({})), 1, "broker_protocol"),
        (Plan::Hangs, 7, "broker_down"),
    ] {
        let world = confidential().await;
        let broker = FakeBroker::start(&world).await;
        let what = format!("{plan:?}");
        broker.plan([plan]);
        log_in(&world, &broker).await.failed(exit, code);
        assert_eq!((broker.calls().len(), codes(&world)), (1, 1), "{what}");
        assert!(world.place().session().await.unwrap().is_none(), "{what}");
    }
}

#[tokio::test]
async fn a_jira_that_burns_the_code_when_it_refuses_the_client_is_met_once() {
    let world = World::new().await;
    let broker = FakeBroker::start(&world).await;
    demand_once(&world);
    broker.plan([Plan::refuses(400, "invalid_grant")]);
    let ran = log_in(&world, &broker).await.failed(1, "login_denied");
    assert!(
        ran.error()["message"].as_str().unwrap().contains("the broker is asked first from now on"),
        "{ran}"
    );
    assert_eq!((broker.calls().len(), codes(&world)), (1, 1));
    broker.plan([Plan::Forwards]);
    log_in(&world, &broker).await.ok();
    assert_eq!((broker.calls().len(), codes(&world)), (1, 2), "Jira sees the code once");
}

#[tokio::test]
async fn a_code_that_came_too_late_through_the_broker_is_said_to_be_that() {
    let world = confidential().await;
    let broker = FakeBroker::start(&world).await;
    broker.plan([Plan::Forwards]);
    log_in(&world, &broker).await.ok();
    for word in ["invalid_grant", "invalid_request"] {
        broker.plan([Plan::refuses(400, word)]);
        let ran = log_in(&world, &broker).await.failed(1, "login_denied");
        let message = ran.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("too late") && !message.contains("from now on"), "{ran}");
    }
    assert_eq!((broker.calls().len(), codes(&world)), (3, 2), "nobody has Jira see a code twice");
}

#[tokio::test]
async fn what_was_learnt_without_a_broker_serves_the_login_with_one() {
    let world = confidential().await;
    log_in_with(&world, &[]).await.failed(1, "login_denied");
    let broker = FakeBroker::start(&world).await;
    broker.plan([Plan::Forwards]);
    log_in(&world, &broker).await.ok();
    assert_eq!((broker.calls().len(), codes(&world)), (1, 2), "one before, one of the broker");
}

#[tokio::test]
async fn where_the_broker_stops_to_exchange_jira_is_asked_as_ever() {
    let world = World::new().await;
    let broker = FakeBroker::start(&world).await;
    demand_once(&world);
    broker.plan([Plan::Forwards]);
    log_in(&world, &broker).await.ok();
    assert_eq!((broker.calls().len(), codes(&world)), (1, 2));
    broker.plan([Plan::refuses(403, "exchange_disabled")]);
    log_in(&world, &broker).await.ok();
    assert_eq!((broker.calls().len(), codes(&world)), (1, 3));
    log_in(&world, &broker).await.ok();
    assert_eq!((broker.calls().len(), codes(&world)), (0, 4), "and that is what is remembered now");
}
