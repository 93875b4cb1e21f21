//! F, the session: what a login leaves behind, and the commands that look at it.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::support::{World, follow};

/// Item 135, changed: keyring service and directory are this program's own, so that go-jira's are never
/// overwritten.
/// Item 136.
#[tokio::test]
async fn a_login_stores_both_tokens_under_base_url_and_client_id_and_a_logout_removes_them() {
    let world = World::new().await;
    let (live, ran) = world.login(&["--site", "mine"]).start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    ran.ok();
    let digest = Sha256::digest(format!("{}:{}", world.jira.base_url(), world.jira.client_id()));
    let key: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let file = world.config_dir().join(format!("sessions/{key}.enc"));
    assert!(file.is_file(), "{file:?}");
    // The access token works, and so does the refresh token.
    world.run(&["whoami", "--site", "mine"]).await.ok();
    assert_eq!(world.refreshes(), 0);
    world.run(&["token", "refresh", "--site", "mine"]).await.ok();
    for removed in [true, false] {
        let logout = world.run(&["logout", "--site", "mine"]).await.ok().json();
        assert_eq!(logout["removed"], removed);
        assert!(!file.exists());
    }
    world.run(&["whoami", "--site", "mine"]).await.failed(3, "not_logged_in");
}

/// Item 137, changed: the answer is JSON on stdout, for programs read it too.
#[tokio::test]
async fn whoami_asks_jira_who_the_bearer_is() {
    let world = World::new().await;
    let ran = world.with_token(&["whoami"]).run().await.ok();
    assert_eq!((ran.json()["user"]["name"].as_str(), ran.stderr.as_str()), (Some("developer"), ""));
    assert_eq!(world.requests(), ["GET /rest/api/2/myself"]);
}

/// Item 138, changed: the access token is printed to a person alone.
#[tokio::test]
async fn token_status_prints_no_token_and_token_print_nothing_else() {
    let world = World::new().await;
    let tokens = world.logged_in().await;
    for format in ["json", "text"] {
        let status = world.run(&["token", "status", "--output", format]).await.ok();
        status.hides(&[&tokens.access_token, &tokens.refresh_token]);
    }
    let print = || world.command(&["token", "print", "--confirm"]);
    let shown = print().person().run().await.ok();
    assert_eq!((shown.stdout, shown.stderr), (format!("{}\n", tokens.access_token), String::new()));
    assert_eq!(print().run().await.failed(3, "needs_person").stdout, "");
}

/// Item 139.
#[tokio::test]
async fn token_refresh_keeps_the_new_pair_and_says_when_it_ends() {
    let world = World::new().await;
    let old = world.logged_in().await;
    world.advance(Duration::from_secs(100));
    let ran = world.run(&["token", "refresh"]).await.ok();
    let stored = world.stored().await;
    let [access, refresh] =
        [stored.access_token.expose(), stored.refresh_token.as_ref().unwrap().expose()].map(str::to_owned);
    assert!(access != old.access_token && refresh != old.refresh_token);
    let expires_at = ran.json()["expires_at"].as_str().unwrap().to_owned();
    assert_eq!(expires_at, stored.expires_at.unwrap().to_string());
    assert_eq!(expires_at, "2026-03-04T06:07:47Z", "an hour from then");
    ran.hides(&[access, refresh]);
    world.run(&["whoami"]).await.ok();
    assert_eq!(world.refreshes(), 1);
}
