//! The binary with its session in a keyring, and every command with a keyring that is absent, locked,
//! unwilling or hung (threat 16).

use std::time::{Duration, Instant};

use jira_oauth::auth::place::Place;
use jira_oauth::auth::store::{Keyring, Store};
use jira_oauth::config::StorageKind;
use jira_oauth::sandbox::Scope;

use crate::support::bus::Bus;
use crate::support::jira::{Age, Home, key, session};
use crate::support::secrets::{self, GnomeKeyring, SilentService};
use crate::support::served::Served;
use crate::support::terminal::Terminal;
use crate::support::{Real, runs};

/// Every command that touches the keyring and needs no person.
const COMMANDS: [&[&str]; 6] = [
    &["whoami"],
    &["token", "status"],
    &["token", "refresh"],
    &["logout"],
    &["site", "remove", "sandbox"],
    &["login", "--no-browser"],
];

/// A home whose site has its session in the keyring on this bus.
async fn home(sandbox: &Served, bus: &str) -> Home {
    let home = Home::new().env("DBUS_SESSION_BUS_ADDRESS", bus);
    home.remember(sandbox, sandbox.base_url(), StorageKind::Keyring).await;
    home
}

/// Each command ends with this code, within a time.
async fn every_command_fails(home: &Home, code: &str, exit: i32, within: Duration) {
    for command in COMMANDS {
        let start = Instant::now();
        let done = home.run(command).await;
        let time = start.elapsed();
        assert_eq!(
            (done.error()["code"].as_str(), done.code),
            (Some(code), Some(exit)),
            "{command:?}: {done:?}"
        );
        assert!(time < within, "{command:?} took {time:?}");
    }
}

/// The calls themselves take milliseconds; the machine may be busy.
const SOON: Duration = Duration::from_secs(4);

async fn save_session(home: &Home, sandbox: &Served, bus: &Bus, age: Age) {
    let tokens = sandbox.mint_session("developer", Scope::Write);
    let keyring = Keyring::new(Duration::from_secs(60), None).bus_address(Some(bus.address.clone()));
    let place = Place { store: Store::Keyring(keyring), ..home.place(sandbox) };
    place.save(&session(sandbox, sandbox.base_url(), &tokens, age)).await.unwrap();
}

#[tokio::test]
async fn a_session_lives_in_the_keyring_from_login_to_logout() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _keyring = GnomeKeyring::start(&bus).await;
    let home = home(&sandbox, &bus.address).await.without("JIRA_MASTER_PASSWORD");
    save_session(&home, &sandbox, &bus, Age::Stale).await;
    let before = secrets::items(&bus).await;
    assert_eq!(before.len(), 1);

    let me = home.run(&["whoami"]).await.json();
    assert_eq!((&me["user"]["name"], &me["storage"]), (&"developer".into(), &"keyring".into()));
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
    let after = secrets::items(&bus).await;
    assert_eq!((after.len(), &after[0].0), (1, &key(&sandbox).to_string()), "the item is updated in place");
    assert_ne!(after, before);
    home.run(&["token", "refresh"]).await.json();
    assert_eq!(sandbox.token_calls("refresh_token"), 2);

    let out = home.run(&["logout"]).await.json();
    assert_eq!((&out["removed"], &out["revocation"]), (&true.into(), &"unsupported".into()));
    assert_eq!(secrets::items(&bus).await, [], "nothing is left");
    home.run(&["whoami"]).await.failed("not_logged_in", 3);
    assert_eq!(home.run(&["logout"]).await.json()["removed"], false);
    assert!(home.session_files().is_empty());
}

#[tokio::test]
async fn a_personal_access_token_comes_in_on_stdin() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _keyring = GnomeKeyring::start(&bus).await;
    let home = Home::new().env("DBUS_SESSION_BUS_ADDRESS", &bus.address).without("JIRA_MASTER_PASSWORD");
    let pat = sandbox.mint_pat("reviewer");
    let login = ["login", "--pat", "--base-url", sandbox.base_url()];
    let done = home.run_with_stdin(&login, &format!("{pat}\n")).await;
    assert_eq!(done.json()["storage"], "keyring");
    assert!(!format!("{done:?}").contains(&pat));
    let items = secrets::items(&bus).await;
    assert!(items.len() == 1 && items[0].1.contains(&pat));
    let at = ["--base-url", sandbox.base_url()];
    let me = home.run(&[["whoami"].as_slice(), &at].concat()).await.json();
    assert_eq!((&me["user"]["name"], &me["auth_mode"]), (&"reviewer".into(), &"pat-storage".into()));
    home.run(&[["logout"].as_slice(), &at].concat()).await.json();
    assert_eq!(secrets::items(&bus).await, []);
    // One that Jira does not know is not kept.
    home.run_with_stdin(&login, "nonsense").await.failed("token_rejected", 3);
    assert_eq!(secrets::items(&bus).await, []);
}

#[tokio::test]
async fn parallel_processes_refresh_a_keyring_session_once() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _keyring = GnomeKeyring::start(&bus).await;
    let home = home(&sandbox, &bus.address).await;
    save_session(&home, &sandbox, &bus, Age::Stale).await;
    let jobs: Vec<_> = (0..20).map(|_| home.spawn(&["whoami"])).collect();
    for job in jobs {
        assert_eq!(job.done().await.json()["user"]["name"], "developer");
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
    assert_eq!(secrets::items(&bus).await.len(), 1);
}

