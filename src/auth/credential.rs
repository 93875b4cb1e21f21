//! What a request proves itself with.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::secret::Secret;

use super::refresh::{RefreshError, Refresher};
use super::session::Session;

/// Where a credential comes from, in the words of the session object's `auth_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// An injected refresh token.
    OauthEnv,
    /// A personal access token from the environment.
    Bearer,
    /// A user name and password from the environment.
    Basic,
    /// A stored OAuth session.
    OauthStorage,
    /// A stored personal access token.
    PatStorage,
}

impl AuthMode {
    /// Of a session that a login left behind.
    pub fn of_stored(session: &Session) -> Self {
        if session.refresh_token.is_some() { AuthMode::OauthStorage } else { AuthMode::PatStorage }
    }

    /// The word of the session object.
    pub fn as_str(self) -> &'static str {
        match self {
            AuthMode::OauthEnv => "oauth-env",
            AuthMode::Bearer => "bearer",
            AuthMode::Basic => "basic",
            AuthMode::OauthStorage => "oauth-storage",
            AuthMode::PatStorage => "pat-storage",
        }
    }
}

/// A credential.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Sent as it is; it cannot be renewed.
    Bearer(Secret),
    /// Sent as it is; it cannot be renewed.
    Basic {
        /// The login name.
        username: String,
        /// Its password.
        password: Secret,
    },
    /// A session that keeps itself usable.
    Session(Arc<Refresher>),
}

/// The value of one `Authorization` header, and the token inside it.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// The whole header value.
    pub header: Secret,
    token: Secret,
}

impl Credential {
    /// What to send. Refreshes first if the session needs it.
    pub async fn authorization(&self) -> Result<Authorization, RefreshError> {
        match self {
            Credential::Bearer(token) => Ok(bearer(token)),
            Credential::Basic { username, password } => {
                let pair = Secret::new(format!("{username}:{}", password.expose()));
                let encoded = BASE64_STANDARD.encode(pair.expose());
                Ok(Authorization { header: Secret::new(format!("Basic {encoded}")), token: password.clone() })
            }
            Credential::Session(session) => Ok(bearer(&session.access_token(None).await?)),
        }
    }

    /// What to send instead of `dead`, which Jira did not accept; none if there is nothing else.
    pub async fn instead_of(&self, dead: &Authorization) -> Result<Option<Authorization>, RefreshError> {
        match self {
            Credential::Bearer(_) | Credential::Basic { .. } => Ok(None),
            Credential::Session(session) => Ok(Some(bearer(&session.access_token(Some(&dead.token)).await?))),
        }
    }
}

/// The word with a capital B: Jira matches it with its case and treats anything else as anonymous.
fn bearer(token: &Secret) -> Authorization {
    Authorization { header: Secret::new(format!("Bearer {}", token.expose())), token: token.clone() }
}
