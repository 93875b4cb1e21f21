//! The broker as a process of its own: signals, floods, and what it never says (docs/security.md, rows 18, 22 to 24).

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use jira_oauth::process::raise_open_files;
use jira_oauth::sandbox::{Action, Confidential, Fault, Gate, Options, Scope};
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::jira::{Home, Job, until, within};
use crate::support::served::Served;
use crate::support::web::Web;

const TOKEN: &str = "/rest/oauth2/latest/token";

/// A broker that runs, and its Jira.
struct Broker {
    sandbox: Served,
    home: Home,
    job: Job,
    address: String,
    log: PathBuf,
    ready: String,
    web: Web,
}

impl Broker {
    async fn start(flags: &[&str]) -> Broker {
        Broker::with(flags, |home, sandbox| home.env("JIRA_OAUTH_CLIENT_SECRET", sandbox.client_secret()))
            .await
    }

    async fn with(flags: &[&str], change: impl FnOnce(Home, &Served) -> Home) -> Broker {
        let sandbox =
            Served::start(Options { confidential: Confidential::All, issues: 30, ..Options::default() });
        let home = Home::new()
            .env("JIRA_BASE_URL", sandbox.base_url())
            .env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id());
        let home = change(home, &sandbox);
        // A file takes as much as there is to say.
        let log = home.path().join("log");
        let args = [&["broker", "serve", "--listen", "127.0.0.1:0"], flags].concat();
        let mut job = Job::start(home.command(&args).stderr(File::create(&log).unwrap()));
        let ready = within("the broker", first_object(&mut job)).await;
        let found: Value = serde_json::from_str(&ready).unwrap();
        let address = found["listen"][0].as_str().unwrap().to_owned();
        Broker { sandbox, home, job, address, log, ready, web: Web::open() }
    }

    fn token(&self) -> String {
        self.sandbox.mint_session("developer", Scope::Write).refresh_token
    }

    /// Asks for the pair that follows a token: status and body, or nothing if there was no answer.
    async fn refresh(&self, token: &str) -> Option<(u16, Value)> {
        refresh(self.web.clone(), self.url(), token.to_owned(), None).await
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn text(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.address);
        // Over a connection of its own: the broker may end an idle one in the very moment in which it is used again.
        let answer = within(path, Web::open().get(&url)).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
        answer.text
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    async fn says(&self, words: &str) {
        until(words, || self.said().contains(words).then_some(())).await;
    }

    /// A line of `/proc/PID/status`, in KiB.
    fn memory(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.job.pid())).unwrap();
        let found = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':')).unwrap();
        found.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits for its end.
    async fn ended(mut self) -> (Option<i32>, String) {
        let status = within("the end", self.job.child.wait()).await.unwrap();
        (status.code(), fs::read_to_string(&self.log).unwrap())
    }
}

/// Reads stdout as far as one JSON object goes.
async fn first_object(job: &mut Job) -> String {
    let stdout = job.child.stdout.as_mut().unwrap();
    let mut text = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let n = stdout.read(&mut piece).await.unwrap();
        assert!(n > 0, "stdout ended: {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&piece[..n]);
        if serde_json::from_slice::<Value>(&text).is_ok() {
            return String::from_utf8(text).unwrap();
        }
    }
}

async fn refresh(web: Web, url: String, token: String, caller: Option<&str>) -> Option<(u16, Value)> {
    let answer = within("an answer", web.refresh(&url, &token, caller)).await.ok()?;
    Some((answer.status, answer.body))
}

#[tokio::test]
async fn who_waits_for_a_slow_jira_gets_its_pair_after_sigterm() {
    let broker = Broker::start(&[]).await;
    let gate = Gate::new();
    broker.sandbox.faults().add(Fault::on(TOKEN, Action::ProcessThenHold(gate.clone())));
    let url = broker.url();
    let waiting = tokio::spawn(refresh(broker.web.clone(), url, broker.token(), None));
    within("the token call", gate.arrived(1)).await;
    broker.job.signal(Signal::TERM);
    broker.says("\"event\":\"draining\"").await;
    // It still says how it is, and sends new callers away.
    let ready = broker.web.get(&format!("{}/readyz", broker.url())).await.unwrap();
    assert_eq!(ready.status, 503);
    assert_eq!(broker.refresh(&broker.token()).await.unwrap().1["error"], "draining");
    gate.release();
    let (status, pair) = waiting.await.unwrap().expect("an answer");
    assert_eq!(status, 200, "{pair}");
    let sandbox_calls = broker.sandbox.token_calls("refresh_token");
    let (code, log) = broker.ended().await;
    assert_eq!((code, sandbox_calls), (Some(0), 1), "{log}");
    assert!(log.ends_with("\"event\":\"ended\"}\n"), "{log}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for (first, second, code) in [
        (Signal::TERM, Signal::TERM, 143),
        (Signal::TERM, Signal::INT, 130),
        (Signal::INT, Signal::TERM, 143),
    ] {
        let broker = Broker::start(&[]).await;
        let gate = broker.sandbox.faults().hold(TOKEN);
        let url = broker.url();
        let waiting = tokio::spawn(refresh(broker.web.clone(), url, broker.token(), None));
        within("the token call", gate.arrived(1)).await;
        broker.job.signal(first);
        broker.says("\"event\":\"draining\"").await;
        broker.job.signal(second);
        let (found, log) = broker.ended().await;
        assert_eq!(found, Some(code), "{log}");
        assert!(waiting.await.unwrap().is_none(), "nobody is answered");
    }
}

