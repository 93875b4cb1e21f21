//! `config.toml` as a file: read without following where others lead, and locked.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::disk::{self, DiskError, Others, Refusal};

use super::ConfigError;

/// A change takes milliseconds; whoever holds the lock longer is stuck.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The text of the file, or nothing where there is none.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let wrong = |reason: String| ConfigError::BadSitesFile { path: path.to_owned(), reason };
    let bytes = disk::read(path, Others::MayRead).map_err(|error| match error {
        DiskError::Io(error) => wrong(format!("cannot be read: {error}")),
        DiskError::Refused(why) => wrong(refused(why).to_owned()),
        DiskError::TooLarge => wrong("is larger than 1 MiB".to_owned()),
    })?;
    String::from_utf8(bytes.unwrap_or_default()).map_err(|_| wrong("is not UTF-8".to_owned()))
}

fn refused(why: Refusal) -> &'static str {
    match why {
        Refusal::Symlink => "is a symbolic link; put the file itself there",
        Refusal::NotAFile | Refusal::NotADirectory => "is not a file",
        Refusal::ForeignOwner | Refusal::OpenToOthers(_) => "can be written by other users: chmod go-w it",
    }
}

/// Takes the lock beside the file, until the returned handle goes; makes the directory where there is none.
/// The lock file is never deleted: that would let two processes hold two locks.
pub(super) async fn lock(path: &Path) -> Result<File, ConfigError> {
    disk::make_dir(disk::parent(path)).map_err(|error| unwritable(path, error))?;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let file = disk::open(&mut options, &beside(path, ".lock"), Others::MayRead)
        .map_err(|error| unwritable(path, error))?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(LOCK_PAUSE).await,
            Err(TryLockError::WouldBlock) => return Err(ConfigError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(unwritable(path, error)),
        }
    }
}

/// What the system said when a file was to be written.
pub(super) fn unwritable(path: &Path, error: impl Into<io::Error>) -> ConfigError {
    ConfigError::Unwritable { path: path.to_owned(), reason: error.into().to_string() }
}

fn beside(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    PathBuf::from(name)
}
