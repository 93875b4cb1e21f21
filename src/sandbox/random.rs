//! Random identifiers: fresh at every start, so that nothing outlives a sandbox by accident.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// So many random bytes.
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::getrandom(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// 32 lower-case hex digits.
pub(super) fn id() -> String {
    hex(&bytes::<16>())
}

/// A personal access token in Jira's form: base64 of a number, a colon and random bytes, 44 characters.
pub(super) fn pat() -> String {
    let number = u64::from_be_bytes(bytes()) % 1_000_000_000_000;
    let mut token = format!("{number:012}:").into_bytes();
    token.extend(bytes::<20>());
    STANDARD_NO_PAD.encode(token)
}

/// Bytes as lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
