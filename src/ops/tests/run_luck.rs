use ::http::Method;
use serde_json::json;

use super::run::{args, go, to};
use super::*;
use crate::error::Code;
use crate::ops::run::{Outcome, RunArgs, RunProgress, run};
use crate::sandbox::Gate;
use crate::sandbox::world::World;

#[tokio::test]
async fn a_moved_issue_is_changed_under_its_new_key_and_reported_with_both() {
    let site = site().await;
    let wish = RunArgs { comment: some("x"), ..args(&format!("{} GAIA-12", World::MOVED)) };
    let (report, value) = go(&site, wish).await;
    assert!(report.failure().is_none(), "{value}");
    let entry = &value["issues"][0];
    assert_eq!(entry["requested_key"], World::MOVED);
    let key = entry["key"].as_str().unwrap();
    assert!(key.starts_with("WEB-"), "{key}");
    assert!(site.requests().contains(&format!("POST /issue/{key}/comment")));
}

#[tokio::test]
async fn an_issue_that_is_named_by_its_old_and_its_new_key_is_changed_once() {
    let site = site().await;
    let new = site.issue(World::MOVED).await["key"].as_str().unwrap().to_owned();
    let wish = RunArgs { comment: some("x"), ..args(&format!("{} {new}", World::MOVED)) };
    let (report, value) = go(&site, wish).await;
    assert!(report.failure().is_none());
    let results: Vec<_> =
        value["issues"].as_array().unwrap().iter().map(|entry| &entry["comment"]["result"]).collect();
    assert_eq!(results, ["done", "already"]);
    assert_eq!(
        (&value["issues"][1]["key"], &value["issues"][1]["requested_key"]),
        (&json!(new), &json!(new))
    );
    assert_eq!(site.requests().iter().filter(|request| request.ends_with("/comment")).count(), 1);
}

#[tokio::test]
async fn keys_that_jira_does_not_show_are_not_found_and_the_others_are_done() {
    let site = site().await;
    let text = format!("NOSUCH-1 GAIA-12 GAIA-99999 {}", World::HIDDEN);
    let (report, value) = go(&site, to(&text, "Done")).await;
    let results: Vec<_> =
        value["issues"].as_array().unwrap().iter().map(|entry| &entry["transition"]["result"]).collect();
    assert_eq!(results, ["not_found", "done", "not_found", "not_found"]);
    assert_eq!(value["issues"][0]["error"]["code"], "not_found");
    assert_eq!(value["issues"][0]["summary"], Value::Null);
    let failed = report.failure().unwrap();
    assert_eq!((failed.code, failed.exit_code()), (Code::Partial, 6));
    assert_eq!(failed.details.unwrap()["counts"]["not_found"], 3);
    let (report, _) = go(&site, RunArgs { lenient: Some(true), ..to(&text, "Done") }).await;
    assert!(report.failure().is_none(), "forgiven one by one");
    let (report, _) = go(&site, RunArgs { lenient: Some(true), ..to("NOSUCH-1 NOSUCH-2", "Done") }).await;
    assert_eq!(report.failure().unwrap().exit_code(), 5, "but not that none at all is found");
}

/// When Jira drops the only clause, it answers with whatever it has.
#[tokio::test]
async fn an_issue_that_nobody_asked_for_is_never_touched() {
    let site = site().await;
    let stranger = json!({"id": "1", "key": "WEB-9", "fields": {"status": {"name": "In Review"}},
        "transitions": [{"id": "41", "name": "Done", "to": {"name": "Done"}}]});
    site.answer("/rest/api/2/search", 200, json!({"total": 300, "issues": [stranger]}));
    let (report, value) = go(&site, to("NOSUCH-1", "Done")).await;
    assert_eq!(report.failure().unwrap().code, Code::NotFound);
    assert_eq!(value["issues"][0]["transition"]["result"], "not_found");
    let requests = site.requests();
    assert!(requests.contains(&"GET /issue/NOSUCH-1".to_owned()), "it is asked for by itself: {requests:?}");
    assert!(!requests.iter().any(|request| request.contains("WEB-9")), "{requests:?}");
}

/// Jira's index lags behind: an issue that was made a second ago is there, but no search finds it.
#[tokio::test]
async fn an_issue_that_is_too_young_for_the_search_is_found() {
    let site = site().await;
    site.answer("/rest/api/2/search", 200, json!({"total": 0, "issues": []}));
    let (report, _) = go(&site, to("GAIA-12", "Done")).await;
    assert!(report.failure().is_none());
    assert!(site.requests().contains(&"GET /issue/GAIA-12".to_owned()));
}

