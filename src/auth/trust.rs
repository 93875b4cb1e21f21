//! What a session trusts: the broker that may see its refresh token, the roots that its servers must be
//! signed by, whether certificates are checked at all.
//!
//! It is fixed at login. The environment belongs to whoever started the process, which may be a hostile
//! repository's script; so a value that differs from the session's is refused or passed over, never used.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::{BaseUrl, Proxies, Settings};
use crate::http::{self, Roots};

/// What a session trusts. Roots are named by where they come from, not by content, so that a bundle may be
/// renewed in place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trust {
    /// The broker that refreshes, normalised.
    pub broker_url: Option<String>,
    /// Roots in addition to the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Roots instead of the system's bundle file (`SSL_CERT_FILE` at login).
    pub ssl_cert_file: Option<PathBuf>,
    /// Roots instead of the system's directory (`SSL_CERT_DIR` at login).
    pub ssl_cert_dir: Option<PathBuf>,
    /// Made with `--insecure`: certificates are not checked, or there are none.
    pub insecure: bool,
    /// The proxy, pinned where nothing else would notice another one: plain http, or no checks.
    pub proxy: Option<PinnedProxy>,
}

/// The proxy at login; `None` inside means that there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedProxy(pub Option<String>);

/// A value that differs from the session's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrustError {
    /// Another broker.
    #[error("the session refreshes {}, and {source_name} names {asked}", through(.session))]
    Broker {
        /// The session's, if it has one.
        session: Option<String>,
        /// The one asked for.
        asked: BaseUrl,
        /// Where that stands.
        source_name: String,
    },
    /// Other roots.
    #[error("the session was made with {}, and {source_name} names {}", roots(.session), asked.display())]
    CaBundle {
        /// The session's, if it has one.
        session: Option<PathBuf>,
        /// The one asked for.
        asked: PathBuf,
        /// Where that stands.
        source_name: String,
    },
    /// `--insecure` on a session that checks certificates.
    #[error("the session checks certificates, and {source_name} asks not to")]
    InsecureAsked {
        /// Where that stands.
        source_name: String,
    },
    /// A session made with `--insecure`, used without saying so.
    #[error("the session was made with --insecure, which is never remembered: say it each time")]
    InsecureNotSaid,
    /// Another proxy on an unprotected connection.
    #[error(
        "the session's connection is not protected, and the proxy of the environment is not the one it was made with"
    )]
    Proxy,
    /// Roots of the environment that the session does not know, where nothing else can be read while they are named.
    #[error(
        "the session keeps to the system's roots, and they cannot be read here while {name} is set: unset it"
    )]
    Roots {
        /// The variable.
        name: &'static str,
    },
}

/// What asks these systems for their roots looks at the variables first, and there is no asking it otherwise.
const VARIABLES_FIRST: bool = cfg!(not(all(unix, not(target_os = "macos"))));

fn through(broker: &Option<String>) -> String {
    broker.as_ref().map_or("without a broker".to_owned(), |url| format!("through the broker {url}"))
}

fn roots(bundle: &Option<PathBuf>) -> String {
    bundle
        .as_ref()
        .map_or("the system's roots alone".to_owned(), |path| format!("the roots in {}", path.display()))
}

/// Something in the environment that is passed over, in words for a warning.
pub type PassedOver = String;

impl Trust {
    /// What the settings trust: for a login, and for credentials that come from the environment.
    pub fn of(settings: &Settings, base_url: &BaseUrl) -> Trust {
        let insecure = settings.insecure.value;
        let open = |url: &BaseUrl| (insecure || url.is_plain_http()) && !url.is_loopback();
        let unprotected = open(base_url) || settings.broker_url.as_ref().is_some_and(|url| open(&url.value));
        Trust {
            broker_url: settings.broker_url.as_ref().map(|url| url.value.as_str().to_owned()),
            ca_bundle: settings.ca_bundle.as_ref().map(|path| absolute(&path.value)),
            ssl_cert_file: own(&settings.ssl_cert_file),
            ssl_cert_dir: own(&settings.ssl_cert_dir),
            insecure,
            proxy: unprotected.then(|| {
                let broker = settings.broker_url.as_ref().map(|url| &url.value);
                let urls = std::iter::once(base_url).chain(broker);
                let proxies: Vec<_> = urls.filter_map(|url| proxy_for(&settings.proxies, url)).collect();
                PinnedProxy(Some(proxies.join(" ")).filter(|proxies| !proxies.is_empty()))
            }),
        }
    }

