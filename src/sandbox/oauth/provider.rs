//! What the provider has given out: codes and pairs of tokens, and when each of them dies.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use crate::sandbox::clock::later;
use crate::sandbox::options::Confidential;
use crate::sandbox::{Scope, lock, random};

use super::client::Client;
use super::jws;
use super::pkce::Challenge;

/// How long things live, and what is asked for.
pub(in crate::sandbox) struct Rules {
    pub(in crate::sandbox) token_ttl: Duration,
    pub(in crate::sandbox) refresh_ttl: Duration,
    pub(in crate::sandbox) code_ttl: Duration,
    pub(in crate::sandbox) require_pkce: bool,
    pub(in crate::sandbox) strict_refresh_redirect: bool,
}

/// A pair of tokens, as the token endpoint hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token, good for one refresh.
    pub refresh_token: String,
    /// The access token's life in seconds.
    pub expires_in: u64,
    /// The scopes granted, separated by spaces.
    pub scope: String,
    /// When it was made, in seconds since the epoch.
    pub created_at: i64,
}

/// Why the token endpoint does not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// One of OAuth's own words, and a sentence.
    OAuth(&'static str, &'static str),
    /// What Jira has not foreseen.
    Unmapped(&'static str),
}

/// What somebody consented to.
#[derive(Clone)]
pub(super) struct Consent {
    pub(super) user: String,
    pub(super) redirect_uri: String,
    /// As it was asked for, and granted.
    pub(super) scope: String,
    pub(super) challenge: Option<Challenge>,
}

/// What comes with a code.
pub(super) struct Redemption<'a> {
    pub(super) code: &'a str,
    pub(super) client_id: &'a str,
    pub(super) client_secret: Option<&'a str>,
    pub(super) redirect_uri: &'a str,
    pub(super) code_verifier: Option<&'a str>,
}

/// What comes with a refresh token.
pub(super) struct Refresh<'a> {
    pub(super) refresh_token: &'a str,
    pub(super) client_id: &'a str,
    pub(super) client_secret: Option<&'a str>,
    pub(super) redirect_uri: Option<&'a str>,
}

/// The provider: the client it knows, its rules and its books.
pub(in crate::sandbox) struct Provider {
    pub(in crate::sandbox) client: Client,
    pub(super) rules: Rules,
    key: [u8; 32],
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    codes: HashMap<String, Code>,
    /// By refresh token.
    grants: HashMap<String, Grant>,
    /// Access token to refresh token.
    access: HashMap<String, String>,
    /// Personal access tokens, and whose they are.
    pats: HashMap<String, String>,
}

struct Code {
    consent: Consent,
    expires: Timestamp,
    used: bool,
}

#[derive(Clone)]
struct Grant {
    /// The code it all began with; a second redemption of that ends it.
    code: Option<String>,
    user: String,
    scope: String,
    redirect_uri: String,
    access_token: String,
    access_expires: Timestamp,
    refresh_expires: Timestamp,
}

const INVALID_CLIENT: Refusal = Refusal::OAuth("invalid_client", "The client could not be authenticated.");

fn invalid_grant(why: &'static str) -> Refusal {
    Refusal::OAuth("invalid_grant", why)
}

impl Provider {
    pub(in crate::sandbox) fn new(client: Client, rules: Rules) -> Provider {
        Provider { client, rules, key: random::bytes(), books: Mutex::default() }
    }

    /// A code for what was consented to.
    pub(super) fn issue_code(&self, consent: Consent, now: Timestamp) -> String {
        let code = random::id();
        let expires = later(now, self.rules.code_ttl);
        let mut books = lock(&self.books);
        // A used code is kept a day, so that its second redemption is noticed.
        books.codes.retain(|_, code| later(code.expires, Duration::from_secs(24 * 3600)) > now);
        books.codes.insert(code.clone(), Code { consent, expires, used: false });
        code
    }

