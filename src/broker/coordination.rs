//! Who may spend a token when several replicas stand side by side: one replica alone, or an agreement over
//! Redis. Within one replica the callers have been gathered already (`coalesce`), so this is asked once for
//! all of them.

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::Instant;

use super::caller::Caller;
use super::granted::Granted;
use super::replicas::{self, Replicas};
use crate::secret::{Secret, hex};

/// The first half of a refresh token's SHA-256: what it is called inside this process. It never leaves it, but for
/// its first twelve digits in the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenKey([u8; 16]);

impl TokenKey {
    /// The key of a token.
    pub fn of(token: &Secret) -> Self {
        let hash: [u8; 32] = Sha256::digest(token.expose()).into();
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        TokenKey(half)
    }

    /// The first twelve hex digits, for the log.
    pub fn short(&self) -> String {
        hex(&self.0[..6])
    }
}

/// One token that is to be spent, for one caller.
pub struct Work<'a> {
    /// The token.
    pub token: &'a Secret,
    /// For whom.
    pub caller: &'a Caller,
}

/// What became of a claim.
pub enum Claim {
    /// A sibling has spent the token for this caller a moment ago: here is what it got.
    Replayed(Granted),
    /// This replica may spend it, and nobody else until the lease ends.
    Mine(Lease),
}

/// Why there is no agreement.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CoordinationError {
    /// Redis does not answer, refuses, or is full.
    #[error("the replicas' Redis is not available: {0}")]
    Unavailable(String),
    /// The lease expired while this replica had it.
    #[error("the lease on the token was lost before it was used")]
    Lost,
    /// A sibling held the lease for as long as the caller could wait.
    #[error("Another replica still waits for Jira's answer to this token.")]
    Busy,
}

/// How it stands with the siblings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There are none.
    Off,
    /// They have not been tried yet.
    NotYet,
    /// They are reached.
    Up,
    /// They are not, and why.
    Down(String),
}

/// How a caller stands that has joined a flight.
pub enum Joined {
    /// Every replica knows that it waits.
    Noted,
    /// There is a result, and it is this caller's: it need not wait.
    Replayed(Granted),
    /// There is a result, and this caller was not known to wait for it. If it gets that one from this replica
    /// after all, [`Coordination::admit`] says so to the others.
    TooLate,
}

/// What Jira's `invalid_grant` means.
pub enum Refused {
    /// What it says: the session has ended.
    Ended,
    /// A sibling may have spent the token, and its result is not known. That is no verdict on the session.
    Interrupted,
    /// A sibling has spent it, and this is what it got.
    Replayed(Granted),
}

/// The agreement. What Redis takes time for has a place of its own each time: who is alone carries none of it along.
pub enum Coordination {
    /// This replica is the only one.
    Alone,
    /// There are others, and Redis between them.
    Redis(Replicas),
}

impl Coordination {
    /// Waits until this replica may spend the token, or a sibling has a result for this caller; until the
    /// deadline at most. What is `Unavailable` says so as soon as it is known.
    pub async fn claim(&self, work: &Work<'_>, deadline: Instant) -> Result<Claim, CoordinationError> {
        match self {
            Coordination::Alone => Ok(Claim::Mine(Lease::alone())),
            Coordination::Redis(replicas) => Box::pin(replicas.claim(work, deadline)).await,
        }
    }

    /// One more caller waits here for a token that is claimed or being claimed: whatever comes of it, every
    /// replica may hand it to this caller too. Awaited before the caller waits. The flight may be that of
    /// somebody who came when all was over, and has nothing to give: then the result that is there counts.
    pub async fn joined(&self, work: &Work<'_>) -> Result<Joined, CoordinationError> {
        match self {
            Coordination::Alone => Ok(Joined::Noted),
            Coordination::Redis(replicas) => Box::pin(replicas.joined(work)).await,
        }
    }

    /// A caller that joined too late, or while Redis was away, has got the result of the flight here.
    pub async fn admit(&self, work: &Work<'_>) -> Result<(), CoordinationError> {
        match self {
            Coordination::Alone => Ok(()),
            Coordination::Redis(replicas) => Box::pin(replicas.admit(work)).await,
        }
    }

