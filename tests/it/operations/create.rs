//! `create`: what is made, what is refused, and that nothing is made by halves.

use jira_oauth::sandbox::{Action, Fault};
use serde_json::{Value, json};

use crate::support::World;

fn posts(world: &World) -> Vec<String> {
    world.requests().into_iter().filter(|request| request.starts_with("POST")).collect()
}

#[tokio::test]
async fn an_issue_is_created() {
    let world = World::new().await;
    world.logged_in().await;
    let ran = world.run(&["create", "--project", "gaia", "--summary", "Ship it"]).await.ok();
    insta::assert_snapshot!(ran, @r#"
    exit 0
    --- stdout
    {
      "id": "10040",
      "key": "GAIA-17",
      "self": "http://127.0.0.1:PORT/rest/api/2/issue/10040"
    }
    "#);
    let text = ["create", "--project", "GAIA", "--summary", "-x", "--output", "text"];
    insta::assert_snapshot!(world.run(&text).await, @r#"
    exit 0
    --- stdout
    created GAIA-18
    "#);
}

#[tokio::test]
async fn the_description_is_read_from_stdin_and_turned_into_wiki_markup() {
    let world = World::new().await;
    world.logged_in().await;
    let args = ["create", "--project=GAIA", "--summary=x", "--description", "-", "--markdown"];
    let key = world.command(&args).stdin("# Title\n\n**bold**\n\n").run().await.ok().json()["key"].clone();
    let issue = world.run(&["get", key.as_str().unwrap(), "--fields", "description"]).await.ok().json();
    assert_eq!(issue["fields"]["description"], "h1. Title\n\n*bold*");
}

#[tokio::test]
async fn a_stream_that_is_no_text_or_too_long_creates_nothing() {
    let world = World::new().await;
    world.logged_in().await;
    let args = ["create", "--project=GAIA", "--summary=x", "--description", "-"];
    for (stdin, code) in [
        (b"cut off \xc3".to_vec(), "bad_value"),
        (b"bell \x07".to_vec(), "control_character"),
        (vec![b'x'; 16 * 1024 * 1024 + 1], "bad_value"),
    ] {
        world.command(&args).stdin(stdin).run().await.failed(2, code);
    }
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn variables_stand_in_for_flags() {
    let world = World::new().await;
    world.logged_in().await;
    let command = world.command(&["create"]).env("INPUT_PROJECT", "GAIA").env("INPUT_SUMMARY", "From CI");
    let command =
        command.env("INPUT_LABELS", "ci").env("EPIC_FIELD", "customfield_10101").env("INPUT_EPIC", "GAIA-1");
    command.run().await.ok();
    let body: Value = serde_json::from_str(&world.jira.log().last().unwrap().body).unwrap();
    assert_eq!(
        (&body["fields"]["labels"], &body["fields"]["customfield_10101"]),
        (&json!(["ci"]), &json!("GAIA-1"))
    );
    assert_eq!(world.requests().len(), 1, "the variable says which field: nothing is looked up");
}

#[tokio::test]
async fn bad_input_has_its_code_and_creates_nothing() {
    let world = World::new().await;
    world.logged_in().await;
    let with = |more: &[&'static str]| {
        let usual = ["create", "--project", "OPS", "--summary", "x", "--type", "Bug"];
        [&usual[..], more].concat()
    };
    insta::assert_snapshot!(world.run(&["create"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_flag","message":"required flags --project, --summary are not set","hint":"jira create --help","exit_code":2,"retryable":false,"actor":"caller"}}
    "#);
    insta::assert_snapshot!(world.run(&with(&["--field", "Severty=Major"])).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"Jira has no field \"Severty\"; nothing was changed. Did you mean Severity?","hint":"jira create --help","exit_code":2,"retryable":false,"actor":"caller","details":{"nearest":["Severity"]}}}
    "#);
    insta::assert_snapshot!(world.run(&with(&["--field", "severity=Huge"])).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"Severity (customfield_10200): \"Huge\" is not one of its values: Critical, Major, \"Minor, cosmetic\"; nothing was changed","hint":"jira create --help","exit_code":2,"retryable":false,"actor":"caller","details":{"field":"customfield_10200","allowed":["Critical","Major","Minor, cosmetic"]}}}
    "#);
    insta::assert_snapshot!(world.run(&with(&["--field", "Team=Blue"])).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"several fields are called \"Team\" on the screen for creating a Bug in OPS: name one by its id, customfield_10207 or customfield_10208","hint":"jira create --help","exit_code":2,"retryable":false,"actor":"caller","details":{"ids":["customfield_10207","customfield_10208"]}}}
    "#);
    insta::assert_snapshot!(world.run(&with(&["--field", "Root Cause=x"])).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"the field Root Cause (customfield_10209) is not on the screen for creating a Bug in OPS; nothing was changed","hint":"jira create --help","exit_code":2,"retryable":false,"actor":"caller","details":{"fields":[{"id":"customfield_10209","name":"Root Cause"}]}}}
    "#);
    insta::assert_snapshot!(world.run(&["create", "--project", "NOPE", "--summary", "x", "--field", "a=b"]).await, @r#"
    exit 5
    --- stderr
    {"error":{"kind":"not_found","code":"not_found","message":"there is no project NOPE in which this account may create issues (GET /rest/api/2/issue/createmeta/NOPE/issuetypes: No project could be found with key 'NOPE'.)","exit_code":5,"retryable":false,"actor":"caller","status_code":404,"request_id":"REQUEST","details":{"errorMessages":["No project could be found with key 'NOPE'."],"errors":{}}}}
    "#);
    world.run(&with(&["--sprint", "soon"])).await.failed(2, "bad_value");
    world.run(&with(&["--sprint", "-1"])).await.failed(2, "bad_value");
    world.run(&with(&["--parent", "../x"])).await.failed(2, "bad_key");
    world.run(&with(&["--field-json", "Effort={"])).await.failed(2, "bad_value");
    world.run(&with(&["--description", "a\u{7}"])).await.failed(2, "control_character");
    assert_eq!(posts(&world), [""; 0]);
    insta::assert_snapshot!(world.run(&["create", "--project", "NOPE", "--summary", "x"]).await, @r#"
    exit 5
    --- stderr
    {"error":{"kind":"not_found","code":"not_found","message":"there is no project NOPE in which this account may create issues (POST /rest/api/2/issue: project: valid project is required)","exit_code":5,"retryable":false,"actor":"caller","status_code":400,"request_id":"REQUEST","details":{"errorMessages":[],"errors":{"project":"valid project is required"}}}}
    "#);
    insta::assert_snapshot!(world.run(&["create", "--project", "GAIA", "--summary", "x", "--type", "Epos"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"the project GAIA has no issue type \"Epos\": it has Epic, Story, Task, Sub-task, Bug; nothing was changed","exit_code":2,"retryable":false,"actor":"caller","status_code":400,"request_id":"REQUEST","details":{"allowed":["Epic","Story","Task","Sub-task","Bug"],"field":"issuetype","errorMessages":[],"errors":{"issuetype":"The issue type selected is invalid."}}}}
    "#);
    insta::assert_snapshot!(world.run(&["create", "--project", "GAIA", "--summary", "x", "--assignee", "Dana"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"POST /rest/api/2/issue: assignee: User 'Dana' does not exist. (a user is named by the login name, which is `name` in Jira's JSON)","exit_code":2,"retryable":false,"actor":"caller","status_code":400,"request_id":"REQUEST","details":{"errorMessages":[],"errors":{"assignee":"User 'Dana' does not exist."}}}}
    "#);
    insta::assert_snapshot!(world.run(&with(&[])).await, @r#"
    exit 1
    --- stderr
    {"error":{"kind":"error","code":"bad_request","message":"POST /rest/api/2/issue: customfield_10200: Severity is required.","exit_code":1,"retryable":false,"actor":"caller","status_code":400,"request_id":"REQUEST","details":{"errorMessages":[],"errors":{"customfield_10200":"Severity is required."}}}}
    "#);
}

#[tokio::test]
async fn a_read_only_policy_and_scope_create_nothing() {
    let world = World::new().await;
    let args = ["create", "--project", "GAIA", "--summary", "x", "--field", "labels=a"];
    let refused = world.command(&args).env("JIRA_READ_ONLY", "1").run().await.failed(3, "policy");
    assert!(
        refused.error()["message"].as_str().unwrap().starts_with("creating an issue changes something"),
        "{refused}"
    );
    assert_eq!(world.requests(), [""; 0], "no credential is looked for either");
    world.logged_in_as("developer", jira_oauth::config::Scope::Read).await;
    world.run(&args).await.failed(3, "scope_missing");
}

#[tokio::test]
async fn an_answer_that_is_lost_is_said_and_nothing_is_sent_twice() {
    let world = World::new().await;
    world.logged_in().await;
    world.jira.faults().add(Fault::on("/rest/api/2/issue", Action::ProcessThenDrop));
    let ran =
        world.run(&["create", "--project", "GAIA", "--summary", "x"]).await.failed(6, "outcome_unknown");
    let hint = ran.error()["hint"].as_str().unwrap().to_owned();
    assert_eq!(
        hint,
        "jira search 'project = \"GAIA\" AND creator = currentUser() AND created >= -15m ORDER BY created DESC'"
    );
    assert_eq!(posts(&world).len(), 1);
}

#[tokio::test]
async fn what_was_typed_stays_inside_its_json_string() {
    let world = World::new().await;
    world.logged_in().await;
    let text = "\"},\"x\":{\"$(id)\": `id` \u{202e} {code}";
    let args = ["create", "--project", "GAIA", "--summary", text, "--description", text];
    let key = world.run(&args).await.ok().json()["key"].as_str().unwrap().to_owned();
    let issue = world.run(&["get", &key, "--fields", "summary,description"]).await.ok().json();
    assert_eq!((&issue["fields"]["summary"], &issue["fields"]["description"]), (&json!(text), &json!(text)));
}
