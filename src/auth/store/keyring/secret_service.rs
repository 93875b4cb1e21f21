//! The Secret Service protocol over D-Bus: gnome-keyring, KWallet, KeePassXC.
//!
//! Spoken through the `secret-service` crate and not through the keyring store made of it: that one opens
//! the unlock dialog whenever something is locked, and then a job without a person waits for nobody.

use std::collections::HashMap;

use secret_service::{EncryptionType, Error, Item, SecretService};
use tokio::runtime::{Builder, Runtime};
use zbus::{connection, fdo};
use zeroize::Zeroizing;

use super::Items;
use crate::auth::store::StoreError;

/// How to reach the keyring.
#[derive(Debug, Clone, Default)]
pub(super) struct Platform {
    pub(super) service: &'static str,
    pub(super) interactive: bool,
    pub(super) address: Option<String>,
}

impl Platform {
    /// Connects. The connection lives on a runtime of this thread's own: it goes when the call is done.
    pub(super) fn open(&self) -> Result<Box<dyn Items>, StoreError> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|error| StoreError::KeyringFailed(error.to_string()))?;
        let service = runtime.block_on(connect(self.address.as_deref()))?;
        Ok(Box::new(Session { runtime, service, name: self.service, interactive: self.interactive }))
    }
}

async fn connect(address: Option<&str>) -> Result<SecretService<'static>, StoreError> {
    let builder = match address {
        Some(address) => connection::Builder::address(address),
        None => connection::Builder::session(),
    };
    let no_bus = |error: zbus::Error| StoreError::KeyringAbsent(format!("no D-Bus session ({error})"));
    let bus = builder.map_err(no_bus)?.build().await.map_err(no_bus)?;
    // Encrypted on the bus too: a monitor of the bus is not a reader of the keyring.
    SecretService::connect_with_existing(EncryptionType::Dh, bus).await.map_err(judge)
}

struct Session {
    runtime: Runtime,
    service: SecretService<'static>,
    /// The service that the items stand under.
    name: &'static str,
    interactive: bool,
}

impl Items for Session {
    fn get(&self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.runtime.block_on(async {
            match self.find(account).await? {
                Some(item) => Ok(Some(Zeroizing::new(item.get_secret().await.map_err(judge)?))),
                None => Ok(None),
            }
        })
    }

    fn put(&self, account: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.runtime.block_on(async {
            match self.find(account).await? {
                Some(item) => item.set_secret(bytes, "text/plain").await.map_err(judge),
                None => self.create(account, bytes).await,
            }
        })
    }

    fn delete(&self, account: &str) -> Result<bool, StoreError> {
        self.runtime.block_on(async {
            match self.find(account).await? {
                Some(item) => item.delete().await.map(|()| true).map_err(judge),
                None => Ok(false),
            }
        })
    }
}

