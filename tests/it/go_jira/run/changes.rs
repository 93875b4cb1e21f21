//! What is changed, and with which requests.

use serde_json::{Value, json};

use super::{answer, changes, field, finds, run, sent};
use crate::support::World;
use jira_oauth::sandbox::Fault;

/// Item 156.
#[tokio::test]
async fn a_reference_a_transition_and_a_comment_are_all_it_takes() {
    let world = World::new().await;
    let args = ["--ref", "GAIA-12: done", "--to-transition", "Done", "--comment", "Shipped"];
    let report = run(&world, &args).run().await.ok().json();
    assert_eq!(report["counts"]["done"], 1);
    assert_eq!(field(&world, "GAIA-12", "status").await["name"], "Done");
    let comments = field(&world, "GAIA-12", "comment").await;
    assert_eq!(comments["comments"].as_array().unwrap().last().unwrap()["body"], "Shipped");
}

/// Item 157.
#[tokio::test]
async fn an_assignee_a_resolution_markdown_several_keys_and_a_pattern_of_ones_own() {
    let world = World::new().await;
    run(&world, &["--ref", "GAIA-10", "--assignee", "lead"]).run().await.ok();
    assert_eq!(field(&world, "GAIA-10", "assignee").await["name"], "lead");

    let resolve = ["--ref=OPS-3", "--to-transition=Resolve Issue", "--resolution=Duplicate"];
    run(&world, &resolve).run().await.ok();
    assert_eq!(field(&world, "OPS-3", "resolution").await["name"], "Duplicate");

    run(&world, &["--ref=GAIA-10", "--markdown", "--comment", "**bold**"]).run().await.ok();
    assert_eq!(sent(&world, "/GAIA-10/comment"), [json!({ "body": "*bold*" })]);

    let several = ["--ref", "GAIA-12, WEB-9", "--to-transition", "Done"];
    assert_eq!(run(&world, &several).run().await.ok().json()["counts"]["done"], 2);

    let own = ["--ref", "web-9 GAIA-12", "--issue-format", "web-[0-9]+", "--to-transition", "Reopen"];
    let report = run(&world, &own).run().await.ok().json();
    assert_eq!((&report["issues"][0]["key"], &report["counts"]["issues"]), (&json!("WEB-9"), &json!(1)));
}

/// Item 165.
#[tokio::test]
async fn a_resolution_is_found_whatever_its_case() {
    let world = World::new().await;
    let args = ["--ref=OPS-3", "--to-transition=Resolve Issue", "--resolution=dUPLICATE"];
    run(&world, &args).run().await.ok();
    assert_eq!(field(&world, "OPS-3", "resolution").await["name"], "Duplicate");
}

/// Items 167, 168.
#[tokio::test]
async fn the_first_transition_of_the_name_is_sent_by_its_id() {
    let world = World::new().await;
    let way = |id: &str, name: &str| json!({ "id": id, "name": name, "to": { "name": "Shipped" } });
    let issue = json!([{
        "id": "10001", "key": "OPS-3", "fields": { "summary": "s", "status": { "name": "Open" } },
        "transitions": [way("7", "Pack"), way("8", "Ship"), way("9", "SHIP")],
    }]);
    let posts = || Fault::on("/rest/api/2/issue/OPS-3/transitions", answer(204, &Value::Null));
    finds(&world, &issue);
    world.jira.faults().add(posts());
    run(&world, &["--ref=OPS-3", "--to-transition=sHiP"]).run().await.ok();
    assert_eq!(sent(&world, "/OPS-3/transitions"), [json!({ "transition": { "id": "8" } })]);

    finds(&world, &issue);
    world.jira.faults().add(posts());
    run(&world, &["--ref=OPS-3", "--to-transition=ship", "--resolution=duplicate"]).run().await.ok();
    let list = world.jira.log();
    assert!(list.iter().any(|request| request.path == "/rest/api/2/resolution"));
    let body = sent(&world, "/OPS-3/transitions").pop().unwrap();
    assert_eq!(body, json!({ "transition": { "id": "8" }, "fields": { "resolution": { "id": "3" } } }));
    assert_eq!(world.jira.faults().pending(), 0);
}

/// Items 172, 173, changed: each 2xx of Jira's is a success, whichever it documents, since the change is made and
/// must not be repeated. A page that is not Jira's is none, whatever its status.
#[tokio::test]
async fn a_transition_and_an_assignee_are_done_when_jira_says_so() {
    let args = ["--ref=GAIA-12", "--to-transition=Done", "--assignee=lead"];
    for (status, body) in [(204, Value::Null), (200, json!({})), (201, json!({}))] {
        let world = World::new().await;
        for path in ["transitions", "assignee"] {
            let path = format!("/rest/api/2/issue/GAIA-12/{path}");
            world.jira.faults().add(Fault::on(path, answer(status, &body)));
        }
        let report = run(&world, &args).run().await.ok().json();
        let entry = &report["issues"][0];
        assert_eq!(
            (&entry["transition"]["result"], &entry["assignee"]["result"]),
            (&json!("done"), &json!("done"))
        );
        assert_eq!(
            changes(&world),
            ["POST /rest/api/2/issue/GAIA-12/transitions", "PUT /rest/api/2/issue/GAIA-12/assignee"]
        );
        assert_eq!(sent(&world, "/assignee"), [json!({ "name": "lead" })]);
    }
    let world = World::new().await;
    let page = jira_oauth::sandbox::Action::respond(200, "text/html", "<html>Log in</html>");
    world.jira.faults().add(Fault::on("/rest/api/2/issue/GAIA-12/transitions", page));
    let refused = run(&world, &args).run().await.failed(3, "sso_intercepted");
    assert_eq!(refused.json()["issues"][0]["transition"]["result"], "failed");
}

