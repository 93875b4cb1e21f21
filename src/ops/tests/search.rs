use std::future::ready;

use futures_util::FutureExt;
use serde_json::json;

use super::*;
use crate::error::Code;
use crate::ops::row::Row;
use crate::ops::search::{Found, SearchArgs, View, run};

fn args(jql: &str) -> SearchArgs {
    SearchArgs { jql: some(jql), ..SearchArgs::default() }
}

fn all(jql: &str) -> SearchArgs {
    SearchArgs { all: Some(true), ..args(jql) }
}

fn issues(found: &Found) -> &[Value] {
    match &found.view {
        View::Issues(issues) | View::Meta(issues) => issues,
        View::Streamed | View::Count => &[],
    }
}

fn keys(found: &Found) -> Vec<&str> {
    issues(found).iter().map(|issue| issue["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn twenty_issues_with_the_usual_fields_come_in_one_request() {
    let site = site().await;
    let found = run(args("project = GAIA"), &site.jira, None).await.unwrap();
    assert_eq!((found.returned, issues(&found).len(), found.truncated), (20, 20, true));
    assert!(found.total > 20);
    let bodies = site.bodies();
    assert_eq!(
        bodies,
        [json!({
            "jql": "project = GAIA",
            "startAt": 0,
            "maxResults": 20,
            "fields": ["summary", "status", "assignee", "labels", "components", "customfield_10101", "customfield_10100"],
            "validateQuery": true,
        })]
    );
    assert_eq!(serde_json::to_value(&found).unwrap().as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn fields_replace_the_usual_ones_and_field_ids_can_be_named() {
    let site = site().await;
    let named = SearchArgs { fields: some(" summary, ,status,"), ..args("project = GAIA") };
    run(named, &site.jira, None).await.unwrap();
    assert_eq!(site.bodies()[0]["fields"], json!(["summary", "status"]));
    let ids = SearchArgs {
        epic_field: some("customfield_1"),
        sprint_field: some("customfield_2"),
        ..args("project = GAIA")
    };
    run(ids, &site.jira, None).await.unwrap();
    let fields = site.bodies()[0]["fields"].clone();
    assert_eq!(fields.as_array().unwrap()[5..], [json!("customfield_1"), json!("customfield_2")]);
}

#[tokio::test]
async fn all_pages_come_whatever_the_server_caps_them_at() {
    let site = site_with(Options { page_cap: 7, ..Options::default() }).await;
    let found = run(all("project = OPS"), &site.jira, None).await.unwrap();
    assert_eq!((found.returned, found.truncated), (found.total, false));
    let mut unique = keys(&found);
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len() as u64, found.total);
    let bodies = site.bodies();
    assert_eq!(bodies.len() as u64, found.total.div_ceil(7));
    assert!(
        bodies.iter().all(|body| body["jql"] == "project = OPS ORDER BY key" && body["maxResults"] == 1000)
    );
    assert_eq!(bodies[1]["startAt"], 7);
}

#[tokio::test]
async fn a_limit_is_reached_over_several_pages() {
    let site = site_with(Options { page_cap: 7, ..Options::default() }).await;
    let limited = SearchArgs { limit: Some(10), ..args("project = OPS ORDER BY created DESC") };
    let found = run(limited, &site.jira, None).await.unwrap();
    assert_eq!((found.returned, found.truncated), (10, true));
    let bodies = site.bodies();
    let asked: Vec<_> = bodies.iter().map(|body| (&body["startAt"], &body["maxResults"])).collect();
    assert_eq!(asked, [(&json!(0), &json!(10)), (&json!(7), &json!(3))]);
    assert!(bodies.iter().all(|body| body["jql"] == "project = OPS ORDER BY created DESC"));
}

#[tokio::test]
async fn a_page_that_turns_out_too_small_is_asked_for_again_in_order() {
    let site = site_with(Options { page_cap: 7, ..Options::default() }).await;
    let found = run(args("project = OPS"), &site.jira, None).await.unwrap();
    assert_eq!(found.returned, 20);
    let jql: Vec<_> = site.bodies().iter().map(|body| body["jql"].as_str().unwrap().to_owned()).collect();
    let ordered = "project = OPS ORDER BY key";
    assert_eq!(jql, ["project = OPS", ordered, ordered, ordered]);
}

#[tokio::test]
async fn fields_can_be_named_as_people_call_them() {
    let site = site().await;
    let asked = async |fields: &str| {
        run(SearchArgs { fields: some(fields), ..args("project = GAIA") }, &site.jira, None).await
    };
    asked("Story points, status,Fix Version/s,-Epic Link,*all").await.unwrap();
    let log = site.sandbox.log();
    assert_eq!(log[0].path, "/rest/api/2/field");
    let sent: Value = serde_json::from_str(&log[1].body).unwrap();
    assert_eq!(
        sent["fields"],
        json!(["customfield_10106", "status", "fixVersions", "-customfield_10101", "*all"])
    );
    site.sandbox.clear_log();
    // What is plainly an id costs nothing.
    asked("key,summary,customfield_99999,-description,*navigable").await.unwrap();
    assert_eq!(site.requests(), ["POST /search"]);
}

#[tokio::test]
async fn a_field_that_there_is_not_is_no_empty_one() {
    let site = site().await;
    for (fields, said, details) in [
        (
            "summary,Stroy Points",
            "Jira has no field \"Stroy Points\". Did you mean Story Points?",
            json!({"nearest": ["Story Points"]}),
        ),
        ("sumary", "Jira has no field \"sumary\". Did you mean Summary?", json!({"nearest": ["Summary"]})),
        ("xyzzy", "Jira has no field \"xyzzy\"", json!(null)),
        (
            "Team",
            "several fields are called \"Team\": name one by its id, customfield_10207 or customfield_10208",
            json!({"ids": ["customfield_10207", "customfield_10208"]}),
        ),
    ] {
        let wrong = SearchArgs { fields: some(fields), ..args("project = GAIA") };
        let failed = failure(run(wrong, &site.jira, None).await);
        assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2), "{failed}");
        assert_eq!((failed.message.as_str(), failed.details.unwrap_or_default()), (said, details));
        assert_eq!(site.requests(), ["GET /field"], "{fields}");
    }
}

#[tokio::test]
async fn pages_are_smaller_when_all_fields_are_asked_for() {
    let site = site().await;
    let wide = SearchArgs { fields: some("*all"), ..all("project = GAIA") };
    run(wide, &site.jira, None).await.unwrap();
    assert!(site.bodies().iter().all(|body| body["maxResults"] == 100));
}

#[tokio::test]
async fn an_issue_that_comes_twice_is_returned_once() {
    let site = site().await;
    let page = |start: u64, ids: &[u64]| {
        let issues: Vec<_> =
            ids.iter().map(|id| json!({"id": id.to_string(), "key": format!("GAIA-{id}")})).collect();
        json!({"startAt": start, "maxResults": 2, "total": 5, "issues": issues})
    };
    for (start, ids) in [(0, [1, 2]), (2, [2, 3]), (4, [4, 5])] {
        site.answer("/rest/api/2/search", 200, page(start, &ids));
    }
    let found = run(all("project = GAIA"), &site.jira, None).await.unwrap();
    assert_eq!(keys(&found), ["GAIA-1", "GAIA-2", "GAIA-3", "GAIA-4", "GAIA-5"]);
    assert!(!found.truncated);
}

#[tokio::test]
async fn an_empty_page_ends_the_walk() {
    let site = site().await;
    let issue = json!({"id": "1", "key": "GAIA-1"});
    site.answer("/rest/api/2/search", 200, json!({"total": 9, "issues": [issue]}));
    site.answer("/rest/api/2/search", 200, json!({"total": 9, "issues": []}));
    let found = run(all("project = GAIA"), &site.jira, None).await.unwrap();
    assert_eq!(
        (found.returned, found.total, found.truncated),
        (1, 9, true),
        "and says that something is missing"
    );
}

#[tokio::test]
async fn count_asks_for_no_issue_and_returns_the_total() {
    let site = site().await;
    let found =
        run(SearchArgs { count: Some(true), ..args("project = GAIA") }, &site.jira, None).await.unwrap();
    assert_eq!(serde_json::to_value(&found).unwrap(), json!({"total": found.total}));
    assert!(!found.truncated);
    assert_eq!(piped(&found), format!("{}\n", found.total));
    assert_eq!(site.bodies()[0]["maxResults"], 0);
}

#[tokio::test]
async fn meta_wraps_the_issues() {
    let site = site().await;
    let wrapped = SearchArgs { meta: Some(true), limit: Some(3), ..args("project = GAIA") };
    let found = run(wrapped, &site.jira, None).await.unwrap();
    let value = serde_json::to_value(&found).unwrap();
    let names: Vec<_> = value.as_object().unwrap().keys().collect();
    assert_eq!(names, ["total", "returned", "truncated", "items"]);
    assert_eq!((&value["returned"], &value["truncated"]), (&json!(3), &json!(true)));
    assert_eq!(value["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn issues_pass_through_as_jira_gives_them() {
    let site = site().await;
    let issue = r#"{"z":1.10,"id":"1","key":"GAIA-1","fields":{"b":null,"a":12345678901234567890}}"#;
    let body = format!(r#"{{"total":1,"issues":[{issue}]}}"#);
    site.fault(Fault::on("/rest/api/2/search", Action::respond(200, "application/json", body)));
    let found = run(args("x = y"), &site.jira, None).await.unwrap();
    assert_eq!(serde_json::to_string(&found).unwrap(), format!("[{issue}]"));
}

/// The writer blocks the only thread; the request for the next page must be out before it is done.
#[tokio::test]
async fn the_request_for_the_next_page_is_sent_before_the_page_is_written() {
    let site = site_with(Options { page_cap: 100, ..Options::default() }).await;
    let mut requests_when_last_was_written = 0;
    let mut left = 100;
    let mut sink = |_: &Value| {
        left -= 1;
        if left == 0 {
            requests_when_last_was_written = site.sandbox.log().len();
        }
        ready(Ok(true)).boxed()
    };
    run(all("project = GAIA OR project = WEB"), &site.jira, Some(&mut sink)).await.unwrap();
    assert!(requests_when_last_was_written >= 2, "{requests_when_last_was_written}");
}

#[tokio::test]
async fn a_sink_that_has_enough_ends_the_search() {
    let site = site_with(Options { page_cap: 10, ..Options::default() }).await;
    let mut left = 3;
    let mut sink = |_: &Value| {
        left -= 1;
        ready(Ok(left > 0)).boxed()
    };
    let found = run(all("project = GAIA"), &site.jira, Some(&mut sink)).await.unwrap();
    assert_eq!(found.returned, 3);
    assert!(site.requests().len() <= 2);
}

#[tokio::test]
async fn a_sink_that_fails_is_the_failure() {
    let site = site().await;
    let full = || Failure::new(Code::OutputUnwritable, "the disk is full");
    let mut sink = |_: &Value| ready(Err(full())).boxed();
    let failed = failure(run(args("project = GAIA"), &site.jira, Some(&mut sink)).await);
    assert_eq!(failed.code, Code::OutputUnwritable);
}

#[tokio::test]
async fn a_failing_page_is_the_failure_after_the_page_before_it_was_written() {
    let site = site_with(Options { page_cap: 50, ..Options::default() }).await;
    site.fault(Fault::on("/rest/api/2/search", Action::respond(500, "application/json", "{}")).skip(1));
    let mut written = 0;
    let mut sink = |_: &Value| {
        written += 1;
        ready(Ok(true)).boxed()
    };
    let failed = failure(run(all("project = GAIA"), &site.jira, Some(&mut sink)).await);
    assert_eq!((failed.code, written), (Code::ServerError, 50));
}

#[tokio::test]
async fn jiras_words_about_a_wrong_query_are_kept() {
    let site = site().await;
    let failed = failure(run(args("project = NOSUCH"), &site.jira, None).await);
    assert_eq!((failed.code, failed.exit_code(), failed.status_code), (Code::BadRequest, 1, Some(400)));
    assert!(failed.message.contains("NOSUCH"), "{failed}");
    assert!(failed.details.unwrap()["errorMessages"].is_array());
}

#[tokio::test]
async fn jiras_warnings_are_handed_on_once() {
    let site = site_with(Options { page_cap: 1000, ..Options::default() }).await;
    let page = |id: u64| json!({"total": 2, "issues": [{"id": id.to_string()}], "warningMessages": ["mind the gap"]});
    site.answer("/rest/api/2/search", 200, page(1));
    site.answer("/rest/api/2/search", 200, page(2));
    let found = run(all("project = GAIA"), &site.jira, None).await.unwrap();
    assert_eq!((found.returned, found.warnings.as_slice()), (2, ["mind the gap".to_owned()].as_slice()));
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_refused_before_anything_is_sent() {
    let site = site().await;
    let jql = "project = GAIA";
    let wrong = [
        (SearchArgs::default(), Code::BadFlag),
        (args(""), Code::BadValue),
        (args(" \n"), Code::BadValue),
        (SearchArgs { limit: Some(0), ..args(jql) }, Code::BadValue),
        (SearchArgs { limit: Some(-1), ..args(jql) }, Code::BadValue),
        (SearchArgs { limit: Some(5), ..all(jql) }, Code::BadFlag),
        (SearchArgs { count: Some(true), ..all(jql) }, Code::BadFlag),
        (SearchArgs { count: Some(true), limit: Some(5), ..args(jql) }, Code::BadFlag),
        (SearchArgs { count: Some(true), meta: Some(true), ..args(jql) }, Code::BadFlag),
        (SearchArgs { count: Some(true), fields: some("key"), ..args(jql) }, Code::BadFlag),
    ];
    for (args, code) in wrong {
        let shown = format!("{args:?}");
        let failed = failure(run(args, &site.jira, None).await);
        assert_eq!((failed.code, failed.exit_code()), (code, 2), "{shown}");
        assert_eq!(failed.hint.unwrap().to_string(), "jira search --help");
    }
    assert_eq!(site.requests(), [""; 0]);
}

#[tokio::test]
async fn text_is_a_row_for_each_issue() {
    let site = site().await;
    let found = run(
        SearchArgs { limit: Some(2), ..args("key in (GAIA-12, GAIA-10) ORDER BY key") },
        &site.jira,
        None,
    );
    let found = found.await.unwrap();
    let summary = |at: usize| issues(&found)[at]["fields"]["summary"].as_str().unwrap().to_owned();
    let expected = format!("GAIA-10\tOpen\t{}\nGAIA-12\tIn Progress\t{}\n", summary(0), summary(1));
    assert_eq!(piped(&found), expected);
    let rows: String = issues(&found).iter().map(|issue| piped(&Row(issue))).collect();
    assert_eq!(rows, expected, "streamed or not");
}

#[tokio::test]
async fn a_positional_query_stands_in_for_the_flag() {
    let site = site().await;
    let mut args = SearchArgs { jql_pos: some("project = GAIA"), ..SearchArgs::default() };
    assert_eq!(args.texts().len(), 2);
    run(args, &site.jira, None).await.unwrap();
    assert_eq!(site.bodies()[0]["jql"], "project = GAIA");
}
