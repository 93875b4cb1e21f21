use serde_json::json;

use super::*;
use crate::error::Code;
use crate::ops::run::{Report, RunArgs, RunProgress, run};
use crate::ops::search::{self, SearchArgs};

pub(super) fn args(text: &str) -> RunArgs {
    RunArgs { reference: some(text), ..RunArgs::default() }
}

pub(super) fn to(text: &str, transition: &str) -> RunArgs {
    RunArgs { to_transition: some(transition), ..args(text) }
}

/// Runs, and returns the report with its JSON.
pub(super) async fn go(site: &Site, args: RunArgs) -> (Report, Value) {
    let report = run(args, &site.jira, &RunProgress::new()).await.unwrap();
    let value = serde_json::to_value(&report).unwrap();
    (report, value)
}

#[tokio::test]
async fn everything_is_done_and_reported_in_the_order_of_the_text() {
    let site = site().await;
    let wish = RunArgs {
        assignee: some("lead"),
        comment: some("Deployed"),
        ..to("GAIA-12 and WEB-9: UTF-8, done\n", "Done")
    };
    let (report, value) = go(&site, wish).await;
    assert!(report.failure().is_none());
    let entry = |key: &str, summary: &Value, before: &str, name: &str, id: &Value| {
        json!({
            "key": key,
            "requested_key": key,
            "summary": summary,
            "status_before": before,
            "status_after": "Done",
            "transition": {"result": "done", "name": name, "to": "Done"},
            "assignee": {"result": "done", "name": "lead"},
            "comment": {"result": "done", "id": id},
        })
    };
    let (one, two) = (&value["issues"][0], &value["issues"][1]);
    assert!(one["comment"]["id"].is_string());
    let expected = json!({
        "issues": [
            entry("GAIA-12", &one["summary"], "In Progress", "Done", &one["comment"]["id"]),
            entry("WEB-9", &two["summary"], "In Review", "Done", &two["comment"]["id"]),
        ],
        "ignored": [{"key": "UTF-8", "reason": "look_alike"}],
        "counts": {"issues": 2, "done": 2, "already": 0, "planned": 0, "not_offered": 0, "not_found": 0,
                   "failed": 0, "unknown": 0, "skipped": 0},
    });
    assert_eq!(value, expected);
    let issue = site.issue("GAIA-12").await;
    assert_eq!(
        (&issue["fields"]["status"]["name"], &issue["fields"]["assignee"]["name"]),
        (&json!("Done"), &json!("lead"))
    );
}

#[tokio::test]
async fn an_issue_costs_one_search_and_its_changes() {
    let site = site().await;
    go(&site, to("GAIA-12", "done")).await;
    assert_eq!(site.requests(), ["POST /search", "POST /issue/GAIA-12/transitions"]);
    let wish = RunArgs { assignee: some("lead"), comment: some("x"), ..args("GAIA-10") };
    go(&site, wish).await;
    let mut requests = site.requests();
    requests[..2].sort();
    assert_eq!(
        requests,
        ["GET /user", "POST /search", "PUT /issue/GAIA-10/assignee", "POST /issue/GAIA-10/comment"]
    );
}

#[tokio::test]
async fn two_hundred_keys_take_four_searches_and_their_transitions_sixteen_at_a_time() {
    let site = site_with(Options { issues: 10_000, ..Options::default() }).await;
    let jql = "status = Open ORDER BY key";
    let wish = SearchArgs { jql: some(jql), limit: Some(200), ..SearchArgs::default() };
    let found = search::run(wish, &site.jira, None).await.unwrap();
    assert_eq!(found.returned, 200);
    let found = serde_json::to_value(&found).unwrap();
    let keys: Vec<&str> =
        found.as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap()).collect();
    site.sandbox.clear_log();
    let (report, _) = go(&site, to(&keys.join(" "), "In Progress")).await;
    assert_eq!(report.counts().done, 200);
    assert!(site.sandbox.max_in_flight() <= 16, "{}", site.sandbox.max_in_flight());
    let requests = site.requests();
    assert_eq!(requests.iter().filter(|request| *request == "POST /search").count(), 4);
    assert_eq!(requests.len(), 204);
}

