//! Reading again, where one of the files does not let itself be read.

use std::sync::{Condvar, PoisonError};

use super::*;
use crate::config::{Source, Sourced};
use crate::process::{Clock, Stream};

/// Whether the callers' file is stuck.
static STUCK: (Mutex<bool>, Condvar) = (Mutex::new(true), Condvar::new());

/// As [`reading::read`], but for one file, whose reading comes to its end when it is let go.
fn read(sources: &Sources, what: What) -> Option<Found> {
    if what == What::Callers {
        let stuck = lock(&STUCK.0);
        drop(STUCK.1.wait_while(stuck, |stuck| *stuck).unwrap_or_else(PoisonError::into_inner));
    }
    reading::read(sources, what)
}

fn file(path: &std::path::Path) -> SecretPlace {
    SecretPlace::File(Sourced::new(path.to_owned(), Source::Default))
}

#[tokio::test]
async fn a_file_that_is_not_read_keeps_no_other_from_being_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let (secret, callers) = (dir.path().join("secret"), dir.path().join("callers"));
    std::fs::write(&secret, "old").unwrap();
    std::fs::write(&callers, "one=token-of-one").unwrap();
    let sources = Sources { secret: file(&secret), callers: Some(file(&callers)), redis: None, tls: None };
    let mut material = Material::load(sources).unwrap();
    material.read = read;
    material.patience = Duration::from_millis(50);
    let metrics = Metrics::new(0.0, false);
    let clock = Clock::from_fn(|| jiff::Timestamp::UNIX_EPOCH);
    let log = Log::start(Stream::new(std::io::sink(), false, None), clock).unwrap();
    let until = async |what: What, result: &str, done: &dyn Fn() -> bool| {
        let name = format!("jira_broker_reload_total{{what=\"{}\",result=\"{result}\"}} 1\n", what.as_str());
        while !done() || !metrics.text().contains(&name) {
            material.look.notify_one();
            tokio::task::yield_now().await;
        }
    };
    let scenes = async {
        std::fs::write(&secret, "new").unwrap();
        std::fs::write(&callers, "other=token-of-other").unwrap();
        until(What::Secret, "ok", &|| material.known().secret == Secret::new("new")).await;
        until(What::Callers, "failed", &|| true).await;
        std::fs::write(&secret, "newer").unwrap();
        while material.known().secret != Secret::new("newer") {
            material.look.notify_one();
            tokio::task::yield_now().await;
        }
        assert_eq!(material.known().callers.as_ref().unwrap().names(), ["one"], "the old ones stay");
        // However often it was looked at.
        until(What::Callers, "failed", &|| true).await;
        *lock(&STUCK.0) = false;
        STUCK.1.notify_all();
        let renewed = || material.known().callers.as_ref().unwrap().names() == ["other"];
        while !renewed() {
            material.look.notify_one();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = material.keep_looking(&metrics, &log) => {}
        () = scenes => {}
    }
}
