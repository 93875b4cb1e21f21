//! A: commands and flags, help, `version`, `schema`, `completion`.

use serde_json::{Value, json};

use crate::support::World;

/// Every command of go-jira's.
const COMMANDS: &[&str] = &[
    "run",
    "search",
    "get",
    "create",
    "update",
    "delete",
    "link",
    "boards",
    "sprints",
    "epics",
    "login",
    "logout",
    "whoami",
    "token print",
    "token status",
    "token refresh",
    "broker serve",
    "config show",
    "schema",
    "version",
    "completion",
];

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The members with this name, wherever they stand.
fn members<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get(name));
            object.values().for_each(|inner| members(inner, name, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| members(inner, name, found)),
        _ => {}
    }
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list.as_array().unwrap().iter().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list}"))
}

/// Item 1.
#[tokio::test]
async fn without_arguments_help_on_stdout_lists_every_command() {
    let world = World::new().await;
    let help = world.run(&[]).await.ok();
    assert_eq!(help.stderr, "");
    let first_words: Vec<&str> =
        help.stdout.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let schema = world.run(&["schema"]).await.ok().json();
    let commands = schema["commands"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap());
    let all: Vec<&str> =
        commands.chain(COMMANDS.iter().map(|path| path.split(' ').next().unwrap())).collect();
    for command in all {
        assert!(first_words.contains(&command), "{command} is not in {help}");
    }
}

/// Item 2.
#[tokio::test]
async fn every_command_of_go_jiras_is_there() {
    let world = World::new().await;
    for command in COMMANDS {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = world.run(&words).await.ok();
        assert!(help.stdout.contains(&format!("Usage: jira {command}")), "{help}");
        let words: Vec<&str> = ["help"].into_iter().chain(command.split(' ')).collect();
        assert_eq!(world.run(&words).await.ok().stdout, help.stdout, "{command}");
    }
}

/// Item 3.
#[tokio::test]
async fn the_version_flag_prints_the_version_and_a_newline() {
    let world = World::new().await;
    for flag in ["--version", "-V", "-v"] {
        let ran = world.run(&[flag]).await.ok();
        assert_eq!((ran.stdout, ran.stderr), (format!("{VERSION}\n"), String::new()), "{flag}");
    }
}

/// Item 4.
#[tokio::test]
async fn version_as_text_has_name_compiler_and_platform() {
    let ran = World::new().await.run(&["version"]).await.ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], format!("jira version {VERSION}"));
    assert!(lines[1].strip_prefix("rust:     ").is_some_and(|version| !version.is_empty()), "{ran}");
    let platform = format!("platform: {}/{}", std::env::consts::OS, std::env::consts::ARCH);
    assert_eq!(lines[2..], [platform]);
}

/// Items 5, 11.
#[tokio::test]
async fn version_and_schema_say_the_same_version_as_json() {
    let world = World::new().await;
    let version = world.run(&["version", "--output", "json"]).await.ok().json();
    assert_eq!((&version["name"], &version["version"]), (&json!("jira"), &json!(VERSION)));
    assert!(version["platform"].as_str().unwrap().contains('/'), "{version}");
    assert!(!version["rust_version"].as_str().unwrap().is_empty(), "{version}");
    let flag = world.run(&["--version"]).await.ok().stdout;
    let schema = world.run(&["schema"]).await.ok().json();
    assert_eq!((&schema["name"], schema["version"].as_str()), (&json!("jira"), Some(flag.trim_end())));
}

/// Items 6, 7.
#[tokio::test]
async fn version_takes_its_format_from_the_flag_alone() {
    let world = World::new().await;
    let bogus = world.run(&["version", "--output", "bogus"]).await.failed(2, "bad_value");
    assert_eq!((bogus.stdout.as_str(), &bogus.error()["kind"]), ("", &json!("usage")));
    let plain = world.run(&["version"]).await.ok().stdout;
    for variable in ["OUTPUT", "INPUT_OUTPUT", "JIRA_OUTPUT"] {
        for format in ["json", "bogus"] {
            let ran = world.command(&["version"]).env(variable, format).run().await;
            if (variable, format) == ("JIRA_OUTPUT", "bogus") {
                // It is ours alone, so a slip in it is one.
                ran.failed(2, "bad_value");
            } else {
                assert_eq!(ran.ok().stdout, plain, "{variable}={format}");
            }
        }
    }
}

