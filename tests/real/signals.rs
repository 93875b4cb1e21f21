//! What strikes while the answer of a refresh is on its way: the new pair is saved all the same (threat 2).

use jira_oauth::sandbox::{Action, Fault, Gate, Scope};
use rustix::process::Signal;

use crate::support::jira::{Age, Done, Home, until, within};
use crate::support::served::Served;

const TOKEN: &str = "/rest/oauth2/latest/token";

/// A refresh that Jira has done and not answered yet.
async fn with_a_slow_answer(
    home: &Home,
    sandbox: &Served,
    args: &[&str],
) -> (crate::support::jira::Job, Gate) {
    home.log_in(sandbox, Age::Stale).await;
    let gate = Gate::new();
    sandbox.faults().add(Fault::on(TOKEN, Action::ProcessThenHold(gate.clone())));
    let job = home.spawn(args);
    within("the token call", gate.arrived(1)).await;
    (job, gate)
}

async fn the_new_pair_is_there(home: &Home, sandbox: &Served) {
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
    assert_eq!(home.mark(), None);
    // Both the access token and the refresh token.
    assert_eq!(home.run(&["whoami"]).await.json()["user"]["name"], "developer");
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
    home.run(&["token", "refresh"]).await.json();
    assert_eq!(sandbox.token_calls("refresh_token"), 2);
}

async fn struck_by(signal: Signal, code: i32) {
    let sandbox = Served::usual();
    let home = Home::new();
    let (mut job, gate) = with_a_slow_answer(&home, &sandbox, &["whoami"]).await;
    job.signal(signal);
    job.stderr_says("saving the session").await;
    gate.release();
    let Done { code: found, stdout, .. } = job.done().await;
    assert_eq!((found, stdout.as_str()), (Some(code), ""));
    the_new_pair_is_there(&home, &sandbox).await;
}

#[tokio::test]
async fn a_refresh_that_is_interrupted_is_saved() {
    struck_by(Signal::INT, 130).await;
}

#[tokio::test]
async fn a_refresh_that_is_terminated_is_saved() {
    struck_by(Signal::TERM, 143).await;
}

#[tokio::test]
async fn a_refresh_whose_terminal_goes_away_is_saved() {
    struck_by(Signal::HUP, 129).await;
}

#[tokio::test]
async fn a_refresh_whose_time_is_up_is_saved() {
    let sandbox = Served::usual();
    let home = Home::new();
    // Long enough to get as far as the token call on a slow machine.
    let (mut job, gate) = with_a_slow_answer(&home, &sandbox, &["whoami", "--timeout=10s"]).await;
    job.stderr_says("saving the session").await;
    gate.release();
    let done = job.done().await;
    done.failed("timeout", 7);
    the_new_pair_is_there(&home, &sandbox).await;
}

/// Twice Ctrl-C is what an impatient person does.
#[tokio::test]
async fn a_second_signal_changes_nothing() {
    let sandbox = Served::usual();
    let home = Home::new();
    let (mut job, gate) = with_a_slow_answer(&home, &sandbox, &["whoami"]).await;
    job.signal(Signal::INT);
    job.stderr_says("saving the session").await;
    job.signal(Signal::INT);
    job.signal(Signal::TERM);
    gate.release();
    assert_eq!(job.done().await.code, Some(130), "the first one counts");
    the_new_pair_is_there(&home, &sandbox).await;
}

/// `nohup` and background jobs start with a signal ignored, and mean it.
#[tokio::test]
async fn an_ignored_signal_stays_ignored() {
    for (name, signal) in [("HUP", Signal::HUP), ("INT", Signal::INT)] {
        let sandbox = Served::usual();
        let home = Home::new().wrap(&["env", &format!("--ignore-signal={name}")]);
        let (job, gate) = with_a_slow_answer(&home, &sandbox, &["whoami"]).await;
        job.signal(signal);
        gate.release();
        assert_eq!(job.done().await.json()["user"]["name"], "developer", "{name}");
    }
}

/// Without a refresh on its way a signal ends the command at once.
#[tokio::test]
async fn a_signal_ends_a_command_that_waits_for_jira() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let sandbox = Served::usual();
        let home = Home::new();
        home.log_in(&sandbox, Age::Fresh).await;
        let gate = sandbox.faults().hold("/rest/api/2/myself");
        let job = home.spawn(&["whoami"]);
        within("the request", gate.arrived(1)).await;
        job.signal(signal);
        let done = job.done().await;
        assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(code), "", ""));
    }
}

