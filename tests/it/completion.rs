//! Completion: what commands have seen is offered, and nothing else is asked or shown. The scripts themselves run in
//! `tests/real/shells.rs`.

use std::fs;
use std::path::PathBuf;

use crate::support::{Evil, World};

fn cache(world: &World) -> PathBuf {
    world.path(".cache/jira-oauth")
}

fn files(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(cache(world)).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The words that are offered for the last word of a line.
async fn offered(world: &World, line: &[&str]) -> Vec<String> {
    let at = (line.len() - 1).to_string();
    let ran = world.command(&[&["__complete", &at], line].concat()).run().await.ok();
    assert_eq!(ran.stderr, "", "{ran}");
    ran.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_was_seen_is_offered_without_a_request() {
    let world = World::new().await;
    world.logged_in().await;
    assert!(offered(&world, &["get", "GA"]).await.is_empty());
    world.run(&["search", "key in (GAIA-1, GAIA-2) ORDER BY key"]).await.ok();
    world.run(&["get", "GAIA-3", "--expand", "transitions"]).await.ok();
    let requests = world.requests().len();
    assert_eq!(offered(&world, &["get", "ga"]).await, ["GAIA-1", "GAIA-2", "GAIA-3"]);
    assert!(!offered(&world, &["run", "--to-transition", ""]).await.is_empty());
    assert_eq!(offered(&world, &["run", "--projects", ""]).await, ["GAIA"]);
    assert_eq!(offered(&world, &["site", "use", ""]).await, ["sandbox"]);
    assert_eq!(offered(&world, &["tok"]).await, ["token"]);
    assert_eq!(world.requests().len(), requests);
    let elsewhere = offered(&world, &["--base-url", "https://other.example.com", "get", "GA"]).await;
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

#[tokio::test]
async fn boards_link_types_and_new_issues_are_seen_too() {
    let world = World::new().await;
    world.logged_in().await;
    world.run(&["boards", "--project", "WEB"]).await.ok();
    world.run(&["link", "--from", "GAIA-1", "--to", "WEB-9", "--link-type", "blocks"]).await.ok();
    let key = world.run(&["create", "--project", "OPS", "--summary", "x"]).await.ok().json()["key"].clone();
    assert_eq!(offered(&world, &["sprints", "--board-id", ""]).await, ["2"]);
    assert_eq!(offered(&world, &["link", "--link-type", ""]).await, ["Blocks"]);
    assert_eq!(offered(&world, &["get", "OPS"]).await, [key.as_str().unwrap()]);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_the_users_alone_and_logout_removes_it() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    world.logged_in().await;
    world.run(&["get", "GAIA-1"]).await.ok();
    let mode = |path: &PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    let written = files(&world);
    assert_eq!((written.len(), mode(&written[0]), mode(&cache(&world))), (1, 0o600, 0o700));
    world.run(&["logout"]).await.ok();
    assert!(files(&world).is_empty());
}

#[tokio::test]
async fn nothing_is_kept_where_nobody_completes() {
    let world = World::new().await;
    world.logged_in().await;
    for (name, value) in [("CI", "true"), ("CLAUDECODE", "1"), ("JIRA_NO_CACHE", "1")] {
        world.command(&["get", "GAIA-1"]).env(name, value).run().await.ok();
        assert!(files(&world).is_empty(), "{name}");
    }
    world.with_token(&["get", "GAIA-1"]).run().await.ok();
    assert!(files(&world).is_empty(), "a credential of the environment");
    world.run(&["get", "GAIA-1"]).await.ok();
    let asked = world.command(&["__complete", "1", "get", "GA"]).env("JIRA_NO_CACHE", "1").run().await.ok();
    assert_eq!(asked.stdout, "");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_or_read_is_no_failure() {
    let world = World::new().await;
    world.logged_in().await;
    fs::write(world.path(".cache"), "a file in its place").unwrap();
    let ran = world.run(&["get", "GAIA-1"]).await.ok();
    assert_eq!(ran.stderr, "");
    fs::remove_file(world.path(".cache")).unwrap();
    world.run(&["get", "GAIA-1"]).await.ok();
    let file = files(&world).remove(0);
    for text in ["", "{", "[1]", r#"{"keys":{"$(id)":1772600767,"GAIA-1\u001b[2J":1772600767}}"#] {
        fs::write(&file, text).unwrap();
        assert!(offered(&world, &["get", ""]).await.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn names_that_are_no_names_are_not_offered() {
    let world = World::new().await;
    world.logged_in().await;
    world.run(&["get", "GAIA-1"]).await.ok();
    let file = files(&world).remove(0);
    let at = world.now().as_second();
    let text = format!(
        r#"{{"transitions":{{"In Progress":{at},"`id`":{at},"a\u0007":{at},"x\u202e":{at},"Won't do":{at}}}}}"#
    );
    fs::write(&file, text).unwrap();
    assert_eq!(offered(&world, &["run", "--to-transition", ""]).await, ["In Progress", "Won't do"]);
}

#[tokio::test]
async fn nothing_that_is_asked_amiss_makes_noise() {
    let world = World::new().await;
    let evil = Evil::start().await;
    for line in [&["__complete"][..], &["__complete", "x"], &["__complete", "9", "get"], &["__complete", "0"]]
    {
        let ran = world.command(line).env("JIRA_BASE_URL", evil.url()).run().await;
        assert_eq!(ran.stderr, "", "{line:?}");
    }
    fs::write(world.config_dir().join("config.toml"), "no = [toml").unwrap();
    assert!(offered(&world, &["get", ""]).await.is_empty());
    evil.saw_nothing().await;
}

#[tokio::test]
async fn every_shell_has_a_script_and_an_unknown_one_is_refused() {
    let world = World::new().await;
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = world.run(&["completion", shell]).await.ok();
        assert!(script.stdout.contains("jira __complete") && script.stderr.is_empty(), "{script}");
        let json = world.run(&["completion", shell, "--output", "json"]).await.ok().json();
        assert_eq!(json.as_str().unwrap().trim_end(), script.stdout.trim_end());
    }
    world.run(&["completion", "tcsh"]).await.failed(2, "bad_value");
    world.run(&["completion"]).await.failed(2, "bad_flag");
    world.run(&["completion", "bash\x07"]).await.failed(2, "control_character");
}
