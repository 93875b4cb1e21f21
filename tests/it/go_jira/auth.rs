//! E: which credential is used, and what goes over the wire for it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jira_oauth::sandbox::fingerprint;
use serde_json::json;

use crate::support::{Command, World};

fn at(world: &World, args: &[&str]) -> Command {
    world.command(args).env("JIRA_BASE_URL", world.jira.base_url())
}

/// The `Authorization` header of the last request, with the fingerprint of what follows the scheme.
fn last_header(world: &World) -> String {
    world.jira.log().last().unwrap().header("authorization").unwrap().to_owned()
}

/// Items 83, 84, 87, 88.
#[tokio::test]
async fn a_token_goes_before_user_and_password_and_each_has_its_header() {
    let world = World::new().await;
    let token = world.jira.mint_pat("lead");
    let whoami = || at(&world, &["whoami"]);
    let basic = || whoami().env("JIRA_USERNAME", "reviewer").env("JIRA_PASSWORD", "reviewer");
    let both = basic().env("JIRA_TOKEN", &token).run().await.ok().json();
    assert_eq!((&both["auth_mode"], &both["user"]["name"]), (&json!("bearer"), &json!("lead")));
    let bearer = whoami().env("JIRA_TOKEN", &token).run().await.ok().json();
    assert_eq!((&bearer["auth_mode"], &bearer["user"]["name"]), (&json!("bearer"), &json!("lead")));
    assert_eq!(last_header(&world), format!("Bearer {}", fingerprint(&token)));
    let basic = basic().run().await.ok().json();
    assert_eq!((&basic["auth_mode"], &basic["user"]["name"]), (&json!("basic"), &json!("reviewer")));
    let pair = |pair: &str| format!("Basic {}", fingerprint(&BASE64_STANDARD.encode(pair)));
    assert_eq!(last_header(&world), pair("reviewer:reviewer"));
    let odd = whoami().env("JIRA_USERNAME", "müller").env("JIRA_PASSWORD", "a:b ü=").run().await;
    assert_eq!(odd.code, 3, "{odd}");
    assert_eq!(last_header(&world), pair("müller:a:b ü="));
}

