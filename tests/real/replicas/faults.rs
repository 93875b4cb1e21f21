//! What can be wrong with Redis: each is said within seconds, with its reason, and forgotten when it is over.

use std::time::Instant;

use futures_util::future::join;
use jira_oauth::broker::caller::Caller;
use jira_oauth::broker::coordination::{CoordinationError, Refused, State};
use jira_oauth::broker::replicas::{Replicas, ReplicasError};

use super::{BOUND, Replica, mine, name, pair, replayed, token};
use crate::support::jira::until;
use crate::support::redis::{MEMORY, PASSWORD, Redis};
use crate::support::{Real, runs};

/// It works, as far as a claim shows it.
async fn works(replica: &Replica) {
    replica.is(&State::Up).await;
    mine(replica.claim(&token("works"), "somebody").await).release().await;
}

#[tokio::test]
async fn one_that_is_away_at_the_start_and_in_between_is_found_when_it_is_back() {
    if !runs(Real::Redis) {
        return;
    }
    let mut redis = Redis::prepared(&[]);
    let replica = Replica::at(&redis.url());
    replica.refuses("cannot be connected to: connection refused").await;
    replica.is_down("cannot be connected to").await;
    let reached = replica.0.reach().await;
    assert!(matches!(reached, Err(CoordinationError::Unavailable(_))));
    for _ in 0..2 {
        redis.up().await;
        works(&replica).await;
        replica.0.reach().await.unwrap();
        redis.down();
        replica.is_down("").await;
        replica.refuses("").await;
    }
}

#[tokio::test]
async fn one_that_is_known_to_be_away_is_said_to_be_so_at_once() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let replica = Replica::of(&redis).await;
    redis.stand_still(true);
    replica.refuses("does not answer in time").await;
    let start = Instant::now();
    for _ in 0..20 {
        replica.refuses("does not answer in time").await;
    }
    assert!(start.elapsed().as_secs() < 1, "{:?}: the first waited for all", start.elapsed());
    redis.stand_still(false);
    works(&replica).await;
}

#[tokio::test]
async fn one_that_accepts_and_says_nothing_is_given_up() {
    if !runs(Real::Redis) {
        return;
    }
    let (_listener, url) = Redis::silent();
    let replica = Replica::at(&url);
    replica.refuses("does not answer in time").await;
    let start = Instant::now();
    assert!(replica.0.reach().await.is_err());
    assert!(start.elapsed() < BOUND);
}

#[tokio::test]
async fn one_that_sleeps_over_a_command_is_slow_and_recovers() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::with(&["--enable-debug-command", "yes"]).await;
    let replica = Replica::of(&redis).await;
    let mut sleeping = redis.spawn_cli(&["DEBUG", "SLEEP", "6"]);
    replica.is_down("does not answer in time").await;
    replica.refuses("does not answer in time").await;
    works(&replica).await;
    assert!(sleeping.0.wait().unwrap().success());
}

#[tokio::test]
async fn one_that_is_full_refuses_and_keeps_the_marks() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::with(&["--maxmemory-policy", "noeviction"]).await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    let lease = a.send(&old, "first").await;
    redis.say(&["CONFIG", "SET", "maxmemory", "1"]);
    b.refuses("no room left").await;
    b.is_down("no room left").await;
    assert!(b.0.reach().await.is_err(), "a probe writes");
    // Jira has answered, and Redis does not take it: the caller has its pair all the same.
    assert!(matches!(lease.keep(&pair("new"), Vec::new).await, Err(CoordinationError::Unavailable(_))));
    assert_eq!((redis.keys(":marks").len(), redis.keys(":result").len()), (1, 0));
    redis.say(&["CONFIG", "SET", "maxmemory", "0"]);
    b.is(&State::Up).await;
    // It is brought when there is room.
    assert_eq!(replayed(b.claim(&old, "first").await), "new");
}

