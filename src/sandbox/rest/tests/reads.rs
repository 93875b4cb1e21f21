//! What can be looked at, and in which shape.

use serde_json::json;

use super::Jira;
use crate::sandbox::Scope;
use crate::sandbox::world::World;

#[tokio::test]
async fn myself_has_groups_and_the_configured_address() {
    let me = Jira::new().get("/rest/api/2/myself").await;
    assert_eq!(me["name"], "developer");
    assert_eq!(me["key"], "JIRAUSER10100");
    assert_eq!(me["displayName"], "Sandbox Developer");
    assert_eq!(me["self"], "https://jira.example.com/ctx/rest/api/2/user?username=developer");
    assert_eq!(me["groups"], json!({"size": 1, "items": []}));
}

#[tokio::test]
async fn a_page_of_a_search_is_cut_silently() {
    let jira = Jira::new();
    let page = jira.get("/rest/api/2/search?jql=project=GAIA order by key&fields=summary,status").await;
    assert_eq!((&page["startAt"], &page["maxResults"]), (&json!(0), &json!(50)));
    assert_eq!(page["issues"].as_array().unwrap().len(), 50);
    assert_eq!(page["total"], 95); // 96, and one is not for the developer
    let issue = &page["issues"][0];
    assert_eq!(issue["key"], "GAIA-1");
    assert_eq!(issue["self"], "https://jira.example.com/ctx/rest/api/2/issue/10000");
    let fields: Vec<_> = issue["fields"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["summary", "status"]);
    assert!(issue["fields"]["status"]["statusCategory"]["id"].is_number());
    let last = jira.get("/rest/api/2/search?jql=project=GAIA order by key&startAt=90&maxResults=5000").await;
    assert_eq!(last["maxResults"], 1000);
    assert_eq!(last["issues"].as_array().unwrap().len(), 5);
    let count = jira.get("/rest/api/2/search?maxResults=0").await;
    assert_eq!((&count["total"], &count["issues"]), (&json!(239), &json!([])));
}