/// Item 85, changed: exit 2, before anything is looked at.
/// Item 89, changed: an empty variable is an unset one; an empty file is a slip.
#[tokio::test]
async fn half_a_credential_and_an_empty_one_are_none() {
    let world = World::new().await;
    let whoami = || at(&world, &["whoami"]);
    for command in [
        whoami().env("JIRA_USERNAME", "developer"),
        whoami().env("JIRA_PASSWORD", "developer"),
        whoami().env("JIRA_USERNAME", "developer").env("JIRA_PASSWORD", ""),
        whoami().env("JIRA_USERNAME", "").env("JIRA_PASSWORD", "developer"),
    ] {
        let ran = command.run().await.failed(2, "bad_value");
        assert!(
            ran.error()["message"].as_str().unwrap().contains("basic authentication needs both"),
            "{ran}"
        );
    }
    whoami().env("JIRA_TOKEN", "").run().await.failed(3, "not_logged_in");
    let empty = world.path("empty");
    std::fs::write(&empty, "\n").unwrap();
    whoami().env("JIRA_TOKEN_FILE", &empty).run().await.failed(2, "bad_value");
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 86.
#[tokio::test]
async fn without_any_credential_it_names_the_ways_to_one() {
    let world = World::new().await;
    for args in [&["whoami"][..], &["get", "GAIA-1"], &["run", "--ref", "GAIA-1"], &["token", "refresh"]] {
        let ran = at(&world, args).run().await.failed(3, "not_logged_in");
        let message = ran.error()["message"].as_str().unwrap().to_owned();
        for way in ["log in", "JIRA_TOKEN", "JIRA_USERNAME", "JIRA_PASSWORD"] {
            assert!(message.contains(way), "{message}");
        }
        assert_eq!(ran.error()["hint"], format!("jira login --base-url {}", world.jira.base_url()));
        assert_eq!(ran.error()["kind"], "auth");
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 90.
#[tokio::test]
async fn a_mode_has_one_name_wherever_it_is_said() {
    let world = World::new().await;
    world.logged_in().await;
    let injected = world.jira.mint_session("developer", jira_oauth::sandbox::Scope::Write).refresh_token;
    let command = |args: &[&str], mode: &str| match mode {
        "basic" => world.command(args).env("JIRA_USERNAME", "lead").env("JIRA_PASSWORD", "lead"),
        "bearer" => world.command(args).env("JIRA_TOKEN", world.jira.mint_pat("lead")),
        "oauth-env" => {
            let command = world.command(args).env("JIRA_OAUTH_REFRESH_TOKEN", &injected);
            command.env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", world.path("work/token"))
        }
        _ => world.command(args),
    };
    for mode in ["basic", "bearer", "oauth-env", "oauth-storage"] {
        for args in [&["whoami"][..], &["token", "status"]] {
            let session = command(args, mode).run().await.ok().json();
            assert_eq!(session["auth_mode"], mode, "{args:?}");
        }
    }
}

/// Item 91.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_credential_of_the_environment_touches_no_keyring() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let world = World::new().await;
    world.logged_in().await;
    let bus = world.path("bus");
    let listener = tokio::net::UnixListener::bind(&bus).unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    tokio::spawn(async move {
        // Whoever comes is hung up on.
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    // In a process of its own: the address of the bus is the process's.
    let whoami = || {
        let command = at(&world, &["whoami"]).env("JIRA_TOKEN_STORAGE", "keyring");
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()))
    };
    let bearer = whoami().env("JIRA_TOKEN", world.jira.mint_pat("lead"));
    let basic = whoami().env("JIRA_USERNAME", "lead").env("JIRA_PASSWORD", "lead");
    for command in [bearer, basic] {
        assert_eq!(command.run_program().await.ok().json()["user"]["name"], "lead");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0, "nobody knocks at the keyring");
    let stored = whoami().run_program().await;
    assert_eq!((stored.code, stored.error()["kind"].as_str()), (3, Some("auth")), "{stored}");
    assert!(seen.load(Ordering::SeqCst) > 0, "the stored session is in there");
}

/// Items 94, 95.
#[tokio::test]
async fn a_session_is_found_by_base_url_and_client_id_and_its_absence_leaves_the_token() {
    let world = World::new().await;
    let whoami = |client_id: &str| at(&world, &["whoami"]).env("JIRA_OAUTH_CLIENT_ID", client_id);
    let (own, token) = (world.jira.client_id(), world.jira.mint_pat("lead"));
    let bearer = whoami(own).env("JIRA_TOKEN", &token).run().await.ok().json();
    assert_eq!(bearer["auth_mode"], "bearer");
    let tokens = world.jira.mint_session("developer", jira_oauth::sandbox::Scope::Write);
    let mut session = world.session(&tokens, "developer");
    session.site = None;
    world.save(&session).await;
    let stored = whoami(own).run().await.ok().json();
    assert_eq!((&stored["auth_mode"], &stored["site"]), (&json!("oauth-storage"), &json!(null)));
    whoami("another").run().await.failed(3, "not_logged_in");
    let elsewhere = whoami(own).env("JIRA_BASE_URL", "https://jira.example.com").run().await;
    elsewhere.failed(3, "not_logged_in");
}

/// Item 96, changed: a wrong password is for somebody to mend, exit 3; a record that is none is exit 1.
#[tokio::test]
async fn a_store_that_cannot_be_read_is_an_error_and_not_no_session() {
    let world = World::new().await;
    world.logged_in().await;
    let wrong = world.command(&["whoami"]).env("JIRA_MASTER_PASSWORD", "wrong").run().await;
    assert_eq!(wrong.failed(3, "master_password").error()["kind"], "auth");
    let none = world.command(&["whoami"]).without("JIRA_MASTER_PASSWORD").run().await;
    none.failed(3, "master_password");
    let file = world.config_dir().join(format!("sessions/{}.enc", world.place().key));
    std::fs::write(&file, "no session").unwrap();
    world.run(&["whoami"]).await.failed(1, "store_corrupt");
    assert_eq!(world.requests(), [""; 0]);
}
