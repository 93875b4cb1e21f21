//! `login --pat`: a personal access token is checked and stored like a session.

use jira_oauth::disk;

use crate::support::{Conduct, SITE, World};

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

#[tokio::test]
async fn a_login_of_the_other_kind_takes_the_old_session_away() {
    let world = World::new().await;
    world.logged_in().await;
    let sessions = || std::fs::read_dir(world.config_dir().join("sessions")).unwrap().count();
    let mode = async || world.run(&["whoami", "--site", SITE]).await.ok().json()["auth_mode"].clone();
    assert_eq!((sessions(), mode().await), (1, "oauth-storage".into()));
    let token = world.jira.mint_pat("developer");
    let login = world.command(&pat(&world, &["--site", SITE])).person();
    let ran = login.answer("Personal access token", token).run().await.ok();
    assert!(!ran.stderr.contains("warning"), "{ran}");
    assert_eq!((sessions(), mode().await), (1, "pat-storage".into()));
    let ran = world.login(&["--site", SITE]).person().browser(Conduct::Consents).run().await.ok();
    assert!(!ran.stderr.contains("warning"), "{ran}");
    assert_eq!((sessions(), mode().await), (1, "oauth-storage".into()));
}

#[tokio::test]
async fn an_old_session_that_stays_is_said_and_the_login_holds() {
    let world = World::new().await;
    world.remember(|_| {}).await;
    let old = world.config_dir().join("sessions").join(format!("{}.enc", world.place().key));
    disk::make_dir(&old.join("in the way")).unwrap();
    let token = world.jira.mint_pat("developer");
    let login = world.command(&pat(&world, &["--site", SITE])).person();
    let ran = login.answer("Personal access token", token).run().await.ok();
    assert!(ran.stderr.contains("the session that this site had before is still stored"), "{ran}");
    assert_eq!(world.run(&["whoami", "--site", SITE]).await.ok().json()["auth_mode"], "pat-storage");
}

#[tokio::test]
async fn a_first_login_without_a_master_password_says_that_there_is_no_file_yet() {
    let world = World::new().await;
    let token = world.jira.mint_pat("developer");
    let command = world.command(&pat(&world, &[])).without("JIRA_MASTER_PASSWORD").stdin(token.clone());
    let first = command.run().await.failed(3, "master_password");
    assert!(first.stderr.contains("the file would be") && !first.stderr.contains("session is in"), "{first}");
    world.command(&pat(&world, &[])).stdin(token.clone()).run().await.ok();
    let command = world.command(&pat(&world, &[])).without("JIRA_MASTER_PASSWORD").stdin(token);
    let later = command.run().await.failed(3, "master_password");
    assert!(later.stderr.contains("the session is in"), "{later}");
}
