//! Which credential a command uses, and everything that goes with it: the Jira, the trust, the client.
//!
//! In this order: an injected refresh token, a personal access token, a user name with its password, the
//! stored session. The keyring is not touched while an earlier one applies.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{BaseUrl, ClientId, Settings, Site, SiteName, StorageKind};
use crate::http::{self, Client};
use crate::process::{Clock, Env, Prompt, on_own_thread};
use crate::secret::Secret;

use super::broker_client::BrokerClient;
use super::credential::{AuthMode, Credential};
use super::endpoint::TokenEndpoint;
use super::error::AuthError;
use super::injected::Handover;
use super::refresh::{Refresher, Renewer, Saving, Ways};
use super::session::{PAT_CLIENT_ID, Session};
use super::store::{FileStore, Keyring, LockDir, Memory, SealedFile, Store, StoreError, StoreKey};
use super::trust::Trust;

/// A keyring call with nobody there to answer a dialog.
const KEYRING_DEADLINE: Duration = Duration::from_secs(5);

/// A keyring call while a person may have to type a password into a dialog.
const KEYRING_DEADLINE_PERSON: Duration = Duration::from_secs(60);

/// What the credential needs of the outside world.
#[derive(Clone)]
pub struct World {
    /// What time it is.
    pub clock: Clock,
    /// To be waited for before the program ends.
    pub saving: Saving,
    /// Whether somebody sits at the terminal who can be asked.
    pub person: bool,
    /// Asks them.
    pub prompt: Arc<dyn Prompt>,
    /// Told when the keyring takes long.
    pub keyring_waits: Arc<dyn Fn() + Send + Sync>,
    /// The environment for programs that we start: without our secrets.
    pub child_env: Env,
    /// Instead of the keyring and the file: the tour keeps its sessions in memory.
    pub memory: Option<Memory>,
}

/// A way into one Jira.
#[derive(Clone, Debug)]
pub struct Access {
    /// The Jira.
    pub base_url: BaseUrl,
    /// What it is asked through.
    pub client: Client,
    /// What requests prove themselves with.
    pub credential: Credential,
    /// Where that comes from.
    pub mode: AuthMode,
    /// Which variable or which site, for people.
    pub source: String,
    /// The OAuth client, where there is one.
    pub client_id: Option<ClientId>,
    /// Where the session lies, where there is one.
    pub storage: Option<&'static str>,
    /// The granted scope, as far as it is known without asking Jira.
    pub scope: Option<String>,
    /// What is trusted.
    pub trust: Trust,
    /// What was passed over: code and message.
    pub warnings: Vec<(String, String)>,
}

impl Access {
    /// Whether the session was granted the scope READ and nothing above it.
    pub fn is_read_only_scope(&self) -> bool {
        self.scope.as_deref() == Some("READ")
    }
}

/// A session as it was found.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The session.
    pub session: Session,
    /// Where it lies.
    pub store: Store,
    /// Under which key.
    pub key: StoreKey,
}

/// Finds the credential for a command that talks to Jira.
pub async fn resolve(settings: &Settings, world: &World) -> Result<Access, AuthError> {
    let base_url = base_url(settings)?;
    if !settings.site_named {
        if let Some(token) = &settings.refresh_token {
            return injected(settings, world, base_url, &token.value, token.source.to_string()).await;
        }
        if let Some(token) = &settings.token {
            let credential = Credential::Bearer(token.value.clone());
            return from_environment(
                settings,
                base_url,
                credential,
                AuthMode::Bearer,
                token.source.to_string(),
            );
        }
        match (&settings.username, &settings.password) {
            (Some(username), Some(password)) => {
                let credential =
                    Credential::Basic { username: username.value.clone(), password: password.value.clone() };
                let source = password.source.to_string();
                return from_environment(settings, base_url, credential, AuthMode::Basic, source);
            }
            (Some(_), None) => return Err(AuthError::HalfBasic("JIRA_USERNAME", "JIRA_PASSWORD")),
            (None, Some(_)) => return Err(AuthError::HalfBasic("JIRA_PASSWORD", "JIRA_USERNAME")),
            (None, None) => {}
        }
    }
    let stored = stored(settings, world).await?.ok_or_else(|| not_logged_in(settings))?;
    from_session(settings, world, stored)
}

/// The base URL, or the error that says how to name one.
pub fn base_url(settings: &Settings) -> Result<BaseUrl, AuthError> {
    if let Some(wanted) = &settings.site_name_wanted {
        return Err(AuthError::NoSuchSite(wanted.value.clone()));
    }
    settings.base_url.as_ref().map(|url| url.value.clone()).ok_or(AuthError::NoBaseUrl)
}

fn not_logged_in(settings: &Settings) -> AuthError {
    AuthError::NotLoggedIn {
        site: settings.site.as_ref().map(|site| site.name.clone()),
        base_url: settings.base_url.as_ref().map(|url| url.value.clone()),
    }
}

