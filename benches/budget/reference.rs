//! What the commands are compared with: the least that each of them has to do, without the rest.

use std::fs;

use pbkdf2::Pbkdf2;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The variable with the bearer of `bare-get`: arguments are public, in a benchmark too.
pub const BEARER: &str = "BUDGET_BEARER";

/// Does one thing and returns; the process ends with it.
pub fn run(what: &str, args: &[&str]) {
    match (what, args) {
        ("nothing", []) => {}
        ("derive", []) => derive(),
        ("bare-get", [host, port, path, certificate]) => bare_get(host, port, path, certificate),
        #[cfg(target_os = "linux")]
        ("keyring-read", [account]) => keyring_read(account),
        _ => {
            panic!("budget reference nothing | derive | bare-get HOST PORT PATH CERT | keyring-read ACCOUNT")
        }
    }
}

/// One key from a password, as the file store derives it: what is compared is how much the command does
/// besides.
fn derive() {
    let mut key = [0; 32];
    // As fast as it goes: inlined here it would be compiled for size, as this program is.
    let derive: fn(&Pbkdf2, &[u8], &[u8], &mut [u8]) = std::hint::black_box(Pbkdf2::hash_password_into);
    derive(&Pbkdf2::SHA256, b"password", &[7; 16], &mut key);
    std::hint::black_box(key);
}

/// One GET by hand: rustls with the one root that is needed, and just enough HTTP to read the answer.
fn bare_get(host: &str, port: &str, path: &str, certificate: &str) {
    let mut roots = rustls::RootCertStore::empty();
    let pem = fs::read(certificate).unwrap();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let bearer = std::env::var(BEARER).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: application/json\r\nAuthorization: Bearer {bearer}\r\n\r\n"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let body = runtime.block_on(async {
        let stream = TcpStream::connect(format!("{host}:{port}")).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while rest_of(&answer) > 0 {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "the answer was cut off");
        }
        answer
    });
    assert!(body.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&body));
}

/// How many bytes of an answer are still to come: some, as long as its head is not here.
fn rest_of(answer: &[u8]) -> usize {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return 1 };
    let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    (end + 4 + length.parse::<usize>().unwrap()).saturating_sub(answer.len())
}

/// One item out of the keyring, encrypted on its way as ours is.
#[cfg(target_os = "linux")]
fn keyring_read(account: &str) {
    use secret_service::{EncryptionType, SecretService};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let secret = runtime.block_on(async {
        let service = SecretService::connect(EncryptionType::Dh).await.unwrap();
        let attributes = std::collections::HashMap::from([("service", "jira-oauth"), ("username", account)]);
        let found = service.search_items(attributes).await.unwrap();
        found.unlocked[0].get_secret().await.unwrap()
    });
    assert!(!secret.is_empty());
}
