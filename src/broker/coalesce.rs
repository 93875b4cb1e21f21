//! One call to Jira for all who ask with one token, and its result again for those who waited for it.
//!
//! Jira takes a refresh token once. Callers come in crowds with the same one (the commands of a CI job), and
//! come again when an answer got lost. So whoever asks while a call is under way joins it, and gets what it
//! comes to, failures too. A result is remembered for a while, for those callers alone who caused it or waited
//! for it; a failure is not. The call is a task of its own: a caller who goes away takes nothing from the
//! others, and a panic ends it for all of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::caller::Caller;
use super::coordination::{
    Claim, Coordination, CoordinationError, Joined, Lease, Refused as Verdict, State, TokenKey, Work,
};
use super::granted::Granted;
use super::log::{Level, Log};
use super::material::Material;
use super::metrics::{Grant, Metrics, Origin};
use super::replays::Replays;
use super::settings::{Settings, WithoutCoordination};
use super::upstream::{Refused, Upstream, outcome};
use crate::auth::wire::{ErrorCode, Refresh};

/// What all calls share.
pub struct Coalesce {
    flights: Mutex<HashMap<TokenKey, Flight>>,
    /// When a result last landed that nobody was waiting for any more.
    unheard: Mutex<Option<Instant>>,
    replays: Replays,
    claim_timeout: Duration,
    without_coordination: WithoutCoordination,
    pub(super) coordination: Coordination,
    pub(super) upstream: Upstream,
    pub(super) material: Arc<Material>,
    pub(super) metrics: Arc<Metrics>,
    log: Log,
}

/// A call that is under way.
struct Flight {
    /// Who caused it or waits for it.
    callers: Vec<Caller>,
    landed: watch::Receiver<Option<Landed>>,
}

/// What a call came to.
#[derive(Clone)]
pub struct Landed {
    /// The pair, or why there is none.
    pub result: Result<Arc<Granted>, Refused>,
    /// How long Jira took, if it was asked.
    pub upstream: Option<Duration>,
    /// Whether a sibling had asked Jira.
    pub from_sibling: bool,
}

/// How an answer came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// This request caused the call.
    Called,
    /// It joined one.
    Joined,
    /// It got the result of an earlier one.
    Replayed,
}

impl How {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            How::Called => "called",
            How::Joined => "joined",
            How::Replayed => "replayed",
        }
    }
}

impl Coalesce {
    /// Nothing under way, nothing remembered.
    pub fn new(
        settings: &Settings,
        coordination: Coordination,
        upstream: Upstream,
        material: Arc<Material>,
        metrics: Arc<Metrics>,
        log: Log,
    ) -> Self {
        Coalesce {
            flights: Mutex::default(),
            unheard: Mutex::default(),
            replays: Replays::new(settings.replay_ttl, settings.replay_entries),
            claim_timeout: settings.claim_timeout(),
            without_coordination: settings.without_coordination,
            coordination,
            upstream,
            material,
            metrics,
            log,
        }
    }

    /// The result of an earlier call, if this caller may have it.
    pub fn replay(&self, key: &TokenKey, caller: &Caller, now: Instant) -> Option<Arc<Granted>> {
        self.replays.find(key, caller, now)
    }

    /// Joins the call for this token, or causes it if `permit` allows one more. The permit is held until the call
    /// ends, whoever waits. What is under way or there already needs none: it costs Jira nothing, and at the end of
    /// the process it may be the one way for a caller to its pair.
    pub async fn ask(
        self: &Arc<Self>,
        asked: Refresh,
        key: TokenKey,
        caller: &Caller,
        permit: impl Fn() -> Result<OwnedSemaphorePermit, Refused>,
    ) -> Result<(Landed, How), Refused> {
        loop {
            match self.board(key, caller, &permit)? {
                Boarded::Late(granted) => {
                    let landed = Landed { result: Ok(granted), upstream: None, from_sibling: false };
                    return Ok((landed, How::Replayed));
                }
                Boarded::Joined(landed) => {
                    if let Some(landed) = Box::pin(self.join(&asked, caller, landed)).await {
                        return Ok((landed, How::Joined));
                    }
                }
                Boarded::First(landing, landed, permit) => {
                    let (all, caller) = (Arc::clone(self), caller.clone());
                    tokio::spawn(async move {
                        let landed = all.fly(&asked, key, &caller).await;
                        landing.land(landed);
                        drop(permit);
                    });
                    return Ok((wait(landed).await, How::Called));
                }
            }
        }
    }