/// `run` says what it knows, whatever ends it: a comment that was sent may be there.
#[tokio::test]
async fn a_run_that_is_cut_short_reports_first() {
    for strike in [Some((Signal::INT, 130)), Some((Signal::TERM, 143)), None] {
        let sandbox = Served::usual();
        let home = Home::new();
        home.log_in(&sandbox, Age::Fresh).await;
        let found = home.run(&["search", "--limit=1", "--jql", "project = GAIA"]).await.json();
        let key = found[0]["key"].as_str().unwrap();
        let gate = Gate::new();
        let comment =
            Fault::on(format!("/rest/api/2/issue/{key}/comment"), Action::ProcessThenHold(gate.clone()));
        sandbox.faults().add(comment.method(axum::http::Method::POST));
        // Long enough to get as far as the comment on a slow machine.
        let time: &[&str] = if strike.is_none() { &["--timeout=8s"] } else { &[] };
        let job = home.spawn(&[&["run", "--ref", key, "--comment", "built"][..], time].concat());
        within("the comment", gate.arrived(1)).await;
        if let Some((signal, _)) = strike {
            job.signal(signal);
        }
        let done = job.done().await;
        // The time that is up is the request's own failure: its outcome is not known.
        assert_eq!(done.code, Some(strike.map_or(6, |(_, code)| code)), "{done:?}");
        let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(report["issues"][0]["key"], key, "{done:?}");
        assert_eq!(report["issues"][0]["comment"]["result"], "unknown", "{done:?}");
    }
}

#[tokio::test]
async fn a_killed_refresh_before_the_call_leaves_the_session_as_it_was() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Stale).await;
    let before = home.session_files();
    let gate = sandbox.faults().hold(TOKEN);
    let job = home.spawn(&["whoami"]);
    within("the token call", gate.arrived(1)).await;
    job.signal(Signal::KILL);
    assert_eq!(job.done().await.code, None);
    let after = home.session_files();
    let old: Vec<_> = before.keys().collect();
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)), "{old:?}");
}

/// In CI the successor is the operator's: it is handed over before the end.
#[tokio::test]
async fn an_injected_token_that_is_being_spent_is_handed_over() {
    let sandbox = Served::usual();
    let (home, output) = job(&sandbox);
    let home = home.env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", output.to_str().unwrap());
    let gate = Gate::new();
    sandbox.faults().add(Fault::on(TOKEN, Action::ProcessThenHold(gate.clone())));
    let mut job = home.spawn(&["whoami"]);
    within("the token call", gate.arrived(1)).await;
    job.signal(Signal::TERM);
    job.stderr_says("saving the session").await;
    gate.release();
    assert_eq!(job.done().await.code, Some(143));
    let successor = std::fs::read_to_string(&output).unwrap();
    assert!(!successor.is_empty());
    home.run(&["whoami"]).await.json();
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
}

/// Killed between the saved pair and its handing over: the next command of the job hands over.
#[tokio::test]
async fn a_job_that_is_killed_while_handing_over_is_made_good_by_the_next_command() {
    let sandbox = Served::usual();
    let (home, output) = job(&sandbox);
    let started = home.path().join("started");
    // For as long as the one that started it is there; it must not hold that one's stderr open.
    let hang = "exec 2>/dev/null; : >started; while kill -0 $PPID; do sleep 0.05; done";
    let temp = home.path().to_str().unwrap().to_owned();
    let home = home
        .env("RUNNER_TEMP", temp)
        .env("JIRA_OAUTH_ROTATION_COMMAND", hang.replace("started", started.to_str().unwrap()));
    let job = home.spawn(&["whoami"]);
    until("the rotation command", || started.exists().then_some(())).await;
    job.signal(Signal::KILL);
    assert_eq!(job.done().await.code, None);
    // A command that fails is no better.
    let home = home.env("JIRA_OAUTH_ROTATION_COMMAND", "exit 1");
    home.run(&["whoami"]).await.failed("rotation_pending", 6);
    let home = home.env("JIRA_OAUTH_ROTATION_COMMAND", format!("cat >{}", output.display()));
    assert_eq!(home.run(&["whoami"]).await.json()["user"]["name"], "developer");
    assert_eq!(sandbox.token_calls("refresh_token"), 1, "the first command's pair is used");
    let successor = std::fs::read_to_string(&output).unwrap();
    let next = home.env("JIRA_OAUTH_REFRESH_TOKEN", successor);
    next.run(&["whoami"]).await.json();
    assert_eq!(sandbox.token_calls("refresh_token"), 2);
}

/// A CI job with an injected refresh token, and a file for its successor.
fn job(sandbox: &Served) -> (Home, std::path::PathBuf) {
    let tokens = sandbox.mint_session("developer", Scope::Write);
    let home = Home::new();
    let output = home.path().join("successor");
    let home = home
        .env("JIRA_BASE_URL", sandbox.base_url())
        .env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id())
        .env("JIRA_OAUTH_REFRESH_TOKEN", tokens.refresh_token);
    (home, output)
}

