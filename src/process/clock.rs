//! What time it is.

use std::sync::Arc;

use jiff::Timestamp;

/// What time it is; a test may say so.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[allow(clippy::disallowed_methods, reason = "the one clock")]
    pub fn system() -> Self {
        Clock(Arc::new(Timestamp::now))
    }

    /// A clock of one's own.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Clock(Arc::new(now))
    }

    /// The time now as exactly as it is known, for a log.
    pub fn exact(&self) -> Timestamp {
        (self.0)()
    }

    /// The time now, in whole seconds.
    pub fn now(&self) -> Timestamp {
        let now = self.exact();
        // Whole seconds, as tokens live: a fraction would only be noise in what is shown and stored.
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
