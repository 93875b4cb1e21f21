//! I: the issue keys in a text, as `run` finds them.

use serde_json::Value;

use crate::support::World;

/// What `run` says of a text. Whether the issues are there is another question.
async fn report(world: &World, args: &[&str]) -> Value {
    world.with_token(&[&["run"], args].concat()).run().await.json()
}

/// The keys that were found, in their order.
async fn keys(world: &World, args: &[&str]) -> Vec<String> {
    let report = report(world, args).await;
    let issues = report["issues"].as_array().unwrap();
    issues.iter().map(|issue| issue["requested_key"].as_str().unwrap().to_owned()).collect()
}

async fn check(rows: &[(&str, &[&str])]) {
    let world = World::new().await;
    for (text, expected) in rows {
        assert_eq!(keys(&world, &["--ref", text]).await, *expected, "{text}");
    }
}

/// Items 186, 187, 189, 191.
#[tokio::test]
async fn each_key_is_found_once_in_the_order_of_the_text() {
    check(&[
        ("ABC-1234 and DEF-5678", &["ABC-1234", "DEF-5678"]),
        ("DEF-5678 ABC-1234 DEF-5678 ABC-1234", &["DEF-5678", "ABC-1234"]),
        ("ABCDEFGHIJ-123", &["ABCDEFGHIJ-123"]),
        ("ABC-999999", &["ABC-999999"]),
    ])
    .await;
}

/// Items 190, 192, 197. A text without anything in it is refused before (item 73).
#[tokio::test]
async fn a_leading_zero_small_letters_and_a_number_before_the_hyphen_make_no_key() {
    check(&[("ABC-0123", &[]), ("abc-123", &[]), ("123-ABC", &[]), (".", &[])]).await;
}

/// Items 193, 194.
#[tokio::test]
async fn keys_stand_among_punctuation_and_on_every_line() {
    check(&[
        ("fix(GAIA-1): [GAIA-2], \"GAIA-3\"; GAIA-4.", &["GAIA-1", "GAIA-2", "GAIA-3", "GAIA-4"]),
        ("Mend the build\n\nGAIA-1 was not\r\nenough.\n\nRefs: GAIA-2\n", &["GAIA-1", "GAIA-2"]),
    ])
    .await;
}

/// Item 185, changed: digits, underscores and long keys are allowed in Jira, and `UTF-8` is no issue.
#[tokio::test]
async fn a_key_is_what_jira_takes_for_one_and_look_alikes_are_named() {
    check(&[
        ("B2-2 X_Y-3 LONGPROJECTKEY-1", &["B2-2", "X_Y-3", "LONGPROJECTKEY-1"]),
        ("thisGAIA-1 GAIA-1x 2024-GAIA-1", &[]),
        ("GAIA-0", &[]),
    ])
    .await;
    let world = World::new().await;
    let report = report(&world, &["--ref", "UTF-8 in REL-2024-01"]).await;
    assert_eq!(report["issues"], Value::Array(vec![]));
    let ignored = serde_json::json!([
        {"key": "UTF-8", "reason": "look_alike"},
        {"key": "REL-2024-01", "reason": "number_continues"},
    ]);
    assert_eq!(report["ignored"], ignored);
}

/// Item 188, changed: a project has two letters or more, and `A-1` is mostly something else.
#[tokio::test]
async fn keys_of_one_letter_are_found_where_a_pattern_asks_for_them() {
    let world = World::new().await;
    assert!(keys(&world, &["--ref", "A-1 B-2"]).await.is_empty());
    let own = ["--ref", "A-1 B-2", "--issue-format", "[A-Z]-[1-9][0-9]*"];
    assert_eq!(keys(&world, &own).await, ["A-1", "B-2"]);
}

/// Item 195.
#[tokio::test]
async fn the_whole_match_of_a_pattern_of_ones_own_is_the_key() {
    let world = World::new().await;
    let text = "WEB-9, OPS-3, GAIA-12 and gaia-13";
    for (pattern, expected) in [
        ("WEB-[0-9]+|GAIA-[0-9]+", &["WEB-9", "GAIA-12"][..]),
        ("(WEB|OPS)-([0-9])", &["WEB-9", "OPS-3"]),
        ("gaia-[0-9]+", &["GAIA-13"]),
    ] {
        assert_eq!(keys(&world, &["--ref", text, "--issue-format", pattern]).await, expected, "{pattern}");
        let set = world.with_token(&["run", "--ref", text]).env("ISSUE_FORMAT", pattern).run().await;
        assert_eq!(set.json()["issues"].as_array().unwrap().len(), expected.len(), "{pattern}");
    }
}

/// Item 198.
/// Item 196, changed: the command line is wrong, so it is exit 2.
#[tokio::test]
async fn a_pattern_without_sense_or_with_look_around_is_named_and_nothing_is_sent() {
    let world = World::new().await;
    for pattern in ["(GAIA-", "[", "(?<!x)GAIA-1", "(?=GAIA)", r"(A)\1-1"] {
        let args = ["run", "--ref", "GAIA-1", "--issue-format", pattern];
        let refused = world.with_token(&args).run().await.failed(2, "bad_value");
        let message = refused.error()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(&format!("\"{pattern}\" is no pattern")), "{message}");
    }
    assert_eq!(world.requests(), [""; 0]);
}