/// Items 8 to 10.
#[tokio::test]
async fn the_schema_knows_required_flags_and_subcommands() {
    let schema = World::new().await.run(&["schema", "--output", "json"]).await.ok().json();
    let commands = &schema["commands"];
    for command in COMMANDS {
        let mut words = command.split(' ');
        let top = named(commands, words.next().unwrap());
        let found = words.next().map_or(top, |word| named(&top["subcommands"], word));
        assert_eq!(found["path"], format!("jira {command}"));
    }
    assert_eq!(named(&named(commands, "search")["flags"], "jql")["required"], true);
    assert_eq!(named(&named(commands, "token")["subcommands"], "status")["name"], "status");
}

/// Item 12.
#[tokio::test]
async fn the_schema_leaves_out_what_says_nothing() {
    let schema = World::new().await.run(&["schema"]).await.ok().json();
    // The JSON Schemas of results have members of these names that mean something else.
    let mut flags = vec![];
    members(&schema, "flags", &mut flags);
    flags.push(&schema["global_flags"]);
    let flags: Vec<&Value> = flags.into_iter().filter_map(Value::as_array).flatten().collect();
    let with = |name: &str| flags.iter().filter_map(|flag| flag.get(name)).collect::<Vec<_>>();
    for (name, sayings) in [("default", with("default")), ("shorthand", with("shorthand"))] {
        assert!(!sayings.is_empty() && sayings.len() < flags.len(), "{name}");
        assert!(sayings.iter().all(|text| text.as_str().is_some_and(|text| !text.is_empty())), "{name}");
    }
    let required = with("required");
    assert!(!required.is_empty() && required.iter().all(|required| **required == json!(true)));
    assert!(schema.get("commit").is_none_or(|commit| commit.as_str().is_some_and(|hash| !hash.is_empty())));
}

/// Item 13, changed: a hint is a command that can be pasted, and nothing around it.
#[tokio::test]
async fn an_unknown_command_is_a_usage_error_with_the_one_that_was_meant() {
    let world = World::new().await;
    let ran = world.run(&["serch"]).await.failed(2, "bad_flag");
    assert_eq!((&ran.error()["kind"], &ran.error()["hint"]), (&json!("usage"), &json!("jira search")));
    assert_eq!(ran.stdout, "");
}

