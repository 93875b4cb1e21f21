//! What whoever ends the program waits for and asks about: a session that is being saved, and a successor that
//! is still to be handed over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};

use super::injected::Undelivered;

/// Says whether a session is being saved or handed over right now, and what came of the handing over: the
/// command that would have reported it may have been cut short.
#[derive(Clone, Debug, Default)]
pub struct Saving {
    busy: Arc<RwLock<()>>,
    owed: Arc<watch::Sender<Option<Undelivered>>>,
}

impl Saving {
    /// Held from before a refresh token is spent until its successor is safe and handed over.
    pub(super) async fn begin(&self) -> OwnedRwLockReadGuard<()> {
        self.busy.clone().read_owned().await
    }

    /// Whether anything is being saved or handed over.
    pub fn is_busy(&self) -> bool {
        self.busy.try_write().is_err()
    }

    /// Waits until nothing is, `patience` at most; false if something still is.
    pub async fn settled(&self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.busy.write()).await.is_ok()
    }

    /// Notes what is not handed over as things are; nothing, once it is.
    pub(super) fn owe(&self, undelivered: Option<Undelivered>) {
        self.owed.send_replace(undelivered);
    }

    /// The successor that is saved and did not get where it belongs, or not yet.
    pub fn owed(&self) -> Option<Undelivered> {
        self.owed.borrow().clone()
    }

    /// Waits until a successor is saved, and is still to be handed over.
    pub async fn handing_over(&self) {
        // The sender lives as long as this does.
        let _ = self.owed.subscribe().wait_for(Option::is_some).await;
    }
}
