//! Configuration: what was typed, then what it means. One order for every value: flag, `INPUT_…`
//! variable, environment, `--env-file`, the site in `config.toml`, default; each value remembers where it
//! came from. Nothing is read from the working directory by itself, so that a cloned repository cannot
//! redirect a token (docs/security.md, row 4).

mod dirs;
mod duration;
mod edit;
mod env;
mod error;
mod file;
mod flags;
mod named;
mod names;
mod resolve;
mod show;
mod site;
pub mod switch;
mod url;
mod vars;
mod which;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use dirs::{Dirs, go_jira_archive};
pub use duration::parse_duration;
pub use edit::{SETTINGS, Setting};
pub use env::{AGENT_MARKS, VARIABLES, Variable, secret_variables};
pub use error::ConfigError;
pub use flags::{FlagFacts, broker_flags, flag_facts};
pub use named::{SecretPlace, names_files};
pub use names::{ClientId, Scope, SiteName, StorageKind};
pub use resolve::{Meant, meant, resolve};
pub use site::{Site, Sites};
pub use switch::parse_boolean;
pub use url::BaseUrl;
pub use vars::Vars;

use crate::secret::Secret;

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

impl<T> Sourced<T> {
    /// A value from a source.
    pub fn new(value: T, source: Source) -> Self {
        Sourced { value, source }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The command line; the flag's name without its dashes.
    Flag(&'static str),
    /// The environment; the variable's name.
    Env(String),
    /// The file that `--env-file` names; the variable's name.
    EnvFile(String),
    /// A site in `config.toml`; its name.
    Site(String),
    /// Nobody said anything.
    Default,
    /// Said when the binary was built.
    Baked,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flag(name) => write!(f, "flag --{name}"),
            Source::Env(name) => write!(f, "env {name}"),
            Source::EnvFile(name) => write!(f, "env-file {name}"),
            Source::Site(name) => write!(f, "site {name}"),
            Source::Default => write!(f, "default"),
            Source::Baked => write!(f, "built in"),
        }
    }
}

/// The global and the login flags as they were typed; `None` where a flag was not.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// `--base-url`
    pub base_url: Option<String>,
    /// `--site`
    pub site: Option<String>,
    /// `--ca-bundle`
    pub ca_bundle: Option<String>,
    /// `--insecure`
    pub insecure: Option<bool>,
    /// `--broker-url`
    pub broker_url: Option<String>,
    /// `--env-file`; empty: none, whatever `JIRA_ENV_FILE` says.
    pub env_file: Option<String>,
    /// `--output`
    pub output: Option<String>,
    /// `--timeout`
    pub timeout: Option<String>,
    /// `--max-wait`
    pub max_wait: Option<String>,
    /// `--no-input`
    pub no_input: Option<bool>,
    /// `--no-color`
    pub no_color: Option<bool>,
    /// `--quiet`
    pub quiet: Option<bool>,
    /// How often `--verbose` was typed.
    pub verbose: u8,
    /// `--client-id`
    pub client_id: Option<String>,
    /// `--scope`
    pub scope: Option<String>,
    /// `--storage`
    pub storage: Option<String>,
    /// `--callback-port`
    pub callback_port: Option<String>,
    /// `--callback-host`
    pub callback_host: Option<String>,
    /// `--callback-https`
    pub callback_https: Option<bool>,
    /// `--callback-cert`
    pub callback_cert: Option<String>,
    /// `--callback-key`
    pub callback_key: Option<String>,
    /// `--redirect-uri`
    pub redirect_uri: Option<String>,
    /// `--rotation-command`
    pub rotation_command: Option<String>,
    /// `--refresh-token-output`
    pub refresh_token_output: Option<String>,
    /// This is a broker: `JIRA_BROKER_TOKEN` holds the tokens of its callers, not one of its own.
    pub is_broker: bool,
}