    /// Waits with a call that is under way. `None` if what it came to is not this caller's.
    async fn join(
        &self,
        asked: &Refresh,
        caller: &Caller,
        landed: watch::Receiver<Option<Landed>>,
    ) -> Option<Landed> {
        self.metrics.coalesced.inc();
        let work = Work { token: &asked.refresh_token, caller };
        let mut unheard_of = false;
        let noted = match self.coordination.joined(&work).await {
            Ok(Joined::Noted) => true,
            Ok(Joined::TooLate) => false,
            Ok(Joined::Replayed(granted)) => {
                self.metrics.replayed(Origin::Redis);
                return Some(Landed { result: Ok(Arc::new(granted)), upstream: None, from_sibling: true });
            }
            Err(_) => {
                self.metrics.coordination_errors.inc();
                unheard_of = true;
                false
            }
        };
        let mut landed = wait(landed).await;
        // The flight may be that of somebody who came when all was over. Whether this caller did too, Redis did not say.
        if unheard_of && matches!(&landed.result, Err(refused) if refused.code == ErrorCode::InvalidGrant) {
            landed.result = Err(Refused::plain(ErrorCode::RefreshInterrupted));
        }
        if landed.result.is_ok() && !noted {
            // A sibling's result, which was there for the first here before this caller came: not for it.
            if landed.from_sibling {
                return None;
            }
            // The call was made here, and its result kept a moment before this caller was to be noted down.
            if self.coordination.admit(&work).await.is_err() {
                self.metrics.coordination_errors.inc();
            }
        }
        Some(landed)
    }

