//! Replicas of the broker that agree over a real Redis (threats 7, 25; decisions on broken flights).

mod agreement;
mod faults;
mod secrecy;
mod served;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jira_oauth::auth::session::Tokens;
use jira_oauth::broker::caller::Caller;
use jira_oauth::broker::coordination::{Claim, Coordination, CoordinationError, Joined, Lease, State, Work};
use jira_oauth::broker::granted::Granted;
use jira_oauth::broker::replicas::{Options, Replicas};
use jira_oauth::secret::Secret;

use crate::support::jira::within;
use crate::support::redis::Redis;

/// How long a waiter may wait, where it is to get what it waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Within which an unavailable Redis is said to be so: a few steps of a second each.
const BOUND: Duration = Duration::from_secs(5);

/// One replica, whose calls to Jira take a second at most.
struct Replica(Coordination);

impl Replica {
    fn at(url: &str) -> Replica {
        Replica::with(url, |_| ())
    }

    fn with(url: &str, change: impl FnOnce(&mut Options)) -> Replica {
        let mut options = Options {
            url: Secret::new(url),
            ca: None,
            realm: "https://jira.example.com client".to_owned(),
            upstream_timeout: Duration::from_secs(1),
            replay_ttl: Duration::from_secs(60),
        };
        change(&mut options);
        Replica(Coordination::Redis(Replicas::start(options).unwrap()))
    }

    fn trusting(url: &str, ca: PathBuf) -> Replica {
        Replica::with(url, |options| options.ca = Some(ca))
    }

    /// One that has been connected.
    async fn of(redis: &Redis) -> Replica {
        let replica = Replica::at(&redis.url());
        replica.is(&State::Up).await;
        replica
    }

    async fn claim(&self, token: &Secret, caller: &str) -> Result<Claim, CoordinationError> {
        self.claim_for(token, caller, PATIENCE).await
    }

    async fn claim_for(
        &self,
        token: &Secret,
        who: &str,
        patience: Duration,
    ) -> Result<Claim, CoordinationError> {
        let caller = Caller::token(who);
        let work = Work { token, caller: &caller };
        self.0.claim(&work, tokio::time::Instant::now() + patience).await
    }

    async fn joined(&self, token: &Secret, caller: &str) -> Result<Joined, CoordinationError> {
        let caller = Caller::token(caller);
        self.0.joined(&Work { token, caller: &caller }).await
    }

    async fn admitted(&self, token: &Secret, caller: &str) -> Result<(), CoordinationError> {
        let caller = Caller::token(caller);
        self.0.admit(&Work { token, caller: &caller }).await
    }

    /// Claims, and marks it as sent.
    async fn send(&self, token: &Secret, caller: &str) -> Lease {
        let mut lease = mine(self.claim(token, caller).await);
        lease.sent().await.unwrap();
        lease
    }

    /// Waits for a state.
    async fn is(&self, state: &State) {
        let mut changes = self.0.changes().unwrap();
        within(&format!("{state:?}"), changes.wait_for(|now| now == state)).await.unwrap();
    }

    /// Waits until it is down for a reason with these words.
    async fn is_down(&self, words: &str) {
        let mut changes = self.0.changes().unwrap();
        let down = |now: &State| matches!(now, State::Down(reason) if reason.contains(words));
        within(words, changes.wait_for(down)).await.unwrap();
    }

    /// What it says to a claim, within the time that it may take to say so.
    async fn refuses(&self, words: &str) {
        let start = Instant::now();
        let refused = self.claim(&token("refused"), "somebody").await;
        let Err(CoordinationError::Unavailable(reason)) = refused else {
            panic!("it was claimed, though {words}")
        };
        assert!(reason.contains(words), "{reason}, though {words}");
        assert!(start.elapsed() < BOUND, "it took {:?} to say that {reason}", start.elapsed());
    }
}

fn token(name: &str) -> Secret {
    Secret::new(format!("canary-{name}-{}", "o".repeat(140)))
}

/// A pair that Jira gives now, recognisable by its name.
fn pair(name: &str) -> Granted {
    let tokens = Tokens {
        access_token: Secret::new(format!("canary-access-{name}")),
        refresh_token: Secret::new(format!("canary-refresh-{name}")),
        expires_in: 3600,
        scope: Some("WRITE".to_owned()),
    };
    Granted::new(&tokens, tokio::time::Instant::now()).unwrap()
}

#[track_caller]
fn mine(claim: Result<Claim, CoordinationError>) -> Lease {
    match claim {
        Ok(Claim::Mine(lease)) => lease,
        Ok(Claim::Replayed(_)) => panic!("there was a result"),
        Err(error) => panic!("{error}"),
    }
}

/// The name of the pair that was replayed, which is as good as new.
#[track_caller]
fn replayed(claim: Result<Claim, CoordinationError>) -> String {
    match claim {
        Ok(Claim::Replayed(granted)) => name(&granted),
        Ok(Claim::Mine(_)) => panic!("there was no result"),
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn name(granted: &Granted) -> String {
    let now = tokio::time::Instant::now();
    let left = granted.left(now);
    assert!((3500..=3600).contains(&left), "{left} s are left");
    let answer: serde_json::Value = serde_json::from_slice(&granted.answer(now)).unwrap();
    answer["access_token"].as_str().unwrap().strip_prefix("canary-access-").unwrap().to_owned()
}
