//! A pair that Jira gave, as it is kept for those who may have it again: one string of bytes, and when the
//! access token ends.

use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::auth::session::Tokens;

/// The longest life that is believed; a deadline beyond it would overflow.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A granted pair. Whoever drops the last copy wipes it.
pub struct Granted {
    /// Three JSON texts without their quotes, one behind the other: access token, refresh token, scope.
    bytes: Zeroizing<Box<[u8]>>,
    /// Where the access token ends.
    access_end: u16,
    /// Where the refresh token ends; what follows is the scope, nothing if Jira named none.
    refresh_end: u16,
    /// When the access token ends.
    expires_at: Instant,
}

impl Granted {
    /// Takes a pair that was granted at `now`. `None` if it is larger than any Jira's.
    pub fn new(tokens: &Tokens, now: Instant) -> Option<Self> {
        let Tokens { access_token, refresh_token, expires_in, scope } = tokens;
        let parts = [access_token.expose(), refresh_token.expose(), scope.as_deref().unwrap_or_default()];
        let [access, refresh, scope] = parts.map(escaped_length);
        let access_end = u16::try_from(access).ok()?;
        let refresh_end = u16::try_from(access + refresh).ok()?;
        // Exactly as long as it will be: nothing is copied, and no copy stays behind.
        let mut bytes = Vec::with_capacity(access + refresh + scope);
        parts.iter().for_each(|part| push_escaped(&mut bytes, part));
        Some(Granted {
            access_end,
            refresh_end,
            bytes: Zeroizing::new(bytes.into()),
            expires_at: now + Duration::from_secs(*expires_in).min(LONGEST),
        })
    }

    /// The answer as it is at `now`, with what is left of the access token's life.
    pub fn answer(&self, now: Instant) -> Zeroizing<Vec<u8>> {
        let (first, second) = (usize::from(self.access_end), usize::from(self.refresh_end));
        // What stands around it has 120 bytes at most.
        let mut answer = Zeroizing::new(Vec::with_capacity(self.bytes.len() + 128));
        answer.extend_from_slice(b"{\"access_token\":\"");
        answer.extend_from_slice(&self.bytes[..first]);
        answer.extend_from_slice(b"\",\"refresh_token\":\"");
        answer.extend_from_slice(&self.bytes[first..second]);
        if second < self.bytes.len() {
            answer.extend_from_slice(b"\",\"scope\":\"");
            answer.extend_from_slice(&self.bytes[second..]);
        }
        answer.extend_from_slice(b"\",\"token_type\":\"Bearer\",\"expires_in\":");
        answer.extend_from_slice(self.left(now).to_string().as_bytes());
        answer.push(b'}');
        answer
    }

    /// Whole seconds that the access token has left at `now`.
    pub fn left(&self, now: Instant) -> u64 {
        self.expires_at.saturating_duration_since(now).as_secs()
    }

    /// When the access token ends. A sibling's clock is another: it is told what is [`Granted::left`].
    pub fn expires_at(&self) -> Instant {
        self.expires_at
    }

    /// The pair as one string of bytes without the time, to be sealed for a sibling.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.bytes.len() + 4);
        bytes.extend_from_slice(&self.access_end.to_be_bytes());
        bytes.extend_from_slice(&self.refresh_end.to_be_bytes());
        bytes.extend_from_slice(&self.bytes);
        Zeroizing::new(bytes)
    }

    /// The pair that a sibling sealed, with the end that was computed here. `None` if it is none.
    pub fn from_bytes(bytes: &[u8], expires_at: Instant) -> Option<Self> {
        let (lengths, bytes) = bytes.split_first_chunk::<4>()?;
        let [access_end, refresh_end] =
            [[lengths[0], lengths[1]], [lengths[2], lengths[3]]].map(u16::from_be_bytes);
        let whole = access_end <= refresh_end && usize::from(refresh_end) <= bytes.len();
        whole.then(|| Granted { bytes: Zeroizing::new(bytes.into()), access_end, refresh_end, expires_at })
    }
}

/// How long a text is between the quotes of a JSON string (RFC 8259 7).
fn escaped_length(text: &str) -> usize {
    let length = |byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(length).sum()
}

/// Writes it so.
fn push_escaped(bytes: &mut Vec<u8>, text: &str) {
    let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
    let (mut plain, text) = (0, text.as_bytes());
    for (at, &byte) in text.iter().enumerate() {
        let escape = match byte {
            b'"' | b'\\' => &[b'\\', byte][..],
            0..0x20 => &[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)],
            _ => continue,
        };
        bytes.extend_from_slice(&text[plain..at]);
        bytes.extend_from_slice(escape);
        plain = at + 1;
    }
    bytes.extend_from_slice(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::wire::Pair;
    use crate::secret::Secret;

    fn tokens(scope: Option<&str>) -> Tokens {
        Tokens {
            access_token: Secret::new("a\"1"),
            refresh_token: Secret::new("r\\2"),
            expires_in: 3600,
            scope: scope.map(str::to_owned),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_says_what_is_left_of_the_life() {
        let now = Instant::now();
        for scope in [Some("WRITE"), None] {
            let granted = Granted::new(&tokens(scope), now).unwrap();
            let copy = Granted::from_bytes(&granted.to_bytes(), granted.expires_at()).unwrap();
            for granted in [granted, copy] {
                let later = now + Duration::from_millis(20_500);
                let pair: Pair = serde_json::from_slice(&granted.answer(later)).unwrap();
                assert_eq!((pair.access_token.expose(), pair.refresh_token.expose()), ("a\"1", "r\\2"));
                assert_eq!((pair.expires_in, pair.scope.as_deref()), (3579, scope));
                assert_eq!(granted.left(now + Duration::from_secs(4000)), 0);
            }
        }
    }

    #[test]
    fn what_json_does_not_take_as_it_is_is_escaped() {
        for text in ["", "plain", "\"", "a\\b\"", "\u{1}\n\u{1f} \u{7f}é😀", "end\\"] {
            let mut bytes = Vec::new();
            push_escaped(&mut bytes, text);
            assert_eq!(bytes.len(), escaped_length(text), "{text:?}");
            let json = format!("\"{}\"", String::from_utf8(bytes).unwrap());
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text, "{json}");
        }
    }

    #[test]
    fn what_is_no_pair_is_none() {
        for bytes in [&[][..], &[0, 1, 0], &[0, 2, 0, 1, b'a', b'b'], &[0, 1, 0, 3, b'a', b'b']] {
            assert!(Granted::from_bytes(bytes, Instant::now()).is_none());
        }
        let huge = Tokens { access_token: Secret::new("a".repeat(70_000)), ..tokens(None) };
        assert!(Granted::new(&huge, Instant::now()).is_none());
    }
}
