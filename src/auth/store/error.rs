//! What a store and a lock can answer instead of doing what they were asked, in words for somebody who
//! reads them at two in the morning: what, where, and what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::disk::Refusal;
use crate::error::{Code, Failure};

/// Why a record cannot be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no keyring here at all.
    #[error(
        "there is no keyring here: {0}. Start one (on Linux a Secret Service such as gnome-keyring, on the \
         session's D-Bus), or log in with `--storage file`"
    )]
    KeyringAbsent(String),
    /// It is there, locked, and may not or could not be unlocked.
    #[error(
        "the keyring is locked: unlock it (a desktop login does), then run the command again; where nobody \
         can, `jira login --storage file`"
    )]
    KeyringLocked,
    /// It is there and says no.
    #[error("the keyring refused: {0}. Allow the access when it asks, and try again")]
    KeyringDenied(String),
    /// It is there and says nothing.
    #[error(
        "the keyring did not answer within {} s: is a dialog of it open? JIRA_KEYRING_TIMEOUT waits longer",
        .0.as_secs()
    )]
    KeyringSilent(Duration),
    /// It answered with something that is no record.
    #[error("the keyring holds no usable record: {0}. `jira logout`, then `jira login`, replaces it")]
    KeyringCorrupt(String),
    /// It does not take a write, or another call failed in a way of its own.
    #[error("the keyring failed: {0}")]
    KeyringFailed(String),
    /// The file is there, and nobody said its password.
    #[error(
        "the session is in {} and needs its master password: set JIRA_MASTER_PASSWORD or JIRA_MASTER_PASSWORD_FILE",
        .0.display()
    )]
    MasterPasswordMissing(PathBuf),
    /// There is no file yet, and nobody said what its password is to be.
    #[error(
        "a session file needs a master password, and none is set: set JIRA_MASTER_PASSWORD or \
         JIRA_MASTER_PASSWORD_FILE (the file would be {})",
        .0.display()
    )]
    MasterPasswordUnset(PathBuf),
    /// The file is whole, and the password does not open it.
    #[error(
        "the master password does not open {}: check JIRA_MASTER_PASSWORD; if it is lost, `jira logout`, then `jira login`",
        .0.display()
    )]
    MasterPasswordWrong(PathBuf),
    /// A sealed file of a CI job that this job's injected token does not open.
    #[error("{} was not sealed with the injected refresh token: delete it, and inject a new token", .0.display())]
    SealWrong(PathBuf),
    /// The record cannot be written; nothing has been spent.
    #[error("{} cannot be written ({source}): free space or permissions there, then run the command again", path.display())]
    Unwritable {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there and cannot be read.
    #[error("{} cannot be read ({source})", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not one that can be trusted.
    #[error("{} is not used: {why}", path.display())]
    Refused {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: Refusal,
    },
    /// The file was written by a release that this one does not know.
    #[error(
        "{} has format {found}, this release of jira reads format {known}: use the release that wrote it, \
         or `jira logout`, then `jira login`",
        path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The format it has.
        found: u8,
        /// The format that is understood.
        known: u8,
    },
    /// The file ends before it should.
    #[error("{} is cut short: restore it, or `jira logout`, then `jira login`", .0.display())]
    Truncated(PathBuf),
    /// The file is not what was written.
    #[error("{} is damaged: restore it, or `jira logout`, then `jira login`", .0.display())]
    Damaged(PathBuf),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::KeyringAbsent(_) => Code::KeyringAbsent,
            StoreError::KeyringLocked => Code::KeyringLocked,
            StoreError::KeyringDenied(_) => Code::KeyringDenied,
            StoreError::KeyringSilent(_) => Code::KeyringSilent,
            StoreError::MasterPasswordMissing(_)
            | StoreError::MasterPasswordUnset(_)
            | StoreError::MasterPasswordWrong(_) => Code::MasterPassword,
            StoreError::Unwritable { .. } | StoreError::KeyringFailed(_) => Code::StoreUnwritable,
            StoreError::KeyringCorrupt(_)
            | StoreError::SealWrong(_)
            | StoreError::Unreadable { .. }
            | StoreError::Refused { .. }
            | StoreError::OtherVersion { .. }
            | StoreError::Truncated(_)
            | StoreError::Damaged(_) => Code::StoreCorrupt,
        };
        Failure::new(code, error.to_string())
    }
}

/// Why a session's lock was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Somebody else held it for as long as we waited.
    #[error("another jira process has been refreshing this session for {} s: try again", .0.as_secs())]
    Busy(Duration),
    /// There is no place for a lock file.
    #[error("the session's lock cannot be used ({0}): without it a refresh could lose the session")]
    Unusable(#[source] io::Error),
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let code = match error {
            LockError::Busy(_) => Code::SessionBusy,
            LockError::Unusable(_) => Code::StoreUnwritable,
        };
        Failure::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_where_why_and_what_to_do() {
        let failure = Failure::from(StoreError::Unwritable {
            path: "/home/ann/.config/jira-oauth/sessions".into(),
            source: io::Error::from(io::ErrorKind::StorageFull),
        });
        assert_eq!(failure.code, Code::StoreUnwritable);
        assert_eq!(
            failure.message,
            "/home/ann/.config/jira-oauth/sessions cannot be written (no storage space): free space or \
             permissions there, then run the command again"
        );
    }

    #[test]
    fn a_silent_keyring_may_be_asked_again_and_a_locked_one_not() {
        assert!(Failure::from(StoreError::KeyringSilent(Duration::from_secs(5))).code.retryable());
        assert!(!Failure::from(StoreError::KeyringLocked).code.retryable());
    }
}
