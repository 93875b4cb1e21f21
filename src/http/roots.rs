//! The roots that a server's certificate must lead to, read while the server works on the first answer: reading and
//! parsing the system's bundle takes as long as the rest of a cold request.

use std::io::{BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::Roots;
use super::pem::certificates;
use crate::named::{self, LARGEST_PEM, Pipes};

/// Where systems keep their bundle file, most common first. Named here rather than asked of a library,
/// because those ask the environment first, and what the environment says is the caller's to judge.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// How much of a bundle is read at a time: little enough to stay in few pages.
const BUFFER: usize = 16 * 1024;

/// Whether `path` is the system's own bundle or directory: many shells export it in `SSL_CERT_FILE` and
/// `SSL_CERT_DIR`, and then it changes nothing.
pub fn is_system_location(path: &Path) -> bool {
    is_among(path, BUNDLES.iter().map(Path::new), openssl_probe::candidate_cert_dirs())
}

/// Whether it is one of these files or directories, whatever it is called.
#[cfg(unix)]
fn is_among<'a>(
    path: &Path,
    mut files: impl Iterator<Item = &'a Path>,
    mut dirs: impl Iterator<Item = &'a Path>,
) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(named) = path.metadata() else { return false };
    let same = |known: &Path| {
        known.metadata().is_ok_and(|known| (known.dev(), known.ino()) == (named.dev(), named.ino()))
    };
    if named.is_dir() { dirs.any(same) } else { files.any(same) }
}

/// The roots of these systems lie in no file and no directory.
#[cfg(not(unix))]
fn is_among<'a>(
    _path: &Path,
    _files: impl Iterator<Item = &'a Path>,
    _dirs: impl Iterator<Item = &'a Path>,
) -> bool {
    false
}

/// Whether a bundle that somebody named can be read and holds a certificate: to say so at the start, and not at
/// the first connection.
pub fn check_bundle(path: &Path) -> Result<(), String> {
    add_named(&mut RootCertStore::empty(), path)
}

/// A verifier whose roots are read when they are needed, or a little earlier.
#[derive(Debug)]
pub(super) struct LazyRoots {
    provider: Arc<CryptoProvider>,
    roots: Roots,
    /// From the bundle file, the usual case.
    bundle: OnceLock<Verifier>,
    /// From the directory as well: read only if the bundle does not know the issuer.
    everything: OnceLock<Verifier>,
}

type Verifier = Arc<WebPkiServerVerifier>;

impl LazyRoots {
    pub(super) fn new(provider: Arc<CryptoProvider>, roots: &Roots) -> Self {
        let roots = roots.clone();
        LazyRoots { provider, roots, bundle: OnceLock::new(), everything: OnceLock::new() }
    }

    /// Has the bundle read by a task of this runtime, unless it has been. A command, which runs on one thread, comes to
    /// it as soon as it waits for something; to begin a thread takes a quarter of what the reading does.
    pub(super) fn soon(self: &Arc<Self>) {
        if self.bundle.get().is_none() {
            let roots = Arc::clone(self);
            // What it came to is for the handshake to tell.
            tokio::spawn(async move { drop(roots.read()) });
        }
    }

    /// Reads the bundle, unless it has been read.
    pub(super) fn read(&self) -> Result<(), String> {
        self.once(&self.bundle, false).map(drop)
    }

    /// What could not be read is tried again the next time: a file that is being replaced, no descriptors left.
    fn once<'a>(&self, read: &'a OnceLock<Verifier>, with_directory: bool) -> Result<&'a Verifier, String> {
        if let Some(verifier) = read.get() {
            return Ok(verifier);
        }
        // A certificate that a library panics of is no reason to end without a word.
        let loaded = catch_unwind(AssertUnwindSafe(|| load(&self.provider, &self.roots, with_directory)));
        let verifier = loaded.unwrap_or_else(|_| Err("reading the roots failed".to_owned()))?;
        Ok(read.get_or_init(|| verifier))
    }

    fn bundle(&self) -> Result<&Verifier, Error> {
        self.once(&self.bundle, false).map_err(Error::General)
    }

    fn everything(&self) -> Result<&Verifier, Error> {
        // What was named is all there is.
        if self.roots.file.is_some() || self.roots.dir.is_some() {
            return self.bundle();
        }
        self.once(&self.everything, true).map_err(Error::General)
    }
}