#[tokio::test]
async fn a_transition_is_found_by_its_name_or_by_where_it_leads() {
    let site = site().await;
    for (wanted, name, status) in [
        ("in review", "Ready for Review", "In Review"),
        ("APPROVE", "Approve", "Done"),
        ("reopen", "Reopen", "Open"),
    ] {
        let (report, value) = go(&site, to("GAIA-12", wanted)).await;
        assert!(report.failure().is_none(), "{value}");
        let entry = &value["issues"][0];
        assert_eq!(entry["transition"], json!({"result": "done", "name": name, "to": status}));
        assert_eq!(entry["status_after"], status);
    }
}

#[tokio::test]
async fn what_is_so_already_is_not_sent() {
    let site = site().await;
    let wish = RunArgs { assignee: some("DEVELOPER"), ..to("GAIA-12", "in progress") };
    let (report, value) = go(&site, wish).await;
    let entry = &value["issues"][0];
    assert_eq!(entry["transition"], json!({"result": "already", "name": "in progress", "to": "In Progress"}));
    assert_eq!(entry["assignee"], json!({"result": "already", "name": "developer"}));
    assert!(report.failure().is_none());
    assert_eq!(report.counts().already, 1);
    assert!(site.requests().iter().all(|request| request.ends_with("/search") || request.starts_with("GET")));
}

#[tokio::test]
async fn a_transition_that_is_not_offered_is_reported_with_those_that_are() {
    let site = site().await;
    let wish = RunArgs { comment: some("x"), ..to("GAIA-10", "Approve") };
    let (report, value) = go(&site, wish.clone()).await;
    let entry = &value["issues"][0];
    assert_eq!(
        entry["transition"],
        json!({"result": "not_offered", "name": "Approve", "to": null,
               "offered": [{"name": "Start Progress", "to": "In Progress"}]})
    );
    assert_eq!(
        entry["comment"],
        json!({"result": "skipped", "id": null}),
        "the rest of the issue is not tried"
    );
    let failed = report.failure().unwrap();
    assert_eq!((failed.code, failed.exit_code()), (Code::Partial, 6));
    assert!(failed.message.contains("Start Progress"), "{failed}");
    let (report, value) = go(&site, RunArgs { lenient: Some(true), ..wish }).await;
    assert!(report.failure().is_none());
    assert_eq!(value["issues"][0]["comment"]["result"], "done", "forgiven, it is no failure");
}

#[tokio::test]
async fn a_resolution_is_sent_by_its_id_and_only_when_asked_for() {
    let site = site().await;
    let wish = RunArgs { resolution: some("won't do"), ..to("OPS-3", "Resolve Issue") };
    let list = {
        let request = crate::jira::Request::get("/rest/api/2/resolution");
        site.jira.send(&request).await.unwrap().into_json()
    };
    let (id, name) = {
        let first = list.as_array().unwrap().last().unwrap();
        (first["id"].clone(), first["name"].as_str().unwrap().to_owned())
    };
    site.sandbox.clear_log();
    let (report, value) = go(&site, RunArgs { resolution: Some(name.to_uppercase()), ..wish }).await;
    assert!(report.failure().is_none(), "{value}");
    let log = site.sandbox.log();
    let posted = log.iter().find(|request| request.path.ends_with("/transitions")).unwrap();
    let body: Value = serde_json::from_str(&posted.body).unwrap();
    assert_eq!(body["fields"], json!({"resolution": {"id": id}}));
    assert_eq!(site.issue("OPS-3").await["fields"]["resolution"]["name"], name);
}

#[tokio::test]
async fn a_resolution_that_is_not_on_the_screen_fails_in_jiras_words() {
    let site = site().await;
    let (report, value) = go(&site, RunArgs { resolution: some("Done"), ..to("GAIA-12", "Done") }).await;
    let entry = &value["issues"][0];
    assert_eq!(entry["transition"]["result"], "failed", "{entry}");
    assert_eq!(entry["error"]["status_code"], 400);
    assert!(entry["error"]["details"]["errors"]["resolution"].is_string(), "{entry}");
    assert_eq!(entry["status_after"], "In Progress");
    let failed = report.failure().unwrap();
    assert_eq!((failed.code, failed.exit_code()), (Code::BadRequest, 1));
}

