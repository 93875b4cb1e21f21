//! The keyring store against a real Secret Service, and against what can be in its place (threat 16).
//!
//! `JIRA_TEST_REAL=1`; Debian packages dbus and gnome-keyring.

use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jira_oauth::auth::store::{Keyring, Store, StoreError, StoreKey};
use jira_oauth::error::Failure;
use jira_oauth::secret::Secret;

use crate::support::bus::Bus;
use crate::support::secrets::{self, GnomeKeyring, SilentService};
use crate::support::{Real, mark_of_parent, runs};

#[path = "../../src/auth/store/contract/steps.rs"]
mod steps;

use steps::{NEW, OLD, found, keeps_the_contract, key, save};

fn on() -> bool {
    runs(Real::Keyring)
}

fn keyring(address: &str) -> Keyring {
    Keyring::new(Duration::from_secs(5), None).bus_address(Some(address.to_owned()))
}

fn store(bus: &Bus) -> Store {
    Store::Keyring(keyring(&bus.address))
}

/// The code that every operation of a store answers, within a time.
async fn refusal(store: &Store, within: Duration) -> &'static str {
    let key = key("one");
    let mut codes = Vec::new();
    for operation in 0..3 {
        let start = Instant::now();
        let error = match operation {
            0 => store.load(&key).await.map(drop).unwrap_err(),
            1 => store.prepare(&key).await.map(drop).unwrap_err(),
            _ => store.remove(&key).await.map(drop).unwrap_err(),
        };
        assert!(start.elapsed() < within, "{error} took {:?}", start.elapsed());
        codes.push(Failure::from(error).code.as_str());
    }
    codes.dedup();
    assert_eq!(codes.len(), 1, "{codes:?}");
    codes[0]
}

const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_unlocked_keyring_keeps_the_contract_in_one_item_a_session() {
    if !on() {
        return;
    }
    let bus = Bus::start();
    let _keyring = GnomeKeyring::start(&bus).await;
    let (store, one) = (store(&bus), key("one"));
    keeps_the_contract(store.clone()).await;
    assert_eq!(secrets::items(&bus).await, [], "nothing is left");

    assert_eq!(found(&store, &one).await, None);
    assert_eq!(secrets::items(&bus).await, [], "reading makes nothing");
    drop(store.prepare(&one).await.unwrap());
    assert!(!store.remove(&one).await.unwrap(), "a forgotten placeholder is no record");
    assert_eq!(secrets::items(&bus).await, [], "but it goes");
    save(&store, &one, OLD).await;
    save(&store, &one, NEW).await;
    drop(store.prepare(&one).await.unwrap());
    assert_eq!(secrets::items(&bus).await, [(one.to_string(), NEW.to_owned())]);
}

#[tokio::test]
async fn two_logins_at_once_make_one_item() {
    if !on() {
        return;
    }
    let bus = Bus::start();
    let _keyring = GnomeKeyring::start(&bus).await;
    let (store, one) = (store(&bus), key("one"));
    let (first, second) = tokio::join!(store.prepare(&one), store.prepare(&one));
    store.commit(first.unwrap(), &Secret::new(OLD)).await.unwrap();
    store.commit(second.unwrap(), &Secret::new(NEW)).await.unwrap();
    assert_eq!(secrets::items(&bus).await, [(one.to_string(), NEW.to_owned())]);
}

#[tokio::test]
async fn an_abandoned_placeholder_that_somebody_filled_stays() {
    if !on() {
        return;
    }
    let bus = Bus::start();
    let _keyring = GnomeKeyring::start(&bus).await;
    let (store, one) = (store(&bus), key("one"));
    let slow = store.prepare(&one).await.unwrap();
    save(&store, &one, NEW).await;
    store.abandon(slow).await;
    assert_eq!(found(&store, &one).await.as_deref(), Some(NEW));
}

#[tokio::test]
async fn a_locked_keyring_is_locked_at_once_and_never_empty() {
    if !on() {
        return;
    }
    let bus = Bus::start();
    let _keyring = GnomeKeyring::start(&bus).await;
    let store = store(&bus);
    secrets::lock(&bus).await;
    assert_eq!(refusal(&store, AT_ONCE).await, "keyring_locked", "though there is no session");

    let bus = Bus::start();
    let keyring = GnomeKeyring::start(&bus).await;
    let store = self::store(&bus);
    save(&store, &key("one"), OLD).await;
    secrets::lock(&bus).await;
    assert_eq!(refusal(&store, AT_ONCE).await, "keyring_locked");
    drop(keyring);
    let keyring = GnomeKeyring::start_locked(&bus).await;
    assert_eq!(refusal(&store, AT_ONCE).await, "keyring_locked");
    drop(keyring);
    let _keyring = GnomeKeyring::start(&bus).await;
    assert_eq!(found(&store, &key("one")).await.as_deref(), Some(OLD), "nothing was lost");
}

