use serde_json::json;

use super::*;
use crate::error::Code;
use crate::ops::get::{GetArgs, run};
use crate::sandbox::world::World;

fn args(keys: &[&str]) -> GetArgs {
    GetArgs { keys: keys.iter().map(|key| (*key).to_owned()).collect(), ..GetArgs::default() }
}

#[tokio::test]
async fn one_issue_is_an_object_with_the_usual_fields() {
    let site = site().await;
    let found = run(args(&["gaia-12"]), &site.jira).await.unwrap();
    let issue = serde_json::to_value(&found).unwrap();
    assert_eq!(issue["key"], "GAIA-12");
    assert_eq!(issue["fields"]["status"]["name"], "In Progress");
    let query = site.sandbox.log()[0].path.clone();
    for field in ["summary", "fixVersions", "description", "customfield_10101", "customfield_10100"] {
        assert!(query.contains(field), "{query}");
    }
    assert_eq!(site.requests(), ["GET /issue/GAIA-12"]);
}

#[tokio::test]
async fn several_issues_are_a_list_in_the_order_asked_for() {
    let site = site().await;
    let found = run(args(&["WEB-3", "GAIA-12", "OPS-1", "WEB-1"]), &site.jira).await.unwrap();
    let issues = serde_json::to_value(&found).unwrap();
    let keys: Vec<_> =
        issues.as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["WEB-3", "GAIA-12", "OPS-1", "WEB-1"]);
    assert_eq!(piped(&found).lines().count(), 4);
}

#[tokio::test]
async fn no_more_than_sixteen_requests_are_sent_at_once() {
    let site = site().await;
    let keys: Vec<String> = (13..53).map(|number| format!("GAIA-{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for comments in [None, Some(1)] {
        site.sandbox.clear_log();
        run(GetArgs { comments, ..args(&keys) }, &site.jira).await.unwrap();
        assert!(site.sandbox.max_in_flight() <= 16, "{}", site.sandbox.max_in_flight());
    }
}

#[tokio::test]
async fn an_issue_that_jira_does_not_show_is_named() {
    let site = site().await;
    let failed = failure(run(args(&["GAIA-12", "GAIA-99999"]), &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::NotFound, 5));
    assert!(failed.message.contains("GAIA-99999"), "{failed}");
}

#[tokio::test]
async fn an_issue_that_one_may_not_see_is_told_from_one_that_is_not_there() {
    let site = site().await;
    let failed = failure(run(args(&[World::HIDDEN]), &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::Forbidden, 3));
    assert!(failed.message.contains(World::HIDDEN), "{failed}");
}

#[tokio::test]
async fn the_old_key_of_a_moved_issue_finds_it() {
    let site = site().await;
    let found = run(args(&[World::MOVED]), &site.jira).await.unwrap();
    assert!(found.issues()[0]["key"].as_str().unwrap().starts_with("WEB-"));
}

#[tokio::test]
async fn an_id_finds_an_issue_too() {
    let site = site().await;
    let id = site.issue("GAIA-12").await["id"].as_str().unwrap().to_owned();
    let found = run(GetArgs { key: Some(id), ..GetArgs::default() }, &site.jira).await.unwrap();
    assert_eq!(found.issues()[0]["key"], "GAIA-12");
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_anything_is_sent() {
    let site = site().await;
    for key in ["../myself?x=1#", "../../user", "GAIA-1%2f", ""] {
        let failed = failure(run(args(&["GAIA-12", key]), &site.jira).await);
        assert_eq!((failed.code, failed.exit_code()), (Code::BadKey, 2), "{key}");
    }
    assert_eq!(failure(run(args(&[]), &site.jira).await).code, Code::BadFlag);
    let none = GetArgs { comments: Some(0), ..args(&["GAIA-12"]) };
    assert_eq!(failure(run(none, &site.jira).await).code, Code::BadValue);
    assert_eq!(site.requests(), [""; 0]);
}

#[tokio::test]
async fn the_newest_comments_come_where_jira_has_them() {
    let site = site().await;
    let with = GetArgs { comments: Some(3), fields: some("summary"), ..args(&["GAIA-11"]) };
    let found = run(with, &site.jira).await.unwrap();
    let page = &found.issues()[0]["fields"]["comment"];
    assert_eq!((&page["total"], page["comments"].as_array().unwrap().len()), (&json!(60), 3));
    let created: Vec<_> = page["comments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|comment| comment["created"].as_str().unwrap())
        .collect();
    assert!(created.is_sorted_by(|newer, older| newer >= older), "{created:?}");
    let mut requests = site.requests();
    requests.sort();
    assert_eq!(requests, ["GET /issue/GAIA-11", "GET /issue/GAIA-11/comment"]);
    assert_eq!(shown(&found).iter().filter(|line| line.starts_with("comment ")).count(), 3);
}

#[tokio::test]
async fn fields_and_expansions_are_handed_on() {
    let site = site().await;
    let wide =
        GetArgs { fields: some("summary, status"), expand: some("transitions, names"), ..args(&["GAIA-12"]) };
    let found = run(wide, &site.jira).await.unwrap();
    let path = site.sandbox.log()[0].path.clone();
    assert!(path.ends_with("?fields=summary%2Cstatus&expand=transitions%2Cnames"), "{path}");
    assert!(found.issues()[0]["transitions"].is_array());
    assert_eq!(found.issues()[0]["fields"].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn text_is_a_line_for_each_field_for_a_person_and_a_row_for_a_program() {
    let site = site().await;
    let found = run(args(&["GAIA-12"]), &site.jira).await.unwrap();
    let lines = shown(&found);
    assert_eq!(lines[0], "key GAIA-12");
    for start in ["status In Progress", "assignee Sandbox Developer", "sprint ", "created "] {
        assert!(lines.iter().any(|line| line.starts_with(start)), "{lines:#?}");
    }
    assert!(!lines.join("\n").contains("com.atlassian"), "{lines:#?}");
    assert!(piped(&found).starts_with("GAIA-12\tIn Progress\t"), "{}", piped(&found));
    assert_eq!(piped(&found).lines().count(), 1);
}

#[tokio::test]
async fn a_field_is_looked_up_once_for_all_issues() {
    let site = site().await;
    let named = GetArgs { fields: some("Story Points"), ..args(&["GAIA-12", "GAIA-10"]) };
    let found = run(named, &site.jira).await.unwrap();
    assert!(
        found
            .issues()
            .iter()
            .all(|issue| issue["fields"].as_object().unwrap().contains_key("customfield_10106"))
    );
    assert_eq!(site.requests(), ["GET /field", "GET /issue/GAIA-12", "GET /issue/GAIA-10"]);
    let wrong = GetArgs { fields: some("Story Pionts"), ..args(&["GAIA-12"]) };
    let failed = failure(run(wrong, &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2), "{failed}");
    assert_eq!(site.requests(), ["GET /field"]);
}