#[tokio::test]
async fn an_unknown_resolution_or_assignee_changes_nothing() {
    let site = site().await;
    let resolution = RunArgs { resolution: some("Sideways"), ..to("GAIA-12", "Done") };
    let assignee = RunArgs { assignee: some("no such user"), ..to("GAIA-12", "Done") };
    for (wish, word) in [(resolution, "Sideways"), (assignee, "no such user")] {
        let (report, value) = go(&site, wish).await;
        let failed = report.failure().unwrap();
        assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2));
        assert!(failed.message.contains(word), "{failed}");
        assert_eq!(value["issues"][0]["transition"]["result"], "skipped");
        assert!(!site.requests().iter().any(|request| request.contains("transitions")));
    }
}

#[tokio::test]
async fn the_same_comment_is_added_once() {
    let site = site().await;
    let wish =
        RunArgs { comment: some("Deployed\nto production\n"), comment_once: Some(true), ..args("GAIA-12") };
    let (_, first) = go(&site, wish.clone()).await;
    assert_eq!(first["issues"][0]["comment"]["result"], "done");
    let (report, second) = go(&site, wish.clone()).await;
    assert_eq!(
        second["issues"][0]["comment"],
        json!({"result": "already", "id": first["issues"][0]["comment"]["id"]})
    );
    assert!(report.failure().is_none());
    let lead = Site { jira: jira(&site.sandbox, "lead", false), ..site };
    let (_, other) = go(&lead, wish).await;
    assert_eq!(other["issues"][0]["comment"]["result"], "done", "by another author it is another comment");
}

#[tokio::test]
async fn a_markdown_comment_becomes_wiki_markup() {
    let site = site().await;
    let wish = RunArgs { comment: some("**bold**"), markdown: Some(true), ..args("GAIA-12") };
    go(&site, wish.clone()).await;
    go(&site, RunArgs { markdown: Some(false), ..wish }).await;
    let bodies: Vec<Value> = site.bodies().into_iter().filter(|body| body["body"].is_string()).collect();
    assert_eq!(bodies, [json!({"body": "*bold*"}), json!({"body": "**bold**"})]);
}

#[tokio::test]
async fn only_issues_in_the_named_status_are_changed() {
    let site = site().await;
    let wish =
        RunArgs { from_status: some("in progress"), comment: some("x"), ..to("GAIA-10 GAIA-12", "Done") };
    let (report, value) = go(&site, wish).await;
    assert!(report.failure().is_none(), "leaving it alone is what was asked for");
    assert_eq!(value["issues"][0]["transition"]["result"], "skipped");
    assert_eq!(value["issues"][0]["comment"]["result"], "skipped");
    assert_eq!(value["issues"][1]["transition"]["result"], "done");
    assert_eq!((report.counts().skipped, report.counts().done), (1, 1));
}

#[tokio::test]
async fn a_status_that_there_is_not_is_no_reason_to_do_nothing() {
    let site = site().await;
    let from = |status: &str| RunArgs { from_status: some(status), ..to("GAIA-10 GAIA-12", "Done") };
    let (report, value) = go(&site, from("Opne")).await;
    let failed = report.failure().unwrap();
    assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2));
    let said = "--from-status: Jira has no status \"Opne\"; nothing was changed. Did you mean Open, Done?";
    assert_eq!(failed.message, said);
    assert_eq!(failed.details.unwrap(), json!({"nearest": ["Open", "Done"]}));
    let results = [0, 1].map(|at| value["issues"][at]["transition"]["result"].clone());
    assert_eq!(results, ["skipped", "skipped"], "the report is there all the same");
    assert_eq!(site.requests(), ["POST /search", "GET /status"]);
    // One that no issue happens to be in is what was asked for.
    let (report, _) = go(&site, from("done")).await;
    assert!(report.failure().is_none());
    assert_eq!(report.counts().skipped, 2);
    // It is asked only where nothing was done, and a Jira that does not say changes nothing.
    site.sandbox.clear_log();
    let (report, _) = go(&site, from("in progress")).await;
    assert!(report.failure().is_none());
    assert!(!site.requests().contains(&"GET /status".to_owned()));
    site.answer("/rest/api/2/status", 403, json!({"errorMessages": ["No."]}));
    let (report, _) = go(&site, from("Opne")).await;
    assert!(report.failure().is_none());
}

