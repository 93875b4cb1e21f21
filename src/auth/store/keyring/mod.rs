//! The keyring of the operating system: macOS Keychain, Windows Credential Manager, or on Linux whatever
//! speaks the Secret Service protocol.
//!
//! It is another program, and may be absent, locked, unwilling or hung (threat 16): each of these is an
//! error of its own, and none takes longer than the deadline.

#[cfg(any(target_os = "macos", windows))]
mod native;
mod parts;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use crate::process::own_thread;
use crate::secret::Secret;

use super::{StoreError, StoreKey};

#[cfg(any(target_os = "macos", windows))]
use native::Platform;
#[cfg(all(unix, not(target_os = "macos")))]
use secret_service::Platform;

/// The service under which every item stands; its account is the store key.
const SERVICE: &str = "jira-oauth";

/// What stands in an item that a login has made sure of and not yet filled. It reads as no record.
const PLACEHOLDER: &[u8] = b"jira-oauth: a login is under way";

/// When to say that we are waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a save may take once the refresh token is spent, however short the deadline: giving up would
/// lose the session.
const SAVING: Duration = Duration::from_secs(30);

type OnWait = Arc<dyn Fn() + Send + Sync>;

/// Sessions in the keyring, one item each (on Windows more, for a long one).
#[derive(Clone)]
pub struct Keyring {
    deadline: Duration,
    on_wait: Option<OnWait>,
    said: Arc<AtomicBool>,
    platform: Platform,
}

impl Keyring {
    /// Every call ends within `deadline`. `on_wait` is called once, when one has taken 2 s.
    ///
    /// Nobody is expected to be there: a locked keyring is [`StoreError::KeyringLocked`] at once.
    pub fn new(deadline: Duration, on_wait: Option<OnWait>) -> Self {
        let platform = Platform { service: SERVICE, ..Platform::default() };
        Keyring { deadline, on_wait, said: Arc::default(), platform }
    }

    /// Whether a person is there, so that a locked keyring may open its dialog.
    #[must_use]
    pub fn interactive(mut self, interactive: bool) -> Self {
        self.platform.interactive = interactive;
        self
    }

    /// The address of the session's D-Bus, as in `DBUS_SESSION_BUS_ADDRESS`. Without it zbus finds the
    /// bus by itself: that variable, else the socket in the runtime directory. This is the one place where
    /// a library may ask the environment.
    #[cfg(all(unix, not(target_os = "macos")))]
    #[must_use]
    pub fn bus_address(mut self, address: Option<String>) -> Self {
        self.platform.address = address;
        self
    }

    pub(super) async fn load(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError> {
        let key = key.clone();
        let found = self.call(self.deadline, move |items| parts::read(items, key.as_str())).await?;
        found.filter(|bytes| bytes.as_slice() != PLACEHOLDER).map(text).transpose()
    }

    /// What another program keeps in an item of its own, which is only ever read.
    pub(super) async fn foreign(
        &self,
        service: &'static str,
        account: &StoreKey,
    ) -> Result<Option<Secret>, StoreError> {
        let mut other = self.clone();
        other.platform.service = service;
        let account = account.clone();
        let found = other.call(self.deadline, move |items| items.get(account.as_str())).await?;
        found.map(text).transpose()
    }

    /// Writes the record that is there back into its item. If there is none, which is so at a login only,
    /// an item is made: no other item is ever touched.
    pub(super) async fn prepare(&self, key: &StoreKey) -> Result<Write, StoreError> {
        let account = key.clone();
        let created = self
            .call(self.deadline, move |items| match parts::read(items, account.as_str())? {
                Some(bytes) => parts::write(items, account.as_str(), &bytes).map(|()| false),
                None => parts::write(items, account.as_str(), PLACEHOLDER).map(|()| true),
            })
            .await?;
        Ok(Write { keyring: self.clone(), key: key.clone(), created })
    }

    pub(super) async fn remove(&self, key: &StoreKey) -> Result<bool, StoreError> {
        let key = key.clone();
        self.call(self.deadline, move |items| {
            let mut was_record = false;
            let removed = parts::remove(items, key.as_str(), |bytes| {
                was_record = bytes != PLACEHOLDER;
                true
            })?;
            Ok(removed && was_record)
        })
        .await
    }

    /// Runs `work` with the keyring open, on a thread of its own that is left behind if it hangs.
    async fn call<T: Send + 'static>(
        &self,
        deadline: Duration,
        work: impl FnOnce(&dyn Items) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let platform = self.platform.clone();
        let failed = |error: std::io::Error| StoreError::KeyringFailed(error.to_string());
        let mut answer =
            own_thread(move || platform.open().and_then(|items| work(items.as_ref()))).map_err(failed)?;
        let waited = timeout(deadline, async {
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                () = sleep(PATIENCE) => {}
            }
            if let (Some(on_wait), false) = (&self.on_wait, self.said.swap(true, Ordering::Relaxed)) {
                on_wait();
            }
            answer.await
        });
        match waited.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::KeyringFailed("its thread ended early".to_owned())),
            Err(_) => Err(StoreError::KeyringSilent(deadline)),
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

fn text(bytes: Zeroizing<Vec<u8>>) -> Result<Secret, StoreError> {
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(StoreError::KeyringCorrupt("it is not text".to_owned())),
    }
}

/// A record whose item is known to take a write.
#[derive(Debug)]
pub(super) struct Write {
    keyring: Keyring,
    key: StoreKey,
    created: bool,
}

impl Write {
    pub(super) async fn commit(self, value: &Secret) -> Result<(), StoreError> {
        let (key, value) = (self.key, value.clone());
        let deadline = self.keyring.deadline.max(SAVING);
        self.keyring
            .call(deadline, move |items| parts::write(items, key.as_str(), value.expose().as_bytes()))
            .await
    }

    /// Takes the placeholder away, unless somebody has filled it. Failing is no matter: it reads as no
    /// record.
    pub(super) async fn abandon(self) {
        if self.created {
            let key = self.key;
            let deadline = self.keyring.deadline;
            let removed = self.keyring.call(deadline, move |items| {
                parts::remove(items, key.as_str(), |bytes| bytes == PLACEHOLDER)
            });
            let _ = removed.await;
        }
    }
}

/// The items of an open keyring, by account. Calls block.
trait Items {
    /// The most bytes one item holds.
    fn limit(&self) -> Option<usize> {
        None
    }

    /// What is in an item.
    fn get(&self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Replaces what is in an item; makes it if it is not there.
    fn put(&self, account: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Removes an item; `false` if it was not there.
    fn delete(&self, account: &str) -> Result<bool, StoreError>;
}
