//! Changes, and what is seen of them afterwards.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Jira;

const OK: StatusCode = StatusCode::NO_CONTENT;

async fn fields(jira: &Jira, key: &str) -> Value {
    jira.get(&format!("/rest/api/2/issue/{key}")).await["fields"].clone()
}

async fn step(jira: &Jira, key: &str, body: Value) -> super::Answer {
    jira.change("POST", &format!("/rest/api/2/issue/{key}/transitions"), body).await
}

#[tokio::test]
async fn the_software_workflow_resolves_by_itself_and_reopens() {
    let jira = Jira::new();
    let done = step(&jira, "gaia-12", json!({"transition": {"id": "41"}, "update": {}, "fields": {}})).await;
    assert_eq!((done.status, done.text.as_str()), (OK, ""));
    let after = fields(&jira, "GAIA-12").await;
    assert_eq!((&after["status"]["name"], &after["resolution"]["name"]), (&json!("Done"), &json!("Done")));
    assert!(after["resolutiondate"].is_string());
    let again = step(&jira, "GAIA-12", json!({"transition": {"id": "41"}})).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert_eq!(again.json()["errorMessages"], json!(["Transition id '41' is not valid for this issue."]));
    assert_eq!(step(&jira, "GAIA-12", json!({"transition": {"id": 51}})).await.status, OK);
    assert_eq!(fields(&jira, "GAIA-12").await["resolution"], Value::Null);
}

