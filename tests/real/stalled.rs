//! Whoever stops reading, or keeps a lock, holds up nothing but what is for them: the deadline, the signals and
//! the session that is being saved go on.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};

use jira_oauth::sandbox::{Action, Fault, Gate};
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::Signal;

use crate::support::jira::{Age, Home, Job, until, within};
use crate::support::served::Served;

const TOKEN: &str = "/rest/oauth2/latest/token";
/// What a pipe of Linux holds (pipe(7)).
const PIPE: usize = 64 * 1024;

/// A pipe that takes nothing more, as if its reader had stopped.
fn full() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(&[b'.'; PIPE]).unwrap();
    (reader, writer)
}

/// The command, with its stdout (1) or stderr (2) going into the pipe.
fn into_pipe(home: &Home, args: &[&str], stream: u8, writer: PipeWriter) -> Job {
    let mut command = home.command(args);
    match stream {
        1 => command.stdout(writer),
        _ => command.stderr(writer),
    };
    Job::start(&mut command)
}

#[tokio::test]
async fn a_deadline_ends_a_command_whose_result_nobody_reads() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    for args in [
        &["whoami", "--timeout=5s"][..],
        &["search", "--all", "--output=jsonl", "--jql=ORDER BY key", "--timeout=5s"],
    ] {
        let (_reader, writer) = full();
        let done = into_pipe(&home, args, 1, writer).done().await;
        done.failed("timeout", 7);
        // It was not Jira that took so long.
        assert!(sandbox.log().iter().any(|request| request.path.contains("/rest/api/2/")), "{done:?}");
        sandbox.clear_log();
    }
}

#[tokio::test]
async fn a_signal_ends_a_command_whose_result_nobody_reads() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        sandbox.clear_log();
        let (_reader, writer) = full();
        let args = ["search", "--all", "--output=jsonl", "--jql=ORDER BY key", "--fields=*all"];
        let job = into_pipe(&home, &args, 1, writer);
        within("the second page", sandbox.wait_for("/rest/api/2/search", 2)).await;
        job.signal(signal);
        assert_eq!(job.done().await.code, Some(code));
    }
}

/// The log is written between the steps of a refresh.
#[tokio::test]
async fn a_stalled_stderr_holds_up_neither_a_refresh_nor_the_end() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Stale).await;
    let gate = Gate::new();
    sandbox.faults().add(Fault::on(TOKEN, Action::ProcessThenHold(gate.clone())));
    let (_reader, writer) = full();
    let job = into_pipe(&home, &["whoami", "-vv"], 2, writer);
    within("the token call", gate.arrived(1)).await;
    job.signal(Signal::TERM);
    gate.release();
    assert_eq!(job.done().await.code, Some(143));
    assert_eq!(home.mark(), None);
    home.run(&["token", "refresh"]).await.json();
    assert_eq!(sandbox.token_calls("refresh_token"), 2);
}

#[tokio::test]
async fn a_failure_that_nobody_reads_is_an_exit_code() {
    let home = Home::new();
    let (_reader, writer) = full();
    let job = into_pipe(&home, &["get", "../x", "--base-url=http://localhost:1", "--timeout=1s"], 2, writer);
    assert_eq!(job.done().await.code, Some(2));
}

#[tokio::test]
async fn a_slow_reader_gets_everything_in_order() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let args = ["search", "--all", "--output=jsonl", "--jql=ORDER BY key", "--fields=*all"];
    let quick = home.run(&args).await;
    assert!(quick.code == Some(0) && quick.stdout.len() > 2 * PIPE, "{}", quick.stdout.len());
    sandbox.clear_log();
    let (mut reader, writer) = full();
    let job = into_pipe(&home, &args, 1, writer);
    within("the second page", sandbox.wait_for("/rest/api/2/search", 2)).await;
    let slow = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    let slow = within("all of it", slow).await.unwrap().unwrap();
    assert_eq!(job.done().await.code, Some(0));
    assert!(slow.strip_prefix(&".".repeat(PIPE)) == Some(&quick.stdout), "{} bytes", slow.len());
}

/// Somebody else's `site use` that hangs, or a debugger in it.
#[tokio::test]
async fn the_lock_of_the_sites_is_waited_for_within_the_deadline() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let held = File::create(home.config().join("config.toml.lock")).unwrap();
    held.lock().unwrap();
    home.run(&["site", "use", "sandbox", "--timeout=1s"]).await.failed("timeout", 7);
    drop(held);
    home.run(&["site", "use", "sandbox"]).await.json();
}

