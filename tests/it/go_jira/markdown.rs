//! O: Markdown that becomes wiki markup.

use crate::support::World;

/// Sends each text as Markdown, and looks at what Jira is given.
async fn check(rows: &[(&str, &str)]) {
    let world = World::new().await;
    for (markdown, wiki) in rows {
        let comment = world.with_token(&["run", "--ref", "GAIA-12", "--markdown", "--comment", markdown]);
        comment.run().await.ok();
        let sent: serde_json::Value = serde_json::from_str(&world.jira.log().last().unwrap().body).unwrap();
        assert_eq!(sent["body"], *wiki, "{markdown}");
    }
}

/// Item 253.
#[tokio::test]
async fn paragraphs_stay_and_headings_get_their_level() {
    check(&[
        ("Just a paragraph\nof two lines.", "Just a paragraph\nof two lines."),
        ("# H", "h1. H"),
        ("### H", "h3. H"),
    ])
    .await;
}

/// Items 254, 255.
#[tokio::test]
async fn phrases_links_and_images_are_written_jiras_way() {
    check(&[
        ("**b**", "*b*"),
        ("*i*", "_i_"),
        ("~~s~~", "-s-"),
        ("`c`", "{{c}}"),
        ("[t](u)", "[t|u]"),
        ("![a](u)", "!u!"),
    ])
    .await;
}

/// Item 256.
/// Item 257, changed: what nobody called Java is not coloured as Java.
#[tokio::test]
async fn a_fenced_block_becomes_a_code_block_in_its_own_language() {
    check(&[
        ("```go\nfunc main() {}\n```", "{code:language=go}\nfunc main() {}\n{code}"),
        ("```\nplain\n```", "{code}\nplain\n{code}"),
    ])
    .await;
}

/// Items 258, 259.
#[tokio::test]
async fn lists_nest_and_what_is_in_them_is_converted() {
    check(&[
        ("- a\n- b", "* a\n* b"),
        ("* a\n* b", "* a\n* b"),
        ("- a\n  - b", "* a\n** b"),
        ("1. a\n2. b", "# a\n# b"),
        ("- a\n  1. b", "* a\n*# b"),
        ("- [t](u)\n- `c`\n- **b**\n- *i*", "* [t|u]\n* {{c}}\n* *b*\n* _i_"),
    ])
    .await;
}

/// Item 260.
#[tokio::test]
async fn colour_that_is_wiki_markup_already_survives() {
    check(&[
        ("{color:red}careful{color}", "{color:red}careful{color}"),
        ("a {color:#ff0000}**b**{color} c", "a {color:#ff0000}*b*{color} c"),
    ])
    .await;
}

/// Items 261, 262, 263, 264.
#[tokio::test]
async fn a_mention_names_a_user_and_an_address_does_not() {
    check(&[
        ("@user", "[~user]"),
        ("@a-b @c_d @e2f", "[~a-b] [~c_d] [~e2f]"),
        ("thanks @user, @other. @third!", "thanks [~user], [~other]. [~third]!"),
        ("@user@name", "[~user]@name"),
        ("@a!@b", "[~a]![~b]"),
        ("me@example.com", "me@example.com"),
        ("(@user)", "([~user])"),
    ])
    .await;
}