    /// Trades a code for tokens. What is wrong with the code is said before what is wrong with the
    /// client, as Jira does; a code that came with anything wrong but the client is burnt.
    pub(super) fn redeem(&self, asked: &Redemption<'_>, now: Timestamp) -> Result<Tokens, Refusal> {
        if !self.client.has_redirect_uri(asked.redirect_uri) {
            return Err(Refusal::OAuth("invalid_client", "The redirect URI is not registered."));
        }
        let mut books = lock(&self.books);
        let unknown = Refusal::OAuth("invalid_request", "The authorization code is unknown or has expired.");
        let Some(code) = books.codes.get_mut(asked.code) else { return Err(unknown) };
        if code.used {
            books.end_grants(|grant| grant.code.as_deref() == Some(asked.code));
            return Err(invalid_grant("The authorization code was used before; its tokens are revoked."));
        }
        if code.expires <= now {
            return Err(unknown);
        }
        if let Err(refusal) = self.check_binding(asked, &code.consent) {
            code.used = true;
            return Err(refusal);
        }
        self.authenticate(asked.client_id, asked.client_secret, &[Confidential::All])?;
        code.used = true;
        let consent = code.consent.clone();
        Ok(self.grant(&mut books, Some(asked.code.to_owned()), consent, now))
    }

    fn check_binding(&self, asked: &Redemption<'_>, consent: &Consent) -> Result<(), Refusal> {
        if asked.client_id != self.client.id {
            return Err(invalid_grant("The authorization code was issued to another client."));
        }
        if asked.redirect_uri != consent.redirect_uri {
            return Err(invalid_grant("The redirect URI is not the one of the authorization."));
        }
        match (&consent.challenge, asked.code_verifier) {
            (None, None) => Ok(()),
            (Some(challenge), Some(verifier)) if challenge.verify(verifier) => Ok(()),
            (Some(_), Some(_)) => Err(invalid_grant("The code_verifier does not match.")),
            (Some(_), None) => Err(invalid_grant("The code_verifier is missing.")),
            (None, Some(_)) => Err(invalid_grant("There was no code_challenge.")),
        }
    }

    /// Trades a refresh token for a new pair. The old pair is dead before the new one is sent: no grace.
    pub(super) fn refresh(&self, asked: &Refresh<'_>, now: Timestamp) -> Result<Tokens, Refusal> {
        if !jws::has_the_form(asked.refresh_token) {
            return Err(Refusal::Unmapped("The token could not be parsed: not a valid JWS."));
        }
        let mut books = lock(&self.books);
        let dead = invalid_grant("The refresh token is invalid or has expired.");
        let Some(grant) = books.grants.get(asked.refresh_token) else { return Err(dead) };
        if grant.refresh_expires <= now {
            return Err(dead);
        }
        if self.rules.strict_refresh_redirect && asked.redirect_uri != Some(grant.redirect_uri.as_str()) {
            return Err(invalid_grant("The redirect URI is not the one of the authorization."));
        }
        let secret_wanted = [Confidential::Refresh, Confidential::All];
        self.authenticate(asked.client_id, asked.client_secret, &secret_wanted)?;
        let Some(old) = books.end_grant(asked.refresh_token) else { return Err(dead) };
        let consent =
            Consent { user: old.user, redirect_uri: old.redirect_uri, scope: old.scope, challenge: None };
        Ok(self.grant(&mut books, old.code, consent, now))
    }

    /// Revokes the pair that the token belongs to, if there is one. Whoever asks says nothing else: an
    /// unknown token is no error (RFC 7009).
    pub(super) fn revoke(&self, token: &str, client_id: &str, secret: &str) -> Result<(), Refusal> {
        self.authenticate(client_id, Some(secret), &[Confidential::Refresh, Confidential::All])?;
        let mut books = lock(&self.books);
        let refresh_token = books.access.get(token).cloned().unwrap_or_else(|| token.to_owned());
        books.end_grant(&refresh_token);
        Ok(())
    }

