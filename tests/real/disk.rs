//! A place that takes no write, and session files that somebody has touched (threats 3 and 17).

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::jira::{Age, Home};
use crate::support::served::Served;
use crate::support::{Real, left_out, runs};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Refused with the token unspent; with the obstacle away, the same session goes on.
async fn refused_before_the_token_is_spent(home: Home, obstacle: impl Fn(&Home, bool)) {
    let sandbox = Served::usual();
    home.log_in(&sandbox, Age::Stale).await;
    let home = home.of_nobody();
    let before = home.session_files();
    obstacle(&home, true);
    for command in [["whoami"].as_slice(), &["token", "refresh"]] {
        home.run(command).await.failed("store_unwritable", 1);
    }
    obstacle(&home, false);
    assert_eq!(sandbox.token_calls("refresh_token"), 0);
    assert_eq!(home.session_files(), before, "the session as it was, and no litter");
    assert_eq!(home.mark(), None);
    home.run(&["whoami"]).await.json();
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
}

#[tokio::test]
async fn a_read_only_directory_is_refused_before_the_token_is_spent() {
    if !runs(Real::OtherUser) {
        return;
    }
    refused_before_the_token_is_spent(Home::new(), |home, on| {
        set_mode(&home.sessions(), if on { 0o500 } else { 0o700 });
    })
    .await;
}

/// Without the lock a refresh could lose the session.
#[tokio::test]
async fn no_place_for_the_lock_is_refused_before_the_token_is_spent() {
    if !runs(Real::OtherUser) {
        return;
    }
    refused_before_the_token_is_spent(Home::new(), |home, on| {
        let locks = home.path().join(".local/state/jira-oauth/locks");
        let lock = fs::read_dir(&locks).unwrap().next().unwrap().unwrap().path();
        set_mode(&lock, if on { 0o400 } else { 0o600 });
    })
    .await;
}

/// `RLIMIT_FSIZE` would kill the process with SIGXFSZ in the middle of the save.
#[tokio::test]
async fn a_limit_on_file_sizes_is_refused_before_the_token_is_spent() {
    if !runs(Real::OtherUser) {
        return;
    }
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Stale).await;
    let home = home.of_nobody();
    let before = home.session_files();
    let limited = home.wrap(&["prlimit", "--fsize=1024"]);
    let done = limited.run(&["whoami"]).await;
    done.failed("store_unwritable", 1);
    assert!(done.error()["message"].as_str().unwrap().contains("File too large"), "{done:?}");
    assert_eq!(sandbox.token_calls("refresh_token"), 0);
    assert_eq!(limited.session_files(), before, "the session as it was, and no litter");
    // Not even a mark can be left: nothing is spent either.
    let nothing = limited.wrap(&["prlimit", "--fsize=0"]);
    assert_eq!(nothing.run(&["whoami"]).await.code, Some(1));
    assert_eq!(sandbox.token_calls("refresh_token"), 0);
}

#[tokio::test]
async fn a_full_disk_is_refused_before_the_token_is_spent() {
    if !Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success()) {
        left_out("a full disk, for which this machine allows no mount");
        return;
    }
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Stale).await;
    // In a file system of its own: the session as it is, and then not a byte of room.
    let script = r#"mount -t tmpfs -o size=64k,mode=700 tmpfs "$HOME/full" &&
        cp -a "$HOME/config/." "$HOME/full/" && { head -c 1M /dev/zero >"$HOME/full/filling"; :; } 2>/dev/null;
        "$@"; code=$?; ls -A "$HOME/full/sessions" >&2; cmp "$HOME"/config/sessions/* "$HOME"/full/sessions/* >&2;
        exit $code"#;
    fs::create_dir(home.path().join("full")).unwrap();
    let full = home.path().join("full").to_str().unwrap().to_owned();
    let home = home.env("JIRA_CONFIG_DIR", full).wrap(&["unshare", "-rm", "sh", "-c", script, "sh"]);
    let done = home.run(&["whoami"]).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    let mut lines = done.stderr.lines();
    let report: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(report["error"]["code"], "store_unwritable", "{done:?}");
    assert!(lines.next().unwrap().ends_with(".enc"), "{done:?}");
    assert_eq!(lines.next(), None, "no litter, and the session is unchanged: {done:?}");
    assert_eq!(sandbox.token_calls("refresh_token"), 0);
}

/// What is done to a session file, and what every command says to it then.
type Damage = (&'static str, &'static str, i32, fn(&Path));

const DAMAGES: [Damage; 6] = [
    ("one bit flipped", "store_corrupt", 1, |path| edit(path, |bytes| *bytes.last_mut().unwrap() ^= 1)),
    ("truncated", "store_corrupt", 1, |path| edit(path, |bytes| bytes.truncate(20))),
    ("empty", "store_corrupt", 1, |path| edit(path, Vec::clear)),
    ("another version", "store_corrupt", 1, |path| {
        edit(path, |bytes| {
            let version = bytes.iter().position(|byte| *byte < 32).unwrap();
            bytes[version] = 99;
        });
    }),
    ("readable by the group", "store_corrupt", 1, |path| set_mode(path, 0o640)),
    ("a link", "store_corrupt", 1, |path| {
        let elsewhere = path.with_file_name("elsewhere");
        fs::rename(path, &elsewhere).unwrap();
        symlink(elsewhere, path).unwrap();
    }),
];

fn edit(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_touched_session_file_is_a_distinct_error_and_stays_as_it_is() {
    let sandbox = Served::usual();
    for (what, code, exit, damage) in DAMAGES {
        let home = Home::new();
        home.log_in(&sandbox, Age::Stale).await;
        let name = home.session_files().into_keys().next().unwrap();
        damage(&home.sessions().join(&name));
        let before = home.session_files();
        for command in [["whoami"].as_slice(), &["token", "status"], &["token", "refresh"]] {
            let done = home.run(command).await;
            assert_eq!(
                (done.error()["code"].as_str(), done.code),
                (Some(code), Some(exit)),
                "{what}: {done:?}"
            );
        }
        assert_eq!(home.session_files(), before, "{what}");
        // There is always a way out.
        assert_eq!(home.run(&["logout"]).await.json()["removed"], true, "{what}");
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 0);
}

#[tokio::test]
async fn a_wrong_or_missing_master_password_is_said_and_nothing_is_touched() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Stale).await;
    let before = home.session_files();
    let home = home.env("JIRA_MASTER_PASSWORD", "another");
    let done = home.run(&["whoami"]).await;
    done.failed("master_password", 3);
    assert!(done.error()["message"].as_str().unwrap().contains("does not open"), "{done:?}");
    let home = home.without("JIRA_MASTER_PASSWORD");
    let done = home.run(&["whoami"]).await;
    done.failed("master_password", 3);
    assert!(done.error()["message"].as_str().unwrap().contains("JIRA_MASTER_PASSWORD_FILE"), "{done:?}");
    let file = home.path().join("password");
    fs::write(&file, format!("{}\n", crate::support::jira::MASTER_PASSWORD)).unwrap();
    assert_eq!(home.session_files(), before);
    assert_eq!(sandbox.token_calls("refresh_token"), 0);
    let home = home.env("JIRA_MASTER_PASSWORD_FILE", file.to_str().unwrap());
    home.run(&["whoami"]).await.json();
}
