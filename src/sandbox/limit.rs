//! Jira's rate limit: a token bucket for each account.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use super::options::RateLimit;
use super::{clock, lock};

/// What Jira says to who is blocked: the largest number of seconds it has.
const FOR_EVER: u64 = i64::MAX as u64;

/// How an account stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) limit: RateLimit,
    pub(super) remaining: u64,
    /// Seconds until there is a token; 0 when there is one.
    pub(super) retry_after: u64,
    pub(super) refused: bool,
}

/// The buckets.
pub(super) struct Limiter {
    limit: Mutex<Option<RateLimit>>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    tokens: u64,
    filled: Timestamp,
}

impl Limiter {
    pub(super) fn new(limit: Option<RateLimit>) -> Limiter {
        Limiter { limit: Mutex::new(limit), buckets: Mutex::default() }
    }

    /// Sets another limit; all buckets are full again.
    pub(super) fn set(&self, limit: Option<RateLimit>) {
        *lock(&self.limit) = limit;
        lock(&self.buckets).clear();
    }

    /// Counts a request of the account. `None`: there is no limit.
    pub(super) fn count(&self, user: &str, now: Timestamp) -> Option<Standing> {
        let limit = (*lock(&self.limit))?;
        let mut buckets = lock(&self.buckets);
        let bucket = buckets.entry(user.to_owned()).or_insert(Bucket { tokens: limit.limit, filled: now });
        bucket.fill(limit, now);
        let refused = bucket.tokens == 0;
        bucket.tokens = bucket.tokens.saturating_sub(1);
        let retry_after = if refused { bucket.seconds_to_wait(limit, now) } else { 0 };
        Some(Standing { limit, remaining: bucket.tokens, retry_after, refused })
    }
}

impl Bucket {
    /// Adds what whole intervals have brought.
    fn fill(&mut self, limit: RateLimit, now: Timestamp) {
        let passed = now.duration_since(self.filled).as_millis().max(0);
        let interval = limit.interval.as_millis().max(1);
        let intervals = u32::try_from(passed.unsigned_abs() / interval).unwrap_or(u32::MAX);
        if intervals > 0 {
            let added = limit.fill_rate.saturating_mul(intervals.into());
            self.tokens = self.tokens.saturating_add(added).min(limit.limit);
            self.filled = clock::later(self.filled, limit.interval.saturating_mul(intervals));
        }
    }

    fn seconds_to_wait(&self, limit: RateLimit, now: Timestamp) -> u64 {
        if limit.limit == 0 || limit.fill_rate == 0 {
            return FOR_EVER;
        }
        let next = clock::later(self.filled, limit.interval).duration_since(now);
        let next = Duration::try_from(next).unwrap_or_default();
        (next.as_millis().div_ceil(1000) as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_by_whole_intervals() {
        let limit = RateLimit { limit: 2, fill_rate: 1, interval: Duration::from_secs(10) };
        let limiter = Limiter::new(Some(limit));
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let count = |user: &str, second: i64| {
            let standing = limiter.count(user, at(second)).unwrap();
            (standing.refused, standing.remaining, standing.retry_after)
        };
        assert_eq!(count("a", 0), (false, 1, 0));
        assert_eq!(count("a", 1), (false, 0, 0));
        assert_eq!(count("a", 4), (true, 0, 6));
        assert_eq!(count("b", 4), (false, 1, 0), "each account has its own");
        assert_eq!(count("a", 10), (false, 0, 0));
        assert_eq!(count("a", 15), (true, 0, 5));
        assert_eq!(count("a", 1000), (false, 1, 0), "never fuller than full");
        limiter.set(Some(RateLimit::BLOCK_ALL));
        assert_eq!(count("a", 1000), (true, 0, 9_223_372_036_854_775_807));
        limiter.set(None);
        assert_eq!(limiter.count("a", at(0)), None);
    }
}