/// What all of it means together. Made by [`resolve`] alone.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The site that was chosen, if it exists.
    pub site: Option<Site>,
    /// Whether `--site` or `JIRA_SITE` chose it. Then its session is meant: credentials of the
    /// environment are passed over (the warning is in [`Settings::warnings`]).
    pub site_named: bool,
    /// The site that was named and does not exist: `login` creates it, everything else fails.
    pub site_name_wanted: Option<Sourced<SiteName>>,
    /// The Jira.
    pub base_url: Option<Sourced<BaseUrl>>,
    /// The client ID. A named site's own goes before the environment's.
    pub client_id: Option<Sourced<ClientId>>,
    /// The scope to ask for.
    pub scope: Option<Sourced<Scope>>,
    /// Where the browser comes back to.
    pub callback: Callback,
    /// Where the session lies.
    pub storage: Option<Sourced<StorageKind>>,
    /// The broker.
    pub broker_url: Option<Sourced<BaseUrl>>,
    /// The caller token for the broker.
    pub broker_token: Option<Sourced<Secret>>,
    /// Roots to add to the system's.
    pub ca_bundle: Option<Sourced<PathBuf>>,
    /// Whether `--insecure` was said, now.
    pub insecure: Sourced<bool>,
    /// `SSL_CERT_FILE`
    pub ssl_cert_file: Option<PathBuf>,
    /// `SSL_CERT_DIR`
    pub ssl_cert_dir: Option<PathBuf>,
    /// The proxies of the environment.
    pub proxies: Proxies,
    /// An injected refresh token.
    pub refresh_token: Option<Sourced<Secret>>,
    /// Where the successor of an injected refresh token goes.
    pub rotation_output: Option<RotationOutput>,
    /// What gets the successor on stdin.
    pub rotation_command: Option<String>,
    /// `RUNNER_TEMP`
    pub runner_temp: Option<PathBuf>,
    /// A personal access token.
    pub token: Option<Sourced<Secret>>,
    /// The user name of basic authentication.
    pub username: Option<Sourced<String>>,
    /// The password of basic authentication.
    pub password: Option<Sourced<Secret>>,
    /// The password of the encrypted file.
    pub master_password: Option<Sourced<Secret>>,
    /// How long a keyring call may take.
    pub keyring_timeout: Option<Duration>,
    /// `JIRA_READ_ONLY`
    pub read_only: bool,
    /// `JIRA_NO_CACHE`
    pub no_cache: bool,
    /// `JIRA_DISABLED_TOOLS`
    pub disabled_tools: Vec<String>,
    /// `JIRA_ENABLED_TOOLS`; `None`: all.
    pub enabled_tools: Option<Vec<String>>,
    /// The id of the epic field.
    pub epic_field: Option<Sourced<String>>,
    /// The id of the sprint field.
    pub sprint_field: Option<Sourced<String>>,
    /// `json`, `jsonl` or `text`.
    pub output: Option<Sourced<String>>,
    /// Whether prompts were forbidden by flag or variable.
    pub no_input: bool,
    /// The variable that shows that no person sits here: an agent's mark, or `CI`.
    pub agent: Option<&'static str>,
    /// How long the command may take.
    pub timeout: Option<Duration>,
    /// How long to wait for a rate limit.
    pub max_wait: Option<Duration>,
    /// `--no-color` or `NO_COLOR`.
    pub no_color: bool,
    /// `--quiet`
    pub quiet: bool,
    /// How much to tell: 0, 1 or 2.
    pub verbose: u8,
    /// Our directories.
    pub dirs: Dirs,
    /// The variables, for what single operations ask.
    pub vars: Vars,
    /// What the user should know: code and message.
    pub warnings: Vec<(String, String)>,
    /// Where the values came from that do not say so themselves.
    sources: Vec<(&'static str, Source)>,
}

/// The callback server of `login`.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The port, 1 to 65535.
    pub port: Sourced<u16>,
    /// `127.0.0.1` or `localhost`.
    pub host: Sourced<String>,
    /// Whether it speaks TLS.
    pub https: Sourced<bool>,
    /// A certificate to use instead of one minted in memory; with its key or not at all.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// The exact registered string, which overrides all of it.
    pub redirect_uri: Option<Sourced<String>>,
}

/// The proxies of the environment, as they stand there. `Debug` redacts: a proxy URL may hold a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For http URLs.
    pub http: Option<String>,
    /// For https URLs.
    pub https: Option<String>,
    /// For both, where there is no other.
    pub all: Option<String>,
    /// Hosts that are reached without one.
    pub no_proxy: Option<String>,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redact = |proxy: &Option<String>| proxy.as_deref().map(show::redact_url);
        f.debug_struct("Proxies")
            .field("http", &redact(&self.http))
            .field("https", &redact(&self.https))
            .field("all", &redact(&self.all))
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

/// Where the successor of an injected refresh token goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationOutput {
    /// `none`: it may be lost.
    Discard,
    /// A file.
    File(PathBuf),
}

#[cfg(test)]
mod tests;
