//! What Jira says when it does not do it: status and body.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::Jira;
use crate::sandbox::Scope;

#[tokio::test]
async fn anonymous_sees_nothing_and_is_seldom_told_so() {
    let jira = Jira::new();
    let me = jira.get_as(None, "/rest/api/2/myself").await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        me.text,
        r#"{"message":"Client must be authenticated to access this resource.","status-code":401}"#
    );
    let found = jira.get_as(None, "/rest/api/2/search").await;
    assert_eq!((found.status, &found.json()["total"]), (StatusCode::OK, &json!(0)));
    assert_eq!(jira.get_as(None, "/rest/api/2/project").await.text, "[]");
    assert_eq!(jira.get_as(None, "/rest/api/2/serverInfo").await.status, StatusCode::OK);
    assert_eq!(jira.get_as(None, "/rest/api/2/field").await.status, StatusCode::UNAUTHORIZED);
    let issue = jira.get_as(None, "/rest/api/2/issue/GAIA-1").await;
    assert_eq!(issue.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        issue.text,
        r#"{"errorMessages":["You do not have the permission to see the specified issue.","Login Required"],"errors":{}}"#
    );
    let named = jira.get_as(None, "/rest/api/2/search?jql=project=GAIA").await;
    assert_eq!(named.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        named.json()["errorMessages"],
        json!(["The value 'GAIA' does not exist for the field 'project'."])
    );
    let comment = json!({"body": "x"});
    let write =
        jira.change_as(None, Scope::Write, "POST", "/rest/api/2/issue/GAIA-1/comment", &comment).await;
    assert_eq!(write.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_is_not_for_you_403() {
    let jira = Jira::new();
    let missing = jira.get_as(Some("developer"), "/rest/api/2/issue/GAIA-99999").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.text, r#"{"errorMessages":["Issue Does Not Exist"],"errors":{}}"#);
    let hidden = jira.get_as(Some("developer"), "/rest/api/2/issue/GAIA-7").await;
    assert_eq!(hidden.status, StatusCode::FORBIDDEN);
    assert_eq!(
        hidden.json()["errorMessages"],
        json!(["You do not have the permission to see the specified issue."])
    );
    assert_eq!(jira.get_as(Some("lead"), "/rest/api/2/issue/GAIA-7").await.status, StatusCode::OK);
    for path in
        ["project/NOPE", "user?username=nobody", "issue/GAIA-1/comment/1", "nonsense", "issue/../myself"]
    {
        let answer = jira.get_as(Some("developer"), &format!("/rest/api/2/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let method = jira.change("DELETE", "/rest/api/2/myself", json!({})).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn neither_a_viewer_nor_a_narrow_scope_changes_anything() {
    let jira = Jira::new();
    let writes = [
        ("POST", "issue/GAIA-12/comment", json!({"body": "x"})),
        ("POST", "issue/GAIA-12/transitions", json!({"transition": {"id": "41"}})),
        ("PUT", "issue/GAIA-12/assignee", json!({"name": null})),
        ("PUT", "issue/GAIA-12", json!({"fields": {"summary": "x"}})),
        ("DELETE", "issue/GAIA-12", json!({})),
        ("POST", "issue", json!({"fields": {}})),
        ("POST", "issueLink", json!({})),
    ];
    let before = jira.get("/rest/api/2/issue/GAIA-12").await;
    for (user, scope) in [("viewer", Scope::SystemAdmin), ("admin", Scope::Read)] {
        for (method, path, body) in &writes {
            let answer =
                jira.change_as(Some(user), scope, method, &format!("/rest/api/2/{path}"), body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{user} {path}");
            let message = answer.json()["errorMessages"][0].as_str().unwrap().to_owned();
            assert!(message.starts_with("You do not have permission"), "{message}");
        }
    }
    assert_eq!(jira.get("/rest/api/2/issue/GAIA-12").await, before);
}

#[tokio::test]
async fn what_a_browser_was_made_to_send_fails_the_xsrf_check() {
    let jira = Jira::new();
    let post = async |header: (&str, &str), excused: bool| {
        let mut request = Request::post("/rest/api/2/issue/GAIA-12/comment")
            .header("content-type", "application/json")
            .header(header.0, header.1);
        if excused {
            request = request.header("X-Atlassian-Token", "no-check");
        }
        let request = request.body(Body::from(r#"{"body":"x"}"#)).unwrap();
        jira.send(Some("developer"), Scope::Write, request).await
    };
    for header in [("user-agent", "Mozilla/5.0 (X11)"), ("origin", "https://evil.example.com")] {
        let refused = post(header, false).await;
        assert_eq!((refused.status, refused.text.as_str()), (StatusCode::FORBIDDEN, "XSRF check failed"));
        assert_eq!(post(header, true).await.status, StatusCode::CREATED);
    }
    assert_eq!(post(("user-agent", "jira/1.0"), false).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn bodies_that_jira_cannot_read_are_400_without_errors() {
    let jira = Jira::new();
    for (path, body) in [
        ("issue/GAIA-12/comment", json!({"body": "x", "colour": "red"})),
        ("issue/GAIA-12/transitions", json!({"transition": {"id": "41"}, "comment": "x"})),
        ("search", json!({"jql": "", "nextPageToken": "x"})),
        ("search", json!({"fields": "summary"})),
    ] {
        let answer = jira.change("POST", &format!("/rest/api/2/{path}"), body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.json().get("errors").is_none());
    }
    let broken = Request::post("/rest/api/2/search").header("content-type", "application/json");
    let broken = jira.send(Some("developer"), Scope::Write, broken.body(Body::from("{")).unwrap()).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    let form = Request::post("/rest/api/2/search").body(Body::from("{}")).unwrap();
    let form = jira.send(Some("developer"), Scope::Write, form).await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_bad_query_is_400_in_jiras_words() {
    let answer = Jira::new().get_as(Some("developer"), "/rest/api/2/search?jql=status = In Progress").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let body: Value = answer.json();
    assert_eq!(body["errors"], json!({}));
    assert!(
        body["errorMessages"][0].as_str().unwrap().starts_with("Error in the JQL Query: Expecting either")
    );
}
