//! `login --pat`: a personal access token is checked and stored like a session.

use crate::support::World;

fn pat<'w>(world: &'w World, more: &[&'w str]) -> Vec<&'w str> {
    [&["login", "--pat", "--base-url", world.jira.base_url()], more].concat()
}

#[tokio::test]
async fn a_token_comes_from_stdin() {
    let world = World::new().await;
    let token = world.jira.mint_pat("developer");
    let ran = world.command(&pat(&world, &[])).stdin(format!("{token}\n")).run().await.ok().hides(&[&token]);
    insta::assert_snapshot!(ran, @r#"
    exit 0
    --- stdout
    {
      "site": "127.0.0.1-PORT",
      "base_url": "http://127.0.0.1:PORT",
      "client_id": "pat",
      "auth_mode": "pat-storage",
      "source": "site 127.0.0.1-PORT",
      "user": {
        "name": "developer",
        "displayName": "Sandbox Developer"
      },
      "scope": null,
      "session": "ok",
      "expires_at": null,
      "refreshed_at": "2026-03-04T05:06:07Z",
      "idle_days_left": null,
      "storage": "file",
      "broker_url": null
    }
    "#);
    let whoami = world.run(&["whoami", "--base-url", world.jira.base_url()]).await.ok();
    assert_eq!(whoami.json()["auth_mode"], "pat-storage");
    let file = std::fs::read_dir(world.config_dir().join("sessions")).unwrap().next().unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).contains(&token));
    assert!(!world.config_toml().contains(&token));
}

#[tokio::test]
async fn a_token_is_asked_of_a_person_without_an_echo() {
    let world = World::new().await;
    let token = world.jira.mint_pat("developer");
    let ran = world.command(&pat(&world, &[])).person().answer("Personal access token", &token).run().await;
    assert_eq!(ran.ok().hides(&[&token]).asked, ["Personal access token: "]);
    let alone = world.command(&pat(&world, &["--no-input"])).person().run().await;
    alone.failed(3, "needs_person");
}

#[tokio::test]
async fn a_token_that_jira_does_not_accept_is_not_stored() {
    let world = World::new().await;
    let ran = world.command(&pat(&world, &[])).stdin("canary").run().await.failed(3, "token_rejected");
    ran.hides(&["canary"]);
    assert_eq!(world.config_toml(), "");
    world.run(&["whoami", "--base-url", world.jira.base_url()]).await.failed(3, "not_logged_in");
}

#[tokio::test]
async fn what_is_no_token_is_not_sent() {
    let world = World::new().await;
    for not_a_token in ["", "\n", "two words", "two\nlines", "tökën", "a\u{1b}b"] {
        let ran = world.command(&pat(&world, &[])).stdin(not_a_token).run().await.failed(2, "bad_value");
        assert!(not_a_token.trim().is_empty() || !ran.stderr.contains(not_a_token));
    }
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn a_token_that_ended_is_said_to_be_that() {
    let world = World::new().await;
    let token = world.jira.mint_pat("developer");
    world.command(&pat(&world, &["--site", "mine"])).stdin(token).run().await.ok();
    world.jira.revoke_all();
    let ran = world.run(&["whoami", "--site", "mine"]).await.failed(3, "token_rejected");
    assert_eq!(ran.error()["hint"], "jira login --pat --site mine");
    world.run(&["token", "refresh", "--site", "mine"]).await.failed(2, "bad_value");
}
