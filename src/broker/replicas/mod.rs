//! Several replicas agree over Redis or Valkey, so that each token is spent once and whoever waited for it gets
//! the result, at whichever replica it asks.
//!
//! For every token Redis has four keys, under a name that is derived from the token and says nothing about it:
//!
//! | key | what | how long |
//! |---|---|---|
//! | `lock` | `claimed:FENCE`, then `sent:FENCE` | 5 s, then as long as a call to Jira can take |
//! | `marks` | the fences of requests that have left and have no result | a call and its replay |
//! | `result` | the new pair, sealed with a key that is derived from the old token | the replay |
//! | `callers` | who asked before there was a result, hashed with a key of the same kind | as the result |
//!
//! A replica that dies with a claim holds the others up until the claim expires. One that dies after its
//! request has left may have spent the token: the next one tries, and if Jira says `invalid_grant` while the
//! mark stands, that is no verdict on the session: nobody is told that it has ended because a sibling has rotated
//! its token. The same goes for a while after Redis has been away: marks may be gone with it. A replica need not
//! have seen that: a fifth key, `jira-broker:memory`, has no end and says since when Redis remembers. A memory that
//! is younger than a mark could be, or another one than before, is not taken at its word.

mod fault;
mod lease;
mod link;
mod scripts;
mod sealed;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::coordination::{self, Claim, CoordinationError, Joined, State, Work};
use super::granted::Granted;
use crate::http;
use crate::secret::{Secret, hex, random};

pub use lease::Lease;

use fault::Fault;
use lease::Flight;
use link::{Link, jittered};
use scripts::{Answer, Stored, Times};
use sealed::Names;
use target::{Target, Trust};

/// Between a claim and the mark lies one round trip, and this is plenty for it.
const CLAIM: Duration = Duration::from_secs(5);

/// What a flight may take beyond its call to Jira: commands to Redis, a machine that is busy.
const MARGIN: Duration = Duration::from_secs(10);

/// Results stand at least this long, also without a replay: the siblings' waiters have yet to fetch them.
const HANDOVER: Duration = Duration::from_secs(2);

/// How often a waiting replica asks again, at first and later. It asks once for all of its callers. Asking is
/// sturdier than being told: a message that is lost, with a connection or a failover, would be waited for in vain.
const ASK: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));

/// How to reach Redis, and for how long things are kept there.
#[derive(Clone, Debug)]
pub struct Options {
    /// `redis://` or `rediss://`, with user, password and database.
    pub url: Secret,
    /// Roots for `rediss://`; the system's if absent.
    pub ca: Option<PathBuf>,
    /// What sets this broker's keys apart from another's in one Redis: base URL and client ID.
    pub realm: String,
    /// How long a call to Jira may take.
    pub upstream_timeout: Duration,
    /// How long a result is replayed; zero keeps none.
    pub replay_ttl: Duration,
}

/// Why there is no way to Redis that could be tried.
#[derive(Debug, thiserror::Error)]
pub enum ReplicasError {
    /// The URL is none. What is in it is not said: it may hold the password.
    #[error("the URL of Redis {0}")]
    Url(&'static str),
    /// The roots cannot be read.
    #[error("the certificates for Redis {0}")]
    Ca(String),
}

/// The agreement.
pub struct Replicas {
    link: Link,
    trust: Arc<Trust>,
    realm: String,
    times: Times,
}

impl Replicas {
    /// Sets it up and begins to connect; inside the runtime. Redis need not be there yet.
    pub fn start(options: Options) -> Result<Self, ReplicasError> {
        let Options { url, ca, realm, upstream_timeout, replay_ttl } = options;
        let trust = Arc::new(Trust::new(ca));
        let target = Target::parse(&url, &trust)?;
        let (lock, result) = (upstream_timeout + MARGIN, replay_ttl.max(HANDOVER));
        let times = Times { claim: CLAIM, lock, mark: lock + result, result };
        Ok(Replicas { link: Link::start(target, times.mark), trust, realm, times })
    }

