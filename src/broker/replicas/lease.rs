//! The right to spend one token, from the claim to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::fault::Fault;
use super::link::Shared;
use super::scripts::{self, Answer, Spent, Times};
use super::sealed::Names;
use crate::broker::caller::Caller;
use crate::broker::coordination::{CoordinationError, Refused};
use crate::broker::granted::Granted;

/// A lock on one token, with its fence.
pub struct Lease {
    flight: Arc<Flight>,
    /// Requests of others have left with this token and have no result.
    marked: bool,
    /// The result is known, and it is not for this caller: there is nothing to agree on.
    stranger: bool,
}

/// What a lease is about. Shared with the task that brings its end to Redis later.
pub(super) struct Flight {
    pub(super) shared: Arc<Shared>,
    pub(super) names: Names,
    pub(super) caller: String,
    /// Random: no other flight has it, before or after, here or elsewhere.
    pub(super) fence: String,
    pub(super) times: Times,
}

impl Lease {
    pub(super) fn claimed(flight: Flight, marks: u64) -> Self {
        Lease { flight: Arc::new(flight), marked: marks > 0, stranger: false }
    }

    pub(super) fn of_a_stranger(flight: Flight) -> Self {
        Lease { flight: Arc::new(flight), marked: false, stranger: true }
    }

    /// See [`crate::broker::coordination::Lease::sent`].
    pub async fn sent(&mut self) -> Result<(), CoordinationError> {
        if self.stranger {
            return Ok(());
        }
        let Flight { shared, names, fence, times, .. } = &*self.flight;
        let ours: bool = shared.run(&scripts::sent(names, fence, times)).await?;
        if ours { Ok(()) } else { Err(CoordinationError::Lost) }
    }

    /// See [`crate::broker::coordination::Lease::keep`]. What Redis does not take now it is brought later.
    pub async fn keep(
        self,
        granted: &Granted,
        waiting: impl FnOnce() -> Vec<Caller>,
    ) -> Result<(), CoordinationError> {
        if self.stranger {
            return Ok(());
        }
        let flight = self.flight;
        let until = Instant::now() + flight.times.result;
        // Redis knows them, unless it has lost its memory.
        let waiting = waiting().iter().map(|caller| flight.names.caller(caller)).collect::<Vec<_>>();
        let callers = [vec![flight.caller.clone()], waiting].concat();
        let kept = Kept { pair: granted.to_bytes(), expires_at: granted.expires_at(), until, callers };
        match kept.store(&flight).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(CoordinationError::Lost),
            Err(fault) => {
                let kept = Arc::new(kept);
                Arc::clone(&flight.shared).later(until, move || {
                    let (flight, kept) = (Arc::clone(&flight), Arc::clone(&kept));
                    async move { kept.store(&flight).await.map(drop) }
                });
                Err(fault.into())
            }
        }
    }

    /// See [`crate::broker::coordination::Lease::release`].
    pub async fn release(self) {
        self.settle(Spent::No).await;
    }

    /// See [`crate::broker::coordination::Lease::forsake`].
    pub async fn forsake(self) {
        self.settle(Spent::Unknown).await;
    }

    /// See [`crate::broker::coordination::Lease::refused`].
    pub async fn refused(self) -> Refused {
        let Lease { stranger, marked, .. } = self;
        let flight = Arc::clone(&self.flight);
        // Asked now, whatever was known: with an empty memory it would say that nobody else has been here.
        let remembers = flight.shared.remembers().await;
        let settled = self.settle(if remembers { Spent::Dead } else { Spent::Elsewhere }).await;
        let doubtful = !remembers || flight.shared.in_doubt();
        match settled {
            // A sibling's result is there, and this caller is not among those who waited for it. It may be that
            // Redis was away when it was to be noted down.
            _ if stranger && doubtful => Refused::Interrupted,
            _ if stranger => Refused::Ended,
            Some(Answer::Replayed(stored)) => match flight.names.open(&stored, Instant::now()) {
                Some(granted) => Refused::Replayed(granted),
                None => Refused::Interrupted,
            },
            Some(Answer::Settled { marks }) if marks > 0 => Refused::Interrupted,
            // Redis went away meanwhile: the mark was ours, but what it has forgotten nobody knows.
            None => Refused::Interrupted,
            Some(_) if marked || doubtful => Refused::Interrupted,
            Some(_) => Refused::Ended,
        }
    }

    /// Gives the lock up, now or when Redis is back. `None` if Redis has not answered.
    async fn settle(self, spent: Spent) -> Option<Answer> {
        if self.stranger {
            return None;
        }
        let flight = self.flight;
        match flight.settle(spent).await {
            Ok(answer) => Some(answer),
            Err(_) => {
                // The state tells of the fault; whoever waits for this lock waits until it expires.
                let until = Instant::now() + flight.times.mark;
                Arc::clone(&flight.shared).later(until, move || {
                    let flight = Arc::clone(&flight);
                    async move { flight.settle(spent).await.map(drop) }
                });
                None
            }
        }
    }
}

impl Flight {
    async fn settle(&self, spent: Spent) -> Result<Answer, Fault> {
        let script = scripts::settle(&self.names, &self.caller, &self.fence, spent);
        self.shared.run_anyway(&script).await
    }
}

/// A pair on its way to the siblings.
struct Kept {
    pair: Zeroizing<Vec<u8>>,
    expires_at: Instant,
    until: Instant,
    callers: Vec<String>,
}

impl Kept {
    /// `false` if there is a newer one. Sealed for each attempt, since both lives have grown shorter.
    async fn store(&self, flight: &Flight) -> Result<bool, Fault> {
        let now = Instant::now();
        let life = self.until.saturating_duration_since(now).max(Duration::from_millis(1));
        let sealed = flight.names.seal(&self.pair, self.expires_at, life, now).map_err(|_| Fault::Random)?;
        let Flight { shared, names, fence, .. } = flight;
        shared.run_anyway(&scripts::keep(names, &self.callers, fence, &sealed, life)).await
    }
}
