//! J: `-` in the place of a text.

use serde_json::{Value, json};

use crate::support::World;

/// The body of the last request.
fn sent(world: &World) -> Value {
    serde_json::from_str(&world.jira.log().last().unwrap().body).unwrap()
}

/// Item 199.
#[tokio::test]
async fn what_is_not_a_single_dash_is_taken_as_it_is() {
    let world = World::new().await;
    for text in ["--", " - ", "-x", "- a list\n- of two\n", "-\n"] {
        let update = world.with_token(&["update", "GAIA-12", "--description", text]).stdin("not this");
        update.run().await.ok();
        assert_eq!(sent(&world)["fields"], json!({ "description": text }));
    }
}

/// Item 200.
#[tokio::test]
async fn a_dash_reads_stdin_without_its_last_line_ends() {
    let world = World::new().await;
    for (stdin, text) in [
        ("one line", "one line"),
        ("one line\n", "one line"),
        ("\n two \n\nlines \n\n\r\n\n", "\n two \n\nlines "),
    ] {
        let update = world.with_token(&["update", "GAIA-12", "--description", "-"]).stdin(stdin);
        update.run().await.ok();
        assert_eq!(sent(&world)["fields"], json!({ "description": text }), "{stdin:?}");
    }
}

/// Item 202.
#[tokio::test]
async fn text_flags_and_their_variables_read_stdin() {
    let world = World::new().await;
    let run = world.with_token(&["run", "--ref", "-"]).stdin("GAIA-12\n").run().await.ok();
    assert_eq!(run.json()["issues"][0]["key"], "GAIA-12");
    let run = world.with_token(&["run"]).env("REF", "-").stdin("see GAIA-10\n").run().await.ok();
    assert_eq!(run.json()["issues"][0]["key"], "GAIA-10");

    let comment = world.with_token(&["run", "--ref=GAIA-12", "--comment", "-"]).stdin("by flag\n");
    comment.run().await.ok();
    assert_eq!(sent(&world), json!({ "body": "by flag" }));
    let comment =
        world.with_token(&["run", "--ref=GAIA-12"]).env("INPUT_COMMENT", "-").stdin("by variable\n");
    comment.run().await.ok();
    assert_eq!(sent(&world), json!({ "body": "by variable" }));

    for search in
        [world.with_token(&["search", "--jql", "-"]), world.with_token(&["search"]).env("INPUT_JQL", "-")]
    {
        let found = search.stdin("key = GAIA-12\n\n").run().await.ok().json();
        assert_eq!(found[0]["key"], "GAIA-12");
    }

    let words = ["create", "--project=GAIA", "--summary=x"];
    for create in [
        world.with_token(&[&words[..], &["--description", "-"]].concat()),
        world.with_token(&words).env("INPUT_DESCRIPTION", "-"),
    ] {
        create.stdin("why\n").run().await.ok();
        assert_eq!(sent(&world)["fields"]["description"], "why");
    }
}

/// Item 201, changed: nothing on stdin is what a command before the pipe leaves that failed, so what would be
/// emptied by it stays as it is.
#[tokio::test]
async fn an_empty_stdin_is_refused_and_empties_nothing() {
    let world = World::new().await;
    for stdin in ["", "\n"] {
        world.with_token(&["run", "--ref", "-"]).stdin(stdin).run().await.failed(2, "bad_value");
        world.with_token(&["run", "--ref", stdin]).run().await.failed(2, "bad_value");
        world.with_token(&["search", "--jql", "-"]).stdin(stdin).run().await.failed(2, "bad_value");
        let update = world.with_token(&["update", "GAIA-12", "--description", "-"]).stdin(stdin);
        update.run().await.failed(2, "bad_value");
        let run = world.with_token(&["run", "--ref=GAIA-12", "--comment", "-"]).stdin(stdin);
        run.run().await.failed(2, "bad_value");
        let create = ["create", "--project", "GAIA", "--summary", "s", "--description", "-"];
        world.with_token(&create).stdin(stdin).run().await.failed(2, "bad_value");
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 203, changed: the second one would silently be an empty text, so both are refused.
#[tokio::test]
async fn stdin_is_read_for_one_flag_only() {
    let world = World::new().await;
    let both = world.with_token(&["run", "--ref", "-", "--comment", "-"]).stdin("GAIA-12\n");
    let refused = both.run().await.failed(2, "bad_value");
    let message = refused.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("--ref") && message.contains("--comment"), "{message}");
    let through_a_variable = world.with_token(&["run", "--ref", "-"]).env("COMMENT", "-").stdin("GAIA-12\n");
    through_a_variable.run().await.failed(2, "bad_value");
    assert_eq!(world.requests(), [""; 0]);
}
