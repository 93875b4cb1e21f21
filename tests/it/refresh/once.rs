//! One refresh, when it is needed, and none besides.

use std::time::Duration;

use futures_util::future::join_all;
use jira_oauth::sandbox::{Action, Fault};
use serde_json::json;

use crate::support::World;

const MYSELF: &str = "/rest/api/2/myself";
const TOKEN: &str = "/rest/oauth2/latest/token";

/// Paths of the requests, shortened.
fn calls(world: &World) -> Vec<&'static str> {
    let short = |path: &str| match path {
        path if path.starts_with(TOKEN) => "token",
        path if path.starts_with(MYSELF) => "myself",
        _ => "other",
    };
    world.jira.log().iter().map(|request| short(&request.path)).collect()
}

#[tokio::test]
async fn a_stale_token_is_refreshed_before_the_first_request() {
    let world = World::new().await;
    let old = world.logged_in().await;
    world.run(&["whoami"]).await.ok();
    assert_eq!(calls(&world), ["myself"], "a fresh one is used as it is");
    world.jira.clear_log();
    world.advance(Duration::from_secs(3600 - 59));
    assert_eq!(world.run(&["token", "status"]).await.ok().json()["session"], "stale");
    let ran = world.run(&["whoami"]).await.ok();
    assert_eq!(calls(&world), ["token", "myself"]);
    assert_eq!(
        (&ran.json()["session"], &ran.json()["expires_at"]),
        (&json!("ok"), &json!("2026-03-04T07:05:08Z"))
    );
    let stored = world.stored().await;
    assert_ne!(stored.access_token.expose(), old.access_token);
    assert_ne!(stored.refresh_token.unwrap().expose(), old.refresh_token);
    assert_eq!(stored.user.unwrap().name, "developer", "what the login found out is kept");
    world.run(&["whoami"]).await.ok();
    assert_eq!(calls(&world), ["token", "myself", "myself"]);
}

#[tokio::test]
async fn the_form_says_what_jira_wants_and_no_secret_of_the_client() {
    let world = World::with(|options| options.strict_refresh_redirect = true).await;
    let old = world.logged_in().await;
    world.run(&["token", "refresh"]).await.ok();
    let log = world.jira.log();
    let form: Vec<_> = url::form_urlencoded::parse(log[0].body.as_bytes()).into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        form,
        [
            pair("grant_type", "refresh_token"),
            pair("client_id", world.jira.client_id()),
            pair("refresh_token", &old.refresh_token),
            pair("redirect_uri", &world.jira.redirect_uris()[0]),
        ]
    );
    assert_eq!(log[0].header("authorization"), None);
    assert_eq!(log[0].header("accept"), Some("application/json"));
}

#[tokio::test]
async fn an_anonymous_answer_means_a_dead_token_and_is_asked_once_more() {
    let world = World::new().await;
    world.logged_in().await;
    world.jira.expire_access_tokens();
    // Jira gives a stranger no 401 here.
    let stranger = Action::Respond {
        status: http::StatusCode::OK,
        headers: vec![
            ("x-ausername".into(), "anonymous".into()),
            ("content-type".into(), "application/json".into()),
        ],
        body: "{}".into(),
    };
    world.jira.faults().add(Fault::on(MYSELF, stranger.clone()));
    let ran = world.run(&["whoami"]).await.ok();
    assert_eq!(ran.json()["user"]["name"], "developer");
    assert_eq!(calls(&world), ["myself", "token", "myself"]);
    world.jira.faults().add(Fault::on(MYSELF, stranger).times(2));
    world.jira.clear_log();
    world.run(&["whoami"]).await.failed(3, "token_rejected");
    assert_eq!(calls(&world), ["myself", "token", "myself"], "not a third time");
}

#[tokio::test]
async fn a_rejected_token_is_refreshed_and_asked_once_more() {
    let world = World::new().await;
    world.logged_in().await;
    for rejected in 1..=2 {
        world.jira.expire_access_tokens();
        let ran = world.run(&["whoami"]).await.ok();
        assert_eq!(ran.json()["user"]["name"], "developer");
        assert_eq!(world.refreshes(), rejected);
    }
    assert_eq!(calls(&world), ["myself", "token", "myself", "myself", "token", "myself"]);
}

#[tokio::test]
async fn where_jira_does_not_say_whom_it_saw_one_look_at_myself_decides() {
    let world = World::with(|options| options.send_username_header = false).await;
    world.logged_in().await;
    world.run(&["whoami"]).await.ok();
    assert_eq!(calls(&world), ["myself"]);
    world.jira.clear_log();
    world.jira.expire_access_tokens();
    let ran = world.run(&["whoami"]).await.ok();
    assert_eq!(ran.json()["user"]["name"], "developer");
    assert_eq!(calls(&world), ["myself", "myself", "token", "myself"]);
    world.jira.clear_log();
    // A refusal that has nothing to do with the token.
    let forbidden = Action::respond(403, "application/json", r#"{"errorMessages":["no"],"errors":{}}"#);
    world.jira.faults().add(Fault::on(MYSELF, forbidden));
    world.run(&["whoami"]).await.failed(3, "forbidden");
    assert_eq!(calls(&world), ["myself", "myself"], "the token is good, so nothing is refreshed");
}

#[tokio::test]
async fn twenty_commands_with_one_expired_token_make_one_call() {
    let world = World::new().await;
    world.logged_in().await;
    world.advance(Duration::from_secs(3600));
    let gate = world.jira.faults().hold(TOKEN);
    let commands = join_all((0..20).map(|_| world.run(&["whoami"])));
    let (ran, ()) = tokio::join!(commands, async {
        gate.arrived(1).await;
        gate.release();
    });
    for ran in ran {
        assert_eq!(ran.ok().json()["user"]["name"], "developer");
    }
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_sibling_whose_token_was_killed_by_a_refresh_uses_the_new_one() {
    let world = World::new().await;
    world.logged_in().await;
    let gate = world.jira.faults().hold(MYSELF);
    let (ran, ()) = tokio::join!(world.run(&["whoami"]), async {
        gate.arrived(1).await;
        world.run(&["token", "refresh"]).await.ok();
        gate.release();
    });
    assert_eq!(ran.ok().json()["user"]["name"], "developer");
    assert_eq!(world.refreshes(), 1, "the newer token in the store is used");
}

#[tokio::test]
async fn token_refresh_refreshes_whatever_the_clock_says() {
    let world = World::new().await;
    let old = world.logged_in().await;
    world.advance(Duration::from_secs(5));
    let ran = world.run(&["token", "refresh"]).await.ok().hides(&[old.access_token, old.refresh_token]);
    assert_eq!(ran.json()["refreshed_at"], "2026-03-04T05:06:12Z");
    assert_eq!(calls(&world), ["token"]);
}
