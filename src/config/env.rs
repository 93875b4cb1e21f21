//! The one table of every variable that this tool reads, apart from where the system says its directories
//! are (`HOME`, `XDG_…`, `APPDATA`: see `dirs.rs`), and from `INPUT_<FLAG>`, which stands in for any flag of
//! an operation.

/// A variable of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Whether its value is a secret.
    pub secret: bool,
    /// The variable that names a file with the value instead; every secret has one.
    pub file_twin: Option<&'static str>,
    /// What it is for.
    pub help: &'static str,
}

/// Declares the table: `plain`, `secret` (which makes the `_FILE` twin) and `flag`, another
/// way to set a flag.
macro_rules! variables {
    ($($kind:ident $name:literal $help:literal,)*) => {
        /// Every variable, in the order of the documentation.
        pub const VARIABLES: &[Variable] = &[$(variables!(@$kind $name $help),)*];
    };
    (@plain $name:literal $help:literal) => {
        Variable { name: $name, secret: false, file_twin: None, help: $help }
    };
    (@secret $name:literal $help:literal) => {
        Variable { name: $name, secret: true, file_twin: Some(concat!($name, "_FILE")), help: $help }
    };
    (@flag $name:literal $flag:literal) => {
        Variable { name: $name, secret: false, file_twin: None, help: concat!("as --", $flag) }
    };
}

