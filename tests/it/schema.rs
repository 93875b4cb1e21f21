//! `schema`: the command line as data, and it is true.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Ran, World, misfits};

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list}"))
}

/// The schemas of the results, by the words of the command.
async fn results(world: &World) -> BTreeMap<String, Value> {
    let root = world.run(&["schema"]).await.ok().json();
    let mut waiting: Vec<Value> = root["commands"].as_array().unwrap().clone();
    let mut results = BTreeMap::new();
    while let Some(command) = waiting.pop() {
        waiting.extend(command["subcommands"].as_array().cloned().unwrap_or_default());
        if let Some(result) = command.get("result") {
            results.insert(command["path"].as_str().unwrap().to_owned(), result.clone());
        }
    }
    results
}

#[tokio::test]
async fn it_needs_nothing_and_nothing_breaks_it() {
    let world = World::new().await;
    let plain = world.run(&["schema"]).await.ok();
    std::fs::write(world.config_dir().join("config.toml"), "no = [toml").unwrap();
    let set = world.command(&["schema"]).env("OUTPUT", "text").env("JIRA_OUTPUT", "text");
    let set = set.env("JIRA_BASE_URL", "no url").env("JIRA_ENV_FILE", "/nowhere").run().await.ok();
    assert_eq!(plain.stdout, set.stdout);
    assert_eq!((plain.stderr.as_str(), set.stderr.as_str()), ("", ""));
    assert!(world.requests().is_empty());
    world.run(&["schema", "--output", "yaml"]).await.failed(2, "bad_value");
}

#[tokio::test]
async fn it_has_the_shape_that_go_jira_gave_it() {
    let world = World::new().await;
    let root = world.run(&["schema", "--output", "json"]).await.ok().json();
    assert_eq!((&root["name"], &root["version"]), (&json!("jira"), &json!(env!("CARGO_PKG_VERSION"))));
    let jql = named(&named(&root["commands"], "search")["flags"], "jql");
    assert_eq!(jql["required"], true);
    let limit = named(&named(&root["commands"], "search")["flags"], "limit");
    assert_eq!(
        (&limit["type"], &limit["default"], limit.get("required")),
        (&json!("int"), &json!("20"), None)
    );
    assert_eq!(
        named(&named(&root["commands"], "token")["subcommands"], "status")["path"],
        "jira token status"
    );
    let output = named(&root["global_flags"], "output");
    assert_eq!(output["values"], json!(["json", "jsonl", "text"]));
    assert_eq!(output["variables"], json!(["INPUT_OUTPUT", "JIRA_OUTPUT", "OUTPUT"]));
    assert_eq!(named(&root["global_flags"], "quiet")["shorthand"], "q");
    let reference = named(&named(&root["commands"], "run")["flags"], "ref");
    assert_eq!(reference["variables"], json!(["INPUT_REF", "REF"]));
    let key = named(&named(&root["commands"], "get")["flags"], "key");
    assert_eq!((&key["positional"], &key["multiple"]), (&json!("also"), &json!(true)));
    assert!(root["look_alikes"].as_array().unwrap().contains(&json!("UTF")));
    assert!(root["agent_marks"].as_array().unwrap().contains(&json!("CLAUDECODE")));
    assert_eq!(root["exit_codes"][7]["kind"], "unavailable");
    let limited = root["error_codes"].as_array().unwrap().iter().find(|code| code["code"] == "rate_limited");
    assert_eq!(limited.unwrap()["retryable"], true);
}