    /// A lease that this replica gives itself while the others cannot be asked.
    pub fn without_the_others(&self) -> Lease {
        match self {
            Coordination::Alone => Lease(Held::Alone),
            Coordination::Redis(_) => Lease(Held::WithoutTheOthers),
        }
    }

    /// Whether Redis answers, now: for the start and for `--check`.
    pub async fn reach(&self) -> Result<(), CoordinationError> {
        match self {
            Coordination::Alone => Ok(()),
            Coordination::Redis(replicas) => replicas.reach().await,
        }
    }

    /// Turns to Redis at another URL, if it can be reached; otherwise all stays as it was.
    pub async fn turn_to(&self, url: &Secret) -> Result<(), CoordinationError> {
        match self {
            Coordination::Alone => Ok(()),
            Coordination::Redis(replicas) => replicas.turn_to(url).await,
        }
    }

    /// How it stands.
    pub fn state(&self) -> State {
        match self {
            Coordination::Alone => State::Off,
            Coordination::Redis(replicas) => replicas.changes().borrow().clone(),
        }
    }

    /// Every change of [`Coordination::state`]; none if there are no siblings.
    pub fn changes(&self) -> Option<watch::Receiver<State>> {
        match self {
            Coordination::Alone => None,
            Coordination::Redis(replicas) => Some(replicas.changes()),
        }
    }
}

/// The right to spend one token. Dropped (a panic, the end of the process), it ends by itself: not marked as
/// sent, the next may try when it has expired; marked, the mark stays.
pub struct Lease(Held);

enum Held {
    Alone,
    /// The others go on as well, so Jira's refusal may come from a call of theirs.
    WithoutTheOthers,
    Redis(replicas::Lease),
}

impl Lease {
    /// A lease that nobody else knows of.
    pub fn alone() -> Self {
        Lease(Held::Alone)
    }

    /// One that the siblings know of.
    pub fn of(lease: replicas::Lease) -> Self {
        Lease(Held::Redis(lease))
    }

    /// Marks the token as sent. Before the call to Jira: without the mark it is not made.
    pub async fn sent(&mut self) -> Result<(), CoordinationError> {
        match &mut self.0 {
            Held::Alone | Held::WithoutTheOthers => Ok(()),
            Held::Redis(lease) => Box::pin(lease.sent()).await,
        }
    }

    /// Keeps the result for those who may have it, at every replica, and ends the lease: for the caller of the claim
    /// and those who wait here. If it fails, the mark stays, and the caller gets its pair all the same.
    pub async fn keep(
        self,
        granted: &Granted,
        waiting: impl FnOnce() -> Vec<Caller>,
    ) -> Result<(), CoordinationError> {
        match self.0 {
            Held::Alone | Held::WithoutTheOthers => Ok(()),
            Held::Redis(lease) => Box::pin(lease.keep(granted, waiting)).await,
        }
    }

    /// Jira refused, or was not reached: the mark and the lease go, and the next may try.
    pub async fn release(self) {
        match self.0 {
            Held::Alone | Held::WithoutTheOthers => {}
            Held::Redis(lease) => Box::pin(lease.release()).await,
        }
    }

    /// Jira has answered `invalid_grant`: ends the lease like [`Lease::release`], and says what that answer
    /// means, as far as the siblings know at this very moment.
    pub async fn refused(self) -> Refused {
        match self.0 {
            Held::Alone => Refused::Ended,
            Held::WithoutTheOthers => Refused::Interrupted,
            Held::Redis(lease) => Box::pin(lease.refused()).await,
        }
    }

    /// The request left and no answer came: the lease goes and the mark stays, since Jira may have rotated
    /// the token.
    pub async fn forsake(self) {
        match self.0 {
            Held::Alone | Held::WithoutTheOthers => {}
            Held::Redis(lease) => Box::pin(lease.forsake()).await,
        }
    }
}