/// The session that the settings mean, if there is one. Reads the store once; no network.
pub async fn stored(settings: &Settings, world: &World) -> Result<Option<Stored>, AuthError> {
    let base_url = base_url(settings)?;
    let key = key(settings, &base_url);
    let store = open_store(settings, world, storage_kind(settings)).await?;
    let record = match store.load(&key).await {
        Ok(record) => record,
        // Nobody has ever logged in here, so there is nothing that a keyring could hold.
        Err(StoreError::KeyringAbsent(_)) if settings.site.is_none() && settings.storage.is_none() => None,
        Err(error) => return Err(error.into()),
    };
    let Some(record) = record else { return Ok(None) };
    let session = Session::from_record(&record).map_err(AuthError::Corrupt)?;
    Ok(Some(Stored { session, store, key }))
}

/// The kind of store that the site remembers, or that was asked for; the keyring if nobody said anything.
pub fn storage_kind(settings: &Settings) -> StorageKind {
    settings.storage.as_ref().map_or(StorageKind::Keyring, |kind| kind.value)
}

/// The key of the session that the settings mean. Without a client ID it can only be a stored personal
/// access token.
fn key(settings: &Settings, base_url: &BaseUrl) -> StoreKey {
    let site = settings.site.as_ref();
    let client_id = match (site, &settings.client_id) {
        (Some(site), _) if site.pat => PAT_CLIENT_ID,
        (_, Some(client_id)) => client_id.value.as_str(),
        (_, None) => PAT_CLIENT_ID,
    };
    session_key(base_url, client_id, site)
}

/// The key of a session; a second session for the same pair has its site's name in it.
pub fn session_key(base_url: &BaseUrl, client_id: &str, site: Option<&Site>) -> StoreKey {
    let own = site.filter(|site| site.own_key).map(|site| site.name.as_str());
    StoreKey::new(base_url.as_str(), client_id, own)
}

/// Opens a store. The master password is asked for only here, and only of a person.
pub async fn open_store(settings: &Settings, world: &World, kind: StorageKind) -> Result<Store, AuthError> {
    open_store_with(settings, world, kind, false).await
}

/// The same for a login: a password that is thought up now is asked for twice.
pub async fn open_new_store(
    settings: &Settings,
    world: &World,
    kind: StorageKind,
) -> Result<Store, AuthError> {
    open_store_with(settings, world, kind, true).await
}

async fn open_store_with(
    settings: &Settings,
    world: &World,
    kind: StorageKind,
    twice: bool,
) -> Result<Store, AuthError> {
    if let Some(memory) = &world.memory {
        return Ok(Store::Memory(memory.clone()));
    }
    match kind {
        StorageKind::Keyring => {
            let usual = if world.person { KEYRING_DEADLINE_PERSON } else { KEYRING_DEADLINE };
            let deadline = settings.keyring_timeout.unwrap_or(usual);
            let keyring = Keyring::new(deadline, Some(world.keyring_waits.clone()));
            Ok(Store::Keyring(keyring.interactive(world.person)))
        }
        StorageKind::File => {
            let directory = settings.dirs.config.clone();
            if let Some(password) = &settings.master_password {
                return Ok(Store::File(FileStore::new(directory, password.value.clone())));
            }
            if !world.person {
                return Ok(Store::File(FileStore::locked(directory)));
            }
            let password = ask(world, "Master password of the session file: ").await?;
            if twice && ask(world, "The same again: ").await? != password {
                return Err(AuthError::Prompt("the two passwords differ".to_owned()));
            }
            Ok(Store::File(FileStore::new(directory, password)))
        }
    }
}

async fn ask(world: &World, question: &'static str) -> Result<Secret, AuthError> {
    let prompt = world.prompt.clone();
    let answer = on_own_thread(move || prompt.hidden(question)).await;
    answer.map_err(|error| AuthError::Prompt(error.to_string()))
}

/// A stored session as a credential, under what it trusts.
fn from_session(settings: &Settings, world: &World, stored: Stored) -> Result<Access, AuthError> {
    let Stored { session, store, key } = stored;
    let site = settings.site.as_ref().map(|site| site.name.clone());
    let passed_over = session
        .trust
        .admit(settings, &session.base_url)
        .map_err(|error| AuthError::Pinned { error, site: site.clone() })?;
    let mode = if session.refresh_token.is_some() { AuthMode::OauthStorage } else { AuthMode::PatStorage };
    let source = match site.as_ref().or(session.site.as_ref()) {
        Some(name) => format!("site {name}"),
        None => "stored session".to_owned(),
    };
    let trust = session.trust.clone();
    let client = client(settings, &trust, &session.base_url)?;
    let scope = session.scope.clone();
    let (base_url, client_id, storage) = (session.base_url.clone(), session.client_id.clone(), store.kind());
    let ways = Ways {
        store,
        key,
        locks: LockDir::new(settings.dirs.state.join("locks")),
        renewer: renewer(settings, &trust, &client, &base_url)?,
        initial: None,
        handover: None,
        clock: world.clock.clone(),
        saving: world.saving.clone(),
    };
    Ok(Access {
        base_url,
        client,
        credential: Credential::Session(Arc::new(Refresher::new(ways, session))),
        mode,
        source,
        client_id: Some(client_id),
        storage: Some(storage),
        scope,
        trust,
        warnings: passed_over.into_iter().map(|text| ("passed_over".to_owned(), text)).collect(),
    })
}

