//! The sandbox's time, which a test can move: tokens expire when it says so, and nobody sleeps.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::lock;

/// A clock that is ahead of the one it was made from by what it was advanced.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ahead: Arc<Mutex<Duration>>,
}

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock { now: Arc::new(now), ahead: Arc::default() }
    }

    /// Now, plus what it was advanced.
    pub fn now(&self) -> Timestamp {
        later((self.now)(), *lock(&self.ahead))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *lock(&self.ahead) += by;
    }
}

/// A moment so much later, or the last moment there is.
pub(super) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}
