//! What Redis gets to see of a token: names and a sealed result, derived from it by HKDF under labels of their
//! own. Whoever reads Redis, its dump or its traffic finds nothing to use, and cannot tell who asked; whoever
//! writes to it can make results vanish, but not make one up.

use std::time::Duration;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use tokio::time::Instant;
use zeroize::{Zeroize, Zeroizing};

use super::scripts::Stored;
use crate::broker::caller::Caller;
use crate::broker::granted::Granted;
use crate::secret::{Secret, hex, random};

const NAME: &[u8] = b"jira-oauth broker: name of a token";
const KEY: &[u8] = b"jira-oauth broker: key of a result";
const CALLER: &[u8] = b"jira-oauth broker: name of a caller\0";

/// What the layout of a sealed result is called: it is authenticated, so that another one does not open.
const LAYOUT: &[u8] = b"jira-oauth broker: result 1";

const NONCE: usize = 12;
/// In front of the pair: milliseconds that the access token had left, and that the result was to be kept.
const TIMES: usize = 16;

/// One token, as Redis knows it.
pub(super) struct Names {
    keys: [String; 4],
    derived: Hkdf<Sha256>,
}

impl Names {
    /// `realm` sets apart brokers that share a Redis.
    pub(super) fn of(realm: &str, token: &Secret) -> Self {
        let derived = Hkdf::<Sha256>::new(Some(realm.as_bytes()), token.expose().as_bytes());
        let mut name = [0; 16];
        derived.expand(NAME, &mut name).expect("HKDF-SHA256 gives up to 8,160 bytes");
        let name = hex(&name);
        // The braces keep the keys of one token in one slot of a cluster, where a script needs them.
        let keys = ["lock", "marks", "result", "callers"].map(|key| format!("jira-broker:{{{name}}}:{key}"));
        Names { keys, derived }
    }

    /// Lock, marks, result, callers.
    pub(super) fn keys(&self) -> &[String; 4] {
        &self.keys
    }

    /// A caller of this token: another name for every token, so that nobody sees who asks for several.
    pub(super) fn caller(&self, caller: &Caller) -> String {
        let mut name = [0; 16];
        self.derived
            .expand_multi_info(&[CALLER, caller.as_str().as_bytes()], &mut name)
            .expect("HKDF-SHA256 gives up to 8,160 bytes");
        hex(&name)
    }

    /// Seals a pair that will be kept for `life`.
    pub(super) fn seal(
        &self,
        pair: &[u8],
        expires_at: Instant,
        life: Duration,
        now: Instant,
    ) -> std::io::Result<Vec<u8>> {
        let nonce: [u8; NONCE] = random()?;
        let mut plain = Zeroizing::new(Vec::with_capacity(TIMES + pair.len()));
        plain.extend_from_slice(&ms(expires_at.saturating_duration_since(now)));
        plain.extend_from_slice(&ms(life));
        plain.extend_from_slice(pair);
        let sealed = self
            .cipher()
            .encrypt(&Nonce::from(nonce), Payload { msg: &plain, aad: LAYOUT })
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::FileTooLarge))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens a result. `None` if it is none of this token's.
    pub(super) fn open(&self, stored: &Stored, now: Instant) -> Option<Granted> {
        let (nonce, sealed) = stored.sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: LAYOUT };
        let plain = Zeroizing::new(self.cipher().decrypt(&Nonce::from(*nonce), payload).ok()?);
        let (times, pair) = plain.split_first_chunk::<TIMES>()?;
        let left = from_ms(times.first_chunk()?);
        let life = from_ms(times.last_chunk()?);
        let age = life.saturating_sub(stored.left);
        Granted::from_bytes(pair, now.checked_add(left.saturating_sub(age))?)
    }

    fn cipher(&self) -> Aes256Gcm {
        let mut key = Key::<Aes256Gcm>::default();
        self.derived.expand(KEY, &mut key).expect("HKDF-SHA256 gives up to 8,160 bytes");
        let cipher = Aes256Gcm::new(&key);
        key.as_mut_slice().zeroize();
        cipher
    }
}

fn ms(time: Duration) -> [u8; 8] {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).to_be_bytes()
}

fn from_ms(bytes: &[u8; 8]) -> Duration {
    Duration::from_millis(u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::session::Tokens;

    const LIFE: Duration = Duration::from_secs(60);

    fn names(token: &str) -> Names {
        Names::of("https://jira.example.com client", &Secret::new(token))
    }

    fn granted(now: Instant) -> Granted {
        let tokens = Tokens {
            access_token: Secret::new("access-canary"),
            refresh_token: Secret::new("refresh-canary"),
            expires_in: 3600,
            scope: None,
        };
        Granted::new(&tokens, now).unwrap()
    }

    fn sealed(names: &Names, now: Instant) -> Vec<u8> {
        let granted = granted(now);
        names.seal(&granted.to_bytes(), granted.expires_at(), LIFE, now).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_and_has_aged() {
        let now = Instant::now();
        let sealed = sealed(&names("old"), now);
        // Another process, whose clock has nothing to do with ours: all it knows is what Redis says.
        let then = now + Duration::from_secs(1_000_000);
        let stored = Stored { sealed, left: LIFE - Duration::from_secs(20) };
        let opened = names("old").open(&stored, then).unwrap();
        assert_eq!(opened.left(then), 3580);
        assert_eq!(*opened.to_bytes(), *granted(now).to_bytes());
    }

    #[test]
    fn it_opens_with_its_own_token_in_its_own_realm_and_unchanged() {
        let now = Instant::now();
        let whole = sealed(&names("old"), now);
        let opens = |names: &Names, sealed: &[u8]| {
            names.open(&Stored { sealed: sealed.to_owned(), left: LIFE }, now).is_some()
        };
        assert!(opens(&names("old"), &whole));
        assert!(!opens(&names("other"), &whole));
        assert!(!opens(&Names::of("https://evil.example.com client", &Secret::new("old")), &whole));
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(!opens(&names("old"), &changed), "byte {at}");
            assert!(!opens(&names("old"), &whole[..at]), "cut at {at}");
        }
    }

    #[test]
    fn nothing_that_redis_sees_is_or_repeats_a_secret() {
        let now = Instant::now();
        let names = names("old-canary");
        let caller = names.caller(&Caller::token("caller-canary"));
        let (one, two) = (sealed(&names, now), sealed(&names, now));
        assert_ne!(one, two, "a nonce is never used twice");
        let seen = format!("{:?} {caller} {one:?} {}", names.keys(), String::from_utf8_lossy(&one));
        assert!(!seen.contains("canary"), "{seen}");
        assert!(!seen.contains(&Secret::new("old-canary").fingerprint()[..12]), "the log names it by this");
        let other = Names::of("realm", &Secret::new("other"));
        assert_ne!(caller, other.caller(&Caller::token("caller-canary")));
        assert_ne!(caller, names.caller(&Caller::certificate("caller-canary")));
    }
}
