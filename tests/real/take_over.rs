//! `login --from-go-jira` with go-jira's entry in a real keyring: read, taken over, and left as it is.

use jira_oauth::sandbox::{Scope, Tokens};
use serde_json::json;

use crate::support::bus::Bus;
use crate::support::jira::{Home, key};
use crate::support::secrets::{self, GnomeKeyring, SilentService};
use crate::support::served::Served;
use crate::support::{Real, runs};

const FUTURE: &str = "2099-01-01T00:00:00Z";
const PAST: &str = "2001-01-01T00:00:00+02:00";

/// A home of somebody who has never used this program.
fn home(bus: &Bus) -> Home {
    Home::new().env("DBUS_SESSION_BUS_ADDRESS", &bus.address).without("JIRA_MASTER_PASSWORD")
}

/// go-jira's entry, under the account that it makes of base URL and client ID.
async fn put(bus: &Bus, sandbox: &Served, tokens: &Tokens, expires_at: &str, base_url: &str) {
    let record = json!({
        "base_url": base_url, "client_id": sandbox.client_id(), "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token, "expires_at": expires_at,
        "obtained_at": "2026-01-01T00:00:00.5Z", "scopes": ["WRITE"],
    });
    secrets::put(bus, "go-jira", key(sandbox).as_str(), &record.to_string()).await;
}

fn login(sandbox: &Served) -> [&str; 6] {
    ["login", "--from-go-jira", "--base-url", sandbox.base_url(), "--client-id", sandbox.client_id()]
}

#[tokio::test]
async fn its_entry_is_taken_over_and_left_as_it_is() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _keyring = GnomeKeyring::start(&bus).await;
    for (expires_at, refreshes) in [(FUTURE, 0), (PAST, 1)] {
        let tokens = sandbox.mint_session("developer", Scope::Write);
        let home = home(&bus);
        put(&bus, &sandbox, &tokens, expires_at, sandbox.base_url()).await;
        let theirs = secrets::items_of(&bus, "go-jira").await;
        let done = home.run(&login(&sandbox)).await;
        assert_eq!(
            (&done.json()["storage"], &done.json()["user"]["name"]),
            (&json!("keyring"), &json!("developer"))
        );
        let shown = format!("{done:?}");
        assert!(shown.contains("go_jira_logged_out"), "{shown}");
        assert!(!shown.contains(&tokens.access_token) && !shown.contains(&tokens.refresh_token), "{shown}");
        assert_eq!(secrets::items_of(&bus, "go-jira").await, theirs);
        assert_eq!(secrets::items(&bus).await.len(), 1);

        let at = ["--base-url", sandbox.base_url()];
        home.run(&[["token", "refresh"].as_slice(), &at].concat()).await.json();
        home.run(&[["whoami"].as_slice(), &at].concat()).await.json();
        assert_eq!(sandbox.token_calls("refresh_token"), refreshes + 1);
        home.run(&[["logout"].as_slice(), &at].concat()).await.json();
        assert_eq!(secrets::items_of(&bus, "go-jira").await, theirs, "logout is ours alone");
        sandbox.clear_log();
        secrets::remove(&bus, "go-jira").await;
    }
}

#[tokio::test]
async fn an_entry_of_another_jira_is_refused() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _keyring = GnomeKeyring::start(&bus).await;
    let tokens = sandbox.mint_session("developer", Scope::Write);
    put(&bus, &sandbox, &tokens, FUTURE, "https://evil.example.com").await;
    home(&bus).run(&login(&sandbox)).await.failed("store_corrupt", 1);
    secrets::remove(&bus, "go-jira").await;
    secrets::put(&bus, "go-jira", key(&sandbox).as_str(), "no JSON").await;
    home(&bus).run(&login(&sandbox)).await.failed("store_corrupt", 1);
    assert_eq!(secrets::items(&bus).await, []);
}

#[tokio::test]
async fn a_keyring_that_is_locked_or_silent_is_not_an_absent_session() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    {
        let _keyring = GnomeKeyring::start(&bus).await;
        home(&bus).run(&login(&sandbox)).await.failed("not_logged_in", 3);
        let tokens = sandbox.mint_session("developer", Scope::Write);
        put(&bus, &sandbox, &tokens, FUTURE, sandbox.base_url()).await;
        secrets::lock(&bus).await;
        home(&bus).run(&login(&sandbox)).await.failed("keyring_locked", 3);
    }
    let bus = Bus::start();
    let _service = SilentService::start(&bus).await;
    let quick = home(&bus).env("JIRA_KEYRING_TIMEOUT", "1s");
    quick.run(&login(&sandbox)).await.failed("keyring_silent", 7);
}
