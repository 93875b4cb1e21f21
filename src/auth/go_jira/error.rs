//! Why no session of go-jira's is taken over, and where it was looked for.

use std::path::PathBuf;

use serde_json::{Value, json};
use thiserror::Error;

use crate::auth::error::AuthError;
use crate::auth::store::StoreError;
use crate::auth::store::go_jira::{ArchiveError, SERVICE};
use crate::error::{Code, Failure};

/// Why there is none.
#[derive(Debug, Error)]
pub enum GoJiraError {
    /// Nothing fits.
    #[error("there is no session of go-jira's that could be taken over: {0}")]
    NotFound(Looked),
    /// Several fit.
    #[error(
        "{} holds several sessions of go-jira's: say which with --base-url and --client-id", .0.display()
    )]
    Ambiguous(PathBuf, Vec<Held>),
    /// The file is there, and nobody said its password.
    #[error(
        "go-jira's sessions are in {} and need its master password: set JIRA_MASTER_PASSWORD or \
         JIRA_MASTER_PASSWORD_FILE",
        .0.display()
    )]
    PasswordMissing(PathBuf),
    /// A record that is not as go-jira writes them.
    #[error("the session of go-jira's in {place} cannot be taken over: {why}. It was left as it is")]
    Odd {
        /// Where it lies.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The keyring.
    #[error(transparent)]
    Keyring(StoreError),
    /// The question for the password.
    #[error(transparent)]
    Prompt(AuthError),
}

/// The places that were looked at.
#[derive(Debug, Default)]
pub struct Looked {
    /// The accounts that were asked for in the keyring; none if no client ID or no base URL is known.
    pub(super) accounts: Vec<String>,
    /// What the keyring said instead of being there.
    pub(super) keyring_absent: Option<String>,
    pub(super) archive: Option<PathBuf>,
    /// What else lies in the file.
    pub(super) held: Vec<Held>,
}

/// The Jira and the client of a session that go-jira holds.
#[derive(Debug)]
pub struct Held {
    pub(super) base_url: String,
    pub(super) client_id: String,
}

impl std::fmt::Display for Looked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.keyring_absent, self.accounts.as_slice()) {
            (Some(why), _) => write!(f, "there is no keyring ({why})")?,
            (None, []) => write!(
                f,
                "the keyring was not asked, which takes a base URL (--base-url) and a client ID (--client-id)"
            )?,
            (None, accounts) => {
                write!(f, "the keyring has no item of the service {SERVICE} for {}", accounts.join(" or "))?;
            }
        }
        match (&self.archive, self.held.len()) {
            (None, _) => write!(f, ", and without a home there is no tokens.enc"),
            (Some(path), 0) => write!(f, ", and there is nothing in {}", path.display()),
            (Some(path), held) => write!(f, ", and none of the {held} in {} fits", path.display()),
        }
    }
}

impl From<GoJiraError> for Failure {
    fn from(error: GoJiraError) -> Self {
        let text = error.to_string();
        match error {
            GoJiraError::NotFound(looked) => {
                let mut details = json!({ "service": SERVICE, "accounts": looked.accounts });
                details["path"] = json!(looked.archive.map(|path| path.display().to_string()));
                details["sessions"] = sessions(&looked.held);
                Failure::new(Code::NotLoggedIn, text).details(details)
            }
            GoJiraError::Ambiguous(_, held) => {
                Failure::new(Code::BadValue, text).details(json!({ "sessions": sessions(&held) }))
            }
            GoJiraError::PasswordMissing(_) => Failure::new(Code::MasterPassword, text),
            GoJiraError::Odd { .. } => Failure::new(Code::StoreCorrupt, text),
            GoJiraError::Archive(error) => error.into(),
            GoJiraError::Keyring(error) => error.into(),
            GoJiraError::Prompt(error) => error.into(),
        }
    }
}

fn sessions(held: &[Held]) -> Value {
    let one = |held: &Held| json!({ "base_url": held.base_url, "client_id": held.client_id });
    held.iter().map(one).collect()
}
