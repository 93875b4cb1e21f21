//! From when until when the broker's certificate is good for anything.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// A certificate is renewed before a tenth of its life is left; one of many years, this long before its end.
const RENEWED: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The times of one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// It is not valid before.
    pub begins: Timestamp,
    /// Nor after.
    pub ends: Timestamp,
}

/// How it stands at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is valid.
    Good,
    /// It is valid, and was to be renewed by now.
    EndsSoon,
    /// It is valid some day.
    NotYet,
    /// It was.
    Over,
}

impl Validity {
    /// Of the server's own, which is the first of its file. `None` if that cannot be said.
    pub(super) fn of(chain: &[u8]) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(chain).ok()?;
        let certificate = Certificate::from_der(&certificate).ok()?;
        let validity = certificate.tbs_certificate().validity();
        // "No end" (RFC 5280, 4.1.2.5) is some hours past the last time that there is here.
        let last = Timestamp::MAX.as_second();
        let at = |since_epoch: Duration| {
            let second = i64::try_from(since_epoch.as_secs()).map_or(last, |second| second.min(last));
            Timestamp::from_second(second).ok()
        };
        Some(Validity {
            begins: at(validity.not_before.to_unix_duration())?,
            ends: at(validity.not_after.to_unix_duration())?,
        })
    }

    /// How it stands at that time.
    pub fn at(&self, now: Timestamp) -> Standing {
        let tenth = self.ends.duration_since(self.begins) / 10;
        let left = self.ends.duration_since(now);
        if now < self.begins {
            Standing::NotYet
        } else if left < SignedDuration::ZERO {
            Standing::Over
        } else if left < tenth.min(RENEWED) {
            Standing::EndsSoon
        } else {
            Standing::Good
        }
    }

    /// What a certificate is and does that stands so.
    pub fn words(&self, standing: Standing) -> String {
        match standing {
            Standing::Good => "is valid".to_owned(),
            Standing::EndsSoon => format!("ends at {}, and was to be renewed by now", self.ends),
            Standing::NotYet => format!("is not valid before {}: no caller takes it", self.begins),
            Standing::Over => format!("has ended at {}: no caller takes it", self.ends),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_without_an_end_has_a_begin() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["broker.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2027, 1, 1);
        params.not_after = rcgen::date_time_ymd(9999, 12, 31);
        let validity = Validity::of(params.self_signed(&key).unwrap().pem().as_bytes()).unwrap();
        assert_eq!(validity.ends.as_second(), Timestamp::MAX.as_second());
        for (now, expected) in
            [("2026-12-31T23:59:59Z", Standing::NotYet), ("2027-01-01T00:00:00Z", Standing::Good)]
        {
            assert_eq!(validity.at(now.parse().unwrap()), expected, "{now}");
        }
    }

    #[test]
    fn a_certificate_is_judged_by_its_own_life() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let year = Validity { begins: at("2026-01-01T00:00:00Z"), ends: at("2027-01-01T00:00:00Z") };
        let day = Validity { begins: at("2026-01-01T00:00:00Z"), ends: at("2026-01-02T00:00:00Z") };
        for (validity, now, expected) in [
            (year, "2025-12-31T23:59:59Z", Standing::NotYet),
            (year, "2026-01-01T00:00:00Z", Standing::Good),
            (year, "2026-12-17T00:00:00Z", Standing::Good),
            (year, "2026-12-19T00:00:00Z", Standing::EndsSoon),
            (year, "2027-01-01T00:00:00Z", Standing::EndsSoon),
            (year, "2027-01-01T00:00:01Z", Standing::Over),
            (day, "2026-01-01T21:00:00Z", Standing::Good),
            (day, "2026-01-01T22:00:00Z", Standing::EndsSoon),
        ] {
            assert_eq!(validity.at(at(now)), expected, "{now}");
        }
    }
}
