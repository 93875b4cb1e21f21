//! K: the commands that read and write single issues and lists.

use jira_oauth::sandbox::{Action, Fault};
use serde_json::{Value, json};

use crate::support::{Ran, World};

async fn run(world: &World, args: &[&str]) -> Ran {
    world.with_token(args).run().await
}

/// The last body that was sent.
fn sent(world: &World) -> Value {
    let log = world.jira.log();
    let last = log.iter().rev().find(|request| !request.body.is_empty()).unwrap();
    serde_json::from_str(&last.body).unwrap()
}

/// The last request: method, path, and query in the order of its names.
fn asked(world: &World) -> (String, Vec<(String, String)>) {
    let request = world.jira.log().pop().unwrap();
    let url = url::Url::parse("http://jira.example.com").unwrap().join(&request.path).unwrap();
    let mut query: Vec<_> = url.query_pairs().into_owned().collect();
    query.sort();
    (format!("{} {}", request.method, url.path()), query)
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

const DEFAULT: [&str; 5] = ["summary", "status", "assignee", "labels", "components"];

/// Items 204, 205, 208.
#[tokio::test]
async fn fields_are_named_in_a_list_whose_blanks_do_not_count() {
    let world = World::new().await;
    let search = async |more: &[&str]| {
        run(&world, &[&["search", "--jql", "project = GAIA"], more].concat()).await.ok();
        sent(&world)
    };
    let fields = async |more: &[&str]| search(more).await["fields"].clone();
    assert_eq!(fields(&["--fields", "key,status,created"]).await, json!(["key", "status", "created"]));
    assert_eq!(fields(&["--fields", " summary , ,,status, "]).await, json!(["summary", "status"]));
    let usual = [&DEFAULT[..], &["customfield_10101", "customfield_10100"]].concat();
    assert_eq!(fields(&[]).await, json!(usual));
    assert_eq!(fields(&["--fields", ""]).await, json!(usual));
    let own = [&DEFAULT[..], &["customfield_7", "customfield_8"]].concat();
    assert_eq!(fields(&["--epic-field=customfield_7", "--sprint-field=customfield_8"]).await, json!(own));
    let body = search(&[]).await;
    assert_eq!((&body["maxResults"], &body["jql"]), (&json!(20), &json!("project = GAIA")));
}

/// Item 206.
#[tokio::test]
async fn a_search_returns_every_issue_and_a_line_of_text_for_each() {
    let world = World::new().await;
    let jql = ["search", "--jql", "key in (GAIA-10, GAIA-12, WEB-9) ORDER BY key"];
    let found = run(&world, &jql).await.ok().json();
    let keys: Vec<_> = found.as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["GAIA-10", "GAIA-12", "WEB-9"]);
    let text = run(&world, &[&jql[..], &["--output", "text"]].concat()).await.ok().stdout;
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let expected: Vec<Vec<&str>> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| {
            let fields = &issue["fields"];
            vec![&issue["key"], &fields["status"]["name"], &fields["summary"]]
        })
        .map(|row| row.into_iter().map(|cell| cell.as_str().unwrap()).collect())
        .collect();
    assert_eq!(rows, expected);
}

/// Item 207.
#[tokio::test]
async fn a_search_that_jira_refuses_with_401_is_exit_3() {
    let world = World::new().await;
    world
        .jira
        .faults()
        .add(Fault::on("/rest/api/2/search", Action::respond(401, "application/json", "{}")).always());
    world
        .jira
        .faults()
        .add(Fault::on("/rest/api/2/myself", Action::respond(401, "application/json", "{}")).always());
    let ran = run(&world, &["search", "--jql", "project = GAIA"]).await.failed(3, "token_rejected");
    assert_eq!((ran.stdout.as_str(), &ran.error()["status_code"]), ("", &json!(401)));
}

