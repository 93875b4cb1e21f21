//! D: what is judged before anything is sent.

use serde_json::json;

use crate::support::{Command, World};

/// A `run` with a text, and with what is left of go-jira's four values.
fn run(world: &World) -> Command {
    world.command(&["run", "--ref", "GAIA-1"]).env("JIRA_BASE_URL", world.jira.base_url())
}

/// Items 70, 71.
#[tokio::test]
async fn base_url_text_and_one_credential_are_enough() {
    let world = World::new().await;
    let basic = run(&world).env("JIRA_USERNAME", "developer").env("JIRA_PASSWORD", "developer");
    let bearer = run(&world).env("JIRA_TOKEN", world.jira.mint_pat("developer"));
    for command in [basic, bearer] {
        let report = command.run().await.ok().json();
        assert_eq!(report["issues"][0]["key"], "GAIA-1");
    }
}

/// Item 72, changed: exit 2, for it is the invocation that lacks something.
#[tokio::test]
async fn without_a_base_url_it_says_how_to_name_one() {
    let world = World::new().await;
    for args in [&["run", "--ref", "GAIA-1"][..], &["whoami"], &["search", "--jql", "x"], &["login"]] {
        let ran = world.run(args).await.failed(2, "no_base_url");
        let message = ran.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("--base-url"), "{message}");
    }
}

/// Item 73, changed: exit 2 as for every required flag, and the flag is named.
#[tokio::test]
async fn run_needs_a_text() {
    let world = World::new().await;
    for reference in [None, Some("")] {
        let command =
            reference.map_or(world.with_token(&["run"]), |text| world.with_token(&["run"]).env("REF", text));
        let ran = command.run().await.failed(2, "bad_flag");
        assert_eq!(ran.error()["message"], "required flag --ref is not set");
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 74.
#[tokio::test]
async fn a_missing_credential_is_no_matter_of_configuration() {
    let world = World::new().await;
    let shown = world.command(&["config", "show"]).env("JIRA_BASE_URL", world.jira.base_url());
    shown.run().await.ok();
    let ran = run(&world).run().await.failed(3, "not_logged_in");
    assert_eq!(ran.error()["kind"], "auth");
    assert_eq!(world.requests(), [""; 0]);
}

/// Items 75, 76, changed: exit 2, and for every command alike.
#[tokio::test]
async fn user_and_password_go_together() {
    let world = World::new().await;
    for (set, missing) in [("JIRA_USERNAME", "JIRA_PASSWORD"), ("JIRA_PASSWORD", "JIRA_USERNAME")] {
        let whoami = world.command(&["whoami"]).env("JIRA_BASE_URL", world.jira.base_url());
        for command in [run(&world), whoami] {
            let ran = command.env(set, "developer").run().await.failed(2, "bad_value");
            let message = ran.error()["message"].as_str().unwrap().to_owned();
            assert!(message.contains(&format!("{set} is set and {missing} is not")), "{message}");
        }
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Items 77, 78, changed: exit 2; and http is fine where it does not leave the machine.
#[tokio::test]
async fn a_base_url_is_https_with_a_host() {
    let world = World::new().await;
    let whoami = |url: &str, more: &[&str]| world.command(&[&["whoami", "--base-url", url], more].concat());
    for (url, why) in [
        ("http://jira.example.com", "use https, or say --insecure"),
        ("https://", "no host"),
        ("https:///jira", "no host"),
        ("jira.example.com", "must be a full URL"),
        ("ftp://jira.example.com", "must use https"),
        ("file:///etc/passwd", "must use https"),
    ] {
        let ran = whoami(url, &[]).run().await.failed(2, "bad_value");
        assert!(ran.error()["message"].as_str().unwrap().contains(why), "{url}: {ran}");
    }
    whoami("http://jira.example.com", &["--insecure"]).run().await.failed(3, "not_logged_in");
    let here = whoami(world.jira.base_url(), &[]).env("JIRA_TOKEN", world.jira.mint_pat("developer"));
    here.run().await.ok();
}

/// Item 79.
#[tokio::test]
async fn an_output_format_that_is_none_is_refused_before_any_request() {
    let world = World::new().await;
    world.logged_in().await;
    for args in [
        &["search", "--jql", "project = GAIA"][..],
        &["get", "--key", "GAIA-1"],
        &["create", "--project", "GAIA", "--summary", "x"],
        &["delete", "--key", "GAIA-1", "--confirm"],
        &["boards", "--project", "GAIA"],
        &["whoami"],
    ] {
        let ran = world.run(&[args, &["--output", "jsno"]].concat()).await.failed(2, "bad_value");
        assert_eq!(ran.error()["kind"], "usage");
        assert_eq!(ran.error()["message"], "flag --output: must be json, jsonl or text");
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 80, changed: exit 2, for it is the invocation that lacks something.
#[tokio::test]
async fn an_update_of_nothing_is_refused() {
    let world = World::new().await;
    world.logged_in().await;
    let ran = world.run(&["update", "--key", "GAIA-1"]).await.failed(2, "nothing_to_do");
    assert!(ran.error()["message"].as_str().unwrap().starts_with("nothing to update"), "{ran}");
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 81, changed: exit 2, for it is the invocation that lacks something.
#[tokio::test]
async fn a_deletion_must_be_confirmed_before_anything_else_is_looked_at() {
    let world = World::new().await;
    let unknown = world.run(&["delete", "--key", "GAIA-1"]).await.failed(2, "confirm_missing");
    assert!(unknown.error()["message"].as_str().unwrap().contains("--confirm"), "{unknown}");
    world.logged_in().await;
    for args in [
        &["delete", "--key", "GAIA-1"][..],
        &["delete", "--key", "GAIA-1", "--confirm=false"],
        &["delete", "--key", "GAIA-1", "--delete-subtasks"],
    ] {
        let command = world.command(args).env("INPUT_CONFIRM", "true");
        command.run().await.failed(2, "confirm_missing");
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 82, changed: what was not confirmed opens no store and prompts for no password.
#[tokio::test]
async fn printing_a_token_must_be_confirmed_before_the_session_is_read() {
    let world = World::new().await;
    world.logged_in().await;
    let session = world.config_dir().join(format!("sessions/{}.enc", world.place().key));
    std::fs::write(&session, "no session").unwrap();
    let print = |more: &[&str]| world.command(&[&["token", "print"], more].concat()).person();
    let ran = print(&[]).run().await.failed(2, "confirm_missing");
    assert_eq!((ran.stdout.as_str(), &ran.error()["kind"]), ("", &json!("usage")));
    print(&["--confirm"]).run().await.failed(1, "store_corrupt");
}