impl Session {
    /// The item, unlocked. What is locked is never "not there".
    async fn find(&self, account: &str) -> Result<Option<Item<'_>>, StoreError> {
        let found = self.service.search_items(self.attributes(account)).await.map_err(judge)?;
        if !found.locked.is_empty() {
            self.may_unlock()?;
            let items: Vec<_> = found.locked.iter().collect();
            self.service.unlock_all(&items).await.map_err(judge)?;
        }
        let mut items: Vec<_> = found.unlocked.into_iter().chain(found.locked).collect();
        if items.is_empty() && self.unlock_default().await? {
            // Some services do not search what is locked.
            items = self.service.search_items(self.attributes(account)).await.map_err(judge)?.unlocked;
        }
        match items.len() {
            0 | 1 => Ok(items.pop()),
            several => Err(StoreError::KeyringCorrupt(format!(
                "{several} items have the same attributes (service {}, username {account})",
                self.name
            ))),
        }
    }

    /// Unlocks the default collection if it is locked, and says whether it was.
    async fn unlock_default(&self) -> Result<bool, StoreError> {
        let collection = match self.service.get_default_collection().await {
            Ok(collection) => collection,
            Err(Error::NoResult) => return Ok(false),
            Err(error) => return Err(judge(error)),
        };
        if !collection.is_locked().await.map_err(judge)? {
            return Ok(false);
        }
        self.may_unlock()?;
        collection.unlock().await.map_err(judge)?;
        Ok(true)
    }

    async fn create(&self, account: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let collection = match self.service.get_default_collection().await {
            Ok(collection) => collection,
            // Its dialog asks for a new password.
            Err(Error::NoResult) if self.interactive => {
                self.service.create_collection("Default keyring", "default").await.map_err(judge)?
            }
            Err(Error::NoResult) => {
                return Err(StoreError::KeyringAbsent(
                    "the Secret Service has no default keyring".to_owned(),
                ));
            }
            Err(error) => return Err(judge(error)),
        };
        // Replacing, so that of two logins at once the second does not make a second item.
        let label = format!("{}: a session with Jira", self.name);
        collection
            .create_item(&label, self.attributes(account), bytes, true, "text/plain")
            .await
            .map(drop)
            .map_err(judge)
    }

    /// The names that other keyring libraries use too, so that `secret-tool` finds the item.
    fn attributes<'a>(&self, account: &'a str) -> HashMap<&'static str, &'a str> {
        HashMap::from([("service", self.name), ("username", account)])
    }

    fn may_unlock(&self) -> Result<(), StoreError> {
        if self.interactive { Ok(()) } else { Err(StoreError::KeyringLocked) }
    }
}

/// What a failed call says about the keyring.
fn judge(error: Error) -> StoreError {
    match error {
        Error::Locked => StoreError::KeyringLocked,
        Error::Prompt => StoreError::KeyringDenied("its dialog was dismissed or could not open".to_owned()),
        Error::Unavailable => StoreError::KeyringAbsent("no Secret Service".to_owned()),
        Error::Zbus(zbus::Error::MethodError(ref name, ref text, _)) => {
            judge_by_name(name.as_str(), text.as_deref().unwrap_or_default())
        }
        Error::Zbus(zbus::Error::FDO(ref error)) => judge_fdo(error),
        Error::ZbusFdo(ref error) => judge_fdo(error),
        error => StoreError::KeyringFailed(error.to_string()),
    }
}

fn judge_fdo(error: &fdo::Error) -> StoreError {
    use zbus::DBusError;
    judge_by_name(error.name().as_str(), error.description().unwrap_or_default())
}

fn judge_by_name(name: &str, text: &str) -> StoreError {
    let said = || if text.is_empty() { name.to_owned() } else { text.to_owned() };
    match name.rsplit('.').next().unwrap_or(name) {
        "ServiceUnknown" | "NameHasNoOwner" | "NoServer" | "Disconnected" => {
            StoreError::KeyringAbsent(said())
        }
        // The bus knows how to start it, and could not.
        _ if name.contains(".Spawn.") => StoreError::KeyringAbsent(said()),
        "IsLocked" => StoreError::KeyringLocked,
        "AccessDenied" | "AuthFailed" | "InteractiveAuthorizationRequired" => {
            StoreError::KeyringDenied(said())
        }
        _ => StoreError::KeyringFailed(said()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_locked_and_denied_are_told_apart() {
        let judged = |name: &str| judge_by_name(name, "text");
        let bus = "org.freedesktop.DBus.Error";
        assert!(matches!(judged(&format!("{bus}.ServiceUnknown")), StoreError::KeyringAbsent(_)));
        assert!(matches!(judged(&format!("{bus}.Spawn.ChildExited")), StoreError::KeyringAbsent(_)));
        assert!(matches!(judged(&format!("{bus}.AccessDenied")), StoreError::KeyringDenied(_)));
        assert!(matches!(judged("org.freedesktop.Secret.Error.IsLocked"), StoreError::KeyringLocked));
        assert!(matches!(judged(&format!("{bus}.Failed")), StoreError::KeyringFailed(_)));
    }
}