    /// Whose this bearer is, and how far it reaches; `None` if it is nobody's any more.
    pub(in crate::sandbox) fn bearer(&self, token: &str, now: Timestamp) -> Option<(String, Scope)> {
        let books = lock(&self.books);
        if let Some(user) = books.pats.get(token) {
            return Some((user.clone(), Scope::SystemAdmin));
        }
        let grant = books.grants.get(books.access.get(token)?)?;
        (grant.access_expires > now).then(|| (grant.user.clone(), widest(&grant.scope)))
    }

    /// A session that nobody had to log in for.
    pub(in crate::sandbox) fn mint_session(&self, user: &str, scope: Scope, now: Timestamp) -> Tokens {
        let consent = Consent {
            user: user.to_owned(),
            redirect_uri: self.client.redirect_uris.first().cloned().unwrap_or_default(),
            scope: scope.as_str().to_owned(),
            challenge: None,
        };
        self.grant(&mut lock(&self.books), None, consent, now)
    }

    pub(in crate::sandbox) fn mint_pat(&self, user: &str) -> String {
        let token = random::pat();
        lock(&self.books).pats.insert(token.clone(), user.to_owned());
        token
    }

    /// All access tokens are expired; the refresh tokens are not.
    pub(in crate::sandbox) fn expire_access_tokens(&self) {
        let mut books = lock(&self.books);
        books.grants.values_mut().for_each(|grant| grant.access_expires = Timestamp::MIN);
    }

    /// As when the administrator deletes the link: no code, no pair, no personal token is left.
    pub(in crate::sandbox) fn revoke_all(&self) {
        *lock(&self.books) = Books::default();
    }

    fn authenticate(
        &self,
        client_id: &str,
        secret: Option<&str>,
        when: &[Confidential],
    ) -> Result<(), Refusal> {
        let known = client_id == self.client.id;
        let proven = !when.contains(&self.client.confidential) || secret == Some(&self.client.secret);
        if known && proven { Ok(()) } else { Err(INVALID_CLIENT) }
    }

    fn grant(&self, books: &mut Books, code: Option<String>, consent: Consent, now: Timestamp) -> Tokens {
        let (access_token, refresh_token) = (jws::mint(&self.key), jws::mint(&self.key));
        let tokens = Tokens {
            access_token: access_token.clone(),
            refresh_token: refresh_token.clone(),
            expires_in: self.rules.token_ttl.as_secs(),
            scope: consent.scope.clone(),
            created_at: now.as_second(),
        };
        let grant = Grant {
            code,
            user: consent.user,
            scope: consent.scope,
            redirect_uri: consent.redirect_uri,
            access_token: access_token.clone(),
            access_expires: later(now, self.rules.token_ttl),
            refresh_expires: later(now, self.rules.refresh_ttl),
        };
        books.end_grants(|grant| grant.refresh_expires <= now);
        books.access.insert(access_token, refresh_token.clone());
        books.grants.insert(refresh_token, grant);
        tokens
    }
}

impl Books {
    fn end_grant(&mut self, refresh_token: &str) -> Option<Grant> {
        let grant = self.grants.remove(refresh_token)?;
        self.access.remove(&grant.access_token);
        Some(grant)
    }

    fn end_grants(&mut self, ends: impl Fn(&Grant) -> bool) {
        let ending = self.grants.iter().filter(|(_, grant)| ends(grant));
        let ending: Vec<_> = ending.map(|(refresh_token, _)| refresh_token.clone()).collect();
        for refresh_token in ending {
            self.end_grant(&refresh_token);
        }
    }
}

/// The widest of the scopes, which contains the others.
fn widest(scopes: &str) -> Scope {
    scopes.split(' ').filter_map(Scope::parse).max().unwrap_or(Scope::Read)
}
