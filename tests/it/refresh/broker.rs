//! The refresh through a broker, as its client sees it.

use std::fs;

use jira_oauth::sandbox::{Confidential, Scope};
use serde_json::{Value, json};

use crate::support::{Evil, FakeBroker, Plan, World};

/// One in which Jira refreshes for nobody without the secret.
async fn confidential() -> World {
    World::with(|options| options.confidential = Confidential::Refresh).await
}

fn pair_for(world: &World) -> Plan {
    Plan::Pair(world.jira.mint_session("developer", Scope::Write))
}

/// Whether a mark of a refresh without an end is in the session's lock file.
async fn is_marked(world: &World) -> bool {
    let place = world.place();
    place.locks.acquire(&place.key, std::time::Duration::ZERO).await.unwrap().mark().is_some()
}

#[tokio::test]
async fn the_pair_comes_from_the_broker_and_jira_sees_no_refresh() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    let old = world.stored().await;
    broker.plan([pair_for(&world)]);
    let ran = world
        .command(&["whoami"])
        .env("JIRA_BROKER_TOKEN", "caller-canary")
        .env("JIRA_OAUTH_CLIENT_SECRET", "secret-canary")
        .run()
        .await
        .ok()
        .hides(&["caller-canary", "secret-canary"]);
    assert_eq!(ran.json()["user"]["name"], "developer");
    assert_eq!(ran.json()["broker_url"], broker.url());
    let calls = broker.calls();
    assert_eq!((calls.len(), world.refreshes()), (1, 0));
    assert_eq!(calls[0].path, "/v1/refresh");
    assert_eq!(calls[0].authorization.as_deref(), Some("Bearer caller-canary"));
    assert_eq!(
        calls[0].body,
        json!({
            "refresh_token": old.refresh_token.unwrap().expose(),
            "client_id": world.jira.client_id(),
            "redirect_uri": old.redirect_uri,
        }),
        "and no secret"
    );
    for request in world.jira.log() {
        assert!(!request.header("authorization").is_some_and(|header| header.contains("canary")));
    }
    let stored = world.stored().await;
    assert_eq!(stored.scope.as_deref(), Some("WRITE"), "a broker need not repeat it");
    assert!(stored.trust.broker_url.is_some());
    assert_eq!(world.run(&["token", "status"]).await.ok().json()["broker_url"], broker.url());
}

#[tokio::test]
async fn a_token_that_is_about_to_end_is_refreshed_through_the_broker() {
    let world = confidential().await;
    let broker = FakeBroker::behind(&world).await;
    broker.plan([Plan::Forwards]);
    world.run(&["whoami"]).await.ok();
    assert_eq!((broker.calls().len(), world.refreshes()), (1, 1), "Jira is asked by the broker alone");
    world.run(&["whoami"]).await.ok();
    broker.plan([Plan::Forwards]);
    world.run(&["token", "refresh"]).await.ok();
    assert_eq!((broker.calls().len(), world.refreshes()), (1, 2));
}

#[tokio::test]
async fn a_token_that_jira_takes_for_nobodys_is_refreshed_through_the_broker() {
    let world = confidential().await;
    let broker = FakeBroker::start(&world).await;
    world.logged_in().await;
    world.change_session(|session| session.trust.broker_url = Some(broker.url().to_owned())).await;
    world.jira.expire_access_tokens();
    broker.plan([Plan::Forwards]);
    let issues = world.run(&["search", "project = GAIA"]).await.ok().json();
    assert!(!issues.as_array().unwrap().is_empty());
    assert_eq!((broker.calls().len(), world.refreshes()), (1, 1));
}

