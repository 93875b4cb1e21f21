//! `update`: what is named changes, and nothing else.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn an_issue_is_updated() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["update", "gaia-12", "--summary", "Other"]).await, @r#"
    exit 0
    --- stdout
    {
      "key": "GAIA-12",
      "status": "updated"
    }
    "#);
    let text = ["update", "--key", "GAIA-12", "--labels", "", "--output", "text"];
    insta::assert_snapshot!(world.run(&text).await, @r#"
    exit 0
    --- stdout
    updated GAIA-12
    "#);
    let issue = world.run(&["get", "GAIA-12", "--fields", "summary,labels"]).await.ok().json();
    assert_eq!(issue["fields"], json!({"summary": "Other", "labels": []}));
}

#[tokio::test]
async fn an_empty_assignee_unassigns() {
    let world = World::new().await;
    world.logged_in().await;
    let assignee = async || {
        world.run(&["get", "GAIA-12", "--fields", "assignee"]).await.ok().json()["fields"]["assignee"].clone()
    };
    assert_eq!(assignee().await["name"], "developer");
    world.run(&["update", "GAIA-12", "--assignee", ""]).await.ok();
    assert!(assignee().await.is_null());
    world.command(&["update", "GAIA-12"]).env("INPUT_ASSIGNEE", "lead").run().await.ok();
    assert_eq!(assignee().await["name"], "lead");
}

#[tokio::test]
async fn bad_input_has_its_code_and_changes_nothing() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["update", "GAIA-12"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"nothing_to_do","message":"nothing to update: name a field with its flag, or with --field NAME=VALUE","hint":"jira update --help","exit_code":2,"retryable":false,"actor":"caller"}}
    "#);
    world.run(&["update", "--summary", "x"]).await.failed(2, "bad_flag");
    world.run(&["update", "GAIA-1/../x", "--summary", "x"]).await.failed(2, "bad_key");
    world.run(&["update", "GAIA-12", "--key", "GAIA-1", "--summary", "x"]).await.failed(2, "bad_flag");
    world
        .command(&["update", "GAIA-12", "--summary=x"])
        .env("JIRA_READ_ONLY", "1")
        .run()
        .await
        .failed(3, "policy");
    // A command before the pipe that failed takes nothing away.
    let piped = || world.command(&["update", "GAIA-12", "--description", "-"]);
    piped().run().await.failed(2, "bad_value");
    assert_eq!(world.requests(), [""; 0]);
    piped().stdin("new\n").run().await.ok();
    insta::assert_snapshot!(world.run(&["update", "GAIA-99999", "--summary", "x"]).await, @r#"
    exit 5
    --- stderr
    {"error":{"kind":"not_found","code":"not_found","message":"PUT /rest/api/2/issue/GAIA-99999: Issue Does Not Exist","exit_code":5,"retryable":false,"actor":"caller","status_code":404,"request_id":"REQUEST","details":{"errorMessages":["Issue Does Not Exist"],"errors":{}}}}
    "#);
    let changed = ["update", "OPS-3", "--field", "Effort=1", "--field", "Location=Europe / Rome"];
    insta::assert_snapshot!(world.run(&changed).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"Location (customfield_10201): \"Rome\" is not one of its values: Berlin, Zürich; nothing was changed","hint":"jira update --help","exit_code":2,"retryable":false,"actor":"caller","details":{"field":"customfield_10201","allowed":["Berlin","Zürich"]}}}
    "#);
    assert!(world.requests().iter().all(|request| !request.starts_with("PUT /rest/api/2/issue/OPS-3")));
}
