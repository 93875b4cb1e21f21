//! A session that has ended says so, once by asking and ever after by remembering.

use jira_oauth::auth::store::Mark;
use jira_oauth::sandbox::{Action, Fault};
use jira_oauth::secret::Secret;

use crate::support::World;

const TOKEN: &str = "/rest/oauth2/latest/token";

#[tokio::test]
async fn a_refused_refresh_token_ends_the_session_and_nobody_asks_again() {
    let world = World::new().await;
    let tokens = world.logged_in().await;
    world.jira.revoke_all();
    insta::assert_snapshot!(world.run(&["whoami"]).await, @r#"
    exit 3
    --- stderr
    {"error":{"kind":"auth","code":"session_ended","message":"the session has ended: Jira refused its refresh token at 2026-03-04T05:06:07Z","hint":"jira login --site sandbox","exit_code":3,"retryable":false,"actor":"user"}}
    "#);
    assert_eq!(world.refreshes(), 1);
    world.jira.clear_log();
    for args in [&["whoami"][..], &["token", "refresh"], &["token", "print", "--confirm"]] {
        let ran = world.command(args).person().run().await;
        ran.failed(3, "session_ended").hides(&[&tokens.access_token, &tokens.refresh_token]);
    }
    assert_eq!(world.requests(), [""; 0], "the refusal is remembered");
    assert_eq!(world.run(&["token", "status"]).await.ok().json()["session"], "ended");
    world.run(&["token", "status", "--check"]).await.failed(3, "session_ended");
    assert!(world.stored().await.refresh_token.is_some(), "the session stays");
}

#[tokio::test]
async fn a_login_brings_an_ended_session_back() {
    let world = World::new().await;
    world.logged_in().await;
    world.jira.revoke_all();
    world.run(&["whoami"]).await.failed(3, "session_ended");
    let (live, ran) = world.login(&[]).start();
    let (ran, _) = tokio::join!(ran, async { crate::support::follow(live.login_url().await).await });
    ran.ok();
    world.run(&["whoami"]).await.ok();
}

#[tokio::test]
async fn a_refusal_is_no_end_if_the_store_has_a_newer_pair_by_then() {
    let world = World::new().await;
    world.logged_in().await;
    let newer = world.jira.mint_session("developer", jira_oauth::sandbox::Scope::Write);
    world
        .change_session(|session| {
            session.refresh_token = Some(Secret::new("e30.e30.e30"));
            session.expires_at = Some(session.refreshed_at);
        })
        .await;
    // Somebody without our lock, on another machine with a shared home.
    let session = world.session(&newer, "developer");
    let gate = world.jira.faults().hold(TOKEN);
    let (ran, ()) = tokio::join!(world.run(&["whoami"]), async {
        gate.arrived(1).await;
        let place = world.place();
        let pending = place.store.prepare(&place.key).await.unwrap();
        place.store.commit(pending, &session.to_record()).await.unwrap();
        gate.release();
    });
    assert_eq!(ran.ok().json()["user"]["name"], "developer");
    assert_eq!(world.refreshes(), 1);
    assert!(world.stored().await.ended.is_none());
}

#[tokio::test]
async fn a_refresh_that_was_cut_off_is_tried_again_and_said_where_that_is_refused() {
    let world = World::new().await;
    let tokens = world.logged_in().await;
    let place = world.place();
    let mark = Mark {
        refresh_fingerprint: Secret::new(tokens.refresh_token.as_str()).fingerprint(),
        at: "2026-03-04T05:00:00Z".parse().unwrap(),
        pid: 4711,
    };
    let lock = place.locks.acquire(&place.key, std::time::Duration::ZERO).await.unwrap();
    lock.set_mark(&mark).unwrap();
    drop(lock);
    world.run(&["token", "refresh"]).await.ok();
    assert_eq!(world.refreshes(), 1, "its request may never have left");
    let lock = place.locks.acquire(&place.key, std::time::Duration::ZERO).await.unwrap();
    assert_eq!(lock.mark(), None);
    let fingerprint = world.stored().await.refresh_token.unwrap().fingerprint();
    lock.set_mark(&Mark { refresh_fingerprint: fingerprint, ..mark }).unwrap();
    drop(lock);
    world.jira.revoke_all();
    insta::assert_snapshot!(world.run(&["token", "refresh"]).await, @r#"
    exit 3
    --- stderr
    {"error":{"kind":"auth","code":"session_ended","message":"the session has ended: a refresh at 2026-03-04T05:00:00Z was interrupted before its answer was saved, and Jira refuses the old refresh token since","hint":"jira login --site sandbox","exit_code":3,"retryable":false,"actor":"user"}}
    "#);
    let again = world.run(&["whoami"]).await.failed(3, "session_ended");
    assert!(again.stderr.contains("was interrupted"), "{again}");
}

#[tokio::test]
async fn logging_out_while_a_command_refreshes_is_not_undone() {
    let world = World::new().await;
    world.logged_in().await;
    world.jira.expire_access_tokens();
    let gate = jira_oauth::sandbox::Gate::new();
    world.jira.faults().add(Fault::on("/rest/api/2/myself", Action::ProcessThenHold(gate.clone())));
    let (ran, ()) = tokio::join!(world.run(&["whoami"]), async {
        gate.arrived(1).await;
        world.run(&["logout"]).await.ok();
        gate.release();
    });
    ran.failed(3, "not_logged_in");
    assert!(world.place().session().await.unwrap().is_none());
    assert_eq!(world.refreshes(), 0);
}