#[tokio::test]
async fn an_injected_token_is_refreshed_through_the_broker() {
    let world = confidential().await;
    let broker = FakeBroker::start(&world).await;
    let tokens = world.jira.mint_session("release-manager", Scope::Write);
    let job = |args: &[&str]| {
        world
            .command(args)
            .without("JIRA_MASTER_PASSWORD")
            .env("CI", "true")
            .env("JIRA_BASE_URL", world.jira.base_url())
            .env("JIRA_OAUTH_CLIENT_ID", world.jira.client_id())
            .env("JIRA_OAUTH_REFRESH_TOKEN", &tokens.refresh_token)
            .env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", world.path("work/output"))
    };
    job(&["whoami"]).run().await.failed(1, "login_denied");
    let through = |args: &[&str]| job(args).env("JIRA_TOKEN_BROKER_URL", broker.url());
    let status = through(&["token", "status"]).run().await.ok().json();
    assert_eq!((&status["session"], &status["broker_url"]), (&json!("stale"), &json!(broker.url())));
    broker.plan([Plan::Forwards]);
    let session = through(&["whoami"]).run().await.ok().json();
    assert_eq!(
        (&session["user"]["name"], &session["broker_url"]),
        (&json!("release-manager"), &json!(broker.url()))
    );
    through(&["whoami"]).run().await.ok();
    assert_eq!(broker.calls()[0].body["refresh_token"], tokens.refresh_token);
    let successor = fs::read_to_string(world.path("work/output")).unwrap();
    assert_ne!(successor, tokens.refresh_token);
    // What the job makes of it next is the successor's, which the broker has refused.
    broker.plan([Plan::refuses(400, "invalid_grant")]);
    let ran = through(&["token", "refresh"]).run().await.failed(3, "refresh_token_spent");
    assert_eq!(ran.error()["actor"], "operator");
    assert_eq!(broker.calls()[0].body["refresh_token"], successor);
}

#[tokio::test]
async fn every_refusal_of_a_broker_is_told_apart() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    // What it answers; exit code, code, actor, whether the same command may be run again; whether the token may
    // have been spent, so that a mark stays.
    for (plan, exit, code, actor, again, marked) in [
        (Plan::refuses(401, "unauthorized"), 3, "broker_refused", "operator", false, false),
        (Plan::refuses(502, "invalid_client"), 1, "broker_misconfigured", "operator", false, false),
        (Plan::refuses(400, "invalid_request"), 1, "broker_protocol", "operator", false, false),
        (Plan::refuses(400, "invalid_client_id"), 1, "broker_protocol", "operator", false, false),
        (Plan::refuses(400, "a_word_of_tomorrow"), 1, "broker_protocol", "operator", false, false),
        (Plan::refuses(403, "origin_refused"), 1, "broker_protocol", "operator", false, false),
        (Plan::refuses(413, "too_large"), 1, "broker_protocol", "operator", false, false),
        (Plan::refuses(415, "unsupported_media_type"), 1, "broker_protocol", "operator", false, false),
        (Plan::refuses(404, "not_found"), 1, "broker_protocol", "operator", false, false),
        (Plan::Page(404), 1, "broker_protocol", "operator", false, false),
        (Plan::Page(200), 1, "broker_protocol", "operator", false, true),
        (Plan::Says(200, json!({})), 1, "broker_protocol", "operator", false, true),
        (Plan::refuses(429, "rate_limited"), 4, "rate_limited", "nobody", true, false),
        (Plan::refuses(503, "overloaded"), 7, "broker_down", "nobody", true, false),
        (Plan::refuses(503, "coordination_unavailable"), 7, "broker_down", "nobody", true, true),
        (Plan::refuses(503, "upstream_rate_limited"), 7, "broker_down", "nobody", true, false),
        (Plan::refuses(503, "upstream_unavailable"), 7, "broker_down", "nobody", true, true),
        (Plan::refuses(503, "refresh_interrupted"), 7, "refresh_interrupted", "nobody", true, true),
        (Plan::refuses(408, "request_timeout"), 7, "broker_down", "nobody", true, false),
        (Plan::refuses(500, "server_error"), 7, "broker_down", "nobody", true, true),
        (Plan::refuses(502, "upstream_refused"), 7, "broker_down", "nobody", true, true),
        (Plan::Page(502), 7, "broker_down", "nobody", true, true),
        (Plan::Page(503), 7, "broker_down", "nobody", true, true),
        (Plan::Page(504), 7, "broker_down", "nobody", true, true),
    ] {
        let what = format!("{plan:?}");
        // Since the last one the token may have been marked: begin anew.
        world.change_session(|_| {}).await;
        broker.plan([plan.clone()]);
        let ran = world.run(&["whoami"]).await.hides(&["<html>"]);
        let error = ran.error();
        assert_eq!(
            (ran.code, error["code"].as_str(), error["actor"].as_str(), error["retryable"].as_bool()),
            (exit, Some(code), Some(actor), Some(again)),
            "{what}: {ran}"
        );
        let (status, retry_after, request_id) = match plan {
            Plan::Says(200, _) => (200, json!(9), Value::Null),
            Plan::Says(status, body) => {
                let known = body["error"] != "a_word_of_tomorrow";
                (status, json!(9), if known { json!("r-1") } else { Value::Null })
            }
            Plan::Page(status) => (status, Value::Null, json!("ingress-1")),
            other => panic!("{other:?}"),
        };
        assert_eq!(error["status_code"], status, "{what}: {ran}");
        assert_eq!(
            (&error["retry_after"], &error["request_id"]),
            (&retry_after, &request_id),
            "{what}: {ran}"
        );
        assert_eq!(broker.calls().len(), 1, "{what}");
        assert!(world.stored().await.ended.is_none(), "{what}");
        assert_eq!(is_marked(&world).await, marked, "{what}");
    }
    assert_eq!(world.requests(), [""; 0], "Jira is not asked in the broker's place");
}

