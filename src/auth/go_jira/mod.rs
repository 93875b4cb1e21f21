//! A session of go-jira's, found and understood, so that it can be taken over. Its record has the same key
//! as ours would have, and lies in the keyring under a service of its own, or in its encrypted file.

mod error;
mod record;

use std::path::PathBuf;

use jiff::Timestamp;

use crate::config::{BaseUrl, Callback, ClientId, Scope, Settings, SiteName, Source};
use crate::secret::Secret;

use super::place::{ask, keyring};
use super::resolve::World;
use super::session::Session;
use super::store::go_jira::{Archive, SERVICE, item};
use super::store::{StoreError, StoreKey};
use super::trust::Trust;

pub use error::{GoJiraError, Held, Looked};
use record::{Record, key, records};

/// The scheme and port of its callback, unless it was told another.
const CALLBACK: (&str, u16) = ("http", 8765);

/// What is looked for, and where.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The Jira, as far as one is named.
    pub base_url: Option<BaseUrl>,
    /// The same as it was typed or set: go-jira takes it for another if it is written otherwise.
    pub spellings: Vec<String>,
    /// The client, as far as one is named.
    pub client_id: Option<ClientId>,
    /// Its encrypted file.
    pub archive: Option<PathBuf>,
}

/// A session that can be taken over.
#[derive(Debug)]
pub struct Found {
    /// The Jira it belongs to.
    pub base_url: BaseUrl,
    /// The OAuth client.
    pub client_id: ClientId,
    /// The scope it was granted, if that is one of Jira's.
    pub scope: Option<Scope>,
    /// When its tokens were made, if it says.
    pub obtained_at: Option<Timestamp>,
    access_token: Secret,
    refresh_token: Secret,
    expires_at: Option<Timestamp>,
    scopes: Option<String>,
}

/// Looks into the keyring and then into the file, as go-jira does. A keyring that is locked or does not
/// answer is an error: what is in the file may be older.
pub async fn find(settings: &Settings, world: &World, wanted: &Wanted) -> Result<Found, GoJiraError> {
    let insecure = settings.insecure.value;
    let mut looked = Looked { archive: wanted.archive.clone(), ..Looked::default() };
    if let (Some(base_url), Some(client_id)) = (&wanted.base_url, &wanted.client_id) {
        let keyring = keyring(settings, world);
        for key in wanted.keys(base_url, client_id) {
            looked.accounts.push(key.to_string());
            match item(&keyring, &key).await {
                Ok(None) => {}
                Ok(Some(text)) => {
                    let place = format!("the keyring (service {SERVICE}, account {key})");
                    let odd = |why: String| GoJiraError::Odd { place: place.clone(), why };
                    let record = Record::parse(&text).map_err(odd)?;
                    let found = record.understand(insecure).map_err(odd)?;
                    wanted.check(&found).map_err(odd)?;
                    return Ok(found);
                }
                Err(StoreError::KeyringAbsent(why)) => {
                    looked.keyring_absent = Some(why);
                    break;
                }
                Err(error) => return Err(GoJiraError::Keyring(error)),
            }
        }
    }
    let Some(path) = &wanted.archive else { return Err(GoJiraError::NotFound(looked)) };
    let Some(archive) = Archive::read(path).await? else { return Err(GoJiraError::NotFound(looked)) };
    let password = match &settings.master_password {
        Some(password) => password.value.clone(),
        None if !world.person => return Err(GoJiraError::PasswordMissing(path.clone())),
        None => ask(world, "Master password of go-jira's tokens.enc: ").await.map_err(GoJiraError::Prompt)?,
    };
    let plain = archive.open(password).await?;
    wanted.choose(&plain, path.clone(), insecure, looked)
}

