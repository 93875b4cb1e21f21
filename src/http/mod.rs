//! The HTTP client that everything here sends with: TLS with lazily read roots, no redirects, no retries of its own, no
//! ambient proxy, size caps. It knows neither Jira nor sessions.

mod body;
mod client;
mod connect;
mod error;
mod pem;
mod roots;

use std::path::PathBuf;
use std::sync::Arc;

pub use body::{BODY_CAP, read, read_secret, retry_after, seconds};
pub use client::{Client, Request, Response, Target};
pub use error::HttpError;
pub use roots::{check_bundle, is_system_location};

use roots::{AcceptAny, LazyRoots};

/// Where the certificates come from that a server must be signed by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Instead of the system's own bundle file (`SSL_CERT_FILE`).
    pub file: Option<PathBuf>,
    /// Instead of the system's own directory (`SSL_CERT_DIR`).
    pub dir: Option<PathBuf>,
    /// In addition to them (`--ca-bundle`).
    pub extra: Option<PathBuf>,
}

/// How to reach one server. Not to be printed: there may be a password in the proxy's URL.
#[derive(Clone, Default)]
pub struct Options {
    /// What its certificate must be signed by.
    pub roots: Roots,
    /// Do not check its certificate at all.
    pub insecure: bool,
    /// The proxy to go through; none for a loopback host, whatever the environment says.
    pub proxy: Option<String>,
    /// Hosts that are reached without it, as in `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// The server speaks plain HTTP: no roots are read ahead.
    pub plain: bool,
}

/// Builds a client.
pub fn client(options: &Options) -> Client {
    let proxies = connect::Proxies::new(options);
    let (tls, roots) = configuration(options);
    // Plain HTTP needs none, unless the proxy speaks TLS.
    let roots = roots.filter(|_| !options.plain);
    Client::new(connect::Connector::new(tls, roots.clone(), proxies.clone()), proxies, roots)
}

/// The TLS configuration alone, for a connection that is not HTTP; proxies are no part of it. Blocks until the roots
/// are read, so that no handshake waits for them.
pub fn tls_with_roots(options: &Options) -> Result<rustls::ClientConfig, String> {
    let (tls, roots) = configuration(options);
    roots.map_or(Ok(()), |roots| roots.read())?;
    Ok(tls)
}

/// ring, TLS 1.2 and 1.3, and the roots, if any are asked: to be read before the first handshake, or by it.
fn configuration(options: &Options) -> (rustls::ClientConfig, Option<Arc<LazyRoots>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    if options.insecure {
        return (trusting(Arc::new(AcceptAny::new(provider.clone())), provider), None);
    }
    let roots = Arc::new(LazyRoots::new(provider.clone(), &options.roots));
    (trusting(Arc::clone(&roots) as _, provider), Some(roots))
}

fn trusting(
    verifier: Arc<dyn rustls::client::danger::ServerCertVerifier>,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth()
}
