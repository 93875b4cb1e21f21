//! What is said once of the flags that `config` understands: the variables that say the same, and for help,
//! `schema` and the manual their default and the values they may have.

use super::{Scope, StorageKind};

/// The formats of `--output`.
pub(super) const FORMATS: [&str; 3] = ["json", "jsonl", "text"];

/// A flag without its dashes (empty: there is none), and the variables that say the same, the strongest
/// first. `config show` finds a value's source by the last of them.
#[derive(Clone, Copy)]
pub(super) struct Names(pub(super) &'static str, pub(super) &'static [&'static str]);

pub(super) const INSECURE: Names = Names("insecure", &["INPUT_INSECURE", "JIRA_INSECURE"]);
pub(super) const BROKER_URL: Names = Names("broker-url", &["INPUT_BROKER_URL", "JIRA_TOKEN_BROKER_URL"]);
pub(super) const CLIENT_ID: Names = Names("client-id", &["INPUT_CLIENT_ID", "JIRA_OAUTH_CLIENT_ID"]);
pub(super) const SCOPE: Names = Names("scope", &["INPUT_SCOPE", "JIRA_OAUTH_SCOPE"]);
pub(super) const STORAGE: Names = Names("storage", &["INPUT_STORAGE", "JIRA_TOKEN_STORAGE"]);
pub(super) const CA_BUNDLE: Names = Names("ca-bundle", &["INPUT_CA_BUNDLE", "JIRA_CA_BUNDLE"]);
pub(super) const EPIC_FIELD: Names = Names("epic-field", &["INPUT_EPIC_FIELD", "EPIC_FIELD"]);
pub(super) const SPRINT_FIELD: Names = Names("sprint-field", &["INPUT_SPRINT_FIELD", "SPRINT_FIELD"]);
pub(super) const PORT: Names = Names("callback-port", &["INPUT_CALLBACK_PORT", "JIRA_OAUTH_CALLBACK_PORT"]);
pub(super) const HOST: Names = Names("callback-host", &["INPUT_CALLBACK_HOST", "JIRA_OAUTH_CALLBACK_HOST"]);
pub(super) const HTTPS: Names =
    Names("callback-https", &["INPUT_CALLBACK_HTTPS", "JIRA_OAUTH_CALLBACK_HTTPS"]);
pub(super) const CERT: Names = Names("callback-cert", &["INPUT_CALLBACK_CERT", "JIRA_OAUTH_CALLBACK_CERT"]);
pub(super) const KEY: Names = Names("callback-key", &["INPUT_CALLBACK_KEY", "JIRA_OAUTH_CALLBACK_KEY"]);
pub(super) const REDIRECT_URI: Names = Names("redirect-uri", &["INPUT_REDIRECT_URI"]);
pub(super) const ROTATION_OUTPUT: Names =
    Names("refresh-token-output", &["INPUT_REFRESH_TOKEN_OUTPUT", "JIRA_OAUTH_REFRESH_TOKEN_OUTPUT"]);
pub(super) const ROTATION_COMMAND: Names =
    Names("rotation-command", &["INPUT_ROTATION_COMMAND", "JIRA_OAUTH_ROTATION_COMMAND"]);
pub(super) const OUTPUT: Names = Names("output", &["INPUT_OUTPUT", "JIRA_OUTPUT", "OUTPUT"]);
pub(super) const NO_INPUT: Names = Names("no-input", &["INPUT_NO_INPUT", "JIRA_NO_INPUT"]);
pub(super) const TIMEOUT: Names = Names("timeout", &["INPUT_TIMEOUT"]);
pub(super) const MAX_WAIT: Names = Names("max-wait", &["INPUT_MAX_WAIT"]);
pub(super) const QUIET: Names = Names("quiet", &["INPUT_QUIET"]);
pub(super) const VERBOSE: Names = Names("verbose", &["INPUT_DEBUG", "INPUT_VERBOSE"]);
pub(super) const KEYRING_TIMEOUT: Names = Names("", &["JIRA_KEYRING_TIMEOUT"]);
pub(super) const READ_ONLY: Names = Names("", &["JIRA_READ_ONLY"]);
pub(super) const DISABLED_TOOLS: Names = Names("", &["JIRA_DISABLED_TOOLS"]);
pub(super) const ENABLED_TOOLS: Names = Names("", &["JIRA_ENABLED_TOOLS"]);
pub(super) const NO_CACHE: Names = Names("", &["JIRA_NO_CACHE"]);
pub(super) const RUNNER_TEMP: Names = Names("", &["RUNNER_TEMP"]);
pub(super) const SSL_CERT_FILE: Names = Names("", &["SSL_CERT_FILE"]);
pub(super) const SSL_CERT_DIR: Names = Names("", &["SSL_CERT_DIR"]);
pub(super) const BASE_URL: Names = Names("base-url", &["INPUT_BASE_URL", "JIRA_BASE_URL"]);
pub(super) const SITE: Names = Names("site", &["INPUT_SITE", "JIRA_SITE"]);
pub(super) const ENV_FILE: Names = Names("env-file", &["INPUT_ENV_FILE", "JIRA_ENV_FILE"]);
pub(super) const NO_COLOR: Names = Names("no-color", &["INPUT_NO_COLOR", "NO_COLOR"]);

/// The flags of `broker serve`, each with its variable and its default.
const BROKER: [(Names, Option<&str>, &[&str]); 24] = [
    (Names("listen", &["JIRA_BROKER_LISTEN"]), Some("127.0.0.1:8080"), &[]),
    (Names("admin-listen", &["JIRA_BROKER_ADMIN_LISTEN"]), None, &[]),
    (Names("tls-cert", &["JIRA_BROKER_TLS_CERT"]), None, &[]),
    (Names("tls-key", &["JIRA_BROKER_TLS_KEY"]), None, &[]),
    (Names("tls-client-ca", &["JIRA_BROKER_TLS_CLIENT_CA"]), None, &[]),
    (Names("plaintext", &["JIRA_BROKER_PLAINTEXT"]), None, &[]),
    (Names("allow-exchange", &["JIRA_BROKER_ALLOW_EXCHANGE"]), None, &[]),
    (Names("replay-ttl", &["JIRA_BROKER_REPLAY_TTL"]), Some("60s"), &[]),
    (Names("replay-entries", &["JIRA_BROKER_REPLAY_ENTRIES"]), Some("100000"), &[]),
    (
        Names("without-coordination", &["JIRA_BROKER_WITHOUT_COORDINATION"]),
        Some("refuse"),
        &["refuse", "local"],
    ),
    (Names("redis-ca", &["JIRA_BROKER_REDIS_CA"]), None, &[]),
    (Names("trusted-proxy", &["JIRA_BROKER_TRUSTED_PROXY"]), None, &[]),
    (Names("max-connections", &["JIRA_BROKER_MAX_CONNECTIONS"]), Some("4096"), &[]),
    (Names("max-connections-per-address", &["JIRA_BROKER_MAX_CONNECTIONS_PER_ADDRESS"]), None, &[]),
    (Names("max-in-flight", &["JIRA_BROKER_MAX_IN_FLIGHT"]), Some("1024"), &[]),
    (Names("max-body", &["JIRA_BROKER_MAX_BODY"]), Some("65536"), &[]),
    (Names("header-timeout", &["JIRA_BROKER_HEADER_TIMEOUT"]), Some("10s"), &[]),
    (Names("body-timeout", &["JIRA_BROKER_BODY_TIMEOUT"]), Some("10s"), &[]),
    (Names("write-timeout", &["JIRA_BROKER_WRITE_TIMEOUT"]), Some("60s"), &[]),
    (Names("handshake-timeout", &["JIRA_BROKER_HANDSHAKE_TIMEOUT"]), Some("10s"), &[]),
    (Names("upstream-timeout", &["JIRA_BROKER_UPSTREAM_TIMEOUT"]), Some("30s"), &[]),
    (Names("grace", &["JIRA_BROKER_GRACE"]), Some("45s"), &[]),
    (Names("rate-limit", &["JIRA_BROKER_RATE_LIMIT"]), Some("600"), &[]),
    (Names("rate-burst", &["JIRA_BROKER_RATE_BURST"]), Some("60"), &[]),
];

/// The names of the flags of `broker serve`.
pub fn broker_flags() -> impl Iterator<Item = &'static str> {
    BROKER.iter().map(|(names, ..)| names.0)
}

/// What there is to say of a flag beside its type and its help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagFacts {
    /// Its name without the dashes.
    pub name: &'static str,
    /// The variables that say the same, the strongest first.
    pub variables: &'static [&'static str],
    /// What holds when nobody says anything.
    pub default: Option<&'static str>,
    /// The values it may have; empty: any.
    pub values: Vec<&'static str>,
}