#[tokio::test]
async fn transitions_are_asked_for_where_the_search_has_none() {
    let site = site().await;
    let issue = json!({"id": "1", "key": "GAIA-12", "fields": {"status": {"name": "In Progress"}}});
    site.answer("/rest/api/2/search", 200, json!({"total": 1, "issues": [issue]}));
    let (report, _) = go(&site, to("GAIA-12", "Done")).await;
    assert!(report.failure().is_none());
    assert_eq!(
        site.requests(),
        ["POST /search", "GET /issue/GAIA-12/transitions", "POST /issue/GAIA-12/transitions"]
    );
}

#[tokio::test]
async fn an_answer_without_fields_does_no_harm() {
    let site = site().await;
    site.answer("/rest/api/2/search", 200, json!({"total": 1, "issues": [{"id": "1", "key": "GAIA-12"}]}));
    let (report, value) = go(&site, to("GAIA-12", "Done")).await;
    assert!(report.failure().is_none(), "{value}");
    assert_eq!(
        (&value["issues"][0]["status_before"], &value["issues"][0]["status_after"]),
        (&Value::Null, &json!("Done"))
    );
}

#[tokio::test]
async fn a_failure_skips_the_rest_of_its_issue_and_of_no_other() {
    let site = site().await;
    site.answer(
        "/rest/api/2/issue/GAIA-12/assignee",
        400,
        json!({"errorMessages": [], "errors": {"assignee": "no"}}),
    );
    let wish = RunArgs { assignee: some("lead"), comment: some("x"), ..args("GAIA-12 WEB-9") };
    let (report, value) = go(&site, wish).await;
    let results =
        |at: usize| ["assignee", "comment"].map(|action| value["issues"][at][action]["result"].clone());
    assert_eq!(results(0), [json!("failed"), json!("skipped")]);
    assert_eq!(results(1), [json!("done"), json!("done")]);
    assert_eq!(report.failure().unwrap().exit_code(), 6);
}

#[tokio::test]
async fn a_change_without_an_answer_is_looked_for_and_found() {
    let site = site().await;
    for path in ["transitions", "assignee", "comment"] {
        site.fault(Fault::on(format!("/rest/api/2/issue/GAIA-12/{path}"), Action::ProcessThenDrop));
    }
    let wish = RunArgs { assignee: some("lead"), comment: some("Deployed"), ..to("GAIA-12", "Done") };
    let (report, value) = go(&site, wish).await;
    let entry = &value["issues"][0];
    for action in ["transition", "assignee", "comment"] {
        assert_eq!(entry[action]["result"], "done", "{action}: {entry}");
    }
    assert!(entry["comment"]["id"].is_string());
    assert!(report.failure().is_none());
    let requests = site.requests();
    for change in
        ["POST /issue/GAIA-12/transitions", "PUT /issue/GAIA-12/assignee", "POST /issue/GAIA-12/comment"]
    {
        assert_eq!(requests.iter().filter(|request| *request == change).count(), 1, "never repeated");
    }
}

#[tokio::test]
async fn a_change_without_an_answer_that_is_not_to_be_seen_is_unknown() {
    let site = site().await;
    site.fault(Fault::on("/rest/api/2/issue/GAIA-12/transitions", Action::Drop));
    let wish = RunArgs { comment: some("x"), ..to("GAIA-12", "Done") };
    let (report, value) = go(&site, wish).await;
    let entry = &value["issues"][0];
    assert_eq!(
        (&entry["transition"]["result"], &entry["comment"]["result"]),
        (&json!("unknown"), &json!("skipped"))
    );
    assert_eq!(
        (&entry["status_after"], &entry["error"]["code"]),
        (&json!("In Progress"), &json!("outcome_unknown"))
    );
    let failed = report.failure().unwrap();
    assert_eq!((failed.code, failed.exit_code()), (Code::OutcomeUnknown, 6));
}

/// Without `--comment-once` nobody has looked before; an old comment must not pass for the one that was sent.
#[tokio::test]
async fn an_older_comment_does_not_stand_for_one_without_an_answer() {
    let site = site().await;
    let wish = RunArgs { comment: some("Deployed"), ..args("GAIA-12") };
    go(&site, wish.clone()).await;
    site.fault(Fault::on("/rest/api/2/issue/GAIA-12/comment", Action::Drop).method(Method::POST));
    let (_, value) = go(&site, wish).await;
    assert_eq!(value["issues"][0]["comment"], json!({"result": "unknown", "id": null}));
}

#[tokio::test]
async fn a_lookup_that_fails_is_the_failure_of_its_issues() {
    let site = site().await;
    site.fault(Fault::on("/rest/api/2/search", Action::respond(500, "application/json", "{}")).always());
    let (report, value) = go(&site, to("GAIA-12 WEB-9", "Done")).await;
    let failed = report.failure().unwrap();
    assert_eq!((failed.code, failed.exit_code()), (Code::ServerError, 7), "all of one kind");
    assert!(failed.message.starts_with("2 of 2 issues failed"), "{failed}");
    assert_eq!(value["issues"][0]["transition"]["result"], "failed");
}

