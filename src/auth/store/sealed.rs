//! The session of a CI job: every command of the job is given the same injected refresh token, the first
//! one spends it, and the others must find what came of that (docs/security.md, row 31).

use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::secret::{Secret, hex};

use super::StoreKey;
use super::cipher::{self, Keys};
use super::envelope::Envelope;

/// One file, named after the injected token and opened by it: whoever has the token has the session
/// anyway, and after the job the file is of no use to anybody.
#[derive(Debug, Clone)]
pub struct SealedFile {
    dir: PathBuf,
    injected: Secret,
    keys: Arc<Keys>,
}

impl SealedFile {
    /// A file in `dir` itself, which may be anybody's (`RUNNER_TEMP`); key by HKDF-SHA256 from `injected`.
    pub fn new(dir: PathBuf, injected: Secret) -> Self {
        let keys = Arc::new(Keys::from_token(injected.clone()));
        SealedFile { dir, injected, keys }
    }

    /// The file.
    pub fn path(&self, key: &StoreKey) -> PathBuf {
        self.envelope(key).path
    }

    /// The name says nothing that could help to find the token: a hash of its own, not the fingerprint
    /// that appears in lock files. The store key is in it so that two sites have two files.
    pub(super) fn envelope(&self, key: &StoreKey) -> Envelope {
        let mut hash = Sha256::new();
        hash.update(b"jira-oauth: name of the sealed session of a CI job\0");
        hash.update(key.as_str());
        hash.update(self.injected.expose());
        let name = hex(&hash.finalize()[..16]);
        Envelope {
            path: self.dir.join(format!("jira-oauth-{name}.sealed")),
            own_dir: false,
            format: cipher::SEALED,
            key: key.clone(),
            keys: Some(self.keys.clone()),
        }
    }
}