#[tokio::test]
async fn a_dry_run_sends_no_change() {
    let site = site().await;
    let wish = RunArgs {
        assignee: some("lead"),
        comment: some("x"),
        comment_once: Some(true),
        dry_run: Some(true),
        ..to("GAIA-12 GAIA-10 GAIA-99999", "Done")
    };
    let (report, value) = go(&site, wish).await;
    let results = |at: usize| {
        let entry = &value["issues"][at];
        ["transition", "assignee", "comment"]
            .map(|action| entry[action]["result"].as_str().unwrap().to_owned())
    };
    assert_eq!(results(0), ["planned", "planned", "planned"]);
    assert_eq!(results(1), ["not_offered", "skipped", "skipped"]);
    assert_eq!(results(2), ["not_found", "not_found", "not_found"]);
    assert_eq!(value["issues"][0]["status_after"], "In Progress");
    assert_eq!(report.failure().unwrap().exit_code(), 6, "it would not all be done");
    let changes = site
        .requests()
        .into_iter()
        .filter(|request| !request.starts_with("GET") && request != "POST /search");
    assert_eq!(changes.count(), 0);
}

#[tokio::test]
async fn without_an_action_the_issues_are_looked_up() {
    let site = site().await;
    let (report, value) = go(&site, args("GAIA-12")).await;
    assert!(report.failure().is_none());
    let entry = value["issues"][0].as_object().unwrap();
    assert_eq!(
        entry.keys().collect::<Vec<_>>(),
        ["key", "requested_key", "summary", "status_before", "status_after"]
    );
    let (report, _) = go(&site, args("GAIA-99999")).await;
    assert_eq!(report.failure().unwrap().code, Code::NotFound);
    assert_eq!(report.counts().not_found, 1);
}

#[tokio::test]
async fn a_text_without_a_key_sends_nothing() {
    let site = site().await;
    let wish = RunArgs { assignee: some("lead"), ..to("fix the build, UTF-8", "Done") };
    let (report, value) = go(&site, wish.clone()).await;
    assert!(report.failure().is_none());
    assert_eq!(value["ignored"], json!([{"key": "UTF-8", "reason": "look_alike"}]));
    let [("no_key", message)] = &report.warnings()[..] else { panic!() };
    assert!(message.contains("UTF-8"), "{message}");
    let (report, _) = go(&site, RunArgs { require_key: Some(true), ..wish }).await;
    let failed = report.failure().unwrap();
    assert_eq!((failed.code, failed.exit_code()), (Code::NoKey, 5));
    assert!(report.warnings().is_empty(), "the failure says it");
    assert_eq!(site.requests(), [""; 0]);
}

#[tokio::test]
async fn projects_and_format_say_what_a_key_is() {
    let site = site().await;
    let (_, value) = go(&site, RunArgs { projects: some("gaia, web"), ..args("GAIA-12 OPS-3 WEB-9") }).await;
    assert_eq!(value["ignored"], json!([{"key": "OPS-3", "reason": "other_project"}]));
    assert_eq!(value["counts"]["issues"], 2);
    let (_, value) =
        go(&site, RunArgs { issue_format: some("gaia-[0-9]+"), ..args("fix/gaia-12 WEB-9") }).await;
    assert_eq!((&value["counts"]["issues"], &value["issues"][0]["key"]), (&json!(1), &json!("GAIA-12")));
}

#[tokio::test]
async fn read_only_forbids_every_change() {
    let site = site().await;
    let site = Site { jira: jira(&site.sandbox, "developer", true), ..site };
    let (report, value) = go(&site, to("GAIA-12 WEB-9", "Done")).await;
    let failed = report.failure().unwrap();
    assert_eq!((failed.code, failed.exit_code()), (Code::Policy, 3));
    assert_eq!(value["issues"][0]["transition"]["result"], "failed");
    assert_eq!(site.requests(), ["POST /search"]);
}
