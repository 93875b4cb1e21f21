use super::*;
use crate::error::Code;
use crate::ops::Change;
use crate::ops::delete::{self, DeleteArgs, Deleted};
use crate::sandbox::world::World;

async fn run(args: DeleteArgs, jira: &Jira) -> Result<Deleted, OpError> {
    delete::run(args, jira, &Change::default()).await
}

fn args(key: &str) -> DeleteArgs {
    DeleteArgs { key: some(key), confirm: Some(true), ..DeleteArgs::default() }
}

#[tokio::test]
async fn an_issue_is_deleted_in_one_request() {
    let site = site().await;
    let deleted = run(args("gaia-96"), &site.jira).await.unwrap();
    let json = serde_json::to_string(&deleted).unwrap();
    assert_eq!(json, r#"{"key":"GAIA-96","status":"deleted"}"#);
    assert_eq!(piped(&deleted), "deleted GAIA-96\n");
    assert_eq!(site.sandbox.log()[0].path, "/rest/api/2/issue/GAIA-96", "no query");
    assert_eq!(site.requests(), ["DELETE /issue/GAIA-96"]);
    let again = failure(run(args("GAIA-96"), &site.jira).await);
    assert_eq!((again.code, again.exit_code()), (Code::NotFound, 5));
    assert!(again.message.contains("GAIA-96") && again.details.is_some(), "{again}");
}

#[tokio::test]
async fn nothing_is_deleted_unless_it_is_confirmed() {
    let site = site().await;
    for confirm in [None, Some(false)] {
        let failed = failure(run(DeleteArgs { confirm, ..args("GAIA-12") }, &site.jira).await);
        assert_eq!((failed.code, failed.exit_code()), (Code::ConfirmMissing, 2));
        assert!(failed.message.contains("--confirm") && failed.message.contains("GAIA-12"), "{failed}");
    }
    for key in ["../myself", "GAIA-1?deleteSubtasks=true", "GAIA-0", ""] {
        assert_eq!(failure(run(args(key), &site.jira).await).code, Code::BadKey, "{key}");
    }
    let none = DeleteArgs { key: None, ..args("") };
    assert_eq!(failure(run(none, &site.jira).await).code, Code::BadFlag);
    assert_eq!(site.requests(), [""; 0]);
}

#[tokio::test]
async fn a_parent_goes_only_with_its_subtasks() {
    let site = site().await;
    let found = super::super::search::run(
        super::super::search::SearchArgs {
            jql: some("issuetype = Sub-task"),
            fields: some("parent"),
            ..Default::default()
        },
        &site.jira,
        None,
    );
    let found = serde_json::to_value(found.await.unwrap()).unwrap();
    let parent = found[0]["fields"]["parent"]["key"].as_str().unwrap().to_owned();
    let refused = failure(run(args(&parent), &site.jira).await);
    assert_eq!((refused.code, refused.exit_code(), refused.status_code), (Code::BadFlag, 2, Some(400)));
    assert!(refused.message.contains("--delete-subtasks deletes"), "{refused}");
    assert!(refused.message.contains("nothing was deleted"), "{refused}");
    assert!(refused.details.as_ref().unwrap().to_string().contains("has subtasks"), "{refused:?}");
    let whole = DeleteArgs { delete_subtasks: Some(true), ..args(&parent) };
    site.sandbox.clear_log();
    run(whole, &site.jira).await.unwrap();
    assert!(site.sandbox.log()[0].path.ends_with("?deleteSubtasks=true"));
}

#[tokio::test]
async fn what_one_may_not_see_or_change_is_not_deleted() {
    let site = site().await;
    assert_eq!(failure(run(args(World::HIDDEN), &site.jira).await).code, Code::Forbidden);
    let viewer = jira(&site.sandbox, "viewer", false);
    assert_eq!(failure(run(args("GAIA-12"), &viewer).await).code, Code::Forbidden);
    site.sandbox.clear_log();
    let read_only = jira(&site.sandbox, "developer", true);
    assert_eq!(failure(run(args("GAIA-12"), &read_only).await).code, Code::Policy);
    assert_eq!(site.requests(), [""; 0]);
}

#[tokio::test]
async fn a_deletion_without_an_answer_says_how_to_look() {
    let site = site().await;
    site.fault(Fault::on("/rest/api/2/issue/GAIA-12", Action::ProcessThenDrop));
    let failed = failure(run(args("GAIA-12"), &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::OutcomeUnknown, 6));
    assert_eq!(failed.hint.unwrap().to_string(), "jira get GAIA-12");
    assert_eq!(site.requests(), ["DELETE /issue/GAIA-12"], "it is never sent again");
}