    /// Whether a result landed for which nobody was waiting any more, and when the last one did. Its caller may be
    /// about to ask for it again.
    pub fn unheard(&self) -> Option<Instant> {
        *self.unheard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn board(
        self: &Arc<Self>,
        key: TokenKey,
        caller: &Caller,
        permit: impl Fn() -> Result<OwnedSemaphorePermit, Refused>,
    ) -> Result<Boarded, Refused> {
        let mut flights = self.flights();
        match flights.entry(key) {
            Entry::Occupied(mut flight) => {
                let flight = flight.get_mut();
                if !flight.callers.contains(caller) {
                    flight.callers.push(caller.clone());
                }
                Ok(Boarded::Joined(flight.landed.clone()))
            }
            Entry::Vacant(place) => {
                // It may have landed between the first look and the lock.
                if let Some(granted) = self.replay(&key, caller, Instant::now()) {
                    return Ok(Boarded::Late(granted));
                }
                let permit = permit()?;
                let (sender, landed) = watch::channel(None);
                place.insert(Flight { callers: vec![caller.clone()], landed: landed.clone() });
                let landing = Landing { all: Arc::clone(self), key, sender, landed: None };
                Ok(Boarded::First(landing, landed, permit))
            }
        }
    }

    /// The call itself.
    async fn fly(&self, asked: &Refresh, key: TokenKey, caller: &Caller) -> Landed {
        let refused = |refused| Landed { result: Err(refused), upstream: None, from_sibling: false };
        let work = Work { token: &asked.refresh_token, caller };
        let claimed = self.coordination.claim(&work, Instant::now() + self.claim_timeout).await;
        let claimed = match claimed {
            Err(error) => self.alone(error, "claim").map(Claim::Mine),
            claimed => claimed,
        };
        let mut lease = match claimed {
            Ok(Claim::Mine(lease)) => lease,
            Ok(Claim::Replayed(granted)) => {
                return Landed { result: Ok(Arc::new(granted)), upstream: None, from_sibling: true };
            }
            Err(error) => return refused(uncoordinated(&error)),
        };
        // Where this replica goes on alone it keeps the lease all the same: Redis may have taken the mark although
        // its answer was lost, and gets the result when it is back.
        if let Err(error) = lease.sent().await
            && let Err(error) = self.alone(error, "mark")
        {
            lease.release().await;
            return refused(uncoordinated(&error));
        }
        let begun = Instant::now();
        let answer = self.upstream.refresh(self.material.known().secret.clone(), asked).await;
        let took = begun.elapsed();
        self.metrics.asked(Grant::Refresh, outcome(&answer), took);
        let result = match answer {
            Ok(tokens) => match Granted::new(&tokens, Instant::now()) {
                Some(granted) => {
                    // The token is spent: whatever becomes of the siblings, the caller gets its pair.
                    if let Err(error) = lease.keep(&granted, || self.waiting(&key)).await {
                        self.disagreed(&error, "keep");
                    }
                    Ok(Arc::new(granted))
                }
                None => {
                    lease.forsake().await;
                    Err(Refused::because(ErrorCode::UpstreamRefused, "Jira's tokens are larger than any"))
                }
            },
            Err(refused) if refused.code == ErrorCode::InvalidGrant => match lease.refused().await {
                Verdict::Ended => Err(refused),
                Verdict::Interrupted => Err(Refused::plain(ErrorCode::RefreshInterrupted)),
                Verdict::Replayed(granted) => {
                    let result = Ok(Arc::new(granted));
                    return Landed { result, upstream: Some(took), from_sibling: true };
                }
            },
            Err(refused) => {
                match refused.unknown {
                    true => lease.forsake().await,
                    false => lease.release().await,
                }
                Err(refused)
            }
        };
        Landed { result, upstream: Some(took), from_sibling: false }
    }

    /// A lease for this replica alone, where that is wanted.
    fn alone(&self, error: CoordinationError, at: &str) -> Result<Lease, CoordinationError> {
        self.disagreed(&error, at);
        match (self.without_coordination, &error) {
            (WithoutCoordination::Local, CoordinationError::Unavailable(_)) => {
                self.metrics.local_fallback.inc();
                Ok(self.coordination.without_the_others())
            }
            _ => Err(error),
        }
    }

    fn disagreed(&self, error: &CoordinationError, at: &str) {
        // They agree well: one of them is still waiting for Jira.
        if matches!(error, CoordinationError::Busy) {
            return;
        }
        self.metrics.coordination_errors.inc();
        // That Redis is away has been said when it went, and is not said again with every request.
        if matches!(self.coordination.state(), State::NotYet | State::Down(_)) {
            return;
        }
        let line = self.log.line(Level::Warn, "coordination").word("at", at);
        self.log.write(line.text("reason", &error.to_string()));
    }

    /// Forgets what may not be had again; says how many results are kept.
    pub fn forget(&self) -> u64 {
        self.replays.forget(Instant::now())
    }

    fn waiting(&self, key: &TokenKey) -> Vec<Caller> {
        self.flights().get(key).map(|flight| flight.callers.clone()).unwrap_or_default()
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<TokenKey, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a request stands to the call for its token.
enum Boarded {
    /// It is the first.
    First(Landing, watch::Receiver<Option<Landed>>, OwnedSemaphorePermit),
    /// There is one under way.
    Joined(watch::Receiver<Option<Landed>>),
    /// There was one a moment ago.
    Late(Arc<Granted>),
}

/// Ends a call for all who wait, however it ends: dropped in a panic, with a failure that is nobody's but ours.
struct Landing {
    all: Arc<Coalesce>,
    key: TokenKey,
    sender: watch::Sender<Option<Landed>>,
    landed: Option<Landed>,
}

impl Landing {
    fn land(mut self, landed: Landed) {
        self.landed = Some(landed);
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let landed = self.landed.take().unwrap_or_else(crashed);
        let mut flights = self.all.flights();
        let callers = flights.remove(&self.key).map(|flight| flight.callers).unwrap_or_default();
        // Before the lock is free: nobody may find neither the call nor its result. What a sibling got is in Redis,
        // which knows who may have it again and for how long.
        if let (Ok(granted), false) = (&landed.result, landed.from_sibling) {
            let now = Instant::now();
            if self.sender.receiver_count() == 0 {
                // Whoever spends a token and hangs up has its line as well.
                let line = self.all.log.line(Level::Info, "unheard").word("token", &self.key.short());
                let caller = callers.first().map(Caller::as_str).unwrap_or_default();
                self.all.log.write(line.text("caller", &caller));
                *self.all.unheard.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
            }
            self.all.replays.keep(self.key, Arc::clone(granted), callers, now);
        }
        drop(flights);
        if landed.from_sibling {
            self.all.metrics.replayed(Origin::Redis);
        }
        self.sender.send_replace(Some(landed));
    }
}

async fn wait(mut landed: watch::Receiver<Option<Landed>>) -> Landed {
    let landed = landed.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone());
    landed.unwrap_or_else(crashed)
}

/// A panic: what it was stands on stderr.
fn crashed() -> Landed {
    let result = Err(Refused { unknown: true, ..Refused::plain(ErrorCode::ServerError) });
    Landed { result, upstream: None, from_sibling: false }
}

fn uncoordinated(error: &CoordinationError) -> Refused {
    match error {
        // Where Redis is, is nobody's business but the operator's, and stands in the log.
        CoordinationError::Unavailable(_) => Refused::plain(ErrorCode::CoordinationUnavailable),
        CoordinationError::Lost => Refused::because(ErrorCode::CoordinationUnavailable, error.to_string()),
        // Redis is well. It is Jira that is slow, and whoever asks again gets the result when it is there.
        CoordinationError::Busy => Refused::because(ErrorCode::UpstreamUnavailable, error.to_string()),
    }
}

#[cfg(test)]
mod tests;
