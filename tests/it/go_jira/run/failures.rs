//! Changes that Jira refuses, and what becomes of the others.

use jira_oauth::sandbox::Fault;
use serde_json::json;

use super::{answer, changes, field, refusal, run, sent};
use crate::support::World;

/// Jira's refusal of a change, and what it comes to.
const REFUSALS: [(u16, u8, &str); 3] =
    [(400, 1, "bad_request"), (403, 3, "forbidden"), (500, 7, "server_error")];

/// A world that refuses changes of an issue.
async fn refusing(path: &str, status: u16) -> World {
    let world = World::new().await;
    world.jira.faults().add(Fault::on(path, answer(status, &refusal())).always());
    world
}

/// Item 169, changed: a pipeline must be able to trust exit 0; `--lenient` forgives it.
#[tokio::test]
async fn a_transition_that_is_not_there_is_reported_and_nothing_is_sent() {
    let world = World::new().await;
    let args = ["--ref=GAIA-10", "--to-transition=Launch"];
    let ran = run(&world, &args).run().await.failed(6, "partial");
    let report = ran.json();
    let offered = json!([{ "name": "Start Progress", "to": "In Progress" }]);
    assert_eq!(
        report["issues"][0]["transition"],
        json!({ "result": "not_offered", "name": "Launch", "to": null, "offered": offered })
    );
    let lenient = run(&world, &[&args[..], &["--lenient"]].concat()).run().await.ok();
    assert_eq!(lenient.json()["counts"]["not_offered"], 1);
    assert!(changes(&world).is_empty());
}

/// Items 170, 174, 177.
#[tokio::test]
async fn a_change_that_jira_refuses_fails_the_run() {
    for (action, flag, value) in [
        ("transitions", "--to-transition", "Done"),
        ("assignee", "--assignee", "lead"),
        ("comment", "--comment", "x"),
    ] {
        for (status, exit, code) in REFUSALS {
            let world = refusing(&format!("/rest/api/2/issue/GAIA-12/{action}"), status).await;
            let ran = run(&world, &["--ref=GAIA-12", flag, value]).run().await.failed(exit, code);
            let report = ran.json();
            let results =
                ["transition", "assignee", "comment"].map(|name| &report["issues"][0][name]["result"]);
            assert!(results.contains(&&json!("failed")), "{ran}");
            assert_eq!(report["issues"][0]["error"]["status_code"], status, "{ran}");
            assert_eq!(changes(&world).len(), 1, "a change is sent once: {ran}");
        }
    }
    let world = refusing("/rest/api/2/issue/GAIA-12/assignee", 403).await;
    let ran = run(&world, &["--ref=GAIA-12 WEB-9", "--assignee=lead"]).run().await.failed(6, "partial");
    assert_eq!((&ran.json()["counts"]["failed"], &ran.json()["counts"]["done"]), (&json!(1), &json!(1)));
}

/// Item 171.
#[tokio::test]
async fn one_issue_that_fails_keeps_no_other_from_being_done() {
    let world = refusing("/rest/api/2/issue/GAIA-12/transitions", 400).await;
    let args = ["--ref=GAIA-12 WEB-9 OPS-5", "--to-transition=Done", "--comment=x"];
    let ran = run(&world, &args).run().await.failed(6, "partial");
    let report = ran.json();
    let results = [0, 1].map(|at| report["issues"][at]["transition"]["result"].clone());
    assert_eq!(results, ["failed", "done"]);
    assert_eq!(field(&world, "WEB-9", "status").await["name"], "Done");
}

/// Item 180, changed: one failure speaks for all, with how many of how many; the report has each.
#[tokio::test]
async fn several_failures_are_counted_and_each_is_in_the_report() {
    let world = refusing("/rest/api/2/issue/", 400).await;
    let ran = run(&world, &["--ref=GAIA-12 WEB-9", "--assignee=lead"]).run().await.failed(1, "bad_request");
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("2 of 2 issues failed; the first: "), "{message}");
    let report = ran.json();
    let codes = [0, 1].map(|at| report["issues"][at]["error"]["code"].clone());
    assert_eq!(codes, ["bad_request", "bad_request"]);
}

/// Item 182, changed: what fails stops the rest of its own issue, not of the others.
#[tokio::test]
async fn a_transition_that_fails_stops_what_would_follow_for_that_issue() {
    let world = refusing("/rest/api/2/issue/GAIA-12/transitions", 400).await;
    let args = ["--ref=GAIA-12 WEB-9", "--to-transition=Done", "--assignee=lead", "--comment=x"];
    let report = run(&world, &args).run().await.failed(6, "partial").json();
    let results = |at: usize| {
        ["transition", "assignee", "comment"]
            .map(|action| report["issues"][at][action]["result"].as_str().unwrap().to_owned())
    };
    assert_eq!(results(0), ["failed", "skipped", "skipped"]);
    assert_eq!(results(1), ["done", "done", "done"]);
    assert_eq!((sent(&world, "/GAIA-12/comment").len(), sent(&world, "/WEB-9/comment").len()), (0, 1));
}
