//! What is found out before anything is changed, and what it means that it is not.

use jira_oauth::sandbox::{Action, Fault};
use serde_json::json;

use super::{answer, changes, finds, refusal, run};
use crate::support::World;

/// Item 158, changed: only `--comment-once` needs to know who asks, so nothing else fails where `/myself` does.
#[tokio::test]
async fn not_knowing_who_asks_ends_a_run_that_needs_to_know() {
    let world = World::new().await;
    world.jira.faults().add(Fault::on("/rest/api/2/myself", answer(500, &refusal())).always());
    let once = ["--ref=GAIA-12", "--to-transition=Done", "--comment=x", "--comment-once"];
    let ran = run(&world, &once).run().await.failed(7, "server_error");
    assert_eq!(ran.json()["issues"][0]["transition"]["result"], "skipped");
    assert!(changes(&world).is_empty());
    run(&world, &["--ref=GAIA-12", "--to-transition=Done", "--comment=x"]).run().await.ok();
}

/// Item 159, changed: the issues are looked up meanwhile, so that the report can name them. Nothing is changed.
#[tokio::test]
async fn an_assignee_whom_jira_does_not_know_ends_the_run_before_any_change() {
    let world = World::new().await;
    let args = ["--ref=GAIA-12 WEB-9", "--to-transition=Done", "--assignee=nobody-here", "--comment=x"];
    let ran = run(&world, &args).run().await.failed(2, "bad_value");
    assert!(ran.error()["message"].as_str().unwrap().contains("nobody-here"), "{ran}");
    for issue in ran.json()["issues"].as_array().unwrap() {
        let results = ["transition", "assignee", "comment"].map(|action| issue[action]["result"].clone());
        assert_eq!(results, ["skipped", "skipped", "skipped"]);
    }
    assert!(changes(&world).is_empty());
}

/// Item 160.
#[tokio::test]
async fn a_text_without_a_key_is_a_success_with_a_warning_and_asks_nothing() {
    let world = World::new().await;
    let args = ["--ref", "mend the build", "--to-transition=Done", "--comment=x", "--assignee=lead"];
    let ran = run(&world, &args).run().await.ok();
    assert_eq!((ran.warnings(), ran.json()["issues"].clone()), (vec!["no_key".to_owned()], json!([])));
    assert_eq!(world.requests(), [""; 0]);
}

/// Items 161, 175.
/// Item 163, changed: a run that found nothing has done nothing, and a pipeline must be able to trust exit 0.
#[tokio::test]
async fn where_no_issue_can_be_looked_up_the_run_fails_and_changes_nothing() {
    let world = World::new().await;
    let args = ["--ref=GAIA-99998 GAIA-99999", "--assignee=lead", "--comment=x"];
    let ran = run(&world, &args).run().await.failed(5, "not_found");
    assert_eq!(ran.json()["counts"]["not_found"], 2);
    let lenient = run(&world, &[&args[..], &["--lenient"]].concat()).run().await;
    lenient.failed(5, "not_found");

    let args = ["--ref=GAIA-12 WEB-9", "--assignee=lead", "--comment=x"];
    world.jira.faults().add(Fault::on("/rest/api/2/search", answer(500, &refusal())));
    let ran = run(&world, &args).run().await.failed(7, "server_error");
    assert_eq!(ran.json()["counts"]["failed"], 2);

    world.jira.faults().add(Fault::on("/rest/api/2/search", Action::Hang));
    let ran = run(&world, &[&args[..], &["--timeout=1s"]].concat()).run().await.failed(7, "timeout");
    assert_eq!(ran.json()["issues"].as_array().unwrap().len(), 2);
    assert!(changes(&world).is_empty());
}

/// Item 162.
#[tokio::test]
async fn where_some_lookups_fail_the_rest_is_done() {
    let world = World::new().await;
    let args = ["--ref=GAIA-99999 GAIA-12", "--to-transition=Done"];
    let ran = run(&world, &args).run().await.failed(6, "partial");
    let report = ran.json();
    let results = [0, 1].map(|at| report["issues"][at]["transition"]["result"].clone());
    assert_eq!(results, ["not_found", "done"]);
    let lenient =
        run(&world, &["--ref=GAIA-99999 WEB-9", "--to-transition=Done", "--lenient"]).run().await.ok();
    assert_eq!(lenient.json()["counts"]["done"], 1);
}

/// Items 164, 166.
#[tokio::test]
async fn a_resolution_that_cannot_be_found_ends_the_run_before_any_transition() {
    let world = World::new().await;
    let with = |resolution: &'static str| {
        ["--ref=OPS-3", "--to-transition=Resolve Issue", "--resolution", resolution]
    };
    world.jira.faults().add(Fault::on("/rest/api/2/resolution", answer(500, &refusal())));
    let ran = run(&world, &with("Duplicate")).run().await.failed(7, "server_error");
    assert!(ran.error()["message"].as_str().unwrap().contains("500"), "{ran}");
    let ran = run(&world, &with("Sideways")).run().await.failed(2, "bad_value");
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("resolution \"Sideways\"") && message.contains("Duplicate"), "{message}");
    assert_eq!(ran.json()["issues"][0]["transition"]["result"], "skipped");
    assert!(changes(&world).is_empty());
}

/// Item 183.
#[tokio::test]
async fn an_issue_without_fields_or_status_does_no_harm() {
    for issue in [
        json!({ "id": "10001", "key": "GAIA-12" }),
        json!({ "id": "10001", "key": "GAIA-12", "fields": {} }),
        json!({ "id": "10001", "key": "GAIA-12", "fields": null, "transitions": null }),
        json!({ "id": "10001", "key": "GAIA-12", "fields": { "status": null, "summary": null } }),
        json!({ "id": "10001", "key": "GAIA-12", "fields": { "status": "Open", "assignee": 1 }, "transitions": 5 }),
    ] {
        let world = World::new().await;
        finds(&world, &json!([issue]));
        let ran = run(&world, &["--ref=GAIA-12", "--to-transition=Done", "--comment=x"]).run().await.ok();
        let report = ran.json();
        let entry = &report["issues"][0];
        assert_eq!((&entry["key"], &entry["status_before"]), (&json!("GAIA-12"), &json!(null)), "{issue}");
        assert_eq!(
            (&entry["transition"]["result"], &entry["comment"]["result"]),
            (&json!("done"), &json!("done"))
        );
    }
}
