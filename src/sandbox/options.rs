//! How a sandbox is started, and why it may not start.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::error::{Code, Failure};
use crate::serve::ServeError;

use super::Scope;

/// How the sandbox's Jira is set up. The default is an ordinary Jira with a link for `jira`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens. Default `127.0.0.1:0`, any free port.
    pub listen: SocketAddr,
    /// Serve https with a certificate minted at the start. Default no.
    pub tls: bool,
    /// Where Jira lives below the host, `/jira` say. Default nowhere: the root.
    pub context_path: String,
    /// The base URL that Jira is configured with, if it is another than the address it is reached at.
    pub base_url_override: Option<String>,
    /// This account consents at once, without a page being shown.
    pub auto_approve: Option<String>,
    /// How long an access token lives. Default one hour.
    pub token_ttl: Duration,
    /// How long a refresh token lives. Default 90 days.
    pub refresh_ttl: Duration,
    /// How long an authorization code lives. Default 10 s.
    pub code_ttl: Duration,
    /// On which grants the client secret is demanded. Default on none.
    pub confidential: Confidential,
    /// Demand a PKCE challenge. Jira does not; a client that forgets it should hear of it here. Default yes.
    pub require_pkce: bool,
    /// Demand on a refresh the redirect URI of the login, as some versions do. Default no.
    pub strict_refresh_redirect: bool,
    /// The registered redirect URIs.
    pub redirect_uris: Vec<String>,
    /// The widest scope that the link allows. Default `ADMIN`.
    pub max_scope: Scope,
    /// The client ID; random unless given.
    pub client_id: Option<String>,
    /// The client secret; random unless given.
    pub client_secret: Option<String>,
    /// The name of the application, as the consent page shows it.
    pub client_name: String,
    /// The rate limit of each account. Default none.
    pub rate_limit: Option<RateLimit>,
    /// How long each answer of a REST call is held back. Default not at all.
    pub latency: Duration,
    /// How many issues there are.
    pub issues: usize,
    /// The most issues that one page of a search holds, whatever was asked for. Default 1000.
    pub page_cap: usize,
    /// Whether answers carry `X-AUSERNAME`; some proxies take it away. Default yes.
    pub send_username_header: bool,
}

impl Options {
    /// What the administrator registered for `jira`: the loopback callback, over https and as the one
    /// form over http that Jira takes.
    pub const REDIRECT_URIS: [&str; 2] =
        ["https://127.0.0.1:8085/callback", "http://localhost:8085/callback"];
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tls: false,
            context_path: String::new(),
            base_url_override: None,
            auto_approve: None,
            token_ttl: Duration::from_secs(3600),
            refresh_ttl: Duration::from_secs(90 * 24 * 3600),
            code_ttl: Duration::from_secs(10),
            confidential: Confidential::Off,
            require_pkce: true,
            strict_refresh_redirect: false,
            redirect_uris: Options::REDIRECT_URIS.map(str::to_owned).to_vec(),
            max_scope: Scope::Admin,
            client_id: None,
            client_secret: None,
            client_name: "jira command line".to_owned(),
            rate_limit: None,
            latency: Duration::ZERO,
            issues: 300,
            page_cap: 1000,
            send_username_header: true,
        }
    }
}

/// On which grants the client secret is demanded. In a real Jira it is one switch for both
/// (`atlassian.oauth2.provider.validate.client.secret`); instances that want it on refresh alone have
/// been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Confidential {
    /// On none; one that is sent is not looked at.
    #[default]
    Off,
    /// On `refresh_token` alone.
    Refresh,
    /// On `authorization_code` and `refresh_token`.
    All,
}

/// A token bucket for each account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests the full bucket holds.
    pub limit: u64,
    /// How many are added each interval.
    pub fill_rate: u64,
    /// The interval; Jira keeps it in whole seconds.
    pub interval: Duration,
}

impl RateLimit {
    /// The administrator's "block all requests".
    pub const BLOCK_ALL: RateLimit = RateLimit { limit: 0, fill_rate: 0, interval: Duration::from_secs(1) };
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address cannot be listened on.
    #[error("the sandbox cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// No certificate.
    #[error("the sandbox has no certificate: {0}")]
    Tls(#[from] ServeError),
    /// Jira would not let this redirect URI be registered.
    #[error("redirect URI {uri:?}: {reason}")]
    RedirectUri {
        /// What was given.
        uri: String,
        /// Which of Jira's rules it breaks.
        reason: &'static str,
    },
    /// The context path cannot be one.
    #[error("context path {0:?}: letters, digits and -_./ after a leading slash")]
    ContextPath(String),
    /// There is no such account.
    #[error("no account {0:?} in the sandbox")]
    NoUser(String),
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        let message = error.to_string();
        match error {
            SandboxError::Listen(..) => Failure::new(Code::PortBusy, message),
            SandboxError::Tls(error) => Failure { message, ..error.into() },
            SandboxError::RedirectUri { .. } | SandboxError::ContextPath(_) | SandboxError::NoUser(_) => {
                Failure::new(Code::BadValue, message)
            }
        }
    }
}
