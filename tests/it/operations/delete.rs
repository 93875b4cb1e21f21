//! `delete`, which takes a word of confirmation.

use crate::support::World;

#[tokio::test]
async fn an_issue_is_deleted_once_it_is_confirmed() {
    let world = World::new().await;
    insta::assert_snapshot!(world.run(&["delete", "GAIA-10"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"confirm_missing","message":"this deletes GAIA-10 for good, and Jira has no way back: say --confirm if that is wanted","hint":"jira delete --help","exit_code":2,"retryable":false,"actor":"caller"}}
    "#);
    world
        .command(&["delete", "GAIA-10"])
        .env("INPUT_CONFIRM", "true")
        .run()
        .await
        .failed(2, "confirm_missing");
    world.run(&["delete", "GAIA-10", "--confirm=false"]).await.failed(2, "confirm_missing");
    assert_eq!(world.requests(), [""; 0]);
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["delete", "GAIA-10", "--confirm", "--delete-subtasks"]).await, @r#"
    exit 0
    --- stdout
    {
      "key": "GAIA-10",
      "status": "deleted"
    }
    "#);
    let gone = world.run(&["delete", "--confirm", "--key", "GAIA-10", "--output", "text"]).await;
    insta::assert_snapshot!(gone, @r#"
    exit 5
    --- stderr
    error: DELETE /rest/api/2/issue/GAIA-10: Issue Does Not Exist
    "#);
}

#[tokio::test]
async fn a_read_only_policy_deletes_nothing() {
    let world = World::new().await;
    world.logged_in().await;
    let delete = || world.command(&["delete", "GAIA-10", "--confirm"]).env("JIRA_READ_ONLY", "yes");
    insta::assert_snapshot!(delete().run().await, @r#"
    exit 3
    --- stderr
    {"error":{"kind":"auth","code":"policy","message":"deleting an issue changes something, and JIRA_READ_ONLY forbids that; nothing was sent","exit_code":3,"retryable":false,"actor":"user"}}
    "#);
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn what_is_no_key_is_no_path() {
    let world = World::new().await;
    world.logged_in().await;
    for key in ["../myself", "GAIA-1?deleteSubtasks=true", "GAIA-1%2f", "-1", ""] {
        world.run(&["delete", "--confirm", "--key", key]).await.failed(2, "bad_key");
    }
    assert_eq!(world.requests(), [""; 0]);
}
