//! What a refresh survives: a store that takes nothing, a token endpoint in trouble, a command that ends in
//! the middle of it.

use std::fs;
use std::time::Duration;

use http::StatusCode;
use jira_oauth::process::Signal;
use jira_oauth::sandbox::{Action, Fault, Gate};

use crate::support::{Evil, World, wait};

const TOKEN: &str = "/rest/oauth2/latest/token";

#[tokio::test]
async fn a_store_that_takes_no_write_is_noticed_before_the_token_is_spent() {
    let world = World::new().await;
    let tokens = world.logged_in().await;
    world.advance(Duration::from_secs(3600));
    let lock = world.locks().join(format!("{}.lock", world.place().key));
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    let ran = world.run(&["whoami"]).await;
    assert_eq!(ran.error()["code"], "store_unwritable", "{ran}");
    fs::remove_dir(&lock).unwrap();
    assert_eq!(world.requests(), [""; 0], "the token was not spent");
    assert_eq!(world.stored().await.refresh_token.unwrap().expose(), tokens.refresh_token);
    world.run(&["whoami"]).await.ok();
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_leaves_the_session_as_it_is() {
    let world = World::new().await;
    let evil = Evil::start().await;
    let tokens = world.logged_in().await;
    world.advance(Duration::from_secs(3600));
    let redirect = |status| Action::Respond {
        status: StatusCode::from_u16(status).unwrap(),
        headers: vec![("location".into(), format!("{}{TOKEN}", evil.url()))],
        body: "".into(),
    };
    let limited = Action::Respond {
        status: StatusCode::TOO_MANY_REQUESTS,
        headers: vec![("retry-after".into(), "7".into())],
        body: "<html>".into(),
    };
    let html = "<html>Down for maintenance</html>";
    for (action, exit, code) in [
        (Action::respond(503, "text/html", html), 7, "server_error"),
        (
            Action::respond(500, "application/json", r#"{"errors":["boom"],"fieldErrors":{}}"#),
            7,
            "server_error",
        ),
        (Action::respond(403, "text/html", html), 7, "server_error"),
        (Action::respond(200, "text/html", html), 1, "not_jira"),
        (Action::respond(200, "application/json", "{}"), 1, "not_jira"),
        (
            Action::respond(
                200,
                "application/json",
                r#"{"access_token":"","refresh_token":"","expires_in":1}"#,
            ),
            1,
            "not_jira",
        ),
        (Action::respond(400, "application/json", r#"{"error":"invalid_client"}"#), 1, "login_denied"),
        (limited, 4, "rate_limited"),
        (redirect(302), 3, "sso_intercepted"),
        (redirect(307), 3, "sso_intercepted"),
        (redirect(308), 3, "sso_intercepted"),
        (Action::Drop, 7, "connect"),
    ] {
        world.jira.clear_log();
        let what = format!("{action:?}");
        world.jira.faults().add(Fault::on(TOKEN, action));
        let ran = world.run(&["whoami"]).await;
        let error = ran.error();
        assert_eq!((ran.code, error["code"].as_str()), (exit, Some(code)), "{what}: {ran}");
        assert_eq!(world.refreshes(), 1, "{what}: never asked again");
        let stored = world.stored().await;
        assert!(stored.ended.is_none(), "{what}");
        assert_eq!(stored.refresh_token.unwrap().expose(), tokens.refresh_token, "{what}");
        if code == "rate_limited" {
            assert_eq!(error["retry_after"], 7);
        }
    }
    evil.saw_nothing().await;
    world.run(&["whoami"]).await.ok();
}

#[tokio::test]
async fn a_deadline_in_the_middle_of_a_refresh_waits_for_the_new_pair() {
    let world = World::new().await;
    let tokens = world.logged_in().await;
    world.advance(Duration::from_secs(3600));
    let gate = Gate::new();
    world.jira.faults().add(Fault::on(TOKEN, Action::ProcessThenHold(gate.clone())));
    let (live, ran) = world.command(&["whoami", "--timeout", "4s"]).start();
    let (ran, ()) = tokio::join!(ran, async {
        gate.arrived(1).await;
        wait(live.stderr.until(|text| text.contains("\"saving\"").then_some(()))).await;
        gate.release();
    });
    insta::assert_snapshot!(ran, @r#"
    exit 7
    --- stderr
    {"info":{"code":"saving","message":"saving the session"}}
    {"error":{"kind":"unavailable","code":"timeout","message":"the command did not end within its --timeout of 4 s","exit_code":7,"retryable":true,"actor":"nobody"}}
    "#);
    assert_ne!(world.stored().await.refresh_token.unwrap().expose(), tokens.refresh_token);
    world.run(&["whoami"]).await.ok();
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_signal_in_the_middle_of_a_refresh_waits_for_the_new_pair() {
    let world = World::new().await;
    world.logged_in().await;
    for (signal, code) in [(Signal::Interrupt, 130), (Signal::Terminate, 143), (Signal::HangUp, 129)] {
        world.jira.clear_log();
        world.advance(Duration::from_secs(3600));
        let before = world.stored().await.refresh_token;
        let gate = Gate::new();
        world.jira.faults().add(Fault::on(TOKEN, Action::ProcessThenHold(gate.clone())));
        let (live, ran) = world.command(&["whoami", "--quiet"]).start();
        let (ran, ()) = tokio::join!(ran, async {
            gate.arrived(1).await;
            live.signal(signal);
            tokio::task::yield_now().await;
            gate.release();
        });
        assert_eq!((ran.code, ran.stderr.as_str()), (code, ""), "quiet drops the info: {ran}");
        assert_ne!(world.stored().await.refresh_token, before);
        world.run(&["whoami"]).await.ok();
        assert_eq!(world.refreshes(), 1);
    }
}

#[tokio::test]
async fn jira_may_check_the_redirect_uri_on_a_refresh() {
    let world = World::with(|options| options.strict_refresh_redirect = true).await;
    world.logged_in().await;
    world.run(&["token", "refresh"]).await.ok();
    let (live, ran) = world.login(&["--callback-https=false"]).start();
    let (ran, _) = tokio::join!(ran, async { crate::support::follow(live.login_url().await).await });
    ran.ok();
    world.run(&["token", "refresh"]).await.ok();
}

#[tokio::test]
async fn a_client_that_needs_its_secret_to_refresh_is_told_of_the_broker() {
    let world =
        World::with(|options| options.confidential = jira_oauth::sandbox::Confidential::Refresh).await;
    world.logged_in().await;
    let ran = world.run(&["token", "refresh"]).await.failed(1, "login_denied");
    assert!(ran.stderr.contains("broker"), "{ran}");
    assert!(world.stored().await.ended.is_none());
}
