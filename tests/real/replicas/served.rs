//! Brokers as processes of their own, with one Redis between them: what their callers, their operator and Jira
//! see of it.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jira_oauth::sandbox::{Action, Confidential, Fault, Gate, Options, Scope};
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::BOUND;
use crate::support::jira::{Home, Job, within};
use crate::support::redis::{PASSWORD, Redis};
use crate::support::served::Served;
use crate::support::web::{Answer, Web};
use crate::support::{Real, runs};

const TOKEN: &str = "/rest/oauth2/latest/token";
const CALLER_TOKEN: &str = "canary-caller-token-of-a-job-in-ci";
const OTHER_TOKEN: &str = "canary-caller-token-of-somebody-else";

/// A Jira that wants the secret.
fn jira() -> Served {
    Served::start(Options { confidential: Confidential::Refresh, ..Options::default() })
}

/// One broker.
struct Broker {
    job: Job,
    url: String,
    web: Web,
    _home: Home,
}

impl Broker {
    fn home(jira: &Served, redis: &str) -> Home {
        Broker::home_of(jira).env("JIRA_BROKER_REDIS_URL", redis)
    }

    fn home_of(jira: &Served) -> Home {
        Home::new()
            .env("JIRA_BASE_URL", jira.base_url())
            .env("JIRA_OAUTH_CLIENT_ID", jira.client_id())
            .env("JIRA_OAUTH_CLIENT_SECRET", jira.client_secret())
    }

    async fn start(jira: &Served, redis: &str, more: &[&str]) -> Broker {
        Broker::start_in(Broker::home(jira, redis), more).await
    }

    async fn start_in(home: Home, more: &[&str]) -> Broker {
        let callers = home.path().join("callers");
        std::fs::write(&callers, format!("ci={CALLER_TOKEN}\nfinder={OTHER_TOKEN}\n")).unwrap();
        std::fs::set_permissions(&callers, std::fs::Permissions::from_mode(0o600)).unwrap();
        let home = home.env("JIRA_BROKER_TOKEN_FILE", callers.to_str().unwrap());
        let usual = ["broker", "serve", "--listen=127.0.0.1:0", "--rate-limit=0", "--output=jsonl"];
        let mut job = home.spawn(&[&usual, more].concat());
        let mut line = String::new();
        let mut stdout = BufReader::new(job.child.stdout.take().unwrap());
        within("the broker to stand", stdout.read_line(&mut line)).await.unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
        assert_eq!(ready["coordination"], "redis");
        let url = format!("http://{}", ready["listen"][0].as_str().unwrap());
        Broker { job, url, web: Web::open(), _home: home }
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.refresh_for(token, CALLER_TOKEN).await
    }

    async fn refresh_for(&self, token: &str, caller: &str) -> Answer {
        within("an answer", self.web.refresh(&self.url, token, Some(caller))).await.unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        within(path, self.web.get(&format!("{}{path}", self.url))).await.unwrap()
    }

