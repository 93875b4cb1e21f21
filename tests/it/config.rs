//! Which site is meant, what is shown of the configuration, and who may change what a session trusts.

use std::fs;

use jira_oauth::config::{BaseUrl, ClientId, Site, SiteName, StorageKind, secret_variables};
use serde_json::{Value, json};

use crate::support::{Evil, SITE, World};

/// A name that the sandbox goes by when it stands in a proxy's place: a Jira on another machine.
const REAL: &str = "http://jira.example.com";

fn site(name: &str, base_url: &str, client_id: &str) -> Site {
    Site {
        client_id: Some(ClientId::parse(client_id).unwrap()),
        storage: Some(StorageKind::File),
        ..Site::new(SiteName::parse(name).unwrap(), BaseUrl::parse(base_url, true).unwrap())
    }
}

async fn with_sites() -> World {
    let world = World::new().await;
    world.sites().upsert(&site("one", "https://one.example.com", "1"), true).await.unwrap();
    world.sites().upsert(&site("two", "https://two.example.com/ctx", "2"), false).await.unwrap();
    world
}

#[tokio::test]
async fn the_first_that_is_set_decides_which_site_is_meant() {
    let world = with_sites().await;
    let (one, two, other) =
        ("https://one.example.com", "https://TWO.example.com:443/ctx/", "https://other.example.com");
    for (args, env, name, client_id, from) in [
        (&[][..], &[][..], json!("one"), json!("1"), "site one"),
        (&[], &[("JIRA_BASE_URL", two)], json!("two"), json!("2"), "env JIRA_BASE_URL"),
        (&[], &[("JIRA_BASE_URL", other)], json!(null), json!(null), "env JIRA_BASE_URL"),
        (
            &[],
            &[("JIRA_BASE_URL", other), ("INPUT_BASE_URL", two)],
            json!("two"),
            json!("2"),
            "env INPUT_BASE_URL",
        ),
        (&[], &[("INPUT_BASE_URL", other), ("JIRA_SITE", "two")], json!("two"), json!("2"), "site two"),
        (&["--base-url", one], &[("JIRA_SITE", "two")], json!("one"), json!("1"), "flag --base-url"),
        (
            &["--site", "two"],
            &[("JIRA_SITE", "one"), ("JIRA_BASE_URL", one)],
            json!("two"),
            json!("2"),
            "site two",
        ),
        (&["--site", "two", "--base-url", two], &[], json!("two"), json!("2"), "flag --base-url"),
        (&["--base-url", other], &[("JIRA_BASE_URL", "")], json!(null), json!(null), "flag --base-url"),
    ] {
        let mut command = world.command(&[&["config", "show"], args].concat());
        for (variable, value) in env {
            command = command.env(variable, *value);
        }
        let shown = command.run().await.ok().json();
        let found =
            (&shown["site"]["value"], &shown["client_id"]["value"], shown["base_url"]["source"].as_str());
        assert_eq!(found, (&name, &client_id, Some(from)), "{args:?} {env:?}");
        if name.is_null() {
            // What names no site is not where one comes from.
            assert_eq!(shown["site"]["source"], "default", "{args:?} {env:?}");
        }
    }
    let disagree = world.run(&["whoami", "--site", "one", "--base-url", "https://two.example.com/ctx"]).await;
    disagree.failed(2, "bad_value");
    let unknown = world.run(&["whoami", "--site", "three"]).await.failed(2, "no_base_url");
    assert_eq!(unknown.error()["hint"], "jira site list");
    assert_eq!(unknown.error()["message"], "there is no site named three");
}

