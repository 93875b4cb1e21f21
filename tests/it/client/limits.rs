//! Answers that are too large, too deep, too slow or too many.

use std::io::Write;
use std::time::{Duration, Instant};

use http::StatusCode;
use jira_oauth::sandbox::{Action, Fault, RateLimit};

use crate::support::World;

const MYSELF: &str = "/rest/api/2/myself";

fn json_headers(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let all = [&[("content-type", "application/json"), ("x-ausername", "developer")], more].concat();
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    let world = World::new().await;
    world.logged_in().await;
    let piece = vec![b' '; 1 << 20].into();
    let flood = Action::Flood { headers: json_headers(&[]), piece, times: 700 };
    world.jira.faults().add(Fault::on(MYSELF, flood));
    world.run(&["whoami"]).await.failed(1, "too_large");
    assert_eq!(world.requests().len(), 1, "not asked for again");
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_off() {
    let world = World::new().await;
    world.logged_in().await;
    let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    for _ in 0..200 {
        gzip.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 2 << 20);
    let bomb = Action::Respond {
        status: StatusCode::OK,
        headers: json_headers(&[("content-encoding", "gzip")]),
        body: bomb.into(),
    };
    world.jira.faults().add(Fault::on(MYSELF, bomb));
    world.run(&["whoami"]).await.failed(1, "too_large");
}

#[tokio::test]
async fn deep_json_is_refused_without_a_crash() {
    let world = World::new().await;
    world.logged_in().await;
    for deep in ["[".repeat(10_000), "{\"a\":".repeat(10_000), "[".repeat(10_000) + &"]".repeat(10_000)] {
        let deep = Action::Respond { status: StatusCode::OK, headers: json_headers(&[]), body: deep.into() };
        world.jira.faults().add(Fault::on(MYSELF, deep));
        let ran = world.run(&["whoami"]).await;
        assert!(matches!(ran.code, 1 | 3 | 7), "{ran}");
        ran.error();
    }
}

#[tokio::test]
async fn a_slow_drip_ends_with_the_timeout() {
    let world = World::new().await;
    world.logged_in().await;
    world
        .jira
        .faults()
        .add(Fault::on(MYSELF, Action::Drip { bytes: 1, every: Duration::from_millis(50) }).always());
    let start = Instant::now();
    world.run(&["whoami", "--timeout", "2s"]).await.failed(7, "timeout");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_rate_limit_is_told_with_the_seconds_to_wait() {
    let world = World::new().await;
    world.logged_in().await;
    let interval = Duration::from_secs(30);
    world.jira.set_rate_limit(Some(RateLimit { limit: 1, fill_rate: 1, interval }));
    world.run(&["whoami"]).await.ok();
    insta::assert_snapshot!(world.run(&["whoami"]).await, @r#"
    exit 4
    --- stderr
    {"error":{"kind":"rate_limit","code":"rate_limited","message":"Jira limits the rate of requests; wait 30 s","exit_code":4,"retryable":true,"actor":"nobody","status_code":429,"retry_after":30,"request_id":"REQUEST"}}
    "#);
    assert_eq!(world.requests().len(), 2, "by default nobody waits");
    world.run(&["whoami", "--max-wait", "5s"]).await.failed(4, "rate_limited");
    assert_eq!(world.requests().len(), 3, "30 s are more than 5 s");
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_as_long_as_was_allowed() {
    let world = World::new().await;
    world.logged_in().await;
    let limited = |after: &str| Action::Respond {
        status: StatusCode::TOO_MANY_REQUESTS,
        headers: json_headers(&[("retry-after", after)]),
        body: "{}".into(),
    };
    world.jira.faults().add(Fault::on(MYSELF, limited("0")));
    let start = Instant::now();
    world.run(&["whoami", "--max-wait", "5s"]).await.ok();
    assert!(start.elapsed() >= Duration::from_secs(1), "0 is taken as 1");
    assert_eq!(world.requests().len(), 2);
    world.jira.faults().add(Fault::on(MYSELF, limited("1")).always());
    world.run(&["whoami", "--max-wait", "3s"]).await.failed(4, "rate_limited");
    assert!(world.requests().len() <= 5, "{:?}", world.requests());
    world.jira.faults().clear();
    world.jira.faults().add(Fault::on(MYSELF, limited("99999999999999999999")).always());
    world.run(&["whoami", "--max-wait", "3s"]).await.failed(4, "blocked_by_admin");
}

#[tokio::test]
async fn a_block_by_the_administrator_is_not_waited_for() {
    let world = World::new().await;
    world.logged_in().await;
    world.jira.set_rate_limit(Some(RateLimit::BLOCK_ALL));
    let ran = world.run(&["whoami", "--max-wait", "300d"]).await.failed(4, "blocked_by_admin");
    assert_eq!(
        (ran.error()["retryable"].as_bool(), ran.error()["actor"].as_str()),
        (Some(false), Some("admin"))
    );
    assert_eq!(world.requests().len(), 1);
}
