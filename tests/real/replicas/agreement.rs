//! One call for all, and what becomes of the others when it breaks.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use jira_oauth::broker::coordination::{CoordinationError, Joined, Refused, State};

use super::{PATIENCE, Replica, mine, name, pair, replayed, token};
use crate::support::jira::{until, within};
use crate::support::redis::{MEMORY, Redis};
use crate::support::{Real, runs};

#[tokio::test]
async fn whoever_waits_at_another_replica_gets_the_result_and_may_have_it_again_anywhere() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    let lease = a.send(&old, "first").await;
    assert!(matches!(a.joined(&old, "joined at a").await, Ok(Joined::Noted)));
    let waiting = async {
        // The one that waits for all at b; another joins it there.
        let (got, ()) = join(b.claim(&old, "waits at b"), async {
            until("the waiter", || {
                let callers = redis.keys(":callers").pop()?;
                (redis.say(&["SCARD", &callers]) == "3").then_some(())
            })
            .await;
            assert!(matches!(b.joined(&old, "joined at b").await, Ok(Joined::Noted)));
            lease.keep(&pair("new"), Vec::new).await.unwrap();
        })
        .await;
        replayed(got)
    };
    assert_eq!(waiting.await, "new");
    for replica in [&a, &b] {
        for caller in ["first", "joined at a", "waits at b", "joined at b"] {
            assert_eq!(replayed(replica.claim(&old, caller).await), "new", "{caller}");
        }
    }
    assert!(redis.keys(":lock").is_empty() && redis.keys(":marks").is_empty());
}

#[tokio::test]
async fn of_fifty_callers_at_two_replicas_one_calls_jira() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let callers = (0..50).map(|n| {
        let (replica, old, calls, caller) = ([&a, &b][n % 2], &old, &calls, format!("caller {n}"));
        async move {
            match replica.claim(old, &caller).await.unwrap() {
                jira_oauth::broker::coordination::Claim::Replayed(granted) => name(&granted),
                jira_oauth::broker::coordination::Claim::Mine(mut lease) => {
                    lease.sent().await.unwrap();
                    let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let granted = pair(&call.to_string());
                    lease.keep(&granted, Vec::new).await.unwrap();
                    name(&granted)
                }
            }
        }
    });
    let got = within("all fifty", join_all(callers)).await;
    assert_eq!(calls.into_inner(), 1);
    assert_eq!(got, vec!["0"; 50]);
}

#[tokio::test]
async fn whoever_comes_too_late_gets_no_result_and_takes_nobody_elses_away() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::old().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    a.send(&old, "first").await.keep(&pair("new"), Vec::new).await.unwrap();
    for _ in 0..2 {
        // With the spent token, found somewhere: Jira has the word, and it is final.
        let mut late = mine(b.claim(&old, "late").await);
        late.sent().await.unwrap();
        // Meanwhile the first asks again, at the replica where that hopeless flight is in the air.
        let Ok(Joined::Replayed(again)) = b.joined(&old, "first").await else { panic!("it is there") };
        assert_eq!(name(&again), "new");
        assert!(matches!(b.joined(&old, "late as well").await, Ok(Joined::TooLate)));
        assert!(matches!(late.refused().await, Refused::Ended));
    }
    assert_eq!(replayed(b.claim(&old, "first").await), "new");
}

/// It joined between the storing of the result and the end of the flight: the replica has it, and vouches for it.
#[tokio::test]
async fn a_caller_that_a_replica_vouches_for_is_replayed_at_the_other() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    assert!(a.admitted(&old, "joins").await.is_ok());
    assert!(redis.keys(":callers").is_empty(), "without a result there is nothing to be admitted to");
    a.send(&old, "first").await.keep(&pair("new"), Vec::new).await.unwrap();
    assert!(matches!(a.joined(&old, "joins").await, Ok(Joined::TooLate)));
    a.admitted(&old, "joins").await.unwrap();
    assert_eq!(replayed(b.claim(&old, "joins").await), "new");
    let left: i64 = redis.say(&["PTTL", &redis.has(":callers").await]).parse().unwrap();
    assert!((0..=60_000).contains(&left), "{left} ms: no longer than the result");
}

#[tokio::test]
async fn a_refusal_lets_the_next_try_and_is_not_remembered() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::old().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    let lease = a.send(&old, "first").await;
    let (second, ()) = join(b.claim(&old, "second"), async {
        redis.has(":marks").await;
        lease.release().await;
    })
    .await;
    let mut second = mine(second);
    second.sent().await.unwrap();
    assert!(matches!(second.refused().await, Refused::Ended));
    assert_eq!(redis.say(&["--scan"]), MEMORY, "a dead token leaves nothing behind");
}

#[tokio::test]
async fn a_replica_that_dies_before_its_request_holds_the_others_up_for_seconds_only() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::old().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    drop(mine(a.claim(&old, "first").await));
    drop(a);
    let start = Instant::now();
    let mut lease = mine(b.claim(&old, "second").await);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    lease.sent().await.unwrap();
    assert!(matches!(lease.refused().await, Refused::Ended), "nothing had left before");
}

