//! Which credential is meant, of those that could be: the one place that knows the order.
//!
//! An injected refresh token, a personal access token, a user name with its password, the stored session.
//! The keyring is not touched while an earlier one applies.

use crate::config::{Settings, Source, Sourced};
use crate::secret::Secret;

use super::error::AuthError;

/// The credential that a command would use.
#[derive(Clone, Copy, Debug)]
pub enum Chosen<'a> {
    /// A refresh token that a CI job was given.
    Injected(&'a Sourced<Secret>),
    /// A personal access token of the environment.
    Token(&'a Sourced<Secret>),
    /// A user name and password of the environment.
    Basic {
        /// The login name.
        username: &'a Sourced<String>,
        /// Its password.
        password: &'a Sourced<Secret>,
    },
    /// What a login left behind, if anything.
    Stored,
}

impl<'a> Chosen<'a> {
    /// Who names a site means its session, whatever stands in the environment.
    pub fn of(settings: &'a Settings) -> Result<Self, AuthError> {
        if settings.site_named {
            return Ok(Chosen::Stored);
        }
        if let Some(token) = &settings.refresh_token {
            return Ok(Chosen::Injected(token));
        }
        if let Some(token) = &settings.token {
            return Ok(Chosen::Token(token));
        }
        match (&settings.username, &settings.password) {
            (Some(username), Some(password)) => Ok(Chosen::Basic { username, password }),
            (Some(_), None) => Err(AuthError::HalfBasic("JIRA_USERNAME", "JIRA_PASSWORD")),
            (None, Some(_)) => Err(AuthError::HalfBasic("JIRA_PASSWORD", "JIRA_USERNAME")),
            (None, None) => Ok(Chosen::Stored),
        }
    }

    /// Where it stands, unless in a store.
    pub fn source(&self) -> Option<&'a Source> {
        match self {
            Chosen::Injected(secret) | Chosen::Token(secret) | Chosen::Basic { password: secret, .. } => {
                Some(&secret.source)
            }
            Chosen::Stored => None,
        }
    }
}