#[tokio::test]
async fn a_caller_that_the_broker_does_not_know_is_told_what_it_lacks() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    broker.plan([Plan::refuses(401, "unauthorized"), Plan::refuses(401, "unauthorized")]);
    insta::assert_snapshot!(world.run(&["whoami"]).await, @r#"
    exit 3
    --- stderr
    {"error":{"kind":"auth","code":"broker_refused","message":"the broker at 127.0.0.1 wants a caller token, and JIRA_BROKER_TOKEN is not set","hint":"stty -echo; read -r JIRA_BROKER_TOKEN; stty echo; export JIRA_BROKER_TOKEN","exit_code":3,"retryable":false,"actor":"operator","status_code":401,"retry_after":9,"request_id":"r-1"}}
    "#);
    let ran = world.command(&["whoami"]).env("JIRA_BROKER_TOKEN", "canary").run().await.hides(&["canary"]);
    insta::assert_snapshot!(ran, @r#"
    exit 3
    --- stderr
    {"error":{"kind":"auth","code":"broker_refused","message":"the broker at 127.0.0.1 does not know the caller token that was sent (JIRA_BROKER_TOKEN)","hint":"stty -echo; read -r JIRA_BROKER_TOKEN; stty echo; export JIRA_BROKER_TOKEN","exit_code":3,"retryable":false,"actor":"operator","status_code":401,"retry_after":9,"request_id":"r-1"}}
    "#);
    let sent = broker.calls().into_iter().map(|call| call.authorization).collect::<Vec<_>>();
    assert_eq!(sent, [None, Some("Bearer canary".to_owned())]);
    let ran = world.command(&["whoami"]).env("JIRA_BROKER_TOKEN", "two words").run().await;
    assert!(
        ran.failed(2, "bad_value").hides(&["two words"]).error()["message"]
            .to_string()
            .contains("JIRA_BROKER_TOKEN")
    );
    world
        .command(&["whoami", "--broker-token", "canary"])
        .run()
        .await
        .failed(2, "secret_as_argument")
        .hides(&["canary"]);
}

#[tokio::test]
async fn a_refresh_that_the_broker_lost_keeps_the_session_and_says_what_it_means() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    broker.plan([Plan::refuses(503, "refresh_interrupted")]);
    insta::assert_snapshot!(world.run(&["whoami"]).await, @r#"
    exit 7
    --- stderr
    {"error":{"kind":"unavailable","code":"refresh_interrupted","message":"a refresh with this session's token was cut off between the broker at 127.0.0.1 and Jira, and what became of the token is not known yet. The session is kept: ask again, and if Jira refuses the token then, log in","exit_code":7,"retryable":true,"actor":"nobody","status_code":503,"retry_after":9,"request_id":"r-1"}}
    "#);
    broker.plan([pair_for(&world)]);
    world.run(&["whoami"]).await.ok();
    assert!(!is_marked(&world).await);
}

#[tokio::test]
async fn a_grant_that_the_broker_says_is_dead_ends_the_session() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    broker.plan([Plan::refuses(400, "invalid_grant")]);
    let ran = world.run(&["whoami"]).await.failed(3, "session_ended");
    assert_eq!(ran.error()["hint"], "jira login --site sandbox");
    assert_eq!(broker.calls().len(), 1);
    world.run(&["whoami"]).await.failed(3, "session_ended");
    assert_eq!(broker.calls().len(), 0, "the refusal is remembered");
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_asked_again_twice_with_the_same_token() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    broker.plan([Plan::Hangs, Plan::Hangs, pair_for(&world)]);
    world.run(&["whoami"]).await.ok();
    let calls = broker.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.body == calls[0].body));
    world.advance(std::time::Duration::from_secs(3600));
    broker.plan([Plan::Hangs, Plan::Hangs, Plan::Hangs]);
    world.run(&["whoami"]).await.failed(7, "broker_down");
    assert_eq!(broker.calls().len(), 3);
    assert!(is_marked(&world).await, "the token may be spent");
}

