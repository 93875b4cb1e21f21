//! What the broker must hold, and reads again while it runs: the client's secret, the callers' tokens, its
//! certificate and the authorities of its clients.
//!
//! Files are compared by content, not by time or inode: Kubernetes swaps a link above them. What cannot be used
//! is said and counted once, and what was there before stays.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, watch};
use zeroize::Zeroizing;

use super::caller::{Callers, CallersError};
use super::log::{Level, Log};
use super::metrics::{Metrics, Reloaded, What};
use crate::config::{ConfigError, SecretPlace};
use crate::error::{Code, Failure};
use crate::named::{self, LARGEST_PEM, NamedError, Pipes};
use crate::process::on_own_thread;
use crate::secret::Secret;
use crate::serve::{ServeError, from_pem_for_clients};

/// How often the files are read again.
const EVERY: Duration = Duration::from_secs(10);

/// Where all of it stands.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The client's secret.
    pub secret: SecretPlace,
    /// The callers' tokens.
    pub callers: Option<SecretPlace>,
    /// The files of TLS.
    pub tls: Option<TlsFiles>,
}

/// The files of TLS, all PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, with what stands between it and its root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities of the clients' certificates, if they have some.
    pub client_ca: Option<PathBuf>,
}

/// Why something cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// The file of a secret.
    #[error(transparent)]
    Secret(#[from] ConfigError),
    /// The list of callers.
    #[error("{at}: {error}")]
    Callers {
        /// The variable.
        at: String,
        /// What is wrong.
        error: CallersError,
    },
    /// A certificate or key.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: NamedError,
    },
    /// Certificates and key.
    #[error(transparent)]
    Tls(#[from] ServeError),
}

impl From<MaterialError> for Failure {
    fn from(error: MaterialError) -> Self {
        match error {
            MaterialError::Secret(error) => error.into(),
            MaterialError::Callers { .. } | MaterialError::File { .. } => {
                Failure::new(Code::BadValue, error.to_string())
            }
            MaterialError::Tls(error) => error.into(),
        }
    }
}

/// What is known now.
pub struct Known {
    /// The client's secret.
    pub secret: Secret,
    /// The callers' tokens; `None` if callers have none.
    pub callers: Option<Callers>,
}

/// All of it, as it is now.
pub struct Material {
    sources: Sources,
    known: watch::Sender<Arc<Known>>,
    tls: Option<watch::Sender<Arc<ServerConfig>>>,
    /// The content that was last looked at, or why there was none.
    seen: Mutex<HashMap<What, Mark>>,
    /// Asks for a look before its time.
    pub look: Notify,
}

/// A hash of a content, or the words of an error.
type Mark = [u8; 32];

/// One look at everything.
struct Look {
    secret: Result<Secret, MaterialError>,
    callers: Option<Result<Secret, MaterialError>>,
    certificate: Option<Result<Pem, MaterialError>>,
    client_ca: Option<Result<Vec<u8>, MaterialError>>,
}

struct Pem {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Material {
    /// Reads everything for the first time: all of it must be right. Blocks.
    pub fn load(sources: Sources) -> Result<Self, MaterialError> {
        let look = look(&sources);
        let seen = Mutex::new(look.marks());
        let Look { secret, callers, certificate, client_ca } = look;
        let callers = callers.transpose()?.map(|text| parse_callers(&text, &sources)).transpose()?;
        let tls = match certificate.transpose()? {
            Some(pem) => Some(server_config(&pem, client_ca.transpose()?.as_deref())?),
            None => None,
        };
        let known = Arc::new(Known { secret: secret?, callers });
        let tls = tls.map(|config| watch::channel(config).0);
        Ok(Material { sources, known: watch::channel(known).0, tls, seen, look: Notify::new() })
    }

