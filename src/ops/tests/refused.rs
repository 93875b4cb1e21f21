//! Values that may not be empty, and values that name what is not there.

use serde_json::json;

use super::*;
use crate::error::Code;
use crate::ops::Change;
use crate::ops::create::{self, CreateArgs};
use crate::ops::update::{self, Sprint, UpdateArgs};

async fn update(args: UpdateArgs, site: &Site) -> Result<(), Failure> {
    site.sandbox.clear_log();
    update::run(args, &site.jira, &Change::default()).await.map(drop).map_err(Failure::from)
}

async fn create(args: CreateArgs, site: &Site) -> Failure {
    site.sandbox.clear_log();
    create::run(args, &site.jira, &Change::default()).await.map(drop).map_err(Failure::from).unwrap_err()
}

fn on(key: &str) -> UpdateArgs {
    UpdateArgs { key: some(key), ..UpdateArgs::default() }
}

fn field(key: &str, field: &str) -> UpdateArgs {
    UpdateArgs { field: vec![field.to_owned()], ..on(key) }
}

fn new() -> CreateArgs {
    CreateArgs { project: some("GAIA"), summary: some("Ship it"), ..CreateArgs::default() }
}

#[tokio::test]
async fn what_the_screen_requires_cannot_be_emptied() {
    let site = site().await;
    let failed = update(field("GAIA-12", "summary="), &site).await.unwrap_err();
    assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2));
    assert_eq!(failed.message, "Summary (summary): it cannot be empty; nothing was changed");
    assert_eq!(site.requests(), ["GET /issue/GAIA-12/editmeta"]);
    let screen = json!({"fields": {"priority": {"required": true, "name": "Priority",
        "schema": {"type": "priority", "system": "priority"}, "allowedValues": []}}});
    for args in [field("GAIA-12", "priority="), UpdateArgs { priority: some(" "), ..on("GAIA-12") }] {
        site.answer("/rest/api/2/issue/GAIA-12/editmeta", 200, screen.clone());
        let failed = update(args, &site).await.unwrap_err();
        assert_eq!(failed.message, "Priority (priority): it cannot be empty; nothing was changed");
        assert_eq!(site.requests(), ["GET /issue/GAIA-12/editmeta"], "nothing was sent");
    }
}

/// What may be empty the screen does not always say.
#[tokio::test]
async fn what_jira_does_not_take_empty_is_a_bad_value() {
    let site = site().await;
    for args in [
        field("GAIA-12", "priority="),
        UpdateArgs { priority: some(""), ..on("GAIA-12") },
        field("GAIA-12", "reporter="),
    ] {
        let failed = update(args, &site).await.unwrap_err();
        assert_eq!((failed.code, failed.exit_code(), failed.status_code), (Code::BadValue, 2, Some(400)));
        assert!(failed.message.contains("an empty value was given"), "{failed}");
        assert!(failed.details.unwrap()["errors"].is_object());
    }
}

/// An empty epic in a field that is none is no matter of its being empty.
#[tokio::test]
async fn a_field_that_is_not_the_epics_is_said_to_be_that() {
    let site = site().await;
    let screen = json!({"fields": {"customfield_10200": {"required": true, "name": "Severity",
        "schema": {"type": "option", "custom": "x:select", "customId": 10200}, "operations": ["set"]}}});
    let refusal = json!({"errorMessages": [], "errors": {"customfield_10200": "Severity is required."}});
    let field = || some("customfield_10200");
    for args in [
        UpdateArgs { epic: some(""), epic_field: field(), ..on("GAIA-12") },
        UpdateArgs { epic: some("GAIA-1"), epic_field: field(), ..on("GAIA-12") },
        UpdateArgs { sprint: Some(Sprint(None)), sprint_field: field(), ..on("GAIA-12") },
    ] {
        site.answer("/rest/api/2/issue/GAIA-12", 400, refusal.clone());
        site.answer("/rest/api/2/issue/GAIA-12/editmeta", 200, screen.clone());
        let failed = update(args, &site).await.unwrap_err();
        assert_eq!((failed.code, failed.exit_code(), failed.status_code), (Code::BadValue, 2, Some(400)));
        assert!(
            failed.message.starts_with("Severity (customfield_10200) is another field than "),
            "{failed}"
        );
        assert_eq!(failed.details.unwrap()["errors"]["customfield_10200"], "Severity is required.");
    }
}