#[tokio::test]
async fn a_broker_that_is_about_to_end_is_asked_again() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    let draining = || Plan::refuses(503, "draining");
    broker.plan([draining(), draining(), pair_for(&world)]);
    world.run(&["whoami"]).await.ok();
    assert_eq!(broker.calls().len(), 3);
    world.advance(std::time::Duration::from_secs(3600));
    broker.plan([draining(), draining(), draining()]);
    world.run(&["whoami"]).await.failed(7, "broker_down");
    assert_eq!(broker.calls().len(), 3);
    assert!(!is_marked(&world).await, "it has touched no token");
}

#[tokio::test]
async fn what_is_said_after_a_lost_answer_is_said_of_both() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    broker.plan([Plan::Hangs, Plan::refuses(503, "overloaded")]);
    world.run(&["whoami"]).await.failed(7, "broker_down");
    assert!(is_marked(&world).await, "the first one may have spent the token");
    world.change_session(|_| {}).await;
    broker.plan([Plan::Hangs, Plan::refuses(400, "invalid_grant")]);
    let ran = world.run(&["whoami"]).await.failed(3, "session_ended");
    assert!(ran.stderr.contains("was interrupted before its answer was saved"), "{ran}");
}

#[tokio::test]
async fn a_broker_that_is_not_there_spends_nothing() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    let nobody = format!("http://127.0.0.1:{}", crate::support::free_port());
    world.change_session(|session| session.trust.broker_url = Some(nobody)).await;
    let error = world.run(&["whoami"]).await.failed(7, "broker_down").error();
    assert!(error["message"].as_str().unwrap().contains("cannot connect"), "{error}");
    assert!(!is_marked(&world).await);
    assert_eq!(broker.calls().len(), 0);
}

#[tokio::test]
async fn a_redirect_of_a_broker_is_never_followed() {
    let world = World::new().await;
    let (broker, evil) = (FakeBroker::behind(&world).await, Evil::start().await);
    broker.plan([Plan::Leads(format!("{}/v1/refresh", evil.url()))]);
    let ran = world.run(&["whoami"]).await.failed(1, "broker_protocol");
    assert!(ran.stderr.contains("redirects to 127.0.0.1"), "{ran}");
    assert_eq!(broker.calls().len(), 1);
    evil.saw_nothing().await;
}

#[tokio::test]
async fn a_broker_on_loopback_is_never_asked_through_a_proxy() {
    let world = World::new().await;
    let (broker, evil) = (FakeBroker::behind(&world).await, Evil::start().await);
    broker.plan([pair_for(&world)]);
    let mut command = world.command(&["whoami"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command = command.env(name, evil.url());
    }
    command.run().await.ok();
    assert_eq!(broker.calls().len(), 1);
    evil.saw_nothing().await;
}

#[tokio::test]
async fn a_broker_over_http_is_for_loopback_or_for_those_who_say_insecure() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    world
        .change_session(|session| session.trust.broker_url = Some("http://broker.example.com".to_owned()))
        .await;
    world.run(&["whoami"]).await.failed(2, "bad_value");
    let asked =
        world.command(&["whoami"]).env("JIRA_TOKEN_BROKER_URL", "http://broker.example.com").run().await;
    asked.failed(2, "bad_value");
    assert_eq!(broker.calls().len(), 0);
}
