//! C, the inputs of `run`: variables with `INPUT_` in front, bare names, flags.

use serde_json::{Value, json};

use super::configuration::{row, shown, with};
use crate::support::World;

/// What a `run` did with its one issue, as Jira saw it.
#[derive(Debug, PartialEq)]
struct Did {
    key: String,
    transition: Value,
    assignee: Value,
    comment: Value,
}

async fn did(world: &World, args: &[&str], env: &[(&str, &str)]) -> Did {
    world.jira.clear_log();
    let report = with(world.with_token(&[&["run"], args].concat()), env).run().await.ok().json();
    assert_eq!(report["issues"].as_array().unwrap().len(), 1, "{report}");
    let issue = &report["issues"][0];
    let log = world.jira.log();
    let comment = log.iter().find(|sent| sent.method == "POST" && sent.path.ends_with("/comment"));
    let comment = comment.map(|sent| serde_json::from_str::<Value>(&sent.body).unwrap()["body"].clone());
    Did {
        key: issue["key"].as_str().unwrap().to_owned(),
        transition: issue["transition"]["name"].clone(),
        assignee: issue["assignee"]["name"].clone(),
        comment: comment.unwrap_or_default(),
    }
}

impl Did {
    fn new(key: &str, transition: &str, assignee: &str, comment: &str) -> Did {
        let (transition, assignee, comment) = (json!(transition), json!(assignee), json!(comment));
        Did { key: key.to_owned(), transition, assignee, comment }
    }
}

/// Item 35.
#[tokio::test]
async fn all_thirteen_inputs_are_read() {
    let world = World::new().await;
    let open = ["search", "project = OPS AND status = Open", "--limit", "1", "--quiet"];
    let open = world.with_token(&open).run().await.ok().json()[0]["key"].as_str().unwrap().to_owned();
    let run = world.command(&["run"]).env("INPUT_BASE_URL", world.jira.base_url());
    let run = run.env("INPUT_TOKEN", world.jira.mint_pat("developer"));
    let run = run.env("INPUT_REF", format!("GAIA-1, {open}")).env("INPUT_ISSUE_FORMAT", "OPS-[0-9]+");
    let run = run.env("INPUT_TRANSITION", "Resolve Issue").env("INPUT_RESOLUTION", "Won't Fix");
    let run =
        run.env("INPUT_COMMENT", "**bold**").env("INPUT_MARKDOWN", "true").env("INPUT_ASSIGNEE", "lead");
    let report = run.run().await.ok().json();
    let keys: Vec<&Value> =
        report["issues"].as_array().unwrap().iter().map(|issue| &issue["requested_key"]).collect();
    assert_eq!(keys, [open.as_str()], "the format has left GAIA-1 out");
    let comments = ["get", &open, "--fields", "status,resolution,assignee,comment", "--comments", "1"];
    let issue = world.with_token(&comments).run().await.ok().json();
    let fields = &issue["fields"];
    assert_eq!(fields["status"]["name"], "Resolved", "{issue}");
    assert_eq!(fields["resolution"]["name"], "Won't Fix");
    assert_eq!(fields["assignee"]["name"], "lead");
    assert!(issue.to_string().contains("\"body\":\"*bold*\""), "{issue}");

    let whoami = world.command(&["whoami"]).env("INPUT_BASE_URL", world.jira.base_url());
    let whoami = whoami.env("INPUT_USERNAME", "reviewer").env("INPUT_PASSWORD", "reviewer").run().await;
    let session = whoami.ok().json();
    assert_eq!((&session["user"]["name"], &session["auth_mode"]), (&json!("reviewer"), &json!("basic")));
    let shown = shown(&world, &[], &[("INPUT_INSECURE", "true"), ("INPUT_DEBUG", "1")]).await;
    assert_eq!(row(&shown, "insecure"), (json!(true), "env INPUT_INSECURE".to_owned()));
    assert_eq!(row(&shown, "verbose"), (json!(1), "env INPUT_DEBUG".to_owned()));
}

/// Item 37.
#[tokio::test]
async fn false_and_zero_are_no() {
    let world = World::new().await;
    let env = [("INPUT_REF", "GAIA-3"), ("INPUT_COMMENT", "**bold**"), ("INPUT_MARKDOWN", "false")];
    assert_eq!(did(&world, &[], &env).await.comment, "**bold**");
    let shown = shown(&world, &[], &[("INPUT_DEBUG", "0")]).await;
    assert_eq!(row(&shown, "verbose").0, 0);
}

/// Item 38, changed: `USERNAME` is set by many a system, and `TOKEN` by many a pipeline, for something else.
#[tokio::test]
async fn bare_names_are_read_for_what_run_does_and_not_for_who_does_it() {
    let world = World::new().await;
    let bare = [
        ("REF", "GAIA-3"),
        ("ISSUE_FORMAT", "GAIA-[0-9]"),
        ("TRANSITION", "Start Progress"),
        ("COMMENT", "# Title"),
        ("ASSIGNEE", "lead"),
        ("MARKDOWN", "1"),
    ];
    assert_eq!(did(&world, &[], &bare).await, Did::new("GAIA-3", "Start Progress", "lead", "h1. Title"));
    let bare = [
        ("BASE_URL", "https://jira.example.com"),
        ("TOKEN", "canary"),
        ("USERNAME", "ann"),
        ("PASSWORD", "canary"),
        ("INSECURE", "true"),
        ("DEBUG", "true"),
    ];
    assert_eq!(shown(&world, &[], &bare).await, shown(&world, &[], &[]).await);
}

