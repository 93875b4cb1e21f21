//! Reading what the broker must hold, each piece on a thread of its own: a file may lie where reading it takes long,
//! or has no end (a network file system that is gone), and the others are not to wait for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::tls::Pem;
use super::{MaterialError, Sources};
use crate::broker::metrics::What;
use crate::named::{self, LARGEST_PEM, Pipes};
use crate::process::own_thread;
use crate::secret::Secret;

/// How long one of them may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What was found at one place.
pub(super) enum Content {
    Text(Secret),
    Pem(Pem),
    Authorities(Vec<u8>),
}

pub(super) type Found = Result<Content, MaterialError>;

/// Reads one of them. Blocks.
pub(super) type Read = fn(&Sources, What) -> Option<Found>;

/// A hash of a content, or of the words of an error.
pub(super) type Mark = [u8; 32];

/// What stands at its place, as it is now; `None` if it has none.
pub(super) fn read(sources: &Sources, what: What) -> Option<Found> {
    let Sources { secret, callers, redis, tls } = sources;
    let text = |found: Result<Secret, _>| found.map(Content::Text).map_err(MaterialError::Secret);
    match what {
        What::Secret => Some(text(secret.read(true))),
        What::Callers => callers.as_ref().map(|place| text(place.read(false))),
        What::Redis => redis.as_ref().map(|place| text(place.read(true))),
        What::Certificate => tls.as_ref().map(|files| {
            let key = Zeroizing::new(file(&files.key)?);
            Ok(Content::Pem(Pem { certificate: file(&files.certificate)?, key }))
        }),
        What::ClientCa => {
            let path = tls.as_ref().and_then(|files| files.client_ca.as_deref())?;
            Some(file(path).map(Content::Authorities))
        }
    }
}

fn file(path: &Path) -> Result<Vec<u8>, MaterialError> {
    // They are read again later: a pipe would be empty then.
    named::read(path, LARGEST_PEM, Pipes::Refused)
        .map_err(|error| MaterialError::File { path: path.to_owned(), error })
}

/// By what it is known that something has changed.
pub(super) fn mark(found: &Found) -> Mark {
    match found {
        Ok(Content::Text(text)) => hash([text.expose().as_bytes()]),
        Ok(Content::Pem(pem)) => hash([&pem.certificate[..], &pem.key[..]]),
        Ok(Content::Authorities(pem)) => hash([&pem[..]]),
        Err(error) => hash([error.to_string().as_bytes()]),
    }
}

fn hash<const N: usize>(parts: [&[u8]; N]) -> Mark {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What is being read. What does not come to its end is not begun again: no more than one thread hangs for each.
#[derive(Default)]
pub(super) struct Reader {
    pending: HashMap<What, Pending>,
}

struct Pending {
    found: oneshot::Receiver<Option<Found>>,
    overdue: bool,
}

impl Reader {
    /// Looks at everything, for no longer than the patience; what is overdue already is not waited for again.
    pub(super) async fn look(
        &mut self,
        sources: &Sources,
        read: Read,
        patience: Duration,
    ) -> Vec<(What, Found)> {
        let deadline = Instant::now() + patience;
        for &what in What::ALL {
            if let Entry::Vacant(place) = self.pending.entry(what) {
                let sources = sources.clone();
                // Without a thread it is looked at the next time.
                let Ok(found) = own_thread(move || read(&sources, what)) else { continue };
                place.insert(Pending { found, overdue: false });
            }
        }
        let mut all = Vec::new();
        for &what in What::ALL {
            let Some(pending) = self.pending.get_mut(&what) else { continue };
            let until = if pending.overdue { Instant::now() } else { deadline };
            match timeout_at(until, &mut pending.found).await {
                Ok(found) => {
                    self.pending.remove(&what);
                    all.extend(found.ok().flatten().map(|found| (what, found)));
                }
                Err(_) => {
                    pending.overdue = true;
                    all.push((what, Err(MaterialError::Slow { what: what.as_str(), patience })));
                }
            }
        }
        all
    }
}
