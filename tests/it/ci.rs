//! A CI job: many commands, one injected refresh token, one token call, and a successor that gets where it
//! belongs (threats 21 and 31).

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use jira_oauth::sandbox::{Action, Fault, Scope, Tokens};
use serde_json::json;

use crate::support::{PASSWORD, World};

/// A job with its injected token.
struct Job {
    world: World,
    tokens: Tokens,
}

impl Job {
    async fn new() -> Job {
        let world = World::new().await;
        let tokens = world.jira.mint_session("release-manager", Scope::Write);
        Job { world, tokens }
    }

    /// A command of it, without a place for the successor.
    fn command(&self, args: &[&str]) -> crate::support::Command {
        let command = self.world.command(args).without("JIRA_MASTER_PASSWORD").env("CI", "true");
        command
            .env("JIRA_BASE_URL", self.world.jira.base_url())
            .env("JIRA_OAUTH_CLIENT_ID", self.world.jira.client_id())
            .env("JIRA_OAUTH_REFRESH_TOKEN", &self.tokens.refresh_token)
    }

    /// The same with the file `output` for the successor.
    fn with_file(&self, args: &[&str]) -> crate::support::Command {
        self.command(args).env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", self.world.path("work/output"))
    }

    fn successor(&self) -> String {
        fs::read_to_string(self.world.path("work/output")).unwrap()
    }

    /// Whether the injected token is still good.
    async fn is_unspent(&self) -> bool {
        self.world.requests().is_empty()
    }
}

