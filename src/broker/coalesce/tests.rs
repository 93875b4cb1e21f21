//! The rule under paused time, and what no Jira can bring about.

use crate::auth::session::Tokens;
use crate::broker::material::Sources;
use crate::broker::replicas::{self, Replicas};
use crate::config::{BaseUrl, ClientId, SecretPlace, Source, Sourced};
use crate::http::{self, Options};
use crate::process::{Clock, Stream};
use crate::secret::Secret;

use tokio::sync::Semaphore;

use super::*;

fn all(change: impl FnOnce(&mut Settings)) -> Arc<Coalesce> {
    among(Coordination::Alone, change)
}

fn among(coordination: Coordination, change: impl FnOnce(&mut Settings)) -> Arc<Coalesce> {
    // Port 9 is where nobody answers; no test here gets as far.
    let base_url = BaseUrl::parse("http://127.0.0.1:9", false).unwrap();
    let mut settings = Settings::new(base_url, ClientId::parse("c1").unwrap());
    change(&mut settings);
    let secret = SecretPlace::Said(Sourced::new(Secret::new("s"), Source::Default));
    let material = Material::load(Sources { secret, callers: None, redis: None, tls: None }).unwrap();
    let client = http::client(&Options { plain: true, ..Options::default() });
    let upstream = Upstream::new(client, &settings);
    let clock = Clock::from_fn(|| jiff::Timestamp::UNIX_EPOCH);
    let log = Log::start(Stream::new(std::io::sink(), false, None), clock).unwrap();
    let metrics = Arc::new(Metrics::new(0.0, false, None));
    Arc::new(Coalesce::new(&settings, coordination, upstream, Arc::new(material), metrics, log))
}

fn key(name: &str) -> TokenKey {
    TokenKey::of(&Secret::new(name))
}

fn granted() -> Landed {
    let tokens = Tokens {
        access_token: Secret::new("a".repeat(160)),
        refresh_token: Secret::new("r".repeat(160)),
        expires_in: 3600,
        scope: None,
    };
    let granted = Granted::new(&tokens, Instant::now()).unwrap();
    Landed { result: Ok(Arc::new(granted)), upstream: None, from_sibling: false }
}

/// With a right to call Jira for everybody.
#[track_caller]
fn board(all: &Arc<Coalesce>, key: TokenKey, caller: &Caller) -> Boarded {
    let places = Arc::new(Semaphore::new(1));
    let permit = || Ok(Arc::clone(&places).try_acquire_owned().unwrap());
    all.board(key, caller, permit).unwrap_or_else(|refused| panic!("{refused:?}"))
}

