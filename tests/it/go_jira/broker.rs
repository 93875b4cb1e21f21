//! P: the broker, from its client's side. The broker itself has tests of its own.

use jira_oauth::sandbox::{Confidential, Scope};
use serde_json::{Value, json};

use crate::support::{Evil, FakeBroker, Plan, World};

/// A new pair of Jira's.
fn pair(world: &World) -> Plan {
    Plan::Pair(world.jira.mint_session("developer", Scope::Write))
}

/// Item 277.
#[tokio::test]
async fn the_client_sends_refresh_token_and_client_id_and_a_bearer_only_if_it_has_one() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    for bearer in [None, Some("caller-canary")] {
        let old = world.stored().await.refresh_token.unwrap();
        broker.plan([pair(&world)]);
        let refresh = world.command(&["token", "refresh"]);
        let refresh = bearer.iter().fold(refresh, |command, token| command.env("JIRA_BROKER_TOKEN", *token));
        refresh.run().await.ok().hides(&["caller-canary", old.expose()]);
        let calls = broker.calls();
        assert_eq!((calls.len(), calls[0].path.as_str()), (1, "/v1/refresh"));
        assert_eq!(calls[0].authorization, bearer.map(|token| format!("Bearer {token}")));
        assert_eq!(calls[0].body["refresh_token"], old.expose());
        assert_eq!(calls[0].body["client_id"], world.jira.client_id());
    }
}

/// Item 278.
#[tokio::test]
async fn each_refusal_of_the_broker_is_an_error_of_its_own() {
    let world = World::new().await;
    let (broker, evil) = (FakeBroker::behind(&world).await, Evil::start().await);
    for (plan, exit, code) in [
        (Plan::refuses(401, "unauthorized"), 3, "broker_refused"),
        (Plan::refuses(502, "invalid_client"), 1, "broker_misconfigured"),
        (Plan::refuses(502, "bad_gateway"), 7, "broker_down"),
        (Plan::Page(502), 7, "broker_down"),
        (Plan::Leads(format!("{}/v1/refresh", evil.url())), 1, "broker_protocol"),
        (Plan::refuses(500, "server_error"), 7, "broker_down"),
        (Plan::refuses(503, "server_error"), 7, "broker_down"),
        (Plan::refuses(400, "invalid_request"), 1, "broker_protocol"),
        (Plan::refuses(400, "invalid_client_id"), 1, "broker_protocol"),
        // The last one, for it ends the session.
        (Plan::refuses(400, "invalid_grant"), 3, "session_ended"),
    ] {
        let what = format!("{plan:?}");
        broker.plan([plan]);
        let ran = world.run(&["token", "refresh"]).await;
        assert_eq!((ran.code, &ran.error()["code"]), (exit, &json!(code)), "{what}: {ran}");
        assert_eq!(broker.calls().len(), 1, "{what}");
    }
    evil.saw_nothing().await;
}

/// Item 279.
#[tokio::test]
async fn an_answer_without_one_of_the_tokens_is_refused_and_nothing_is_saved() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    let before = world.stored().await;
    for (access, refresh) in [(json!(""), json!("r")), (json!("a"), json!("")), (json!("a"), Value::Null)] {
        let body = json!({ "access_token": access, "refresh_token": refresh, "expires_in": 3600 });
        broker.plan([Plan::Says(200, body.clone())]);
        world.run(&["token", "refresh"]).await.failed(1, "broker_protocol");
        assert_eq!(broker.calls().len(), 1, "{body}");
        let after = world.stored().await;
        assert_eq!(after.access_token, before.access_token, "{body}");
        assert_eq!(after.refresh_token, before.refresh_token, "{body}");
    }
}

/// Item 280.
#[tokio::test]
async fn the_client_has_no_client_secret_and_the_broker_adds_it() {
    let world = World::with(|options| options.confidential = Confidential::Refresh).await;
    let broker = FakeBroker::behind(&world).await;
    broker.plan([Plan::Hangs, Plan::Forwards]);
    let refresh = || world.command(&["token", "refresh"]).env("JIRA_OAUTH_CLIENT_SECRET", "secret-canary");
    let ran = refresh().run().await.ok().hides(&["secret-canary"]);
    assert_eq!(ran.json()["broker_url"], broker.url());
    for call in broker.calls() {
        let sent = call.body.to_string();
        assert!(!sent.contains("client_secret") && !sent.contains("secret-canary"), "{sent}");
    }
    let by_the_broker = world.jira.log().into_iter().find(|request| request.field("grant_type").is_some());
    assert_eq!(by_the_broker.unwrap().field("client_secret").as_deref(), Some(world.jira.client_secret()));

    // To Jira itself the client sends none either, even if that is what Jira wants.
    world.change_session(|session| session.trust.broker_url = None).await;
    refresh().run().await.failed(1, "login_denied");
    let form = world.jira.log().last().unwrap().clone();
    assert_eq!(form.field("grant_type").as_deref(), Some("refresh_token"));
    assert!(form.field("client_secret").is_none() && !form.body.contains("secret-canary"), "{form:?}");
    assert!(form.header("authorization").is_none(), "{form:?}");
}