/// Item 209.
#[tokio::test]
async fn get_asks_for_the_issue_by_its_key() {
    let world = World::new().await;
    for args in [&["get", "--key", "GAIA-12"][..], &["get", "GAIA-12"]] {
        let issue = run(&world, args).await.ok().json();
        assert_eq!(asked(&world).0, "GET /rest/api/2/issue/GAIA-12");
        assert_eq!(issue["key"], "GAIA-12");
        assert!(issue["fields"]["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{issue}");
    }
}

/// What a `create` with these flags sends, and what is printed when Jira takes it.
async fn created(world: &World, more: &[&str]) -> (Value, Ran) {
    let answer = json!({ "id": "10077", "key": "GAIA-77", "self": "https://jira.example.com/x" }).to_string();
    let made = Action::respond(201, "application/json", answer);
    world.jira.faults().add(Fault::on("/rest/api/2/issue", made).method(http::Method::POST));
    let ran =
        run(world, &[&["create", "--project", "GAIA", "--summary", "Ship it"], more].concat()).await.ok();
    assert_eq!(asked(world).0, "POST /rest/api/2/issue");
    (sent(world)["fields"].clone(), ran)
}

/// Items 210, 211, 213.
#[tokio::test]
async fn create_puts_each_flag_into_its_field() {
    let world = World::new().await;
    let flags = ["--epic=GAIA-1", "--sprint=114", "--components=api, core", "--labels=a,b"];
    let (mut fields, _) = created(&world, &flags).await;
    // Which fields these are was looked up, and the type's id with them.
    assert_eq!(fields.as_object_mut().unwrap().remove("issuetype"), Some(json!({ "id": "10002" })));
    assert_eq!(
        fields,
        json!({
            "project": { "key": "GAIA" },
            "summary": "Ship it",
            "labels": ["a", "b"],
            "components": [{ "name": "api" }, { "name": "core" }],
            "customfield_10101": "GAIA-1",
            "customfield_10100": 114,
        })
    );
    let own = ["--epic=GAIA-1", "--epic-field=customfield_7", "--sprint=0", "--sprint-field=customfield_8"];
    let (fields, _) = created(&world, &own).await;
    assert_eq!((&fields["customfield_7"], &fields["customfield_8"]), (&json!("GAIA-1"), &json!(0)));
    assert_eq!((fields.get("customfield_10101"), fields.get("customfield_10100")), (None, None));
    let (fields, _) = created(&world, &[]).await;
    let bare = json!({ "project": { "key": "GAIA" }, "issuetype": { "name": "Task" }, "summary": "Ship it" });
    assert_eq!(fields, bare, "a sprint is sent when it was typed");
}

/// Item 212.
#[tokio::test]
async fn create_prints_the_new_key() {
    let world = World::new().await;
    let (_, ran) = created(&world, &[]).await;
    assert_eq!(ran.json(), json!({ "id": "10077", "key": "GAIA-77", "self": "https://jira.example.com/x" }));
    let (_, ran) = created(&world, &["--output", "text"]).await;
    assert_eq!(ran.stdout, "created GAIA-77\n");
}

/// What an `update` with these flags sends.
async fn updated(world: &World, flags: &[&str]) -> Value {
    let taken = Action::respond(204, "application/json", "");
    world.jira.faults().add(Fault::on("/rest/api/2/issue/GAIA-12", taken).method(http::Method::PUT));
    run(world, &[&["update", "--key", "GAIA-12"], flags].concat()).await.ok();
    assert_eq!(asked(world).0, "PUT /rest/api/2/issue/GAIA-12");
    sent(world)
}

/// Items 214, 215.
/// Item 217, changed: nobody is `null`, as in Jira's own answers; an empty text is a login name that nobody has.
#[tokio::test]
async fn update_sends_what_was_typed_and_nothing_else() {
    let world = World::new().await;
    assert_eq!(updated(&world, &["--summary=New"]).await, json!({ "fields": { "summary": "New" } }));
    let all = [
        "--summary=New",
        "--description=Why",
        "--assignee=lead",
        "--labels=a, b",
        "--components=api,core",
        "--epic=GAIA-1",
        "--sprint=114",
    ];
    let fields = json!({
        "summary": "New",
        "description": "Why",
        "assignee": { "name": "lead" },
        "labels": ["a", "b"],
        "components": [{ "name": "api" }, { "name": "core" }],
        "customfield_10101": "GAIA-1",
        "customfield_10100": 114,
    });
    assert_eq!(updated(&world, &all).await, json!({ "fields": fields }));
    let cleared = updated(&world, &["--labels", "", "--assignee", ""]).await;
    assert_eq!(cleared, json!({ "fields": { "labels": [], "assignee": { "name": null } } }));
}

/// Item 216.
#[tokio::test]
async fn update_says_which_issue_is_updated() {
    let world = World::new().await;
    let args = ["update", "--key", "GAIA-12", "--summary", "New"];
    let ran = run(&world, &args).await.ok();
    assert_eq!(ran.json(), json!({ "key": "GAIA-12", "status": "updated" }));
    assert_eq!(world.jira.log().last().unwrap().status, Some(204));
    let text = run(&world, &[&args[..], &["--output", "text"]].concat()).await.ok();
    assert_eq!(text.stdout, "updated GAIA-12\n");
}

/// Items 218, 219, 220.
#[tokio::test]
async fn delete_removes_an_issue_and_its_subtasks_only_if_told_to() {
    let world = World::new().await;
    let ran = run(&world, &["delete", "--key", "GAIA-10", "--confirm"]).await.ok();
    assert_eq!(ran.json(), json!({ "key": "GAIA-10", "status": "deleted" }));
    assert_eq!(asked(&world), ("DELETE /rest/api/2/issue/GAIA-10".to_owned(), vec![]));
    run(&world, &["delete", "--key", "GAIA-12", "--confirm", "--delete-subtasks"]).await.ok();
    let query = pairs([("deleteSubtasks", "true")]);
    assert_eq!(asked(&world), ("DELETE /rest/api/2/issue/GAIA-12".to_owned(), query));
    let gone = run(&world, &["delete", "--key", "GAIA-10", "--confirm"]).await.failed(5, "not_found");
    assert!(gone.error()["message"].as_str().unwrap().contains("GAIA-10"), "{gone}");
    assert_eq!(gone.error()["status_code"], 404);
}

/// Items 221, 222.
#[tokio::test]
async fn a_link_leads_from_the_inward_to_the_outward_issue() {
    let world = World::new().await;
    let ran =
        run(&world, &["link", "--from", "GAIA-12", "--to", "WEB-9", "--link-type", "Blocks"]).await.ok();
    let (body, result) = (sent(&world), ran.json());
    assert_eq!(
        body,
        json!({ "type": { "name": "Blocks" }, "inwardIssue": { "key": "GAIA-12" }, "outwardIssue": { "key": "WEB-9" } })
    );
    assert_eq!(
        (&result["from"], &result["to"], &result["status"]),
        (&json!("GAIA-12"), &json!("WEB-9"), &json!("linked"))
    );
    let text = run(&world, &["link", "--from=GAIA-12", "--to=WEB-9", "--output=text"]).await.ok();
    assert_eq!(text.stdout, "linked GAIA-12 -> WEB-9 (Relates)\n");
    assert_eq!(sent(&world)["type"]["name"], "Relates");
}

/// Items 223, 224.
#[tokio::test]
async fn sprints_and_boards_are_asked_for_ten_at_a_time() {
    let world = World::new().await;
    let sprints = run(&world, &["sprints", "--board-id", "1"]).await.ok().json();
    let query = pairs([("maxResults", "10"), ("state", "active")]);
    assert_eq!(asked(&world), ("GET /rest/agile/1.0/board/1/sprint".to_owned(), query));
    assert_eq!(sprints["values"][0]["name"], "GAIA Sprint 5");
    let text = run(&world, &["sprints", "--board-id=1", "--output=text"]).await.ok().stdout;
    assert!(text.contains("GAIA Sprint 5"), "{text}");

    let boards = run(&world, &["boards", "--project", "GAIA"]).await.ok().json();
    let query = pairs([("maxResults", "10"), ("projectKeyOrId", "GAIA")]);
    assert_eq!(asked(&world), ("GET /rest/agile/1.0/board".to_owned(), query));
    assert_eq!(boards["values"][0]["name"], "GAIA board");
}

/// Items 225, 226, 227.
#[tokio::test]
async fn epics_that_are_not_done_are_listed_a_line_each() {
    let world = World::new().await;
    run(&world, &["run", "--ref=GAIA-1", "--to-transition=Reopen"]).await.ok();
    let epics = run(&world, &["epics", "--board-id", "1"]).await.ok().json();
    let query = |limit| pairs([("done", "false"), ("maxResults", limit)]);
    assert_eq!(asked(&world), ("GET /rest/agile/1.0/board/1/epic".to_owned(), query("50")));
    let text = run(&world, &["epics", "--board-id=1", "--limit=20", "--output=text"]).await.ok().stdout;
    assert_eq!(asked(&world).1, query("20"));
    let count = epics["values"].as_array().unwrap().len();
    assert!(count > 0 && text.lines().count() == count, "{text}");
    world.jira.revoke_all();
    let dead = world.command(&["epics", "--board-id", "1", "--base-url", world.jira.base_url()]);
    dead.env("JIRA_TOKEN", "dead").run().await.failed(3, "token_rejected");
}