impl ServerCertVerifier for LazyRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |with: &Verifier| {
            with.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        match verify(self.bundle()?) {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => verify(self.everything()?),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Reads the roots. A bundle that the user named and that cannot be read is an error; what the system has
/// or lacks is taken as it is, and an unknown issuer then says so.
fn load(provider: &Arc<CryptoProvider>, roots: &Roots, with_directory: bool) -> Result<Verifier, String> {
    let mut store = RootCertStore::empty();
    if let Some(extra) = &roots.extra {
        add_named(&mut store, extra)?;
    }
    match (&roots.file, &roots.dir) {
        (None, None) => add_system(&mut store, with_directory),
        (file, dir) => {
            if let Some(file) = file {
                add_named(&mut store, file)?;
            }
            if let Some(dir) = dir {
                add_paths(&mut store, dir);
            }
        }
    }
    if store.is_empty() {
        // webpki refuses an empty store; so would any handshake.
        return Err("this system has no root certificates; name a file with --ca-bundle".to_owned());
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .build()
        .map_err(|error| error.to_string())
}

/// Adds a bundle that somebody named; it must hold at least one certificate. The handshake waits for it, so it
/// is a file and no pipe.
fn add_named(store: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let unreadable = |error| format!("cannot read {}: {error}", path.display());
    let file = named::open(path, Pipes::Refused).map_err(|error| format!("{} {error}", path.display()))?;
    let mut bundle = BufReader::with_capacity(BUFFER, file.take(LARGEST_PEM));
    let before = store.len();
    // One that webpki cannot use is none that a chain can lead to.
    let add = |der: &[u8]| drop(store.add(CertificateDer::from(der)));
    certificates(&mut bundle, add).map_err(unreadable)?;
    if bundle.get_ref().limit() == 0 {
        return Err(format!("{} is too large to be a bundle of certificates", path.display()));
    }
    if store.len() == before {
        return Err(format!("{} holds no certificate in PEM form", path.display()));
    }
    Ok(())
}

#[cfg(all(unix, not(target_os = "macos")))]
fn add_system(store: &mut RootCertStore, with_directory: bool) {
    let bundle = BUNDLES.iter().map(Path::new).find(|path| path.exists());
    if let Some(bundle) = bundle {
        let _ = add_named(store, bundle);
    }
    if with_directory || bundle.is_none() {
        openssl_probe::candidate_cert_dirs().for_each(|dir| add_paths(store, dir));
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn add_system(store: &mut RootCertStore, _with_directory: bool) {
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
}

/// Adds what a directory of single certificates holds.
fn add_paths(store: &mut RootCertStore, dir: &Path) {
    store.add_parsable_certificates(rustls_native_certs::load_certs_from_paths(None, Some(dir)).certs);
}

/// `--insecure`: any certificate will do, but the handshake's signatures are still checked.
#[derive(Debug)]
pub(super) struct AcceptAny(Arc<CryptoProvider>);

impl AcceptAny {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Self {
        AcceptAny(provider)
    }
}

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_location_is_the_systems_whatever_it_is_called() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("bundle.pem"), "roots").unwrap();
        fs::write(at("copy.pem"), "roots").unwrap();
        fs::create_dir_all(at("certs/below")).unwrap();
        symlink("bundle.pem", at("link.pem")).unwrap();
        symlink("certs", at("link")).unwrap();
        let (bundle, certs, missing) = (at("bundle.pem"), at("certs"), at("missing"));
        let among = |name: &str| {
            let files = [missing.as_path(), &bundle].into_iter();
            is_among(&at(name), files, [missing.as_path(), &certs].into_iter())
        };
        for name in ["bundle.pem", "link.pem", "certs/../bundle.pem", "certs", "link", "certs/below/.."] {
            assert!(among(name), "{name}");
        }
        for name in ["copy.pem", "certs/below", "missing", "."] {
            assert!(!among(name), "{name}");
        }
    }
}