#[tokio::test]
async fn after_a_replica_died_with_its_request_no_refusal_ends_a_session() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::old().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    drop(a.send(&old, "first").await);
    drop(a);
    let busy = b.claim_for(&old, "second", Duration::from_millis(300)).await;
    assert!(matches!(busy, Err(CoordinationError::Busy)), "the lock outlives its holder");
    // The lock expires when the dead replica's call to Jira must be over.
    let lock = redis.has(":lock").await;
    let left: u64 = redis.say(&["PTTL", &lock]).parse().unwrap();
    assert!((9_000..=11_000).contains(&left), "{left} ms");
    redis.say(&["DEL", &lock]);
    for _ in 0..2 {
        let lease = b.send(&old, "second").await;
        assert!(matches!(lease.refused().await, Refused::Interrupted), "each time, while the mark stands");
    }
    // It stands as long as it was set, however often somebody asks, and then Jira's word counts again.
    let marks = redis.has(":marks").await;
    assert_eq!(redis.say(&["ZCARD", &marks]), "1");
    let left: u64 = redis.say(&["PTTL", &marks]).parse().unwrap();
    assert!(left <= 71_000, "{left} ms");
    redis.say(&["DEL", &marks]);
    let lease = b.send(&old, "second").await;
    assert!(matches!(lease.refused().await, Refused::Ended));
}

#[tokio::test]
async fn a_call_without_an_answer_leaves_its_mark_and_no_lock() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    a.send(&old, "first").await.forsake().await;
    let lease = b.send(&old, "second").await;
    assert!(matches!(lease.refused().await, Refused::Interrupted));
    let lease = b.send(&old, "second").await;
    // Jira had not got it after all: then this one has the pair, and the doubt is over.
    lease.keep(&pair("new"), Vec::new).await.unwrap();
    assert!(redis.keys(":marks").is_empty());
    assert_eq!(replayed(a.claim(&old, "first").await), "new");
}

/// A machine that stood still: its lock has expired, and others have gone on.
#[tokio::test]
async fn a_result_is_stored_only_while_its_mark_stands() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("overtaken");
    let slow = a.send(&old, "first").await;
    redis.say(&["DEL", &redis.has(":lock").await]);
    b.send(&old, "second").await.keep(&pair("second"), Vec::new).await.unwrap();
    assert!(matches!(slow.keep(&pair("first"), Vec::new).await, Err(CoordinationError::Lost)));
    for caller in ["first", "second"] {
        assert_eq!(replayed(a.claim(&old, caller).await), "second");
    }

    // It comes in time for those who are at it: they are refused by Jira, and get what it got.
    let old = token("in time");
    let slow = a.send(&old, "first").await;
    redis.say(&["DEL", &redis.has(":lock").await]);
    let second = b.send(&old, "second").await;
    slow.keep(&pair("first"), Vec::new).await.unwrap();
    let Refused::Replayed(granted) = second.refused().await else { panic!("the result is there") };
    assert_eq!(name(&granted), "first");
}

#[tokio::test]
async fn who_lost_its_claim_does_not_send() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    let mut slow = mine(a.claim(&old, "first").await);
    redis.say(&["DEL", &redis.has(":lock").await]);
    let other = mine(b.claim(&old, "second").await);
    assert!(matches!(slow.sent().await, Err(CoordinationError::Lost)));
    slow.release().await;
    assert_eq!(redis.keys(":lock").len(), 1, "nobody gives up a lock that is not its own");
    drop(other);
}

#[tokio::test]
async fn without_a_replay_a_result_stands_for_those_who_wait_and_goes() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let a = Replica::with(&redis.url(), |options| options.replay_ttl = Duration::ZERO);
    a.is(&State::Up).await;
    let old = token("old");
    a.send(&old, "first").await.keep(&pair("new"), Vec::new).await.unwrap();
    assert_eq!(replayed(a.claim(&old, "first").await), "new");
    until("the result to go", || redis.keys(":result").is_empty().then_some(())).await;
    until("its callers to go", || redis.keys(":callers").is_empty().then_some(())).await;
}

#[tokio::test]
async fn brokers_of_different_jiras_share_a_redis_and_nothing_else() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let a = Replica::of(&redis).await;
    let other =
        Replica::with(&redis.url(), |options| options.realm = "https://other.example.com client".into());
    other.is(&State::Up).await;
    let old = token("old");
    a.send(&old, "first").await.keep(&pair("new"), Vec::new).await.unwrap();
    drop(mine(other.claim(&old, "first").await));
}

/// Polling is paid for by Redis: little, however many wait.
#[tokio::test]
async fn fifty_waiting_flights_cost_redis_little() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let tokens: Vec<_> = (0..50).map(|n| token(&n.to_string())).collect();
    let mut leases = vec![];
    for old in &tokens {
        leases.push(a.send(old, "first").await);
    }
    let count = || -> u64 {
        let stats = redis.say(&["INFO", "commandstats"]);
        let line = stats.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap();
        line.split(['=', ',']).nth(1).unwrap().parse().unwrap()
    };
    let before = count();
    let start = Instant::now();
    let patience = Duration::from_secs(2);
    let waiting = join_all(tokens.iter().map(|old| b.claim_for(old, "second", patience))).await;
    let took = start.elapsed();
    let asked = count() - before;
    assert!(waiting.iter().all(|claim| matches!(claim, Err(CoordinationError::Busy))));
    assert!(took < patience + PATIENCE, "{took:?}: the deadline bounds it");
    // 50 flights in 2 s: each asks every 50 to 100 ms once it has waited for a while, and less often on a busy machine.
    assert!(asked <= 3_000, "{asked} questions in {took:?}");
    let (got, ()) = join(join_all(tokens.iter().map(|old| b.claim_for(old, "second", PATIENCE))), async {
        for lease in leases {
            lease.keep(&pair("new"), Vec::new).await.unwrap();
        }
    })
    .await;
    assert!(got.into_iter().all(|claim| replayed(claim) == "new"));
}
