//! A secret from the moment it is read until it is sent: it cannot be printed, logged or serialised by
//! accident, and its memory is wiped when it goes.

use std::fmt;

use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// What stands in the place of a secret.
const STRUCK: &str = "[secret]";

/// A token, password or key in text form. No `Display`, no `Serialize`; `Debug` redacts.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text; the caller must not keep a copy.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Zeroizing::new(text.into()))
    }

    /// Takes bytes that were read from outside; what is not UTF-8 in them is replaced.
    pub fn from_utf8_lossy(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Secret::new(text),
            Err(error) => {
                let bytes = Zeroizing::new(error.into_bytes());
                Secret::new(String::from_utf8_lossy(&bytes))
            }
        }
    }

    /// The text itself: to be put into a header, a form, a store or a child's stdin, and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nothing but white space is in it.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Whether it is one word of visible ASCII, as every token is (RFC 6749 appendix A): what else it held
    /// could not be sent, or would end a line where it is written.
    pub fn is_visible_ascii(&self) -> bool {
        !self.is_empty() && self.0.chars().all(|c| c.is_ascii_graphic())
    }

    /// A text of somebody who has seen the secret, without it: neither as it is nor as a form writes it.
    pub fn struck_from(&self, text: &str) -> String {
        let in_a_form: Zeroizing<String> = Zeroizing::new(byte_serialize(self.0.as_bytes()).collect());
        match self.is_empty() {
            true => text.to_owned(),
            false => text.replace(&*self.0, STRUCK).replace(&*in_a_form, STRUCK),
        }
    }

    /// SHA-256 as lower-case hex: to name a secret, or to recognise it again, without keeping it.
    pub fn fingerprint(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

/// In constant time, so that a comparison says nothing about where two secrets differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Random bytes from the system: for keys, and for names that nobody can guess.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    fill_randomly(&mut bytes)?;
    Ok(bytes)
}

/// Fills a buffer with them.
pub fn fill_randomly(bytes: &mut [u8]) -> std::io::Result<()> {
    getrandom::getrandom(bytes).map_err(|error| std::io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_redacts() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(Secret(…))");
    }

    #[test]
    fn a_text_is_without_the_secret_however_it_was_written() {
        let secret = Secret::new("a/b+c");
        assert_eq!(secret.struck_from("said a/b+c and x=a%2Fb%2Bc&y"), "said [secret] and x=[secret]&y");
        assert_eq!(Secret::new("").struck_from("said"), "said");
    }

    #[test]
    fn the_fingerprint_is_sha256() {
        assert_eq!(
            Secret::new("abc").fingerprint(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
