//! What a request proves itself with, and which of several credentials that is.

use jira_oauth::sandbox::{Scope, fingerprint};
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn the_first_credential_of_four_is_used() {
    let world = World::new().await;
    world.logged_in().await;
    let pat = world.jira.mint_pat("lead");
    let injected = world.jira.mint_session("release-manager", Scope::Write).refresh_token;
    let whoami = || world.command(&["whoami"]);
    let basic = || whoami().env("JIRA_USERNAME", "reviewer").env("JIRA_PASSWORD", "reviewer");
    let bearer = || basic().env("JIRA_TOKEN", &pat);
    let ci =
        || bearer().env("JIRA_OAUTH_REFRESH_TOKEN", &injected).env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", "none");
    for (command, user, mode, from) in [
        (whoami(), "developer", "oauth-storage", "site sandbox"),
        (basic(), "reviewer", "basic", "env JIRA_PASSWORD"),
        (bearer(), "lead", "bearer", "env JIRA_TOKEN"),
        (ci(), "release-manager", "oauth-env", "env JIRA_OAUTH_REFRESH_TOKEN"),
        (ci().env("JIRA_SITE", "sandbox"), "developer", "oauth-storage", "site sandbox"),
    ] {
        let session = command.run().await.ok().json();
        let found = (&session["user"]["name"], &session["auth_mode"], &session["source"]);
        assert_eq!(found, (&json!(user), &json!(mode), &json!(from)));
    }
}

#[tokio::test]
async fn an_earlier_credential_needs_no_store() {
    let world = World::new().await;
    let whoami = world.command(&["whoami", "--base-url", world.jira.base_url()]);
    let whoami = whoami.without("JIRA_MASTER_PASSWORD").env("JIRA_TOKEN", world.jira.mint_pat("developer"));
    whoami.run().await.ok();
    assert!(!world.config_dir().join("sessions").exists());
}

#[tokio::test]
async fn half_a_basic_credential_is_refused() {
    let world = World::new().await;
    world.logged_in().await;
    for name in ["JIRA_USERNAME", "JIRA_PASSWORD"] {
        let ran = world.command(&["whoami"]).env(name, "developer").run().await.failed(2, "bad_value");
        assert!(ran.stderr.contains("JIRA_USERNAME") && ran.stderr.contains("JIRA_PASSWORD"), "{ran}");
    }
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn a_credential_of_the_environment_that_is_dead_is_said_once_and_not_shown() {
    let world = World::new().await;
    let whoami = || world.command(&["whoami", "--base-url", world.jira.base_url()]);
    let bearer = whoami().env("JIRA_TOKEN", "canary").run().await.failed(3, "token_rejected");
    assert_eq!(bearer.hides(&["canary"]).error()["actor"], "operator");
    assert_eq!(world.requests().len(), 1);
    let basic = whoami().env("JIRA_USERNAME", "developer").env("JIRA_PASSWORD", "canary").run().await;
    assert_eq!(basic.code, 3, "{basic}");
    basic.hides(&["canary", "Y2FuYXJ5"]);
    assert_eq!(world.requests().len(), 2, "a wrong password is not tried again: it counts towards a captcha");
}

#[tokio::test]
async fn every_request_says_who_we_are_and_only_writes_pass_the_xsrf_check() {
    let world = World::new().await;
    let tokens = world.logged_in().await;
    world.run(&["get", "GAIA-1"]).await.ok();
    world.run(&["search", "project = GAIA"]).await.ok();
    world.run(&["run", "--ref", "GAIA-1", "--comment", "hello"]).await.ok();
    let log = world.jira.log();
    assert!(log.len() >= 4, "{:?}", world.requests());
    for request in &log {
        let header = |name: &str| request.header(name);
        assert_eq!(header("user-agent"), Some(concat!("jira-oauth/", env!("CARGO_PKG_VERSION"))));
        assert_eq!(header("accept"), Some("application/json"));
        assert_eq!(
            header("authorization"),
            Some(format!("Bearer {}", fingerprint(&tokens.access_token)).as_str())
        );
        assert_eq!(
            (header("cookie"), header("referer"), header("origin")),
            (None, None, None),
            "{request:?}"
        );
        let writes = request.path.ends_with("/comment");
        assert_eq!(header("x-atlassian-token"), writes.then_some("no-check"), "{request:?}");
        if request.method == "POST" {
            assert_eq!(header("content-type"), Some("application/json"));
        }
    }
    assert_eq!(log.iter().filter(|request| request.path.ends_with("/comment")).count(), 1);
}

#[tokio::test]
async fn read_only_sends_nothing_that_changes_anything() {
    let world = World::new().await;
    world.logged_in().await;
    for args in [
        &["run", "--ref", "GAIA-1", "--comment", "hello"][..],
        &["run", "--ref", "GAIA-1", "--to-transition", "In Progress"],
        &["run", "--ref", "GAIA-1", "--assignee", "developer"],
    ] {
        let ran = world.command(args).env("JIRA_READ_ONLY", "1").run().await;
        assert_eq!(ran.code, 3, "{ran}");
        assert!(ran.stderr.contains("\"policy\"") || ran.stdout.contains("\"policy\""), "{ran}");
    }
    world.command(&["get", "GAIA-1"]).env("JIRA_READ_ONLY", "1").run().await.ok();
    let changes = world.jira.log().into_iter().filter(|request| {
        request.method != "GET" && !(request.method == "POST" && request.path.ends_with("/search"))
    });
    assert_eq!(changes.map(|request| request.path).collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test]
async fn a_narrow_session_says_which_scope_is_missing() {
    let world = World::new().await;
    world.logged_in_as("developer", jira_oauth::config::Scope::Read).await;
    let ran = world.run(&["run", "--ref", "GAIA-1", "--comment", "hello"]).await;
    let ran = ran.failed(3, "scope_missing");
    assert_eq!(ran.error()["hint"], "jira login --site sandbox --scope WRITE");
    assert_eq!(ran.json()["issues"][0]["comment"]["result"], "skipped");
    assert_eq!(world.requests(), [""; 0], "nothing is sent");
    world.run(&["run", "--ref", "GAIA-1", "--comment", "hello", "--dry-run"]).await.ok();
    let looked_up = world.run(&["run", "--ref", "GAIA-1"]).await.ok();
    assert_eq!(looked_up.warnings(), ["nothing_asked"]);
}

#[tokio::test]
async fn a_switch_is_read_by_one_grammar_wherever_it_stands() {
    let world = World::new().await;
    for yes in ["1", "true", "yes", "ON"] {
        world.with_token(&["run", "--ref", "GAIA-1", &format!("--dry-run={yes}")]).run().await.ok();
        world.with_token(&["run", "--ref", "GAIA-1"]).env("DRY_RUN", yes).run().await.ok();
    }
    for neither in ["y", "t", "2", "wahr"] {
        let flag = world.with_token(&["whoami", &format!("--no-input={neither}")]).run().await;
        flag.failed(2, "bad_value");
        let login = world.login(&[&format!("--callback-https={neither}")]).run().await;
        login.failed(2, "bad_value");
        let variable = world.with_token(&["run", "--ref", "GAIA-1"]).env("DRY_RUN", neither).run().await;
        variable.failed(2, "bad_value");
    }
}
