//! The redirect URI: the exact string that the administrator registered, and whether and where we listen
//! for it. Jira compares it letter by letter, so it is kept as it was written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;
use url::{Host, Url};

use crate::config::Callback;

/// A redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The exact string.
    pub uri: String,
    /// Where to listen; none if it is not a loopback address, and the person pastes the URL instead.
    pub listen: Option<Listen>,
}

/// Where a redirect URI leads on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Every address that the browser may try: `localhost` has two.
    pub addresses: Vec<SocketAddr>,
    /// The port, for messages.
    pub port: u16,
    /// `host:port` as the browser will say it in `Host`.
    pub authority: String,
    /// The path of the callback.
    pub path: String,
    /// Whether it speaks TLS.
    pub https: bool,
}

/// Why a redirect URI cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RedirectError {
    /// Not a URL, or with a fragment, a query or a user in it.
    #[error("the redirect URI {0:?} is no absolute URL without query and fragment")]
    NotAUrl(String),
    /// Jira takes http for the word localhost alone.
    #[error("Jira takes an http redirect URI for the host localhost alone, not {0}")]
    PlainHttp(String),
    /// Neither http nor https.
    #[error("a redirect URI begins with https:// (or http://localhost), not {0}://")]
    Scheme(String),
}

impl Redirect {
    /// From the settings: the registered string if it was given, else scheme, host and port.
    pub fn new(callback: &Callback) -> Result<Redirect, RedirectError> {
        if let Some(uri) = &callback.redirect_uri {
            return Redirect::parse(&uri.value);
        }
        let https = callback.https.value;
        // Jira refuses http on 127.0.0.1, so plain http means localhost.
        let host = if https { callback.host.value.as_str() } else { "localhost" };
        let scheme = if https { "https" } else { "http" };
        Redirect::parse(&format!("{scheme}://{host}:{}/callback", callback.port.value))
    }

    fn parse(uri: &str) -> Result<Redirect, RedirectError> {
        let not_a_url = || RedirectError::NotAUrl(uri.to_owned());
        let url = Url::parse(uri).map_err(|_| not_a_url())?;
        if url.fragment().is_some() || url.query().is_some() || !url.username().is_empty() {
            return Err(not_a_url());
        }
        let https = match url.scheme() {
            "https" => true,
            "http" if url.host_str() == Some("localhost") => false,
            "http" => return Err(RedirectError::PlainHttp(url.host_str().unwrap_or_default().to_owned())),
            other => return Err(RedirectError::Scheme(other.to_owned())),
        };
        let port = url.port_or_known_default().ok_or_else(not_a_url)?;
        let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let addresses = match url.host().ok_or_else(not_a_url)? {
            Host::Domain("localhost") => vec![v4, v6],
            Host::Ipv4(address) if address.is_loopback() => vec![IpAddr::V4(address)],
            Host::Ipv6(address) if address.is_loopback() => vec![v6],
            _ => vec![],
        };
        let listen = (!addresses.is_empty()).then(|| Listen {
            addresses: addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect(),
            port,
            authority: authority(&url),
            path: url.path().to_owned(),
            https,
        });
        Ok(Redirect { uri: uri.to_owned(), listen })
    }
}

/// `host:port`, without the port where it is the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_hosts_are_listened_on() {
        let listen = Redirect::parse("https://127.0.0.1:8085/callback").unwrap().listen.unwrap();
        assert_eq!(listen.addresses, ["127.0.0.1:8085".parse().unwrap()]);
        assert_eq!((listen.authority.as_str(), listen.https), ("127.0.0.1:8085", true));
        let listen = Redirect::parse("http://localhost:9000/cb").unwrap().listen.unwrap();
        assert_eq!(listen.addresses, ["127.0.0.1:9000".parse().unwrap(), "[::1]:9000".parse().unwrap()]);
        assert!(!listen.https);
        assert_eq!(Redirect::parse("https://tools.example.com/jira").unwrap().listen, None);
    }

    #[test]
    fn what_jira_would_refuse_is_refused_here() {
        let refused = |uri: &str| Redirect::parse(uri).unwrap_err();
        assert_eq!(
            refused("http://127.0.0.1:8085/callback"),
            RedirectError::PlainHttp("127.0.0.1".to_owned())
        );
        assert_eq!(refused("ftp://localhost/"), RedirectError::Scheme("ftp".to_owned()));
        assert!(matches!(refused("https://localhost/cb#x"), RedirectError::NotAUrl(_)));
        assert!(matches!(refused("callback"), RedirectError::NotAUrl(_)));
    }
}
