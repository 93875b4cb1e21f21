//! A record as go-jira writes it: JSON, with the times of Go.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::Deserialize;

use crate::auth::session::PAT_CLIENT_ID;
use crate::auth::store::StoreKey;
use crate::config::{BaseUrl, ClientId, Scope};
use crate::secret::Secret;

use super::Found;
use super::error::Held;

/// How the Go library marks what it has encoded for the Keychain of macOS.
const ENCODED: &str = "go-keyring-base64:";

/// The key under which go-jira stores.
pub(super) fn key(base_url: &str, client_id: &str) -> StoreKey {
    StoreKey::new(base_url.trim().trim_end_matches('/'), client_id.trim(), None)
}

/// A record as go-jira writes it.
#[derive(Deserialize)]
pub(super) struct Record {
    pub(super) base_url: String,
    pub(super) client_id: String,
    access_token: Secret,
    #[serde(default)]
    refresh_token: Option<Secret>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    obtained_at: Option<String>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Records {
    tokens: BTreeMap<String, Record>,
}

pub(super) fn records(plain: &Secret) -> Result<BTreeMap<String, Record>, String> {
    let records: Records = serde_json::from_str(plain.expose()).map_err(|error| not_a_record(&error))?;
    Ok(records.tokens)
}

/// serde's own words may quote the text, so only the place is told.
fn not_a_record(error: &serde_json::Error) -> String {
    format!("it is no record of go-jira's (column {})", error.column())
}

impl Record {
    pub(super) fn parse(text: &Secret) -> Result<Record, String> {
        let decoded = match text.expose().strip_prefix(ENCODED) {
            None => None,
            Some(encoded) => {
                let bytes = BASE64_STANDARD.decode(encoded.trim());
                Some(Secret::from_utf8_lossy(bytes.map_err(|_| "it is no base64".to_owned())?))
            }
        };
        let text = decoded.as_ref().unwrap_or(text);
        serde_json::from_str(text.expose()).map_err(|error| not_a_record(&error))
    }

    pub(super) fn held(&self) -> Held {
        Held { base_url: self.base_url.clone(), client_id: self.client_id.clone() }
    }

    pub(super) fn understand(&self, insecure: bool) -> Result<Found, String> {
        let refresh_token = self.refresh_token.clone().filter(Secret::is_visible_ascii);
        let refresh_token = refresh_token.ok_or("it has no refresh token, so it could not be kept alive")?;
        if !self.access_token.is_visible_ascii() {
            return Err("its access token is none".to_owned());
        }
        let client_id =
            ClientId::parse(self.client_id.trim()).map_err(|error| format!("client_id: {error}"))?;
        if client_id.as_str() == PAT_CLIENT_ID {
            return Err(format!("client_id: {PAT_CLIENT_ID} is no OAuth client"));
        }
        let base_url = BaseUrl::parse(self.base_url.trim(), insecure);
        let scopes = self.scopes.clone().unwrap_or_default().join(" ");
        Ok(Found {
            base_url: base_url.map_err(|error| format!("base_url: {error}"))?,
            client_id,
            scope: scopes.split(' ').filter_map(|word| Scope::parse(word).ok()).max(),
            obtained_at: time("obtained_at", &self.obtained_at)?,
            access_token: self.access_token.clone(),
            refresh_token,
            expires_at: time("expires_at", &self.expires_at)?,
            scopes: Some(scopes).filter(|scopes| !scopes.is_empty()),
        })
    }
}

/// A time as Go writes it, in whole seconds; Go's zero time, the year 1, says that it is not known.
fn time(name: &str, text: &Option<String>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
    let time: Timestamp = text.parse().map_err(|_| format!("{name} is no time"))?;
    Ok(Timestamp::from_second(time.as_second()).ok().filter(|time| *time > Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"base_url":"https://Jira.example.com/ctx/","client_id":"abc","access_token":"at",
        "refresh_token":"rt","expires_at":"2026-03-04T14:06:07.123456789+09:00",
        "obtained_at":"2026-03-04T04:06:07.9Z","scopes":["READ","WRITE"]}"#;

    fn understood(text: &str) -> Result<Found, String> {
        Record::parse(&Secret::new(text))?.understand(false)
    }

    #[test]
    fn a_record_is_understood_with_offsets_and_fractions() {
        let found = understood(RECORD).unwrap();
        assert_eq!(found.base_url.as_str(), "https://jira.example.com/ctx");
        assert_eq!(found.expires_at.unwrap().to_string(), "2026-03-04T05:06:07Z");
        assert_eq!(found.obtained_at.unwrap().to_string(), "2026-03-04T04:06:07Z");
        assert_eq!((found.scope, found.scopes.as_deref()), (Some(Scope::Write), Some("READ WRITE")));
        let unknown = RECORD.replace("2026-03-04T14:06:07.123456789+09:00", "0001-01-01T00:00:00Z");
        assert_eq!(understood(&unknown).unwrap().expires_at, None);
    }

    #[test]
    fn what_the_keychain_of_macos_holds_is_decoded() {
        let encoded = format!("{ENCODED}{}", BASE64_STANDARD.encode(RECORD));
        assert_eq!(understood(&encoded).unwrap().client_id.as_str(), "abc");
        assert!(understood(&format!("{ENCODED}???")).is_err());
    }

    #[test]
    fn odd_records_are_refused_without_quoting_them() {
        for (from, to) in [
            (r#""rt""#, r#""""#),
            (r#""rt""#, r#""two words""#),
            (r#""at""#, r#""""#),
            (r#""refresh_token":"rt","#, ""),
            (r#""abc""#, r#""pat""#),
            ("https://Jira.example.com/ctx/", "http://jira.example.com"),
            ("https://Jira.example.com/ctx/", "https://x.atlassian.net"),
            ("2026-03-04T04:06:07.9Z", "canary"),
            (r#"["READ","WRITE"]"#, r#""canary""#),
            ("{", "["),
        ] {
            let why = understood(&RECORD.replace(from, to)).expect_err(from);
            assert!(!why.contains("canary") && !why.contains("rt\""), "{why}");
        }
    }
}
