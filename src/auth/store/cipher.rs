//! The format of an encrypted record, and how its key is made.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic: what kind of file |
//! | 1 | version |
//! | 4 | length of the ciphertext with its tag, big-endian |
//! | 16 | salt |
//! | 12 | nonce |
//! | n | AES-256-GCM ciphertext and tag; everything before and the store key are its associated data |
//! | 16 | the first half of SHA-256 over everything before |
//!
//! The checksum protects nothing from an attacker, who can compute it; the tag does that. It tells damage
//! from a wrong password, which the tag cannot: one needs a backup, the other another look at a variable.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key as AesKey, Nonce};
use hkdf::Hkdf;
use pbkdf2::{Algorithm, Params, Pbkdf2};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::{Secret, random};

use super::StoreKey;

/// What OWASP's password storage guide asks of PBKDF2-HMAC-SHA256.
pub(super) const ROUNDS: u32 = 600_000;

pub(super) const SALT: usize = 16;
pub(super) const NONCE: usize = 12;
pub(super) const TAG: usize = 16;
const CHECKSUM: usize = 16;
const HEADER: usize = 8 + 1 + 4 + SALT + NONCE;

/// One kind of encrypted file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    magic: [u8; 8],
    pub(super) version: u8,
}

/// A session under a master password.
pub(super) const FILE: Format = Format { magic: *b"\x89JOAUTH\n", version: 1 };
/// A session under an injected refresh token.
pub(super) const SEALED: Format = Format { magic: *b"\x89JOSEAL\n", version: 1 };

pub(super) type Salt = [u8; SALT];

/// A key: wiped when it goes, and not shown.
#[derive(Clone, Default)]
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct Key(Zeroizing<[u8; 32]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What is wrong with a record before any key is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormatError {
    OtherVersion(u8),
    Truncated,
    Damaged,
}

/// The key does not fit, or somebody changed the record and its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrongKey;

/// A record that is whole.
#[derive(Debug)]
pub(super) struct Record<'a> {
    header: &'a [u8],
    pub(super) salt: Salt,
    nonce: [u8; NONCE],
    ciphertext: &'a [u8],
}

impl<'a> Record<'a> {
    /// Takes a record apart and checks that it is whole.
    pub(super) fn parse(format: Format, bytes: &'a [u8]) -> Result<Self, FormatError> {
        let magic = &bytes[..bytes.len().min(8)];
        if magic != &format.magic[..magic.len()] {
            return Err(FormatError::Damaged);
        }
        // Before the rest, which another version may have laid out differently.
        match bytes.get(8) {
            Some(&version) if version != format.version => return Err(FormatError::OtherVersion(version)),
            _ => {}
        }
        let (header, rest) = bytes.split_at_checked(HEADER).ok_or(FormatError::Truncated)?;
        let length = u32::from_be_bytes(array(&header[9..13])) as usize;
        let whole = length.saturating_add(CHECKSUM);
        if rest.len() < whole || length < TAG {
            return Err(FormatError::Truncated);
        }
        let (checked, checksum) = bytes.split_at(HEADER + length);
        if checksum != &Sha256::digest(checked)[..CHECKSUM] {
            return Err(FormatError::Damaged);
        }
        Ok(Record {
            header,
            salt: array(&header[13..13 + SALT]),
            nonce: array(&header[13 + SALT..]),
            ciphertext: &rest[..length],
        })
    }

    /// Decrypts it.
    pub(super) fn open(&self, key: &Key, store_key: &StoreKey) -> Result<Secret, WrongKey> {
        let aad = associated(self.header, store_key);
        let payload = Payload { msg: self.ciphertext, aad: &aad };
        let plain = cipher(key).decrypt(&Nonce::from(self.nonce), payload).map_err(|_| WrongKey)?;
        // What the right key opens was text when it was sealed.
        String::from_utf8(plain).map(Secret::new).map_err(|_| WrongKey)
    }
}