/// The call for a key, caused by this caller.
#[track_caller]
fn first(all: &Arc<Coalesce>, key: TokenKey, caller: &Caller) -> Landing {
    match board(all, key, caller) {
        Boarded::First(landing, ..) => landing,
        Boarded::Joined(_) | Boarded::Late(_) => panic!("there is a call already, or was"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_frees_everybody_and_the_key() {
    let all = all(|_| {});
    let (one, other) = (Caller::token("one"), Caller::token("other"));
    let landing = first(&all, key("t"), &one);
    let Boarded::Joined(joined) = board(&all, key("t"), &other) else { panic!("the second one joins") };
    let flight = tokio::spawn(async move {
        let _landing = landing;
        panic!("Jira's answer makes it stumble");
    });
    let landed = wait(joined).await;
    assert_eq!(landed.result.err().map(|refused| refused.code), Some(ErrorCode::ServerError));
    assert!(flight.await.unwrap_err().is_panic());
    assert!(all.replay(&key("t"), &one, Instant::now()).is_none());
    // The next one is the first again, and its result is everybody's who waits.
    let landing = first(&all, key("t"), &one);
    let Boarded::Joined(joined) = board(&all, key("t"), &other) else { panic!("the second one joins") };
    landing.land(granted());
    assert!(wait(joined).await.result.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_result_is_there_for_its_time_with_what_is_left_of_its_life() {
    let all = all(|_| {});
    let (one, other) = (Caller::token("one"), Caller::token("other"));
    let landing = first(&all, key("t"), &one);
    assert!(matches!(board(&all, key("t"), &one), Boarded::Joined(_)));
    landing.land(granted());
    for (seconds, left) in [(0, 3600), (20, 3580), (39, 3541)] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let now = Instant::now();
        let replayed = all.replay(&key("t"), &one, now).expect("it is remembered");
        assert_eq!(replayed.left(now), left);
        assert!(all.replay(&key("t"), &other, now).is_none());
        assert!(matches!(board(&all, key("t"), &one), Boarded::Late(_)));
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(all.replay(&key("t"), &one, Instant::now()).is_none(), "its time is over");
    drop(first(&all, key("t"), &one));
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_or_there_needs_no_permit() {
    let all = all(|_| {});
    let caller = Caller::token("one");
    let none = || Err(Refused::plain(ErrorCode::Draining));
    assert!(all.board(key("t"), &caller, none).is_err_and(|refused| refused.code == ErrorCode::Draining));
    let landing = first(&all, key("t"), &caller);
    assert!(matches!(all.board(key("t"), &caller, none), Ok(Boarded::Joined(_))));
    landing.land(granted());
    assert!(matches!(all.board(key("t"), &caller, none), Ok(Boarded::Late(_))));
}

#[tokio::test(start_paused = true)]
async fn what_a_sibling_got_is_not_remembered_for_longer_than_there() {
    let all = all(|_| {});
    let caller = Caller::token("one");
    first(&all, key("t"), &caller).land(Landed { from_sibling: true, ..granted() });
    assert!(all.replay(&key("t"), &caller, Instant::now()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_result_that_nobody_heard_of_is_told_apart() {
    let all = all(|_| {});
    let caller = Caller::token("one");
    let Boarded::First(landing, landed, _) = board(&all, key("t"), &caller) else {
        panic!("it is the first")
    };
    landing.land(granted());
    drop(landed);
    assert_eq!(all.unheard(), None);
    first(&all, key("u"), &caller).land(granted());
    assert_eq!(all.unheard(), Some(Instant::now()));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_remembered() {
    let all = all(|_| {});
    let caller = Caller::token("one");
    let refused = Err(Refused::plain(ErrorCode::InvalidGrant));
    first(&all, key("t"), &caller).land(Landed { result: refused, upstream: None, from_sibling: false });
    assert!(all.replay(&key("t"), &caller, Instant::now()).is_none());
    assert_eq!(all.forget(), 0);
}

#[tokio::test(start_paused = true)]
async fn results_are_bounded_by_number_and_the_newest_are_kept() {
    let all = all(|settings| settings.replay_entries = 10);
    let caller = Caller::token("one");
    for n in 0..1000 {
        first(&all, key(&n.to_string()), &caller).land(granted());
    }
    assert_eq!(all.forget(), 10);
    for n in 990..1000 {
        assert!(all.replay(&key(&n.to_string()), &caller, Instant::now()).is_some(), "{n}");
    }
    let none = super::tests::all(|settings| settings.replay_ttl = Duration::ZERO);
    first(&none, key("t"), &caller).land(granted());
    assert!(none.replay(&key("t"), &caller, Instant::now()).is_none());
}

/// Whether a caller had come in time for the result of another flight, Redis did not say.
#[tokio::test(start_paused = true)]
async fn who_joined_while_redis_was_away_is_not_told_that_its_session_has_ended() {
    let nowhere = replicas::Options {
        url: Secret::new("redis://127.0.0.1:9"),
        ca: None,
        realm: "a Jira".to_owned(),
        upstream_timeout: Duration::from_secs(1),
        replay_ttl: Duration::from_secs(60),
    };
    let nowhere = Coordination::Redis(Replicas::start(nowhere).unwrap());
    for (coordination, told) in
        [(nowhere, ErrorCode::RefreshInterrupted), (Coordination::Alone, ErrorCode::InvalidGrant)]
    {
        let all = among(coordination, |_| {});
        let (one, other) = (Caller::token("one"), Caller::token("other"));
        let landing = first(&all, key("t"), &one);
        let Boarded::Joined(landed) = board(&all, key("t"), &other) else { panic!("the second one joins") };
        let result = Err(Refused::plain(ErrorCode::InvalidGrant));
        landing.land(Landed { result, upstream: None, from_sibling: false });
        let asked = Refresh { refresh_token: Secret::new("t"), client_id: None, redirect_uri: None };
        let landed = all.join(&asked, &other, landed).await.expect("it is this caller's");
        assert_eq!(landed.result.err().map(|refused| refused.code), Some(told));
    }
}
