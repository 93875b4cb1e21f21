//! G: where tokens are kept between commands.

use std::fs;
use std::path::PathBuf;

use jira_oauth::auth::store::StoreKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::login::take_over;
use crate::support::{Command, Conduct, Ran, World};

/// `sha256("baseURL:clientID")` in hexadecimal digits, made here by hand.
fn sha256(base_url: &str, client_id: &str) -> String {
    let digest = Sha256::digest(format!("{base_url}:{client_id}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A login with a personal access token, whose client ID is `pat`.
fn login(world: &World) -> Command {
    let login = world.command(&["login", "--pat", "--base-url", world.jira.base_url()]);
    login.stdin(world.jira.mint_pat("developer"))
}

/// A command at this Jira.
fn at(world: &World, args: &[&str]) -> Command {
    world.command(&[args, &["--base-url", world.jira.base_url()]].concat())
}

/// The files of the sessions.
fn files(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.config_dir().join("sessions")).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A world with one session, and its file.
async fn with_a_file() -> (World, PathBuf) {
    let world = World::new().await;
    login(&world).run().await.ok();
    let file = files(&world).pop().unwrap();
    (world, file)
}

/// Item 140.
#[tokio::test]
async fn the_key_is_64_hexadecimal_digits_of_base_url_and_client_id() {
    let (world, by_token) = with_a_file().await;
    world.login(&["--site", "browser"]).person().browser(Conduct::Consents).run().await.ok();
    let mut names =
        [world.jira.client_id(), "pat"].map(|id| format!("{}.enc", sha256(world.jira.base_url(), id)));
    names.sort();
    let found: Vec<_> = files(&world).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(found, names.map(std::ffi::OsString::from));
    let name = by_token.file_stem().unwrap().to_str().unwrap().to_owned();
    assert!(name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit()), "{name}");

    let key = |base_url: &str| StoreKey::new(base_url, "a", None).to_string();
    assert_eq!(key("https://jira.example.com"), sha256("https://jira.example.com", "a"));
    assert_ne!(key("https://jira.example.com"), key("https://jira.example.com/jira"));
}

/// Item 141, changed: a blank in a URL is refused and not trimmed, for no shell and no file adds one by itself.
#[tokio::test]
async fn a_trailing_slash_means_the_same_session() {
    let (world, _) = with_a_file().await;
    for suffix in ["", "/", "//"] {
        let url = format!("{}{suffix}", world.jira.base_url());
        let status = world.run(&["token", "status", "--base-url", &url]).await.ok().json();
        assert_eq!(status["session"], "ok", "{url}");
    }
    let blank = format!(" {} ", world.jira.base_url());
    world.command(&["token", "status"]).env("JIRA_BASE_URL", blank).run().await.failed(2, "bad_value");
}

/// Items 144, 146.
#[tokio::test]
async fn a_session_is_kept_in_a_file_and_none_is_not_found() {
    let world = World::new().await;
    at(&world, &["whoami"]).run().await.failed(3, "not_logged_in");
    login(&world).run().await.ok();
    let me = at(&world, &["whoami"]).run().await.ok().json();
    assert_eq!((&me["user"]["name"], &me["storage"]), (&json!("developer"), &json!("file")));
    let world = World::new().await;
    world.logged_in().await;
    world.run(&["whoami"]).await.ok();
    let other = world.command(&["whoami"]).env("JIRA_OAUTH_CLIENT_ID", "other").run().await;
    other.failed(3, "not_logged_in");
    assert_eq!(files(&world).len(), 1);
}

/// Item 145, changed: each session has a file of its own, since the locks of two would not keep the writers of one
/// file apart.
#[tokio::test]
async fn two_sessions_stand_side_by_side() {
    let (world, _) = with_a_file().await;
    let second = world.command(&["login", "--pat", "--site", "second", "--base-url", world.jira.base_url()]);
    second.stdin(world.jira.mint_pat("reviewer")).run().await.ok();
    assert_eq!(files(&world).len(), 2);
    let sites = world.sites().list().iter().map(|site| site.name.to_string()).collect::<Vec<_>>();
    let mut users = vec![];
    for site in sites {
        let me = world.run(&["whoami", "--site", &site]).await.ok().json();
        users.push(me["user"]["name"].as_str().unwrap().to_owned());
    }
    users.sort();
    assert_eq!(users, ["developer", "reviewer"]);
}

/// Item 147.
#[tokio::test]
async fn what_was_deleted_is_not_found_and_can_be_deleted_again() {
    let (world, file) = with_a_file().await;
    assert_eq!(at(&world, &["logout"]).run().await.ok().json()["removed"], true);
    assert!(!file.exists());
    at(&world, &["whoami"]).run().await.failed(3, "not_logged_in");
    assert_eq!(at(&world, &["logout"]).run().await.ok().json()["removed"], false);
}

/// Item 148.
#[tokio::test]
async fn a_wrong_password_is_not_taken_for_no_session() {
    let (world, file) = with_a_file().await;
    let before = fs::read(&file).unwrap();
    for command in [&["whoami"][..], &["token", "status"], &["token", "refresh"], &["get", "GAIA-1"]] {
        at(&world, command).env("JIRA_MASTER_PASSWORD", "wrong").run().await.failed(3, "master_password");
    }
    login(&world).env("JIRA_MASTER_PASSWORD", "wrong").run().await.failed(3, "master_password");
    assert_eq!(fs::read(&file).unwrap(), before);
    at(&world, &["whoami"]).run().await.ok();
}

/// Item 149, changed: a logout needs no password, since it reads nothing of what it removes.
#[tokio::test]
async fn an_empty_password_is_none_and_nothing_is_read_or_written_without_one() {
    let (world, file) = with_a_file().await;
    let without = |command: Command| command.env("JIRA_MASTER_PASSWORD", "").run();
    for ran in [without(at(&world, &["whoami"])).await, without(login(&world)).await] {
        let ran = ran.failed(3, "master_password");
        assert!(ran.error()["message"].as_str().unwrap().contains("JIRA_MASTER_PASSWORD"), "{ran}");
    }
    let removed = without(at(&world, &["logout"])).await.ok();
    assert_eq!((removed.json()["removed"].clone(), file.exists()), (json!(true), false));
    without(login(&world)).await.failed(3, "master_password");
    assert!(files(&world).is_empty());
}

/// Item 150, changed: the file is of a form of its own, whose header the encryption protects too, so that neither
/// program takes the other's file for its own.
#[tokio::test]
async fn the_file_shows_nothing_of_what_it_keeps() {
    let (world, file) = with_a_file().await;
    let token = world.jira.mint_pat("lead");
    login(&world).stdin(token.clone()).run().await.ok();
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"\x89JOAUTH\n"));
    for plain in [&token, world.jira.base_url(), "lead", "access_token", "developer"] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain.as_bytes()), "{plain}");
    }
}

