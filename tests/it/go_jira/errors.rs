//! L: what a failure is called, what it exits with, and what it says to do.

use std::time::Duration;

use jira_oauth::sandbox::{Action, Fault};
use serde_json::{Value, json};

use crate::support::{FakeBroker, Plan, Ran, World};

const MYSELF: &str = "/rest/api/2/myself";

/// An answer of Jira's own.
fn answer(status: u16, more: &[(&str, &str)]) -> Action {
    let headers = [("content-type", "application/json"), ("x-ausername", "developer")];
    let headers = headers.iter().chain(more);
    Action::Respond {
        status: http::StatusCode::from_u16(status).unwrap(),
        headers: headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: json!({ "errorMessages": ["No."], "errors": {} }).to_string().into(),
    }
}

/// `whoami` where Jira answers like this.
async fn whoami(status: u16, more: &[(&str, &str)]) -> Ran {
    let world = World::new().await;
    world.jira.faults().add(Fault::on(MYSELF, answer(status, more)).always());
    world.with_token(&["whoami"]).run().await
}

/// What is pasted next.
fn hint(ran: &Ran) -> String {
    ran.error()["hint"].as_str().unwrap_or_default().to_owned()
}

/// Item 228.
#[tokio::test]
async fn a_failure_keeps_its_class_wherever_it_is_reported() {
    let world = World::new().await;
    let limited = answer(429, &[("retry-after", "7")]);
    world.jira.faults().add(Fault::on("/rest/api/2/issue/", limited).always());
    let run = ["run", "--ref=GAIA-12 WEB-9", "--comment=x"];
    let ran = world.with_token(&run).run().await.failed(4, "rate_limited");
    let error = ran.error();
    assert_eq!((&error["kind"], &error["status_code"]), (&json!("rate_limit"), &json!(429)));
    assert!(error["message"].as_str().unwrap().starts_with("2 of 2 issues failed; the first: "), "{ran}");
    assert_eq!(ran.json()["issues"][1]["error"]["code"], "rate_limited");
}

/// Items 229, 238, changed: `retry_after` is a number of seconds, which the message says too; a hint is a command,
/// and there is none for waiting.
#[tokio::test]
async fn a_rate_limit_is_exit_4_and_says_how_long_to_wait() {
    let ran = whoami(429, &[("retry-after", "30")]).await.failed(4, "rate_limited");
    let error = ran.error();
    assert_eq!(
        (&error["kind"], &error["status_code"], &error["retry_after"], &error["retryable"]),
        (&json!("rate_limit"), &json!(429), &json!(30), &json!(true))
    );
    assert!(error["message"].as_str().unwrap().contains("30 s"), "{ran}");
    assert_eq!(error.get("hint"), None);
}

/// Item 230.
#[tokio::test]
async fn a_401_and_a_403_are_exit_3() {
    for status in [401, 403] {
        let error = whoami(status, &[]).await.error();
        assert_eq!((&error["kind"], &error["exit_code"]), (&json!("auth"), &json!(3)), "{status}: {error}");
        assert_eq!(error["status_code"], status);
    }
}

/// Items 231, 234, changed: a script can tell what is not there (5) and what may work later (7) from the rest (1),
/// and each error has the status that decided.
#[tokio::test]
async fn a_404_is_exit_5_trouble_is_7_and_the_rest_is_1() {
    for (status, exit, kind) in [
        (400, 1, "error"),
        (404, 5, "not_found"),
        (405, 1, "error"),
        (409, 1, "error"),
        (500, 7, "unavailable"),
        (503, 7, "unavailable"),
    ] {
        let ran = whoami(status, &[]).await;
        let error = ran.error();
        assert_eq!(
            (ran.code, &error["kind"], &error["status_code"]),
            (exit, &json!(kind), &json!(status)),
            "{ran}"
        );
    }
    let world = World::new().await;
    world.jira.faults().add(Fault::on(MYSELF, Action::respond(200, "application/json", "{\"cut\":")));
    world.with_token(&["whoami"]).run().await.failed(1, "not_jira");
}

