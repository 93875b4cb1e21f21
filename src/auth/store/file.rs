//! The file store: one encrypted file a session, under a master password.

use std::path::PathBuf;
use std::sync::Arc;

use crate::secret::Secret;

use super::StoreKey;
use super::cipher::{self, Keys};
use super::envelope::Envelope;

/// `<dir>/sessions/<store key>.enc`, 0600 in a 0700 directory. One file a session: in a shared one, the
/// locks of two sessions would not keep their writers apart.
#[derive(Debug, Clone)]
pub struct FileStore {
    dir: PathBuf,
    keys: Option<Arc<Keys>>,
}

impl FileStore {
    /// Sessions under the configuration directory `dir`, encrypted with a key made from `password` by
    /// PBKDF2-HMAC-SHA256 with 600,000 rounds.
    pub fn new(dir: PathBuf, password: Secret) -> Self {
        FileStore::with_rounds(dir, password, cipher::ROUNDS)
    }

    /// The same place, when nobody said the password: it knows whether there is a session, and can remove
    /// it.
    pub fn locked(dir: PathBuf) -> Self {
        FileStore { dir, keys: None }
    }

    pub(super) fn with_rounds(dir: PathBuf, password: Secret, rounds: u32) -> Self {
        FileStore { dir, keys: Some(Arc::new(Keys::from_password(password, rounds))) }
    }

    pub(super) fn envelope(&self, key: &StoreKey) -> Envelope {
        Envelope {
            path: self.dir.join("sessions").join(format!("{key}.enc")),
            own_dir: true,
            format: cipher::FILE,
            key: key.clone(),
            keys: self.keys.clone(),
        }
    }
}