fn limited() -> Action {
    Action::Respond {
        status: ::http::StatusCode::TOO_MANY_REQUESTS,
        headers: vec![("retry-after".into(), "7".into()), ("content-type".into(), "application/json".into())],
        body: "{\"message\":\"slow down\"}".into(),
    }
}

#[tokio::test]
async fn what_waits_to_be_sent_again_when_the_run_is_cut_short_was_not_done() {
    let site = site().await;
    let path = "/rest/api/2/issue/GAIA-12/transitions";
    site.fault(Fault::on(path, limited()).always());
    let progress = RunProgress::new();
    let patient = site.patient();
    tokio::select! {
        _ = run(to("GAIA-12", "Done"), &patient, &progress) => panic!("it waits for seconds"),
        () = async {
            site.sandbox.wait_for(path, 1).await;
            while serde_json::to_value(progress.report()).unwrap()["issues"][0]["transition"]["result"] != "skipped" {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    let entry = serde_json::to_value(progress.report()).unwrap()["issues"][0].take();
    assert_eq!(
        (&entry["transition"]["result"], &entry["status_after"]),
        (&json!("skipped"), &entry["status_before"])
    );
    assert_eq!(progress.report().failure().unwrap().exit_code(), 6);
}

#[tokio::test]
async fn failures_of_one_kind_keep_what_jira_said() {
    let site = site().await;
    site.fault(Fault::on("/rest/api/2/issue/", limited()).always());
    let (report, _) = go(&site, to("GAIA-12 WEB-9", "Done")).await;
    let failed = report.failure().unwrap();
    assert_eq!((failed.code, failed.exit_code(), failed.retry_after), (Code::RateLimited, 4, Some(7)));
}

#[tokio::test]
async fn failures_of_several_kinds_are_partial() {
    let site = site().await;
    site.answer("/rest/api/2/issue/GAIA-12/transitions", 409, json!({"errorMessages": ["busy"]}));
    let (report, _) = go(&site, to("GAIA-12 NOSUCH-1", "Done")).await;
    assert_eq!(report.failure().unwrap().code, Code::Partial);
}

#[tokio::test]
async fn what_is_on_its_way_when_the_run_is_cut_short_is_unknown() {
    let site = site().await;
    let gate = Gate::new();
    site.fault(Fault::on("/rest/api/2/issue/GAIA-12/transitions", Action::ProcessThenHold(gate.clone())));
    let progress = RunProgress::new();
    let wish = RunArgs { comment: some("x"), ..to("GAIA-12 WEB-9", "Done") };
    {
        let running = run(wish, &site.jira, &progress);
        let cut = async {
            gate.arrived(1).await;
            // The other issue goes on while this one waits.
            site.sandbox.wait_for("/rest/api/2/issue/WEB-9/comment", 1).await;
        };
        tokio::select! {
            _ = running => panic!("the gate is closed"),
            () = cut => {}
        }
    }
    let report = progress.report();
    let value = serde_json::to_value(&report).unwrap();
    let entry = &value["issues"][0];
    assert_eq!(
        (&entry["transition"]["result"], &entry["comment"]["result"]),
        (&json!("unknown"), &json!("skipped"))
    );
    assert_eq!(entry["status_after"], Value::Null);
    assert_eq!(value["issues"][1]["transition"]["result"], "done");
    assert_eq!(report.failure().unwrap().code, Code::Partial);
    let cut = report.cut_short(true).unwrap().message;
    assert!(cut.contains("after it had changed something; the report says"), "{cut}");
    gate.release();
}

#[tokio::test]
async fn a_run_that_is_cut_short_in_the_lookup_has_tried_nothing() {
    let site = site().await;
    let gate = site.sandbox.faults().hold("/rest/api/2/search");
    let progress = RunProgress::new();
    tokio::select! {
        _ = run(to("GAIA-12", "Done"), &site.jira, &progress) => panic!("the gate is closed"),
        () = gate.arrived(1) => {}
    }
    let report = progress.report();
    assert_eq!(report.issues[0].transition.as_ref().unwrap().result, Outcome::Skipped);
    assert_eq!((report.counts().skipped, report.failure().unwrap().exit_code()), (1, 6));
    gate.release();
}

#[tokio::test]
async fn a_report_reads_as_rows() {
    let site = site().await;
    let wish = RunArgs { comment: some("x"), ..to("GAIA-12 NOSUCH-1", "Done") };
    let (report, value) = go(&site, wish).await;
    let summary = value["issues"][0]["summary"].as_str().unwrap();
    assert_eq!(
        piped(&report),
        format!(
            "GAIA-12\tIn Progress → Done\tdone\t\tdone\t{summary}\nNOSUCH-1\t\tnot found\t\tnot found\t\n"
        )
    );
}
