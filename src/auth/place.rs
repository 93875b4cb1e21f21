//! Where a session lies: in which store, under which key; and what is done to it there, under its lock.

use std::time::Duration;

use crate::config::{BaseUrl, ClientId, Settings, Site, StorageKind};
use crate::process::on_own_thread;
use crate::secret::Secret;

use super::error::AuthError;
use super::resolve::{World, base_url};
use super::session::{PAT_CLIENT_ID, Session, User};
use super::store::{FileStore, Keyring, LockDir, Store, StoreKey};

/// How long another process may hold the session's lock.
const PATIENCE: Duration = Duration::from_secs(40);

/// A keyring call with nobody there to answer a dialog.
const KEYRING_DEADLINE: Duration = Duration::from_secs(5);

/// A keyring call while a person may have to type a password into a dialog.
const KEYRING_DEADLINE_PERSON: Duration = Duration::from_secs(60);

/// What says where a session lies.
#[derive(Clone, Debug)]
pub struct Address<'a> {
    /// The Jira.
    pub base_url: BaseUrl,
    /// The OAuth client.
    pub client_id: Option<&'a ClientId>,
    /// The site that remembers the session.
    pub site: Option<&'a Site>,
    /// The kind of store.
    pub storage: StorageKind,
}

impl<'a> Address<'a> {
    /// Of the session that the settings mean; the keyring if nobody said anything.
    pub fn of(settings: &'a Settings) -> Result<Self, AuthError> {
        Ok(Address {
            base_url: base_url(settings)?,
            client_id: settings.client_id.as_ref().map(|id| &id.value),
            site: settings.site.as_ref(),
            storage: settings.storage.as_ref().map_or(StorageKind::Keyring, |kind| kind.value),
        })
    }

    /// Of the session that a site remembers.
    pub fn of_site(site: &'a Site) -> Self {
        Address {
            base_url: site.base_url.clone(),
            client_id: site.client_id.as_ref(),
            site: Some(site),
            storage: site.storage.unwrap_or(StorageKind::Keyring),
        }
    }

    /// The session's key. Without a client ID it can only be a personal access token; a second session for
    /// the same pair has its site's name in the key.
    pub fn key(&self) -> StoreKey {
        let client_id = match (self.site, self.client_id) {
            (Some(site), _) if site.pat => PAT_CLIENT_ID,
            (_, Some(client_id)) => client_id.as_str(),
            (_, None) => PAT_CLIENT_ID,
        };
        let own = self.site.filter(|site| site.own_key).map(|site| site.name.as_str());
        StoreKey::new(self.base_url.as_str(), client_id, own)
    }

    /// Whether nobody can have logged in here: no site is known and no storage was chosen, so where there is no
    /// keyring there is nothing that one could hold.
    pub fn is_unheard_of(&self, settings: &Settings) -> bool {
        self.site.is_none() && settings.storage.is_none()
    }

    /// Whether both are one record.
    pub fn is_that_of(&self, other: &Address<'_>) -> bool {
        self.storage == other.storage && self.key() == other.key()
    }
}

/// What a store is opened for; it decides how a person is asked for the master password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read what is there, and perhaps to replace it.
    Use,
    /// To put a session there: a password that is thought up now is asked for twice.
    Login,
    /// To remove what is there, which needs no password.
    Forget,
}

/// Where a session is kept.
#[derive(Clone, Debug)]
pub struct Place {
    /// The store.
    pub store: Store,
    /// The key in it.
    pub key: StoreKey,
    /// Where the locks are.
    pub locks: LockDir,
}

impl Place {
    /// Opens the store at an address.
    pub async fn open(
        address: &Address<'_>,
        settings: &Settings,
        world: &World,
        purpose: Purpose,
    ) -> Result<Self, AuthError> {
        let store = open_store(settings, world, address.storage, purpose).await?;
        let locks = LockDir::new(settings.dirs.state.join("locks"));
        Ok(Place { store, key: address.key(), locks })
    }

    /// The session that is there now; an error if what is there is none.
    pub async fn read(&self) -> Result<Option<Session>, AuthError> {
        let record = self.store.load(&self.key).await?;
        record.map(|record| Session::from_record(&record)).transpose().map_err(AuthError::Corrupt)
    }

    /// The same for whoever is about to replace it, whatever it is.
    pub async fn session(&self) -> Result<Option<Session>, AuthError> {
        let Some(record) = self.store.load(&self.key).await? else { return Ok(None) };
        Ok(Session::from_record(&record).ok())
    }