/// Items 39, 41.
#[tokio::test]
async fn an_input_goes_before_the_bare_name_unless_it_is_empty() {
    let world = World::new().await;
    let bare = [
        ("REF", "GAIA-3 WEB-1"),
        ("ISSUE_FORMAT", "GAIA-[0-9]"),
        ("TRANSITION", "Start Progress"),
        ("COMMENT", "# Bare"),
        ("ASSIGNEE", "lead"),
        ("MARKDOWN", "1"),
    ];
    let input = [
        ("INPUT_REF", "GAIA-6 GAIA-10"),
        ("INPUT_ISSUE_FORMAT", "GAIA-[0-9]\\b"),
        ("INPUT_TRANSITION", "In Progress"),
        ("INPUT_COMMENT", "# Input"),
        ("INPUT_ASSIGNEE", "reviewer"),
        ("INPUT_MARKDOWN", "0"),
    ];
    let both = [bare, input].concat();
    assert_eq!(did(&world, &[], &both).await, Did::new("GAIA-6", "Start Progress", "reviewer", "# Input"));
    let emptied: Vec<_> = bare.into_iter().chain(input.map(|(name, _)| (name, ""))).collect();
    assert_eq!(did(&world, &[], &emptied).await, Did::new("GAIA-3", "Start Progress", "lead", "h1. Bare"));
}

/// Item 40.
#[tokio::test]
async fn the_variable_of_a_flag_is_its_name_in_capitals() {
    let world = World::new().await;
    let schema = world.run(&["schema", "run"]).await.ok().json();
    for flag in schema["flags"].as_array().unwrap() {
        let capitals = flag["name"].as_str().unwrap().to_uppercase().replace('-', "_");
        let variables = flag["variables"].as_array().unwrap();
        assert!(variables.contains(&json!(format!("INPUT_{capitals}"))), "{flag}");
    }
    let mixed = [("INPUT_REF", "GAIA-3"), ("INPUT_COMMENT", "x"), ("INPUT_COMMENT_ONCE", "1")];
    assert_eq!(did(&world, &[], &mixed).await.comment, "x");
    assert_eq!(did(&world, &[], &mixed).await.comment, json!(null), "it is there once");
    for name in ["input_ref", "Input_Ref", "ref", "INPUT_Ref"] {
        let ran = world.with_token(&["run"]).env(name, "GAIA-3").run().await.failed(2, "bad_flag");
        assert_eq!(ran.error()["message"], "required flag --ref is not set", "{name}");
    }
}

/// Items 44, 45.
#[tokio::test]
async fn what_was_typed_goes_before_variables_and_a_default_behind_them() {
    let world = World::new().await;
    let (one, two) = ("https://one.example.com", "https://two.example.com");
    let env = [("INPUT_BASE_URL", one), ("JIRA_BASE_URL", one), ("INPUT_INSECURE", "true")];
    let typed = shown(&world, &["--base-url", two, "--insecure=false"], &env).await;
    assert_eq!(row(&typed, "base_url"), (json!(two), "flag --base-url".to_owned()));
    assert_eq!(row(&typed, "insecure"), (json!(false), "flag --insecure".to_owned()));
    let env = [
        ("INPUT_REF", "GAIA-6"),
        ("INPUT_ISSUE_FORMAT", "GAIA-6"),
        ("INPUT_TRANSITION", "Nowhere"),
        ("INPUT_COMMENT", "input"),
        ("INPUT_ASSIGNEE", "reviewer"),
        ("INPUT_MARKDOWN", "true"),
    ];
    let words = ["--ref=GAIA-3", "--issue-format=GAIA-3", "--to-transition=Start Progress", "--comment=# x"];
    let words = [&words[..], &["--assignee=lead", "--markdown=false"]].concat();
    assert_eq!(did(&world, &words, &env).await, Did::new("GAIA-3", "Start Progress", "lead", "# x"));

    let search = || world.with_token(&["search", "--jql", "ORDER BY key"]);
    let count = |issues: Value| issues.as_array().unwrap().len();
    assert_eq!(count(search().run().await.ok().json()), 20, "the default");
    assert_eq!(count(search().env("INPUT_LIMIT", "2").run().await.ok().json()), 2);
    let link = world.with_token(&["link", "--from", "GAIA-1", "--to", "GAIA-3"]);
    link.env("INPUT_LINK_TYPE", "Blocks").run().await.ok();
    assert!(
        world.jira.log().last().unwrap().body.contains("Blocks"),
        "and not the default, which is Relates"
    );
}
