//! Which fields can be set where, and the fields of one project.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Jira;

/// The names of the fields on a page.
fn names(page: &Value) -> Vec<&str> {
    page["values"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn types_and_screens_come_in_pages() {
    let jira = Jira::new();
    let types = jira.get("/rest/api/2/issue/createmeta/OPS/issuetypes").await;
    assert_eq!((names(&types), &types["isLast"]), (vec!["Task", "Sub-task", "Bug"], &json!(true)));
    assert_eq!(types["values"][1]["subtask"], true);
    let path = "/rest/api/2/issue/createmeta/OPS/issuetypes/10004";
    let all = jira.get(path).await;
    let (first, second) =
        (jira.get(&format!("{path}?maxResults=4")).await, jira.get(&format!("{path}?startAt=4")).await);
    assert_eq!([names(&first), names(&second)].concat(), names(&all));
    assert_eq!(
        (&first["isLast"], &first["total"], &second["startAt"]),
        (&json!(false), &all["total"], &json!(4))
    );
    assert!(names(&all).contains(&"Severity") && !names(&all).contains(&"Root Cause"));
    let severity =
        all["values"].as_array().unwrap().iter().find(|field| field["name"] == "Severity").unwrap();
    assert_eq!((&severity["required"], &severity["fieldId"]), (&json!(true), &json!("customfield_10200")));
    assert_eq!(severity["allowedValues"][2]["value"], "Minor, cosmetic");
    let task = jira.get("/rest/api/2/issue/createmeta/OPS/issuetypes/10002").await;
    assert!(
        task["values"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["name"] == "Severity" && it["required"] == false)
    );
    let elsewhere = jira.get("/rest/api/2/issue/createmeta/GAIA/issuetypes/10004").await;
    assert!(!names(&elsewhere).contains(&"Severity"));
}

#[tokio::test]
async fn whoever_may_not_create_sees_an_empty_page_and_the_old_call_is_gone() {
    let jira = Jira::new();
    let viewer = jira.get_as(Some("viewer"), "/rest/api/2/issue/createmeta/OPS/issuetypes").await;
    assert_eq!((viewer.status, &viewer.json()["total"]), (StatusCode::OK, &json!(0)));
    for path in
        ["createmeta/NOPE/issuetypes", "createmeta/OPS/issuetypes/10000", "createmeta?projectKeys=OPS"]
    {
        let answer = jira.get_as(Some("developer"), &format!("/rest/api/2/issue/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_screen_for_editing_has_more_than_that_for_creating() {
    let jira = Jira::new();
    let fields = jira.get("/rest/api/2/issue/OPS-3/editmeta").await["fields"].clone();
    assert_eq!(fields["customfield_10209"]["name"], "Root Cause");
    assert_eq!(fields["customfield_10200"]["required"], false);
    assert_eq!(fields["customfield_10201"]["allowedValues"][1]["children"][1]["value"], "Tokyo / Chiyoda");
    assert_eq!(
        fields["fixVersions"]["schema"],
        json!({"type": "array", "items": "version", "system": "fixVersions"})
    );
    let gaia = jira.get("/rest/api/2/issue/GAIA-12/editmeta").await["fields"].clone();
    assert!(gaia.get("customfield_10200").is_none());
}

#[tokio::test]
async fn a_projects_own_fields_are_set_shown_and_refused() {
    let jira = Jira::new();
    let edit =
        async |fields: Value| jira.change("PUT", "/rest/api/2/issue/OPS-3", json!({"fields": fields})).await;
    let good = json!({
        "customfield_10200": {"id": "10301"},
        "customfield_10201": {"value": "Europe", "child": {"value": "Zürich"}},
        "customfield_10202": 1.5,
        "customfield_10203": "2026-03-31",
        "customfield_10204": {"name": "lead"},
        "customfield_10205": [{"value": "Mail"}, {"id": "10320"}],
        "customfield_10206": "2026-03-31T15:00:00.000+0000",
        "customfield_10209": "A loop",
    });
    assert_eq!(edit(good).await.status, StatusCode::NO_CONTENT);
    let shown = jira.get("/rest/api/2/issue/OPS-3").await["fields"].clone();
    assert_eq!(shown["customfield_10200"]["value"], "Major");
    assert_eq!(shown["customfield_10201"]["child"]["value"], "Zürich");
    assert_eq!(shown["customfield_10204"]["name"], "lead");
    assert_eq!(shown["customfield_10205"][1]["value"], "Gateway");
    assert_eq!(shown["customfield_10206"], "2026-03-31T17:00:00.000+0200");
    assert_eq!((&shown["customfield_10202"], &shown["customfield_10209"]), (&json!(1.5), &json!("A loop")));
    let elsewhere = jira.get("/rest/api/2/issue/GAIA-12").await["fields"].clone();
    assert!(elsewhere.get("customfield_10200").is_none());
    let wrong = json!({
        "customfield_10200": {"value": "critical"},
        "customfield_10201": {"value": "Europe", "child": {"value": "Tokyo / Chiyoda"}},
        "customfield_10202": "1.5",
        "customfield_10203": "31.03.2026",
        "customfield_10204": {"name": "nobody"},
        "customfield_10205": {"value": "Mail"},
        "customfield_10206": "2026-03-31T15:00:00Z",
        "customfield_10209": 1,
    });
    let refused = edit(wrong).await;
    assert_eq!(
        (refused.status, refused.json()["errors"].as_object().unwrap().len()),
        (StatusCode::BAD_REQUEST, 8)
    );
    assert_eq!(edit(json!({"customfield_10200": null})).await.status, StatusCode::NO_CONTENT);
    let gone = jira.get("/rest/api/2/issue/OPS-3?fields=customfield_10200").await;
    assert_eq!(gone["fields"]["customfield_10200"], Value::Null);
}

#[tokio::test]
async fn a_required_field_and_the_screen_for_creating_are_held() {
    let jira = Jira::new();
    let create = async |more: Value| {
        let mut fields = json!({"project": {"key": "OPS"}, "issuetype": {"name": "Bug"}, "summary": "x"});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jira.change("POST", "/rest/api/2/issue", json!({"fields": fields})).await
    };
    let missing = create(json!({})).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    assert_eq!(missing.json()["errors"], json!({"customfield_10200": "Severity is required."}));
    let severity = json!({"customfield_10200": {"value": "Major"}});
    assert_eq!(create(severity).await.status, StatusCode::CREATED);
    let unseen = create(json!({"customfield_10200": {"value": "Major"}, "customfield_10209": "x"})).await;
    assert!(unseen.json()["errors"]["customfield_10209"].as_str().unwrap().contains("appropriate screen"));
}
