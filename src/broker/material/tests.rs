//! Reading again, where one of the files does not let itself be read, or the certificate in it is of another time.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Condvar, PoisonError};

use super::*;
use crate::config::{Source, Sourced};
use crate::process::{Clock, Stream};

/// Whether the callers' file is stuck.
static STUCK: (Mutex<bool>, Condvar) = (Mutex::new(true), Condvar::new());

/// How often was looked.
static LOOKS: AtomicUsize = AtomicUsize::new(0);

/// What does not happen by then does not happen.
const LONG: Duration = Duration::from_secs(60);

/// As [`reading::read`], but for one file, whose reading comes to its end when it is let go.
fn read(sources: &Sources, what: What) -> Option<Found> {
    if what == What::Callers {
        let stuck = lock(&STUCK.0);
        drop(STUCK.1.wait_while(stuck, |stuck| *stuck).unwrap_or_else(PoisonError::into_inner));
    } else if what == What::Secret {
        LOOKS.fetch_add(1, Ordering::Relaxed);
    }
    reading::read(sources, what)
}

fn file(path: &Path) -> SecretPlace {
    SecretPlace::File(Sourced::new(path.to_owned(), Source::Default))
}

/// What looks again, with nobody else to hear of it.
struct Watched {
    material: Material,
    metrics: Metrics,
    log: Log,
    clock: Clock,
}

impl Watched {
    fn over(sources: Sources) -> Self {
        Watched::with(sources, Clock::from_fn(|| Timestamp::UNIX_EPOCH), std::io::sink())
    }

    fn with(sources: Sources, clock: Clock, log: impl std::io::Write + Send + 'static) -> Self {
        let log = Log::start(Stream::new(log, false, None), clock.clone()).unwrap();
        let material = Material::load(sources).unwrap();
        let ends = material.certificate().map(|validity| validity.ends);
        Watched { material, metrics: Metrics::new(0.0, false, ends), log, clock }
    }

    /// Plays the scenes while it looks.
    async fn plays(&self, scenes: impl Future<Output = ()>) {
        tokio::select! {
            () = self.material.keep_looking(&self.clock, &self.metrics, &self.log) => {}
            played = tokio::time::timeout(LONG, scenes) => played.expect("the scenes come to their end"),
        }
    }

    /// Has it look until something is so.
    async fn until(&self, so: impl Fn() -> bool) {
        while !so() {
            self.material.look.notify_one();
            tokio::task::yield_now().await;
        }
    }

    /// Whether just so many results of this kind were told.
    fn told(&self, what: What, result: &str, times: usize) -> bool {
        let name = format!("jira_broker_reload_total{{what=\"{}\",result=\"{result}\"}}", what.as_str());
        self.metrics.text().contains(&format!("{name} {times}\n"))
    }
}

#[tokio::test]
async fn a_file_that_is_not_read_keeps_no_other_from_being_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let (secret, callers) = (dir.path().join("secret"), dir.path().join("callers"));
    std::fs::write(&secret, "old").unwrap();
    std::fs::write(&callers, "one=token-of-one").unwrap();
    let sources = Sources { secret: file(&secret), callers: Some(file(&callers)), redis: None, tls: None };
    let mut watched = Watched::over(sources);
    watched.material.read = read;
    watched.material.patience = Duration::from_millis(50);
    let knows = |secret: &str| watched.material.known().secret == Secret::new(secret);
    let names = || watched.material.known().callers.as_ref().unwrap().names().join(" ");
    let scenes = async {
        std::fs::write(&secret, "new").unwrap();
        std::fs::write(&callers, "other=token-of-other").unwrap();
        watched.until(|| knows("new") && watched.told(What::Secret, "ok", 1)).await;
        watched.until(|| watched.told(What::Callers, "failed", 1)).await;
        std::fs::write(&secret, "newer").unwrap();
        watched.until(|| knows("newer")).await;
        assert_eq!(names(), "one", "the old ones stay");
        let looked = LOOKS.load(Ordering::Relaxed);
        watched.until(|| LOOKS.load(Ordering::Relaxed) >= looked + 4).await;
        assert!(watched.told(What::Callers, "failed", 1), "once, however often it was looked at");
        *lock(&STUCK.0) = false;
        STUCK.1.notify_all();
        watched.until(|| names() == "other").await;
    };
    watched.plays(scenes).await;
}

