use serde_json::json;

use super::*;
use crate::error::Code;
use crate::ops::Change;
use crate::ops::create::{self, CreateArgs, Created};

async fn run(args: CreateArgs, jira: &Jira) -> Result<Created, OpError> {
    create::run(args, jira, &Change::default()).await
}

fn args(project: &str) -> CreateArgs {
    CreateArgs { project: some(project), summary: some("Ship it"), ..CreateArgs::default() }
}

/// A bug in the project with fields of its own.
fn bug(fields: &[&str]) -> CreateArgs {
    let field = fields.iter().map(|field| (*field).to_owned()).collect();
    CreateArgs { kind: some("Bug"), field, ..args("OPS") }
}

/// The fields of the last POST.
fn sent(site: &Site) -> Value {
    site.bodies().pop().unwrap()["fields"].clone()
}

#[tokio::test]
async fn a_plain_issue_is_one_request_and_jiras_own_answer() {
    let site = site().await;
    let created = run(args("gaia"), &site.jira).await.unwrap();
    assert_eq!(site.requests(), ["POST /issue"]);
    let json = serde_json::to_value(&created).unwrap();
    let members: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "key", "self"]);
    assert_eq!((created.key(), piped(&created).as_str()), ("GAIA-121", "created GAIA-121\n"));
    let issue = site.issue("GAIA-121").await;
    assert_eq!(
        (&issue["fields"]["summary"], &issue["fields"]["issuetype"]["name"]),
        (&json!("Ship it"), &json!("Task"))
    );
}

#[tokio::test]
async fn the_flags_that_every_jira_knows_need_no_screen() {
    let site = site().await;
    let full = CreateArgs {
        kind: some("Bug"),
        priority: some("High"),
        assignee: some("reviewer"),
        description: some("**bold**"),
        markdown: Some(true),
        components: some("core, api"),
        labels: some("a,b"),
        epic: some("gaia-1"),
        sprint: Some(114),
        epic_field: some("customfield_10101"),
        sprint_field: some("customfield_10100"),
        field_json: vec!["customfield_10106=5".to_owned()],
        ..args("GAIA")
    };
    let created = run(full, &site.jira).await.unwrap();
    assert_eq!(
        sent(&site),
        json!({
            "summary": "Ship it",
            "description": "*bold*",
            "assignee": {"name": "reviewer"},
            "priority": {"name": "High"},
            "components": [{"name": "core"}, {"name": "api"}],
            "labels": ["a", "b"],
            "customfield_10101": "GAIA-1",
            "customfield_10100": 114,
            "customfield_10106": 5,
            "project": {"key": "GAIA"},
            "issuetype": {"name": "Bug"},
        })
    );
    let issue = site.issue(created.key()).await;
    assert_eq!(issue["fields"]["customfield_10106"], 5.0);
}

#[tokio::test]
async fn epic_and_sprint_are_found_by_what_they_are() {
    let site = site().await;
    let planned = CreateArgs { epic: some("GAIA-1"), sprint: Some(114), ..args("GAIA") };
    run(planned, &site.jira).await.unwrap();
    let requests: Vec<_> = site.sandbox.log().iter().map(|request| request.path.clone()).collect();
    assert_eq!(
        requests,
        [
            "/rest/api/2/issue/createmeta/GAIA/issuetypes?startAt=0&maxResults=200",
            "/rest/api/2/issue/createmeta/GAIA/issuetypes/10002?startAt=0&maxResults=200",
            "/rest/api/2/issue",
        ]
    );
    let fields = sent(&site);
    assert_eq!((&fields["customfield_10101"], &fields["customfield_10100"]), (&json!("GAIA-1"), &json!(114)));
    assert_eq!(fields["issuetype"], json!({"id": "10002"}));
}

