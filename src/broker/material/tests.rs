//! Reading again, where one of the files does not let itself be read.

use std::sync::atomic::{AtomicUsize, Ordering};
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

fn file(path: &std::path::Path) -> SecretPlace {
    SecretPlace::File(Sourced::new(path.to_owned(), Source::Default))
}

/// What looks again, with nobody else to hear of it.
struct Watched {
    material: Material,
    metrics: Metrics,
    log: Log,
}

impl Watched {
    fn over(sources: Sources) -> Self {
        let clock = Clock::from_fn(|| jiff::Timestamp::UNIX_EPOCH);
        let log = Log::start(Stream::new(std::io::sink(), false, None), clock).unwrap();
        Watched { material: Material::load(sources).unwrap(), metrics: Metrics::new(0.0, false), log }
    }

    /// Plays the scenes while it looks.
    async fn plays(&self, scenes: impl Future<Output = ()>) {
        tokio::select! {
            () = self.material.keep_looking(&self.metrics, &self.log) => {}
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
