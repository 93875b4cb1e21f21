//! Whole resolutions: a configuration directory, an environment, what was typed, and what comes out.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::error::{Code, Failure};
use crate::process::Env;

const TWO_SITES: &str = r#"
default = "work"

[sites.work]
base_url = "https://jira.example.com"
client_id = "work-id"
scope = "ADMIN"
storage = "file"
broker_url = "https://broker.example.com"
ca_bundle = "/etc/work.pem"
epic_field = "customfield_1"
sprint_field = "customfield_2"
callback_port = 9000
callback_host = "localhost"
callback_https = false
redirect_uri = "http://localhost:9000/callback"

[sites.other]
base_url = "https://other.example.com/ctx"
client_id = "other-id"
"#;

/// A configuration directory and an environment around it.
struct World {
    dir: TempDir,
    vars: Vec<(String, String)>,
    typed: Typed,
}

impl World {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config_dir = dir.path().join("config/jira-oauth");
        fs::create_dir_all(&config_dir).unwrap();
        private(&config_dir, 0o700);
        if !config.is_empty() {
            fs::write(config_dir.join("config.toml"), config).unwrap();
            private(&config_dir.join("config.toml"), 0o600);
        }
        World { dir, vars: Vec::new(), typed: Typed::default() }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    fn typed(mut self, change: impl Fn(&mut Typed)) -> Self {
        change(&mut self.typed);
        self
    }

    fn env_file(mut self, content: &str) -> Self {
        let path = self.dir.path().join("vars.env");
        fs::write(&path, content).unwrap();
        self.typed.env_file = Some(path.to_str().unwrap().to_owned());
        self
    }

    fn try_resolve(&self) -> Result<Settings, ConfigError> {
        let config = self.dir.path().join("config").to_str().unwrap().to_owned();
        let home = self.dir.path().to_str().unwrap().to_owned();
        let base = [("XDG_CONFIG_HOME".to_owned(), config), ("HOME".to_owned(), home)];
        let env: Env = base.into_iter().chain(self.vars.clone()).collect();
        resolve(&self.typed, &env)
    }

    #[track_caller]
    fn resolve(&self) -> Settings {
        self.try_resolve().unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn refused(&self, code: Code) -> Failure {
        let failure = Failure::from(self.try_resolve().expect_err("this must be refused"));
        assert_eq!(failure.code, code, "{failure}");
        failure
    }
}

fn private(path: &Path, mode: u32) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(not(unix))]
    let _ = (path, mode);
}

fn text<T: ToString>(value: &Option<Sourced<T>>) -> (String, String) {
    value.as_ref().map_or_else(Default::default, |found| (found.value.to_string(), found.source.to_string()))
}

fn codes(settings: &Settings) -> Vec<&str> {
    settings.warnings.iter().map(|(code, _)| code.as_str()).collect()
}

#[test]
fn an_empty_world_has_defaults() {
    let settings = World::new("").resolve();
    assert!(settings.site.is_none() && settings.base_url.is_none() && settings.scope.is_none());
    assert!(settings.token.is_none() && settings.output.is_none() && settings.agent.is_none());
    assert!(!settings.insecure.value && !settings.read_only && !settings.no_input && !settings.site_named);
    assert_eq!(settings.callback.port, Sourced::new(8085, Source::Default));
    assert_eq!(settings.callback.host.value, "127.0.0.1");
    assert!(settings.callback.https.value);
    assert_eq!(settings.timeout, None);
    assert_eq!(settings.warnings, []);
}

/// A rung: what is set, from the weakest on, and what then shows; each rung beats those before it.
type Rung = (fn(World) -> World, &'static str, &'static str);