/// The facts of a flag that `config` understands.
pub fn flag_facts(name: &str) -> Option<FlagFacts> {
    const OPEN: [Names; 21] = [
        BASE_URL,
        SITE,
        ENV_FILE,
        INSECURE,
        BROKER_URL,
        CLIENT_ID,
        CA_BUNDLE,
        CERT,
        KEY,
        REDIRECT_URI,
        ROTATION_OUTPUT,
        ROTATION_COMMAND,
        NO_INPUT,
        NO_COLOR,
        TIMEOUT,
        MAX_WAIT,
        QUIET,
        VERBOSE,
        EPIC_FIELD,
        SPRINT_FIELD,
        HTTPS,
    ];
    let closed = [
        (OUTPUT, "json", FORMATS.to_vec()),
        (SCOPE, "WRITE", Scope::ALL.map(Scope::as_str).to_vec()),
        (STORAGE, "keyring", StorageKind::ALL.map(StorageKind::as_str).to_vec()),
        (HOST, "127.0.0.1", vec!["127.0.0.1", "localhost"]),
        (PORT, "8085", vec![]),
    ];
    let open = OPEN.into_iter().map(|names| {
        let default = if names.0 == HTTPS.0 { Some("true") } else { None };
        (names, default, vec![])
    });
    let closed = closed.into_iter().map(|(names, default, values)| (names, Some(default), values));
    let broker = BROKER.into_iter().map(|(names, default, values)| (names, default, values.to_vec()));
    open.chain(closed)
        .chain(broker)
        .find(|(names, ..)| names.0 == name)
        .map(|(Names(name, variables), default, values)| FlagFacts { name, variables, default, values })
}
