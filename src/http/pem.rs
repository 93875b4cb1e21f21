//! The certificates of a bundle file.
//!
//! Read here rather than by the TLS library, whose reader takes as long for every character of a certificate as
//! it would for a private key's: with the 150 roots of a system that is more than half of the instructions of a
//! cold `get`.

use std::io::{self, BufRead, ErrorKind};

use memchr::memchr;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// Hands out every certificate of a bundle (RFC 7468) as DER. What is none, or is broken, is passed over:
/// whether anything is left is the caller's question.
///
/// One certificate is in memory at a time: pages that are touched for the first time are a good part of what a
/// process of a few milliseconds spends its time on.
pub(super) fn certificates(mut bundle: impl BufRead, mut found: impl FnMut(&[u8])) -> io::Result<()> {
    let mut section = Section::default();
    // The beginning of a line whose end was not read yet.
    let mut begun = Vec::new();
    loop {
        let mut read = match bundle.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let length = read.len();
        if length == 0 {
            section.line(&begun, &mut found);
            return Ok(());
        }
        while let Some(end) = memchr(b'\n', read) {
            if begun.is_empty() {
                section.line(&read[..end], &mut found);
            } else {
                begun.extend_from_slice(&read[..end]);
                section.line(&begun, &mut found);
                begun.clear();
            }
            read = &read[end + 1..];
        }
        begun.extend_from_slice(read);
        bundle.consume(length);
    }
}

/// What lies between BEGIN and END.
#[derive(Default)]
struct Section {
    inside: bool,
    text: Vec<u8>,
}

impl Section {
    fn line(&mut self, line: &[u8], found: &mut impl FnMut(&[u8])) {
        // Nearly every line is one of these.
        if line.first().is_some_and(u8::is_ascii_alphanumeric) {
            if self.inside {
                self.text.extend_from_slice(line);
            }
            return;
        }
        let mut rest = line.trim_ascii();
        if self.inside
            && let Some(after) = rest.strip_prefix(END)
        {
            self.inside = false;
            // RFC 7468 allows blanks within a line, and this reader takes them.
            if let Ok(der) = base64_simd::forgiving_decode_inplace(&mut self.text) {
                found(der);
            }
            // Files that were put together without a line feed between them.
            rest = after;
        }
        if rest == BEGIN {
            self.text.clear();
            self.inside = true;
        } else if rest.starts_with(b"-----") {
            // Another kind of section begins, or one ends that is none of ours.
            self.inside = false;
        } else if self.inside {
            self.text.extend_from_slice(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;

    use super::*;

    fn pem(name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap().pem()
    }

    fn found(bundle: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        certificates(bundle.as_ref(), |der| all.push(der.to_owned())).unwrap();
        all
    }

    /// What the TLS library's own reader makes of it: whatever that one takes, this one must not lose.
    fn theirs(bundle: &str) -> Vec<Vec<u8>> {
        CertificateDer::pem_slice_iter(bundle.as_bytes()).flatten().map(|der| der.to_vec()).collect()
    }

    #[test]
    fn it_finds_what_the_tls_library_finds() {
        let (one, two) = (pem("one"), pem("two"));
        let key = KeyPair::generate().unwrap().serialize_pem();
        let bundles = [
            format!("# One, a root\n{one}{two}"),
            format!("{one}{key}\n\n  a comment\n{two}"),
            format!("{one}{two}").replace('\n', "\r\n"),
            format!("{one}{two}").trim_end().to_owned(),
            format!("subject=CN = one\n=====\n{one}\nsubject=CN = two\n{two}"),
            format!("{one}{two}").replace("-----\n", "-----  \n"),
            format!("{one}{}", two.replace("\nMI", "\nM I")),
            format!("{one}{two}").replace("=\n-----END", "\n-----END").replace("=\n-----END", "\n-----END"),
        ];
        for bundle in bundles {
            let theirs = theirs(&bundle);
            assert_eq!(theirs.len(), 2, "{bundle}");
            assert_eq!(found(&bundle), theirs, "{bundle}");
        }
    }

    #[test]
    fn a_line_may_be_read_in_pieces() {
        let bundle = format!("# One\n{}{}", pem("one"), pem("two").replace('\n', "\r\n"));
        for bundle in [bundle.as_str(), bundle.trim_end()] {
            for size in [1, 2, 3, 63, 64, 65, 1000] {
                let mut pieces = Vec::new();
                let reader = io::BufReader::with_capacity(size, bundle.as_bytes());
                certificates(reader, |der| pieces.push(der.to_owned())).unwrap();
                assert_eq!(pieces, theirs(bundle), "{size}");
            }
        }
    }

    #[test]
    fn files_put_together_without_a_line_feed_are_read() {
        let (one, two) = (pem("one"), pem("two"));
        let bundle = format!("{}{two}", one.trim_end());
        assert!(bundle.contains("-----END CERTIFICATE----------BEGIN CERTIFICATE-----"));
        assert_eq!(found(&bundle), [found(&one), found(&two)].concat());
    }

    #[test]
    fn what_is_broken_is_passed_over_and_the_next_one_is_found() {
        let good = pem("good");
        let cut = &good[..good.len() / 2];
        let strange = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        let endless = cut.to_owned() + "\n";
        for broken in
            [strange, "-----END CERTIFICATE-----\n", &endless, "-----BEGIN \n", "\u{feff}\n", "\0\n"]
        {
            assert_eq!(found(format!("{broken}{good}{cut}")), found(&good), "{broken}");
        }
        assert!(found("").is_empty());
        assert!(found("not PEM at all").is_empty());
        assert!(found([0x30, 0x82, 0xff, b'\n', 0x80]).is_empty(), "DER is no bundle");
    }

    #[test]
    fn only_certificates_are_certificates() {
        let good = pem("good");
        // OpenSSL's own form has more behind the certificate than X.509 knows.
        for label in ["TRUSTED CERTIFICATE", "X509 CRL", "PRIVATE KEY", "CERTIFICATE REQUEST"] {
            assert!(found(good.replace("CERTIFICATE", label)).is_empty(), "{label}");
        }
        let inner = good.replace("-----END CERTIFICATE-----", "-----END TRUSTED CERTIFICATE-----");
        assert_eq!(found(format!("{inner}{good}")), found(&good));
    }
}
