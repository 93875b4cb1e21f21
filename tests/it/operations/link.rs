//! `link`, and the direction of a link.

use crate::support::World;

#[tokio::test]
async fn a_link_says_what_jiras_pages_say() {
    let world = World::new().await;
    world.logged_in().await;
    let link = ["link", "--from", "gaia-12", "--to", "WEB-9", "--link-type", "is blocked by"];
    insta::assert_snapshot!(world.run(&link).await, @r#"
    exit 0
    --- stdout
    {
      "from": "GAIA-12",
      "to": "WEB-9",
      "type": "Blocks",
      "status": "linked",
      "direction": "GAIA-12 is blocked by WEB-9"
    }
    "#);
    let shown = world.run(&["get", "WEB-9", "--fields", "issuelinks"]).await.ok().json();
    let links = shown["fields"]["issuelinks"].as_array().unwrap().clone();
    let last = links.last().unwrap();
    assert_eq!(
        (&last["outwardIssue"]["key"], &last["type"]["outward"]),
        (&"GAIA-12".into(), &"blocks".into())
    );
    let text = ["link", "--from", "GAIA-1", "--to", "WEB-9", "--output", "text"];
    insta::assert_snapshot!(world.run(&text).await, @r#"
    exit 0
    --- stdout
    linked GAIA-1 -> WEB-9 (Relates)
    "#);
    let turned =
        world.run(&["link", "--from=GAIA-3", "--to=WEB-9", "--link-type=is blocked by", "--output=text"]);
    assert_eq!(turned.await.ok().stdout, "linked WEB-9 -> GAIA-3 (Blocks)\n");
    let comment = world.command(&["link", "--from=GAIA-2", "--to=WEB-9", "--comment=-"]).stdin("why\n");
    comment.run().await.ok();
    let comments = world.run(&["get", "GAIA-2", "--comments", "1", "--fields", "summary"]).await.ok().json();
    assert_eq!(comments["fields"]["comment"]["comments"][0]["body"], "why");
}

#[tokio::test]
async fn bad_input_has_its_code_and_links_nothing() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["link", "--to", "GAIA-1"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_flag","message":"required flag --from is not set","hint":"jira link --help","exit_code":2,"retryable":false,"actor":"caller"}}
    "#);
    insta::assert_snapshot!(world.run(&["link", "--from", "GAIA-1", "--to", "gaia-1"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"--from and --to are both GAIA-1: an issue is not linked to itself","hint":"jira link --help","exit_code":2,"retryable":false,"actor":"caller"}}
    "#);
    world.run(&["link", "--from", "GAIA-1", "--to", "x"]).await.failed(2, "bad_key");
    let read_only = world.command(&["link", "--from=GAIA-1", "--to=GAIA-2"]).env("JIRA_READ_ONLY", "1");
    read_only.run().await.failed(3, "policy");
    assert_eq!(world.requests(), [""; 0]);
    insta::assert_snapshot!(world.run(&["link", "--from=GAIA-1", "--to=WEB-9", "--link-type=Eats"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_value","message":"Jira has no link type \"Eats\": it has Blocks (blocks / is blocked by), Cloners (clones / is cloned by), Duplicate (duplicates / is duplicated by), Relates (relates to / relates to); nothing was changed","exit_code":2,"retryable":false,"actor":"caller","details":{"allowed":["Blocks (blocks / is blocked by)","Cloners (clones / is cloned by)","Duplicate (duplicates / is duplicated by)","Relates (relates to / relates to)"]}}}
    "#);
    insta::assert_snapshot!(world.run(&["link", "--from=GAIA-1", "--to=WEB-99999"]).await, @r#"
    exit 5
    --- stderr
    {"error":{"kind":"not_found","code":"not_found","message":"POST /rest/api/2/issueLink: Issue Does Not Exist","exit_code":5,"retryable":false,"actor":"caller","status_code":404,"request_id":"REQUEST","details":{"errorMessages":["Issue Does Not Exist"],"errors":{}}}}
    "#);
}
