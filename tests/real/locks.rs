//! The lock between processes, and when its holder is killed (threat 1).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jira_oauth::auth::store::{LockDir, Mark, StoreKey};

use crate::support::{Running, mark_of_parent};

const DIR: &str = "JIRA_TEST_LOCKS";
const LONG: Duration = Duration::from_secs(60);

fn key() -> StoreKey {
    StoreKey::new("https://jira.example.com", "abc", None)
}

fn mark(pid: u32) -> Mark {
    Mark { refresh_fingerprint: "ab".repeat(32), at: "2026-01-02T03:04:05Z".parse().unwrap(), pid }
}

fn child(test: &str, dir: &tempfile::TempDir) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("locks::{test}"), "--nocapture"]).env(DIR, dir.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
async fn fifty_processes_are_in_one_after_another() {
    let dir = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..50).map(|_| Running(child("inside_one_of_fifty", &dir))).collect();
    for mut child in children {
        assert!(child.0.wait().unwrap().success());
    }
    let lock = LockDir::new(dir.path().join("locks")).acquire(&key(), Duration::ZERO).await.unwrap();
    assert_eq!(lock.mark(), Some(mark(50)), "each found what the one before had written");
}

#[tokio::test]
async fn inside_one_of_fifty() {
    let Some(dir) = mark_of_parent(DIR) else { return };
    let lock = LockDir::new(dir.join("locks")).acquire(&key(), LONG).await.unwrap();
    // Made by whoever is inside, and gone when he leaves.
    let sign = std::fs::OpenOptions::new().write(true).create_new(true).open(dir.join("inside")).unwrap();
    let before = lock.mark().map_or(0, |mark| mark.pid);
    lock.set_mark(&mark(before + 1)).unwrap();
    drop(sign);
    std::fs::remove_file(dir.join("inside")).unwrap();
}

#[tokio::test]
async fn a_killed_holder_leaves_the_lock_free_and_its_mark() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = child("inside_the_holder", &dir);
    let stdout = holder.stdout.take().unwrap();
    let holder = Running(holder);
    let ready = BufReader::new(stdout).lines().map(Result::unwrap).any(|line| line.contains("holding"));
    assert!(ready);
    let locks = LockDir::new(dir.path().join("locks"));
    locks.acquire(&key(), Duration::from_millis(50)).await.unwrap_err();
    // SIGKILL.
    drop(holder);
    let lock = locks.acquire(&key(), Duration::ZERO).await.unwrap();
    assert_eq!(lock.mark(), Some(mark(1)));
}

#[tokio::test]
async fn inside_the_holder() {
    let Some(dir) = mark_of_parent(DIR) else { return };
    let lock = LockDir::new(dir.join("locks")).acquire(&key(), LONG).await.unwrap();
    lock.set_mark(&mark(1)).unwrap();
    println!("holding");
    std::io::stdout().flush().unwrap();
    // Until it is killed, or its parent is gone.
    let _ = std::io::stdin().read_line(&mut String::new());
}