variables! {
    plain "JIRA_BASE_URL" "base URL of Jira, context path included",
    secret "JIRA_TOKEN" "personal access token",
    plain "JIRA_USERNAME" "user name for basic authentication",
    secret "JIRA_PASSWORD" "password for basic authentication",
    plain "JIRA_INSECURE" "allow plain http and do not check certificates",
    plain "JIRA_CA_BUNDLE" "PEM file with roots to trust besides the system's",
    plain "JIRA_SITE" "site of config.toml to use",
    plain "JIRA_OUTPUT" "output format: json, jsonl or text",
    plain "JIRA_NO_INPUT" "never prompt",
    plain "JIRA_ENV_FILE" "file with variables; those already set win over it",
    plain "JIRA_CONFIG_DIR" "configuration directory, absolute and one's own",
    plain "JIRA_OAUTH_CLIENT_ID" "client ID of the application link",
    plain "JIRA_OAUTH_SCOPE" "scope to ask for: READ, WRITE, ADMIN or SYSTEM_ADMIN",
    plain "JIRA_OAUTH_CALLBACK_PORT" "port of the login's callback server",
    plain "JIRA_OAUTH_CALLBACK_HOST" "host of the callback: 127.0.0.1 or localhost",
    plain "JIRA_OAUTH_CALLBACK_HTTPS" "whether the callback speaks TLS",
    plain "JIRA_OAUTH_CALLBACK_CERT" "PEM certificate for the callback",
    plain "JIRA_OAUTH_CALLBACK_KEY" "PEM key for the callback",
    secret "JIRA_OAUTH_REFRESH_TOKEN" "injected refresh token of a CI job",
    plain "JIRA_OAUTH_REFRESH_TOKEN_OUTPUT" "file for the successor of the injected refresh token, or none",
    plain "JIRA_OAUTH_ROTATION_COMMAND" "command that gets the successor on stdin",
    secret "JIRA_MASTER_PASSWORD" "password of the encrypted session file",
    plain "JIRA_TOKEN_STORAGE" "where login stores the session: keyring or file",
    plain "JIRA_KEYRING_TIMEOUT" "how long a keyring call may take",
    plain "JIRA_TOKEN_BROKER_URL" "base URL of the refresh broker",
    secret "JIRA_BROKER_TOKEN" "caller token for the broker; of a broker, the one of its callers, or lines name=token in the file",
    secret "JIRA_OAUTH_CLIENT_SECRET" "secret of the application link; for the broker alone",
    secret "JIRA_BROKER_REDIS_URL" "redis:// or rediss:// URL that the replicas of a broker share",
    flag "JIRA_BROKER_LISTEN" "listen",
    flag "JIRA_BROKER_ADMIN_LISTEN" "admin-listen",
    flag "JIRA_BROKER_TLS_CERT" "tls-cert",
    flag "JIRA_BROKER_TLS_KEY" "tls-key",
    flag "JIRA_BROKER_TLS_CLIENT_CA" "tls-client-ca",
    flag "JIRA_BROKER_PLAINTEXT" "plaintext",
    flag "JIRA_BROKER_ALLOW_EXCHANGE" "allow-exchange",
    flag "JIRA_BROKER_REPLAY_TTL" "replay-ttl",
    flag "JIRA_BROKER_REPLAY_ENTRIES" "replay-entries",
    flag "JIRA_BROKER_WITHOUT_COORDINATION" "without-coordination",
    flag "JIRA_BROKER_REDIS_CA" "redis-ca",
    flag "JIRA_BROKER_TRUSTED_PROXY" "trusted-proxy",
    flag "JIRA_BROKER_MAX_CONNECTIONS" "max-connections",
    flag "JIRA_BROKER_MAX_CONNECTIONS_PER_ADDRESS" "max-connections-per-address",
    flag "JIRA_BROKER_MAX_IN_FLIGHT" "max-in-flight",
    flag "JIRA_BROKER_MAX_BODY" "max-body",
    flag "JIRA_BROKER_HEADER_TIMEOUT" "header-timeout",
    flag "JIRA_BROKER_BODY_TIMEOUT" "body-timeout",
    flag "JIRA_BROKER_WRITE_TIMEOUT" "write-timeout",
    flag "JIRA_BROKER_HANDSHAKE_TIMEOUT" "handshake-timeout",
    flag "JIRA_BROKER_UPSTREAM_TIMEOUT" "upstream-timeout",
    flag "JIRA_BROKER_GRACE" "grace",
    flag "JIRA_BROKER_RATE_LIMIT" "rate-limit",
    flag "JIRA_BROKER_RATE_BURST" "rate-burst",
    plain "JIRA_READ_ONLY" "refuse everything that changes something",
    plain "JIRA_NO_CACHE" "keep nothing for completion, and complete nothing from what was kept",
    plain "JIRA_DISABLED_TOOLS" "tools or groups that are switched off, separated by commas",
    plain "JIRA_ENABLED_TOOLS" "tools or groups that alone are switched on, separated by commas",
    flag "INPUT_BASE_URL" "base-url",
    secret "INPUT_TOKEN" "as JIRA_TOKEN",
    plain "INPUT_USERNAME" "as JIRA_USERNAME",
    secret "INPUT_PASSWORD" "as JIRA_PASSWORD",
    secret "INPUT_BROKER_TOKEN" "as JIRA_BROKER_TOKEN",
    flag "INPUT_INSECURE" "insecure",
    flag "INPUT_CA_BUNDLE" "ca-bundle",
    flag "INPUT_SITE" "site",
    flag "INPUT_ENV_FILE" "env-file",
    flag "INPUT_OUTPUT" "output",
    flag "INPUT_NO_INPUT" "no-input",
    flag "INPUT_NO_COLOR" "no-color",
    flag "INPUT_QUIET" "quiet",
    flag "INPUT_VERBOSE" "verbose",
    flag "INPUT_DEBUG" "debug",
    flag "INPUT_TIMEOUT" "timeout",
    flag "INPUT_MAX_WAIT" "max-wait",
    flag "INPUT_BROKER_URL" "broker-url",
    flag "INPUT_CLIENT_ID" "client-id",
    flag "INPUT_SCOPE" "scope",
    flag "INPUT_STORAGE" "storage",
    flag "INPUT_CALLBACK_PORT" "callback-port",
    flag "INPUT_CALLBACK_HOST" "callback-host",
    flag "INPUT_CALLBACK_HTTPS" "callback-https",
    flag "INPUT_CALLBACK_CERT" "callback-cert",
    flag "INPUT_CALLBACK_KEY" "callback-key",
    flag "INPUT_REDIRECT_URI" "redirect-uri",
    flag "INPUT_REFRESH_TOKEN_OUTPUT" "refresh-token-output",
    flag "INPUT_ROTATION_COMMAND" "rotation-command",
    flag "REF" "ref",
    flag "ISSUE_FORMAT" "issue-format",
    flag "INPUT_TRANSITION" "to-transition",
    flag "TRANSITION" "to-transition",
    flag "RESOLUTION" "resolution",
    flag "COMMENT" "comment",
    flag "ASSIGNEE" "assignee",
    flag "MARKDOWN" "markdown",
    flag "PROJECTS" "projects",
    flag "LENIENT" "lenient",
    flag "DRY_RUN" "dry-run",
    flag "INPUT_EPIC_FIELD" "epic-field",
    plain "EPIC_FIELD" "as INPUT_EPIC_FIELD",
    flag "INPUT_SPRINT_FIELD" "sprint-field",
    plain "SPRINT_FIELD" "as INPUT_SPRINT_FIELD",
    plain "OUTPUT" "as INPUT_OUTPUT",
    plain "NO_COLOR" "no colour, whatever its value",
    plain "CI" "no person sits here: never prompt",
    plain "RUNNER_TEMP" "where a CI job keeps its sealed session if no output file says",
    plain "SSL_CERT_FILE" "the system's bundle of roots",
    plain "SSL_CERT_DIR" "the system's directory of roots",
    plain "HTTP_PROXY" "proxy for http URLs; passed over inside a CGI script",
    plain "http_proxy" "proxy for http URLs",
    plain "HTTPS_PROXY" "proxy for https URLs",
    plain "https_proxy" "proxy for https URLs",
    plain "ALL_PROXY" "proxy for all URLs",
    plain "all_proxy" "proxy for all URLs",
    plain "NO_PROXY" "hosts that are reached without a proxy",
    plain "no_proxy" "hosts that are reached without a proxy",
}