#[tokio::test]
async fn fields_are_found_by_name_and_shaped_by_their_schema() {
    let site = site().await;
    let created = run(
        bug(&[
            "severity=minor, cosmetic",
            "Location=asia / pacific / tokyo / chiyoda",
            "Effort=2.5",
            "Go-live=2026-03-31",
            "approver=lead",
            "Affected Systems=gateway, Mail",
            "Maintenance Window=2026-03-31T17:00:00+02:00",
            "customfield_10207=Blue = best",
            "Fix Version/s=q4",
        ]),
        &site.jira,
    )
    .await
    .unwrap();
    let fields = sent(&site);
    assert_eq!(fields["customfield_10200"], json!({"value": "Minor, cosmetic"}));
    let issue = site.issue(created.key()).await["fields"].clone();
    assert_eq!(issue["customfield_10200"]["id"], "10302");
    assert_eq!(issue["customfield_10201"]["child"]["value"], "Tokyo / Chiyoda");
    assert_eq!(
        (&issue["customfield_10202"], &issue["customfield_10203"]),
        (&json!(2.5), &json!("2026-03-31"))
    );
    assert_eq!(issue["customfield_10204"]["displayName"], "Sandbox Lead");
    assert_eq!(issue["customfield_10205"][1]["value"], "Mail");
    assert_eq!(issue["customfield_10206"], "2026-03-31T17:00:00.000+0200");
    assert_eq!(
        (&issue["customfield_10207"], &issue["fixVersions"][0]["name"]),
        (&json!("Blue = best"), &json!("Q4"))
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_created() {
    let site = site().await;
    for (field, said) in [
        ("Severity=Huge", "\"Huge\" is not one of its values: Critical, Major, \"Minor, cosmetic\""),
        ("Effort=much", "is no number"),
        ("Go-live=soon", "is no date"),
        ("Team=Blue", "several fields are called \"Team\""),
        (
            "Root Cause=x",
            "the field Root Cause (customfield_10209) is not on the screen for creating a Bug in OPS",
        ),
        ("Severty=Major", "Did you mean Severity?"),
        ("Affected Systems=Gateway,Fridge", "\"Fridge\" is not one of its values"),
        ("summary=again", "the field summary is given twice"),
    ] {
        let failed = failure(run(bug(&[field]), &site.jira).await);
        assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2), "{field}: {failed}");
        assert!(failed.message.contains(said), "{failed}");
        assert!(!site.requests().iter().any(|request| request.starts_with("POST")), "{field}");
    }
    let misfit = failure(run(bug(&["severity=Huge"]), &site.jira).await).details.unwrap();
    assert_eq!(
        misfit,
        json!({"field": "customfield_10200", "allowed": ["Critical", "Major", "Minor, cosmetic"]})
    );
    let team = failure(run(bug(&["team=Blue"]), &site.jira).await);
    assert!(team.message.contains("customfield_10207 or customfield_10208"), "{team}");
    assert_eq!(team.details.unwrap(), json!({"ids": ["customfield_10207", "customfield_10208"]}));
    let unknown = failure(run(bug(&["Severty=Major"]), &site.jira).await);
    assert_eq!(unknown.details.unwrap(), json!({"nearest": ["Severity"]}));
}