#[track_caller]
fn climb(name: &str, rungs: &[Rung]) {
    let mut world = World::new(TWO_SITES);
    for (set, value, source) in rungs {
        world = set(world);
        let shown = world.resolve().show();
        let row = &shown[name];
        let expected = serde_json::json!({ "value": value, "source": source }).to_string();
        let shown_value = row["value"].as_str().map_or_else(|| row["value"].to_string(), str::to_owned);
        let found = serde_json::json!({ "value": shown_value, "source": row["source"] }).to_string();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn each_rung_beats_the_ones_below() {
    climb(
        "scope",
        &[
            (|w| w, "ADMIN", "site work"),
            (|w| w.env_file("JIRA_OAUTH_SCOPE=READ\n"), "READ", "env-file JIRA_OAUTH_SCOPE"),
            (|w| w.env_file("INPUT_SCOPE=WRITE\nJIRA_OAUTH_SCOPE=READ\n"), "WRITE", "env-file INPUT_SCOPE"),
            (|w| w.env("JIRA_OAUTH_SCOPE", "SYSTEM_ADMIN"), "SYSTEM_ADMIN", "env JIRA_OAUTH_SCOPE"),
            (|w| w.env("INPUT_SCOPE", "READ"), "READ", "env INPUT_SCOPE"),
            (|w| w.typed(|t| t.scope = Some("WRITE".into())), "WRITE", "flag --scope"),
        ],
    );
    climb(
        "broker_url",
        &[
            (|w| w, "https://broker.example.com", "site work"),
            (
                |w| w.env("JIRA_TOKEN_BROKER_URL", "https://B.example.com/"),
                "https://b.example.com",
                "env JIRA_TOKEN_BROKER_URL",
            ),
            (
                |w| w.env("INPUT_BROKER_URL", "https://i.example.com"),
                "https://i.example.com",
                "env INPUT_BROKER_URL",
            ),
            (
                |w| w.typed(|t| t.broker_url = Some("https://f.example.com".into())),
                "https://f.example.com",
                "flag --broker-url",
            ),
        ],
    );
    climb(
        "client_id",
        &[
            (|w| w, "work-id", "site work"),
            (|w| w.env("JIRA_OAUTH_CLIENT_ID", "e"), "e", "env JIRA_OAUTH_CLIENT_ID"),
            (|w| w.env("INPUT_CLIENT_ID", "i"), "i", "env INPUT_CLIENT_ID"),
            (|w| w.typed(|t| t.client_id = Some("f".into())), "f", "flag --client-id"),
        ],
    );
    climb(
        "insecure",
        &[
            (|w| w, "false", "default"),
            (|w| w.env("JIRA_INSECURE", "Yes"), "true", "env JIRA_INSECURE"),
            (|w| w.env("INPUT_INSECURE", "off"), "false", "env INPUT_INSECURE"),
            (|w| w.typed(|t| t.insecure = Some(true)), "true", "flag --insecure"),
            (|w| w.typed(|t| t.insecure = Some(false)), "false", "flag --insecure"),
        ],
    );
}

#[test]
fn each_rung_beats_the_ones_below_in_login() {
    climb(
        "callback_port",
        &[
            (|w| w, "9000", "site work"),
            (|w| w.env("JIRA_OAUTH_CALLBACK_PORT", "1"), "1", "env JIRA_OAUTH_CALLBACK_PORT"),
            (|w| w.env("INPUT_CALLBACK_PORT", "65535"), "65535", "env INPUT_CALLBACK_PORT"),
            (|w| w.typed(|t| t.callback_port = Some("8086".into())), "8086", "flag --callback-port"),
        ],
    );
    climb(
        "callback_https",
        &[
            (|w| w, "false", "site work"),
            (|w| w.env("JIRA_OAUTH_CALLBACK_HTTPS", "on"), "true", "env JIRA_OAUTH_CALLBACK_HTTPS"),
            (|w| w.env("INPUT_CALLBACK_HTTPS", "0"), "false", "env INPUT_CALLBACK_HTTPS"),
            (|w| w.typed(|t| t.callback_https = Some(true)), "true", "flag --callback-https"),
        ],
    );
    climb(
        "storage",
        &[
            (|w| w, "file", "site work"),
            (|w| w.env("JIRA_TOKEN_STORAGE", "keyring"), "keyring", "env JIRA_TOKEN_STORAGE"),
            (|w| w.env("INPUT_STORAGE", "file"), "file", "env INPUT_STORAGE"),
            (|w| w.typed(|t| t.storage = Some("keyring".into())), "keyring", "flag --storage"),
        ],
    );
    climb(
        "ca_bundle",
        &[
            (|w| w, "/etc/work.pem", "site work"),
            (|w| w.env("JIRA_CA_BUNDLE", "rel.pem"), "rel.pem", "env JIRA_CA_BUNDLE"),
            (|w| w.env("INPUT_CA_BUNDLE", "/i.pem"), "/i.pem", "env INPUT_CA_BUNDLE"),
            (|w| w.typed(|t| t.ca_bundle = Some("f.pem".into())), "f.pem", "flag --ca-bundle"),
        ],
    );
    climb(
        "refresh_token_output",
        &[
            (|w| w, "null", "default"),
            (
                |w| w.env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", "none"),
                "none",
                "env JIRA_OAUTH_REFRESH_TOKEN_OUTPUT",
            ),
            (|w| w.env("INPUT_REFRESH_TOKEN_OUTPUT", "i"), "i", "env INPUT_REFRESH_TOKEN_OUTPUT"),
            (|w| w.typed(|t| t.refresh_token_output = Some("f".into())), "f", "flag --refresh-token-output"),
        ],
    );
}

#[test]
fn each_rung_beats_the_ones_below_in_behaviour() {
    climb(
        "output",
        &[
            (|w| w, "null", "default"),
            (|w| w.env("OUTPUT", "text"), "text", "env OUTPUT"),
            (|w| w.env("JIRA_OUTPUT", "jsonl"), "jsonl", "env JIRA_OUTPUT"),
            (|w| w.env("INPUT_OUTPUT", "json"), "json", "env INPUT_OUTPUT"),
            (|w| w.typed(|t| t.output = Some("text".into())), "text", "flag --output"),
        ],
    );
    climb(
        "timeout",
        &[
            (|w| w, "null", "default"),
            (|w| w.env("INPUT_TIMEOUT", "1m30s"), "90s", "env INPUT_TIMEOUT"),
            (|w| w.typed(|t| t.timeout = Some("500ms".into())), "500ms", "flag --timeout"),
        ],
    );
    climb(
        "epic_field",
        &[
            (|w| w, "customfield_1", "site work"),
            (|w| w.env("EPIC_FIELD", "customfield_8"), "customfield_8", "env EPIC_FIELD"),
            (|w| w.env("INPUT_EPIC_FIELD", "customfield_9"), "customfield_9", "env INPUT_EPIC_FIELD"),
        ],
    );
    climb(
        "no_input",
        &[
            (|w| w, "false", "default"),
            (|w| w.env("JIRA_NO_INPUT", "1"), "true", "env JIRA_NO_INPUT"),
            (|w| w.env("INPUT_NO_INPUT", "no"), "false", "env INPUT_NO_INPUT"),
            (|w| w.typed(|t| t.no_input = Some(true)), "true", "flag --no-input"),
        ],
    );
}

#[test]
fn the_first_that_is_set_chooses_the_site() {
    const OTHER: &str = "https://other.example.com/ctx";
    type Case = (fn(World) -> World, Option<&'static str>, &'static str, &'static str, bool);
    let cases: &[Case] = &[
        (|w| w, Some("work"), "https://jira.example.com", "site work", false),
        (|w| w.env("JIRA_BASE_URL", OTHER), Some("other"), OTHER, "env JIRA_BASE_URL", false),
        (|w| w.env("INPUT_BASE_URL", OTHER), Some("other"), OTHER, "env INPUT_BASE_URL", false),
        (
            |w| w.env("JIRA_BASE_URL", "https://x.example.com").env("JIRA_SITE", "other"),
            Some("other"),
            OTHER,
            "site other",
            true,
        ),
        (
            |w| {
                w.env("JIRA_SITE", "work")
                    .typed(|t| t.base_url = Some(OTHER.to_uppercase().replace("CTX", "ctx")))
            },
            Some("other"),
            OTHER,
            "flag --base-url",
            false,
        ),
        (
            |w| w.env("JIRA_SITE", "work").typed(|t| t.site = Some("other".into())),
            Some("other"),
            OTHER,
            "site other",
            true,
        ),
        (
            |w| w.typed(|t| (t.site, t.base_url) = (Some("other".into()), Some(format!("{OTHER}/")))),
            Some("other"),
            OTHER,
            "flag --base-url",
            true,
        ),
        (
            |w| w.env("JIRA_BASE_URL", "https://x.example.com"),
            None,
            "https://x.example.com",
            "env JIRA_BASE_URL",
            false,
        ),
        (
            |w| w.env("JIRA_BASE_URL", OTHER).env_file("JIRA_SITE=work\n"),
            Some("other"),
            OTHER,
            "env JIRA_BASE_URL",
            false,
        ),
        (|w| w.env_file("JIRA_SITE=other\n"), Some("other"), OTHER, "site other", true),
    ];
    for (index, (set, site, url, source, named)) in cases.iter().enumerate() {
        let settings = set(World::new(TWO_SITES)).resolve();
        let found = settings.site.as_ref().map(|site| site.name.as_str());
        assert_eq!(found, *site, "case {index}");
        assert_eq!(text(&settings.base_url), ((*url).to_owned(), (*source).to_owned()), "case {index}");
        assert_eq!(settings.site_named, *named, "case {index}");
        assert_eq!(settings.site_name_wanted, None, "case {index}");
    }
}

#[test]
fn values_come_from_the_one_site_only() {
    let settings = World::new(TWO_SITES).env("JIRA_BASE_URL", "https://other.example.com/ctx").resolve();
    assert_eq!(text(&settings.client_id), ("other-id".into(), "site other".into()));
    assert!(settings.broker_url.is_none() && settings.ca_bundle.is_none() && settings.storage.is_none());
    assert!(settings.scope.is_none() && settings.epic_field.is_none() && settings.sprint_field.is_none());
    assert_eq!(settings.callback.port.value, 8085);
    let settings = World::new(TWO_SITES).env("JIRA_BASE_URL", "https://new.example.com").resolve();
    assert!(settings.site.is_none() && settings.client_id.is_none() && settings.broker_url.is_none());
}

#[test]
fn site_and_base_url_must_agree() {
    let typed = |t: &mut Typed| {
        t.site = Some("work".into());
        t.base_url = Some("https://other.example.com/ctx".into());
    };
    let failure = World::new(TWO_SITES).typed(typed).refused(Code::BadValue);
    assert_eq!(failure.exit_code(), 2);
    assert!(failure.message.contains("https://jira.example.com"), "{failure}");
}

#[test]
fn a_named_site_that_does_not_exist_is_wanted() {
    let settings = World::new(TWO_SITES)
        .env("JIRA_BASE_URL", "https://new.example.com")
        .typed(|t| t.site = Some("new".into()))
        .resolve();
    assert_eq!(text(&settings.site_name_wanted), ("new".into(), "flag --site".into()));
    assert_eq!(text(&settings.base_url).0, "https://new.example.com");
    assert!(settings.site.is_none() && settings.site_named && settings.client_id.is_none());
    let settings = World::new(TWO_SITES).env("JIRA_SITE", "new").resolve();
    assert_eq!(text(&settings.site_name_wanted), ("new".into(), "env JIRA_SITE".into()));
    assert!(settings.base_url.is_none());
    for bad in ["$(id)", "", "a b", "it's"] {
        World::new(TWO_SITES).typed(|t| t.site = Some(bad.into())).refused(Code::BadValue);
    }
}

#[test]
fn several_sites_at_one_url_need_a_default_or_a_name() {
    let twins = |default: &str| {
        format!(
            "{default}\n[sites.one]\nbase_url = \"https://j.example.com\"\n\
             [sites.agent]\nbase_url = \"https://J.example.com/\"\nown_key = true\n"
        )
    };
    let url = |t: &mut Typed| t.base_url = Some("https://j.example.com".into());
    let failure = World::new(&twins("")).typed(url).refused(Code::BadValue);
    assert!(failure.message.contains("one, agent"), "{failure}");
    let settings = World::new(&twins("default = \"agent\"")).typed(url).resolve();
    assert_eq!(settings.site.unwrap().name.as_str(), "agent");
    let settings = World::new(&twins("")).typed(url).typed(|t| t.site = Some("agent".into())).resolve();
    assert!(settings.site.unwrap().own_key);
}

#[test]
fn naming_a_site_passes_credentials_over_with_a_warning() {
    let world = |named: bool| {
        let world = World::new(TWO_SITES)
            .env("JIRA_TOKEN", "pat-canary")
            .env("JIRA_OAUTH_CLIENT_ID", "else")
            .env("JIRA_OAUTH_REFRESH_TOKEN", "rt-canary");
        if named { world.env("JIRA_SITE", "work") } else { world }
    };
    let settings = world(true).resolve();
    assert_eq!(
        codes(&settings),
        ["client_id_passed_over", "credential_passed_over", "credential_passed_over"]
    );
    assert_eq!(text(&settings.client_id), ("work-id".into(), "site work".into()));
    assert!(!format!("{:?}", settings.warnings).contains("canary"));
    let settings = world(false).resolve();
    assert_eq!(codes(&settings), [""; 0]);
    assert_eq!(text(&settings.client_id).0, "else");
    let settings = world(true).typed(|t| t.client_id = Some("typed".into())).resolve();
    assert_eq!(text(&settings.client_id), ("typed".into(), "flag --client-id".into()));
}

#[test]
fn a_site_over_plain_http_needs_insecure_each_time() {
    let config =
        "default = \"h\"\n[sites.h]\nbase_url = \"http://jira.example.com\"\ninsecure_login = true\n";
    let failure = World::new(config).refused(Code::BadValue);
    assert!(failure.message.starts_with("site h: ") && failure.message.contains("--insecure"), "{failure}");
    let settings = World::new(config).typed(|t| t.insecure = Some(true)).resolve();
    assert!(settings.site.unwrap().insecure_login);
    World::new(config).env("JIRA_INSECURE", "1").resolve();
    let config = "[sites.h]\nbase_url = \"https://j.example.com\"\nbroker_url = \"http://b.example.com\"\n";
    let named = |w: World| w.env("JIRA_SITE", "h");
    assert_eq!(named(World::new(config)).refused(Code::BadValue).exit_code(), 2);
    named(World::new(config)).typed(|t| t.insecure = Some(true)).resolve();
    World::new("").env("JIRA_BASE_URL", "http://jira.example.com").refused(Code::BadValue);
    World::new("").env("JIRA_BASE_URL", "http://127.0.0.1:8080").resolve();
}

#[test]
fn wrong_values_are_refused_by_name() {
    for (name, value, code) in [
        ("JIRA_BASE_URL", "https://jira.example.com/$(id)", Code::BadValue),
        ("JIRA_BASE_URL", "https://acme.atlassian.net", Code::CloudUrl),
        ("JIRA_BASE_URL", "https://jira.example.com\u{1b}[31m", Code::ControlCharacter),
        ("JIRA_TOKEN_BROKER_URL", "http://broker.example.com", Code::BadValue),
        ("JIRA_OAUTH_SCOPE", "ROOT", Code::BadValue),
        ("JIRA_TOKEN_STORAGE", "plaintext", Code::BadValue),
        ("JIRA_OAUTH_CALLBACK_PORT", "0", Code::BadValue),
        ("JIRA_OAUTH_CALLBACK_PORT", "+80", Code::BadValue),
        ("JIRA_OAUTH_CALLBACK_PORT", "65536", Code::BadValue),
        ("JIRA_OAUTH_CALLBACK_HOST", "evil.example.com", Code::BadValue),
        ("JIRA_OAUTH_CALLBACK_HTTPS", "maybe", Code::BadValue),
        ("INPUT_REDIRECT_URI", "https://localhost@evil.example.com/callback", Code::BadValue),
        ("JIRA_OAUTH_CLIENT_ID", "a b", Code::BadValue),
        ("JIRA_SITE", "../x", Code::BadValue),
        ("JIRA_INSECURE", "2", Code::BadValue),
        ("JIRA_READ_ONLY", "ja", Code::BadValue),
        ("JIRA_NO_INPUT", "\u{9b}1", Code::ControlCharacter),
        ("JIRA_OUTPUT", "yaml", Code::BadValue),
        ("JIRA_KEYRING_TIMEOUT", "5", Code::BadValue),
        ("INPUT_TIMEOUT", "0s", Code::BadValue),
        ("INPUT_MAX_WAIT", "30", Code::BadValue),
        ("EPIC_FIELD", "a b", Code::BadValue),
        ("JIRA_TOKEN", "a\u{7f}b", Code::ControlCharacter),
        ("JIRA_TOKEN", "a\nb", Code::ControlCharacter),
        ("JIRA_CONFIG_DIR", "relative/dir", Code::BadValue),
        ("JIRA_ENV_FILE", "/nonexistent/file.env", Code::BadValue),
    ] {
        let failure = World::new("").env(name, value).refused(code);
        assert_eq!(failure.exit_code(), 2, "{name}");
        assert!(failure.message.contains(name), "{name}: {failure}");
        let told = value.len() > 2 && !name.ends_with("_FILE") && !name.ends_with("_DIR");
        assert!(!told || !failure.message.contains(value), "{name}: the value is repeated: {failure}");
    }
}

#[test]
fn typed_values_are_refused_by_flag() {
    type Case = (fn(&mut Typed), &'static str);
    let cases: [Case; 9] = [
        (|t| t.base_url = Some(String::new()), "flag --base-url: "),
        (|t| t.scope = Some("write".into()), "flag --scope: "),
        (|t| t.scope = Some(String::new()), "flag --scope: must not be empty"),
        (|t| t.output = Some("yaml".into()), "flag --output: "),
        (|t| t.timeout = Some("5".into()), "flag --timeout: "),
        (|t| t.callback_cert = Some("c.pem".into()), "--callback-cert and --callback-key"),
        (|t| t.callback_key = Some("k.pem".into()), "--callback-cert and --callback-key"),
        (|t| t.ca_bundle = Some(String::new()), "flag --ca-bundle: "),
        (
            |t| {
                (t.callback_cert, t.callback_key) = (Some("c".into()), Some("k".into()));
                t.callback_https = Some(false);
            },
            "flag --callback-https: ",
        ),
    ];
    for (set, start) in cases {
        let failure = World::new("").typed(set).refused(Code::BadValue);
        assert!(failure.message.starts_with(start), "{failure}");
    }
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let mut world = World::new("");
    for variable in VARIABLES {
        world = world.env(variable.name, "");
        if let Some(twin) = variable.file_twin {
            world = world.env(twin, "");
        }
    }
    let (empty, unset) = (world.resolve().show(), World::new("").resolve().show());
    for (name, row) in unset.as_object().unwrap() {
        if !name.ends_with("_dir") {
            assert_eq!(empty[name], *row, "{name}");
        }
    }
}

#[test]
fn bare_output_words_of_others_are_passed_over() {
    let settings = World::new("").env("OUTPUT", "/tmp/x").env("INPUT_OUTPUT", "yaml").resolve();
    assert!(settings.output.is_none());
    assert_eq!(codes(&settings), ["output_passed_over"; 2]);
    let settings = World::new("").env("OUTPUT", "text").env("INPUT_OUTPUT", "yaml").resolve();
    assert_eq!(text(&settings.output), ("text".into(), "env OUTPUT".into()));
    // Another's variable with anything in it does not stop a command that never asks for it.
    World::new("").env("COMMENT", "\u{1b}").env("REF", "\u{7}").resolve();
    World::new("").env("INPUT_COMMENT", "\u{1b}").refused(Code::ControlCharacter);
}

#[test]
fn lists_durations_and_switches() {
    let settings = World::new("")
        .env("JIRA_DISABLED_TOOLS", "delete, manage_worklogs ,,")
        .env("JIRA_ENABLED_TOOLS", "search")
        .env("JIRA_READ_ONLY", "TRUE")
        .env("JIRA_KEYRING_TIMEOUT", "1m30s")
        .env("NO_COLOR", "0")
        .env("INPUT_QUIET", "on")
        .env("INPUT_DEBUG", "1")
        .env("RUNNER_TEMP", "/tmp/r")
        .resolve();
    assert_eq!(settings.disabled_tools, ["delete", "manage_worklogs"]);
    assert_eq!(settings.enabled_tools.unwrap(), ["search"]);
    assert!(settings.read_only && settings.no_color && settings.quiet);
    assert_eq!((settings.verbose, settings.keyring_timeout), (1, Some(Duration::from_secs(90))));
    assert_eq!(settings.runner_temp.unwrap(), Path::new("/tmp/r"));
}

#[test]
fn the_callback_follows_what_jira_accepts() {
    let settings = World::new("").typed(|t| t.callback_https = Some(false)).resolve();
    assert_eq!(settings.callback.host, Sourced::new("localhost".into(), Source::Default));
    let registered = "http://127.0.0.1:8765/callback";
    let settings = World::new("").typed(|t| t.redirect_uri = Some(registered.into())).resolve();
    assert_eq!(text(&settings.callback.redirect_uri), (registered.into(), "flag --redirect-uri".into()));
    let settings = World::new(TWO_SITES).resolve();
    assert_eq!(text(&settings.callback.redirect_uri).1, "site work");
}

#[test]
fn agents_are_recognised_by_their_marks() {
    for (name, value, mark) in [
        ("CLAUDECODE", "1", Some("CLAUDECODE")),
        ("CURSOR_AGENT", "yes", Some("CURSOR_AGENT")),
        ("GEMINI_CLI", "1", Some("GEMINI_CLI")),
        ("CODEX_SANDBOX", "seatbelt", Some("CODEX_SANDBOX")),
        ("CI", "true", Some("CI")),
        ("CI", "false", None),
        ("CI", "", None),
        ("CODEX_HOME", "/home/me/.codex", None),
    ] {
        assert_eq!(World::new("").env(name, value).resolve().agent, mark, "{name}={value}");
    }
}

#[test]
fn proxies_of_the_environment() {
    let world = || World::new("").env("HTTP_PROXY", "http://up:1").env("https_proxy", "http://low:1");
    let proxies = world().env("HTTPS_PROXY", "http://up:1").env("NO_PROXY", "a,b").resolve().proxies;
    assert_eq!(proxies.http.as_deref(), Some("http://up:1"));
    assert_eq!(proxies.https.as_deref(), Some("http://low:1"));
    assert_eq!((proxies.all, proxies.no_proxy.as_deref()), (None, Some("a,b")));
    assert_eq!(world().env("REQUEST_METHOD", "GET").resolve().proxies.http, None);
    let cgi = world().env("REQUEST_METHOD", "GET").env("http_proxy", "http://own:1").resolve();
    assert_eq!(cgi.proxies.http.as_deref(), Some("http://own:1"));
}

#[test]
fn odd_files_are_told_of() {
    let settings = World::new("default = \"gone\"\nextra = 1\n").resolve();
    assert_eq!(codes(&settings), ["default_site_missing", "unknown_setting"]);
    assert!(settings.site.is_none());
    let settings =
        World::new("[sites.a]\nbase_url = \"https://a.example.com\"\ntoken = \"canary\"\n").resolve();
    assert_eq!(codes(&settings), ["unknown_setting"]);
    assert!(settings.warnings[0].1.contains("sites.a.token"));
    assert!(!settings.warnings[0].1.contains("canary"));
}

/// Every secret, by variable and by file, and a proxy's password: none of it is shown or debugged.
#[test]
fn nothing_shows_a_secret() {
    let secrets = VARIABLES.iter().filter(|variable| variable.secret).map(|variable| variable.name);
    for by_file in [false, true] {
        let mut world = World::new(TWO_SITES)
            .env("JIRA_USERNAME", "me")
            .env("HTTPS_PROXY", "http://user:canary@proxy:3128")
            .env("ALL_PROXY", "user:c@nary-canary@proxy");
        for name in secrets.clone() {
            let canary = format!("canary-{}", name.to_lowercase());
            if by_file {
                let path = world.dir.path().join(name);
                fs::write(&path, canary + "\n").unwrap();
                world = world.env(&format!("{name}_FILE"), path.to_str().unwrap());
            } else {
                world = world.env(name, &canary);
            }
        }
        let settings = world.resolve();
        assert_eq!(settings.token.as_ref().unwrap().value.expose(), "canary-input_token");
        let shown = settings.show();
        assert_eq!(shown["token"]["value"], "(set)");
        let source = if by_file { "env INPUT_TOKEN_FILE" } else { "env INPUT_TOKEN" };
        assert_eq!(shown["token"]["source"], source);
        assert_eq!(shown["https_proxy"]["value"], "http://***@proxy:3128");
        for shown in [shown.to_string(), format!("{settings:?}")] {
            assert!(!shown.to_lowercase().contains("canary"), "{shown}");
        }
    }
}

#[test]
fn show_names_every_value_once_with_its_source() {
    let shown = World::new(TWO_SITES).env("JIRA_SITE", "other").resolve().show();
    let rows = shown.as_object().unwrap();
    assert!(rows.len() > 40, "{}", rows.len());
    for (name, row) in rows {
        let keys: Vec<_> = row.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["value", "source"], "{name}");
        assert!(row["source"].is_string(), "{name}");
    }
    assert_eq!(shown["site"].to_string(), r#"{"value":"other","source":"env JIRA_SITE"}"#);
    let shown = World::new("").resolve().show();
    assert_eq!(shown["base_url"].to_string(), r#"{"value":null,"source":"default"}"#);
}
