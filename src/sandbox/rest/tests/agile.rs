//! Boards, sprints and epics.

use axum::http::StatusCode;
use serde_json::json;

use super::Jira;

#[tokio::test]
async fn boards_are_filtered_by_project_and_type() {
    let jira = Jira::new();
    let boards = jira.get("/rest/agile/1.0/board?projectKeyOrId=GAIA&maxResults=10").await;
    assert_eq!((&boards["total"], &boards["isLast"]), (&json!(1), &json!(true)));
    assert_eq!(boards["values"][0]["type"], "scrum");
    assert_eq!(boards["values"][0]["self"], "https://jira.example.com/ctx/rest/agile/1.0/board/1");
    assert_eq!(jira.get("/rest/agile/1.0/board?type=kanban").await["values"][0]["id"], 3);
    let unknown = jira.get_as(Some("developer"), "/rest/agile/1.0/board?projectKeyOrId=NOPE").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert_eq!(jira.get_as(None, "/rest/agile/1.0/board").await.json()["values"], json!([]));
}

#[tokio::test]
async fn sprints_have_states_and_kanban_has_none() {
    let jira = Jira::new();
    let active = jira.get("/rest/agile/1.0/board/1/sprint?state=active").await;
    assert!(active.get("total").is_none());
    assert_eq!(active["values"].as_array().unwrap().len(), 1);
    let sprint = &active["values"][0];
    assert!(
        sprint["startDate"].as_str().unwrap().ends_with("+02:00") && sprint.get("completeDate").is_none()
    );
    assert_eq!(jira.get("/rest/agile/1.0/board/1/sprint").await["values"].as_array().unwrap().len(), 7);
    let kanban = jira.get_as(Some("developer"), "/rest/agile/1.0/board/3/sprint").await;
    assert_eq!(kanban.status, StatusCode::BAD_REQUEST);
    let missing = jira.get_as(Some("developer"), "/rest/agile/1.0/board/99/sprint").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn issues_are_planned_into_sprints_and_epics() {
    let jira = Jira::new();
    let plan = async |path: &str, count: usize| {
        let issues = vec!["GAIA-10"; count];
        let path = format!("/rest/agile/1.0/{path}/issue");
        jira.change("POST", &path, json!({"issues": issues})).await.status
    };
    assert_eq!(plan("sprint/115", 1).await, StatusCode::NO_CONTENT);
    let found = jira.get("/rest/agile/1.0/sprint/115/issue?jql=key=GAIA-10").await;
    assert_eq!((&found["total"], &found["issues"][0]["fields"]["sprint"]["id"]), (&json!(1), &json!(115)));
    assert_eq!(plan("backlog", 1).await, StatusCode::NO_CONTENT);
    assert_eq!(jira.get("/rest/agile/1.0/sprint/115/issue?jql=key=GAIA-10").await["total"], 0);
    assert_eq!(plan("sprint/111", 1).await, StatusCode::BAD_REQUEST);
    assert_eq!(plan("sprint/115", 51).await, StatusCode::BAD_REQUEST);
    assert_eq!(plan("epic/GAIA-1", 1).await, StatusCode::NO_CONTENT);
    assert_eq!(jira.get("/rest/api/2/issue/GAIA-10").await["fields"]["customfield_10101"], "GAIA-1");
    assert_eq!(plan("epic/none", 1).await, StatusCode::NO_CONTENT);
    assert_eq!(plan("epic/GAIA-12", 1).await, StatusCode::BAD_REQUEST);
    let epics = jira.get("/rest/agile/1.0/board/1/epic?done=false").await;
    assert!(epics["values"].as_array().unwrap().iter().all(|epic| epic["done"] == json!(false)));
}
