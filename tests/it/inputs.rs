//! `INPUT_<FLAG>` and go-jira's bare names stand in for flags of operations that were not typed.

use serde_json::Value;

use crate::support::World;

fn keys(issues: &Value) -> Vec<&str> {
    issues.as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_flag_of_an_operation_has_a_variable() {
    let world = World::new().await;
    world.logged_in().await;
    let search = || world.command(&["search"]).env("INPUT_JQL", "key in (GAIA-1, GAIA-2) ORDER BY key");
    assert_eq!(keys(&search().run().await.ok().json()), ["GAIA-1", "GAIA-2"]);
    let one = search().env("INPUT_LIMIT", "1").env("INPUT_META", "yes").run().await.ok().json();
    assert_eq!((keys(&one["items"]).len(), &one["truncated"]), (1, &Value::Bool(true)));
    let get = world.command(&["get"]).env("INPUT_KEY", "GAIA-1").env("INPUT_FIELDS", "summary").run().await;
    let issue = get.ok().json();
    assert_eq!(issue["fields"].as_object().unwrap().len(), 1, "{issue}");
}

#[tokio::test]
async fn what_was_typed_goes_before_variables_and_their_prefix_before_bare_names() {
    let world = World::new().await;
    world.logged_in().await;
    let get = world.command(&["get", "GAIA-2", "--fields=summary"]);
    let issue = get.env("INPUT_KEY", "GAIA-1").env("INPUT_FIELDS", "status").run().await.ok().json();
    assert_eq!((&issue["key"], issue["fields"].get("status")), (&Value::from("GAIA-2"), None));
    let run = world.command(&["run", "--dry-run"]).env("INPUT_REF", "GAIA-1").env("REF", "GAIA-2");
    let report = run.env("INPUT_TRANSITION", "").env("TRANSITION", "Done").run().await;
    assert!(report.stdout.contains("GAIA-1") && !report.stdout.contains("GAIA-2"), "{report}");
    let after_the_end_of_flags = world.command(&["search", "--", "key = GAIA-1"]).env("INPUT_COUNT", "true");
    assert_eq!(after_the_end_of_flags.run().await.ok().json()["total"], 1);
    let value_of_that_name = world.command(&["--rotation-command", "get", "get", "GAIA-1"]);
    value_of_that_name.env("INPUT_COMMENTS", "1").run().await.ok();
}

#[tokio::test]
async fn a_bad_value_names_its_variable() {
    let world = World::new().await;
    let search = |name: &str, value: &str| world.command(&["search", "--jql", "x"]).env(name, value);
    let bad = search("INPUT_LIMIT", "many").run().await.failed(2, "bad_value");
    assert!(bad.error()["message"].as_str().unwrap().starts_with("env INPUT_LIMIT: "), "{bad}");
    let bad = search("INPUT_ALL", "perhaps").run().await.failed(2, "bad_value");
    assert!(bad.error()["message"].as_str().unwrap().starts_with("env INPUT_ALL: "), "{bad}");
    search("INPUT_LIMIT", "0").run().await.failed(2, "bad_value");
    search("INPUT_LIMIT", "").run().await.failed(2, "no_base_url");
}

#[tokio::test]
async fn missing_flags_are_named_together() {
    let world = World::new().await;
    for (command, message) in [
        ("search", "required flag --jql is not set"),
        ("get", "required flag --key is not set"),
        ("run", "required flag --ref is not set"),
    ] {
        let missing = world.run(&[command]).await.failed(2, "bad_flag");
        assert_eq!(missing.error()["message"], message);
        assert_eq!(missing.error()["hint"], format!("jira {command} --help"));
    }
}

#[tokio::test]
async fn a_limit_that_was_typed_empty_is_refused_and_an_empty_variable_is_none() {
    let world = World::new().await;
    world.logged_in().await;
    for limit in ["--from-status=", "--projects="] {
        let ran = world.run(&["run", "--ref=GAIA-1", "--comment=x", limit]).await.failed(2, "bad_value");
        assert!(ran.error()["message"].as_str().unwrap().starts_with(limit.trim_end_matches('=')), "{ran}");
    }
    let run = world.command(&["run", "--ref=GAIA-1", "--comment=x", "--dry-run"]).env("PROJECTS", "");
    run.env("INPUT_FROM_STATUS", "").env("INPUT_PROJECTS", "").run().await.ok();
}

#[tokio::test]
async fn what_is_typed_empty_for_run_is_refused_and_an_empty_variable_is_none() {
    let world = World::new().await;
    world.logged_in().await;
    for flag in ["--to-transition=", "--assignee= ", "--resolution="] {
        let ran = world.run(&["run", "--ref=GAIA-1", "--comment=x", flag]).await.failed(2, "bad_value");
        let message = ran.error()["message"].as_str().unwrap().to_owned();
        assert!(message.ends_with("is empty: leave it out if that is not to be done"), "{message}");
    }
    let run = world.command(&["run", "--ref=GAIA-1"]).env("INPUT_TO_TRANSITION", "").env("TRANSITION", "");
    run.env("INPUT_ASSIGNEE", "").env("COMMENT", "").env("RESOLUTION", "").run().await.ok();
}