    /// Holds the settings against what the session trusts. `Ok` lists what is passed over.
    pub fn admit(&self, settings: &Settings, base_url: &BaseUrl) -> Result<Vec<PassedOver>, TrustError> {
        let asked = Trust::of(settings, base_url);
        if let Some(broker) = &settings.broker_url
            && asked.broker_url != self.broker_url
        {
            return Err(TrustError::Broker {
                session: self.broker_url.clone(),
                asked: broker.value.clone(),
                source_name: broker.source.to_string(),
            });
        }
        if let Some(bundle) = &settings.ca_bundle
            && asked.ca_bundle != self.ca_bundle
        {
            return Err(TrustError::CaBundle {
                session: self.ca_bundle.clone(),
                asked: absolute(&bundle.value),
                source_name: bundle.source.to_string(),
            });
        }
        match (self.insecure, asked.insecure) {
            (false, true) => {
                return Err(TrustError::InsecureAsked { source_name: settings.insecure.source.to_string() });
            }
            (true, false) => return Err(TrustError::InsecureNotSaid),
            _ => {}
        }
        if self.proxy != asked.proxy {
            return Err(TrustError::Proxy);
        }
        self.pass_over(&asked, VARIABLES_FIRST)
    }

    fn pass_over(&self, asked: &Trust, variables_first: bool) -> Result<Vec<PassedOver>, TrustError> {
        let roots = [
            ("SSL_CERT_FILE", &asked.ssl_cert_file, &self.ssl_cert_file),
            ("SSL_CERT_DIR", &asked.ssl_cert_dir, &self.ssl_cert_dir),
        ];
        let keeps_to_the_systems = roots.iter().all(|(_, _, own)| own.is_none());
        let others = roots.into_iter().filter(|(_, asked, own)| asked.is_some() && asked != own);
        others
            .map(|(name, ..)| match variables_first && keeps_to_the_systems {
                true => Err(TrustError::Roots { name }),
                false => Ok(format!("{name} is passed over: a stored session keeps the roots of its login")),
            })
            .collect()
    }

    /// How to reach `url` under this trust.
    pub fn http_options(&self, proxies: &Proxies, url: &BaseUrl) -> http::Options {
        http::Options {
            roots: Roots {
                file: self.ssl_cert_file.clone(),
                dir: self.ssl_cert_dir.clone(),
                extra: self.ca_bundle.clone(),
            },
            insecure: self.insecure,
            proxy: proxy_for(proxies, url),
            no_proxy: proxies.no_proxy.clone(),
            plain: url.is_plain_http(),
        }
    }
}

/// The proxy for a URL's scheme; never one for a loopback host, which a proxy cannot reach, but whose
/// bearer it could read.
fn proxy_for(proxies: &Proxies, url: &BaseUrl) -> Option<String> {
    if url.is_loopback() {
        return None;
    }
    let by_scheme = if url.is_plain_http() { &proxies.http } else { &proxies.https };
    by_scheme.clone().or_else(|| proxies.all.clone())
}

/// A location of roots, unless it is the system's own, which many shells export.
fn own(path: &Option<PathBuf>) -> Option<PathBuf> {
    path.as_deref().filter(|path| !http::is_system_location(path)).map(absolute)
}

/// A path that means the same from every directory; it is compared with the session's.
pub fn absolute(path: &Path) -> PathBuf {
    // A link stays a link: switching it is how many renew a bundle.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_that_would_be_read_all_the_same_are_refused_and_not_passed_over() {
        let with = |file: Option<&str>| Trust { ssl_cert_file: file.map(PathBuf::from), ..Trust::default() };
        let (none, a, b) = (with(None), with(Some("/a.pem")), with(Some("/b.pem")));
        assert_eq!(none.pass_over(&a, true), Err(TrustError::Roots { name: "SSL_CERT_FILE" }));
        let passed_over =
            vec!["SSL_CERT_FILE is passed over: a stored session keeps the roots of its login".to_owned()];
        assert_eq!(none.pass_over(&a, false), Ok(passed_over.clone()));
        // What the session names itself is read in their place.
        assert_eq!(a.pass_over(&b, true), Ok(passed_over));
        for (session, asked) in [(&none, &none), (&a, &a), (&a, &none)] {
            assert_eq!(session.pass_over(asked, true), Ok(Vec::new()));
        }
        let dir = Trust { ssl_cert_dir: Some("/roots".into()), ..Trust::default() };
        assert_eq!(none.pass_over(&dir, true), Err(TrustError::Roots { name: "SSL_CERT_DIR" }));
    }
}
