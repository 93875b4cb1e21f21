//! What a login leaves behind: one account at one Jira, its tokens, and what they may be sent to.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{BaseUrl, ClientId, SiteName};
use crate::secret::Secret;

use super::trust::Trust;

/// The client ID under which a personal access token is stored.
pub const PAT_CLIENT_ID: &str = "pat";

/// A refresh token lives 90 days from its making (Jira's default, facts of the OAuth provider), and every
/// refresh makes a new one.
const IDLE_DAYS: i64 = 90;

/// Format of the stored record.
const VERSION: u32 = 1;

/// A session, as it stands in the store.
#[derive(Clone, Debug)]
pub struct Session {
    /// The Jira it belongs to.
    pub base_url: BaseUrl,
    /// The OAuth client, or `pat`.
    pub client_id: ClientId,
    /// The site's name when it was made.
    pub site: Option<SiteName>,
    /// What goes into the `Authorization` header.
    pub access_token: Secret,
    /// None for a personal access token.
    pub refresh_token: Option<Secret>,
    /// When the access token ends; none if it does not say.
    pub expires_at: Option<Timestamp>,
    /// When the access token was made.
    pub refreshed_at: Timestamp,
    /// The scope as Jira granted it.
    pub scope: Option<String>,
    /// Sent with every refresh, because some versions of Jira check it.
    pub redirect_uri: Option<String>,
    /// Who it is.
    pub user: Option<User>,
    /// What it trusts.
    pub trust: Trust,
    /// Set when Jira refused the refresh token: later commands say so without asking again.
    pub ended: Option<Ended>,
    /// In CI: the refresh token has not reached whoever injects the next one yet.
    pub undelivered: bool,
}

/// The account behind a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The login name.
    pub name: String,
    /// The name that people see.
    #[serde(rename = "displayName")]
    pub display_name: String,
}

/// A refusal that is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When Jira refused.
    pub at: Timestamp,
    /// When an earlier refresh was cut off before its answer was saved, if one was.
    pub interrupted_at: Option<Timestamp>,
}

/// What a session is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Usable as it is.
    Ok,
    /// The access token has ended or is about to; the next command refreshes it.
    Stale,
    /// Jira refused the refresh token: log in again.
    Ended,
    /// There is none.
    None,
}

/// A fresh pair of tokens, as the token endpoint or the broker gave it.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The new access token.
    pub access_token: Secret,
    /// The new refresh token; the old one is dead.
    pub refresh_token: Secret,
    /// Seconds that the access token lives.
    pub expires_in: u64,
    /// The granted scope, where the answer says it.
    pub scope: Option<String>,
}

impl Session {
    /// Whether the access token may be used without a refresh: more than a minute of its life is left, or
    /// a quarter of it where it lives shorter than four.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let Some(expires_at) = self.expires_at else { return true };
        let lifetime = expires_at.duration_since(self.refreshed_at);
        let skew = (lifetime / 4).min(SignedDuration::from_secs(60));
        expires_at.duration_since(now) >= skew && now < expires_at
    }

    /// What the session is good for.
    pub fn state(&self, now: Timestamp) -> State {
        match (&self.ended, self.is_fresh(now)) {
            (Some(_), _) => State::Ended,
            (None, true) => State::Ok,
            (None, false) if self.refresh_token.is_some() => State::Stale,
            (None, false) => State::Ended,
        }
    }

    /// Days until the refresh token ends if it is not used; none for a personal access token.
    pub fn idle_days_left(&self, now: Timestamp) -> Option<i64> {
        self.refresh_token.as_ref()?;
        let used = now.duration_since(self.refreshed_at).as_hours() / 24;
        Some((IDLE_DAYS - used).max(0))
    }

    /// The same session with a new pair of tokens.
    pub fn renewed(&self, tokens: Tokens, now: Timestamp) -> Session {
        Session {
            access_token: tokens.access_token,
            refresh_token: Some(tokens.refresh_token),
            expires_at: Some(expiry(now, tokens.expires_in)),
            refreshed_at: now,
            scope: tokens.scope.or_else(|| self.scope.clone()),
            ended: None,
            ..self.clone()
        }
    }

    /// The record for the store.
    pub fn to_record(&self) -> Secret {
        let record = RecordRef {
            version: VERSION,
            base_url: self.base_url.as_str(),
            client_id: self.client_id.as_str(),
            site: self.site.as_ref().map(SiteName::as_str),
            access_token: self.access_token.expose(),
            refresh_token: self.refresh_token.as_ref().map(Secret::expose),
            expires_at: self.expires_at,
            refreshed_at: self.refreshed_at,
            scope: self.scope.as_deref(),
            redirect_uri: self.redirect_uri.as_deref(),
            user: self.user.as_ref(),
            trust: &self.trust,
            ended: self.ended.as_ref(),
            undelivered: self.undelivered,
        };
        // Large enough that it never grows, so that no copy of a token is left behind in freed memory.
        let mut bytes = Vec::with_capacity(16 * 1024);
        serde_json::to_writer(&mut bytes, &record).expect("a session is plain data");
        Secret::new(String::from_utf8(bytes).expect("JSON is UTF-8"))
    }

    /// Reads a record; the error says what is wrong with it, without its contents.
    pub fn from_record(record: &Secret) -> Result<Session, String> {
        let record: Record = serde_json::from_str(record.expose())
            // serde's own words may quote the text, so only the place is told.
            .map_err(|error| format!("not a session record (column {})", error.column()))?;
        if record.version != VERSION {
            return Err(format!("a record of version {}, this program knows {VERSION}", record.version));
        }
        let insecure = record.trust.insecure;
        Ok(Session {
            base_url: BaseUrl::parse(&record.base_url, insecure).map_err(|error| error.to_string())?,
            client_id: ClientId::parse(&record.client_id).map_err(|error| error.to_string())?,
            site: record
                .site
                .as_deref()
                .map(SiteName::parse)
                .transpose()
                .map_err(|error| error.to_string())?,
            access_token: record.access_token,
            refresh_token: record.refresh_token,
            expires_at: record.expires_at,
            refreshed_at: record.refreshed_at,
            scope: record.scope,
            redirect_uri: record.redirect_uri,
            user: record.user,
            trust: record.trust,
            ended: record.ended,
            undelivered: record.undelivered,
        })
    }
}