#[tokio::test]
async fn a_dialog_that_cannot_open_is_denied() {
    if !on() {
        return;
    }
    let bus = Bus::start();
    let _keyring = GnomeKeyring::start(&bus).await;
    let with_a_person = Store::Keyring(keyring(&bus.address).interactive(true));
    save(&with_a_person, &key("one"), OLD).await;
    secrets::lock(&bus).await;
    assert_eq!(refusal(&with_a_person, Duration::from_secs(5)).await, "keyring_denied");
}

#[tokio::test]
async fn two_items_with_our_name_are_not_chosen_from() {
    if !on() {
        return;
    }
    let bus = Bus::start();
    let _keyring = GnomeKeyring::start(&bus).await;
    let (store, one) = (store(&bus), key("one"));
    save(&store, &one, OLD).await;
    secrets::put_a_double(&bus, one.as_str()).await;
    assert!(matches!(store.load(&one).await, Err(StoreError::KeyringCorrupt(_))));
}

#[tokio::test]
async fn no_bus_and_no_service_are_absent() {
    if !on() {
        return;
    }
    let nowhere = Store::Keyring(keyring("unix:path=/nonexistent/bus"));
    assert_eq!(refusal(&nowhere, AT_ONCE).await, "keyring_absent");
    let nonsense = Store::Keyring(keyring("nonsense"));
    assert_eq!(refusal(&nonsense, AT_ONCE).await, "keyring_absent");
    let bus = Bus::start();
    assert_eq!(refusal(&store(&bus), AT_ONCE).await, "keyring_absent");
}

/// In a process of its own, whose environment names no bus.
#[test]
fn an_environment_without_a_bus_is_absent() {
    if !on() {
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this)
        .args(["--exact", "keyring::inside_an_environment_without_a_bus", "--nocapture"])
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env("XDG_RUNTIME_DIR", empty.path())
        .env("JIRA_TEST_WITHOUT_A_BUS", "1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("found: keyring_absent"), "{stdout}");
}

#[tokio::test]
async fn inside_an_environment_without_a_bus() {
    let inside = mark_of_parent("JIRA_TEST_WITHOUT_A_BUS").is_some();
    if inside {
        let store = Store::Keyring(Keyring::new(Duration::from_secs(5), None));
        println!("found: {}", refusal(&store, AT_ONCE).await);
    }
}

#[tokio::test]
async fn a_service_that_never_answers_is_silent_after_the_deadline() {
    if !on() {
        return;
    }
    let bus = Bus::start();
    let _service = SilentService::start(&bus).await;
    let said = Arc::new(AtomicUsize::new(0));
    let on_wait = {
        let said = said.clone();
        Arc::new(move || {
            said.fetch_add(1, Ordering::SeqCst);
        })
    };
    let silent = Keyring::new(Duration::from_millis(2_500), Some(on_wait));
    let silent = Store::Keyring(silent.bus_address(Some(bus.address.clone())));
    assert_eq!(refusal(&silent, Duration::from_secs(3)).await, "keyring_silent");
    assert_eq!(said.load(Ordering::SeqCst), 1, "it is said once");
}

#[tokio::test]
async fn a_bus_that_never_answers_is_silent_too() {
    if !on() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bus");
    let _listener = UnixListener::bind(&path).unwrap();
    let address = format!("unix:path={}", path.display());
    let silent = Keyring::new(Duration::from_millis(500), None).bus_address(Some(address));
    assert_eq!(refusal(&Store::Keyring(silent), AT_ONCE).await, "keyring_silent");
}

/// A bus that starts gnome-keyring itself, for a user who has never had a keyring.
#[tokio::test]
async fn a_service_without_a_keyring_has_no_session_and_takes_none() {
    if !on() {
        return;
    }
    let bus = Bus::with_services();
    let store = store(&bus);
    assert_eq!(found(&store, &key("one")).await, None);
    assert!(matches!(store.prepare(&key("one")).await, Err(StoreError::KeyringAbsent(_))));
}
