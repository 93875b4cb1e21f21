//! What the broker must hold, and reads again while it runs: the client's secret, the callers' tokens, the way to
//! the replicas' Redis, its certificate and the authorities of its clients.
//!
//! Files are compared by content, not by time or inode: Kubernetes swaps a link above them. What cannot be used
//! is said and counted once, and what was there before stays.

mod reading;
mod reminder;
#[cfg(test)]
mod tests;
mod tls;
mod validity;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::sync::{Notify, watch};

use super::caller::{Callers, CallersError};
use super::log::{Level, Log};
use super::metrics::{Metrics, Reloaded, What};
use crate::config::{ConfigError, SecretPlace};
use crate::error::{Code, Failure};
use crate::named::NamedError;
use crate::process::Clock;
use crate::secret::Secret;
use crate::serve::ServeError;

use reading::{Content, Found, Mark, Read, Reader};
use reminder::Reminder;
use tls::{Tls, Used};

pub use validity::{Standing, Validity};

/// How often the files are read again.
pub const EVERY: Duration = Duration::from_secs(10);

/// Where all of it stands.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The client's secret.
    pub secret: SecretPlace,
    /// The callers' tokens.
    pub callers: Option<SecretPlace>,
    /// The URL of the replicas' Redis.
    pub redis: Option<SecretPlace>,
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
    /// A certificate whose time is over, or has not come.
    #[error("{}: the certificate {words}", path.display())]
    Untimely {
        /// Its file.
        path: PathBuf,
        /// What is the matter with it.
        words: String,
    },
    /// It is not read by now.
    #[error("{what}: its file is not read within {} s; the others are, meanwhile", patience.as_secs())]
    Slow {
        /// What it is.
        what: &'static str,
        /// How long it was waited for.
        patience: Duration,
    },
}

impl From<MaterialError> for Failure {
    fn from(error: MaterialError) -> Self {
        match error {
            MaterialError::Secret(error) => error.into(),
            MaterialError::Callers { .. } | MaterialError::File { .. } | MaterialError::Untimely { .. } => {
                Failure::new(Code::BadValue, error.to_string())
            }
            MaterialError::Slow { .. } => Failure::new(Code::Timeout, error.to_string()),
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
    redis: Option<watch::Sender<Secret>>,
    tls: Option<Tls>,
    seen: Mutex<HashMap<What, Seen>>,
    read: Read,
    patience: Duration,
    /// Asks for a look before its time.
    pub look: Notify,
}

/// What was found at one place so far.
#[derive(Default)]
struct Seen {
    /// The content that was found last.
    content: Option<Mark>,
    /// Whether that can be used.
    usable: bool,
    /// Why there has been none since, if there has not.
    error: Option<Mark>,
}

impl Material {
    /// Reads everything for the first time: all of it must be right. Blocks.
    pub fn load(sources: Sources) -> Result<Self, MaterialError> {
        let mut seen = HashMap::new();
        let mut found = |what: What| {
            let found = reading::read(&sources, what);
            seen.extend(found.as_ref().map(|found| {
                (what, Seen { content: Some(reading::mark(found)), usable: true, error: None })
            }));
            found.transpose()
        };
        let secret = found(What::Secret)?.and_then(Content::text).unwrap_or_else(|| Secret::new(""));
        let callers = found(What::Callers)?.and_then(Content::text);
        let callers = callers.map(|text| parse_callers(&text, &sources)).transpose()?;
        let redis = found(What::Redis)?.and_then(Content::text);
        let (certificate, authorities) = (found(What::Certificate)?, found(What::ClientCa)?);
        let tls = match (certificate, authorities) {
            (Some(Content::Pem(pem)), authorities) => {
                let client_ca = authorities.and_then(Content::authorities);
                Some(Tls::of(Used { pem, client_ca })?)
            }
            _ => None,
        };
        Ok(Material {
            known: watch::channel(Arc::new(Known { secret, callers })).0,
            redis: redis.map(|url| watch::channel(url).0),
            tls,
            seen: Mutex::new(seen),
            sources,
            read: reading::read,
            patience: reading::PATIENCE,
            look: Notify::new(),
        })
    }

    /// What is known now.
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.borrow())
    }

    /// The URL of the replicas' Redis, as it changes; `None` if there is none.
    pub fn redis(&self) -> Option<watch::Receiver<Secret>> {
        self.redis.as_ref().map(watch::Sender::subscribe)
    }

    /// The certificates as they are whenever a connection is made; `None` without TLS.
    pub fn tls(&self) -> Option<watch::Receiver<Arc<ServerConfig>>> {
        self.tls.as_ref().map(Tls::subscribe)
    }