#[tokio::test]
async fn a_locked_keyring_is_said_at_once_by_every_command() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _keyring = GnomeKeyring::start(&bus).await;
    let home = home(&sandbox, &bus.address).await;
    save_session(&home, &sandbox, &bus, Age::Stale).await;
    secrets::lock(&bus).await;
    every_command_fails(&home, "keyring_locked", 3, SOON).await;
    assert_eq!(sandbox.token_calls("refresh_token"), 0);
    assert!(home.session_files().is_empty(), "never a silent move");
}

/// A person is there, so the keyring may ask for its password; its dialog has nowhere to open.
#[tokio::test]
async fn a_keyring_that_denies_says_so_to_a_person() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _keyring = GnomeKeyring::start(&bus).await;
    let home = home(&sandbox, &bus.address).await;
    save_session(&home, &sandbox, &bus, Age::Stale).await;
    secrets::lock(&bus).await;
    for command in [["whoami"].as_slice(), &["token", "status"], &["logout"]] {
        let mut terminal = Terminal::start(&home, command);
        let (rest, code) = terminal.ends();
        assert_eq!(code, 3, "{command:?}: {rest}");
        assert!(rest.contains("keyring_denied"), "{command:?}: {rest}");
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 0);
}

#[tokio::test]
async fn an_absent_keyring_is_said_at_once_by_every_command() {
    if !runs(Real::Keyring) {
        return;
    }
    let sandbox = Served::usual();
    let bus = Bus::start();
    let empty = tempfile::tempdir().unwrap();
    let no_service = home(&sandbox, &bus.address).await;
    every_command_fails(&no_service, "keyring_absent", 3, SOON).await;
    let no_bus = home(&sandbox, "unix:path=/nonexistent/bus").await;
    every_command_fails(&no_bus, "keyring_absent", 3, SOON).await;
    let nothing = home(&sandbox, "").await.without("DBUS_SESSION_BUS_ADDRESS");
    let nothing = nothing.env("XDG_RUNTIME_DIR", empty.path().to_str().unwrap());
    every_command_fails(&nothing, "keyring_absent", 3, SOON).await;
    for home in [no_service, no_bus, nothing] {
        assert!(home.session_files().is_empty(), "never a silent move");
    }
}

/// On a machine without a keyring the first login takes the encrypted file, and says so.
#[tokio::test]
async fn a_first_login_without_a_keyring_takes_the_file() {
    let sandbox = Served::usual();
    let home = Home::new().env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    let login = ["login", "--pat", "--base-url", sandbox.base_url()];
    let done = home.run_with_stdin(&login, &sandbox.mint_pat("developer")).await;
    assert_eq!(done.json()["storage"], "file");
    assert!(done.stderr.contains("encrypted file"), "{done:?}");
    let me = home.run(&["whoami", "--base-url", sandbox.base_url()]).await.json();
    assert_eq!(me["storage"], "file", "the site remembers it");
}

#[tokio::test]
async fn a_silent_keyring_is_said_in_time_by_every_command_and_the_process_ends() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _service = SilentService::start(&bus).await;
    let quick = home(&sandbox, &bus.address).await.env("JIRA_KEYRING_TIMEOUT", "1s");
    let start = Instant::now();
    quick.run(&["whoami"]).await.failed("keyring_silent", 7);
    assert!(start.elapsed() < SOON);

    // Without that variable five seconds. Each in a home of its own: they would wait for each other's lock.
    let start = Instant::now();
    let homes = COMMANDS.map(async |command| (command, self::home(&sandbox, &bus.address).await));
    let homes = futures_util::future::join_all(homes).await;
    let jobs: Vec<_> = homes.iter().map(|(command, home)| (command, home.spawn(command))).collect();
    for (command, job) in jobs {
        let done = job.done().await;
        assert_eq!((done.error()["code"].as_str(), done.code), (Some("keyring_silent"), Some(7)), "{done:?}");
        assert!(done.stderr.contains("waiting for the keyring"), "{command:?}: {done:?}");
    }
    // Less than twice the time: no command asks a second time.
    let time = start.elapsed();
    assert!(time >= Duration::from_secs(5) && time < Duration::from_secs(9), "{time:?}");
}

/// A signal does not wait for a keyring that hangs.
#[tokio::test]
async fn a_signal_ends_a_command_that_waits_for_the_keyring() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _service = SilentService::start(&bus).await;
    let home = home(&sandbox, &bus.address).await.env("JIRA_KEYRING_TIMEOUT", "170s");
    let mut job = home.spawn(&["whoami"]);
    job.stderr_says("waiting for the keyring").await;
    job.signal(rustix::process::Signal::INT);
    assert_eq!(job.done().await.code, Some(130));
}

/// The keyring is not touched when a credential stands in the environment.
#[tokio::test]
async fn a_credential_in_the_environment_needs_no_keyring() {
    if !runs(Real::Keyring) {
        return;
    }
    let (sandbox, bus) = (Served::usual(), Bus::start());
    let _service = SilentService::start(&bus).await;
    let home = home(&sandbox, &bus.address).await.env("JIRA_TOKEN", sandbox.mint_pat("lead"));
    assert_eq!(home.run(&["whoami", "--timeout=30s"]).await.json()["user"]["name"], "lead");
}