/// Items 151, 152.
#[tokio::test]
async fn a_file_that_was_changed_cut_or_is_another_is_an_error_and_stays() {
    let (world, file) = with_a_file().await;
    let whole = fs::read(&file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let ciphertext = flipped(whole.len() - 40);
    let (magic, version) = (flipped(0), flipped(8));
    for (what, bytes) in [
        ("one bit of the ciphertext", &ciphertext[..]),
        ("another beginning", &magic),
        ("another version", &version),
        ("too short", &whole[..whole.len() - 1]),
        ("a header alone", &whole[..20]),
        ("nothing", b""),
        ("another file", b"GJOA\x01 and more that has nothing to do with it"),
    ] {
        fs::write(&file, bytes).unwrap();
        let ran = at(&world, &["whoami"]).run().await;
        assert_eq!((ran.code, &ran.error()["code"]), (1, &json!("store_corrupt")), "{what}: {ran}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "{what}");
    }
    fs::write(&file, &whole).unwrap();
    at(&world, &["whoami"]).run().await.ok();
}

/// A command in a process of its own, on a machine where nothing answers for a keyring.
#[cfg(all(unix, not(target_os = "macos")))]
async fn without_a_keyring(command: Command) -> Ran {
    let bus = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    command.without("JIRA_TOKEN_STORAGE").env(bus.0, bus.1).run_program().await
}

/// Item 153, changed: only a login chooses the file, and says so. A session that was kept in the keyring is never
/// looked for elsewhere: a locked keyring is not "not logged in". (With a keyring: tests/real/keyring_commands.rs.)
#[cfg(all(unix, not(target_os = "macos")))]
#[tokio::test]
async fn without_a_keyring_a_login_takes_the_file_if_it_has_a_password() {
    let world = World::new().await;
    let refused = without_a_keyring(login(&world).without("JIRA_MASTER_PASSWORD")).await;
    let refused = refused.failed(3, "master_password");
    assert!(refused.error()["message"].as_str().unwrap().contains("JIRA_MASTER_PASSWORD"), "{refused}");
    assert!(files(&world).is_empty());

    let taken = without_a_keyring(login(&world)).await.ok();
    assert_eq!(taken.json()["storage"], "file");
    assert!(!taken.stderr.is_empty(), "it says so");
    assert_eq!(without_a_keyring(at(&world, &["whoami"])).await.ok().json()["storage"], "file");

    let in_the_keyring = at(&world, &["whoami"]).env("JIRA_TOKEN_STORAGE", "keyring");
    let bus = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    in_the_keyring.env(bus.0, bus.1).run_program().await.failed(3, "keyring_absent");
}

/// Item 154, changed: a session has a file of its own, in a directory that this program is named after.
#[tokio::test]
async fn the_file_lies_in_the_users_configuration_directory() {
    let world = World::new().await;
    let home = world.home.path();
    let env = ["XDG_CONFIG_HOME", "APPDATA"].map(|name| (name, home.join("settings")));
    let elsewhere = |command: Command| {
        env.iter().fold(command.without("JIRA_CONFIG_DIR"), |command, (name, path)| command.env(name, path))
    };
    elsewhere(login(&world)).run().await.ok();
    let file = format!("sessions/{}.enc", sha256(world.jira.base_url(), "pat"));
    assert!(home.join("settings/jira-oauth").join(file).exists());
    assert!(files(&world).is_empty());
}

/// Item 155, changed: what go-jira stored is read and never written, because one session in two programs ends at
/// the next refresh of either.
#[tokio::test]
async fn a_session_of_go_jiras_is_taken_over_from_its_file() {
    let (world, tokens, path) = take_over::with_go_jira(take_over::FUTURE).await;
    let before = fs::read(&path).unwrap();
    let ran = take_over::take_over(&world, &[]).run().await.ok();
    let ran = ran.hides(&[&tokens.access_token, &tokens.refresh_token]);
    assert_eq!(
        (ran.json()["session"].clone(), ran.warnings()),
        (json!("ok"), vec!["go_jira_logged_out".to_owned()])
    );
    let me: Value = at(&world, &["whoami"]).run().await.ok().json();
    assert_eq!((&me["user"]["name"], &me["auth_mode"]), (&json!("developer"), &json!("oauth-storage")));
    assert_eq!(fs::read(&path).unwrap(), before);
}
