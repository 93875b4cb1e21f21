use serde_json::json;

use super::*;
use crate::error::Code;
use crate::ops::Change;
use crate::ops::update::{self, UpdateArgs, Updated};
use crate::sandbox::world::World;

async fn run(args: UpdateArgs, jira: &Jira) -> Result<Updated, OpError> {
    update::run(args, jira, &Change::default()).await
}

fn args(key: &str) -> UpdateArgs {
    UpdateArgs { key: some(key), ..UpdateArgs::default() }
}

#[tokio::test]
async fn only_what_is_named_is_sent() {
    let site = site().await;
    let before = site.issue("GAIA-12").await["fields"].clone();
    let updated = run(UpdateArgs { summary: some("Other"), ..args("gaia-12") }, &site.jira).await.unwrap();
    assert_eq!(serde_json::to_string(&updated).unwrap(), r#"{"key":"GAIA-12","status":"updated"}"#);
    assert_eq!(piped(&updated), "updated GAIA-12\n");
    assert_eq!(site.sandbox.log()[0].path, "/rest/api/2/issue/GAIA-12");
    assert_eq!(site.bodies(), [json!({"fields": {"summary": "Other"}})]);
    let after = site.issue("GAIA-12").await["fields"].clone();
    assert_eq!((&after["summary"], &after["description"]), (&json!("Other"), &before["description"]));
    assert_eq!((&after["labels"], &after["assignee"]), (&before["labels"], &before["assignee"]));
}

#[tokio::test]
async fn an_empty_value_takes_away_what_is_there() {
    let site = site().await;
    let fill = UpdateArgs {
        labels: some("a,b"),
        components: some("core"),
        epic: some("GAIA-1"),
        epic_field: some("customfield_10101"),
        assignee: some("lead"),
        ..args("GAIA-12")
    };
    run(fill, &site.jira).await.unwrap();
    let filled = site.issue("GAIA-12").await["fields"].clone();
    assert_eq!(
        (&filled["assignee"]["name"], &filled["customfield_10101"]),
        (&json!("lead"), &json!("GAIA-1"))
    );
    let empty = UpdateArgs {
        labels: some(""),
        components: some(""),
        epic: some(""),
        epic_field: some("customfield_10101"),
        assignee: some(""),
        description: some(""),
        ..args("GAIA-12")
    };
    run(empty, &site.jira).await.unwrap();
    let fields = json!({
        "description": "", "assignee": {"name": null}, "components": [], "labels": [], "customfield_10101": null,
    });
    assert_eq!(site.bodies(), [json!({"fields": fields})]);
    let after = site.issue("GAIA-12").await["fields"].clone();
    assert_eq!(
        (&after["assignee"], &after["labels"], &after["components"]),
        (&Value::Null, &json!([]), &json!([]))
    );
    assert_eq!(after["customfield_10101"], Value::Null);
}

#[tokio::test]
async fn nothing_to_do_is_nothing_sent() {
    let site = site().await;
    let aside = UpdateArgs { markdown: Some(true), epic_field: some("customfield_1"), ..args("GAIA-12") };
    for idle in [args("GAIA-12"), aside] {
        let failed = failure(run(idle, &site.jira).await);
        assert_eq!((failed.code, failed.exit_code()), (Code::NothingToDo, 2));
    }
    let some_summary = |key: &str| UpdateArgs { summary: some("x"), ..args(key) };
    assert_eq!(failure(run(some_summary("../x"), &site.jira).await).code, Code::BadKey);
    let no_key = UpdateArgs { key: None, ..some_summary("") };
    assert_eq!(failure(run(no_key, &site.jira).await).code, Code::BadFlag);
    let read_only = jira(&site.sandbox, "developer", true);
    assert_eq!(failure(run(some_summary("GAIA-12"), &read_only).await).code, Code::Policy);
    assert_eq!(site.requests(), [""; 0]);
}

#[tokio::test]
async fn fields_are_found_on_the_screen_for_editing() {
    let site = site().await;
    let fields = |fields: &[&str]| UpdateArgs {
        field: fields.iter().map(|field| (*field).to_owned()).collect(),
        ..args("OPS-3")
    };
    let change =
        fields(&["Root Cause=A loop", "Location=Europe/Berlin", "priority=low", "Fix Version/s=Q3,Q4"]);
    run(change, &site.jira).await.unwrap();
    assert_eq!(site.requests(), ["GET /issue/OPS-3/editmeta", "PUT /issue/OPS-3"]);
    let after = site.issue("OPS-3").await["fields"].clone();
    assert_eq!((&after["customfield_10209"], &after["priority"]["name"]), (&json!("A loop"), &json!("Low")));
    assert_eq!(after["customfield_10201"]["child"]["value"], "Berlin");
    assert_eq!(after["fixVersions"].as_array().unwrap().len(), 2);
    run(fields(&["Root Cause=", "Location=", "Fix Version/s="]), &site.jira).await.unwrap();
    let after = site.issue("OPS-3").await["fields"].clone();
    assert_eq!((&after["customfield_10209"], &after["fixVersions"]), (&Value::Null, &json!([])));
    let elsewhere = UpdateArgs { field: vec!["Severity=Major".to_owned()], ..args("GAIA-12") };
    let failed = failure(run(elsewhere, &site.jira).await);
    assert!(
        failed.message.contains("(customfield_10200) is not on the screen for editing GAIA-12"),
        "{failed}"
    );
}

#[tokio::test]
async fn sprint_and_epic_are_found_by_what_they_are() {
    let site = site().await;
    let plan =
        UpdateArgs { sprint: Some(update::Sprint(Some(115))), epic: some("gaia-1"), ..args("GAIA-10") };
    run(plan, &site.jira).await.unwrap();
    assert_eq!(site.requests(), ["GET /issue/GAIA-10/editmeta", "PUT /issue/GAIA-10"]);
    let after = site.issue("GAIA-10").await["fields"].clone();
    assert!(after["customfield_10100"][0].as_str().unwrap().contains("[id=115,"));
    let closed = failure(
        run(UpdateArgs { sprint: Some(update::Sprint(Some(110))), ..args("GAIA-10") }, &site.jira).await,
    );
    assert_eq!(closed.code, Code::BadRequest);
    assert!(closed.message.contains("not been completed"), "{closed}");
}

#[tokio::test]
async fn a_value_that_a_field_does_not_offer_fails_alike_with_its_flag_and_with_field() {
    let site = site().await;
    let field = |field: &str| UpdateArgs { field: vec![field.to_owned()], ..args("GAIA-12") };
    for (flag, field) in [
        (UpdateArgs { priority: some("Hgh"), ..args("GAIA-12") }, field("priority=Hgh")),
        (UpdateArgs { components: some("Fridge"), ..args("GAIA-12") }, field("components=Fridge")),
    ] {
        let by_flag = failure(run(flag, &site.jira).await);
        assert_eq!(site.requests(), ["PUT /issue/GAIA-12", "GET /issue/GAIA-12/editmeta"]);
        let by_field = failure(run(field, &site.jira).await);
        assert_eq!(site.requests(), ["GET /issue/GAIA-12/editmeta"]);
        assert_eq!((by_flag.code, by_flag.exit_code()), (Code::BadValue, 2), "{by_flag}");
        assert_eq!(by_flag.message, by_field.message);
        let (details, typed) = (by_flag.details.unwrap(), by_field.details.unwrap());
        assert_eq!((&details["field"], &details["allowed"]), (&typed["field"], &typed["allowed"]));
        // What Jira said of it stands beside it.
        let id = details["field"].as_str().unwrap();
        assert!(details["errors"][id].is_string(), "{details}");
    }
}

#[tokio::test]
async fn refusals_keep_jiras_words_and_silence_says_how_to_look() {
    let site = site().await;
    let assign = |login: &str| UpdateArgs { assignee: some(login), ..args("GAIA-12") };
    let failed = failure(run(assign("nobody"), &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::BadValue, 2));
    assert!(failed.message.contains("login name"), "{failed}");
    assert_eq!(failed.details.unwrap()["errors"]["assignee"], "User 'nobody' does not exist.");
    let summary = |key: &str| UpdateArgs { summary: some("x"), ..args(key) };
    assert_eq!(failure(run(summary("GAIA-99999"), &site.jira).await).exit_code(), 5);
    assert_eq!(failure(run(summary(World::HIDDEN), &site.jira).await).code, Code::Forbidden);
    site.sandbox.clear_log();
    site.fault(Fault::on("/rest/api/2/issue/GAIA-12", Action::ProcessThenDrop));
    let failed = failure(run(summary("GAIA-12"), &site.jira).await);
    assert_eq!(
        (failed.code, failed.hint.unwrap().to_string().as_str()),
        (Code::OutcomeUnknown, "jira get GAIA-12")
    );
    assert_eq!(site.requests(), ["PUT /issue/GAIA-12"]);
}