#[tokio::test]
async fn a_resolution_goes_where_the_screen_asks_for_it_and_nowhere_else() {
    let jira = Jira::new();
    let refused = async |key: &str, body: Value, field: &str| {
        let answer = step(&jira, key, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        assert!(answer.json()["errors"][field].is_string(), "{}", answer.text);
    };
    let resolution = json!({"resolution": {"name": "Fixed"}});
    refused("GAIA-12", json!({"transition": {"id": "41"}, "fields": resolution}), "resolution").await;
    refused("OPS-3", json!({"transition": {"id": "5"}}), "resolution").await;
    let wrong = json!({"resolution": {"name": "Nonsense"}});
    refused("OPS-3", json!({"transition": {"id": "5"}, "fields": wrong}), "resolution").await;
    let unknown = json!({"resolution": {"id": "1"}, "colour": "red"});
    refused("OPS-3", json!({"transition": {"id": "5"}, "fields": unknown}), "colour").await;
    assert_eq!(fields(&jira, "OPS-3").await["status"]["name"], "Open");
    // As an old client writes it: by id, with everything else empty.
    let body = json!({
        "transition": {"id": "5"},
        "fields": {"resolution": {"self": "", "id": "2", "description": "", "name": ""}},
        "update": {"comment": [{"add": {"body": "No."}}]},
    });
    assert_eq!(step(&jira, "OPS-3", body).await.status, OK);
    let after = fields(&jira, "OPS-3").await;
    assert_eq!(after["resolution"]["name"], "Won't Fix");
    let comments = after["comment"]["comments"].as_array().unwrap();
    assert_eq!(comments.last().unwrap()["body"], "No.");
    assert_eq!(step(&jira, "OPS-3", json!({})).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_issue_is_assigned_given_back_and_refused_to_viewers() {
    let jira = Jira::new();
    let assign = async |name: Value| {
        jira.change("PUT", "/rest/api/2/issue/GAIA-10/assignee", json!({"name": name})).await
    };
    let who = async || fields(&jira, "GAIA-10").await["assignee"]["name"].clone();
    assert_eq!(assign(json!("reviewer")).await.status, OK);
    assert_eq!(who().await, "reviewer");
    for name in ["viewer", "nobody"] {
        let answer = assign(json!(name)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.json()["errors"]["assignee"].is_string());
    }
    assert_eq!(assign(json!("-1")).await.status, OK);
    assert_eq!(who().await, "lead");
    assert_eq!(assign(Value::Null).await.status, OK);
    assert_eq!(who().await, Value::Null);
}

#[tokio::test]
async fn a_comment_is_kept_as_it_came() {
    let jira = Jira::new();
    let text = "h1. ü \u{1b}[31m {code}a < b{code}\n\n\"quoted\"";
    let answer = jira.change("POST", "/rest/api/2/issue/web-9/comment", json!({"body": text})).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let comment = answer.json();
    assert_eq!((&comment["body"], &comment["author"]["name"]), (&json!(text), &json!("developer")));
    let last = jira.get("/rest/api/2/issue/WEB-9/comment?orderBy=-created&maxResults=1").await;
    assert_eq!(last["comments"][0]["id"], comment["id"]);
    for body in [json!(" "), Value::Null, json!("x".repeat(40_000))] {
        let answer = jira.change("POST", "/rest/api/2/issue/WEB-9/comment", json!({"body": body})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.json()["errors"]["comment"].is_string());
    }
}

#[tokio::test]
async fn an_issue_is_created_found_edited_and_deleted() {
    let jira = Jira::new();
    let answer = jira
        .change(
            "POST",
            "/rest/api/2/issue",
            json!({"fields": {
                "project": {"key": "GAIA"},
                "issuetype": {"name": "Task"},
                "summary": "Ship it",
                "labels": ["fresh"],
                "components": [{"name": "core"}],
                "customfield_10101": "GAIA-1",
                "customfield_10100": 114,
                "assignee": {"name": "developer"},
            }}),
        )
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let key = answer.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(key, "GAIA-97");
    let found = jira.get("/rest/api/2/search?jql=labels=fresh and sprint in openSprints()").await;
    assert_eq!(found["issues"][0]["key"], key.as_str());
    let path = format!("/rest/api/2/issue/{key}");
    let edit = json!({
        "fields": {"summary": "Ship it now", "customfield_10101": null},
        "update": {
            "labels": [{"add": "second"}, {"remove": "fresh"}],
            "components": [{"remove": {"name": "core"}}],
        },
    });
    assert_eq!(jira.change("PUT", &path, edit).await.status, OK);
    let after = fields(&jira, &key).await;
    assert_eq!((&after["summary"], &after["labels"]), (&json!("Ship it now"), &json!(["second"])));
    assert_eq!((&after["components"], &after["customfield_10101"]), (&json!([]), &Value::Null));
    let wrong = json!({"fields": {"colour": "red", "labels": ["a b"], "components": [{"name": "nope"}]}});
    let wrong = jira.change("PUT", &path, wrong).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.json()["errors"].as_object().unwrap().len(), 3);
    assert_eq!(jira.change("PUT", &path, json!({})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(jira.change("DELETE", &path, json!({})).await.status, OK);
    assert_eq!(jira.get_as(Some("lead"), &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_new_issue_lacks_is_named() {
    let jira = Jira::new();
    let lacks = async |fields: Value, field: &str| {
        let answer = jira.change("POST", "/rest/api/2/issue", json!({"fields": fields})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        assert!(answer.json()["errors"][field].is_string(), "{field}: {}", answer.text);
    };
    let (project, task) = (json!({"key": "OPS"}), json!({"name": "Task"}));
    lacks(json!({"issuetype": task, "summary": "x"}), "project").await;
    lacks(json!({"project": {"key": "NOPE"}, "issuetype": task}), "project").await;
    lacks(json!({"project": project, "summary": "x"}), "issuetype").await;
    lacks(json!({"project": project, "issuetype": {"name": "Epic"}, "summary": "x"}), "issuetype").await;
    lacks(json!({"project": project, "issuetype": task}), "summary").await;
    lacks(json!({"project": project, "issuetype": {"name": "Sub-task"}, "summary": "x"}), "issuetype").await;
    let epic = json!({"project": {"key": "WEB"}, "issuetype": {"name": "Epic"}, "summary": "x"});
    lacks(epic, "customfield_10102").await;
}

#[tokio::test]
async fn a_parent_is_deleted_only_with_its_subtasks() {
    let jira = Jira::new();
    let body = json!({"fields": {
        "project": {"key": "GAIA"},
        "issuetype": {"name": "Sub-task"},
        "parent": {"key": "GAIA-12"},
        "summary": "A part of it",
    }});
    let child =
        jira.change("POST", "/rest/api/2/issue", body).await.json()["key"].as_str().unwrap().to_owned();
    let refused = jira.change("DELETE", "/rest/api/2/issue/GAIA-12", json!({})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let gone = jira.change("DELETE", "/rest/api/2/issue/GAIA-12?deleteSubtasks=true", json!({})).await;
    assert_eq!(gone.status, OK);
    let path = format!("/rest/api/2/issue/{child}");
    assert_eq!(jira.get_as(Some("lead"), &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_reads_from_the_inward_to_the_outward_issue() {
    let jira = Jira::new();
    let link = |kind: &str, to: &str| {
        json!({
            "type": {"name": kind},
            "inwardIssue": {"key": "GAIA-12"},
            "outwardIssue": {"key": to},
        })
    };
    let made = jira.change("POST", "/rest/api/2/issueLink", link("Blocks", "WEB-9")).await;
    assert_eq!((made.status, made.text.as_str()), (StatusCode::CREATED, ""));
    let links = fields(&jira, "GAIA-12").await["issuelinks"].clone();
    let link_of = links.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&link_of["outwardIssue"]["key"], &link_of["type"]["outward"]),
        (&json!("WEB-9"), &json!("blocks"))
    );
    for (kind, to) in [("Nonsense", "WEB-9"), ("Blocks", "GAIA-7"), ("Blocks", "GAIA-99999")] {
        let answer = jira.change("POST", "/rest/api/2/issueLink", link(kind, to)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{kind} {to}");
    }
    let path = format!("/rest/api/2/issueLink/{}", link_of["id"].as_str().unwrap());
    assert_eq!(jira.change("DELETE", &path, json!({})).await.status, OK);
    assert_eq!(jira.change("DELETE", &path, json!({})).await.status, StatusCode::NOT_FOUND);
}