    /// What is known now.
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.borrow())
    }

    /// The certificates as they are whenever a connection is made; `None` without TLS.
    pub fn tls(&self) -> Option<watch::Receiver<Arc<ServerConfig>>> {
        self.tls.as_ref().map(watch::Sender::subscribe)
    }

    /// Whether clients have certificates.
    pub fn has_client_ca(&self) -> bool {
        self.sources.tls.as_ref().is_some_and(|files| files.client_ca.is_some())
    }

    /// Looks every ten seconds and whenever it is asked to, for ever.
    pub async fn keep_looking(&self, metrics: &Metrics, log: &Log) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.look.notified() => {}
            }
            let sources = self.sources.clone();
            // A file may lie where reading it takes long.
            if let Ok(look) = on_own_thread(move || look(&sources)).await {
                self.take(look, metrics, log);
            }
        }
    }

    /// Uses what is new and right.
    fn take(&self, look: Look, metrics: &Metrics, log: &Log) {
        let marks = look.marks();
        let is_new = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let old = std::mem::replace(&mut *seen, marks.clone());
            move |what: What| old.get(&what) != marks.get(&what)
        };
        let tell = |what: What, result: Result<(), MaterialError>| match result {
            Ok(()) => {
                metrics.reloaded(what, Reloaded::Ok);
                log.write(log.line(Level::Info, "reload").word("what", what.as_str()).word("result", "ok"));
            }
            Err(error) => {
                metrics.reloaded(what, Reloaded::Failed);
                let line = log.line(Level::Warn, "reload").word("what", what.as_str());
                log.write(line.word("result", "failed").text("reason", &error.to_string()));
            }
        };
        let Look { secret, callers, certificate, client_ca } = look;
        if is_new(What::Secret) {
            tell(What::Secret, secret.map(|secret| self.change(|known| known.secret = secret)));
        }
        if let Some(callers) = callers.filter(|_| is_new(What::Callers)) {
            let parsed = callers.and_then(|text| parse_callers(&text, &self.sources));
            tell(What::Callers, parsed.map(|callers| self.change(|known| known.callers = Some(callers))));
        }
        let (is_new_pem, is_new_ca) = (is_new(What::Certificate), is_new(What::ClientCa));
        let (Some(certificate), Some(tls)) = (certificate, &self.tls) else { return };
        if !is_new_pem && !is_new_ca {
            return;
        }
        let (pem, ca) = match (certificate, client_ca.transpose()) {
            (Ok(pem), Ok(ca)) => (pem, ca),
            (Err(error), _) if is_new_pem => return tell(What::Certificate, Err(error)),
            (_, Err(error)) if is_new_ca => return tell(What::ClientCa, Err(error)),
            // What is wrong was said when it became so.
            _ => return,
        };
        match server_config(&pem, ca.as_deref()) {
            Ok(config) => {
                tls.send_replace(config);
                [What::Certificate, What::ClientCa]
                    .into_iter()
                    .zip([is_new_pem, is_new_ca])
                    .filter(|(_, new)| *new)
                    .for_each(|(what, _)| tell(what, Ok(())));
            }
            Err(error) => tell(if is_new_pem { What::Certificate } else { What::ClientCa }, Err(error)),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        self.known.send_modify(|known| {
            let Known { secret, callers } = &**known;
            let mut new = Known { secret: secret.clone(), callers: callers.clone() };
            change(&mut new);
            *known = Arc::new(new);
        });
    }
}

impl Look {
    fn marks(&self) -> HashMap<What, Mark> {
        let secret = |found: &Result<Secret, MaterialError>| match found {
            Ok(secret) => mark([secret.expose().as_bytes()]),
            Err(error) => mark([error.to_string().as_bytes()]),
        };
        let mut marks = HashMap::from([(What::Secret, secret(&self.secret))]);
        marks.extend(self.callers.as_ref().map(|callers| (What::Callers, secret(callers))));
        marks.extend(self.certificate.as_ref().map(|found| {
            let mark = match found {
                Ok(pem) => mark([&pem.certificate[..], &pem.key[..]]),
                Err(error) => mark([error.to_string().as_bytes()]),
            };
            (What::Certificate, mark)
        }));
        marks.extend(self.client_ca.as_ref().map(|found| {
            let mark = match found {
                Ok(pem) => mark([&pem[..]]),
                Err(error) => mark([error.to_string().as_bytes()]),
            };
            (What::ClientCa, mark)
        }));
        marks
    }
}

fn mark<const N: usize>(parts: [&[u8]; N]) -> Mark {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn look(sources: &Sources) -> Look {
    let Sources { secret, callers, tls } = sources;
    Look {
        secret: secret.read(true).map_err(MaterialError::from),
        callers: callers.as_ref().map(|place| Ok(place.read(false)?)),
        certificate: tls.as_ref().map(|files| {
            let key = Zeroizing::new(read(&files.key)?);
            Ok(Pem { certificate: read(&files.certificate)?, key })
        }),
        client_ca: tls.as_ref().and_then(|files| files.client_ca.as_deref()).map(read),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, MaterialError> {
    // They are read again later: a pipe would be empty then.
    named::read(path, LARGEST_PEM, Pipes::Refused)
        .map_err(|error| MaterialError::File { path: path.to_owned(), error })
}

fn parse_callers(text: &Secret, sources: &Sources) -> Result<Callers, MaterialError> {
    let (at, parsed) = match &sources.callers {
        Some(SecretPlace::File(file)) => (file.source.to_string(), Callers::parse(text)),
        Some(SecretPlace::Said(said)) => (said.source.to_string(), Callers::one(text.clone())),
        None => (String::new(), Callers::parse(text)),
    };
    parsed.map_err(|error| MaterialError::Callers { at, error })
}

fn server_config(pem: &Pem, client_ca: Option<&[u8]>) -> Result<Arc<ServerConfig>, MaterialError> {
    Ok(from_pem_for_clients(&pem.certificate, &pem.key, client_ca)?)
}
