//! Boards, sprints and epics.

use jira_oauth::sandbox::{Action, Fault};

use crate::support::World;

#[tokio::test]
async fn boards_sprints_and_epics_are_listed() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["boards", "--project", "GAIA"]).await, @r#"
    exit 0
    --- stdout
    {
      "maxResults": 10,
      "startAt": 0,
      "total": 1,
      "isLast": true,
      "values": [
        {
          "id": 1,
          "self": "http://127.0.0.1:PORT/rest/agile/1.0/board/1",
          "name": "GAIA board",
          "type": "scrum"
        }
      ]
    }
    "#);
    insta::assert_snapshot!(world.run(&["boards", "--output", "text"]).await, @r#"
    exit 0
    --- stdout
    1\tscrum\tGAIA board
    2\tscrum\tWEB board
    3\tkanban\tOPS Kanban
    "#);
    insta::assert_snapshot!(world.command(&["boards", "--output=text", "--no-color"]).screen().run().await, @r#"
    exit 0
    --- stdout
    ID  TYPE    NAME
    1   scrum   GAIA board
    2   scrum   WEB board
    3   kanban  OPS Kanban
    "#);
    insta::assert_snapshot!(world.run(&["sprints", "--board-id", "1", "--output", "text"]).await, @r#"
    exit 0
    --- stdout
    114\tactive\tGAIA Sprint 5
    "#);
    let rows = world.run(&["epics", "--board-id=1", "--done", "--output=text"]).await.ok().stdout;
    assert!(rows.starts_with("GAIA-") && rows.lines().all(|row| row.contains("\ttrue\t")), "{rows}");
    let done = world.run(&["epics", "--board-id", "1", "--done", "--output", "jsonl"]).await.ok();
    assert!(
        done.stdout.lines().all(|line| line.starts_with("{\"id\":") && line.contains("\"done\":true")),
        "{done}"
    );
}

#[tokio::test]
async fn more_than_was_returned_is_said() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["boards", "--limit", "1", "--output", "jsonl"]).await, @r#"
    exit 0
    --- stdout
    {"id":1,"self":"http://127.0.0.1:PORT/rest/agile/1.0/board/1","name":"GAIA board","type":"scrum"}
    --- stderr
    {"warning":{"code":"truncated","message":"1 of 3, and there are more: --limit or --all returns them","returned":1,"total":3}}
    "#);
    let sprints =
        world.run(&["sprints", "--board-id=1", "--state=", "--limit=2", "--output=text"]).await.ok();
    assert_eq!(sprints.stdout.lines().count(), 2);
    assert!(sprints.stderr.starts_with("warning: 2, and there are more"), "{sprints}");
    let all = world.run(&["sprints", "--board-id=1", "--state=", "--all"]).await.ok();
    assert_eq!((all.json()["values"].as_array().unwrap().len(), all.stderr.as_str()), (7, ""));
}

#[tokio::test]
async fn refusals_are_jiras_own_words() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["sprints", "--board-id", "3"]).await, @r#"
    exit 1
    --- stderr
    {"error":{"kind":"error","code":"bad_request","message":"GET /rest/agile/1.0/board/3/sprint: The board does not support sprints","exit_code":1,"retryable":false,"actor":"caller","status_code":400,"request_id":"REQUEST","details":{"errorMessages":["The board does not support sprints"],"errors":{}}}}
    "#);
    insta::assert_snapshot!(world.run(&["epics", "--board-id", "99"]).await, @r#"
    exit 5
    --- stderr
    {"error":{"kind":"not_found","code":"not_found","message":"GET /rest/agile/1.0/board/99/epic: The requested board cannot be viewed because it either does not exist or you do not have permission to view it.","exit_code":5,"retryable":false,"actor":"caller","status_code":404,"request_id":"REQUEST","details":{"errorMessages":["The requested board cannot be viewed because it either does not exist or you do not have permission to view it."],"errors":{}}}}
    "#);
    world
        .jira
        .faults()
        .add(Fault::on("/rest/agile", Action::respond(404, "text/html", "<html>dead link</html>")));
    insta::assert_snapshot!(world.run(&["boards"]).await, @r#"
    exit 5
    --- stderr
    {"error":{"kind":"not_found","code":"not_found","message":"127.0.0.1 has no Jira Software (its Agile API answered 404): boards, sprints and epics are part of that","exit_code":5,"retryable":false,"actor":"caller","status_code":404}}
    "#);
}

#[tokio::test]
async fn boards_of_a_project_that_is_not_there_are_told_as_create_tells_it() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["boards", "--project", "NOPE"]).await, @r#"
    exit 5
    --- stderr
    {"error":{"kind":"not_found","code":"not_found","message":"there is no project NOPE that this account may see (GET /rest/agile/1.0/board: No project could be found with key or id 'NOPE'.)","exit_code":5,"retryable":false,"actor":"caller","status_code":400,"request_id":"REQUEST","details":{"errorMessages":["No project could be found with key or id 'NOPE'."],"errors":{}}}}
    "#);
    world.run(&["boards", "--project", "gaia", "--type", "Scrum"]).await.ok();
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_is_sent() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["sprints"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_flag","message":"required flag --board-id is not set","hint":"jira sprints --help","exit_code":2,"retryable":false,"actor":"caller"}}
    "#);
    for args in [
        &["sprints", "--board-id", "one"][..],
        &["epics", "--board-id", "-1"],
        &["epics", "--board-id", "1/../2"],
        &["boards", "--limit", "0"],
        &["boards", "--type", "foo"],
        &["boards", "--type", "scrum,simple"],
        &["sprints", "--board-id", "1", "--state", "open"],
        &["create", "--project", "GAIA", "--summary", "x", "--sprint", "next"],
    ] {
        world.run(args).await.failed(2, "bad_value");
    }
    insta::assert_snapshot!(world.run(&["sprints", "--board-id", "1", "--state", "active,Foo"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"--state: \"Foo\" is none of active, future, closed","hint":"jira sprints --help","exit_code":2,"retryable":false,"actor":"caller"}}
    "#);
    let args = ["create", "--project", "GAIA", "--summary", "x", "--sprint", ""];
    insta::assert_snapshot!(world.run(&args).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"invalid value '' for '--sprint <ID>': a sprint is named by its number, which `jira sprints` lists","hint":"jira create --help","exit_code":2,"retryable":false,"actor":"caller"}}
    "#);
    world.run(&["boards", "--all", "--limit", "1"]).await.failed(2, "bad_flag");
    world.run(&["boards", "--project", "GAIA&x=1"]).await.failed(2, "bad_key");
    assert_eq!(world.requests(), [""; 0]);
}
