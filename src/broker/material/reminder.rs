//! Says that the certificate in use is no good, or will not be for long: when that begins, and once a day from then on.

use jiff::{SignedDuration, Timestamp};

use super::validity::{Standing, Validity};
use crate::broker::log::{Level, Log};
use crate::broker::metrics::Metrics;

/// How often it is said of one certificate.
const AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// What was said last.
pub(super) struct Reminder {
    of: Option<(Validity, Standing)>,
    at: Timestamp,
}

impl Reminder {
    /// From the start on, which says itself what there is to say.
    pub(super) fn from_start(validity: Option<Validity>, now: Timestamp) -> Self {
        Reminder { of: validity.map(|validity| (validity, validity.at(now))), at: now }
    }

    /// Says it if it is time to.
    pub(super) fn look(&mut self, validity: Option<Validity>, now: Timestamp, metrics: &Metrics, log: &Log) {
        let Some(validity) = validity else { return };
        metrics.certificate_ends(validity.ends);
        let standing = validity.at(now);
        let is_news = self.of.replace((validity, standing)) != Some((validity, standing));
        if !is_news && now < self.at.saturating_add(AGAIN).unwrap_or(Timestamp::MAX) {
            return;
        }
        self.at = now;
        let code = match standing {
            Standing::Good => return,
            Standing::EndsSoon => "certificate_ends",
            Standing::NotYet | Standing::Over => "certificate_invalid",
        };
        let line = log.line(Level::Warn, "certificate").word("code", code);
        log.write(line.text("reason", &format!("the certificate in use {}", validity.words(standing))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::log::tests::Sink;
    use crate::process::{Clock, Stream};

    #[tokio::test]
    async fn it_is_said_when_it_begins_and_once_a_day() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let sink = Sink::default();
        let clock = Clock::from_fn(|| Timestamp::UNIX_EPOCH);
        let log = Log::start(Stream::new(sink.clone(), false, None), clock).unwrap();
        let year = Validity { begins: at("2026-01-01T00:00:00Z"), ends: at("2027-01-01T00:00:00Z") };
        let next = Validity { begins: at("2026-12-01T00:00:00Z"), ends: at("2028-01-01T00:00:00Z") };
        let metrics = Metrics::new(0.0, false, Some(year.ends));
        let mut reminder = Reminder::from_start(Some(year), at("2026-06-01T00:00:00Z"));
        for (validity, now) in [
            (year, "2026-12-17T23:00:00Z"),
            // Now there are less than 14 days.
            (year, "2026-12-19T00:00:00Z"),
            (year, "2026-12-19T00:00:10Z"),
            (year, "2026-12-19T23:59:59Z"),
            // A day later.
            (year, "2026-12-20T00:00:00Z"),
            (year, "2026-12-20T00:00:10Z"),
            // It has ended.
            (year, "2027-01-01T00:00:01Z"),
            (year, "2027-01-01T00:00:11Z"),
            (next, "2027-01-01T00:00:21Z"),
            (next, "2027-01-03T00:00:00Z"),
        ] {
            reminder.look(Some(validity), at(now), &metrics, &log);
        }
        // What the start has said is not said again at once.
        let mut reminder = Reminder::from_start(Some(year), at("2027-02-01T00:00:00Z"));
        reminder.look(Some(year), at("2027-02-01T00:00:10Z"), &metrics, &log);
        reminder.look(Some(year), at("2027-02-02T00:00:00Z"), &metrics, &log);
        log.end().await;
        let text = sink.text();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let codes: Vec<_> = lines.iter().map(|line| line["code"].as_str().unwrap()).collect();
        let (ends, invalid) = ("certificate_ends", "certificate_invalid");
        assert_eq!(codes, [ends, ends, invalid, invalid], "{text}");
        assert!(lines.iter().all(|line| line["event"] == "certificate" && line["level"] == "warn"), "{text}");
        assert!(lines[0]["reason"].as_str().unwrap().contains("ends at 2027-01-01T00:00:00Z"), "{text}");
    }
}