#[tokio::test]
async fn values_in_jiras_own_form_are_sent_as_they_are() {
    let site = site().await;
    let json = CreateArgs {
        field_json: vec![r#"Severity={"id": "10300"}"#.to_owned(), "customfield_10205=[]".to_owned()],
        ..bug(&[])
    };
    let created = run(json, &site.jira).await.unwrap();
    assert_eq!(site.issue(created.key()).await["fields"]["customfield_10200"]["value"], "Critical");
    for wrong in ["Severity={", "Severity", "=1"] {
        let wrong = CreateArgs { field_json: vec![wrong.to_owned()], ..bug(&[]) };
        let failed = failure(run(wrong, &site.jira).await);
        assert_eq!((failed.code, site.requests().len()), (Code::BadValue, 0), "{failed}");
    }
}

#[tokio::test]
async fn a_parent_makes_it_a_subtask() {
    let site = site().await;
    let child = CreateArgs { parent: some("gaia-12"), ..args("GAIA") };
    let created = run(child, &site.jira).await.unwrap();
    assert_eq!(site.requests(), ["GET /issue/createmeta/GAIA/issuetypes", "POST /issue"]);
    let issue = site.issue(created.key()).await;
    assert_eq!(issue["fields"]["parent"]["key"], "GAIA-12");
    let named = CreateArgs { parent: some("GAIA-12"), kind: some("Sub-task"), ..args("GAIA") };
    run(named, &site.jira).await.unwrap();
    assert_eq!(site.requests(), ["POST /issue"]);
}

#[tokio::test]
async fn an_unknown_project_type_or_user_is_said_to_be_that() {
    let site = site().await;
    let project = failure(run(args("NOPE"), &site.jira).await);
    assert_eq!((project.code, project.exit_code(), project.status_code), (Code::NotFound, 5, Some(400)));
    assert_eq!(project.details.unwrap()["errors"]["project"], "valid project is required");
    let by_screen = CreateArgs { field: vec!["Effort=1".to_owned()], ..args("NOPE") };
    let project = failure(run(by_screen, &site.jira).await);
    assert_eq!((project.code, project.exit_code()), (Code::NotFound, 5), "{project}");
    let kind = failure(run(CreateArgs { kind: some("Epos"), ..args("OPS") }, &site.jira).await);
    assert_eq!((kind.code, kind.exit_code()), (Code::BadValue, 2));
    assert_eq!(
        kind.message,
        "the project OPS has no issue type \"Epos\": it has Task, Sub-task, Bug; nothing was changed"
    );
    let user = failure(run(CreateArgs { assignee: some("Sandbox Lead"), ..args("GAIA") }, &site.jira).await);
    assert_eq!((user.code, user.exit_code()), (Code::BadValue, 2));
    assert!(user.message.contains("login name") && user.details.is_some(), "{user}");
    let viewer = jira(&site.sandbox, "viewer", false);
    let nothing = CreateArgs { field: vec!["Effort=1".to_owned()], ..args("OPS") };
    assert_eq!(failure(run(nothing, &viewer).await).code, Code::NotFound);
}

#[tokio::test]
async fn a_value_that_a_field_does_not_offer_fails_alike_with_its_flag_and_with_field() {
    let site = site().await;
    let priority = CreateArgs { priority: some("Hgh"), ..args("GAIA") };
    let components = CreateArgs { components: some("Backend,Fridge"), ..args("GAIA") };
    let field = |field: &str| CreateArgs { field: vec![field.to_owned()], ..args("GAIA") };
    for (flag, field, id) in [
        (priority, field("priority=Hgh"), "priority"),
        (components, field("components=Backend,Fridge"), "components"),
    ] {
        let by_flag = failure(run(flag.clone(), &site.jira).await);
        assert_eq!(site.requests()[0], "POST /issue", "nothing is asked before");
        let by_field = failure(run(field, &site.jira).await);
        site.sandbox.clear_log();
        assert_eq!((by_flag.code, by_flag.exit_code()), (Code::BadValue, 2), "{by_flag}");
        assert_eq!(by_flag.message, by_field.message);
        let (details, typed) = (by_flag.details.unwrap(), by_field.details.unwrap());
        assert_eq!((&details["field"], &details["allowed"]), (&typed["field"], &typed["allowed"]));
        assert_eq!(details["field"], id);
        // What Jira said of it stands beside it.
        assert!(details["errors"][id].is_string() && details["errorMessages"].is_array(), "{details}");
        assert_eq!((by_flag.status_code, by_flag.request_id.is_some()), (Some(400), true));
        assert!(!details["allowed"].as_array().unwrap().is_empty(), "{details}");
        // With the screen at hand, nothing is sent at all.
        let both = CreateArgs { field: vec!["Story Points=1".to_owned()], ..flag };
        assert_eq!(failure(run(both, &site.jira).await).message, by_flag.message);
        assert!(!site.requests().contains(&"POST /issue".to_owned()));
    }
    for user in [CreateArgs { assignee: some("nobody"), ..args("GAIA") }, field("assignee=nobody")] {
        let failed = failure(run(user, &site.jira).await);
        assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2), "{failed}");
        assert!(failed.message.contains("login name"), "{failed}");
    }
    // Where Jira does not say what there is, its own words are left.
    site.answer("/rest/api/2/issue/createmeta/GAIA/issuetypes", 500, json!({}));
    let unexplained = failure(run(CreateArgs { priority: some("Hgh"), ..args("GAIA") }, &site.jira).await);
    assert_eq!((unexplained.code, unexplained.exit_code()), (Code::BadRequest, 1));
}

/// A project that must be assigned, say, whose lead cannot be.
#[tokio::test]
async fn an_assignee_that_nobody_named_is_nobodys_bad_value() {
    let site = site().await;
    let words = json!({"errorMessages": [], "errors": {"assignee": "Issues must be assigned."}});
    let refused = async |args: CreateArgs| {
        let answer = Action::respond(400, "application/json", words.to_string());
        site.fault(Fault::on("/rest/api/2/issue", answer).method(http::Method::POST));
        failure(run(args, &site.jira).await)
    };
    let unnamed = refused(args("GAIA")).await;
    assert_eq!((unnamed.code, unnamed.exit_code()), (Code::BadRequest, 1), "{unnamed}");
    assert_eq!(unnamed.details, Some(words.clone()));
    let by_json = vec![r#"assignee={"name": "lead"}"#.to_owned()];
    for named in [
        CreateArgs { assignee: some("lead"), ..args("GAIA") },
        CreateArgs { field: vec!["assignee=lead".to_owned()], ..args("GAIA") },
        CreateArgs { field_json: by_json, ..args("GAIA") },
    ] {
        let failed = refused(named).await;
        assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2), "{failed}");
        assert!(failed.message.contains("Issues must be assigned."), "{failed}");
    }
}