/// When a token that lives `seconds` from `now` ends; an absurd number is taken as the end of time.
pub fn expiry(now: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

#[derive(Serialize)]
struct RecordRef<'a> {
    version: u32,
    base_url: &'a str,
    client_id: &'a str,
    site: Option<&'a str>,
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    expires_at: Option<Timestamp>,
    refreshed_at: Timestamp,
    scope: Option<&'a str>,
    redirect_uri: Option<&'a str>,
    user: Option<&'a User>,
    trust: &'a Trust,
    ended: Option<&'a Ended>,
    undelivered: bool,
}

#[derive(Deserialize)]
struct Record {
    version: u32,
    base_url: String,
    client_id: String,
    site: Option<String>,
    access_token: Secret,
    refresh_token: Option<Secret>,
    expires_at: Option<Timestamp>,
    refreshed_at: Timestamp,
    scope: Option<String>,
    redirect_uri: Option<String>,
    user: Option<User>,
    trust: Trust,
    ended: Option<Ended>,
    #[serde(default)]
    undelivered: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(lifetime: u64) -> Session {
        let now = Timestamp::UNIX_EPOCH;
        Session {
            base_url: BaseUrl::parse("https://jira.example.com", false).unwrap(),
            client_id: ClientId::parse("abc").unwrap(),
            site: None,
            access_token: Secret::new("access"),
            refresh_token: Some(Secret::new("refresh")),
            expires_at: Some(expiry(now, lifetime)),
            refreshed_at: now,
            scope: Some("WRITE".to_owned()),
            redirect_uri: None,
            user: None,
            trust: Trust::default(),
            ended: None,
            undelivered: false,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn stale_a_minute_before_the_end_or_in_the_last_quarter() {
        assert!(session(3600).is_fresh(at(3540)));
        assert!(!session(3600).is_fresh(at(3541)));
        assert!(session(100).is_fresh(at(75)));
        assert!(!session(100).is_fresh(at(76)));
        assert!(!session(0).is_fresh(at(0)));
    }

    #[test]
    fn an_absurd_lifetime_is_no_panic() {
        assert!(session(u64::MAX).is_fresh(at(1_000_000_000)));
    }

    #[test]
    fn idle_days_count_down_to_zero() {
        assert_eq!(session(3600).idle_days_left(at(0)), Some(90));
        assert_eq!(session(3600).idle_days_left(at(86_400 * 30 + 5)), Some(60));
        assert_eq!(session(3600).idle_days_left(at(86_400 * 500)), Some(0));
    }

    #[test]
    fn the_record_round_trips_and_its_errors_quote_nothing() {
        let record = session(3600).to_record();
        let again = Session::from_record(&record).unwrap();
        assert_eq!(again.access_token, Secret::new("access"));
        assert_eq!(again.to_record(), record);
        let broken = Secret::new(record.expose().replace(":null", ":nope"));
        assert!(!Session::from_record(&broken).unwrap_err().contains("access"));
    }
}
