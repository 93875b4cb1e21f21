//! What can go wrong between a command and its credential, and what each of it is to the caller.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;
use thiserror::Error;

use crate::config::{BaseUrl, ConfigError, SiteName};
use crate::error::{Actor, Code, Failure, Hint};
use crate::http::HttpError;

use super::endpoint::EndpointError;
use super::injected::{HandoverError, Undelivered};
use super::login::LoginError;
use super::loopback::LoopbackError;
use super::redirect::RedirectError;
use super::refresh::RefreshError;
use super::resolve::hint_name;
use super::store::{LockError, StoreError};
use super::trust::TrustError;

/// Why there is no credential, or no login.
#[derive(Debug, Error)]
pub enum AuthError {
    /// Nothing says which Jira.
    #[error(
        "no Jira is named: log in with `jira login --base-url https://…`, or set JIRA_BASE_URL, or name a site"
    )]
    NoBaseUrl,
    /// A site was named that does not exist.
    #[error("there is no site named {}", .0.as_str())]
    NoSuchSite(SiteName),
    /// Nothing is stored for this Jira, and nothing stands in the environment.
    #[error("not logged in{}{}", at(.base_url), ways(.site))]
    NotLoggedIn {
        /// The site, if it is known by name.
        site: Option<SiteName>,
        /// The Jira.
        base_url: Option<BaseUrl>,
    },
    /// Half of basic authentication.
    #[error("{0} is set and {1} is not; basic authentication needs both")]
    HalfBasic(&'static str, &'static str),
    /// An injected refresh token belongs to a client that is not named.
    #[error("JIRA_OAUTH_REFRESH_TOKEN needs the client ID that it was issued to: set JIRA_OAUTH_CLIENT_ID")]
    InjectedWithoutClientId,
    /// Another value than what the session trusts.
    #[error("refused: {error}")]
    Pinned {
        /// What differs.
        error: TrustError,
        /// The site, for the hint.
        site: Option<SiteName>,
    },
    /// What lies in the store is no session.
    #[error("the stored session cannot be read: {0}; log in again to replace it")]
    Corrupt(String),
    /// A question to the person got no answer.
    #[error("the question at the terminal got no answer: {0}")]
    Prompt(String),
    /// The refresh.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The handover in CI.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// The redirect URI.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The connection.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The login.
    #[error(transparent)]
    Login(#[from] LoginError),
}

fn at(base_url: &Option<BaseUrl>) -> impl fmt::Display {
    base_url.as_ref().map_or(String::new(), |url| format!(" at {}", url.as_str()))
}

/// What a job does, where nobody has ever logged in. Who named a site means its session alone.
fn ways(site: &Option<SiteName>) -> &'static str {
    match site {
        Some(_) => "",
        None => ": log in, or set JIRA_TOKEN, or JIRA_USERNAME and JIRA_PASSWORD",
    }
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let text = error.to_string();
        match error {
            AuthError::NoBaseUrl => Failure::new(Code::NoBaseUrl, text).hint(Hint::Help("login")),
            AuthError::NoSuchSite(_) => Failure::new(Code::NoBaseUrl, text).hint(Hint::SiteList),
            AuthError::NotLoggedIn { site: Some(site), .. } => Failure::new(Code::NotLoggedIn, text)
                .hint(Hint::Login { site: Some(site.as_str().to_owned()) }),
            AuthError::NotLoggedIn { site: None, base_url: Some(url) } => {
                Failure::new(Code::NotLoggedIn, text)
                    .hint(Hint::LoginAt { base_url: url.as_str().to_owned() })
            }
            AuthError::NotLoggedIn { site: None, base_url: None } => {
                Failure::new(Code::NotLoggedIn, text).hint(Hint::Login { site: None })
            }
            AuthError::HalfBasic(..) => Failure::new(Code::BadValue, text),
            AuthError::InjectedWithoutClientId => Failure::new(Code::NoClientId, text),
            AuthError::Pinned { error, site } => pinned(text, error, hint_name(&site)),
            AuthError::Corrupt(_) => Failure::new(Code::StoreCorrupt, text).hint(Hint::Login { site: None }),
            AuthError::Prompt(_) => Failure::new(Code::NeedsPerson, text),
            AuthError::Refresh(error) => error.into(),
            AuthError::Store(error) => error.into(),
            AuthError::Handover(error) => error.into(),
            AuthError::Redirect(error) => error.into(),
            AuthError::Config(error) => error.into(),
            AuthError::Http(error) => error.into(),
            AuthError::Login(error) => error.into(),
        }
    }
}

fn pinned(text: String, error: TrustError, site: Option<String>) -> Failure {
    let failure = Failure::new(Code::Pinned, text);
    match (error, site) {
        (TrustError::Broker { asked, .. }, Some(site)) => {
            failure.hint(Hint::SiteSet { site, setting: "broker-url", value: asked.as_str().to_owned() })
        }
        // A path of the environment is nothing to paste; `--insecure` and a proxy are said anew each time.
        (TrustError::CaBundle { .. }, Some(site)) => failure.hint(Hint::Login { site: Some(site) }),
        (TrustError::Broker { .. } | TrustError::CaBundle { .. }, None) => failure.hint(Hint::SiteList),
        (
            TrustError::InsecureAsked { .. }
            | TrustError::InsecureNotSaid
            | TrustError::Proxy
            | TrustError::Roots { .. },
            _,
        ) => failure.hint(Hint::ConfigShow),
    }
}

