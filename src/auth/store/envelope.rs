//! One record in one encrypted file: the file store and the sealed file of a CI job differ in where it
//! lies and what opens it, and in nothing else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{self, DiskError, Others, Prepared};
use crate::process::on_own_thread;
use crate::secret::{Secret, random};

use super::cipher::{self, Format, FormatError, Key, Keys, Record, Salt};
use super::{StoreError, StoreKey};

/// The least room that is made sure of before a write. A session has some 2,000 bytes; the next one may
/// have longer tokens than this one.
const ROOM: usize = 8 * 1024;

/// A record's file, and what opens it.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    pub(super) path: PathBuf,
    /// Whether the directory is ours, so that it must be private.
    pub(super) own_dir: bool,
    pub(super) format: Format,
    pub(super) key: StoreKey,
    /// `None`: nobody said the master password.
    pub(super) keys: Option<Arc<Keys>>,
}

impl Envelope {
    pub(super) async fn load(self) -> Result<Option<Secret>, StoreError> {
        let path = self.path.clone();
        on_own_thread(move || self.read().map(|opened| opened.map(|opened| opened.value)))
            .await
            .map_err(|source| StoreError::Unreadable { path, source })?
    }

    pub(super) async fn prepare(self) -> Result<Write, StoreError> {
        let path = self.path.clone();
        on_own_thread(move || self.make_ready())
            .await
            .map_err(|source| StoreError::Unwritable { path, source })?
    }

    pub(super) async fn remove(self) -> Result<bool, StoreError> {
        let path = self.path.clone();
        on_own_thread(move || disk::remove(&self.path))
            .await
            .flatten()
            .map_err(|source| StoreError::Unwritable { path, source })
    }

    fn read(&self) -> Result<Option<Opened>, StoreError> {
        let path = || self.path.clone();
        let Some(keys) = &self.keys else {
            // Not even a password would open a link; but whether something is there is known without.
            return match self.path.symlink_metadata() {
                Ok(_) => Err(StoreError::MasterPasswordMissing(path())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(StoreError::Unreadable { path: path(), source }),
            };
        };
        let Some(bytes) = disk::read(&self.path, Others::Nothing).map_err(|error| self.unread(error))? else {
            return Ok(None);
        };
        let record = Record::parse(self.format, &bytes).map_err(|error| match error {
            FormatError::OtherVersion(found) => {
                StoreError::OtherVersion { path: path(), found, known: self.format.version }
            }
            FormatError::Truncated => StoreError::Truncated(path()),
            FormatError::Damaged => StoreError::Damaged(path()),
        })?;
        let value = record.open(&keys.key(&record.salt), &self.key).map_err(|cipher::WrongKey| {
            if self.format == cipher::SEALED {
                StoreError::SealWrong(path())
            } else {
                StoreError::MasterPasswordWrong(path())
            }
        })?;
        Ok(Some(Opened { value, salt: record.salt, size: bytes.len() }))
    }

    /// What cannot be read is never overwritten: a mistyped master password at a login must not replace
    /// the session of the right one. `remove` takes it away.
    fn make_ready(self) -> Result<Write, StoreError> {
        let old = self.read()?;
        let Some(keys) = self.keys.clone() else { return Err(StoreError::MasterPasswordUnset(self.path)) };
        let room = old.as_ref().map_or(ROOM, |old| ROOM.max(2 * old.size));
        self.make_dir()?;
        let unwritable = |error| unwritable(&self.path, error);
        let salt = match old {
            // Kept, so that a refresh needs no second derivation.
            Some(old) => old.salt,
            None => random().map_err(|error| unwritable(error.into()))?,
        };
        let key = keys.key(&salt);
        let prepared = Prepared::new(&self.path, room).map_err(unwritable)?;
        Ok(Write { prepared, salt, key, envelope: self })
    }

    fn make_dir(&self) -> Result<(), StoreError> {
        let dir = disk::parent(&self.path);
        let made =
            if self.own_dir { disk::private_dir(dir) } else { disk::make_dir(dir).map_err(DiskError::Io) };
        made.map_err(|error| unwritable(dir, error))
    }

    fn unread(&self, error: DiskError) -> StoreError {
        let path = self.path.clone();
        match error {
            DiskError::Io(source) => StoreError::Unreadable { path, source },
            DiskError::Refused(why) => StoreError::Refused { path, why },
            DiskError::TooLarge => StoreError::Damaged(path),
        }
    }
}

fn unwritable(path: &Path, error: DiskError) -> StoreError {
    let path = path.to_owned();
    match error {
        DiskError::Refused(why) => StoreError::Refused { path, why },
        other => StoreError::Unwritable { path, source: other.into() },
    }
}

struct Opened {
    value: Secret,
    salt: Salt,
    size: usize,
}

/// A file that is ready to be written, and the key to write it with.
#[derive(Debug)]
pub(super) struct Write {
    prepared: Prepared,
    salt: Salt,
    key: Key,
    envelope: Envelope,
}

impl Write {
    pub(super) async fn commit(self, value: &Secret) -> Result<(), StoreError> {
        let Write { prepared, salt, key, envelope } = self;
        let Envelope { path, format, key: store_key, .. } = envelope;
        let value = value.clone();
        on_own_thread(move || {
            let record = cipher::seal(format, salt, &key, &store_key, &value)?;
            prepared.commit(&record)
        })
        .await
        .flatten()
        .map_err(|source| StoreError::Unwritable { path, source })
    }
}
