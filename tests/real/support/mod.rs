//! What every test against a real component begins with: is it to run here, or is it left out?

pub mod browser;
#[cfg(target_os = "linux")]
pub mod bus;
pub mod door;
#[cfg(unix)]
pub mod jira;
#[cfg(target_os = "linux")]
pub mod redis;
#[cfg(target_os = "linux")]
pub mod secrets;
#[cfg(unix)]
pub mod served;
#[cfg(unix)]
pub mod terminal;
#[cfg(unix)]
pub mod web;

use std::io::Write;
use std::path::PathBuf;
use std::process::Child;

/// A component that not every machine has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Real {
    /// `gnome-keyring-daemon` under `dbus-run-session`, with `secret-tool`.
    Keyring,
    /// Chromium, and python3 to drive it.
    Browser,
    /// A user who is not root, to whom modes and limits apply: oneself, or as root `setpriv` to become one.
    OtherUser,
    /// `strace`, allowed to trace.
    Trace,
    /// python3, which tells the most memory that a command has taken.
    Memory,
    /// What tests/ci looks at scripts and workflows with: shellcheck, other shells, and Python packages.
    CiTools,
    /// bash, zsh and fish.
    Shells,
    /// mandoc, which reads manual pages and says what is wrong with them.
    Manual,
    /// `redis-server` and `redis-cli`.
    Redis,
}

impl Real {
    /// The word that stands in `JIRA_TEST_LEAVE_OUT`.
    pub fn word(self) -> &'static str {
        match self {
            Real::Keyring => "keyring",
            Real::Browser => "browser",
            Real::OtherUser => "other-user",
            Real::Trace => "trace",
            Real::Memory => "memory",
            Real::CiTools => "ci-tools",
            Real::Shells => "shells",
            Real::Manual => "manual",
            Real::Redis => "redis",
        }
    }
}

/// Whether a test that needs this component runs. It does when `JIRA_TEST_REAL=1` is set, as `tests/run` does,
/// unless `JIRA_TEST_LEAVE_OUT` (words with commas between) names the component. Whoever gets `false` returns
/// at once; it has been said on stderr. A component that is missing although its tests run is a failure.
#[allow(clippy::disallowed_methods, reason = "the switch of the tests themselves, not of the program")]
pub fn runs(what: Real) -> bool {
    let all = std::env::var("JIRA_TEST_REAL").is_ok_and(|value| value == "1");
    let without = std::env::var("JIRA_TEST_LEAVE_OUT").unwrap_or_default();
    let reason = if !all {
        "JIRA_TEST_REAL=1 is not set; tests/run sets it"
    } else if without.split(',').any(|word| word.trim() == what.word()) {
        "JIRA_TEST_LEAVE_OUT names it"
    } else {
        return true;
    };
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    left_out(&format!("{test}, which needs {}: {reason}", what.word()));
    false
}

/// Past the capture of the test harness: what was left out must not look like what passed.
pub fn left_out(what: &str) {
    let _ = writeln!(std::io::stderr(), "left out: {what}");
}

/// The directory that a test which starts itself again gives to the process it starts.
pub fn mark_of_parent(variable: &str) -> Option<PathBuf> {
    #[allow(clippy::disallowed_methods, reason = "how a test tells itself that it is the inner one")]
    std::env::var_os(variable).map(PathBuf::from)
}

/// A program that ends with the test.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