#[tokio::test]
async fn a_fifo_or_a_device_that_is_named_is_refused_at_once() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let fifo = home.path().join("fifo");
    mkfifoat(CWD, &fifo, Mode::from_raw_mode(0o600)).unwrap();
    let fifo = fifo.to_str().unwrap();
    for (path, what) in [(fifo, "is a pipe, not a file"), ("/dev/zero", "is a device, not a file")] {
        for flag in ["--env-file", "--ca-bundle"] {
            let done = home.run(&["whoami", flag, path]).await;
            done.failed("bad_value", 2);
            assert!(done.stderr.contains(&format!("flag {flag}: {path}: {what}")), "{done:?}");
        }
        for variable in ["JIRA_TOKEN", "JIRA_OAUTH_REFRESH_TOKEN", "JIRA_BROKER_TOKEN"] {
            let done = secret_in(&sandbox, variable, path).run(&["whoami"]).await;
            done.failed("bad_value", 2);
            assert!(
                done.stderr.contains(&format!("{variable}_FILE")) && done.stderr.contains(what),
                "{done:?}"
            );
        }
        let certificate = ["--callback-cert", path, "--callback-key", path, "--no-browser"];
        let done = home.run(&[&["login"], &certificate[..]].concat()).await;
        done.failed("bad_value", 2);
        assert!(done.stderr.contains(&format!("{path} {what}")), "{done:?}");
    }
}

/// Not as root, whom nothing is forbidden: the process is not dumpable, and opens `/dev/stdin` all the same.
#[tokio::test]
async fn a_secret_may_come_through_a_pipe_that_is_open() {
    // The pipe is its user's own, as a shell makes it.
    let piped = |home: Home| home.of_nobody().wrap(&["sh", "-c", r#"cat | "$0" "$@""#]);
    let sandbox = Served::usual();
    let token = sandbox.mint_pat("lead");
    let home = piped(secret_in(&sandbox, "JIRA_TOKEN", "/dev/stdin"));
    assert_eq!(home.run_with_stdin(&["whoami"], &token).await.json()["user"]["name"], "lead");
    let home = piped(Home::new().env("JIRA_BASE_URL", sandbox.base_url()));
    let file = format!("JIRA_TOKEN={token}\n");
    let done = home.run_with_stdin(&["whoami", "--env-file=/dev/stdin"], &file).await;
    assert_eq!(done.json()["user"]["name"], "lead");
    let done = home.run_with_stdin(&["whoami", "--env-file=/dev/stdin"], &"x".repeat(70_000)).await;
    done.failed("bad_value", 2);
    assert!(done.stderr.contains("larger than 64 KiB"), "{done:?}");
}

#[tokio::test]
async fn a_secret_that_does_not_come_is_waited_for_within_the_deadline() {
    let sandbox = Served::usual();
    let home = secret_in(&sandbox, "JIRA_TOKEN", "/dev/stdin");
    let (reader, _writer) = pipe().unwrap();
    let mut command = home.command(&["whoami", "--timeout=1s"]);
    Job::start(command.stdin(reader)).done().await.failed("timeout", 7);
    assert!(sandbox.log().is_empty());
}

fn secret_in(sandbox: &Served, variable: &str, path: &str) -> Home {
    let home =
        Home::new().env("JIRA_BASE_URL", sandbox.base_url()).env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id());
    home.env(&format!("{variable}_FILE"), path)
}

/// Done is done, whether somebody reads it or not: the same command must not simply be run again.
#[tokio::test]
async fn a_change_whose_result_nobody_reads_is_told_with_its_key() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    for strike in [None, Some((Signal::TERM, 143))] {
        sandbox.clear_log();
        let (_reader, writer) = full();
        // Long enough to get as far as the answer on a slow machine.
        let time: &[&str] = if strike.is_none() { &["--timeout=5s"] } else { &[] };
        let args = [&["create", "--project=GAIA", "--summary=x"][..], time].concat();
        let job = into_pipe(&home, &args, 1, writer);
        if let Some((signal, _)) = strike {
            // The result is on its way when it has been answered.
            until("the answer", || {
                sandbox.log().iter().any(|request| request.method == "POST").then_some(())
            })
            .await;
            job.signal(signal);
        }
        let done = job.done().await;
        let error = done.error();
        match (strike, error["code"].as_str()) {
            // The signal may be faster than the answer.
            (Some(_), Some("outcome_unknown")) => {}
            (_, code) => {
                assert_eq!(code, Some("output_unwritable"), "{done:?}");
                let key = error["details"]["result"]["key"].as_str().unwrap();
                assert_eq!(error["hint"], format!("jira get {key}"), "{done:?}");
            }
        }
        assert_eq!(
            (done.code, &error["retryable"]),
            (Some(strike.map_or(1, |(_, code)| code)), &false.into())
        );
    }
}
