//! What go-jira has stored: an item of the keyring, or a file of its own under a master password. Both are
//! read, and never written.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `GJOA` |
//! | 1 | version, 1 |
//! | 16 | salt |
//! | 12 | nonce |
//! | n | AES-256-GCM ciphertext and tag, without associated data |
//!
//! The key is PBKDF2-HMAC-SHA256 of the master password, with as many rounds as ours.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::disk::{self, DiskError, Others};
use crate::error::{Code, Failure};
use crate::process::on_own_thread;
use crate::secret::Secret;

use super::cipher::{self, Keys, NONCE, SALT, TAG};
use super::{Keyring, StoreError, StoreKey};

/// The service under which its items stand in the keyring.
pub const SERVICE: &str = "go-jira";

const MAGIC: &[u8] = b"GJOA";
const VERSION: u8 = 1;
const HEADER: usize = 4 + 1 + SALT + NONCE;

/// Why its file was not opened. The file stays as it is.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// It is not to be trusted, or not readable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not its form.
    #[error("{} is no token file of go-jira's", .0.display())]
    NotAnArchive(PathBuf),
    /// A later form.
    #[error("{} has format {found}, and format {VERSION} of go-jira's is the one that is known", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The format it has.
        found: u8,
    },
    /// It ends too early.
    #[error("{} is cut short", .0.display())]
    Truncated(PathBuf),
    /// The two cannot be told apart: the format has no checksum besides the tag.
    #[error("the master password does not open {}, or the file is damaged: check JIRA_MASTER_PASSWORD", .0.display())]
    PasswordWrong(PathBuf),
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let text = error.to_string();
        match error {
            ArchiveError::Store(error) => error.into(),
            ArchiveError::PasswordWrong(_) => Failure::new(Code::MasterPassword, text),
            ArchiveError::NotAnArchive(_)
            | ArchiveError::OtherVersion { .. }
            | ArchiveError::Truncated(_) => Failure::new(Code::StoreCorrupt, text),
        }
    }
}

/// The item with this account; its account is the key that we would give the session too.
pub async fn item(keyring: &Keyring, account: &StoreKey) -> Result<Option<Secret>, StoreError> {
    keyring.foreign(SERVICE, account).await
}

/// Its file, read and found to have the right form.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Archive {
    /// Reads the file, if it is there; no password is needed to know that. It must be as private as ours.
    pub async fn read(path: &Path) -> Result<Option<Archive>, ArchiveError> {
        let target = path.to_owned();
        let read = on_own_thread(move || disk::read(&target, Others::Nothing)).await;
        let unread = |error: DiskError| match error {
            DiskError::Refused(why) => StoreError::Refused { path: path.to_owned(), why },
            error => StoreError::Unreadable { path: path.to_owned(), source: error.into() },
        };
        let bytes = read.map_err(|error| unread(error.into()))?.map_err(unread)?;
        bytes.map(|bytes| Archive::parse(path.to_owned(), bytes)).transpose()
    }

    fn parse(path: PathBuf, bytes: Vec<u8>) -> Result<Archive, ArchiveError> {
        let magic = &bytes[..bytes.len().min(MAGIC.len())];
        if bytes.is_empty() || magic != &MAGIC[..magic.len()] {
            return Err(ArchiveError::NotAnArchive(path));
        }
        match bytes.get(MAGIC.len()) {
            Some(&found) if found != VERSION => Err(ArchiveError::OtherVersion { path, found }),
            _ if bytes.len() < HEADER + TAG => Err(ArchiveError::Truncated(path)),
            _ => Ok(Archive { path, bytes }),
        }
    }

    /// Decrypts it; one derivation of a key.
    pub async fn open(self, password: Secret) -> Result<Secret, ArchiveError> {
        let path = self.path.clone();
        let opened = on_own_thread(move || self.decrypt(Keys::from_password(password, cipher::ROUNDS))).await;
        opened.unwrap_or_else(|source| Err(StoreError::Unreadable { path, source }.into()))
    }

    fn decrypt(self, keys: Keys) -> Result<Secret, ArchiveError> {
        let Archive { path, bytes } = self;
        let (header, ciphertext) = bytes.split_at(HEADER);
        let (salt, nonce) = header[MAGIC.len() + 1..].split_at(SALT);
        let key = keys.key(&cipher::array(salt));
        cipher::open_bare(&key, cipher::array(nonce), ciphertext)
            .map_err(|cipher::WrongKey| ArchiveError::PasswordWrong(path))
    }
}

#[cfg(test)]
mod tests {
    use aes_gcm::aead::{Aead, KeyInit};
    use aes_gcm::{Aes256Gcm, Key, Nonce};

    use super::*;

    const ROUNDS: u32 = 1000;
    const PLAIN: &str = r#"{"tokens":{}}"#;

    /// As go-jira writes it, with the pieces put together by hand.
    fn written() -> Vec<u8> {
        let (salt, nonce) = ([3; SALT], [5; NONCE]);
        let mut key = [0; 32];
        ring::pbkdf2::derive(
            ring::pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS.try_into().unwrap(),
            &salt,
            b"hunter2",
            &mut key,
        );
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(key));
        let sealed = cipher.encrypt(&Nonce::from(nonce), PLAIN.as_bytes()).unwrap();
        [b"GJOA".as_slice(), &[1], &salt, &nonce, &sealed].concat()
    }

    fn opened(bytes: &[u8], password: &str) -> Result<Secret, ArchiveError> {
        let archive = Archive::parse("tokens.enc".into(), bytes.to_vec())?;
        archive.decrypt(Keys::from_password(Secret::new(password), ROUNDS))
    }

    #[test]
    fn what_it_wrote_opens_with_its_password_alone() {
        assert_eq!(opened(&written(), "hunter2").unwrap(), Secret::new(PLAIN));
        let wrong = opened(&written(), "hunter3").unwrap_err();
        assert!(matches!(wrong, ArchiveError::PasswordWrong(_)), "{wrong}");
    }

    #[test]
    fn every_flipped_bit_and_every_missing_byte_is_noticed() {
        let whole = written();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            opened(&bytes, "hunter2").expect_err(&format!("bit {bit}"));
        }
        for length in 0..whole.len() {
            opened(&whole[..length], "hunter2").expect_err(&format!("{length} bytes"));
        }
    }

    #[test]
    fn damage_to_the_header_is_told_from_a_wrong_password() {
        let with = |at: usize, byte| {
            let mut bytes = written();
            bytes[at] = byte;
            opened(&bytes, "hunter2").unwrap_err()
        };
        assert!(matches!(with(0, b'X'), ArchiveError::NotAnArchive(_)));
        assert!(matches!(with(4, 2), ArchiveError::OtherVersion { found: 2, .. }));
        assert!(matches!(opened(&written()[..40], "hunter2"), Err(ArchiveError::Truncated(_))));
        assert!(matches!(opened(b"", "hunter2"), Err(ArchiveError::NotAnArchive(_))));
    }
}