#[tokio::test]
async fn an_empty_sprint_or_epic_takes_the_issue_out_of_it() {
    let site = site().await;
    let planned = UpdateArgs { sprint: Some(Sprint(Some(115))), epic: some("GAIA-1"), ..on("GAIA-10") };
    update(planned, &site).await.unwrap();
    let (sprint, epic) = ("customfield_10100", "customfield_10101");
    let before = site.issue("GAIA-10").await["fields"].clone();
    assert!(before[sprint].is_array() && before[epic] == "GAIA-1", "{before}");
    update(UpdateArgs { sprint: Some(Sprint(None)), epic: some(""), ..on("GAIA-10") }, &site).await.unwrap();
    let after = site.issue("GAIA-10").await["fields"].clone();
    assert_eq!((&after[sprint], &after[epic]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn an_empty_type_parent_or_priority_makes_no_other_issue() {
    let site = site().await;
    for args in [
        CreateArgs { kind: some(""), ..new() },
        CreateArgs { parent: some(" "), ..new() },
        CreateArgs { priority: some(""), ..new() },
    ] {
        let failed = create(args, &site).await;
        assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2), "{failed}");
        assert!(failed.message.contains("is empty"), "{failed}");
    }
    assert_eq!(site.requests(), [""; 0]);
}

#[tokio::test]
async fn a_wrong_user_beside_a_wrong_value_hides_neither() {
    let site = site().await;
    let both = UpdateArgs { assignee: some("nobody"), priority: some("Hgh"), ..on("GAIA-12") };
    let priority = update(both, &site).await.unwrap_err();
    let both = CreateArgs { assignee: some("nobody"), components: some("Fridge"), ..new() };
    let components = create(both, &site).await;
    let both = CreateArgs { assignee: some("nobody"), kind: some("Bgu"), ..new() };
    let kind = create(both, &site).await;
    for (failed, id) in [(&priority, "priority"), (&components, "components"), (&kind, "issuetype")] {
        assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2), "{failed}");
        let details = failed.details.as_ref().unwrap();
        assert!(!details["allowed"].as_array().unwrap().is_empty(), "{details}");
        assert_eq!(details["field"], id);
    }
    for failed in [priority, components] {
        assert!(failed.message.ends_with("; assignee: User 'nobody' does not exist."), "{failed}");
        assert_eq!(failed.details.unwrap()["errors"]["assignee"], "User 'nobody' does not exist.");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_that_however_it_is_named() {
    let site = site().await;
    for args in [
        field("GAIA-12", "reporter=nobody"),
        field("OPS-3", "Approver=nobody"),
        UpdateArgs { assignee: some("nobody"), ..on("GAIA-12") },
    ] {
        let failed = update(args, &site).await.unwrap_err();
        assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2), "{failed}");
        assert!(failed.message.contains("login name"), "{failed}");
    }
    let epic_field = some("customfield_10101");
    for (args, id, what) in [
        (UpdateArgs { epic: some("GAIA-99999"), ..on("GAIA-12") }, "customfield_10101", "issue GAIA-99999"),
        (UpdateArgs { epic: some("NO-1"), epic_field, ..on("GAIA-12") }, "customfield_10101", "issue NO-1"),
        (field("GAIA-12", "Epic Link=NO-1"), "customfield_10101", "issue NO-1"),
        (
            UpdateArgs { sprint: Some(Sprint(Some(9999))), ..on("GAIA-12") },
            "customfield_10100",
            "sprint 9999",
        ),
        (field("GAIA-12", "Sprint=9999"), "customfield_10100", "sprint 9999"),
    ] {
        let failed = update(args, &site).await.unwrap_err();
        assert_eq!((failed.code, failed.exit_code(), failed.status_code), (Code::NotFound, 5, Some(400)));
        assert!(failed.message.contains(&format!("{id}: there is no {what}, or not for")), "{failed}");
        let details = failed.details.unwrap();
        assert!(details["field"] == id && details["errors"][id].is_string(), "{details}");
    }
    for kind in [None, some("Sub-task")] {
        let failed = create(CreateArgs { parent: some("GAIA-99999"), kind, ..new() }, &site).await;
        assert_eq!((failed.code, failed.exit_code()), (Code::NotFound, 5), "{failed}");
        assert!(failed.message.starts_with("parent: there is no issue GAIA-99999"), "{failed}");
    }
    // What is there, and not an epic, is Jira's to refuse.
    let no_epic = update(UpdateArgs { epic: some("GAIA-2"), ..on("GAIA-12") }, &site).await.unwrap_err();
    assert_eq!((no_epic.code, no_epic.exit_code()), (Code::BadRequest, 1), "{no_epic}");
}

#[tokio::test]
async fn a_field_of_another_screen_is_named_in_details() {
    let site = site().await;
    let failed = update(field("GAIA-12", "team=x"), &site).await.unwrap_err();
    assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2));
    let teams =
        json!([{"id": "customfield_10207", "name": "Team"}, {"id": "customfield_10208", "name": "Team"}]);
    assert_eq!(failed.details.unwrap()["fields"], teams);
    let failed = update(field("GAIA-12", "Fix Version=x"), &site).await.unwrap_err();
    assert_eq!(failed.details.unwrap()["nearest"][0], "Fix Version/s");
}

#[tokio::test]
async fn estimates_are_set_as_the_page_of_the_command_line_says() {
    let site = site().await;
    update(field("OPS-3", "Time Tracking=2d / 4h"), &site).await.unwrap();
    let tracking = site.issue("OPS-3").await["fields"]["timetracking"].clone();
    let set = json!({
        "originalEstimate": "2d", "originalEstimateSeconds": 57600,
        "remainingEstimate": "4h", "remainingEstimateSeconds": 14400,
    });
    assert_eq!(tracking, set);
    update(field("OPS-3", "time tracking=1w 30m"), &site).await.unwrap();
    let tracking = site.issue("OPS-3").await["fields"]["timetracking"].clone();
    assert_eq!(tracking["remainingEstimateSeconds"], 145_800);
}