fn files(directory: &Path) -> Vec<String> {
    let names =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn parallel_and_serial_commands_of_a_job_make_one_token_call() {
    let job = Job::new().await;
    for ran in join_all((0..10).map(|_| job.with_file(&["whoami"]).run())).await {
        assert_eq!(ran.ok().json()["user"]["name"], "release-manager");
    }
    let first = job.successor();
    for _ in 0..3 {
        let session =
            job.with_file(&["whoami"]).run().await.ok().hides(&[&first, &job.tokens.refresh_token]).json();
        assert_eq!((&session["auth_mode"], &session["storage"]), (&json!("oauth-env"), &json!("sealed")));
    }
    assert_eq!(job.world.refreshes(), 1);
    assert_eq!(job.successor(), first);
    assert_eq!(first, first.trim(), "no newline");
    assert_ne!(first, job.tokens.refresh_token);
    // The next job is given the successor.
    let next = Job { tokens: Tokens { refresh_token: first, ..job.tokens.clone() }, world: job.world };
    next.with_file(&["whoami"]).run().await.ok();
    assert_eq!(next.world.refreshes(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn the_successors_file_is_its_owners_alone_and_whole() {
    use std::os::unix::fs::PermissionsExt;
    let job = Job::new().await;
    let output = job.world.path("work/output");
    fs::write(&output, "an old token that is much longer than a new one".repeat(20)).unwrap();
    fs::set_permissions(&output, fs::Permissions::from_mode(0o644)).unwrap();
    job.with_file(&["whoami"]).run().await.ok();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&output), 0o600);
    let successor = job.successor();
    assert_eq!(successor.split('.').count(), 3, "one token and nothing else: {successor}");
    let names = files(&job.world.path("work"));
    let sealed: Vec<_> = names.iter().filter(|name| name.ends_with(".sealed")).collect();
    assert_eq!(sealed.len(), 1, "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".tmp")), "nothing is left lying about: {names:?}");
    let sealed = job.world.path("work").join(sealed[0]);
    assert_eq!(mode(&sealed), 0o600);
    let bytes = fs::read(&sealed).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(&successor));
    assert!(!String::from_utf8_lossy(&bytes).contains("access_token"));
}

#[tokio::test]
async fn every_later_rotation_is_handed_over_again() {
    let job = Job::new().await;
    let mut seen = vec![];
    for call in 1..=3 {
        job.with_file(&["whoami"]).run().await.ok();
        assert_eq!(job.world.refreshes(), call);
        assert!(!seen.contains(&job.successor()));
        seen.push(job.successor());
        job.world.advance(Duration::from_secs(3600));
    }
    job.with_file(&["token", "refresh"]).run().await.ok();
    assert!(!seen.contains(&job.successor()));
}

#[tokio::test]
async fn the_rotation_command_gets_the_successor_on_stdin_and_no_secret_besides() {
    let job = Job::new().await;
    let (stdin, environment) = (job.world.path("work/stdin"), job.world.path("work/environment"));
    let script = format!("cat > '{}'; env > '{}'; echo noise", stdin.display(), environment.display());
    let ran = job
        .with_file(&["whoami", "--rotation-command", &script])
        .env("JIRA_MASTER_PASSWORD", PASSWORD)
        .env("JIRA_BROKER_TOKEN", "canary")
        .env("JIRA_OAUTH_CLIENT_SECRET", "canary")
        .env("OURS_NOT", "passed on");
    assert!(ran.run().await.ok().json().is_object(), "what the command says is not the result");
    assert_eq!(fs::read_to_string(stdin).unwrap(), job.successor());
    let environment = fs::read_to_string(environment).unwrap();
    assert!(environment.contains("OURS_NOT=passed on"));
    for secret in [&job.tokens.refresh_token, &job.successor(), PASSWORD, "canary"] {
        assert!(!environment.contains(secret), "{environment}");
    }
}

#[tokio::test]
async fn a_successor_that_was_not_taken_is_delivered_by_the_next_command() {
    let job = Job::new().await;
    let taken = job.world.path("work/taken");
    let script = |exit: u8| format!("cat > '{}'; exit {exit}", taken.display());
    let command = |exit: u8| job.command(&["whoami"]).env("JIRA_OAUTH_ROTATION_COMMAND", script(exit));
    let failed =
        command(3).env("RUNNER_TEMP", job.world.path("work")).run().await.failed(6, "rotation_pending");
    assert!(!failed.stderr.contains(&fs::read_to_string(&taken).unwrap()), "{failed}");
    assert_eq!(job.world.requests().len(), 1, "fatal before the first request to Jira's API");
    let again = command(3).env("RUNNER_TEMP", job.world.path("work")).run().await;
    again.failed(6, "rotation_pending");
    let first = fs::read_to_string(&taken).unwrap();
    fs::remove_file(&taken).unwrap();
    command(0).env("RUNNER_TEMP", job.world.path("work")).run().await.ok();
    assert_eq!(fs::read_to_string(&taken).unwrap(), first);
    assert_eq!(job.world.refreshes(), 1);
    fs::remove_file(&taken).unwrap();
    command(0).env("RUNNER_TEMP", job.world.path("work")).run().await.ok();
    assert!(!taken.exists(), "delivered once");
}

/// The successor is the first thing that whoever runs the job must know, whatever became of the command.
#[tokio::test]
async fn a_successor_that_is_not_handed_over_later_is_said_before_everything_else() {
    let job = Job::new().await;
    let taken = job.world.path("work/taken");
    // It takes one successor, and not the next.
    let once = format!("[ ! -e '{0}' ] && : >'{0}'", taken.display());
    let command = |args: &[&str]| job.with_file(args).env("JIRA_OAUTH_ROTATION_COMMAND", &once);
    let dead = Action::Respond {
        status: http::StatusCode::UNAUTHORIZED,
        headers: vec![
            ("x-ausername".into(), "anonymous".into()),
            ("content-type".into(), "application/json".into()),
        ],
        body: "{}".into(),
    };
    let pending = |ran: crate::support::Ran| {
        let ran = ran.failed(6, "rotation_pending");
        let sealed = ran.error()["details"]["sealed"].as_str().unwrap().to_owned();
        assert!(Path::new(&sealed).is_file(), "{ran}");
        ran.json()["issues"][0].clone()
    };
    command(&["whoami"]).run().await.ok();
    // Nothing was to be done, and the look at the statuses is no reason to fail.
    job.world.jira.faults().add(Fault::on("/rest/api/2/status", dead.clone()));
    let idle = ["run", "--ref=GAIA-12", "--from-status=Nowhere", "--comment=x"];
    assert_eq!(pending(command(&idle).run().await)["comment"]["result"], "skipped");
    // Half of it is done.
    fs::remove_file(&taken).unwrap();
    let comment = Fault::on("/rest/api/2/issue/GAIA-12/comment", dead).method(http::Method::POST);
    job.world.jira.faults().add(comment);
    let half = ["run", "--ref=GAIA-12", "--assignee=lead", "--comment=x"];
    assert_eq!(pending(command(&half).run().await)["assignee"]["result"], "done");
    // What was owed and is handed over is not owed any more.
    fs::remove_file(&taken).unwrap();
    command(&["whoami"]).run().await.ok();
    assert_eq!(job.world.refreshes(), 3);
}

#[tokio::test]
async fn a_failing_command_names_the_file_that_was_written() {
    let job = Job::new().await;
    let ran = job.with_file(&["whoami", "--rotation-command", "exit 9"]).run().await;
    let ran = ran.failed(6, "rotation_pending").hides(&[job.successor()]);
    let output = job.world.path("work/output");
    assert_eq!(ran.error()["details"]["refresh_token_output"], output.to_str().unwrap());
    let absent = job.with_file(&["whoami", "--rotation-command", "/nonexistent/command"]).run().await;
    absent.failed(6, "rotation_pending");
}

#[tokio::test]
async fn a_job_whose_token_may_only_read_is_told_so_by_the_first_command_too() {
    let world = World::new().await;
    let tokens = world.jira.mint_session("developer", Scope::Read);
    let job = Job { world, tokens };
    let transition = ["run", "--ref", "GAIA-12", "--to-transition", "Done"];
    for dry in [&[][..], &["--dry-run"]] {
        let ran = job.with_file(&[&transition, dry].concat()).run().await.failed(3, "scope_missing");
        assert_eq!(ran.json()["issues"][0]["transition"]["result"], "skipped");
        // No login helps a job.
        let error = ran.error();
        assert_eq!((&error["actor"], &error["hint"]), (&json!("operator"), &json!(null)), "{ran}");
    }
    let create = job.with_file(&["create", "--project=GAIA", "--summary=x"]).run().await;
    let error = create.failed(3, "scope_missing").error();
    assert_eq!((&error["actor"], &error["hint"]), (&json!("operator"), &json!(null)), "{error}");
    let posts = job.world.requests().into_iter().filter(|request| request.starts_with("POST"));
    assert_eq!(posts.collect::<Vec<_>>(), ["POST /rest/oauth2/latest/token", "POST /rest/api/2/issue"]);
}

#[tokio::test]
async fn a_job_may_say_that_the_successor_may_be_lost() {
    let job = Job::new().await;
    let whoami = || job.command(&["whoami"]).env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", "none");
    whoami().env("RUNNER_TEMP", job.world.path("work")).run().await.ok();
    whoami().env("RUNNER_TEMP", job.world.path("work")).run().await.ok();
    assert_eq!(job.world.refreshes(), 1);
    assert!(files(&job.world.path("work")).iter().any(|name| name.ends_with(".sealed")));
}

#[tokio::test]
async fn without_a_place_for_the_successor_the_token_is_not_spent() {
    let job = Job::new().await;
    for args in [&["whoami"][..], &["token", "refresh"], &["get", "GAIA-1"]] {
        job.command(args).run().await.failed(2, "rotation_target_missing");
    }
    assert!(job.is_unspent().await);
    let status = job.command(&["token", "status"]).run().await.ok();
    assert_eq!(status.json()["auth_mode"], "oauth-env");
    assert_eq!(status.json()["session"], "none");
    assert_eq!(status.warnings(), ["rotation_target_missing"]);
    job.command(&["token", "status", "--check"]).run().await.failed(2, "rotation_target_missing");
}

#[tokio::test]
async fn token_status_opens_what_the_job_has_sealed_and_spends_nothing() {
    let job = Job::new().await;
    let status = async || job.with_file(&["token", "status", "--check"]).run().await;
    let unspent = status().await.ok().json();
    assert_eq!((&unspent["session"], &unspent["storage"]), (&json!("stale"), &json!(null)));
    assert!(job.is_unspent().await);
    job.with_file(&["whoami"]).run().await.ok();
    let requests = job.world.requests().len();
    let ok = status().await.ok().hides(&[&job.successor(), &job.tokens.refresh_token]).json();
    assert_eq!((&ok["session"], &ok["storage"]), (&json!("ok"), &json!("sealed")));
    assert_eq!(ok["source"], "env JIRA_OAUTH_REFRESH_TOKEN");
    job.world.advance(Duration::from_secs(3600));
    assert_eq!(status().await.ok().json()["session"], "stale");
    assert_eq!(job.world.requests().len(), requests, "no network");
    let half = job.world.command(&["token", "status"]).env("JIRA_USERNAME", "ann").run().await;
    half.failed(2, "bad_value");
}

#[cfg(unix)]
#[tokio::test]
async fn a_place_that_takes_nothing_is_noticed_before_the_token_is_spent() {
    let job = Job::new().await;
    let precious = job.world.path("work/precious");
    fs::write(&precious, "precious").unwrap();
    let place = |name: &str| job.world.path("work").join(name);
    std::os::unix::fs::symlink(&precious, place("link")).unwrap();
    std::os::unix::fs::symlink("/nonexistent", place("dangling")).unwrap();
    fs::create_dir(place("directory")).unwrap();
    for name in ["link", "dangling", "directory", "precious/below", "/dev/full", "/proc/nothing/here"] {
        let ran = job.command(&["whoami"]).env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", place(name)).run().await;
        let error = ran.error();
        assert_eq!((ran.code, error["code"].as_str()), (1, Some("store_unwritable")), "{name}: {ran}");
        assert!(job.is_unspent().await, "{name}");
    }
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(place("link").is_symlink() && place("dangling").is_symlink() && place("directory").is_dir());
    job.with_file(&["whoami"]).run().await.ok();
}

#[tokio::test]
async fn a_token_of_several_lines_is_refused_and_not_shown() {
    let job = Job::new().await;
    for token in ["canary\ncanary", "canary\r\nX-Evil: 1", "canary\u{1b}[2J"] {
        let ran = job.with_file(&["whoami"]).env("JIRA_OAUTH_REFRESH_TOKEN", token).run().await;
        ran.failed(2, "control_character").hides(&["canary"]);
    }
    assert!(job.is_unspent().await);
}

#[tokio::test]
async fn a_spent_token_is_the_operators_business_and_remembered() {
    let job = Job::new().await;
    job.world.jira.revoke_all();
    let ran = job.with_file(&["whoami"]).run().await.failed(3, "refresh_token_spent");
    assert_eq!(ran.error()["actor"], "operator");
    assert_eq!(job.world.refreshes(), 1);
    job.with_file(&["whoami"]).run().await.failed(3, "refresh_token_spent");
    assert_eq!(job.world.refreshes(), 1, "the refusal is remembered");
    assert!(!job.world.path("work/output").exists());
}

#[tokio::test]
async fn an_injected_token_needs_its_client_and_may_come_from_a_file() {
    let job = Job::new().await;
    job.with_file(&["whoami"]).without("JIRA_OAUTH_CLIENT_ID").run().await.failed(2, "no_client_id");
    assert!(job.is_unspent().await);
    let file = job.world.path("work/token");
    fs::write(&file, format!("{}\n", job.tokens.refresh_token)).unwrap();
    let from_file = job.with_file(&["whoami"]).without("JIRA_OAUTH_REFRESH_TOKEN");
    from_file.env("JIRA_OAUTH_REFRESH_TOKEN_FILE", &file).run().await.ok();
    job.with_file(&["whoami"]).run().await.ok();
    assert_eq!(job.world.refreshes(), 1, "the same token, however it came");
}

#[tokio::test]
async fn a_sealed_file_that_was_tampered_with_is_not_believed() {
    let job = Job::new().await;
    job.with_file(&["whoami"]).run().await.ok();
    let directory = job.world.path("work");
    let name = files(&directory).into_iter().find(|name| name.ends_with(".sealed")).unwrap();
    let path = directory.join(name);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    job.world.jira.clear_log();
    job.with_file(&["whoami"]).run().await.failed(1, "store_corrupt");
    assert!(job.is_unspent().await);
    assert_eq!(fs::read(&path).unwrap(), bytes, "left as it is");
}
