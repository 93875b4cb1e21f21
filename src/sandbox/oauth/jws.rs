//! Jira's tokens: a JWS in compact form, HS256, whose only claim is an internal id. To a client they say
//! nothing; what they stand for is in the provider's books.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::sandbox::random;

/// The block size of SHA-256.
const BLOCK: usize = 64;

/// A new token, signed with the key.
pub(super) fn mint(key: &[u8; 32]) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"id":"{}"}}"#, random::id()));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Whether the text has the form of a JWS: three parts in base64url, the first a JSON object.
pub(super) fn has_the_form(token: &str) -> bool {
    let parts: Option<Vec<_>> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok()).collect();
    match parts.as_deref() {
        Some([header, claims, _]) => [header, claims]
            .into_iter()
            .all(|json| serde_json::from_slice::<Value>(json).is_ok_and(|value| value.is_object())),
        _ => false,
    }
}

/// RFC 2104, for keys not longer than a block.
fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; BLOCK];
        block.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 1; a key of 20 bytes is the same as one filled with zeros.
    #[test]
    fn the_signature_is_hmac_sha256() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(
            random::hex(&hmac_sha256(&key, b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }

    #[test]
    fn our_tokens_have_the_form_and_junk_has_not() {
        let (one, other) = (mint(&[1; 32]), mint(&[1; 32]));
        assert!(has_the_form(&one));
        assert_ne!(one, other);
        for junk in ["", "abc", "a.b", "a.b.c", "..", &one[1..], &format!("{one}.x")] {
            assert!(!has_the_form(junk), "{junk}");
        }
    }
}