/// Item 14.
#[tokio::test]
async fn what_cannot_be_parsed_is_a_usage_error_and_sends_nothing() {
    let world = World::new().await;
    world.logged_in().await;
    for args in [
        &["search", "--jql", "project = GAIA", "--nope"][..],
        &["--nope"],
        &["get", "GAIA-1", "-z"],
        &["search", "--jql"],
        &["get", "--key"],
        &["search", "--jql", "project = GAIA", "--limit", "many"],
        &["sprints", "--board-id", "one"],
        &["epics", "--board-id", "1.5"],
        &["search", "--jql", "project = GAIA", "--all=maybe"],
        &["delete", "GAIA-1", "--confirm=perhaps"],
        &["get", "GAIA-1", "--timeout", "5"],
        &["whoami", "--timeout", "soon"],
    ] {
        let ran = world.run(args).await;
        assert_eq!((ran.code, &ran.error()["kind"]), (2, &json!("usage")), "{args:?}: {ran}");
        assert_eq!(ran.stdout, "", "{args:?}");
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 15, changed: the flags are named as they are typed.
/// Items 16, 17.
/// Item 18, changed: where boards is given no project, it lists all boards.
#[tokio::test]
async fn required_flags_that_are_missing_are_named_in_one_message() {
    let world = World::new().await;
    world.logged_in().await;
    for (args, message) in [
        (&["search"][..], "required flag --jql is not set"),
        (&["epics"], "required flag --board-id is not set"),
        (&["create"], "required flags --project, --summary are not set"),
        (&["create", "--project", "GAIA"], "required flag --summary is not set"),
        (&["create", "--summary", "x"], "required flag --project is not set"),
        (&["link"], "required flags --from, --to are not set"),
        (&["link", "--from", "GAIA-1"], "required flag --to is not set"),
        (&["link", "--to", "GAIA-1"], "required flag --from is not set"),
        (&["get"], "required flag --key is not set"),
        (&["update", "--summary", "x"], "required flag --key is not set"),
        (&["delete", "--confirm"], "required flag --key is not set"),
        (&["sprints"], "required flag --board-id is not set"),
    ] {
        let ran = world.run(args).await.failed(2, "bad_flag");
        assert_eq!(ran.error()["message"], message, "{args:?}");
    }
    assert_eq!(world.requests(), [""; 0]);
    let count = |boards: Value| boards["values"].as_array().unwrap().len();
    let all = count(world.run(&["boards"]).await.ok().json());
    let few = count(world.run(&["boards", "--project", "GAIA"]).await.ok().json());
    assert!(few > 0 && few < all, "{few} of {all}");
}

/// Item 19, changed: a script that forgot the subcommand has done nothing, so that must not be exit 0.
#[tokio::test]
async fn a_group_needs_one_of_its_subcommands() {
    let world = World::new().await;
    for args in [&["token"][..], &["token", "foo"], &["config"], &["config", "x"], &["help", "foo"]] {
        let ran = world.run(args).await.failed(2, "bad_flag");
        assert_eq!(ran.stdout, "", "{args:?}");
    }
    let group = world.run(&["token"]).await;
    assert_eq!(group.error()["hint"], "jira token --help");
    assert!(world.run(&["token", "--help"]).await.ok().stdout.contains("status"));
}

/// Item 20, changed: a word that nobody reads is a slip, such as a forgotten quote.
#[tokio::test]
async fn surplus_arguments_are_refused() {
    let world = World::new().await;
    world.logged_in().await;
    for args in [
        &["whoami", "me"][..],
        &["version", "1"],
        &["search", "project = GAIA", "ORDER BY key"],
        &["delete", "GAIA-1", "GAIA-2", "--confirm"],
        &["run", "--ref", "GAIA-1", "fixes", "--comment", "x"],
    ] {
        world.run(args).await.failed(2, "bad_flag");
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 21.
#[tokio::test]
async fn completion_scripts_for_four_shells_go_to_stdout() {
    let world = World::new().await;
    for (shell, registers) in [
        ("bash", "complete -F _jira_complete jira"),
        ("zsh", "#compdef jira"),
        ("fish", "complete -c jira"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ran = world.run(&["completion", shell]).await.ok();
        assert!(ran.stdout.contains(registers), "{ran}");
        assert_eq!(ran.stderr, "", "{shell}");
    }
}

/// Item 22.
#[tokio::test]
async fn the_help_documents_exit_codes_and_the_error_object() {
    let world = World::new().await;
    let help = world.run(&["--help"]).await.ok().stdout;
    let schema = world.run(&["schema"]).await.ok().json();
    let (_, section) = help.split_once("Exit codes:\n").unwrap_or_else(|| panic!("{help}"));
    let codes = schema["exit_codes"].as_array().unwrap().iter();
    let numbers: Vec<u64> =
        codes.map(|code| code["code"].as_u64().unwrap()).filter(|code| *code < 100).collect();
    assert_eq!(numbers, (0..8).collect::<Vec<u64>>(), "0 to 4 as they were, and three more");
    for (number, line) in numbers.iter().zip(section.lines()) {
        assert!(line.starts_with(&format!("  {number}  ")), "{line}");
    }
    assert!(section.contains(r#"{"error":{"kind","code","message","hint","exit_code""#), "{section}");
}
