//! M: what is said on stderr beside the result, and in which colours.

use jira_oauth::process::Signal;
use jira_oauth::sandbox::{Action, Fault, Gate};
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::{Command, Ran, World, wait};

/// A command with a warning.
fn warned(world: &World, args: &[&str]) -> Command {
    world.with_token(&[&["run", "--ref", "mend the build"], args].concat())
}

const WARNING: &str = "there is no issue key in the text";

/// Ends a command by a signal while its new session waits for Jira's answer.
async fn interrupted(args: &[&str], says_so: bool) -> Ran {
    let world = World::new().await;
    world.logged_in().await;
    world.advance(Duration::from_secs(3600));
    let gate = Gate::new();
    let token = "/rest/oauth2/latest/token";
    world.jira.faults().add(Fault::on(token, Action::ProcessThenHold(gate.clone())));
    let whoami = [&["whoami", "--site", "sandbox"], args].concat();
    let (live, ran) = world.command(&whoami).env("JIRA_TOKEN", "canary").start();
    let (ran, ()) = tokio::join!(ran, async {
        gate.arrived(1).await;
        live.signal(Signal::Interrupt);
        match says_so {
            true => wait(live.stderr.until(|text| text.contains("\"saving\"").then_some(()))).await,
            false => tokio::task::yield_now().await,
        }
        gate.release();
    });
    ran
}

/// Item 244.
#[tokio::test]
async fn quiet_drops_infos_and_keeps_warnings() {
    let loud = interrupted(&[], true).await;
    assert_eq!(loud.warnings(), ["credential_passed_over"]);
    assert!(loud.stderr.contains("{\"info\":{\"code\":\"saving\""), "{loud}");
    for flag in ["--quiet", "-q"] {
        let quiet = interrupted(&[flag], false).await;
        assert_eq!(quiet.warnings(), ["credential_passed_over"]);
        assert!(!quiet.stderr.contains("info"), "{quiet}");
    }
}

/// Items 245, 247, 248, changed: a line is one JSON object, whose members may nest and hold any text, so that a
/// program need not take `key=value` apart.
#[tokio::test]
async fn a_line_is_one_json_object_without_colour() {
    let world = World::new().await;
    let said = warned(&world, &[]).run().await.ok();
    let line = json!({ "warning": { "code": "no_key", "message": WARNING } });
    assert_eq!(said.stderr, format!("{line}\n"));

    let more = world.with_token(&["boards", "--limit", "1"]).run().await.ok();
    let warning: Value = serde_json::from_str(more.stderr.trim_end()).unwrap();
    assert_eq!((&warning["warning"]["returned"], &warning["warning"]["total"]), (&json!(1), &json!(3)));

    let text = "two\nlines = \"quoted\"\t";
    let body = json!({ "errorMessages": [text], "errors": { "a": "b" } }).to_string();
    let headers = [("content-type", "application/json"), ("x-ausername", "developer")];
    let answer = Action::Respond {
        status: http::StatusCode::BAD_REQUEST,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: body.into(),
    };
    world.jira.faults().add(Fault::on("/rest/api/2/issue/GAIA-1", answer));
    let refused = world.with_token(&["get", "GAIA-1"]).run().await.failed(1, "bad_request");
    assert_eq!(refused.stderr.lines().count(), 1, "{refused}");
    assert!(refused.error()["message"].as_str().unwrap().contains(text), "{refused}");
    assert_eq!(refused.error()["details"], json!({ "errorMessages": [text], "errors": { "a": "b" } }));

    let read = warned(&world, &["--output", "text"]).run().await.ok();
    assert_eq!(read.stderr, format!("warning: {WARNING}\n"));
}

/// Item 246.
#[tokio::test]
async fn on_a_terminal_only_the_first_word_is_coloured() {
    let world = World::new().await;
    let said = warned(&world, &[]).person().run().await.ok();
    assert_eq!(said.stderr, format!("\u{1b}[1;33mwarning:\u{1b}[0m {WARNING}\n"));
    let failed = world.command(&["whoami", "--site", "nowhere", "--output", "text"]).person().run().await;
    let lines: Vec<&str> = failed.stderr.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("\u{1b}["), "{failed}");
    for line in lines {
        let (label, rest) = line.split_once(": ").or(line.split_once(":\u{1b}[0m ")).unwrap();
        assert!(label.starts_with('\u{1b}') && !rest.contains('\u{1b}'), "{line:?}");
    }
}

/// Item 249, changed: an empty `NO_COLOR` is an unset one, as it is with every variable.
#[tokio::test]
async fn colour_can_be_declined_by_a_flag_and_by_a_variable() {
    let world = World::new().await;
    let coloured = |ran: Ran| ran.ok().stderr.contains('\u{1b}');
    assert!(coloured(warned(&world, &[]).person().run().await));
    assert!(!coloured(warned(&world, &["--no-color"]).person().run().await));
    for any in ["1", "0", "false"] {
        assert!(!coloured(warned(&world, &[]).person().env("NO_COLOR", any).run().await), "{any}");
    }
    assert!(coloured(warned(&world, &[]).person().env("NO_COLOR", "").run().await));
}