/// Decrypts what another program has encrypted without associated data.
pub(super) fn open_bare(key: &Key, nonce: [u8; NONCE], ciphertext: &[u8]) -> Result<Secret, WrongKey> {
    let plain = cipher(key).decrypt(&Nonce::from(nonce), ciphertext).map_err(|_| WrongKey)?;
    String::from_utf8(plain).map(Secret::new).map_err(|_| WrongKey)
}

/// Encrypts a record, with a nonce of its own.
pub(super) fn seal(
    format: Format,
    salt: Salt,
    key: &Key,
    store_key: &StoreKey,
    value: &Secret,
) -> std::io::Result<Vec<u8>> {
    let too_large = || std::io::Error::from(std::io::ErrorKind::FileTooLarge);
    let plain = value.expose().as_bytes();
    let length = u32::try_from(plain.len() + TAG).map_err(|_| too_large())?;
    let nonce: [u8; NONCE] = random()?;

    let mut record = Vec::with_capacity(HEADER + plain.len() + TAG + CHECKSUM);
    record.extend_from_slice(&format.magic);
    record.push(format.version);
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(&salt);
    record.extend_from_slice(&nonce);
    let aad = associated(&record, store_key);
    let sealed = cipher(key)
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: &aad })
        .map_err(|_| too_large())?;
    record.extend_from_slice(&sealed);
    let checksum = Sha256::digest(&record);
    record.extend_from_slice(&checksum[..CHECKSUM]);
    Ok(record)
}

fn cipher(key: &Key) -> Aes256Gcm {
    let key: &AesKey<Aes256Gcm> = (&*key.0).into();
    Aes256Gcm::new(key)
}

/// The store key binds a record to its session: one file put in the place of another does not open.
fn associated(header: &[u8], store_key: &StoreKey) -> Vec<u8> {
    [header, store_key.as_str().as_bytes()].concat()
}

pub(super) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes[..N].try_into().expect("a slice of N bytes is an array of N bytes")
}

/// What keys are made from, and those made already: deriving one from a password is slow on purpose and
/// is done once a process and salt.
pub(super) struct Keys {
    source: Source,
    made: Mutex<HashMap<Salt, Key>>,
}

enum Source {
    /// By PBKDF2: somebody thought it up, and it can be guessed.
    Password { password: Secret, rounds: u32 },
    /// By HKDF: a token of the other side, which cannot.
    Token(Secret),
}

impl Keys {
    pub(super) fn from_password(password: Secret, rounds: u32) -> Self {
        Keys { source: Source::Password { password, rounds }, made: Mutex::default() }
    }

    pub(super) fn from_token(token: Secret) -> Self {
        Keys { source: Source::Token(token), made: Mutex::default() }
    }

    /// The key for a salt. Slow the first time: not for a thread of the runtime. Whoever comes while it
    /// is being derived waits for it instead of deriving it again.
    pub(super) fn key(&self, salt: &Salt) -> Key {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(*salt).or_insert_with(|| self.derive(salt)).clone()
    }

    fn derive(&self, salt: &Salt) -> Key {
        let mut key = Key::default();
        match &self.source {
            Source::Password { password, rounds } => {
                pbkdf2(*rounds, salt, password.expose().as_bytes(), key.0.as_mut_slice());
            }
            Source::Token(token) => Hkdf::<Sha256>::new(Some(salt), token.expose().as_bytes())
                .expand(b"jira-oauth: key of the sealed session of a CI job", key.0.as_mut_slice())
                .expect("HKDF-SHA256 gives up to 8,160 bytes"),
        }
        key
    }
}