    /// Waits until readiness says so.
    async fn ready(&self, ready: bool) -> Answer {
        within(&format!("ready to be {ready}"), async {
            loop {
                let answer = self.get("/readyz").await;
                if (answer.status == 200) == ready {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Waits until readiness tells of Redis, whatever it makes of it.
    async fn coordination(&self, word: &str) -> Answer {
        within(word, async {
            loop {
                let answer = self.get("/readyz").await;
                if answer.body["coordination"] == word {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// A number of the metrics, by its name with its labels.
    async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.text;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// Ends it, and hands its log out.
    async fn log(self) -> String {
        self.job.signal(Signal::TERM);
        let done = self.job.done().await;
        assert_eq!(done.code, Some(0), "{done:?}");
        done.stderr
    }
}

#[tokio::test]
async fn two_brokers_with_fifty_callers_make_one_call_and_redis_learns_nothing() {
    if !runs(Real::Redis) {
        return;
    }
    let (jira, redis) = (jira(), Redis::with(&["--requirepass", PASSWORD]).await);
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}", redis.port());
    let monitor = redis.monitor().await;
    let brokers = [Broker::start(&jira, &url, &[]).await, Broker::start(&jira, &url, &[]).await];
    for broker in &brokers {
        broker.ready(true).await;
    }
    let old = jira.mint_session("developer", Scope::Write).refresh_token;
    let gate = jira.faults().hold(TOKEN);
    let (answers, ()) =
        futures_util::future::join(join_all((0..50).map(|n| brokers[n % 2].refresh(&old))), async {
            gate.arrived(1).await;
            // The other broker is at it too: all of its callers wait with the first, whose turn is at the first broker.
            for broker in &brokers {
                within("24 who wait", async {
                    while broker.metric("jira_broker_coalesced_total").await < 24.0 {
                        tokio::task::yield_now().await;
                    }
                })
                .await;
            }
            gate.release();
        })
        .await;
    assert_eq!(jira.token_calls("refresh_token"), 1);
    let first = answers[0].pair();
    assert!(answers.iter().all(|answer| answer.pair() == first));
    // An answer that was lost is had again, at either of them.
    for broker in &brokers {
        assert_eq!(broker.refresh(&old).await.pair(), first);
    }
    assert_eq!(jira.token_calls("refresh_token"), 1);

    let told = [redis.everything(), monitor.text().into_bytes()].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(told.contains("jira-broker:{"));
    let mut secrets =
        vec![old.as_str(), first.0, first.1, CALLER_TOKEN, jira.client_secret(), jira.client_id()];
    let fingerprint = jira_oauth::secret::Secret::new(old.as_str()).fingerprint();
    secrets.push(&fingerprint[..12]);
    for secret in &secrets {
        assert!(!told.contains(secret), "{secret} is in what Redis has");
    }
    for broker in brokers {
        let log = broker.log().await;
        for secret in secrets.iter().take(5).chain(&[PASSWORD]) {
            assert!(!log.contains(secret), "{secret} is in the log: {log}");
        }
        // That Redis has not been tried yet is no news.
        assert!(log.contains(r#""event":"coordination","state":"up"}"#), "{log}");
        assert!(!log.contains("not been reached yet"), "{log}");
    }
}

#[tokio::test]
async fn the_url_of_redis_is_read_again_and_one_that_leads_nowhere_is_not_used() {
    if !runs(Real::Redis) {
        return;
    }
    let (jira, mut old, mut new) =
        (jira(), Redis::start().await, Redis::with(&["--requirepass", PASSWORD]).await);
    new.down();
    let home = Broker::home_of(&jira);
    let file = home.path().join("redis-url");
    std::fs::write(&file, old.url()).unwrap();
    let broker = Broker::start_in(home.env("JIRA_BROKER_REDIS_URL_FILE", file.to_str().unwrap()), &[]).await;
    broker.ready(true).await;
    let reloads = async |result: &str, number: f64| {
        let name = format!("jira_broker_reload_total{{what=\"redis_url\",result=\"{result}\"}}");
        within(&name, async {
            while broker.metric(&name).await < number {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    let refresh = async || {
        let token = jira.mint_session("developer", Scope::Write).refresh_token;
        broker.refresh(&token).await.pair();
    };
    let at = |password: &str| format!("redis://:{password}@127.0.0.1:{}", new.port());
    let (wrong, right) = (at("wrong"), at(PASSWORD));
    for (number, bad) in ["nonsense-canary", "", &right].iter().enumerate() {
        std::fs::write(&file, bad).unwrap();
        broker.job.signal(Signal::HUP);
        reloads("failed", number as f64 + 1.0).await;
        refresh().await;
    }
    assert_eq!(old.keys(":result").len(), 3, "the old one is in use");
    new.up().await;
    std::fs::write(&file, wrong).unwrap();
    broker.job.signal(Signal::HUP);
    reloads("failed", 4.0).await;
    std::fs::write(&file, right).unwrap();
    broker.job.signal(Signal::HUP);
    reloads("ok", 1.0).await;
    old.down();
    refresh().await;
    assert_eq!(new.keys(":result").len(), 1);
    let log = broker.log().await;
    assert!(!log.contains("canary") && log.contains("refuses the password"), "{log}");
}

/// Somebody finds a token that was spent a moment ago, and asks where its owner asks again.
#[tokio::test]
async fn a_hopeless_call_with_a_spent_token_takes_nothing_from_its_owner() {
    if !runs(Real::Redis) {
        return;
    }
    let (jira, redis) = (jira(), Redis::old().await);
    let (a, b) =
        (Broker::start(&jira, &redis.url(), &[]).await, Broker::start(&jira, &redis.url(), &[]).await);
    a.ready(true).await;
    b.ready(true).await;
    let old = jira.mint_session("developer", Scope::Write).refresh_token;
    let first = a.refresh(&old).await;
    let gate = jira.faults().hold(TOKEN);
    let (found, ()) = futures_util::future::join(b.refresh_for(&old, OTHER_TOKEN), async {
        gate.arrived(1).await;
        assert_eq!(b.refresh(&old).await.pair(), first.pair(), "while the other call is in the air");
        gate.release();
    })
    .await;
    assert_eq!((found.status, found.error()), (400, "invalid_grant"));
    for broker in [&a, &b] {
        assert_eq!(broker.refresh_for(&old, OTHER_TOKEN).await.error(), "invalid_grant");
        assert_eq!(broker.refresh(&old).await.pair(), first.pair());
    }
}

#[tokio::test]
async fn a_jira_that_is_slow_is_not_told_as_a_redis_that_is_away() {
    if !runs(Real::Redis) {
        return;
    }
    let (jira, redis) = (jira(), Redis::old().await);
    // A sibling waits a second for another's call.
    let more = ["--upstream-timeout=30s", "--grace=36s"];
    let a = Broker::start(&jira, &redis.url(), &more).await;
    let b = Broker::start(&jira, &redis.url(), &more).await;
    a.ready(true).await;
    b.ready(true).await;
    let old = jira.mint_session("developer", Scope::Write).refresh_token;
    let gate = jira.faults().hold(TOKEN);
    let (first, ()) = futures_util::future::join(a.refresh(&old), async {
        gate.arrived(1).await;
        let waited = b.refresh(&old).await;
        assert_eq!((waited.status, waited.error()), (503, "upstream_unavailable"), "{waited:?}");
        assert!(waited.retry_after.is_some(), "{waited:?}");
        assert_eq!(b.metric("jira_broker_coordination_errors_total").await, 0.0);
        b.ready(true).await;
        gate.release();
    })
    .await;
    // It waited, so the result is its as well.
    assert_eq!(b.refresh(&old).await.pair(), first.pair());
    assert_eq!(jira.token_calls("refresh_token"), 1);
    let log = b.log().await;
    assert!(!log.contains("\"coordination\",\"at\""), "{log}");
}

#[tokio::test]
async fn a_broker_killed_with_its_call_ends_no_session_at_the_other() {
    if !runs(Real::Redis) {
        return;
    }
    let (jira, redis) = (jira(), Redis::old().await);
    let short = ["--upstream-timeout=1s", "--grace=7s"];
    let a = Broker::start(&jira, &redis.url(), &short).await;
    let b = Broker::start(&jira, &redis.url(), &short).await;
    a.ready(true).await;
    b.ready(true).await;
    let old = jira.mint_session("developer", Scope::Write).refresh_token;
    // Jira rotates the token, and nobody hears of it.
    let gate = Gate::new();
    jira.faults().add(Fault::on(TOKEN, Action::ProcessThenHold(gate.clone())));
    let killed = async {
        gate.arrived(1).await;
        a.job.signal(Signal::KILL);
    };
    let asked = a.web.refresh(&a.url, &old, Some(CALLER_TOKEN));
    let (sent, ()) = futures_util::future::join(asked, killed).await;
    assert!(sent.is_err(), "the caller has no answer");
    gate.release();
    // While the dead one's lock stands, and when it has expired and Jira says that the token is spent.
    let start = Instant::now();
    loop {
        let answer = within("the lock to expire", b.refresh(&old)).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.retry_after.is_some(), "{answer:?}");
        match answer.error() {
            "upstream_unavailable" => assert!(start.elapsed() < Duration::from_secs(60)),
            "refresh_interrupted" => break,
            other => panic!("{other}: {answer:?}"),
        }
    }
    assert_eq!(b.refresh(&old).await.error(), "refresh_interrupted", "as long as the mark stands");
    // Other tokens are none the worse for it, and a dead one is called dead.
    let other = jira.mint_session("developer", Scope::Write).refresh_token;
    b.refresh(&other).await.pair();
    let dead = jira.mint_session("developer", Scope::Write).refresh_token;
    jira.revoke_all();
    let dead = b.refresh(&dead).await;
    assert_eq!((dead.status, dead.error()), (400, "invalid_grant"));
}

#[tokio::test]
async fn without_redis_it_refuses_and_says_so_everywhere() {
    if !runs(Real::Redis) {
        return;
    }
    let (jira, mut redis) = (jira(), Redis::prepared(&[]));
    let broker = Broker::start(&jira, &redis.url(), &[]).await;
    let old = jira.mint_session("developer", Scope::Write).refresh_token;
    let refused = |answer: Answer| {
        assert_eq!((answer.status, answer.error()), (503, "coordination_unavailable"), "{answer:?}");
        assert!(answer.retry_after.is_some(), "{answer:?}");
    };
    // At the start.
    let reason = broker.ready(false).await;
    assert!(reason.body.to_string().contains("coordination"), "{reason:?}");
    refused(broker.refresh(&old).await);
    assert_eq!(broker.metric("jira_broker_coordination_up").await, 0.0);
    assert_eq!(broker.get("/healthz").await.status, 200);
    // It comes, and goes, and comes.
    redis.up().await;
    broker.ready(true).await;
    assert_eq!(broker.metric("jira_broker_coordination_up").await, 1.0);
    redis.down();
    broker.ready(false).await;
    refused(broker.refresh(&old).await);
    redis.up().await;
    broker.ready(true).await;
    // Slow.
    redis.stand_still(true);
    let start = Instant::now();
    refused(broker.refresh(&old).await);
    assert!(start.elapsed() < BOUND, "{:?}", start.elapsed());
    assert_eq!(broker.get("/healthz").await.status, 200);
    redis.stand_still(false);
    broker.ready(true).await;
    // Full.
    redis.say(&["CONFIG", "SET", "maxmemory", "1"]);
    refused(broker.refresh(&old).await);
    broker.ready(false).await;
    redis.say(&["CONFIG", "SET", "maxmemory", "0"]);
    broker.ready(true).await;
    assert_eq!(jira.token_calls("refresh_token"), 0, "the token was never sent");
    broker.refresh(&old).await.pair();
    assert!(broker.metric("jira_broker_coordination_errors_total").await >= 4.0);
    let log = broker.log().await;
    for words in ["cannot be connected to", "does not answer in time", "no room left", "\"state\":\"up\""] {
        assert!(log.contains(words), "{words}: {log}");
    }
}

#[tokio::test]
async fn without_redis_it_goes_on_alone_where_that_is_wanted_and_says_so() {
    if !runs(Real::Redis) {
        return;
    }
    let (jira, mut redis) = (jira(), Redis::start().await);
    let broker = Broker::start(&jira, &redis.url(), &["--without-coordination=local"]).await;
    broker.coordination("up").await;
    let session = || jira.mint_session("developer", Scope::Write).refresh_token;
    broker.refresh(&session()).await.pair();
    assert_eq!(broker.metric("jira_broker_local_fallback_total").await, 0.0);
    redis.down();
    let told = broker.coordination("down").await;
    assert_eq!(told.status, 200, "it is ready all the same: {told:?}");
    let old = session();
    let first = broker.refresh(&old).await;
    // Its own callers are coalesced and replayed as ever.
    assert_eq!(broker.refresh(&old).await.pair(), first.pair());
    assert_eq!(broker.metric("jira_broker_local_fallback_total").await, 1.0);
    assert_eq!(broker.metric("jira_broker_coordination_up").await, 0.0);
    // A sibling may have spent it a moment before Redis went: that is no verdict.
    let dead = session();
    jira.revoke_all();
    assert_eq!(broker.refresh(&dead).await.error(), "refresh_interrupted");
    redis.up().await;
    broker.coordination("up").await;
    // Full in the middle of a call: Jira has answered, and the caller gets its pair.
    let old = session();
    let gate = jira.faults().hold(TOKEN);
    let (answer, ()) = futures_util::future::join(broker.refresh(&old), async {
        gate.arrived(1).await;
        redis.say(&["CONFIG", "SET", "maxmemory", "1"]);
        gate.release();
    })
    .await;
    answer.pair();
    let log = broker.log().await;
    assert!(log.contains("\"state\":\"down\"") && log.contains("no room left"), "{log}");
}

#[tokio::test]
async fn a_check_reaches_redis_and_an_impossible_url_is_a_usage_error() {
    if !runs(Real::Redis) {
        return;
    }
    let (jira, redis) = (jira(), Redis::with_tls("127.0.0.1").await);
    let check = |url: String, more: &[&str]| {
        let home = Broker::home(&jira, &url);
        let job = home.spawn(&[&["broker", "serve", "--check", "--listen=127.0.0.1:0"], more].concat());
        async move {
            let _home = home;
            job.done().await
        }
    };
    let ca = redis.ca();
    let trusting = format!("--redis-ca={}", ca.display());
    assert_eq!(check(redis.url(), &[&trusting]).await.json()["coordination"], "redis");
    let untrusted = check(redis.url(), &[]).await;
    assert_eq!(untrusted.code, Some(7), "{untrusted:?}");
    assert!(untrusted.stderr.contains("does not lead to a trusted root"), "{untrusted:?}");
    let away = check("redis://:canary@127.0.0.1:1".to_owned(), &[]).await;
    assert_eq!(away.code, Some(7), "{away:?}");
    assert!(!away.stderr.contains("canary"), "{away:?}");
    for (url, more) in [
        ("http://127.0.0.1", &[][..]),
        ("redis://:canary@host/canary", &[]),
        ("redis://host", &[trusting.as_str()]),
    ] {
        let wrong = check(url.to_owned(), more).await;
        assert_eq!(wrong.code, Some(2), "{url}: {wrong:?}");
        assert!(!wrong.stderr.contains("canary"), "{wrong:?}");
    }
}
