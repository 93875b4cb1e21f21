//! One attempt to log in: the state, the code verifier and the URL that carries their public halves
//! (RFC 6749 4.1, RFC 7636), and the judgement of what comes back.

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, CsrfToken, PkceCodeChallenge, RedirectUrl};
use thiserror::Error;
use url::Url;

use crate::config::{BaseUrl, ClientId, Scope};
use crate::secret::Secret;

/// Bytes of randomness in the code verifier; 48 make 64 characters, well inside Jira's 43 to 128.
const VERIFIER_BYTES: u32 = 48;

/// What one attempt to log in is recognised by.
#[derive(Debug)]
pub struct Attempt {
    /// Where the browser is to go.
    pub url: Url,
    /// What Jira must echo.
    state: Secret,
    /// Proves to Jira that the one who redeems the code is the one who asked for it.
    pub code_verifier: Secret,
    /// The exact redirect URI.
    pub redirect_uri: String,
}

/// What came back with the right state.
#[derive(Debug)]
pub enum Outcome {
    /// An authorization code.
    Code(Secret),
    /// An error of Jira's: the code of RFC 6749 4.1.2.1, one word. The description is left aside: it is
    /// text from outside that nobody needs.
    Denied(String),
}

/// Why an answer does not count. The attempt goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotOurs {
    /// The state is missing or another's.
    #[error("the state is not the one of this login")]
    State,
    /// The state is right, and there is neither a code nor an error, or one of them twice.
    #[error("it carries no authorization code")]
    NoCode,
    /// It is no URL, or not the redirect URI.
    #[error("it does not begin with the redirect URI of this login")]
    Elsewhere,
}