    /// Whether the roots for `rediss://` can be read: to say so at the start. Blocks, so not in the runtime.
    pub fn check_roots(ca: &Path) -> Result<(), ReplicasError> {
        http::check_bundle(ca).map_err(ReplicasError::Ca)
    }

    /// See [`coordination::Coordination::claim`].
    pub async fn claim(&self, work: &Work<'_>, deadline: Instant) -> Result<Claim, CoordinationError> {
        let fence = hex(&random::<16>().map_err(|_| Fault::Random)?);
        let flight = self.flight(work, fence);
        let ask = scripts::ask(&flight.names, &flight.caller, &flight.fence, &flight.times);
        let mut pause = ASK.0;
        let mut noted = false;
        loop {
            match flight.shared.run(&ask).await? {
                Answer::Replayed(stored) => return opened(&flight.names, &stored).map(Claim::Replayed),
                Answer::Mine { marks } => {
                    return Ok(Claim::Mine(coordination::Lease::of(Lease::claimed(flight, marks))));
                }
                // It asked while there was no result. Redis has forgotten it, with all else that it knew.
                Answer::Stranger if noted => {
                    noted = false;
                    let _: bool = flight.shared.run(&scripts::admit(&flight.names, &flight.caller)).await?;
                    continue;
                }
                Answer::Stranger => {
                    return Ok(Claim::Mine(coordination::Lease::of(Lease::of_a_stranger(flight))));
                }
                Answer::Busy => noted = true,
                Answer::Waiting | Answer::Settled { .. } => return Err(Fault::Garbage.into()),
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(CoordinationError::Busy);
            }
            sleep(jittered(pause).min(deadline - now)).await;
            pause = (pause * 3 / 2).min(ASK.1);
        }
    }

    /// See [`coordination::Coordination::joined`].
    pub async fn joined(&self, work: &Work<'_>) -> Result<Joined, CoordinationError> {
        let flight = self.flight(work, String::new());
        match flight.shared.run(&scripts::wait(&flight.names, &flight.caller, &flight.times)).await? {
            Answer::Replayed(stored) => opened(&flight.names, &stored).map(Joined::Replayed),
            Answer::Waiting => Ok(Joined::Noted),
            Answer::Stranger => Ok(Joined::TooLate),
            Answer::Busy | Answer::Mine { .. } | Answer::Settled { .. } => Err(Fault::Garbage.into()),
        }
    }

    /// See [`coordination::Coordination::admit`].
    pub async fn admit(&self, work: &Work<'_>) -> Result<(), CoordinationError> {
        let flight = self.flight(work, String::new());
        let _: bool = flight.shared.run(&scripts::admit(&flight.names, &flight.caller)).await?;
        Ok(())
    }

    /// See [`coordination::Coordination::reach`].
    pub async fn reach(&self) -> Result<(), CoordinationError> {
        Ok(self.link.shared().reach().await?)
    }

    /// See [`coordination::Coordination::turn_to`].
    pub async fn turn_to(&self, url: &Secret) -> Result<(), CoordinationError> {
        let target = Target::parse(url, &self.trust);
        let target = target.map_err(|error| CoordinationError::Unavailable(error.to_string()))?;
        Ok(self.link.shared().turn_to(target).await?)
    }

    /// How it stands, and every change.
    pub fn changes(&self) -> watch::Receiver<State> {
        self.link.shared().changes()
    }

    fn flight(&self, work: &Work<'_>, fence: String) -> Flight {
        let names = Names::of(&self.realm, work.token);
        let caller = names.caller(work.caller);
        Flight { shared: Arc::clone(self.link.shared()), caller, names, fence, times: self.times }
    }
}

/// A result that does not open was not sealed by a sibling: somebody else writes to this Redis.
fn opened(names: &Names, stored: &Stored) -> Result<Granted, CoordinationError> {
    Ok(names.open(stored, Instant::now()).ok_or(Fault::Foreign)?)
}