#[tokio::test]
async fn a_full_one_still_takes_a_lock_back() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::with(&["--maxmemory-policy", "noeviction"]).await;
    let a = Replica::of(&redis).await;
    let lease = a.send(&token("old"), "first").await;
    redis.say(&["CONFIG", "SET", "maxmemory", "1"]);
    a.is_down("no room left").await;
    lease.release().await;
    assert!(redis.keys(":lock").is_empty() && redis.keys(":marks").is_empty());
}

#[tokio::test]
async fn one_that_takes_no_writes_is_no_use() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let replica = Replica::of(&redis).await;
    redis.say(&["REPLICAOF", "127.0.0.1", "1"]);
    replica.is_down("takes no writes").await;
    replica.refuses("takes no writes").await;
    redis.say(&["REPLICAOF", "NO", "ONE"]);
    works(&replica).await;
}

#[tokio::test]
async fn user_password_and_database_come_from_the_url() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::with(&["--requirepass", PASSWORD]).await;
    let at = |who: &str, rest: &str| format!("redis://{who}127.0.0.1:{}{rest}", redis.port());
    works(&Replica::at(&at(&format!(":{PASSWORD}@"), ""))).await;
    for who in ["", ":wrong@", "nobody:wrong@"] {
        let replica = Replica::at(&at(who, ""));
        replica.refuses("refuses the password or the user").await;
    }
    // The least that a user needs; and whole categories, as a manifest would have them.
    let least = "~jira-broker:* +evalsha +script|load +set +get +del +pttl +pexpire +sadd +sismember +zadd +zrem \
                 +zscore +zcount +zremrangebyscore +time +select";
    let categories = "~jira-broker:* -@all +@connection +@read +@write +@scripting -@dangerous +time";
    for (user, rules) in [("broker", least), ("other", categories)] {
        let rules: Vec<_> = rules.split_whitespace().collect();
        redis.say(&[&["ACL", "SETUSER", user, "on", ">p@ss word"][..], &rules].concat());
    }
    works(&Replica::at(&at("other:p%40ss%20word@", ""))).await;
    let replica = Replica::at(&at("broker:p%40ss%20word@", "/3"));
    works(&replica).await;
    replica.send(&token("old"), "first").await.keep(&pair("new"), Vec::new).await.unwrap();
    assert_eq!(
        redis.say(&["-n", "3", "DBSIZE"]).parse::<u32>().unwrap(),
        4,
        "its memory, two sets of callers, a result"
    );
    assert_eq!(redis.say(&["-n", "0", "--scan"]).lines().filter(|key| key.contains(":result")).count(), 0);
    redis.say(&["ACL", "SETUSER", "broker", "-set"]);
    replica.is_down("does not allow its user").await;
    replica.refuses("does not allow its user").await;
}

#[tokio::test]
async fn tls_is_checked_against_the_roots_that_were_named() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::with_tls("127.0.0.1").await;
    works(&Replica::trusting(&redis.url(), redis.ca())).await;
    Replica::at(&redis.url()).refuses("does not lead to a trusted root").await;
    let elsewhere = Redis::with_tls("redis.example.com").await;
    Replica::trusting(&elsewhere.url(), elsewhere.ca()).refuses("is for another name").await;
    // Each kind of speech at the other's port.
    Replica::at(&redis.url().replace("rediss", "redis")).refuses("").await;
    let plain = Redis::start().await;
    Replica::trusting(&plain.url().replace("redis", "rediss"), redis.ca()).refuses("TLS").await;
    // Half a file is no root.
    std::fs::write(redis.path("half.pem"), "-----BEGIN CERTIFICATE-----").unwrap();
    assert!(matches!(Replicas::check_roots(&redis.path("half.pem")), Err(ReplicasError::Ca(_))));
    Replica::trusting(&redis.url(), redis.path("half.pem")).refuses("half.pem").await;
}