/// Item 176, changed: the body alone is sent, for the author is whom the credential stands for.
#[tokio::test]
async fn a_comment_is_sent_with_its_text_and_written_by_whoever_asks() {
    let world = World::new().await;
    let report = run(&world, &["--ref=GAIA-12", "--comment=Shipped"]).run().await.ok().json();
    assert_eq!(sent(&world, "/comment"), [json!({ "body": "Shipped" })]);
    assert_eq!(world.jira.log().last().unwrap().status, Some(201));
    let comments = field(&world, "GAIA-12", "comment").await;
    let last = comments["comments"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["id"], &last["author"]["name"]),
        (&report["issues"][0]["comment"]["id"], &json!("developer"))
    );
}

/// Item 178, changed: no flag sends an empty body. An empty text means no comment, on the command line and in the
/// environment.
#[tokio::test]
async fn an_empty_comment_is_no_comment() {
    let world = World::new().await;
    let args = ["--ref=GAIA-12", "--to-transition=Done", "--comment", ""];
    let report = run(&world, &args).run().await.ok().json();
    assert_eq!(report["issues"][0].get("comment"), None);
    let set = run(&world, &["--ref=GAIA-12"]).env("COMMENT", "").run().await.ok();
    assert_eq!(set.warnings(), ["nothing_asked"]);
    assert_eq!(changes(&world), ["POST /rest/api/2/issue/GAIA-12/transitions"]);
}

/// Item 179.
#[tokio::test]
async fn twenty_issues_at_once_all_succeed() {
    let world = World::new().await;
    let search = ["search", "--jql", "project in (GAIA, WEB)", "--limit", "20", "--output", "jsonl"];
    let found = world.with_token(&search).run().await.ok();
    let keys: Vec<String> = found
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["key"].as_str().unwrap().to_owned())
        .collect();
    let args = ["--ref", &keys.join(" "), "--comment", "Released", "--assignee", "lead"];
    let report = run(&world, &args).run().await.ok().json();
    let issues = report["issues"].as_array().unwrap();
    assert_eq!(issues.iter().map(|issue| issue["key"].as_str().unwrap()).collect::<Vec<_>>(), keys);
    assert_eq!(keys.len(), 20);
    assert!(issues.iter().all(|issue| issue["comment"]["result"] == "done"), "{report}");
    assert_eq!(sent(&world, "/comment").len(), 20);
}

/// Item 181, changed: one issue after the other is finished, so that a run that is cut short leaves few half done.
/// What is asked for is looked up before anything changes, and who the caller is only where it matters.
#[tokio::test]
async fn everything_is_looked_up_before_the_first_change_and_each_issue_is_finished_in_order() {
    let world = World::new().await;
    let args = [
        "--ref=OPS-3",
        "--to-transition=Resolve Issue",
        "--resolution=Duplicate",
        "--assignee=lead",
        "--comment=x",
        "--comment-once",
    ];
    run(&world, &args).run().await.ok();
    let requests = world.requests();
    let (asked, changed) =
        requests.split_at(requests.iter().position(|it| it.ends_with("/transitions")).unwrap());
    let mut asked = asked.to_vec();
    asked.sort();
    assert_eq!(
        asked,
        [
            "GET /rest/api/2/myself",
            "GET /rest/api/2/resolution",
            "GET /rest/api/2/user?username=lead",
            "POST /rest/api/2/search",
        ]
    );
    let changed: Vec<_> = changed.iter().filter(|request| !request.starts_with("GET ")).collect();
    assert_eq!(
        changed,
        [
            "POST /rest/api/2/issue/OPS-3/transitions",
            "PUT /rest/api/2/issue/OPS-3/assignee",
            "POST /rest/api/2/issue/OPS-3/comment",
        ]
    );
}

/// Item 184, changed: the report is the result; `--debug` adds nothing to it.
#[tokio::test]
async fn the_report_alone_is_on_stdout() {
    let world = World::new().await;
    let plain = run(&world, &["--ref=GAIA-12"]).run().await.ok();
    assert!(plain.json()["issues"][0]["summary"].is_string());
    // In a process of its own: whether an event is of interest is noted once for all subscribers of a process.
    let debug = run(&world, &["--ref=GAIA-12", "--debug"]).run_program().await.ok();
    assert_eq!(debug.stdout, plain.stdout);
    assert!(debug.stderr.contains("POST /rest/api/2/search"), "{debug}");
}
