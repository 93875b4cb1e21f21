//! Many processes with one session whose access token has expired (threat 1).

use jira_oauth::sandbox::{Action, Fault, Gate, Options, Scope};
use rustix::process::Signal;

use crate::support::door::Door;
use crate::support::jira::{Age, Done, Home, Job, until, within};
use crate::support::served::Served;

const TOKEN: &str = "/rest/oauth2/latest/token";

fn whoami(home: &Home, times: usize) -> Vec<Job> {
    // Fifty key derivations on two cores take their time.
    (0..times).map(|_| home.spawn(&["whoami", "--timeout=170s"])).collect()
}

async fn ends(jobs: Vec<Job>) -> Vec<Done> {
    let mut ends = Vec::new();
    for job in jobs {
        ends.push(job.done().await);
    }
    ends
}

/// Takes the process that holds the lock, as its mark says, out of the jobs, and kills it.
async fn kill_the_holder(home: &Home, jobs: &mut Vec<Job>) {
    let mark = until("the mark", || home.mark()).await;
    let position = jobs.iter().position(|job| job.pid() == mark.pid).expect("one of ours has the lock");
    let holder = jobs.remove(position);
    holder.signal(Signal::KILL);
    assert_eq!(holder.done().await.code, None, "it was killed");
}

#[tokio::test]
async fn fifty_processes_with_one_expired_token_make_one_token_call() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Stale).await;
    for done in ends(whoami(&home, 50)).await {
        let me = done.json();
        assert_eq!((&me["user"]["name"], &me["session"]), (&"developer".into(), &"ok".into()));
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
    assert_eq!(home.mark(), None);
    home.run(&["token", "refresh"]).await.json();
    assert_eq!(home.session_files().len(), 1, "the session is intact, and nothing lies beside it");
}

/// The same when the clock says nothing and Jira does: an access token that was revoked.
#[tokio::test]
async fn processes_whose_token_jira_rejects_make_one_token_call() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    sandbox.expire_access_tokens();
    for done in ends(whoami(&home, 20)).await {
        assert_eq!(done.json()["user"]["name"], "developer");
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
}

#[tokio::test]
async fn a_holder_killed_before_its_request_arrives_costs_nothing() {
    let sandbox = Served::usual();
    let home = Home::new();
    let door = Door::before(sandbox.base_url(), 1);
    home.log_in_at(&sandbox, &door.url, Age::Stale).await;
    let mut jobs = whoami(&home, 50);
    // The others are at the lock, so this can only be its holder.
    within("the first connection", door.knocked(1)).await;
    kill_the_holder(&home, &mut jobs).await;
    for done in ends(jobs).await {
        assert_eq!(done.json()["user"]["name"], "developer");
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
    assert_eq!(home.mark(), None);
}

#[tokio::test]
async fn a_holder_killed_after_its_request_ends_the_session_and_the_others_say_why() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Stale).await;
    let gate = Gate::new();
    sandbox.faults().add(Fault::on(TOKEN, Action::ProcessThenHold(gate.clone())));
    let mut jobs = whoami(&home, 50);
    within("the token call", gate.arrived(1)).await;
    let interrupted = until("the mark", || home.mark()).await.at;
    kill_the_holder(&home, &mut jobs).await;
    gate.release();
    for done in ends(jobs).await {
        done.failed("session_ended", 3);
        let message = done.error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("interrupted") && message.contains(&interrupted.to_string()), "{message}");
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 2, "one is refused, and the others remember it");
    // A login mends it.
    home.log_in(&sandbox, Age::Stale).await;
    assert_eq!(home.run(&["whoami"]).await.json()["user"]["name"], "developer");
}

/// Jira kills the access token that they are paging with; each finds the new one and goes on where it was.
#[tokio::test]
async fn a_refresh_while_twenty_searches_run_costs_none_of_them_an_issue() {
    let sandbox = Served::start(Options { issues: 60, page_cap: 2, ..Options::default() });
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let count = home.run(&["search", "--count", "--jql", "order by key"]).await.json();
    let total = count["total"].as_u64().unwrap();
    assert!(
        total > 40,
        "more pages than are let through, so that no search is done before it is held: {count}"
    );
    // Each is somewhere in the middle, with a request on its way that Jira has not judged yet.
    let gate = Gate::new();
    let hold = Fault::on("/rest/api/2/search", Action::Hold(gate.clone())).skip(20).times(20);
    sandbox.faults().add(hold);
    let search = ["search", "--all", "--jql", "order by key", "--output=jsonl", "--timeout=170s"];
    let jobs: Vec<_> = (0..20).map(|_| home.spawn(&search)).collect();
    within("the searches", gate.arrived(20)).await;
    home.run(&["token", "refresh"]).await.json();
    gate.release();
    for done in ends(jobs).await {
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
        let keys: std::collections::BTreeSet<_> = done.stdout.lines().collect();
        assert_eq!((keys.len() as u64, done.stdout.lines().count() as u64), (total, total));
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
}

/// Waiting for the lock is bounded by `--timeout`, and is its own error or the timeout's.
#[tokio::test]
async fn who_waits_for_the_lock_gives_up_in_time() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Stale).await;
    let gate = sandbox.faults().hold(TOKEN);
    let first = home.spawn(&["whoami", "--timeout=170s"]);
    within("the token call", gate.arrived(1)).await;
    let second = home.run(&["whoami", "--timeout=1s"]).await;
    assert_eq!(second.code, Some(7), "{second:?}");
    assert_eq!(second.error()["retryable"], true);
    gate.release();
    first.done().await.json();
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
}

/// A CI job whose commands all carry the same injected refresh token (threat 31).
#[tokio::test]
async fn parallel_commands_of_a_job_spend_its_injected_token_once() {
    let sandbox = Served::usual();
    let tokens = sandbox.mint_session("developer", Scope::Write);
    let home = Home::new();
    let output = home.path().join("handed-over/token");
    let home = home
        .env("CI", "true")
        .env("JIRA_BASE_URL", sandbox.base_url())
        .env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id())
        .env("JIRA_OAUTH_REFRESH_TOKEN", &tokens.refresh_token)
        .env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", output.to_str().unwrap());
    for done in ends(whoami(&home, 20)).await {
        assert_eq!(done.json()["user"]["name"], "developer");
    }
    assert_eq!(home.run(&["whoami"]).await.json()["auth_mode"], "oauth-env", "one after another, too");
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
    let first = std::fs::read_to_string(&output).unwrap();
    // A later rotation in the same job is handed over again.
    sandbox.expire_access_tokens();
    for done in ends(whoami(&home, 20)).await {
        assert_eq!(done.json()["user"]["name"], "developer");
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 2);
    let second = std::fs::read_to_string(&output).unwrap();
    assert!(first != tokens.refresh_token && second != first && !second.ends_with('\n'));
    // The next job goes on with it; the old one's token is dead.
    let next = home.env("JIRA_OAUTH_REFRESH_TOKEN", second);
    next.run(&["whoami"]).await.json();
}
