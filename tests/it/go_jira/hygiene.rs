//! B: what an argument may hold.

use serde_json::json;

use crate::support::World;

/// The message for a character.
fn message(code: u32) -> String {
    format!("an argument contains a disallowed control character (0x{code:02x})")
}

/// Item 23.
#[tokio::test]
async fn plain_arguments_pass() {
    let world = World::new().await;
    let ran = world.with_token(&["get", "--key", "GAIA-1", "--fields=summary"]).run().await.ok();
    assert_eq!(ran.json()["key"], "GAIA-1");
    let words = world.with_token(&["run", "--dry-run", "--ref", "GAIA-1: Größe 日本 🚀 \u{a0}"]).run().await;
    assert_eq!(words.ok().json()["issues"][0]["key"], "GAIA-1");
}

/// Item 24.
#[tokio::test]
async fn no_arguments_pass() {
    let ran = World::new().await.run(&[]).await.ok();
    assert!(ran.stdout.contains("Usage: jira"), "{ran}");
}

/// Items 25 to 27.
#[tokio::test]
async fn tab_line_feed_and_carriage_return_are_allowed_inside_an_argument() {
    let world = World::new().await;
    for space in ["\t", "\n", "\r", "\r\n"] {
        let jql = format!("key{space}={space}GAIA-1");
        let ran = world.with_token(&["search", "--jql", &jql]).run().await.ok();
        assert_eq!(ran.json()[0]["key"], "GAIA-1", "{jql:?}");
        let sent = world.jira.log().pop().unwrap();
        let body: serde_json::Value = serde_json::from_str(&sent.body).unwrap();
        assert_eq!(body["jql"], jql, "as it was typed");
    }
}

/// Items 28 to 31, 33.
#[tokio::test]
async fn control_characters_are_refused_and_named() {
    let world = World::new().await;
    world.logged_in().await;
    for character in ['\u{1b}', '\u{b}', '\u{7}', '\u{8}', '\u{0}', '\u{1f}'] {
        let flag = format!("--jql=key = GAIA-1{character}");
        let (value, word) = (format!("key = {character}"), format!("{character}[2J"));
        for args in [&["search", &flag][..], &["search", "--jql", &value], &["search", &word], &[&word]] {
            let ran = world.run(args).await.failed(2, "control_character");
            assert_eq!(ran.error()["kind"], "usage");
            assert_eq!(ran.error()["message"], message(character.into()), "{args:?}");
            assert!(!ran.stderr.contains(character), "{args:?}");
        }
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 32.
#[tokio::test]
async fn the_check_comes_before_a_command_is_looked_for() {
    let world = World::new().await;
    for args in [
        &["completion", "ba\u{7}sh"][..],
        &["completion", "bash", "\u{7}"],
        &["no-such-command", "\u{7}"],
        &["--no-such-flag", "\u{7}"],
        &["--help", "\u{7}"],
        &["--version", "\u{7}"],
    ] {
        let ran = world.run(args).await.failed(2, "control_character");
        assert_eq!((ran.stdout.as_str(), &ran.error()["message"]), ("", &json!(message(7))), "{args:?}");
    }
}

/// Item 34, changed: terminals obey C1 characters as they obey ESC, and DEL hides what stands before it.
#[tokio::test]
async fn delete_and_c1_characters_are_refused_too() {
    let world = World::new().await;
    for character in ['\u{7f}', '\u{80}', '\u{85}', '\u{9b}', '\u{9f}'] {
        let ran = world.with_token(&["search", "--jql", &format!("text ~ a{character}")]).run().await;
        assert_eq!(ran.failed(2, "control_character").error()["message"], message(character.into()));
    }
    let next = world.with_token(&["run", "--dry-run", "--ref", "GAIA-1 \u{a0}"]).run().await;
    next.ok();
    assert!(world.requests().iter().all(|request| request.contains("search")), "{:?}", world.requests());
}