    /// When the certificate in use is valid; `None` without TLS.
    pub fn certificate(&self) -> Option<Validity> {
        self.tls.as_ref().and_then(Tls::validity)
    }

    /// Whether clients have certificates.
    pub fn has_client_ca(&self) -> bool {
        self.sources.tls.as_ref().is_some_and(|files| files.client_ca.is_some())
    }

    /// Looks every ten seconds and whenever it is asked to, for ever.
    pub async fn keep_looking(&self, clock: &Clock, metrics: &Metrics, log: &Log) {
        let mut reader = Reader::default();
        let mut reminder = Reminder::from_start(self.certificate(), clock.now());
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.look.notified() => {}
            }
            let all = reader.look(&self.sources, self.read, self.patience).await;
            let now = clock.now();
            for (what, found) in all {
                if let Some(result) = self.judge(what, self.timely(found, now)) {
                    tell(what, &result, metrics, log);
                }
            }
            reminder.look(self.certificate(), now, metrics, log);
        }
    }

    /// A certificate that is not to be taken now is one that was not found. It is looked at again, and so it is taken
    /// when its time has come.
    fn timely(&self, found: Found, now: Timestamp) -> Found {
        let content = found?;
        match (&content, &self.tls, &self.sources.tls) {
            (Content::Pem(new), Some(tls), Some(files)) => match tls.refuses(new, now) {
                Some(words) => Err(MaterialError::Untimely { path: files.certificate.clone(), words }),
                None => Ok(content),
            },
            _ => Ok(content),
        }
    }

    /// What is to be told of what was found, if there is news. A content that could not be read for a while, and is what
    /// it was, is in use still: that it is back is said, and nothing is done.
    fn judge(&self, what: What, found: Found) -> Option<Result<(), MaterialError>> {
        let mark = reading::mark(&found);
        let mut all = lock(&self.seen);
        let seen = all.entry(what).or_default();
        let content = match found {
            Ok(content) => content,
            Err(error) => return (seen.error.replace(mark) != Some(mark)).then_some(Err(error)),
        };
        let back = seen.error.take().is_some();
        if seen.content.replace(mark) == Some(mark) && (seen.usable || !back) {
            return back.then_some(Ok(()));
        }
        let result = self.take(what, content);
        seen.usable = !matches!(result, Some(Err(_)));
        result
    }

    /// Uses what is new, if it is right. `None` if somebody else tries it and tells.
    fn take(&self, what: What, content: Content) -> Option<Result<(), MaterialError>> {
        Some(match (what, content) {
            (What::Callers, Content::Text(text)) => parse_callers(&text, &self.sources)
                .map(|callers| self.change(|known| known.callers = Some(callers))),
            (What::Redis, Content::Text(url)) => {
                self.redis.as_ref()?.send_replace(url);
                return None;
            }
            (_, Content::Text(secret)) => {
                self.change(|known| known.secret = secret);
                Ok(())
            }
            (_, Content::Pem(pem)) => self.tls.as_ref()?.change(|used| used.pem = pem),
            (_, Content::Authorities(pem)) => self.tls.as_ref()?.change(|used| used.client_ca = Some(pem)),
        })
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

impl Content {
    fn text(self) -> Option<Secret> {
        match self {
            Content::Text(text) => Some(text),
            Content::Pem(_) | Content::Authorities(_) => None,
        }
    }

    fn authorities(self) -> Option<Vec<u8>> {
        match self {
            Content::Authorities(pem) => Some(pem),
            Content::Text(_) | Content::Pem(_) => None,
        }
    }
}

/// Counts and says what became of something that has changed.
pub fn tell<E: std::fmt::Display>(what: What, result: &Result<(), E>, metrics: &Metrics, log: &Log) {
    let (level, reloaded, word) = match result {
        Ok(()) => (Level::Info, Reloaded::Ok, "ok"),
        Err(_) => (Level::Warn, Reloaded::Failed, "failed"),
    };
    metrics.reloaded(what, reloaded);
    let line = log.line(level, "reload").word("what", what.as_str()).word("result", word);
    log.write(match result {
        Ok(()) => line,
        Err(error) => line.text("reason", &error.to_string()),
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse_callers(text: &Secret, sources: &Sources) -> Result<Callers, MaterialError> {
    let (at, parsed) = match &sources.callers {
        Some(SecretPlace::File(file)) => (file.source.to_string(), Callers::parse(text)),
        Some(SecretPlace::Said(said)) => (said.source.to_string(), Callers::one(text.clone())),
        None => (String::new(), Callers::parse(text)),
    };
    parsed.map_err(|error| MaterialError::Callers { at, error })
}