/// Items 232, 239, 240.
#[tokio::test]
async fn a_wrong_command_line_is_exit_2_and_leads_to_the_help_or_to_what_was_meant() {
    let world = World::new().await;
    for (args, expected) in [
        (&["search"][..], "jira search --help"),
        (&["create", "--project", "GAIA"], "jira create --help"),
        (&["get", "GAIA-1", "--output", "jsno"], "jira get --help"),
        (&["get", "GAIA-1", "--nonsense"], "jira get --help"),
        (&["frobnicate"], "jira --help"),
        // Whoever knows better keeps the general hint away.
        (&["serch"], "jira search"),
    ] {
        let ran = world.with_token(args).run().await;
        assert_eq!((ran.code, &ran.error()["kind"]), (2, &json!("usage")), "{args:?}: {ran}");
        assert_eq!(hint(&ran), expected, "{args:?}");
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 233.
/// Item 237, changed: a stale session is refreshed without being asked, so the login is all that is left to do.
#[tokio::test]
async fn a_credential_that_is_not_there_is_exit_3_and_leads_to_the_login() {
    let world = World::new().await;
    let at = ["whoami", "--base-url", world.jira.base_url()];
    let ran = world.run(&at).await.failed(3, "not_logged_in");
    assert_eq!(ran.error()["kind"], "auth");
    assert_eq!(hint(&ran), format!("jira login --base-url {}", world.jira.base_url()));
    let half = world.command(&at).env("JIRA_USERNAME", "developer").run().await;
    assert_eq!(half.code, 2, "half a credential is a wrong invocation: {half}");
}

/// Item 235.
#[tokio::test]
async fn a_refresh_token_that_jira_refuses_is_exit_3_and_leads_to_the_login_alone() {
    let world = World::new().await;
    world.logged_in().await;
    world.advance(Duration::from_secs(3600));
    world.jira.revoke_all();
    for command in [&["whoami"][..], &["token", "refresh"], &["run", "--ref=GAIA-1", "--comment=x"]] {
        let ran = world.run(command).await.failed(3, "session_ended");
        assert_eq!(ran.error()["kind"], "auth");
        assert_eq!(hint(&ran), "jira login --site sandbox");
    }
}

/// Item 236.
#[tokio::test]
async fn a_broker_that_refuses_its_caller_is_exit_3_and_leads_to_its_token() {
    let world = World::new().await;
    let broker = FakeBroker::behind(&world).await;
    broker.plan([Plan::refuses(401, "unauthorized")]);
    let ran = world.run(&["whoami"]).await.failed(3, "broker_refused");
    assert_eq!(broker.calls().len(), 1);
    assert_eq!((&ran.error()["kind"], &ran.error()["actor"]), (&json!("auth"), &json!("operator")));
    assert!(ran.error()["message"].as_str().unwrap().contains("JIRA_BROKER_TOKEN"), "{ran}");
    assert!(!ran.stderr.contains("login"), "{ran}");
}

/// Item 241.
#[tokio::test]
async fn a_success_says_nothing_on_stderr() {
    let world = World::new().await;
    for args in [&["whoami"][..], &["get", "GAIA-1"], &["search", "key = GAIA-1"], &["version"], &["schema"]]
    {
        assert_eq!(world.with_token(args).run().await.ok().stderr, "", "{args:?}");
    }
}

/// Item 242.
#[tokio::test]
async fn what_went_well_or_was_mended_on_the_way_decides_nothing() {
    let world = World::new().await;
    // A success before a failure.
    let ran = world.with_token(&["get", "GAIA-1", "GAIA-99999"]).run().await;
    assert_eq!(ran.error()["status_code"], 404, "{ran}");
    // A failure that was forgiven, before a success.
    let lenient = ["run", "--ref=GAIA-99999 GAIA-12", "--to-transition=Done", "--lenient"];
    assert_eq!(world.with_token(&lenient).run().await.ok().stderr, "");
    // One that was gone at the second try, before another one.
    world.jira.faults().add(Fault::on("/rest/api/2/issue/GAIA-99999", answer(503, &[])));
    world.with_token(&["get", "GAIA-99999"]).run().await.failed(5, "not_found");
    world.jira.faults().add(Fault::on(MYSELF, answer(503, &[])));
    world.with_token(&["whoami"]).run().await.ok();
    // A bearer that was dead.
    world.logged_in().await;
    world.jira.expire_access_tokens();
    assert_eq!(world.run(&["whoami"]).await.ok().stderr, "");
    assert_eq!(world.jira.faults().pending(), 0);
}

/// Item 243.
#[tokio::test]
async fn there_is_one_error_object_and_it_is_the_last_line() {
    let world = World::new().await;
    let command = world.with_token(&["get", "GAIA-99998", "GAIA-99999", "--verbose"]).env("OUTPUT", "dist");
    // In a process of its own: there is one log in each, the first.
    let ran = command.run_program().await;
    assert_eq!((ran.code, ran.warnings()), (5, vec!["output_passed_over".to_owned()]));
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let objects = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
    let errors: Vec<bool> = objects.map(|object| object.get("error").is_some()).collect();
    assert!(lines.len() > 2, "the log comes before: {ran}");
    assert_eq!((errors.iter().filter(|is| **is).count(), errors.last()), (1, Some(&true)), "{ran}");
}
