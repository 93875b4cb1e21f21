//! Results that may be had again: for a while, by those callers alone who caused them or waited for them.
//!
//! All of them are kept equally long, so the one that has been kept longest is the first whose time is over, and
//! the one to go when there is no room. There are very many, so nothing in them is larger than it must be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashlink::LruCache;
use tokio::time::Instant;

use super::caller::Caller;
use super::coordination::TokenKey;
use super::granted::Granted;

/// How many are thrown away at once: whoever asks meanwhile waits for no more than that.
const BATCH: usize = 256;

/// The results of a replica, in the order in which they came.
pub struct Replays {
    /// `None` if nothing is to be had again. It is looked into with `peek`, which leaves the order as it is.
    kept: Option<Mutex<LruCache<TokenKey, Kept>>>,
    ttl: Duration,
}

/// A result and who may have it again.
struct Kept {
    granted: Arc<Granted>,
    callers: Callers,
    until: Instant,
}

/// Mostly there is but one.
enum Callers {
    One(Caller),
    Many(Box<[Caller]>),
}

impl Callers {
    fn of(mut callers: Vec<Caller>) -> Self {
        match (callers.pop(), callers.is_empty()) {
            (Some(one), true) => Callers::One(one),
            (last, _) => Callers::Many(callers.into_iter().chain(last).collect()),
        }
    }

    fn contains(&self, caller: &Caller) -> bool {
        match self {
            Callers::One(one) => one == caller,
            Callers::Many(many) => many.contains(caller),
        }
    }
}

impl Replays {
    /// Keeps `entries` at most, each for `ttl`; none if either is zero.
    pub fn new(ttl: Duration, entries: u64) -> Self {
        let keeps = !ttl.is_zero() && entries > 0;
        let entries = usize::try_from(entries).unwrap_or(usize::MAX);
        Replays { kept: keeps.then(|| Mutex::new(LruCache::new(entries))), ttl }
    }

    /// Keeps what a token led to, from `now` on. The oldest one makes room.
    pub fn keep(&self, key: TokenKey, granted: Arc<Granted>, callers: Vec<Caller>, now: Instant) {
        let Some(kept) = &self.kept else { return };
        let new = Kept { granted, callers: Callers::of(callers), until: now + self.ttl };
        lock(kept).insert(key, new);
    }

    /// What a token led to, if this caller may have it again.
    pub fn find(&self, key: &TokenKey, caller: &Caller, now: Instant) -> Option<Arc<Granted>> {
        let kept = lock(self.kept.as_ref()?);
        let found = kept.peek(key)?;
        (now < found.until && found.callers.contains(caller)).then(|| Arc::clone(&found.granted))
    }

    /// Throws away what may not be had again, and with the last copy wipes it. Says how many are left.
    pub fn forget(&self, now: Instant) -> u64 {
        let Some(kept) = &self.kept else { return 0 };
        loop {
            let mut kept = lock(kept);
            let over =
                |kept: &LruCache<_, Kept>| kept.iter().next().is_some_and(|(_, oldest)| oldest.until <= now);
            let mut gone = Vec::new();
            while gone.len() < BATCH && over(&kept) {
                gone.extend(kept.remove_lru());
            }
            let left = kept.len() as u64;
            drop(kept);
            if gone.is_empty() {
                return left;
            }
        }
    }
}

fn lock(kept: &Mutex<LruCache<TokenKey, Kept>>) -> MutexGuard<'_, LruCache<TokenKey, Kept>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