fn from_environment(
    settings: &Settings,
    base_url: BaseUrl,
    credential: Credential,
    mode: AuthMode,
    source: String,
) -> Result<Access, AuthError> {
    let trust = Trust::of(settings, &base_url);
    let client = client(settings, &trust, &base_url)?;
    Ok(Access {
        base_url,
        client,
        credential,
        mode,
        source,
        client_id: None,
        storage: None,
        scope: None,
        trust,
        warnings: vec![],
    })
}

/// An injected refresh token as a session: what the sealed file holds, else a session that is stale from
/// the beginning, so that the first use spends the token.
async fn injected(
    settings: &Settings,
    world: &World,
    base_url: BaseUrl,
    token: &Secret,
    source: String,
) -> Result<Access, AuthError> {
    let client_id = settings.client_id.as_ref().ok_or(AuthError::InjectedWithoutClientId)?.value.clone();
    let handover = Handover::new(settings, world.child_env.clone())?;
    let trust = Trust::of(settings, &base_url);
    let client = client(settings, &trust, &base_url)?;
    let redirect = super::redirect::Redirect::new(&settings.callback)?;
    let directory = sealed_directory(settings, &handover);
    let initial = Session {
        base_url: base_url.clone(),
        client_id: client_id.clone(),
        site: settings.site.as_ref().map(|site| site.name.clone()),
        access_token: Secret::new(""),
        refresh_token: Some(token.clone()),
        expires_at: Some(Timestamp::UNIX_EPOCH),
        refreshed_at: Timestamp::UNIX_EPOCH,
        scope: None,
        redirect_uri: Some(redirect.uri),
        user: None,
        trust: trust.clone(),
        ended: None,
        undelivered: false,
    };
    let ways = Ways {
        store: Store::Sealed(SealedFile::new(directory.clone(), token.clone())),
        key: StoreKey::new(base_url.as_str(), client_id.as_str(), Some(&token.fingerprint())),
        // Beside the file, so that steps in several containers that share it share the lock too; in a
        // directory of its own, because the runner's may be readable to others.
        locks: LockDir::new(directory.join(".jira-oauth-locks")),
        renewer: renewer(settings, &trust, &client, &base_url)?,
        initial: Some(initial.clone()),
        handover: Some(Arc::new(handover)),
        clock: world.clock.clone(),
        saving: world.saving.clone(),
    };
    let storage = ways.store.kind();
    let session = ways.resume().await?.unwrap_or(initial);
    Ok(Access {
        base_url,
        client,
        credential: Credential::Session(Arc::new(Refresher::new(ways, session))),
        mode: AuthMode::OauthEnv,
        source,
        client_id: Some(client_id),
        storage: Some(storage),
        scope: None,
        trust,
        warnings: vec![],
    })
}

/// Beside the output file, else in the runner's temporary directory, else with the configuration.
fn sealed_directory(settings: &Settings, handover: &Handover) -> PathBuf {
    handover
        .directory()
        .or_else(|| settings.runner_temp.clone())
        .unwrap_or_else(|| settings.dirs.config.join("ci"))
}

/// Who renews under this trust.
fn renewer(
    settings: &Settings,
    trust: &Trust,
    client: &Client,
    base_url: &BaseUrl,
) -> Result<Renewer, AuthError> {
    let Some(url) = &trust.broker_url else {
        return Ok(Renewer::Jira(TokenEndpoint::new(client.clone(), base_url.clone())));
    };
    let url = BaseUrl::parse(url, trust.insecure)?;
    let client = self::client(settings, trust, &url)?;
    let token = settings.broker_token.as_ref().map(|token| token.value.clone());
    Ok(Renewer::Broker(BrokerClient::new(client, url, token)))
}

/// A client for one server under this trust.
pub fn client(settings: &Settings, trust: &Trust, url: &BaseUrl) -> Result<Client, AuthError> {
    Ok(http::client(&trust.http_options(&settings.proxies, url))?)
}

/// The site's name as a hint wants it.
pub fn hint_name(site: &Option<SiteName>) -> Option<String> {
    site.as_ref().map(|name| name.as_str().to_owned())
}