#[tokio::test]
async fn no_secret_is_shown_in_any_format() {
    let world = with_sites().await;
    let pairs = secret_variables().filter(|name| !name.ends_with("_FILE"));
    let names: Vec<&str> = pairs.chain(["HTTPS_PROXY", "ALL_PROXY"]).collect();
    let canary = |name: &str| format!("canary{}", name.to_lowercase().replace('_', ""));
    let canaries: Vec<String> = names.iter().map(|name| canary(name)).collect();
    for args in [&["config", "show"][..], &["config", "show", "--output=text"], &["-vv", "config", "show"]] {
        let mut command = world.command(args);
        for name in &names {
            let value = match name.ends_with("PROXY") {
                true => format!("http://user:{}@proxy.example.com:3128", canary(name)),
                false => canary(name),
            };
            command = command.env(name, value);
        }
        // In a process of its own: there is one log in each, the first.
        let ran = command.run_program().await.ok().hides(&canaries);
        assert!(ran.stdout.contains("(set)") && ran.stdout.contains("***@proxy.example.com"), "{ran}");
    }
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn every_value_is_shown_with_its_source() {
    let world = World::new().await;
    let file = world.path("env");
    fs::write(&file, "JIRA_OAUTH_SCOPE=READ\nJIRA_OUTPUT=text\nJIRA_TOKEN=canary\n").unwrap();
    let shown = world
        .command(&["config", "show", "--env-file", file.to_str().unwrap(), "--timeout", "5s"])
        .env("JIRA_OUTPUT", "json")
        .env("CI", "true");
    let shown = shown.run().await.ok().hides(&["canary"]).json();
    let row = |name: &str| shown[name].clone();
    let expect = |value: Value, source: &str| json!({ "value": value, "source": source });
    assert_eq!(row("scope"), expect(json!("READ"), "env-file JIRA_OAUTH_SCOPE"));
    assert_eq!(row("output"), expect(json!("json"), "env JIRA_OUTPUT"));
    assert_eq!(row("token"), expect(json!("(set)"), "env-file JIRA_TOKEN"));
    assert_eq!(row("timeout"), expect(json!("5s"), "flag --timeout"));
    assert_eq!(row("agent"), expect(json!("CI"), "env CI"));
    assert_eq!(row("callback_port"), expect(json!(8085), "default"));
    assert_eq!(row("base_url"), expect(json!(null), "default"));
}

#[tokio::test]
async fn sites_are_listed_chosen_changed_and_removed() {
    let world = with_sites().await;
    let defaults = async || {
        let list = world.run(&["site", "list"]).await.ok().json();
        let of =
            |site: &Value| (site["name"].as_str().unwrap().to_owned(), site["default"].as_bool().unwrap());
        list.as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(defaults().await, [("one".to_owned(), true), ("two".to_owned(), false)]);
    world.run(&["site", "use", "two"]).await.ok();
    assert_eq!(defaults().await, [("one".to_owned(), false), ("two".to_owned(), true)]);
    world.run(&["site", "use", "three"]).await.failed(2, "bad_value");
    let set = world.run(&["site", "set", "two", "epic-field", "customfield_10101"]).await.ok().json();
    assert_eq!((&set["epic_field"], &set["default"]), (&json!("customfield_10101"), &json!(true)));
    world.run(&["site", "set", "two", "epic-field", ""]).await.ok();
    for bad in [
        &["site", "set", "two", "epic-field", "a b"][..],
        &["site", "set", "two", "epic-field", "bad"],
        &["site", "set", "two", "sprint-field", "customfield_"],
        &["site", "set", "two", "callback-port", "0"],
        &["site", "set", "two", "base-url", "https://evil.example.com"],
        &["site", "set", "two", "client_id", "other"],
        &["site", "set", "three", "epic-field", "x"],
    ] {
        world.run(bad).await.failed(2, "bad_value");
    }
    world.run(&["site", "remove", "two"]).await.ok();
    assert_eq!(defaults().await, [("one".to_owned(), false)]);
    world.run(&["site", "remove", "two"]).await.failed(2, "bad_value");
}

/// Jira passes over an id that it does not know.
#[tokio::test]
async fn an_epic_field_that_jira_does_not_have_is_warned_of() {
    let world = World::new().await;
    world.logged_in().await;
    let search = ["search", "project = GAIA ORDER BY key", "--limit", "2"];
    assert_eq!(world.run(&search).await.ok().json().as_array().unwrap().len(), 2);
    world.run(&["site", "set", SITE, "epic-field", "customfield_10101"]).await.ok();
    let known = world.run(&search).await.ok();
    assert!(!known.stderr.contains("no_such_field"), "{known}");
    assert_eq!(world.requests(), ["POST /rest/api/2/search"; 2], "nothing is looked up for it");
    world.run(&["site", "set", SITE, "epic-field", "customfield_99999"]).await.ok();
    let streamed = [&search[..], &["--output", "jsonl"]].concat();
    for args in [&search[..], &streamed, &["get", "GAIA-1"], &["get", "GAIA-1", "GAIA-2"]] {
        let ran = world.run(args).await.ok();
        assert!(ran.warnings().contains(&"no_such_field".to_owned()), "{ran}");
        assert!(ran.stderr.contains(r#""field":"customfield_99999""#), "{ran}");
    }
    for quiet in
        [&["search", "key = GAIA-1", "--fields", "summary"][..], &["search", "key = GAIA-1", "--count"]]
    {
        assert_eq!(world.run(quiet).await.ok().warnings(), [""; 0]);
    }
    let typed = world.run(&["search", "key = GAIA-1", "--epic-field", "bad"]).await.failed(2, "bad_value");
    assert!(typed.stderr.contains("--epic-field takes the id of a field"), "{typed}");
    world.run(&["get", "GAIA-1", "--sprint-field", "10100"]).await.failed(2, "bad_value");
    let update = ["update", "GAIA-1", "--epic", "GAIA-2", "--epic-field", "epic"];
    world.run(&update).await.failed(2, "bad_value");
}

#[tokio::test]
async fn removing_a_site_removes_its_session() {
    let world = World::new().await;
    world.logged_in().await;
    let removed = world.run(&["site", "remove", SITE]).await.ok().json();
    assert_eq!(removed["session_removed"], true);
    assert!(world.place().session().await.unwrap().is_none());
    assert_eq!(world.run(&["site", "list"]).await.ok().json(), json!([]));
}

#[tokio::test]
async fn what_a_session_trusts_is_changed_by_a_person_who_types_the_host_name() {
    let world = World::new().await;
    world.logged_in().await;
    let bundle = world.path("ca.pem").display().to_string();
    for (setting, value) in
        [("broker-url", "https://broker.example.com"), ("ca-bundle", &bundle), ("allow-token-print", "true")]
    {
        let set = || world.command(&["site", "set", SITE, setting, value]);
        for alone in [set(), set().person().env("CI", "1"), set().person().env("JIRA_NO_INPUT", "1")] {
            alone.run().await.failed(3, "pinned");
        }
        set().person().answer(setting, "").run().await.failed(3, "pinned");
        set().person().answer(setting, "localhost").run().await.failed(3, "pinned");
        let agreed = set().person().answer("Type the host name", "127.0.0.1").run().await.ok();
        assert!(agreed.asked[0].contains(value) && agreed.asked[0].contains("(127.0.0.1)"), "{agreed}");
        set().run().await.ok();
    }
    let trust = world.stored().await.trust;
    assert_eq!(trust.broker_url.as_deref(), Some("https://broker.example.com"));
    assert_eq!(trust.ca_bundle.unwrap().display().to_string(), bundle);
    let config = world.config_toml();
    assert!(config.contains("broker_url") && config.contains("allow_token_print"), "{config}");
}

#[tokio::test]
async fn a_question_cannot_be_made_to_look_like_another_one() {
    let world = World::new().await;
    world.logged_in().await;
    let hostile = "/roots/\u{202e}mep.live";
    let set = world.command(&["site", "set", SITE, "ca-bundle", hostile]).person();
    let ran = set.answer("Type the host name", "no").run().await;
    assert!(ran.asked[0].contains(r"/roots/\u{202e}mep.live") && !ran.asked[0].contains('\u{202e}'), "{ran}");
    ran.failed(3, "pinned");
    let broker = world.command(&["site", "set", SITE, "broker-url", "https://broker.example.com/\u{202e}x"]);
    assert_eq!(broker.person().run().await.failed(2, "bad_value").asked, [""; 0]);
    assert_eq!(world.stored().await.trust.broker_url, None);
}

#[tokio::test]
async fn the_first_real_login_becomes_the_default_and_a_loopback_one_never_does() {
    let world = World::new().await;
    let pat = async |base_url: &str, more: &[&str]| {
        let token = world.jira.mint_pat("developer");
        let args = [&["login", "--pat", "--base-url", base_url], more].concat();
        let login = world.command(&args).person().env("HTTP_PROXY", world.jira.base_url());
        login.answer("Personal access token", token).run().await.ok();
    };
    pat(world.jira.base_url(), &["--site", "loopback"]).await;
    assert!(world.sites().default().is_none());
    pat(REAL, &["--insecure"]).await;
    assert_eq!(world.sites().default().unwrap().name.as_str(), "jira.example.com");
    pat("http://other.example.com", &["--insecure"]).await;
    assert_eq!(world.sites().default().unwrap().name.as_str(), "jira.example.com");
    let whoami = world.command(&["whoami", "--insecure"]).env("HTTP_PROXY", world.jira.base_url());
    assert_eq!(whoami.run().await.ok().json()["base_url"], REAL, "no variable is needed afterwards");
}

#[tokio::test]
async fn a_broken_configuration_is_named_and_left_alone() {
    let world = World::new().await;
    let path = world.config_dir().join("config.toml");
    for text in ["[sites.a\n", "[sites.a]\nclient_id = \"x\"\n", "default = 1\n"] {
        fs::write(&path, text).unwrap();
        let ran = world.run(&["whoami"]).await.failed(1, "store_corrupt");
        assert!(ran.error()["message"].as_str().unwrap().contains("config.toml"), "{ran}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

/// In a process of its own, since the working directory is the process's. `tests/real/opens.rs` looks at
/// every file that is opened.
#[tokio::test]
async fn files_of_the_working_directory_are_not_read() {
    let (world, evil) = (World::new().await, Evil::start().await);
    world.logged_in().await;
    world
        .change_session(|session| {
            session.expires_at = session.expires_at.map(|_| "2100-01-01T00:00:00Z".parse().unwrap())
        })
        .await;
    let repository = world.path("work");
    let variables = format!(
        "JIRA_BASE_URL={0}\nJIRA_TOKEN=canary\nJIRA_TOKEN_BROKER_URL={0}\nHTTP_PROXY={0}\nJIRA_INSECURE=1\n",
        evil.url()
    );
    let sites = format!("default = \"evil\"\n[sites.evil]\nbase_url = \"{}\"\n", evil.url());
    for directory in [".git", ".jira", "jira-oauth", ".config/jira-oauth", ".config/jira"] {
        fs::create_dir_all(repository.join(directory)).unwrap();
        fs::write(repository.join(directory).join("config.toml"), &sites).unwrap();
        fs::write(repository.join(directory).join("config"), &variables).unwrap();
    }
    for name in [".env", ".env.local", ".envrc", ".jira.env"] {
        fs::write(repository.join(name), &variables).unwrap();
    }
    for name in ["config.toml", "jira.toml", ".jira.toml"] {
        fs::write(repository.join(name), &sites).unwrap();
    }
    let command = world.command(&["whoami"]);
    let ended = command.program().current_dir(&repository).output().await.unwrap();
    let session: Value = serde_json::from_slice(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    assert_eq!((&session["site"], &session["user"]["name"]), (&json!(SITE), &json!("developer")));
    evil.saw_nothing().await;
    let inside = world.command(&["whoami"]).env("JIRA_CONFIG_DIR", repository.join(".jira"));
    inside.run().await.failed(2, "bad_value");
}

#[tokio::test]
async fn plain_http_and_cloud_are_refused() {
    let world = World::new().await;
    world.run(&["whoami", "--base-url", REAL]).await.failed(2, "bad_value");
    world.run(&["whoami", "--base-url", "https://acme.atlassian.net"]).await.failed(2, "cloud_url");
    world.command(&["whoami"]).env("JIRA_BASE_URL", REAL).run().await.failed(2, "bad_value");
}

#[tokio::test]
async fn a_secret_to_register_comes_from_a_file_that_has_one() {
    let world = World::new().await;
    let path = |name: &str| world.path(name).display().to_string();
    fs::write(path("empty"), "\n").unwrap();
    fs::write(path("large"), "x".repeat(5000)).unwrap();
    for (bad, why) in [
        ("absent", "cannot be read"),
        ("empty", "is empty"),
        ("large", "is larger than 4 KiB"),
        (".", "a directory"),
    ] {
        let bad = path(bad);
        let ran = world.run(&["sandbox", "serve", "--registered-client-secret", &bad]).await;
        let failed = ran.failed(2, "bad_value");
        assert!(failed.stderr.contains(why), "{}", failed.stderr);
    }
}
