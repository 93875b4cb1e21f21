//! macOS Keychain and Windows Credential Manager, through keyring-core's stores.

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::Items;
use crate::auth::store::StoreError;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
use windows_native_keyring_store::Store;

/// How to reach the keyring.
#[derive(Debug, Clone, Default)]
pub(super) struct Platform {
    pub(super) service: &'static str,
    pub(super) interactive: bool,
}

impl Platform {
    /// Opens it; neither of the two is asked anything before an item is.
    pub(super) fn open(&self) -> Result<Box<dyn Items>, StoreError> {
        Ok(Box::new(Native {
            store: Store::new().map_err(judge)?,
            service: self.service,
            #[cfg(target_os = "macos")]
            _silence: if self.interactive { None } else { Some(silence()?) },
        }))
    }
}

struct Native {
    store: std::sync::Arc<Store>,
    service: &'static str,
    #[cfg(target_os = "macos")]
    _silence: Option<security_framework::os::macos::keychain::KeychainUserInteractionLock>,
}

/// As long as it lives, the Keychain answers errSecInteractionNotAllowed instead of opening a dialog.
#[cfg(target_os = "macos")]
fn silence() -> Result<security_framework::os::macos::keychain::KeychainUserInteractionLock, StoreError> {
    security_framework::os::macos::keychain::SecKeychain::disable_user_interaction()
        .map_err(|error| StoreError::KeyringFailed(error.to_string()))
}

impl Native {
    fn entry(&self, account: &str) -> Result<Entry, StoreError> {
        // On Windows an item has one name; the library of Go programs makes it so.
        #[cfg(windows)]
        if self.service != super::SERVICE {
            let target = format!("{}:{account}", self.service);
            let modifiers = std::collections::HashMap::from([("target", target.as_str())]);
            return self.store.build(self.service, account, Some(&modifiers)).map_err(judge);
        }
        self.store.build(self.service, account, None).map_err(judge)
    }
}

impl Items for Native {
    #[cfg(windows)]
    fn limit(&self) -> Option<usize> {
        // CRED_MAX_CREDENTIAL_BLOB_SIZE
        Some(5 * 512)
    }

    fn get(&self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        match self.entry(account)?.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(judge(error)),
        }
    }

    fn put(&self, account: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.entry(account)?.set_secret(bytes).map_err(judge)
    }

    fn delete(&self, account: &str) -> Result<bool, StoreError> {
        match self.entry(account)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(judge(error)),
        }
    }
}

/// What a failed call says about the keyring. The text of the whole error is not used: some variants
/// carry the secret.
fn judge(error: Error) -> StoreError {
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => judge_cause(cause.as_ref()),
        Error::Ambiguous(entries) => {
            StoreError::KeyringCorrupt(format!("{} items have the same name", entries.len()))
        }
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::BadStoreFormat(_) => {
            StoreError::KeyringCorrupt("it is not what was written".to_owned())
        }
        Error::TooLong(what, limit) => StoreError::KeyringFailed(format!("{what} is longer than {limit}")),
        Error::Invalid(what, why) => StoreError::KeyringFailed(format!("{what}: {why}")),
        Error::NoEntry => StoreError::KeyringCorrupt("its item is gone".to_owned()),
        Error::NoDefaultStore => StoreError::KeyringAbsent("no store".to_owned()),
        Error::NotSupportedByStore(what) => StoreError::KeyringFailed(what),
        // The enum is open: what a later release adds is a failure until somebody has looked at it.
        _ => StoreError::KeyringFailed("an error of an unknown kind".to_owned()),
    }
}

#[cfg(target_os = "macos")]
fn judge_cause(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> StoreError {
    let code = cause.downcast_ref::<security_framework::base::Error>().map(|error| error.code());
    match code {
        // errSecInteractionNotAllowed: it would have had to ask.
        Some(-25308) => StoreError::KeyringLocked,
        // errSecAuthFailed, errSecUserCanceled, and the write permission error.
        Some(-25293 | -128 | -61) => StoreError::KeyringDenied(cause.to_string()),
        // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain, errSecNoDefaultKeychain.
        Some(-25291 | -25294 | -25295 | -25307) => StoreError::KeyringAbsent(cause.to_string()),
        _ => StoreError::KeyringFailed(cause.to_string()),
    }
}

#[cfg(windows)]
fn judge_cause(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> StoreError {
    let text = cause.to_string();
    match text.as_str() {
        // A service or a network logon, which has no Credential Manager.
        text if text.contains("ERROR_NO_SUCH_LOGON_SESSION") => {
            StoreError::KeyringAbsent("this logon session has no Credential Manager".to_owned())
        }
        // ERROR_ACCESS_DENIED
        "Windows error code 5" => StoreError::KeyringDenied(text),
        _ => StoreError::KeyringFailed(text),
    }
}
