//! What connections are encrypted with, and what may take its place.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::validity::{Standing, Validity};
use super::{MaterialError, lock};
use crate::serve::from_pem_for_clients;

/// The certificates that are in use.
pub(super) struct Tls {
    config: watch::Sender<Arc<ServerConfig>>,
    /// What it was made of: a part that is renewed goes with the other as it is in use.
    used: Mutex<Used>,
}

/// What a configuration is made of.
#[derive(Clone)]
pub(super) struct Used {
    pub(super) pem: Pem,
    pub(super) client_ca: Option<Vec<u8>>,
}

/// Certificate and key.
#[derive(Clone)]
pub(super) struct Pem {
    pub(super) certificate: Vec<u8>,
    pub(super) key: Zeroizing<Vec<u8>>,
}

impl Tls {
    pub(super) fn of(used: Used) -> Result<Self, MaterialError> {
        let config = watch::channel(used.config()?).0;
        Ok(Tls { config, used: Mutex::new(used) })
    }

    /// Takes something new, if it can be used with the rest.
    pub(super) fn change(&self, change: impl FnOnce(&mut Used)) -> Result<(), MaterialError> {
        let mut used = lock(&self.used);
        let mut new = used.clone();
        change(&mut new);
        self.config.send_replace(new.config()?);
        *used = new;
        Ok(())
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.config.subscribe()
    }

    /// When the certificate in use is valid. `None` if that cannot be said.
    pub(super) fn validity(&self) -> Option<Validity> {
        Validity::of(&lock(&self.used).pem.certificate)
    }

    /// Why this certificate is not to be taken now, in words: callers would take it less than the one in use. Where that
    /// one is no good either, a clock may be wrong: then the one counts that ends last, or is valid first.
    pub(super) fn refuses(&self, new: &Pem, now: Timestamp) -> Option<String> {
        use Standing::{EndsSoon, Good, NotYet, Over};

        let (new, old) = (Validity::of(&new.certificate)?, self.validity());
        let standing = new.at(now);
        let refused = match (standing, old.map(|old| (old, old.at(now)))) {
            (Good | EndsSoon, _) | (NotYet, Some((_, Over))) => false,
            (NotYet | Over, None | Some((_, Good | EndsSoon))) | (Over, Some((_, NotYet))) => true,
            (NotYet, Some((old, NotYet))) => new.begins > old.begins,
            (Over, Some((old, Over))) => new.ends < old.ends,
        };
        refused.then(|| format!("{}; the one in use stays", new.words(standing)))
    }
}

impl Used {
    fn config(&self) -> Result<Arc<ServerConfig>, MaterialError> {
        let Used { pem: Pem { certificate, key }, client_ca } = self;
        Ok(from_pem_for_clients(certificate, key, client_ca.as_deref())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate for these years.
    fn pem((from, to): (i32, i32)) -> Pem {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["broker.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        let certificate = params.self_signed(&key).unwrap().pem().into_bytes();
        Pem { certificate, key: Zeroizing::new(key.serialize_pem().into_bytes()) }
    }

    #[test]
    fn what_callers_would_take_less_is_refused() {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        for (old, new, expected) in [
            ((2020, 2030), (2026, 2027), None),
            ((2020, 2030), (2020, 2026), Some("has ended at 2026-01-01T00:00:00Z")),
            ((2020, 2030), (2027, 2030), Some("is not valid before 2027-01-01T00:00:00Z")),
            ((2020, 2025), (2026, 2027), None),
            ((2020, 2025), (2020, 2026), None),
            ((2020, 2025), (2020, 2024), Some("has ended at 2024")),
            ((2020, 2025), (2027, 2030), None),
            ((2027, 2030), (2020, 2026), Some("has ended at 2026")),
            ((2027, 2030), (2028, 2030), Some("is not valid before 2028")),
            ((2028, 2030), (2027, 2030), None),
            ((2028, 2030), (2020, 2030), None),
        ] {
            let tls = Tls::of(Used { pem: pem(old), client_ca: None }).unwrap();
            let words = tls.refuses(&pem(new), now);
            let said = words.as_deref().map(|words| words.contains(expected.unwrap_or("nothing")));
            assert_eq!(said, expected.map(|_| true), "{old:?} {new:?}: {words:?}");
        }
    }
}