/// PBKDF2-HMAC-SHA256 with at least 1,000 rounds. Of the library's functions this is the one that is compiled with
/// the library, for speed; the generic ones are compiled with this crate: for size, or not optimised at all.
fn pbkdf2(rounds: u32, salt: &[u8], password: &[u8], key: &mut [u8]) {
    let params = Params::new(rounds).expect("there are enough rounds");
    // Through a pointer that the optimiser does not see through: inlined here, its rounds would be compiled for size.
    let derive: fn(&Pbkdf2, &[u8], &[u8], &mut [u8]) = std::hint::black_box(Pbkdf2::hash_password_into);
    derive(&Pbkdf2::new(Algorithm::Pbkdf2Sha256, params), password, salt, key);
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn store_key() -> StoreKey {
        StoreKey::new("https://jira.example.com", "abc", None)
    }

    fn keys() -> Keys {
        Keys::from_password(Secret::new("correct horse"), 1000)
    }

    fn sealed() -> Vec<u8> {
        let salt = [7; SALT];
        seal(FILE, salt, &keys().key(&salt), &store_key(), &Secret::new(r#"{"a":"1"}"#)).unwrap()
    }

    #[test]
    fn what_is_sealed_opens() {
        let bytes = sealed();
        let record = Record::parse(FILE, &bytes).unwrap();
        let opened = record.open(&keys().key(&record.salt), &store_key()).unwrap();
        assert_eq!(opened.expose(), r#"{"a":"1"}"#);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let whole = sealed();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            Record::parse(FILE, &bytes).expect_err(&format!("bit {bit}"));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed_though_the_checksum_was_mended() {
        let whole = sealed();
        for bit in 0..(whole.len() - CHECKSUM) * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let end = bytes.len() - CHECKSUM;
            let checksum = Sha256::digest(&bytes[..end]);
            bytes[end..].copy_from_slice(&checksum[..CHECKSUM]);
            if let Ok(record) = Record::parse(FILE, &bytes) {
                record.open(&keys().key(&record.salt), &store_key()).expect_err(&format!("bit {bit}"));
            }
        }
    }

    #[test]
    fn every_truncation_is_noticed() {
        let whole = sealed();
        for length in 0..whole.len() {
            assert_eq!(
                Record::parse(FILE, &whole[..length]).unwrap_err(),
                FormatError::Truncated,
                "{length}"
            );
        }
        let longer = [whole.as_slice(), b"x"].concat();
        assert_eq!(Record::parse(FILE, &longer).unwrap_err(), FormatError::Damaged);
    }

    #[test]
    fn a_record_opens_only_with_its_password_under_its_key_and_as_its_kind() {
        let bytes = sealed();
        let record = Record::parse(FILE, &bytes).unwrap();
        let other = Keys::from_password(Secret::new("incorrect horse"), 1000);
        assert_eq!(record.open(&other.key(&record.salt), &store_key()).unwrap_err(), WrongKey);
        let elsewhere = StoreKey::new("https://evil.example.com", "abc", None);
        assert_eq!(record.open(&keys().key(&record.salt), &elsewhere).unwrap_err(), WrongKey);
        assert_eq!(Record::parse(SEALED, &bytes).unwrap_err(), FormatError::Damaged);
    }

    #[test]
    fn a_nonce_is_never_used_twice() {
        assert_ne!(sealed(), sealed());
    }

    #[test]
    fn a_key_is_derived_once_a_salt() {
        let (keys, salt) = (keys(), [7; SALT]);
        assert_ne!(keys.key(&salt), keys.key(&[8; SALT]));
        assert_eq!(keys.made.lock().unwrap().len(), 2);
        // Were it derived again, it would not be this one.
        let remembered = Key(Zeroizing::new([1; 32]));
        keys.made.lock().unwrap().insert(salt, remembered.clone());
        assert_eq!(keys.key(&salt), remembered);
    }

    #[test]
    fn the_derivation_is_pbkdf2_hmac_sha256() {
        // RFC 7914 section 11, the first 32 bytes; and what ring makes of the number of rounds that is used.
        let mut key = [0; 32];
        pbkdf2(80_000, b"NaCl", b"Password", &mut key);
        assert_eq!(
            crate::secret::hex(&key),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
        );
        let mut other = [0; 32];
        let rounds = ROUNDS.try_into().unwrap();
        ring::pbkdf2::derive(ring::pbkdf2::PBKDF2_HMAC_SHA256, rounds, &[7; SALT], b"password", &mut other);
        pbkdf2(ROUNDS, &[7; SALT], b"password", &mut key);
        assert_eq!(key, other);
    }
}
