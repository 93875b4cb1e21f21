//! E, the job: an injected refresh token, and where its successor goes.

use std::fs;
use std::path::{Path, PathBuf};

use jira_oauth::sandbox::Scope;

use crate::support::{Command, World};

/// A command of a job that was given this refresh token.
fn job(world: &World, token: &str, args: &[&str]) -> Command {
    let command = world.command(args).without("JIRA_MASTER_PASSWORD").env("CI", "true");
    let command = command.env("JIRA_BASE_URL", world.jira.base_url());
    command.env("JIRA_OAUTH_CLIENT_ID", world.jira.client_id()).env("JIRA_OAUTH_REFRESH_TOKEN", token)
}

fn output(command: Command, path: impl Into<PathBuf>) -> Command {
    command.env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", path.into())
}

fn injected(world: &World) -> String {
    world.jira.mint_session("release-manager", Scope::Write).refresh_token
}

/// Item 92, changed: the token is good once, so the first command of a job spends it for all of them.
#[tokio::test]
async fn an_injected_token_is_refreshed_first_and_its_successor_written() {
    let world = World::new().await;
    let (token, file) = (injected(&world), world.path("work/token"));
    for _ in 0..2 {
        let session = output(job(&world, &token, &["whoami"]), &file).run().await.ok().json();
        assert_eq!(
            (&session["auth_mode"], &session["user"]["name"]),
            (&"oauth-env".into(), &"release-manager".into())
        );
    }
    let paths: Vec<String> = world.jira.log().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/rest/oauth2/latest/token", "/rest/api/2/myself", "/rest/api/2/myself"]);
    assert_ne!(fs::read_to_string(&file).unwrap(), token);
}

/// Item 93.
#[tokio::test]
async fn an_injected_token_needs_a_base_url_and_a_client_id() {
    let world = World::new().await;
    let (token, file) = (injected(&world), world.path("work/token"));
    let whoami = || output(job(&world, &token, &["whoami"]), &file);
    let nowhere = whoami().without("JIRA_BASE_URL").run().await.failed(2, "no_base_url");
    assert!(nowhere.error()["message"].as_str().unwrap().contains("JIRA_BASE_URL"), "{nowhere}");
    let nobody = whoami().without("JIRA_OAUTH_CLIENT_ID").run().await.failed(2, "no_client_id");
    assert!(nobody.error()["message"].as_str().unwrap().contains("JIRA_OAUTH_CLIENT_ID"), "{nobody}");
    assert_eq!(world.requests(), [""; 0], "the token is not spent");
}

/// Item 103, changed: it is noticed before the token is spent; a stored session is handed to nobody.
#[tokio::test]
async fn a_successor_that_cannot_be_written_is_fatal_for_a_job_alone() {
    let world = World::new().await;
    let token = injected(&world);
    for place in [world.path("work"), "/dev/full".into()] {
        let ran = output(job(&world, &token, &["whoami"]), &place).run().await;
        ran.failed(1, "store_unwritable");
    }
    assert_eq!(world.requests(), [""; 0], "the token is not spent");
    let failing = job(&world, &token, &["whoami"]).env("JIRA_OAUTH_ROTATION_COMMAND", "exit 1");
    let failing = failing.env("RUNNER_TEMP", world.path("work")).run().await.failed(6, "rotation_pending");
    assert_eq!(
        world.requests(),
        ["POST /rest/oauth2/latest/token"],
        "no request with a token that may be lost: {failing}"
    );
    world.logged_in().await;
    let stored = output(world.command(&["token", "refresh"]), world.path("work")).run().await.ok();
    assert_eq!(stored.stderr, "");
    assert!(world.path("work").is_dir());
}

/// Item 104.
#[tokio::test]
async fn run_writes_exactly_the_rotated_token() {
    let world = World::new().await;
    let (token, file) = (injected(&world), world.path("work/token"));
    let run = ["run", "--ref", "GAIA-3", "--comment", "hello"];
    let ran = output(job(&world, &token, &run), &file).run().await.ok();
    let successor = fs::read_to_string(&file).unwrap();
    ran.hides(&[&successor, &token]);
    assert!(successor.chars().all(|c| c.is_ascii_graphic()), "one word, no newline: {successor:?}");
    assert_ne!(successor, token);
    // The next job lives on it.
    output(job(&world, &successor, &["whoami"]), &file).run().await.ok();
    assert_eq!(world.refreshes(), 2);
    assert_ne!(fs::read_to_string(&file).unwrap(), successor);
}

/// Item 105, changed: a code of the closed list says it, `refresh_token_spent`, and not a word of the protocol.
#[tokio::test]
async fn run_with_a_dead_token_is_exit_3() {
    let world = World::new().await;
    let (token, file) = (injected(&world), world.path("work/token"));
    world.jira.revoke_all();
    let ran = output(job(&world, &token, &["run", "--ref", "GAIA-3", "--comment", "x"]), &file).run().await;
    let ran = ran.failed(3, "refresh_token_spent").hides(&[&token]);
    assert_eq!((&ran.error()["kind"], &ran.error()["actor"]), (&"auth".into(), &"operator".into()));
    assert_eq!(world.requests(), ["POST /rest/oauth2/latest/token"]);
    assert!(!file.exists());
}

/// Item 106.
#[cfg(unix)]
#[tokio::test]
async fn the_file_is_private_whole_and_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    let directory = world.path("work/deep/er");
    let file = directory.join("token");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let mut token = injected(&world);
    for _ in 0..2 {
        output(job(&world, &token, &["whoami"]), &file).run().await.ok();
        let written = fs::read_to_string(&file).unwrap();
        assert_ne!(written, token);
        assert_eq!((mode(&file), mode(&directory), mode(directory.parent().unwrap())), (0o600, 0o700, 0o700));
        token = written;
    }
    let names =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strange: Vec<String> = names
        .filter(|name| name != "token" && name != ".jira-oauth-locks" && !name.ends_with(".sealed"))
        .collect();
    assert_eq!(strange, [""; 0], "no temporary file is left");
}

/// Item 107, changed: without its successor the next job would be dead, so that must be said aloud.
#[tokio::test]
async fn without_a_place_for_the_successor_the_token_is_not_spent() {
    let world = World::new().await;
    let token = injected(&world);
    let ran = job(&world, &token, &["run", "--ref", "GAIA-3"]).run().await;
    let ran = ran.failed(2, "rotation_target_missing");
    assert!(ran.error()["message"].as_str().unwrap().contains("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT"), "{ran}");
    assert_eq!(world.requests(), [""; 0]);
    let aloud = output(job(&world, &token, &["whoami"]), "none").env("RUNNER_TEMP", world.path("work"));
    aloud.run().await.ok();
    assert_eq!(world.refreshes(), 1);
}