impl From<RefreshError> for Failure {
    fn from(error: RefreshError) -> Self {
        let text = error.to_string();
        let login = Hint::Login { site: None };
        match error {
            RefreshError::Ended(_) => Failure::new(Code::SessionEnded, text).hint(login),
            RefreshError::Spent(_) => Failure::new(Code::RefreshTokenSpent, text),
            RefreshError::Gone => Failure::new(Code::NotLoggedIn, text).hint(login),
            RefreshError::NotRenewable => {
                Failure::new(Code::TokenRejected, text).hint(Hint::LoginPat { site: None })
            }
            RefreshError::Corrupt(_) => Failure::new(Code::StoreCorrupt, text).hint(login),
            RefreshError::Lost(_) => Failure::new(Code::StoreUnwritable, text).hint(login),
            RefreshError::Lock(error) => error.into(),
            RefreshError::Store(error) => error.into(),
            RefreshError::Endpoint(EndpointError::InvalidClient(_)) => Failure::new(
                Code::LoginDenied,
                format!(
                    "{text}. The session is untouched, but this Jira demands the client's secret for a refresh, which \
                     this program never holds: a broker that holds it can refresh, or the administrator starts Jira \
                     with -Datlassian.oauth2.provider.validate.client.secret=false"
                ),
            )
            .actor(Actor::Admin),
            RefreshError::Endpoint(error) => error.into(),
            RefreshError::Broker(error) => error.into(),
            RefreshError::Handover(error) => error.into(),
            RefreshError::Undelivered(error) => error.into(),
            RefreshError::Vanished => Failure::new(Code::RefreshInterrupted, text),
        }
    }
}

/// What is left where Jira demands the client's secret at a login; `broker` is the host of one that does not
/// exchange yet.
pub(super) fn ways_on(broker: Option<&str>) -> String {
    let broker = match broker {
        None => "a broker that exchanges and refreshes (`jira broker serve --allow-exchange`), named with --broker-url"
            .to_owned(),
        Some(host) => {
            format!("the broker at {host}, which exchanges when its operator starts it with --allow-exchange")
        }
    };
    format!(
        "This Jira checks the client's secret, which this program never holds. Ways on: a personal access token \
         (`jira login --pat`); {broker}; or the administrator starts Jira with \
         -Datlassian.oauth2.provider.validate.client.secret=false"
    )
}

impl From<EndpointError> for Failure {
    fn from(error: EndpointError) -> Self {
        let text = error.to_string();
        match error {
            EndpointError::InvalidGrant(_) => {
                Failure::new(Code::SessionEnded, text).hint(Hint::Login { site: None })
            }
            EndpointError::InvalidClient(_) => {
                Failure::new(Code::LoginDenied, format!("{text}. {}", ways_on(None)))
                    .hint(Hint::LoginPat { site: None })
                    .actor(Actor::Admin)
            }
            EndpointError::InvalidRequest(_) => Failure::new(Code::BadRequest, text).actor(Actor::Admin),
            EndpointError::Refused { status, .. } => {
                Failure::new(Code::BadRequest, text).status(status).actor(Actor::Admin)
            }
            EndpointError::RateLimited { retry_after } => {
                let mut failure = Failure::new(Code::RateLimited, text).status(429);
                failure.retry_after = retry_after;
                failure
            }
            EndpointError::Unavailable { status } => Failure::new(Code::ServerError, text).status(status),
            EndpointError::Redirected { .. } => Failure::new(Code::SsoIntercepted, text),
            EndpointError::Garbage => Failure::new(Code::NotJira, text),
            EndpointError::Http(error) => error.into(),
        }
    }
}

impl From<HandoverError> for Failure {
    fn from(error: HandoverError) -> Self {
        let text = error.to_string();
        match error {
            HandoverError::NoTarget => Failure::new(Code::RotationTargetMissing, text),
            HandoverError::NotWritable { .. } => Failure::new(Code::StoreUnwritable, text),
        }
    }
}

impl From<Undelivered> for Failure {
    fn from(error: Undelivered) -> Self {
        let text = error.to_string();
        let Undelivered { fault: _, written, sealed } = error;
        let files = [("refresh_token_output", written), ("sealed", Some(sealed))];
        let shown = |path: PathBuf| Value::from(path.display().to_string());
        let files = files.into_iter().filter_map(|(name, path)| Some((name.to_owned(), shown(path?))));
        Failure::new(Code::RotationPending, text).details(Value::Object(files.collect()))
    }
}

impl From<RedirectError> for Failure {
    fn from(error: RedirectError) -> Self {
        Failure::new(Code::BadValue, error.to_string()).hint(Hint::Help("login"))
    }
}

impl From<LoopbackError> for Failure {
    fn from(error: LoopbackError) -> Self {
        let text = error.to_string();
        match error {
            LoopbackError::PortBusy { .. } | LoopbackError::Bind { .. } => Failure::new(Code::PortBusy, text),
        }
    }
}

impl From<LockError> for AuthError {
    fn from(error: LockError) -> Self {
        AuthError::Refresh(error.into())
    }
}
