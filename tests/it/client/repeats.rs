//! What is asked again and what is not: reading is, changing is not.

use jira_oauth::sandbox::{Action, Fault};

use crate::support::World;

const ISSUE: &str = "/rest/api/2/issue/GAIA-1";

fn comments(world: &World) -> usize {
    let log = world.jira.log();
    log.iter().filter(|request| request.method == "POST" && request.path.ends_with("/comment")).count()
}

#[tokio::test]
async fn what_only_reads_is_asked_again_twice() {
    let world = World::new().await;
    for action in [
        Action::respond(502, "text/html", "<html>"),
        Action::respond(503, "text/html", "<html>"),
        Action::respond(504, "text/html", "<html>"),
        Action::Drop,
        Action::ProcessThenDrop,
    ] {
        let what = format!("{action:?}");
        world.jira.clear_log();
        world.jira.faults().add(Fault::on(ISSUE, action.clone()).times(2));
        world.with_token(&["get", "GAIA-1"]).run().await.ok();
        assert_eq!(world.requests().len(), 3, "{what}");
        world.jira.clear_log();
        world.jira.faults().add(Fault::on(ISSUE, action).times(3));
        let ran = world.with_token(&["get", "GAIA-1"]).run().await;
        assert_eq!((ran.code, world.requests().len()), (7, 3), "{what}: {ran}");
        assert_eq!(ran.error()["retryable"], true);
    }
    assert_eq!(world.jira.faults().pending(), 0);
}

#[tokio::test]
async fn a_500_is_not_asked_again() {
    let world = World::new().await;
    world.logged_in().await;
    world.jira.faults().add(Fault::on(ISSUE, Action::respond(500, "application/json", "{}")));
    world.run(&["get", "GAIA-1"]).await.failed(7, "server_error");
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test]
async fn a_change_is_sent_once_whatever_becomes_of_it() {
    let world = World::new().await;
    world.logged_in().await;
    for action in [
        Action::respond(500, "text/html", "<html>"),
        Action::respond(502, "text/html", "<html>"),
        Action::respond(503, "text/html", "<html>"),
        Action::respond(504, "text/html", "<html>"),
        Action::respond(429, "application/json", "{}"),
        Action::Drop,
        Action::ProcessThenDrop,
    ] {
        let what = format!("{action:?}");
        world.jira.clear_log();
        world.jira.faults().add(Fault::on(format!("{ISSUE}/comment"), action).method(http::Method::POST));
        let ran = world.run(&["run", "--ref", "GAIA-1", "--comment", &format!("about {what}")]).await;
        assert_eq!(comments(&world), 1, "{what}: {ran}");
        // What was made all the same is found by looking.
        assert_eq!(ran.code == 0, what == "ProcessThenDrop", "{what}: {ran}");
    }
    assert_eq!(world.jira.faults().pending(), 0);
}

#[tokio::test]
async fn a_change_whose_bearer_was_dead_is_sent_once_more_with_a_new_one() {
    let world = World::new().await;
    world.logged_in().await;
    let gate = world.jira.faults().hold(format!("{ISSUE}/comment"));
    let (ran, ()) = tokio::join!(world.run(&["run", "--ref", "GAIA-1", "--comment", "hello"]), async {
        gate.arrived(1).await;
        world.jira.expire_access_tokens();
        gate.release();
    });
    let report = ran.ok().json();
    assert_eq!(report["issues"][0]["comment"]["result"], "done");
    let bodies: Vec<_> =
        world.jira.log().into_iter().filter(|request| request.path.ends_with("/comment")).collect();
    let written: Vec<_> = bodies.iter().filter(|request| request.user.is_some()).collect();
    assert_eq!((bodies.len(), written.len(), world.refreshes()), (2, 1, 1));
    assert_eq!(bodies[0].body, bodies[1].body, "body and all");
}

#[tokio::test]
async fn a_change_that_jira_made_as_nobody_is_not_made_again() {
    let world = World::new().await;
    world.logged_in().await;
    let made = Action::Respond {
        status: http::StatusCode::CREATED,
        headers: vec![
            ("x-ausername".into(), "anonymous".into()),
            ("content-type".into(), "application/json".into()),
        ],
        body: r#"{"id":"1"}"#.into(),
    };
    world.jira.faults().add(Fault::on(format!("{ISSUE}/comment"), made).method(http::Method::POST));
    let ran = world.run(&["run", "--ref", "GAIA-1", "--comment", "hello"]).await;
    assert_eq!((ran.code, comments(&world), world.refreshes()), (6, 1, 0), "{ran}");
}

#[tokio::test]
async fn nobody_there_is_said_as_it_is() {
    let world = World::new().await;
    let port = crate::support::free_port();
    let url = format!("http://127.0.0.1:{port}");
    let whoami = world.command(&["whoami", "--base-url", &url]).env("JIRA_TOKEN", "canary").run().await;
    whoami.failed(7, "connect").hides(&["canary"]);
    let unknown =
        world.command(&["whoami", "--base-url", "https://jira.invalid"]).env("JIRA_TOKEN", "canary");
    unknown.run().await.failed(7, "dns").hides(&["canary"]);
}
