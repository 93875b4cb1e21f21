//! Certificates: minted in memory for a loopback server, or read from what a person gave.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem};

use crate::error::{Code, Failure};

/// Clocks differ, and a browser refuses what is not valid yet.
const BACK_DATED: Duration = Duration::from_secs(5 * 60);

/// A minted certificate outlives no day: it is trusted by hand, for one run.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate that exists in memory alone, ready to serve.
pub struct Minted {
    /// The TLS configuration of a server with this certificate.
    pub config: Arc<ServerConfig>,
    /// The certificate itself, to be trusted by a client.
    pub certificate_pem: String,
    /// The same as DER.
    pub certificate_der: Vec<u8>,
}

/// Why there is no TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A certificate could not be minted.
    #[error("no certificate could be made")]
    Mint(#[from] rcgen::Error),
    /// The certificate file is not what it should be.
    #[error("the certificate is not PEM: {}", words(.0))]
    CertificatePem(pem::Error),
    /// There is no certificate in it.
    #[error("there is no certificate in the certificate file")]
    NoCertificate,
    /// The key file is not what it should be. What is in it is not said: it may be a secret.
    #[error("the key file holds no private key in PEM form")]
    KeyPem,
    /// The file of clients' authorities is not what it should be.
    #[error("the clients' authorities are not PEM: {}", words(.0))]
    ClientCaPem(pem::Error),
    /// There is no certificate in it.
    #[error("there is no certificate in the file of the clients' authorities")]
    NoClientCa,
    /// They cannot be used.
    #[error("the clients' authorities cannot be used: {0}")]
    ClientCa(String),
    /// Certificate and key do not go together, or are of a kind that cannot be used.
    #[error("certificate and key cannot be used together: {0}")]
    Tls(#[from] rustls::Error),
}

/// The parser shows bytes as numbers.
fn words(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it is cut off".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a line that begins a section is none".to_owned(),
        other => other.to_string(),
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let code = match &error {
            ServeError::Mint(_) => Code::Bug,
            ServeError::CertificatePem(_)
            | ServeError::NoCertificate
            | ServeError::KeyPem
            | ServeError::ClientCaPem(_)
            | ServeError::NoClientCa
            | ServeError::ClientCa(_)
            | ServeError::Tls(_) => Code::BadValue,
        };
        Failure::new(code, error.to_string())
    }
}

/// Mints a self-signed server certificate for the names, DNS names or IP addresses; ECDSA P-256, valid
/// for a day from five minutes before `now`.
pub fn mint(names: &[&str], now: jiff::Timestamp) -> Result<Minted, ServeError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    let since_epoch = Duration::from_secs(u64::try_from(now.as_second()).unwrap_or(0));
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch.saturating_sub(BACK_DATED);
    params.not_after = params.not_before + LIFETIME;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "jira loopback");
    let certificate = params.self_signed(&key)?;
    let der = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = server_config(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(der), None)?;
    Ok(Minted { config, certificate_pem: certificate.pem(), certificate_der: certificate.der().to_vec() })
}

/// The TLS configuration for a given certificate chain and key, each the content of a PEM file. Whether
/// they belong together is checked here, not at the first handshake.
pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, ServeError> {
    from_pem_for_clients(certificate, key, None)
}

/// The same, and with the content of a PEM file of authorities, clients may show a certificate of theirs.
/// Whether one must be shown is for whoever answers to say; one that is shown and wrong ends the handshake.
pub fn from_pem_for_clients(
    certificate: &[u8],
    key: &[u8],
    client_ca: Option<&[u8]>,
) -> Result<Arc<ServerConfig>, ServeError> {
    let chain = chain(certificate).map_err(ServeError::CertificatePem)?;
    if chain.is_empty() {
        return Err(ServeError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| ServeError::KeyPem)?;
    let clients = client_ca.map(client_verifier).transpose()?;
    server_config(chain, key, clients)
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

fn client_verifier(authorities: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, ServeError> {
    let mut roots = RootCertStore::empty();
    for authority in chain(authorities).map_err(ServeError::ClientCaPem)? {
        roots.add(authority)?;
    }
    if roots.is_empty() {
        return Err(ServeError::NoClientCa);
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    builder.allow_unauthenticated().build().map_err(|error| ServeError::ClientCa(error.to_string()))
}

/// With ring, passed in: a provider installed for the process would be somebody else's to choose.
fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<Arc<ServerConfig>, ServeError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(clients),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn refused(certificate: &str, key: &str) -> ServeError {
        from_pem(certificate.as_bytes(), key.as_bytes()).expect_err("must be refused")
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let ((certificate, key), (_, other_key)) = (pair(), pair());
        from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert!(matches!(refused(&certificate, &other_key), ServeError::Tls(_)));
        assert!(matches!(refused("", &key), ServeError::NoCertificate));
        assert!(matches!(refused(&certificate, "nothing"), ServeError::KeyPem));
        assert!(matches!(
            refused("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", &key),
            ServeError::CertificatePem(_)
        ));
        let half = refused(&certificate[..certificate.len() / 2], &key).to_string();
        assert_eq!(half, "the certificate is not PEM: it is cut off");
    }
}
