//! Many callers with one token, and callers who come again.

use std::time::{Duration, Instant};

use jira_oauth::sandbox::{Action, Fault, Gate};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::house::{Answer, House, TOKEN, said};
use crate::support::wait;

/// Two callers with names.
async fn two_callers() -> House {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("callers");
    std::fs::write(&path, "one=token-of-one\nother=token-of-other\n").unwrap();
    House::with(|plan| plan.callers = Some(super::house::file(&path))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_with_one_token_make_one_call() {
    let house = std::sync::Arc::new(House::usual().await);
    let (token, gate) = (house.token(), house.hold());
    let mut callers = JoinSet::new();
    for _ in 0..1000 {
        let (house, token) = (house.clone(), token.clone());
        callers.spawn(async move { house.refresh(&token).await });
    }
    wait(gate.arrived(1)).await;
    while house.metric("jira_broker_coalesced_total").await < 999.0 {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    gate.release();
    let answers: Vec<Answer> = wait(callers.join_all()).await;
    let first = answers[0].pair();
    assert!(answers.iter().all(|answer| answer.pair().refresh_token == first.refresh_token));
    assert_eq!((answers.len(), house.refreshes()), (1000, 1));
    // Far more than it takes, far less than if one waited for the other.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(house.metric("jira_broker_in_flight").await, 0.0);
}

#[tokio::test]
async fn a_result_is_there_again_for_its_caller_and_for_nobody_else() {
    let house = two_callers().await;
    let token = house.token();
    let first = house.refresh_as("token-of-one", &token).await.pair();
    let again = house.refresh_as("token-of-one", &token).await.pair();
    assert_eq!(first.refresh_token, again.refresh_token);
    assert_eq!(first.access_token, again.access_token);
    assert_eq!(house.refreshes(), 1);
    house.refresh_as("token-of-other", &token).await.refused(400, "invalid_grant");
    assert_eq!(house.refreshes(), 2, "the other one goes to Jira");
    // What the other one was told is not the first one's.
    house.refresh_as("token-of-one", &token).await.pair();
    assert_eq!(house.refreshes(), 2);
    let log = house.ended().await.lines();
    let outcomes: Vec<_> = log.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["called", "replayed", "refused", "replayed", "empty"]);
}

#[tokio::test]
async fn whoever_waited_for_a_result_may_have_it_again() {
    let house = two_callers().await;
    let (token, gate) = (house.token(), house.hold());
    let one = house.refresh_as("token-of-one", &token);
    let other = async {
        wait(gate.arrived(1)).await;
        let joining = house.refresh_as("token-of-other", &token);
        let opening = async {
            while house.metric("jira_broker_coalesced_total").await < 1.0 {
                tokio::task::yield_now().await;
            }
            gate.release();
        };
        tokio::join!(joining, opening).0
    };
    let (one, other) = tokio::join!(one, other);
    assert_eq!(one.pair().refresh_token, other.pair().refresh_token);
    house.refresh_as("token-of-other", &token).await.pair();
    assert_eq!(house.refreshes(), 1);
}

/// The whole broker under paused time: what is asked goes through no socket.
#[tokio::test]
async fn what_is_left_of_the_life_is_said_and_a_result_that_is_old_is_fetched_again() {
    let house = House::with(|plan| plan.settings.replay_ttl = Duration::from_millis(300)).await;
    let token = house.token();
    let first = house.refresh(&token).await.pair();
    // Until it is over; nothing but time makes it so.
    let begun = Instant::now();
    let last = wait(async {
        loop {
            let answer = house.refresh(&token).await;
            if answer.status != 200 {
                return answer;
            }
            assert!(answer.pair().expires_in <= first.expires_in);
            assert!(begun.elapsed() < Duration::from_secs(10), "an expired result is served");
        }
    })
    .await;
    last.refused(400, "invalid_grant");
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
    assert_eq!(house.refreshes(), 2);
}

#[tokio::test]
async fn without_a_replay_every_request_goes_to_jira() {
    let house = House::with(|plan| plan.settings.replay_ttl = Duration::ZERO).await;
    let token = house.token();
    house.refresh(&token).await.pair();
    house.refresh(&token).await.refused(400, "invalid_grant");
    assert_eq!(house.refreshes(), 2);
}

#[tokio::test]
async fn a_failure_is_shared_and_not_remembered() {
    let house = House::usual().await;
    let (token, gate) = (house.token(), Gate::new());
    house.jira.faults().add(Fault::on(TOKEN, Action::Hold(gate.clone())));
    house.jira.revoke_all();
    let ask = || house.refresh(&token);
    let opening = async {
        wait(gate.arrived(1)).await;
        while house.metric("jira_broker_coalesced_total").await < 2.0 {
            tokio::task::yield_now().await;
        }
        gate.release();
    };
    let (one, two, three, ()) = tokio::join!(ask(), ask(), ask(), opening);
    for answer in [one, two, three] {
        answer.refused(400, "invalid_grant");
    }
    assert_eq!(house.refreshes(), 1);
    house.refresh(&token).await.refused(400, "invalid_grant");
    assert_eq!(house.refreshes(), 2);
    assert_eq!(
        house
            .metric(r#"jira_broker_requests_total{route="refresh",result="refused",code="invalid_grant"}"#)
            .await,
        4.0
    );
    assert_eq!(house.metric(r#"jira_broker_replayed_total{from="memory"}"#).await, 0.0);
}

#[tokio::test]
async fn the_first_caller_may_go_away() {
    let house = House::usual().await;
    let (token, gate) = (house.token(), house.hold());
    let body = format!(r#"{{"refresh_token":"{token}"}}"#);
    let head = format!(
        "POST /v1/refresh HTTP/1.1\r\nhost: b\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut first = house.connect().await;
    first.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    wait(gate.arrived(1)).await;
    let second = async {
        let answer = house.refresh(&token);
        let leaving = async {
            while house.metric("jira_broker_coalesced_total").await < 1.0 {
                tokio::task::yield_now().await;
            }
            drop(first);
            // Its connection is gone when the broker says so.
            while house.metric("jira_broker_connections").await > 2.0 {
                tokio::task::yield_now().await;
            }
            gate.release();
        };
        tokio::join!(answer, leaving).0
    };
    second.await.pair();
    // It comes again from where it came, and gets what it missed.
    house.refresh(&token).await.pair();
    assert_eq!(house.refreshes(), 1);
}

#[tokio::test]
async fn the_only_caller_may_go_away_and_come_again() {
    let house = House::with(|plan| plan.callers = Some(said("token-of-one"))).await;
    let (token, gate) = (house.token(), house.hold());
    let body = format!(r#"{{"refresh_token":"{token}"}}"#);
    let head = format!(
        "POST /v1/refresh HTTP/1.1\r\nhost: b\r\nauthorization: Bearer token-of-one\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut first = house.connect().await;
    first.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    wait(gate.arrived(1)).await;
    drop(first);
    while house.metric("jira_broker_connections").await > 1.0 {
        tokio::task::yield_now().await;
    }
    gate.release();
    house.refresh_as("token-of-one", &token).await.pair();
    assert_eq!(house.refreshes(), 1);
}