#[tokio::test]
async fn one_that_forgot_everything_is_not_taken_at_its_word() {
    if !runs(Real::Redis) {
        return;
    }
    let mut redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    let lost = a.send(&old, "first").await;
    redis.down();
    a.is_down("").await;
    b.is_down("").await;
    redis.up().await;
    a.is(&State::Up).await;
    b.is(&State::Up).await;
    // A sibling knows nothing of the first call, which has meanwhile rotated the token.
    let lease = b.send(&old, "second").await;
    assert!(matches!(lease.refused().await, Refused::Interrupted));
    // The first has the pair, and nobody else has one: it is kept, for all who waited there.
    lost.keep(&pair("new"), || vec![Caller::token("joined")]).await.unwrap();
    for caller in ["first", "joined", "second"] {
        assert_eq!(replayed(b.claim(&old, caller).await), "new", "{caller}");
    }
    let late = mine(b.claim(&old, "late").await);
    assert!(matches!(late.refused().await, Refused::Interrupted), "what it waited for, Redis does not know");
}

/// A node goes, and with it Redis and one of the replicas: both come back with an empty memory.
#[tokio::test]
async fn a_new_replica_does_not_take_an_empty_redis_at_its_word() {
    if !runs(Real::Redis) {
        return;
    }
    let mut redis = Redis::old().await;
    let a = Replica::of(&redis).await;
    let old = token("old");
    a.send(&old, "first").await.keep(&pair("new"), Vec::new).await.unwrap();
    drop(a);
    redis.down();
    redis.up().await;
    // The first has lost its answer, and asks where nobody has seen anything go.
    let new = Replica::of(&redis).await;
    for caller in ["first", "second"] {
        let lease = new.send(&old, caller).await;
        assert!(matches!(lease.refused().await, Refused::Interrupted), "{caller}");
    }
    // One more is told the same, though it finds what the last one has begun.
    let newer = Replica::of(&redis).await;
    assert!(matches!(newer.send(&old, "first").await.refused().await, Refused::Interrupted));
    // When the memory goes back far enough, whoever is new takes it at its word.
    redis.remembers("long ago");
    let newest = Replica::of(&redis).await;
    assert!(matches!(newest.send(&old, "first").await.refused().await, Refused::Ended));
}

#[tokio::test]
async fn a_memory_that_goes_while_the_connection_stays_is_missed() {
    if !runs(Real::Redis) {
        return;
    }
    for exchanged in [false, true] {
        let redis = Redis::old().await;
        let replica = Replica::of(&redis).await;
        let (old, mark) = (token("old"), redis.say(&["GET", MEMORY]));
        replica.send(&old, "first").await.keep(&pair("new"), Vec::new).await.unwrap();
        redis.say(&["FLUSHALL"]);
        if exchanged {
            // As one of another Redis, which took the name over.
            redis.remembers("something else");
        }
        let lease = replica.send(&old, "first").await;
        assert!(matches!(lease.refused().await, Refused::Interrupted), "exchanged: {exchanged}");
        assert_ne!(redis.say(&["GET", MEMORY]), mark);
        assert_eq!(replica.0.state(), State::Up);
    }
}

/// Siblings may have gone on without it meanwhile, and what it remembers has a gap.
#[tokio::test]
async fn one_that_was_away_at_the_start_may_have_missed_something() {
    if !runs(Real::Redis) {
        return;
    }
    let mut redis = Redis::old().await;
    redis.say(&["SAVE"]);
    redis.down();
    let replica = Replica::at(&redis.url());
    replica.is_down("cannot be connected to").await;
    redis.up().await;
    replica.is(&State::Up).await;
    assert!(redis.say(&["GET", MEMORY]).ends_with("long ago"), "it has all that it ever had");
    let lease = replica.send(&token("old"), "first").await;
    assert!(matches!(lease.refused().await, Refused::Interrupted));
}