#[tokio::test]
async fn one_command_alone() {
    let world = World::new().await;
    let root = world.run(&["schema"]).await.ok().json();
    let search = world.run(&["schema", "search"]).await.ok().json();
    assert_eq!(&search, named(&root["commands"], "search"));
    for words in [
        &["schema", "token", "status"][..],
        &["schema", "token status"],
        &["schema", "jira", "token", "status"],
    ] {
        assert_eq!(world.run(words).await.ok().json()["path"], "jira token status");
    }
    let slip = world.run(&["schema", "serch"]).await.failed(2, "bad_value");
    assert_eq!(slip.error()["hint"], "jira schema search");
    let slip = world.run(&["schema", "token", "statsu"]).await.failed(2, "bad_value");
    assert_eq!(slip.error()["hint"], "jira schema token status");
    world.run(&["schema", "nothing-like-it"]).await.failed(2, "bad_value");
    let text = world.run(&["schema", "token", "--output", "text"]).await.ok();
    insta::assert_snapshot!(text, @r"
    exit 0
    --- stdout
      jira token — Look at the session, refresh it, print its access token
        jira token status — Show the session: no network, no token
            --check <bool>: Exit 3 unless the session is usable (2 where what is set makes no sense)
        jira token refresh — Refresh the session now
        jira token print — Print the access token alone, fresh: to a person only
            --confirm <bool>: Yes, show the token
    ");
    let whole = world.run(&["schema", "--output", "text"]).await.ok().stdout;
    assert!(whole.contains("--jql <string> (required): The query"), "{whole}");
}

#[tokio::test]
async fn every_result_is_what_its_schema_says() {
    let world = World::new().await;
    world.logged_in().await;
    let schemas = results(&world).await;
    let mut tried = BTreeMap::new();
    let lines: &[&[&str]] = &[
        &["whoami"],
        &["token", "status"],
        &["token", "refresh"],
        &["search", "project = GAIA ORDER BY key", "--limit", "3"],
        &["search", "project = GAIA", "--count"],
        &["search", "project = GAIA", "--meta", "--fields", "*all"],
        &["get", "GAIA-1", "--comments", "2"],
        &["get", "GAIA-1", "GAIA-2"],
        &[
            "run",
            "--ref",
            "GAIA-1 GAIA-2 UTF-8",
            "--to-transition",
            "Done",
            "--comment",
            "x",
            "--assignee",
            "developer",
        ],
        &["run", "--ref", "GAIA-99999 GAIA-1", "--to-transition", "Nowhere"],
        &["run", "--ref", "nothing"],
        &["create", "--project", "GAIA", "--summary", "x"],
        &["update", "GAIA-1", "--summary", "x"],
        &["link", "--from", "GAIA-1", "--to", "GAIA-2", "--link-type", "is blocked by"],
        &["boards"],
        &["sprints", "--board-id", "1", "--state", "", "--limit", "2"],
        &["epics", "--board-id", "1", "--done"],
        &["delete", "GAIA-10", "--confirm", "--delete-subtasks"],
        &["site", "list"],
        &["site", "use", "sandbox"],
        &["site", "set", "sandbox", "epic-field", "customfield_1"],
        &["config", "show"],
        &["config", "check", "-"],
        &["schema"],
        &["schema", "get"],
        &["version", "--output", "json"],
        &["logout"],
        &["logout", "--all"],
        &["site", "remove", "sandbox"],
    ];
    for line in lines {
        let ran = world.command(line).stdin("go-jira get --key GAIA-1 --output text\n").run().await;
        hold(&ran, line, &schemas, &mut tried);
    }
    let line = ["broker", "serve", "--check", "--client-id", "c", "--base-url", world.jira.base_url()];
    let ran = world.command(&line).env("JIRA_OAUTH_CLIENT_SECRET", "secret").run().await.ok();
    hold(&ran, &line, &schemas, &mut tried);
    let token = world.jira.mint_pat("developer");
    let line = ["login", "--pat", "--base-url", world.jira.base_url()];
    let ran = world.command(&line).stdin(token).run().await.ok();
    hold(&ran, &line, &schemas, &mut tried);
    for (path, schema) in schemas.iter().filter(|(path, _)| !tried.contains_key(*path)) {
        // A sandbox that serves does not end by itself; tests/real starts one.
        let untried = path == "jira sandbox serve" || schema["contentMediaType"] == "text/plain";
        assert!(untried, "the result of `{path}` is held against nothing");
    }
}

#[track_caller]
fn hold(ran: &Ran, line: &[&str], schemas: &BTreeMap<String, Value>, tried: &mut BTreeMap<String, ()>) {
    let fitting = |path: &&String| {
        let words: Vec<&str> = path.split(' ').skip(1).collect();
        line.starts_with(&words)
    };
    let path = schemas.keys().find(fitting).unwrap_or_else(|| panic!("no schema for {line:?}"));
    let found = misfits(&ran.json(), &schemas[path]);
    assert!(found.is_empty(), "{line:?}: {found:#?}\n{ran}");
    tried.insert(path.clone(), ());
}

#[tokio::test]
async fn failures_and_warnings_are_what_it_says() {
    let world = World::new().await;
    let root = world.run(&["schema"]).await.ok().json();
    world.logged_in().await;
    let line = |ran: &Ran| -> Value { serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap() };
    for words in [
        &["get", "GAIA-99999"][..],
        &["search", "projct = x"],
        &["get", "no key"],
        &["serch"],
        &["token", "print"],
        &["run", "--ref", "GAIA-99999"],
    ] {
        let ran = world.run(words).await;
        assert_ne!(ran.code, 0, "{ran}");
        let found = misfits(&line(&ran), &root["error"]);
        assert!(found.is_empty(), "{found:?}: {ran}");
    }
    let ran = world.run(&["search", "ORDER BY key", "--limit", "1"]).await.ok();
    let found = misfits(&line(&ran), &root["warning"]);
    assert!(found.is_empty(), "{found:?}: {ran}");
}

#[test]
fn a_lie_is_found() {
    let schema = json!({
        "type": "object",
        "properties": { "a": { "type": ["string", "null"] }, "b": { "enum": [1, 2] } },
        "required": ["a"],
    });
    assert!(misfits(&json!({ "a": null, "b": 2 }), &schema).is_empty());
    for lie in
        [json!({}), json!({ "a": 1 }), json!({ "a": "x", "b": 3 }), json!({ "a": "x", "c": 1 }), json!([])]
    {
        assert!(!misfits(&lie, &schema).is_empty(), "{lie}");
    }
    assert!(!misfits(&json!(1), &json!({ "typ": "string" })).is_empty());
    assert!(
        !misfits(
            &json!(["x"]),
            &json!({ "anyOf": [{ "type": "object" }, { "type": "array", "items": { "type": "integer" } }] })
        )
        .is_empty()
    );
}