/// What ends the command while its rotation command is at work: the successor's fate is the last line.
async fn struck_while_handing_over(signal: Option<Signal>, code: i32) {
    let sandbox = Served::usual();
    let (home, output) = job(&sandbox);
    let (started, go) = (home.path().join("started"), home.path().join("go"));
    // It waits for as long as the one that started it is there, and then fails.
    let fails = format!(
        ": >{}; while [ ! -e {} ] && kill -0 $PPID; do sleep 0.05; done; exit 9",
        started.display(),
        go.display()
    );
    let home = home
        .env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", output.to_str().unwrap())
        .env("JIRA_OAUTH_ROTATION_COMMAND", fails);
    let args = match signal {
        Some(_) => &["whoami"][..],
        // Long enough to get as far as the rotation command on a slow machine.
        None => &["whoami", "--timeout=8s"],
    };
    let mut job = home.spawn(args);
    until("the rotation command", || started.exists().then_some(())).await;
    if let Some(signal) = signal {
        job.signal(signal);
    }
    job.stderr_says("saving the session").await;
    // The kernel tells whom a terminal has left, and so does the shell.
    if signal == Some(Signal::HUP) {
        job.signal(Signal::HUP);
    }
    std::fs::write(go, "").unwrap();
    let done = job.done().await;
    done.failed("rotation_pending", code);
    let error = done.error();
    assert_eq!(error["details"]["refresh_token_output"], output.to_str().unwrap(), "{error}");
    let sealed = error["details"]["sealed"].as_str().unwrap();
    assert!(std::path::Path::new(sealed).is_file(), "{error}");
    assert!(error["message"].as_str().unwrap().contains("exit status: 9"), "{error}");
    // The next command hands over again.
    let again = home.path().join("again");
    let home = home.env("JIRA_OAUTH_ROTATION_COMMAND", format!("cat >{}", again.display()));
    home.run(&["whoami"]).await.json();
    assert_eq!(std::fs::read(again).unwrap(), std::fs::read(output).unwrap());
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
}

#[tokio::test]
async fn a_job_that_is_interrupted_while_its_rotation_command_fails_says_what_is_pending() {
    struck_while_handing_over(Some(Signal::INT), 130).await;
}

#[tokio::test]
async fn a_job_that_is_terminated_while_its_rotation_command_fails_says_what_is_pending() {
    struck_while_handing_over(Some(Signal::TERM), 143).await;
}

#[tokio::test]
async fn a_job_whose_terminal_goes_away_while_its_rotation_command_fails_says_what_is_pending() {
    struck_while_handing_over(Some(Signal::HUP), 129).await;
}

#[tokio::test]
async fn a_job_whose_time_is_up_while_its_rotation_command_fails_says_what_is_pending() {
    struck_while_handing_over(None, 6).await;
}

/// A rotation command that hangs is waited for after the first signal, not after one that comes a while later; and
/// it goes with its children, one of which would keep the step that reads our stderr waiting.
#[tokio::test]
async fn a_rotation_command_that_hangs_ends_with_the_second_signal_and_with_its_children() {
    let sandbox = Served::usual();
    let (home, _) = job(&sandbox);
    let child = home.path().join("child");
    let temp = home.path().to_str().unwrap().to_owned();
    let hangs = format!("sleep 100000 & echo $! >{0}.new; mv {0}.new {0}; wait", child.display());
    let home = home.env("RUNNER_TEMP", temp).env("JIRA_OAUTH_ROTATION_COMMAND", hangs);
    // The second command finds what the first one could not hand over.
    for command in 1..=2 {
        let mut job = home.spawn(&["whoami"]);
        let pid = until("the child", || std::fs::read_to_string(&child).ok()).await;
        job.signal(Signal::INT);
        job.stderr_says("saving the session").await;
        // One that comes at once is the first one, sent twice.
        until("the end", || {
            let ended = job.child.try_wait().unwrap().map(drop);
            if ended.is_none() {
                job.signal(Signal::TERM);
            }
            ended
        })
        .await;
        let done = job.done().await;
        done.failed("rotation_pending", 130);
        let sealed = done.error()["details"]["sealed"].as_str().unwrap().to_owned();
        assert!(std::path::Path::new(&sealed).is_file(), "command {command}: {done:?}");
        // Gone, or dead and not yet waited for by whoever inherited it.
        let cmdline = format!("/proc/{}/cmdline", pid.trim());
        until("the child's end", || std::fs::read(&cmdline).unwrap_or_default().is_empty().then_some(()))
            .await;
        std::fs::remove_file(&child).unwrap();
    }
    let home = home.env("JIRA_OAUTH_ROTATION_COMMAND", "cat >/dev/null");
    home.run(&["whoami"]).await.json();
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
}