#[tokio::test]
async fn what_could_not_be_read_for_a_while_and_is_what_it_was_is_back_and_not_new() {
    let dir = tempfile::tempdir().unwrap();
    let [secret, redis] = ["secret", "redis"].map(|name| dir.path().join(name));
    std::fs::write(&secret, "secret").unwrap();
    std::fs::write(&redis, "redis://one").unwrap();
    let sources = Sources { secret: file(&secret), callers: None, redis: Some(file(&redis)), tls: None };
    let watched = Watched::over(sources);
    let mut urls = watched.material.redis().unwrap();
    let scenes = async {
        for times in 1..=3 {
            std::fs::remove_file(&redis).unwrap();
            watched.until(|| watched.told(What::Redis, "failed", times)).await;
            // Whole from the first moment.
            std::fs::write(dir.path().join("aside"), "redis://one").unwrap();
            std::fs::rename(dir.path().join("aside"), &redis).unwrap();
            watched.until(|| watched.told(What::Redis, "ok", times)).await;
            assert!(!urls.has_changed().unwrap(), "nobody is to connect anew");
        }
        std::fs::write(dir.path().join("aside"), "redis://other").unwrap();
        std::fs::rename(dir.path().join("aside"), &redis).unwrap();
        watched.until(|| urls.has_changed().unwrap()).await;
    };
    watched.plays(scenes).await;
    assert_eq!(*urls.borrow_and_update(), Secret::new("redis://other"));
}

/// Some time in January 2026.
fn day(day: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + (day - 1) * 86_400).unwrap()
}

/// A certificate for these days.
fn write_certificate(dir: &Path, from: u8, to: u8) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["broker.example".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, from);
    params.not_after = rcgen::date_time_ymd(2026, 1, to);
    // Whole from the first moment.
    for (name, text) in
        [("tls.key", key.serialize_pem()), ("tls.crt", params.self_signed(&key).unwrap().pem())]
    {
        std::fs::write(dir.join("aside"), text).unwrap();
        std::fs::rename(dir.join("aside"), dir.join(name)).unwrap();
    }
}

#[tokio::test]
async fn a_certificate_that_no_caller_takes_waits_until_it_is_better_than_the_one_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "0").unwrap();
    write_certificate(dir.path(), 1, 10);
    let [certificate, key] = ["tls.crt", "tls.key"].map(|name| dir.path().join(name));
    let tls = Some(TlsFiles { certificate, key, client_ca: None });
    let today = Arc::new(AtomicI64::new(5));
    let clock = Clock::from_fn({
        let today = Arc::clone(&today);
        move || day(today.load(Ordering::Relaxed))
    });
    let sources = Sources { secret: file(&secret), callers: None, redis: None, tls };
    let watched = Watched::with(sources, clock, std::io::sink());
    let ends = |at: i64| {
        let name = "jira_broker_certificate_expiry_timestamp_seconds";
        watched.metrics.text().contains(&format!("{name} {}\n", day(at).as_second()))
    };
    let waits = || {
        let seen = lock(&watched.material.seen);
        seen.get(&What::Certificate).is_some_and(|seen| seen.error.is_some())
    };
    // The look that sees the second of them began after the first was seen.
    let looked = async || {
        for word in ["one", "two"] {
            std::fs::write(dir.path().join("new"), word).unwrap();
            std::fs::rename(dir.path().join("new"), &secret).unwrap();
            watched.until(|| watched.material.known().secret == Secret::new(word)).await;
        }
    };
    let scenes = async {
        assert!(ends(10), "{}", watched.metrics.text());
        write_certificate(dir.path(), 1, 3);
        watched.until(waits).await;
        assert!(ends(10), "one that has ended takes nobody's place");
        write_certificate(dir.path(), 7, 30);
        looked().await;
        assert!(waits() && ends(10), "nor does one whose time has not come");
        today.store(7, Ordering::Relaxed);
        watched.until(|| ends(30)).await;
        assert!(!waits());
        // The one in use has ended: one that ended before it is no better, and one that ended later is no worse.
        today.store(31, Ordering::Relaxed);
        write_certificate(dir.path(), 1, 29);
        watched.until(waits).await;
        write_certificate(dir.path(), 1, 31);
        today.store(32, Ordering::Relaxed);
        watched.until(|| ends(31)).await;
    };
    watched.plays(scenes).await;
}