impl Wanted {
    /// The keys that go-jira may have made of base URL and client ID. It trims them and changes nothing
    /// else, so a default port or a capital letter makes another key.
    fn keys(&self, base_url: &BaseUrl, client_id: &ClientId) -> Vec<StoreKey> {
        let own = std::iter::once(base_url.as_str().to_owned());
        let spellings = self
            .spellings
            .iter()
            .filter(|text| BaseUrl::parse(text.trim(), true).is_ok_and(|spelled| spelled == *base_url));
        let mut keys = Vec::new();
        for text in own.chain(spellings.cloned()) {
            let key = key(&text, client_id.as_str());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn check(&self, found: &Found) -> Result<(), String> {
        let other = |what: &str| Err(format!("its {what} is another than the one it lies under"));
        match (&self.base_url, &self.client_id) {
            (Some(base_url), _) if *base_url != found.base_url => other("base URL"),
            (_, Some(client_id)) if *client_id != found.client_id => other("client ID"),
            _ => Ok(()),
        }
    }

    /// The one record of the file that fits.
    fn choose(
        &self,
        plain: &Secret,
        path: PathBuf,
        insecure: bool,
        mut looked: Looked,
    ) -> Result<Found, GoJiraError> {
        let odd = |why: String| GoJiraError::Odd { place: path.display().to_string(), why };
        let records = records(plain).map_err(odd)?;
        let asked = match (&self.base_url, &self.client_id) {
            (Some(base_url), Some(client_id)) => self.keys(base_url, client_id),
            _ => Vec::new(),
        };
        let mut fitting = Vec::new();
        for (name, record) in &records {
            let fits = self.fits(record, insecure);
            let own = key(&record.base_url, &record.client_id).as_str() == name;
            // Under another's key lies what somebody put there.
            if !own && (fits || asked.iter().any(|key| key.as_str() == name)) {
                return Err(
                    odd("a base URL or client ID in it is another than the one it lies under".into()),
                );
            }
            if fits {
                fitting.push(record);
            }
        }
        match fitting.as_slice() {
            [record] => record.understand(insecure).map_err(odd),
            [] => {
                looked.held = records.values().map(Record::held).collect();
                Err(GoJiraError::NotFound(looked))
            }
            several => Err(GoJiraError::Ambiguous(path, several.iter().map(|one| one.held()).collect())),
        }
    }

    fn fits(&self, record: &Record, insecure: bool) -> bool {
        let base_url = || BaseUrl::parse(record.base_url.trim(), insecure).ok();
        self.base_url.as_ref().is_none_or(|wanted| base_url().as_ref() == Some(wanted))
            && self.client_id.as_ref().is_none_or(|wanted| wanted.as_str() == record.client_id.trim())
    }
}

impl Found {
    /// The session as a login would have left it.
    pub fn session(&self, site: &SiteName, trust: &Trust, redirect_uri: String, now: Timestamp) -> Session {
        Session {
            base_url: self.base_url.clone(),
            client_id: self.client_id.clone(),
            site: Some(site.clone()),
            access_token: self.access_token.clone(),
            refresh_token: Some(self.refresh_token.clone()),
            expires_at: self.expires_at,
            // A clock that went ahead there must not make the token live longer here.
            refreshed_at: self.obtained_at.unwrap_or(now).min(now),
            scope: self.scopes.clone(),
            redirect_uri: Some(redirect_uri),
            user: None,
            trust: trust.clone(),
            ended: None,
            undelivered: false,
        }
    }
}

/// The redirect URI that go-jira logged in with, which some versions of Jira want to see at a refresh: what
/// was said for this command, else its default. What a site remembers is of a login of ours.
pub fn redirect_uri(callback: &Callback) -> String {
    fn said(source: &Source) -> bool {
        matches!(source, Source::Flag(_) | Source::Env(_) | Source::EnvFile(_))
    }
    if let Some(uri) = callback.redirect_uri.as_ref().filter(|uri| said(&uri.source)) {
        return uri.value.clone();
    }
    let https = match said(&callback.https.source) {
        true => callback.https.value,
        false => callback.cert.is_some(),
    };
    let scheme = if https { "https" } else { CALLBACK.0 };
    let port = if said(&callback.port.source) { callback.port.value } else { CALLBACK.1 };
    format!("{scheme}://127.0.0.1:{port}/callback")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    /// A file's text: each record under the key that go-jira gives it.
    fn file(records: &[(&str, &str)]) -> Secret {
        let entry = |(base_url, client_id): &(&str, &str)| {
            let record = json!({
                "base_url": base_url, "client_id": client_id, "access_token": "at", "refresh_token": "rt",
                "expires_at": "0001-01-01T00:00:00Z", "obtained_at": "2026-03-04T04:06:07Z", "scopes": null,
            });
            (key(base_url, client_id).to_string(), record)
        };
        let tokens: BTreeMap<_, _> = records.iter().map(entry).collect();
        Secret::new(json!({ "tokens": tokens }).to_string())
    }

    fn chosen(base_url: Option<&str>, client_id: Option<&str>, plain: &Secret) -> Result<Found, GoJiraError> {
        let wanted = Wanted {
            base_url: base_url.map(|url| BaseUrl::parse(url, false).unwrap()),
            client_id: client_id.map(|id| ClientId::parse(id).unwrap()),
            ..Wanted::default()
        };
        wanted.choose(plain, "tokens.enc".into(), false, Looked::default())
    }

    #[test]
    fn the_file_gives_the_one_that_fits() {
        let (a, b, c) = ("https://a.example.com", "https://b.example.com/", "https://a.example.com:443");
        let plain = file(&[(a, "one"), (b, "two"), (b, "three")]);
        assert_eq!(chosen(Some(a), None, &plain).unwrap().client_id.as_str(), "one");
        assert_eq!(chosen(None, Some("two"), &plain).unwrap().base_url.as_str(), "https://b.example.com");
        let several = chosen(Some(b), None, &plain).unwrap_err();
        assert!(matches!(&several, GoJiraError::Ambiguous(_, held) if held.len() == 2), "{several}");
        let none = chosen(Some(a), Some("two"), &plain).unwrap_err();
        assert!(matches!(&none, GoJiraError::NotFound(looked) if looked.held.len() == 3), "{none}");
        // Two spellings of one Jira are two sessions.
        assert!(matches!(
            chosen(Some(a), None, &file(&[(a, "one"), (c, "one")])),
            Err(GoJiraError::Ambiguous(..))
        ));
    }

    #[test]
    fn a_record_under_anothers_key_is_not_taken() {
        let plain = file(&[("https://a.example.com", "one")]);
        let moved = Secret::new(plain.expose().replace("https://a.example.com", "https://evil.example.com"));
        for base_url in ["https://a.example.com", "https://evil.example.com"] {
            let error = chosen(Some(base_url), Some("one"), &moved).unwrap_err();
            assert!(matches!(error, GoJiraError::Odd { .. }), "{error}");
        }
    }

    #[test]
    fn the_keyring_is_asked_for_every_spelling_once() {
        let base_url = BaseUrl::parse("https://jira.example.com", false).unwrap();
        let typed = ["https://JIRA.example.com/", "https://jira.example.com/", "https://other.example.com"];
        let wanted = Wanted { spellings: typed.map(str::to_owned).to_vec(), ..Wanted::default() };
        let keys = wanted.keys(&base_url, &ClientId::parse("abc").unwrap());
        assert_eq!(keys, [key("https://jira.example.com", "abc"), key("https://JIRA.example.com", "abc")]);
    }
}
