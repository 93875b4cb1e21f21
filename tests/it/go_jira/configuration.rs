//! C: where values come from, and which of them wins, as `config show` says it.

use serde_json::{Value, json};

use crate::support::{Command, World};

/// `config show`, with more words and variables.
pub async fn shown(world: &World, args: &[&str], env: &[(&str, &str)]) -> Value {
    let command = world.command(&[&["config", "show"], args].concat());
    with(command, env).run().await.ok().json()
}

pub fn with(command: Command, env: &[(&str, &str)]) -> Command {
    env.iter().fold(command, |command, (name, value)| command.env(name, *value))
}

/// The value and the source of one row.
pub fn row(shown: &Value, name: &str) -> (Value, String) {
    (shown[name]["value"].clone(), shown[name]["source"].as_str().unwrap().to_owned())
}

/// Items 36, 50.
#[tokio::test]
async fn what_is_not_set_is_empty_or_off() {
    let world = World::new().await;
    let shown = shown(&world, &[], &[("JIRA_MASTER_PASSWORD", ""), ("INPUT_TOKEN", "")]).await;
    let empty = [
        "base_url",
        "username",
        "password",
        "token",
        "refresh_token",
        "broker_url",
        "broker_token",
        "client_id",
    ];
    for name in empty {
        assert_eq!(row(&shown, name), (json!(null), "default".to_owned()), "{name}");
    }
    assert_eq!(row(&shown, "insecure"), (json!(false), "default".to_owned()));
    assert_eq!(row(&shown, "verbose"), (json!(0), "default".to_owned()));
    let run = world.with_token(&["run", "--ref", "GAIA-3"]).run().await.ok();
    assert_eq!(run.warnings(), ["nothing_asked"]);
    let issue = &run.json()["issues"][0];
    assert_eq!(issue["key"], "GAIA-3", "by the usual pattern");
    for action in ["transition", "assignee", "comment"] {
        assert!(issue.get(action).is_none(), "{issue}");
    }
    let sent = world.requests();
    assert!(
        sent.iter().all(|request| request.contains("/search") || request.starts_with("GET ")),
        "{sent:?}"
    );
}

/// Item 42.
/// Item 43, changed: with the bare names gone, it is `INPUT_…` that goes before `JIRA_…`.
#[tokio::test]
async fn the_variables_with_jira_in_front_mean_the_same_and_yield_to_inputs() {
    let world = World::new().await;
    let (one, two) = ("https://one.example.com", "https://two.example.com");
    let jira = [
        ("JIRA_BASE_URL", one),
        ("JIRA_USERNAME", "ann"),
        ("JIRA_PASSWORD", "canary"),
        ("JIRA_TOKEN", "canary"),
        ("JIRA_INSECURE", "true"),
    ];
    let alone = shown(&world, &[], &jira).await;
    let input = [
        ("INPUT_BASE_URL", two),
        ("INPUT_USERNAME", "ben"),
        ("INPUT_PASSWORD", "other"),
        ("INPUT_TOKEN", "other"),
        ("INPUT_INSECURE", "false"),
    ];
    let both = shown(&world, &[], &[jira, input].concat()).await;
    for (name, first, second) in [
        ("base_url", json!(one), json!(two)),
        ("username", json!("ann"), json!("ben")),
        ("password", json!("(set)"), json!("(set)")),
        ("token", json!("(set)"), json!("(set)")),
        ("insecure", json!(true), json!(false)),
    ] {
        let capitals = name.to_uppercase();
        assert_eq!(row(&alone, name), (first, format!("env JIRA_{capitals}")));
        assert_eq!(row(&both, name), (second, format!("env INPUT_{capitals}")));
    }
}

/// Item 46, changed: a typing error is not a no.
#[tokio::test]
async fn a_switch_is_yes_or_no_and_nothing_else() {
    let world = World::new().await;
    for (word, means) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("yes", true),
        ("On", true),
        ("false", false),
        ("FALSE", false),
        ("0", false),
        ("no", false),
        ("off", false),
        ("", false),
    ] {
        let shown = shown(&world, &[], &[("JIRA_INSECURE", word)]).await;
        assert_eq!(row(&shown, "insecure").0, means, "{word:?}");
    }
    for word in ["2", "y", "enabled", "tru"] {
        let ran = world.command(&["config", "show"]).env("JIRA_INSECURE", word).run().await;
        let message = ran.failed(2, "bad_value").error()["message"].to_string();
        assert!(message.contains("JIRA_INSECURE"), "{message}");
    }
}

