//! Records in this process's memory: for the demo, which must leave nothing behind, and for tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::secret::Secret;

use super::{StoreError, StoreKey};

/// A store that ends with the process.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    records: HashMap<StoreKey, Secret>,
    refuse_prepare: bool,
    refuse_commit: bool,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Memory::default()
    }

    /// From now on (or no longer), [`prepare`](super::Store::prepare) fails as on a full disk.
    #[cfg(test)]
    pub fn fail_prepare(&self, fail: bool) {
        self.lock().refuse_prepare = fail;
    }

    /// From now on (or no longer), [`commit`](super::Store::commit) fails as if the disk had filled up
    /// between the two.
    #[cfg(test)]
    pub fn fail_commit(&self, fail: bool) {
        self.lock().refuse_commit = fail;
    }

    pub(super) fn load(&self, key: &StoreKey) -> Option<Secret> {
        self.lock().records.get(key).cloned()
    }

    pub(super) fn prepare(&self, key: &StoreKey) -> Result<Write, StoreError> {
        if self.lock().refuse_prepare {
            return Err(unwritable());
        }
        Ok(Write { memory: self.clone(), key: key.clone() })
    }

    pub(super) fn remove(&self, key: &StoreKey) -> bool {
        self.lock().records.remove(key).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is one insert or remove: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct Write {
    memory: Memory,
    key: StoreKey,
}

impl Write {
    pub(super) fn commit(self, value: &Secret) -> Result<(), StoreError> {
        let mut inner = self.memory.lock();
        if inner.refuse_commit {
            return Err(unwritable());
        }
        inner.records.insert(self.key, value.clone());
        Ok(())
    }
}

fn unwritable() -> StoreError {
    StoreError::Unwritable {
        path: "memory".into(),
        source: std::io::Error::from(std::io::ErrorKind::StorageFull),
    }
}
