//! Where a session lies: one record a session, under a [`StoreKey`], in one of four places.
//!
//! A write has two halves. [`Store::prepare`] proves that it will succeed, [`Store::commit`] does it: the
//! refresh spends the old refresh token in between, and a record that cannot be saved after that is a
//! session lost (threat 3). Nothing here knows what a session is; a record is text.

mod cipher;
mod envelope;
mod error;
mod file;
pub mod go_jira;
mod keyring;
mod lock;
mod memory;
mod sealed;

#[cfg(test)]
mod contract;

use std::fmt;

use sha2::{Digest, Sha256};

use crate::secret::{Secret, hex};

pub use error::{LockError, StoreError};
pub use file::FileStore;
pub use keyring::Keyring;
pub use lock::{Lock, LockDir, Mark};
pub use memory::Memory;
pub use sealed::SealedFile;

/// The name of a session in every store and of its lock: 64 hexadecimal digits, so that it is a safe
/// file name and says nothing about whose session it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoreKey(String);

impl StoreKey {
    /// `sha256("baseURL:clientID")`, or `sha256("baseURL:clientID:site")` for a second session with the
    /// same pair. The base URL must be normalised already.
    pub fn new(base_url: &str, client_id: &str, site: Option<&str>) -> Self {
        let name = match site {
            None => format!("{base_url}:{client_id}"),
            Some(site) => format!("{base_url}:{client_id}:{site}"),
        };
        StoreKey(hex(&Sha256::digest(name.as_bytes())))
    }

    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The four places. Cloning is cheap, and a clone is the same store.
#[derive(Debug, Clone)]
pub enum Store {
    /// The keyring of the operating system.
    Keyring(Keyring),
    /// An encrypted file under the configuration directory.
    File(FileStore),
    /// An encrypted file of one CI job.
    Sealed(SealedFile),
    /// This process alone.
    Memory(Memory),
}

impl Store {
    /// The record, if there is one.
    pub async fn load(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError> {
        match self {
            Store::Keyring(keyring) => keyring.load(key).await,
            Store::File(files) => files.envelope(key).load().await,
            Store::Sealed(files) => files.envelope(key).load().await,
            Store::Memory(memory) => Ok(memory.load(key)),
        }
    }

    /// Proves that a write of this record will succeed, by doing everything that can fail. The old record
    /// stays what it is. Ends in [`Store::commit`] or [`Store::abandon`]; a pending write that is merely
    /// dropped leaves at most a placeholder, which reads as no record.
    pub async fn prepare(&self, key: &StoreKey) -> Result<Pending, StoreError> {
        let write = match self {
            Store::Keyring(keyring) => Write::Keyring(keyring.prepare(key).await?),
            Store::File(files) => Write::Envelope(files.envelope(key).prepare().await?),
            Store::Sealed(files) => Write::Envelope(files.envelope(key).prepare().await?),
            Store::Memory(memory) => Write::Memory(memory.prepare(key)?),
        };
        Ok(Pending(write))
    }

    /// Replaces the record. It runs to its end even if the caller stops waiting.
    pub async fn commit(&self, pending: Pending, value: &Secret) -> Result<(), StoreError> {
        match pending.0 {
            Write::Keyring(write) => write.commit(value).await,
            Write::Envelope(write) => write.commit(value).await,
            Write::Memory(write) => write.commit(value),
        }
    }

    /// Nothing came of it: takes back what [`Store::prepare`] left lying about.
    pub async fn abandon(&self, pending: Pending) {
        match pending.0 {
            Write::Keyring(write) => write.abandon().await,
            Write::Envelope(write) => drop(write),
            Write::Memory(write) => drop(write),
        }
    }

    /// Removes the record, whatever state it is in; `false` if there was none.
    pub async fn remove(&self, key: &StoreKey) -> Result<bool, StoreError> {
        match self {
            Store::Keyring(keyring) => keyring.remove(key).await,
            Store::File(files) => files.envelope(key).remove().await,
            Store::Sealed(files) => files.envelope(key).remove().await,
            Store::Memory(memory) => Ok(memory.remove(key)),
        }
    }

    /// The word for it in the session object: `keyring`, `file`, `sealed` or `memory`.
    pub fn kind(&self) -> &'static str {
        match self {
            Store::Keyring(_) => "keyring",
            Store::File(_) => "file",
            Store::Sealed(_) => "sealed",
            Store::Memory(_) => "memory",
        }
    }
}

/// A write that is known to be possible, for one record of one store.
#[derive(Debug)]
pub struct Pending(Write);

#[derive(Debug)]
enum Write {
    Keyring(keyring::Write),
    Envelope(envelope::Write),
    Memory(memory::Write),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_hash_of_url_client_and_site() {
        // printf '%s' 'https://jira.example.com:abc' | sha256sum
        assert_eq!(
            StoreKey::new("https://jira.example.com", "abc", None).as_str(),
            "e78af966e0e667c4390a9e0af70a19fb58b6097155bdb204189521b253d26535"
        );
        assert_eq!(
            StoreKey::new("https://jira.example.com", "abc", Some("agent")).as_str(),
            "2f6bfa0adcd6f688a4057d5660b7e3b8ffe9d8f7018ca483395d5956fc7b3e84"
        );
    }
}