#[tokio::test]
async fn sighup_has_the_secret_read_again() {
    let broker = Broker::with(&[], |home, _| {
        let file = home.path().join("secret");
        fs::write(&file, "not-the-secret").unwrap();
        home.env("JIRA_OAUTH_CLIENT_SECRET_FILE", file.to_str().unwrap())
    })
    .await;
    assert_eq!(broker.refresh(&broker.token()).await.unwrap().1["error"], "invalid_client");
    fs::write(broker.home.path().join("secret"), broker.sandbox.client_secret()).unwrap();
    broker.job.signal(Signal::HUP);
    broker.says("\"event\":\"reload\",\"what\":\"secret\",\"result\":\"ok\"").await;
    assert_eq!(broker.refresh(&broker.token()).await.unwrap().0, 200);
    broker.job.signal(Signal::TERM);
    assert_eq!(broker.ended().await.0, Some(0));
}

/// One connection's share of the flood: how many of its requests were refused as too many.
async fn flood(address: String, from: usize, requests: usize) -> usize {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let sending = async move {
        for n in from..from + requests {
            let body = format!(r#"{{"refresh_token":"{:0>160}"}}"#, format!("junk{n}"));
            let head = format!(
                "POST /v1/refresh HTTP/1.1\r\nhost: b\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            write.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
        write
    };
    let counting = async {
        let (mut answers, mut refused, mut rest) = (0, 0, Vec::new());
        while answers < requests {
            let mut piece = [0; 65536];
            let n = read.read(&mut piece).await.unwrap();
            assert!(n > 0, "the broker closed after {answers} answers");
            rest.extend_from_slice(&piece[..n]);
            // What follows the last start of an answer may not be whole yet.
            while let Some(at) = find(&rest, b"HTTP/1.1 ").filter(|at| at + 12 <= rest.len()) {
                answers += 1;
                refused += usize::from(rest[at + 9..at + 12] == *b"429");
                rest.drain(..at + 12);
            }
            let kept = rest.len().min(12);
            rest.drain(..rest.len() - kept);
        }
        refused
    };
    tokio::join!(sending, counting).1
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_junk_tokens_cost_neither_memory_nor_jira() {
    let broker = Broker::start(&[]).await;
    assert_eq!(broker.refresh(&broker.token()).await.unwrap().0, 200);
    let before = broker.memory("VmRSS");
    let mut floods = JoinSet::new();
    for part in 0..20 {
        floods.spawn(flood(broker.address.clone(), part * 5000, 5000));
    }
    let health = async {
        for _ in 0..20 {
            assert_eq!(broker.text("/healthz").await, "{\"status\":\"ok\"}\n");
        }
    };
    let (refused, ()) = tokio::join!(within("the flood", floods.join_all()), health);
    let refused: usize = refused.iter().sum();
    let calls = broker.sandbox.token_calls("refresh_token");
    // Ten a second and sixty at once are let through.
    assert!(refused > 90_000 && calls < 10_000, "{refused} refused, {calls} calls");
    let metrics = broker.text("/metrics").await;
    assert!(metrics.contains(&format!("jira_broker_shed_total{{reason=\"rate\"}} {refused}\n")), "{metrics}");
    assert!(metrics.lines().count() < 200, "{metrics}");
    let (after, most) = (broker.memory("VmRSS"), broker.memory("VmHWM"));
    assert!(after < before + 40 * 1024 && most < 100 * 1024, "{before}, {after}, at most {most} KiB");
}

#[tokio::test]
async fn two_thousand_idle_connections_end_in_time_and_health_answers() {
    let files = raise_open_files().unwrap_or(0);
    assert!(files > 2100, "this machine lets a test open {files} files only");
    let broker = Broker::start(&["--header-timeout", "3s"]).await;
    let mut idle = Vec::new();
    for n in 0..2000 {
        let mut stream = TcpStream::connect(&broker.address).await.unwrap();
        if n % 2 == 0 {
            stream.write_all(b"POST /v1/refresh HTTP/1.1\r\nHost: b\r\nX-Slow: ").await.unwrap();
        }
        idle.push(stream);
    }
    assert_eq!(broker.text("/healthz").await, "{\"status\":\"ok\"}\n");
    assert_eq!(broker.refresh(&broker.token()).await.unwrap().0, 200);
    within("their end", async {
        for mut stream in idle {
            let mut rest = Vec::new();
            // A reset is an end as well.
            let _ = stream.read_to_end(&mut rest).await;
        }
    })
    .await;
    let open = |metrics: &str| metrics.lines().any(|line| line == "jira_broker_connections 1");
    within("the count", async {
        while !open(&broker.text("/metrics").await) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_cannot_be_accepted_is_counted_and_said() {
    let broker = Broker::with(&[], |home, sandbox| {
        home.env("JIRA_OAUTH_CLIENT_SECRET", sandbox.client_secret()).wrap(&["prlimit", "--nofile=64"])
    })
    .await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(&broker.address).await.unwrap());
    }
    broker.says("\"event\":\"unserved\",\"code\":\"accept\",\"reason\":").await;
    drop(idle);
    // It goes on when there is room again.
    let metrics = broker.text("/metrics").await;
    let failed =
        metrics.lines().find_map(|line| line.strip_prefix("jira_broker_unserved_total{reason=\"accept\"} "));
    assert!(failed.unwrap().parse::<u64>().unwrap() > 0, "{metrics}");
}

#[tokio::test]
async fn no_secret_stands_anywhere_it_does_not_belong() {
    let broker = Broker::with(&["--allow-exchange"], |home, sandbox| {
        home.env("JIRA_OAUTH_CLIENT_SECRET", sandbox.client_secret())
            .env("JIRA_BROKER_TOKEN", "canary-caller-token")
            .env("RUST_LOG", "trace")
    })
    .await;
    let url = broker.url();
    let token = broker.token();
    let ask = |token: &str, caller| refresh(broker.web.clone(), url.clone(), token.to_owned(), caller);
    let (status, pair) = ask(&token, Some("canary-caller-token")).await.unwrap();
    assert_eq!(status, 200);
    assert_eq!(ask(&token, Some("canary-wrong-token")).await.unwrap().0, 401);
    assert_eq!(ask("canary with spaces", Some("canary-caller-token")).await.unwrap().0, 400);
    broker.sandbox.faults().add(Fault::on(TOKEN, Action::respond(500, "text/html", "canary of Jira")));
    assert_eq!(ask("canary-junk", Some("canary-caller-token")).await.unwrap().0, 503);
    let metrics = broker.text("/metrics").await;
    let proc = format!("/proc/{}", broker.job.pid());
    let cmdline = String::from_utf8_lossy(&fs::read(format!("{proc}/cmdline")).unwrap()).into_owned();
    let (ready, secret) = (broker.ready.clone(), broker.sandbox.client_secret().to_owned());
    broker.job.signal(Signal::TERM);
    let (_, log) = broker.ended().await;
    assert_eq!(log.matches("\"event\":\"request\"").count(), 4, "{log}");
    let [access, successor] = ["access_token", "refresh_token"].map(|name| pair[name].as_str().unwrap());
    for secret in [secret.as_str(), &token, access, successor, "canary"] {
        for (what, text) in
            [("log", &log), ("metrics", &metrics), ("arguments", &cmdline), ("stdout", &ready)]
        {
            assert!(!text.contains(secret), "{secret} in the {what}: {text}");
        }
    }
}

/// A budget of the broker, held loosely here and exactly in benches/: what is replayed costs little memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distinct_tokens_within_the_replay_time_are_bounded_by_number() {
    let flags = ["--rate-limit", "0", "--replay-entries", "500"];
    let broker = Broker::start(&flags).await;
    for _ in 0..600 {
        assert_eq!(broker.refresh(&broker.token()).await.unwrap().0, 200);
    }
    let entries = within("the tick", async {
        loop {
            let metrics = broker.text("/metrics").await;
            let line = metrics.lines().find_map(|line| line.strip_prefix("jira_broker_replay_entries "));
            let entries: u64 = line.unwrap().parse().unwrap();
            if entries <= 500 {
                return entries;
            }
            tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await.unwrap_err();
        }
    })
    .await;
    assert!(entries > 400, "{entries}");
}
