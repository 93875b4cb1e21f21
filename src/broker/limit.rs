//! How often one caller may ask. Callers that have been quiet are forgotten, so that many of them cost no
//! memory for long.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::caller::Caller;
use super::settings::Rate;

/// The limit of each caller.
pub struct Limit {
    callers: Option<DefaultKeyedRateLimiter<Caller>>,
    clock: DefaultClock,
}

impl Limit {
    /// As the rate says; none if it is zero.
    pub fn new(rate: Rate) -> Self {
        let quota = NonZeroU32::new(rate.per_minute).map(|per_minute| {
            let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
            Quota::per_minute(per_minute).allow_burst(burst)
        });
        let callers = quota.map(RateLimiter::keyed);
        Limit { callers, clock: DefaultClock::default() }
    }

    /// Takes one request of this caller, or says how many whole seconds it has to wait.
    pub fn take(&self, caller: &Caller) -> Result<(), u64> {
        let Some(callers) = &self.callers else { return Ok(()) };
        callers
            .check_key(&caller.block())
            .map_err(|refused| seconds(refused.wait_time_from(self.clock.now())))
    }

    /// Forgets the callers that are as good as new.
    pub fn forget(&self) {
        if let Some(callers) = &self.callers {
            callers.retain_recent();
            callers.shrink_to_fit();
        }
    }

    /// How many callers are known.
    #[cfg(test)]
    fn known(&self) -> usize {
        self.callers.as_ref().map_or(0, RateLimiter::len)
    }
}

/// Rounded up: whoever comes back in time is not refused again.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_limit_of_its_own() {
        let limit = Limit::new(Rate { per_minute: 2, burst: 3 });
        let (one, other) = (Caller::token("one"), Caller::token("other"));
        for _ in 0..3 {
            limit.take(&one).unwrap();
        }
        let wait = limit.take(&one).unwrap_err();
        assert!((1..=30).contains(&wait), "{wait}");
        limit.take(&other).unwrap();
        assert_eq!(limit.known(), 2);
        let [first, second, third] = ["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"]
            .map(|address| Caller::address(address.parse().unwrap()));
        for caller in [&first, &second, &second] {
            limit.take(caller).unwrap();
        }
        assert!(limit.take(&first).is_err(), "one network has one limit");
        limit.take(&third).unwrap();
        assert_eq!(limit.known(), 4);
        limit.forget();
        assert_eq!(limit.known(), 4, "they are not as good as new");
        let none = Limit::new(Rate { per_minute: 0, burst: 1 });
        assert!((0..1000).all(|_| none.take(&one).is_ok()));
    }
}