/// What coding agents set in the shells they run, and `CI`: no person sits there, so nothing is asked.
pub const AGENT_MARKS: &[&str] = &[
    "CLAUDECODE",
    "CLAUDE_CODE",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CODEX_CI",
    "CODEX_THREAD_ID",
    "COPILOT_AGENT",
    "OPENCODE",
    "OPENCODE_CLIENT",
    "CLINE_ACTIVE",
    "AUGMENT_AGENT",
    "ANTIGRAVITY_AGENT",
    "GOOSE_TERMINAL",
    "AMP_CURRENT_THREAD_ID",
    "AI_AGENT",
    "CI",
];

/// The names of all variables that hold or name a secret: what is taken out of a child's environment.
pub fn secret_variables() -> impl Iterator<Item = &'static str> {
    let declared = VARIABLES.iter().filter(|variable| variable.secret);
    declared.flat_map(|variable| std::iter::once(variable.name).chain(variable.file_twin))
}

/// The row of a variable.
pub(super) fn variable(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_stands_once() {
        let mut names: Vec<_> = VARIABLES.iter().map(|variable| variable.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VARIABLES.len());
    }

    #[test]
    fn every_secret_has_a_twin_and_is_kept_from_children() {
        for variable in VARIABLES {
            let twin = format!("{}_FILE", variable.name);
            assert_eq!(variable.file_twin, variable.secret.then_some(twin.as_str()));
            assert_eq!(secret_variables().any(|name| name == variable.name), variable.secret);
            assert_eq!(secret_variables().any(|name| name == twin), variable.secret);
        }
        for word in ["TOKEN", "PASSWORD", "SECRET"] {
            let ends_so = VARIABLES.iter().filter(|variable| variable.name.ends_with(word));
            assert!(ends_so.clone().all(|variable| variable.secret), "{word}");
        }
    }
}