/// Item 47, changed: by the time of a warning every process of the machine could read the argument.
#[tokio::test]
async fn secrets_are_refused_as_arguments_and_taken_from_variables_without_a_word() {
    let world = World::new().await;
    for (flag, variable) in
        [("--password", "JIRA_PASSWORD"), ("--token", "JIRA_TOKEN"), ("--broker-token", "JIRA_BROKER_TOKEN")]
    {
        for args in [&["whoami", flag, "canary"][..], &["whoami", &format!("{flag}=canary")]] {
            let ran = world.run(args).await.failed(2, "secret_as_argument").hides(&["canary"]);
            let message = ran.error()["message"].as_str().unwrap().to_owned();
            assert!(message.contains(flag) && message.contains(variable), "{message}");
        }
    }
    let token = world.with_token(&["whoami"]).env("JIRA_BROKER_TOKEN", "canary").run().await.ok();
    assert_eq!(token.stderr, "");
    let basic = world.command(&["whoami"]).env("JIRA_BASE_URL", world.jira.base_url());
    let basic = basic.env("JIRA_USERNAME", "developer").env("JIRA_PASSWORD", "developer").run().await.ok();
    assert_eq!(basic.stderr, "");
}

/// Items 48, 61, changed: one rule for all values, and by it what was typed goes first.
/// Item 49.
#[tokio::test]
async fn a_broker_that_was_typed_goes_before_the_variable() {
    let world = World::new().await;
    let (typed, set) = ("https://typed.example.com", "https://set.example.com");
    let both = shown(&world, &["--broker-url", typed], &[("JIRA_TOKEN_BROKER_URL", set)]).await;
    assert_eq!(row(&both, "broker_url"), (json!(typed), "flag --broker-url".to_owned()));
    assert!(!both.to_string().contains(set), "what does not count is not shown");
    let alone = shown(&world, &["--broker-url", typed], &[]).await;
    assert_eq!(row(&alone, "broker_url"), (json!(typed), "flag --broker-url".to_owned()));
    assert_eq!(row(&alone, "broker_token"), (json!(null), "default".to_owned()));
}

/// Item 51, changed: the refresh token would cross the network in plain text.
#[tokio::test]
async fn a_broker_over_plain_http_must_be_on_this_machine_or_said_aloud() {
    let world = World::new().await;
    let command = |args: &[&str]| {
        let command = world.command(&[&["config", "show"], args].concat());
        command.env("JIRA_TOKEN_BROKER_URL", "http://broker.example.com")
    };
    let ran = command(&[]).run().await.failed(2, "bad_value");
    assert!(ran.error()["message"].as_str().unwrap().contains("JIRA_TOKEN_BROKER_URL"), "{ran}");
    let aloud = command(&["--insecure"]).run().await.ok().json();
    assert_eq!(row(&aloud, "broker_url").0, "http://broker.example.com");
    let here = shown(&world, &[], &[("JIRA_TOKEN_BROKER_URL", "http://127.0.0.1:8080")]).await;
    assert_eq!(row(&here, "broker_url").0, "http://127.0.0.1:8080");
}

/// Items 60, 62.
#[tokio::test]
async fn config_show_says_that_a_secret_is_set_and_not_what_it_is() {
    let world = World::new().await;
    let url = "https://broker.example.com";
    let secrets = [
        ("token", "JIRA_TOKEN"),
        ("password", "JIRA_PASSWORD"),
        ("refresh_token", "JIRA_OAUTH_REFRESH_TOKEN"),
        ("broker_token", "JIRA_BROKER_TOKEN"),
    ];
    let set = |args: &[&str]| {
        let command = world.command(args).env("JIRA_TOKEN_BROKER_URL", url);
        secrets.iter().fold(command, |command, (_, variable)| command.env(variable, "canary"))
    };
    let ran = set(&["config", "show"]).run().await.ok().hides(&["canary"]);
    assert_eq!(row(&ran.json(), "broker_url"), (json!(url), "env JIRA_TOKEN_BROKER_URL".to_owned()));
    for (name, variable) in secrets {
        assert_eq!(row(&ran.json(), name), (json!("(set)"), format!("env {variable}")));
    }
    let text = set(&["config", "show", "--output", "text"]).run().await.ok().hides(&["canary"]);
    assert!(text.stdout.contains("broker_token\t(set)\tenv JIRA_BROKER_TOKEN\n"), "{text}");
    let empty = world.run(&["config", "show", "--output", "text"]).await.ok();
    for (name, _) in secrets {
        assert!(empty.stdout.contains(&format!("{name}\t(unset)\tdefault\n")), "{empty}");
    }
}

/// Item 63.
#[tokio::test]
async fn config_show_needs_no_base_url_and_asks_nobody() {
    let world = World::new().await;
    let none = shown(&world, &[], &[]).await;
    assert_eq!(none["base_url"]["value"], json!(null));
    world.logged_in().await;
    world.advance(std::time::Duration::from_secs(3600));
    let known = shown(&world, &[], &[]).await;
    assert_eq!(row(&known, "base_url"), (json!(world.jira.base_url()), "site sandbox".to_owned()));
    assert_eq!(world.requests(), [""; 0], "not even a stale session is refreshed");
}