#[tokio::test]
async fn a_field_that_jira_requires_is_named_in_its_words() {
    let site = site().await;
    let failed = failure(run(bug(&[]), &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::BadRequest, 1));
    assert_eq!(failed.details.unwrap()["errors"], json!({"customfield_10200": "Severity is required."}));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let site = site().await;
    for (wrong, code) in [
        (CreateArgs { project: None, ..args("") }, Code::BadFlag),
        (CreateArgs { summary: None, ..args("GAIA") }, Code::BadFlag),
        (CreateArgs { summary: some(" "), ..args("GAIA") }, Code::BadValue),
        (args("../GAIA"), Code::BadKey),
        (CreateArgs { parent: some("x"), ..args("GAIA") }, Code::BadKey),
        (CreateArgs { epic: some("an epic"), ..args("GAIA") }, Code::BadKey),
        (CreateArgs { labels: some("two words"), ..args("GAIA") }, Code::BadValue),
        (bug(&["no equals sign"]), Code::BadValue),
    ] {
        let failed = failure(run(wrong, &site.jira).await);
        assert_eq!((failed.code, failed.exit_code()), (code, 2), "{failed}");
    }
    let read_only = jira(&site.sandbox, "developer", true);
    assert_eq!(failure(run(args("GAIA"), &read_only).await).code, Code::Policy);
    assert_eq!(site.requests(), [""; 0]);
}

#[tokio::test]
async fn an_issue_that_may_have_been_created_can_be_looked_for() {
    let site = site().await;
    site.fault(Fault::on("/rest/api/2/issue", Action::ProcessThenDrop));
    let failed = failure(run(args("gaia"), &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::OutcomeUnknown, 6));
    let hint = failed.hint.unwrap().to_string();
    let jql = hint.strip_prefix("jira search '").unwrap().strip_suffix('\'').unwrap();
    assert_eq!(site.requests(), ["POST /issue"], "it is never sent again");
    let search = crate::ops::search::SearchArgs { jql: some(jql), ..Default::default() };
    let found = crate::ops::search::run(search, &site.jira, None).await.unwrap();
    assert_eq!(serde_json::to_value(&found).unwrap()[0]["fields"]["summary"], "Ship it");
    site.answer("/rest/api/2/issue", 201, json!({}));
    assert_eq!(failure(run(args("GAIA"), &site.jira).await).code, Code::OutcomeUnknown);
}

#[tokio::test]
async fn a_jira_without_the_epics_field_says_so() {
    let site = site().await;
    let page = |values: Value| json!({"startAt": 0, "maxResults": 50, "total": 1, "values": values});
    site.answer(
        "/rest/api/2/issue/createmeta/GAIA/issuetypes/",
        200,
        page(json!([{"fieldId": "summary", "name": "Summary"}])),
    );
    site.answer("/rest/api/2/field", 200, json!([{"id": "summary", "name": "Summary"}]));
    let failed = failure(run(CreateArgs { epic: some("GAIA-1"), ..args("GAIA") }, &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2));
    assert!(failed.message.contains("no field of the kind Epic Link"), "{failed}");
}

#[tokio::test]
async fn screens_with_more_fields_than_a_page_are_read_to_the_end() {
    let site = site().await;
    let page = |start: u64, name: &str| {
        let field =
            json!({"fieldId": format!("customfield_{start}"), "name": name, "schema": {"type": "string"}});
        json!({"startAt": start, "maxResults": 1, "total": 2, "values": [field]})
    };
    let path = "/rest/api/2/issue/createmeta/OPS/issuetypes/10004";
    site.answer(path, 200, page(0, "One"));
    site.answer(path, 200, page(1, "Two"));
    let answer = json!({"id": "1", "key": "OPS-1", "self": "x"}).to_string();
    let answer = Action::respond(201, "application/json", answer);
    site.fault(Fault::on("/rest/api/2/issue", answer).method(http::Method::POST));
    run(bug(&["two=x"]), &site.jira).await.unwrap();
    assert_eq!(site.sandbox.faults().pending(), 0);
    assert_eq!(sent(&site)["customfield_1"], "x");
}
