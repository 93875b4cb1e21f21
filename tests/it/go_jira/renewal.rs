//! E, the refresh of a stored session: when, how often, and what becomes of the request that met a dead token.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use jira_oauth::sandbox::{Action, Fault, Gate};

use crate::support::World;

const MYSELF: &str = "/rest/api/2/myself";
const TOKEN: &str = "/rest/oauth2/latest/token";
const HOUR: Duration = Duration::from_secs(3600);

/// Item 97.
#[tokio::test]
async fn an_expired_token_is_refreshed_and_the_new_pair_saved_before_it_is_used() {
    let world = World::new().await;
    let old = world.logged_in().await;
    world.advance(HOUR);
    let gate = world.jira.faults().hold(MYSELF);
    let (ran, ()) = tokio::join!(world.run(&["whoami"]), async {
        gate.arrived(1).await;
        let saved = world.stored().await;
        assert_ne!(saved.access_token.expose(), old.access_token);
        assert_ne!(saved.refresh_token.unwrap().expose(), old.refresh_token);
        gate.release();
    });
    assert_eq!(ran.ok().json()["user"]["name"], "developer");
    assert_eq!(world.refreshes(), 1);
}

/// Item 98.
#[tokio::test]
async fn a_token_with_more_than_a_minute_left_is_used_as_it_is() {
    let world = World::new().await;
    world.logged_in().await;
    world.advance(HOUR - Duration::from_secs(61));
    world.run(&["whoami"]).await.ok();
    assert_eq!(world.refreshes(), 0);
    world.advance(Duration::from_secs(2));
    world.run(&["whoami"]).await.ok();
    assert_eq!(world.refreshes(), 1);
}

/// Item 99.
#[tokio::test]
async fn ten_users_of_one_expired_token_refresh_it_once() {
    let world = World::new().await;
    world.logged_in().await;
    world.advance(HOUR);
    for ran in join_all((0..10).map(|_| world.run(&["whoami"]))).await {
        ran.ok();
    }
    assert_eq!(world.refreshes(), 1);
    // And ten requests of one command, whose token dies while they are on the way.
    let keys = "GAIA-3 GAIA-6 GAIA-10 GAIA-12 GAIA-1 GAIA-2 GAIA-4 GAIA-5 GAIA-8 GAIA-9";
    world.jira.clear_log();
    let gates: Vec<_> = (0..10).map(|_| world.jira.faults().hold("/rest/api/2/issue/")).collect();
    let run = ["run", "--ref", keys, "--comment", "hello"];
    let (ran, ()) = tokio::join!(world.run(&run), async {
        join_all(gates.iter().map(|gate| gate.arrived(1))).await;
        world.jira.expire_access_tokens();
        gates.iter().for_each(|gate| gate.release());
    });
    assert_eq!(ran.ok().json()["counts"]["done"], 10);
    assert_eq!(world.refreshes(), 1);
}

/// Items 100, 101.
#[tokio::test]
async fn a_401_is_refreshed_and_the_whole_request_sent_once_more() {
    let world = World::new().await;
    world.logged_in().await;
    let create = ["create", "--project", "GAIA", "--summary", "Größe 日本", "--description", "line\nline"];
    let gate = Gate::new();
    let hold = Action::Hold(gate.clone());
    world.jira.faults().add(Fault::on("/rest/api/2/issue", hold).method(Method::POST));
    let (ran, ()) = tokio::join!(world.run(&create), async {
        gate.arrived(1).await;
        world.jira.expire_access_tokens();
        gate.release();
    });
    ran.ok();
    let posts = |world: &World| {
        let log = world.jira.log().into_iter();
        log.filter(|sent| sent.method == "POST" && sent.path.ends_with("/issue")).collect::<Vec<_>>()
    };
    let [first, again] = &posts(&world)[..] else { panic!("{:?}", world.requests()) };
    assert_eq!((first.status, again.status), (Some(401), Some(201)));
    assert!(first.body.contains("Größe 日本"), "{}", first.body);
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("content-type"), again.header("content-type"));
    assert_ne!(first.header("authorization"), again.header("authorization"));
    assert_eq!(world.refreshes(), 1);

    world.jira.clear_log();
    let refused = Action::Respond {
        status: http::StatusCode::UNAUTHORIZED,
        headers: vec![("x-ausername".into(), "anonymous".into())],
        body: "{}".into(),
    };
    world.jira.faults().add(Fault::on("/rest/api/2/issue", refused).method(Method::POST).always());
    world.run(&create).await.failed(3, "token_rejected");
    assert_eq!((posts(&world).len(), world.refreshes()), (2, 1), "not a third time");
}

/// Item 102.
#[tokio::test]
async fn a_refused_refresh_token_tells_the_user_to_log_in() {
    let world = World::new().await;
    world.logged_in().await;
    world.advance(HOUR);
    let refused = Action::respond(400, "application/json", r#"{"error":"invalid_grant"}"#);
    world.jira.faults().add(Fault::on(TOKEN, refused));
    let ran = world.run(&["whoami"]).await.failed(3, "session_ended");
    assert_eq!(ran.error()["hint"], "jira login --site sandbox");
}