impl Attempt {
    /// A new attempt, with a new state and verifier.
    pub fn new(base_url: &BaseUrl, client_id: &ClientId, scope: Scope, redirect_uri: &str) -> Self {
        let authorize = base_url.join("/rest/oauth2/latest/authorize");
        let client = BasicClient::new(oauth2::ClientId::new(client_id.as_str().to_owned()))
            .set_auth_uri(AuthUrl::new(authorize).expect("a base URL with a path is a URL"))
            .set_redirect_uri(
                RedirectUrl::new(redirect_uri.to_owned()).expect("the redirect URI has been parsed"),
            );
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256_len(VERIFIER_BYTES);
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scope(oauth2::Scope::new(scope.as_str().to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        Attempt {
            url,
            state: Secret::new(state.into_secret()),
            code_verifier: Secret::new(verifier.into_secret()),
            redirect_uri: redirect_uri.to_owned(),
        }
    }

    /// Judges the query of a request to the callback.
    pub fn judge(&self, query: &str) -> Result<Outcome, NotOurs> {
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let only = |name: &str| {
            let mut found = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_ref());
            match (found.next(), found.next()) {
                (Some(value), None) if !value.is_empty() => Some(value),
                _ => None,
            }
        };
        if only("state").is_none_or(|state| Secret::new(state) != self.state) {
            return Err(NotOurs::State);
        }
        let named = |name: &str| pairs.iter().any(|(key, _)| key == name);
        match (only("code"), only("error")) {
            (Some(code), None) if !named("error") => Ok(Outcome::Code(Secret::new(code))),
            (None, Some(error)) if !named("code") => Ok(Outcome::Denied(one_word(error))),
            _ => Err(NotOurs::NoCode),
        }
    }

    /// Judges a URL that was copied from the browser's address bar.
    pub fn judge_pasted(&self, text: &str) -> Result<Outcome, NotOurs> {
        let pasted = Url::parse(text.trim()).map_err(|_| NotOurs::Elsewhere)?;
        let own = Url::parse(&self.redirect_uri).map_err(|_| NotOurs::Elsewhere)?;
        if pasted.origin() != own.origin() || pasted.path() != own.path() {
            return Err(NotOurs::Elsewhere);
        }
        self.judge(pasted.query().unwrap_or_default())
    }
}

/// An error code of RFC 6749 is a word of letters and underscores; anything else in its place is not shown.
fn one_word(error: &str) -> String {
    let is_word = error.len() <= 40 && error.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if is_word { error.to_owned() } else { "an error that is none of OAuth's".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use oauth2::{PkceCodeChallenge, PkceCodeVerifier};

    use super::*;

    fn attempt() -> Attempt {
        let base_url = BaseUrl::parse("https://jira.example.com/ctx", false).unwrap();
        let client_id = ClientId::parse("abc").unwrap();
        Attempt::new(&base_url, &client_id, Scope::Write, "https://127.0.0.1:8085/callback")
    }

    fn query(attempt: &Attempt) -> HashMap<String, String> {
        attempt.url.query_pairs().into_owned().collect()
    }

    #[test]
    fn the_url_carries_what_jira_demands() {
        let attempt = attempt();
        assert!(
            attempt.url.as_str().starts_with("https://jira.example.com/ctx/rest/oauth2/latest/authorize?")
        );
        let query = query(&attempt);
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], "abc");
        assert_eq!(query["redirect_uri"], "https://127.0.0.1:8085/callback");
        assert_eq!(query["scope"], "WRITE");
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["state"], attempt.state.expose());
        assert_eq!(attempt.code_verifier.expose().len(), 64);
        assert_ne!(attempt.state, self::attempt().state);
        assert_ne!(attempt.code_verifier, self::attempt().code_verifier);
    }

    #[test]
    fn the_challenge_is_the_one_of_rfc_7636_appendix_b() {
        let verifier = PkceCodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        assert_eq!(challenge.as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let attempt = attempt();
        let verifier = PkceCodeVerifier::new(attempt.code_verifier.expose().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        assert_eq!(query(&attempt)["code_challenge"], challenge.as_str());
    }

    #[test]
    fn only_the_right_state_counts() {
        let attempt = attempt();
        let state = attempt.state.expose().to_owned();
        let judged = |query: &str| attempt.judge(query).map(|outcome| format!("{outcome:?}"));
        assert_eq!(judged("code=x"), Err(NotOurs::State));
        assert_eq!(judged("code=x&state="), Err(NotOurs::State));
        assert_eq!(judged("error=access_denied&state=wrong"), Err(NotOurs::State));
        assert_eq!(judged(&format!("code=x&state={state}&state={state}")), Err(NotOurs::State));
        assert_eq!(judged(&format!("state={state}")), Err(NotOurs::NoCode));
        assert_eq!(judged(&format!("code=a&code=b&state={state}")), Err(NotOurs::NoCode));
        assert_eq!(judged(&format!("code=a&error=b&state={state}")), Err(NotOurs::NoCode));
        assert_eq!(judged(&format!("code=x&state={state}")).unwrap(), "Code(Secret(…))");
        let denied = format!("error=access_denied&error_description=%1b[2J&state={state}");
        assert_eq!(judged(&denied).unwrap(), r#"Denied("access_denied")"#);
        let strange = format!("error=%1b[2J&state={state}");
        assert_eq!(judged(&strange).unwrap(), r#"Denied("an error that is none of OAuth's")"#);
    }

    #[test]
    fn a_pasted_url_must_be_the_redirect_uri() {
        let attempt = attempt();
        let state = attempt.state.expose();
        let judged = |text: String| attempt.judge_pasted(&text).map(|outcome| format!("{outcome:?}"));
        assert!(judged(format!(" https://127.0.0.1:8085/callback?code=x&state={state}\n")).is_ok());
        let elsewhere = format!("https://evil.example/callback?code=x&state={state}");
        assert_eq!(judged(elsewhere), Err(NotOurs::Elsewhere));
        assert_eq!(judged("not a url".to_owned()), Err(NotOurs::Elsewhere));
    }
}