#[tokio::test]
async fn a_search_by_post_is_the_same_and_brings_transitions() {
    let jira = Jira::new();
    let body = json!({
        "jql": "key in (OPS-3, GAIA-12, NOPE-1)",
        "fields": ["status"],
        "expand": ["transitions", "names"],
        "validateQuery": false,
        "maxResults": 10,
    });
    let answer =
        jira.change_as(Some("developer"), Scope::Write, "POST", "/rest/api/2/search", &body).await.json();
    assert_eq!(answer["total"], 2);
    assert_eq!(
        answer["warningMessages"],
        json!(["An issue with key 'NOPE-1' does not exist for field 'key'."])
    );
    assert_eq!(answer["names"], json!({"status": "Status"}));
    let names: Vec<_> = answer["issues"][0]["transitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|transition| transition["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Stop Progress", "Ready for Review", "Done"]);
    // A read: the narrowest scope will do. It may not transition, so that nothing is offered.
    let read =
        jira.change_as(Some("developer"), Scope::Read, "POST", "/rest/api/2/search", &body).await.json();
    assert_eq!(read["issues"][0]["transitions"], json!([]));
}

#[tokio::test]
async fn an_issue_has_jiras_shapes() {
    let jira = Jira::new();
    let issue = jira.get("/rest/api/2/issue/gaia-12?expand=transitions,renderedFields,changelog,names").await;
    let fields = &issue["fields"];
    assert_eq!((&issue["key"], &issue["names"]["issuetype"]), (&json!("GAIA-12"), &json!("Issue Type")));
    assert_eq!(fields["assignee"]["name"], "developer");
    assert_eq!(fields["resolution"], json!(null));
    let created = fields["created"].as_str().unwrap();
    assert!(created.ends_with("+0200") && created.len() == "2026-03-10T12:00:00.000+0200".len(), "{created}");
    let sprint = fields["customfield_10100"][0].as_str().unwrap();
    assert!(sprint.starts_with("com.atlassian.greenhopper.service.sprint.Sprint@"), "{sprint}");
    assert!(sprint.contains("state=ACTIVE,name=GAIA Sprint 5,") && sprint.contains("completeDate=<null>"));
    assert!(fields.get("parent").is_none());
    assert!(issue["transitions"].as_array().is_some() && issue["changelog"]["histories"].is_array());
    assert!(issue["renderedFields"].get("summary").is_some());
    let bare = jira.get("/rest/api/2/issue/10000?fields=key").await;
    assert!(bare.get("fields").is_none());
    let hostile = jira.get(&format!("/rest/api/2/issue/{}?fields=summary", World::HOSTILE)).await;
    assert!(hostile["fields"]["summary"].as_str().unwrap().contains("\u{1b}]52;c;"));
}

#[tokio::test]
async fn a_moved_issue_answers_to_its_old_key_with_the_new_one() {
    let jira = Jira::new();
    let moved = jira.get("/rest/api/2/issue/ops-4?fields=project").await;
    let key = moved["key"].as_str().unwrap();
    assert!(key.starts_with("WEB-"));
    assert_eq!(jira.get(&format!("/rest/api/2/issue/{key}?fields=project")).await["id"], moved["id"]);
}

#[tokio::test]
async fn links_and_subtasks_show_both_sides() {
    let jira = Jira::new();
    let found = jira.get("/rest/api/2/search?fields=issuelinks,subtasks,parent&maxResults=1000").await;
    let issues = found["issues"].as_array().unwrap();
    let links: Vec<_> = issues.iter().flat_map(|it| it["fields"]["issuelinks"].as_array().unwrap()).collect();
    assert!(links.iter().any(|link| link.get("outwardIssue").is_some()));
    assert!(links.iter().any(|link| link.get("inwardIssue").is_some()));
    assert!(links.iter().all(|link| link.get("outwardIssue").is_some() != link.get("inwardIssue").is_some()));
    let parent = issues.iter().find(|it| it["fields"]["subtasks"] != json!([])).unwrap();
    let child = &parent["fields"]["subtasks"][0];
    let child = issues.iter().find(|it| it["id"] == child["id"]).unwrap();
    assert_eq!(child["fields"]["parent"]["key"], parent["key"]);
}

#[tokio::test]
async fn comments_are_paged_in_both_directions() {
    let jira = Jira::new();
    let all = jira.get("/rest/api/2/issue/GAIA-11/comment").await;
    assert_eq!((&all["total"], all["comments"].as_array().unwrap().len()), (&json!(60), 60));
    let last = jira.get("/rest/api/2/issue/GAIA-11/comment?orderBy=-created&maxResults=20").await;
    assert_eq!(last["maxResults"], 20);
    assert_eq!(last["comments"][0]["id"], all["comments"][59]["id"]);
    let id = all["comments"][3]["id"].as_str().unwrap();
    let one = jira.get(&format!("/rest/api/2/issue/GAIA-11/comment/{id}")).await;
    assert_eq!(one["body"], all["comments"][3]["body"]);
}

#[tokio::test]
async fn a_transition_says_what_its_screen_asks_for() {
    let jira = Jira::new();
    let answer = jira.get("/rest/api/2/issue/OPS-3/transitions?expand=transitions.fields").await;
    let transitions = answer["transitions"].as_array().unwrap();
    let resolve = transitions.iter().find(|it| it["name"] == "Resolve Issue").unwrap();
    assert_eq!(resolve["to"]["name"], "Resolved");
    assert_eq!(resolve["fields"]["resolution"]["required"], true);
    assert_eq!(resolve["fields"]["resolution"]["hasDefaultValue"], false);
    assert_eq!(transitions[0]["fields"], json!({}));
    let plain = jira.get("/rest/api/2/issue/OPS-3/transitions").await;
    assert!(plain["transitions"][0].get("fields").is_none());
}

#[tokio::test]
async fn the_catalogues_are_plain_arrays() {
    let jira = Jira::new();
    for path in ["project", "field", "status", "priority", "resolution", "issuetype"] {
        let list = jira.get(&format!("/rest/api/2/{path}")).await;
        assert!(list.as_array().is_some_and(|list| list.len() >= 3), "{path}");
    }
    for path in ["statuses", "versions", "components"] {
        assert!(jira.get(&format!("/rest/api/2/project/gaia/{path}")).await.is_array());
    }
    let fields = jira.get("/rest/api/2/field").await;
    let of = |custom: &str| {
        let found = fields.as_array().unwrap().iter().find(|field| field["schema"]["custom"] == custom);
        found.unwrap()["id"].clone()
    };
    assert_eq!(of("com.pyxis.greenhopper.jira:gh-sprint"), "customfield_10100");
    assert_eq!(of("com.pyxis.greenhopper.jira:gh-epic-link"), "customfield_10101");
    assert!(fields[0].get("schema").is_none());
    let types = jira.get("/rest/api/2/issueLinkType").await;
    assert_eq!(types["issueLinkTypes"][0]["outward"], "blocks");
}

#[tokio::test]
async fn people_are_found_by_name_and_the_assignable_ones_apart() {
    let jira = Jira::new();
    assert_eq!(jira.get("/rest/api/2/user/search?username=.").await.as_array().unwrap().len(), 6);
    assert_eq!(jira.get("/rest/api/2/user/search?username=rel").await[0]["name"], "release-manager");
    let assignable = jira.get("/rest/api/2/user/assignable/search?issueKey=GAIA-1").await;
    assert_eq!(assignable.as_array().unwrap().len(), 5);
    let of_project = jira.get("/rest/api/2/user/assignable/search?project=WEB&username=view").await;
    assert_eq!(of_project, json!([]));
    assert_eq!(jira.get("/rest/api/2/user?username=lead").await["displayName"], "Sandbox Lead");
}

#[tokio::test]
async fn permissions_are_those_of_the_scope() {
    let jira = Jira::new();
    let has = async |user, scope, key: &str| {
        let request = axum::http::Request::get("/rest/api/2/mypermissions").body(axum::body::Body::empty());
        let all = jira.send(user, scope, request.unwrap()).await.json();
        all["permissions"][key]["havePermission"].as_bool().unwrap()
    };
    assert!(has(Some("developer"), Scope::Write, "TRANSITION_ISSUES").await);
    assert!(!has(Some("developer"), Scope::Read, "TRANSITION_ISSUES").await);
    assert!(has(Some("developer"), Scope::Read, "BROWSE_PROJECTS").await);
    assert!(!has(Some("viewer"), Scope::Write, "ADD_COMMENTS").await);
    assert!(!has(None, Scope::Read, "BROWSE_PROJECTS").await);
}
