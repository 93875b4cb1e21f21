//! PKCE as Jira does it (RFC 7636): `S256` and `plain`, the method's case ignored, `plain` where none is
//! named.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What the authorize request promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// The verifier's SHA-256, base64url.
    S256(String),
    /// The verifier itself.
    Plain(String),
}

impl Challenge {
    /// From the parameters of the authorize request. A method without a challenge is refused.
    pub(super) fn parse(
        challenge: Option<&str>,
        method: Option<&str>,
    ) -> Result<Option<Challenge>, &'static str> {
        let Some(challenge) = challenge else {
            return match method {
                None => Ok(None),
                Some(_) => Err("There is a code_challenge_method and no code_challenge."),
            };
        };
        if !is_well_formed(challenge) {
            return Err("The code_challenge must be 43 to 128 characters of A-Z, a-z, 0-9, -, ., _ and ~.");
        }
        match method {
            None => Ok(Some(Challenge::Plain(challenge.to_owned()))),
            Some(name) if name.eq_ignore_ascii_case("plain") => {
                Ok(Some(Challenge::Plain(challenge.to_owned())))
            }
            Some(name) if name.eq_ignore_ascii_case("S256") => {
                Ok(Some(Challenge::S256(challenge.to_owned())))
            }
            Some(_) => Err("The code_challenge_method must be S256 or plain."),
        }
    }

    /// Whether this verifier keeps the promise.
    pub(super) fn verify(&self, verifier: &str) -> bool {
        is_well_formed(verifier)
            && match self {
                Challenge::Plain(challenge) => challenge == verifier,
                Challenge::S256(challenge) => {
                    *challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
                }
            }
    }
}

/// RFC 7636, 4.1: 43 to 128 unreserved characters. Jira holds the challenge to it too.
fn is_well_formed(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn parse(challenge: &str, method: Option<&str>) -> Option<Challenge> {
        Challenge::parse(Some(challenge), method).ok().flatten()
    }

    #[test]
    fn the_example_of_the_rfc_is_verified_and_nothing_else() {
        for method in ["S256", "s256"] {
            let challenge = parse(CHALLENGE, Some(method)).unwrap();
            assert!(challenge.verify(VERIFIER));
            assert!(!challenge.verify(CHALLENGE), "S256 is not plain");
            assert!(!challenge.verify(&VERIFIER.replace('k', "j")));
            assert!(!challenge.verify(""));
        }
        assert!(parse(VERIFIER, None).unwrap().verify(VERIFIER), "plain where none is named");
        assert!(!parse(CHALLENGE, Some("PLAIN")).unwrap().verify(VERIFIER));
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        for bad in
            [&VERIFIER[..42], &"a".repeat(129), &VERIFIER.replace('-', "+"), &VERIFIER.replace('-', "ä")]
        {
            assert_eq!(parse(bad, Some("S256")), None, "{bad}");
        }
        assert_eq!(parse(CHALLENGE, Some("sha256")), None);
        assert_eq!(Challenge::parse(None, None), Ok(None));
        Challenge::parse(None, Some("S256")).unwrap_err();
        assert!(!Challenge::Plain("a".into()).verify("a"), "43 characters at least");
    }
}