    /// Whether the store takes a session; asked before the browser opens.
    pub async fn probe(&self) -> Result<(), AuthError> {
        let _lock = self.locks.acquire(&self.key, PATIENCE).await?;
        let pending = self.store.prepare(&self.key).await?;
        self.store.abandon(pending).await;
        Ok(())
    }

    /// Saves a session in place of whatever was there, and clears the mark of an interrupted refresh: the
    /// new refresh token has nothing to do with it.
    pub async fn save(&self, session: &Session) -> Result<(), AuthError> {
        let lock = self.locks.acquire(&self.key, PATIENCE).await?;
        let pending = self.store.prepare(&self.key).await?;
        self.store.commit(pending, &session.to_record()).await?;
        lock.clear_mark()?;
        Ok(())
    }

    /// Changes what is stored, under the lock, so that no sibling's newer pair is overwritten. False if there
    /// is no session.
    pub async fn change(&self, edit: impl FnOnce(Session) -> Session) -> Result<bool, AuthError> {
        let _lock = self.locks.acquire(&self.key, PATIENCE).await?;
        let Some(session) = self.session().await? else { return Ok(false) };
        let pending = self.store.prepare(&self.key).await?;
        self.store.commit(pending, &edit(session).to_record()).await?;
        Ok(true)
    }

    /// Adds whose session it is, if it is still the one that was made: it may have been refreshed meanwhile.
    pub async fn set_user(&self, session: &Session, user: User) -> Result<Session, AuthError> {
        let _lock = self.locks.acquire(&self.key, PATIENCE).await?;
        let named = Session { user: Some(user), ..session.clone() };
        let stored = self.session().await?;
        if stored.is_some_and(|stored| stored.access_token == session.access_token) {
            let pending = self.store.prepare(&self.key).await?;
            self.store.commit(pending, &named.to_record()).await?;
        }
        Ok(named)
    }

    /// Removes the session under its lock, and returns it if it could be read.
    pub async fn remove(&self) -> Result<(bool, Option<Session>), AuthError> {
        let lock = self.locks.acquire(&self.key, PATIENCE).await?;
        let session = match self.session().await {
            Ok(session) => session,
            // A file that cannot be opened can still be deleted; a keyring that does not answer cannot.
            Err(error) if self.store.kind() == "file" => {
                log::info!("removing a session that cannot be read: {error}");
                None
            }
            Err(error) => return Err(error),
        };
        let removed = self.store.remove(&self.key).await?;
        lock.clear_mark()?;
        Ok((removed, session))
    }
}

/// Opens a store. The master password is asked for only here, and only of a person.
async fn open_store(
    settings: &Settings,
    world: &World,
    kind: StorageKind,
    purpose: Purpose,
) -> Result<Store, AuthError> {
    if let Some(memory) = &world.memory {
        return Ok(Store::Memory(memory.clone()));
    }
    match kind {
        StorageKind::Keyring => Ok(Store::Keyring(keyring(settings, world))),
        StorageKind::File => {
            let directory = settings.dirs.config.clone();
            if let Some(password) = &settings.master_password {
                return Ok(Store::File(FileStore::new(directory, password.value.clone())));
            }
            if !world.person || purpose == Purpose::Forget {
                return Ok(Store::File(FileStore::locked(directory)));
            }
            let password = ask(world, "Master password of the session file: ").await?;
            if purpose == Purpose::Login && ask(world, "The same again: ").await? != password {
                return Err(AuthError::Prompt("the two passwords differ".to_owned()));
            }
            Ok(Store::File(FileStore::new(directory, password)))
        }
    }
}

/// The keyring, with the patience that somebody at the terminal needs for its dialog.
pub(super) fn keyring(settings: &Settings, world: &World) -> Keyring {
    let usual = if world.person { KEYRING_DEADLINE_PERSON } else { KEYRING_DEADLINE };
    let deadline = settings.keyring_timeout.unwrap_or(usual);
    Keyring::new(deadline, Some(world.keyring_waits.clone())).interactive(world.person)
}

pub(super) async fn ask(world: &World, question: &'static str) -> Result<Secret, AuthError> {
    let prompt = world.prompt.clone();
    let answer = on_own_thread(move || prompt.hidden(question)).await.flatten();
    answer.map_err(|error| AuthError::Prompt(error.to_string()))
}