#[tokio::test]
async fn a_pair_that_comes_after_redis_forgot_everything_reaches_whoever_waits() {
    if !runs(Real::Redis) {
        return;
    }
    let mut redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let restart = async |redis: &mut Redis| {
        redis.down();
        a.is_down("").await;
        b.is_down("").await;
        redis.up().await;
        a.is(&State::Up).await;
        b.is(&State::Up).await;
    };
    // Another replica has taken the token up meanwhile, and its request has left: Jira refuses it.
    let old = token("taken up");
    let lost = a.send(&old, "first").await;
    restart(&mut redis).await;
    let second = b.send(&old, "second").await;
    lost.keep(&pair("first"), Vec::new).await.unwrap();
    let Refused::Replayed(granted) = second.refused().await else { panic!("the pair is there") };
    assert_eq!(name(&granted), "first");

    // Another has the newer pair: that one stays.
    let old = token("overtaken");
    let lost = a.send(&old, "first").await;
    restart(&mut redis).await;
    b.send(&old, "second").await.keep(&pair("second"), Vec::new).await.unwrap();
    assert!(matches!(lost.keep(&pair("first"), Vec::new).await, Err(CoordinationError::Lost)));
    assert_eq!(replayed(b.claim(&old, "second").await), "second");

    // And if it comes later than ours, it is the newer one as well.
    let old = token("overtaking");
    let lost = a.send(&old, "first").await;
    restart(&mut redis).await;
    let second = b.send(&old, "second").await;
    lost.keep(&pair("first"), Vec::new).await.unwrap();
    second.keep(&pair("second"), Vec::new).await.unwrap();
    for caller in ["first", "second"] {
        assert_eq!(replayed(b.claim(&old, caller).await), "second");
    }
}

/// What Redis knew of who waits is gone; the replica where it waits knows it still.
#[tokio::test]
async fn who_has_waited_at_a_replica_is_vouched_for_when_redis_has_forgotten_it() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let (a, b) = (Replica::of(&redis).await, Replica::of(&redis).await);
    let old = token("old");
    a.send(&old, "first").await.keep(&pair("new"), Vec::new).await.unwrap();
    // As it is while the first one is at Jira.
    let (result, callers) = (redis.has(":result").await, redis.has(":callers").await);
    let lock = result.replace(":result", ":lock");
    redis.say(&["RENAME", &result, "aside"]);
    redis.say(&["SET", &lock, "sent:first", "PX", "60000"]);
    let (waited, ()) = join(b.claim(&old, "second"), async {
        until("the second caller", || (redis.say(&["SCARD", &callers]) == "2").then_some(())).await;
        // Everything is forgotten and the result comes, before the one who waits asks again.
        let script = "redis.call('DEL', KEYS[1], KEYS[2]) redis.call('RENAME', 'aside', KEYS[3])";
        redis.say(&["EVAL", script, "3", &lock, &callers, &result]);
    })
    .await;
    assert_eq!(replayed(waited), "new");
}

#[tokio::test]
async fn what_somebody_else_wrote_into_it_is_no_result() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::start().await;
    let a = Replica::of(&redis).await;
    let (old, other) = (token("old"), token("other"));
    a.send(&other, "first").await.keep(&pair("other"), Vec::new).await.unwrap();
    let of_other = redis.has(":result").await;
    a.send(&old, "first").await.keep(&pair("new"), Vec::new).await.unwrap();
    let own = redis.keys(":result").into_iter().find(|key| *key != of_other).unwrap();
    redis.say(&["COPY", &of_other, &own, "REPLACE"]);
    assert!(matches!(a.claim(&old, "first").await, Err(CoordinationError::Unavailable(_))));
    redis.say(&["DEL", &own]);
    redis.say(&["LPUSH", &own, "junk"]);
    assert!(matches!(a.claim(&old, "first").await, Err(CoordinationError::Unavailable(_))));
    // That is one token's trouble, and no other's.
    assert_eq!(a.0.state(), State::Up);
    drop(mine(a.claim(&token("third"), "first").await));
}
