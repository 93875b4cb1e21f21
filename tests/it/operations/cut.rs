//! A change whose command is cut short, or whose result nobody can read: nobody should make it twice.

use http::Method;
use jira_oauth::process::Signal;
use jira_oauth::sandbox::{Action, Fault, Gate};
use serde_json::json;

use crate::support::{Command, Ran, Sink, World};

const ISSUE: &str = "/rest/api/2/issue";

/// Runs the command until its change is out, and sends the signal then.
async fn struck(world: &World, args: &[&str], at: (Method, &str), signal: Signal) -> Ran {
    struck_command(world, world.command(args), at, signal).await
}

async fn struck_command(
    world: &World,
    command: Command,
    (method, path): (Method, &str),
    signal: Signal,
) -> Ran {
    let gate = Gate::new();
    world.jira.faults().add(Fault::on(path, Action::ProcessThenHold(gate.clone())).method(method));
    let (live, ran) = command.start();
    let (ran, ()) = tokio::join!(ran, async {
        gate.arrived(1).await;
        live.signal(signal);
    });
    gate.release();
    ran
}

#[tokio::test]
async fn a_signal_that_comes_before_jiras_answer_leaves_the_outcome_unknown() {
    let world = World::new().await;
    world.logged_in().await;
    let create = ["create", "--project=GAIA", "--summary=x"];
    let ran = struck(&world, &create, (Method::POST, ISSUE), Signal::Terminate).await;
    insta::assert_snapshot!(ran, @r#"
    exit 143
    --- stderr
    {"error":{"kind":"partial","code":"outcome_unknown","message":"POST /rest/api/2/issue was sent and not answered (the command was ended first): it may have been done; look before you repeat it","hint":"jira search 'project = \"GAIA\" AND creator = currentUser() AND created >= -15m ORDER BY created DESC'","exit_code":143,"retryable":false,"actor":"caller","details":{"request":"POST /rest/api/2/issue","reason":"the command was ended first"}}}
    "#);
    let one = format!("{ISSUE}/GAIA-10");
    for (args, request, look) in [
        (&["update", "GAIA-10", "--summary=y"][..], (Method::PUT, one.as_str()), "jira get GAIA-10"),
        (
            &["link", "--from=GAIA-1", "--to=GAIA-2"],
            (Method::POST, "/rest/api/2/issueLink"),
            "jira get GAIA-1",
        ),
        (&["delete", "GAIA-10", "--confirm"], (Method::DELETE, one.as_str()), "jira get GAIA-10"),
    ] {
        for (signal, code) in [(Signal::Interrupt, 130), (Signal::HangUp, 129)] {
            let ran = struck(&world, args, request.clone(), signal).await.failed(code, "outcome_unknown");
            let error = ran.error();
            assert_eq!((ran.stdout.as_str(), &error["hint"]), ("", &json!(look)), "{ran}");
            assert!(error["details"]["request"].as_str().unwrap().starts_with(request.0.as_str()), "{ran}");
        }
    }
}

#[tokio::test]
async fn a_signal_before_the_change_is_out_says_nothing_of_it() {
    let world = World::new().await;
    world.logged_in().await;
    // The types of links are asked for first.
    let link = ["link", "--from=GAIA-1", "--to=GAIA-2"];
    let asked = (Method::GET, "/rest/api/2/issueLinkType");
    let ran = struck(&world, &link, asked, Signal::Terminate).await;
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (143, "", ""));
}

#[tokio::test]
async fn a_result_that_cannot_be_written_says_what_was_done() {
    let world = World::new().await;
    world.logged_in().await;
    let full = async |args: &[&str]| {
        world.command(args).stdout(Sink::Full).run().await.failed(1, "output_unwritable")
    };
    insta::assert_snapshot!(full(&["create", "--project=GAIA", "--summary=x"]).await, @r#"
    exit 1
    --- stderr
    {"error":{"kind":"error","code":"output_unwritable","message":"created GAIA-17; but the result could not be written: no storage space","hint":"jira get GAIA-17","exit_code":1,"retryable":false,"actor":"caller","details":{"result":{"id":"10040","key":"GAIA-17","self":"http://127.0.0.1:PORT/rest/api/2/issue/10040"}}}}
    "#);
    let updated = full(&["update", "GAIA-10", "--summary=y"]).await.error();
    assert_eq!(updated["details"]["result"], json!({ "key": "GAIA-10", "status": "updated" }));
    let linked = full(&["link", "--from=GAIA-1", "--to=GAIA-2"]).await.error();
    assert_eq!(linked["details"]["result"]["direction"], "GAIA-1 relates to GAIA-2");
    let deleted = full(&["delete", "GAIA-10", "--confirm"]).await.error();
    let words = "deleted GAIA-10; but the result could not be written: no storage space";
    assert_eq!((&deleted["message"], &deleted["hint"]), (&json!(words), &json!(null)));
    let run = full(&["run", "--ref=GAIA-1 GAIA-2 GAIA-9999", "--comment=built", "--lenient"]).await.error();
    assert_eq!(run["details"]["result"]["changed"], json!(["GAIA-1", "GAIA-2"]), "{run}");
    assert_eq!(run["details"]["result"]["counts"]["not_found"], 1);
    assert_eq!(run["hint"], "jira get GAIA-1 GAIA-2");
    let partly = world.command(&["run", "--ref=GAIA-1 GAIA-9999", "--comment=again"]).stdout(Sink::Full);
    let partly = partly.run().await.failed(6, "partial").error();
    let words = "the run changed, or may have changed, 1 of 2 issues, but the result could not be written";
    assert!(partly["message"].as_str().unwrap().contains(words), "{partly}");
    assert_eq!(partly["details"]["changed"], json!(["GAIA-1"]), "{partly}");
    assert_eq!(
        (&partly["details"]["counts"]["done"], &partly["hint"]),
        (&json!(1), &json!("jira get GAIA-1"))
    );
    let nothing = full(&["run", "--ref=GAIA-1", "--comment=built", "--dry-run"]).await.error();
    assert!(nothing["message"].as_str().unwrap().starts_with("the run changed nothing; but"), "{nothing}");
}

#[tokio::test]
async fn a_run_that_is_cut_short_and_cannot_report_names_what_it_may_have_changed() {
    let world = World::new().await;
    world.logged_in().await;
    let run = world.command(&["run", "--ref=GAIA-1 GAIA-9999", "--comment=built"]).stdout(Sink::Full);
    let comment = (Method::POST, "/rest/api/2/issue/GAIA-1/comment");
    let ran = struck_command(&world, run, comment, Signal::Terminate).await.failed(143, "partial");
    let error = ran.error();
    assert_eq!(
        (&error["details"]["changed"], &error["hint"]),
        (&json!(["GAIA-1"]), &json!("jira get GAIA-1"))
    );
    assert_eq!(error["details"]["counts"]["unknown"], 1, "{ran}");
    let words = "cut short when it may have changed something; its report could not be written";
    assert!(error["message"].as_str().unwrap().contains(words), "{ran}");
}

#[tokio::test]
async fn a_result_that_is_whole_at_the_end_is_not_said_to_be_lost() {
    let world = World::new().await;
    world.logged_in().await;
    for signal in [Signal::Interrupt, Signal::Terminate, Signal::HangUp] {
        let update = world.command(&["update", "GAIA-10", "--summary=y"]).struck(signal);
        let ran = update.run().await;
        // Whichever is seen first.
        assert!(ran.code == 0 || ran.code == signal.exit_code(), "{ran}");
        let result: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&result["status"], ran.stderr.as_str()), (&json!("updated"), ""), "{ran}");
    }
}
