//! A Jira Data Center to try things on: in memory, on loopback, and strict where Jira is.
//!
//! A request passes through `middleware`: it is noted in the log, meets the fault that was ordered for it,
//! gets a caller from its credential (`auth`), is counted against the rate limit, and reaches the OAuth
//! provider (`oauth`), a page for the browser (`pages`) or a REST call ([`rest`]) on the data ([`world`]).
//! The sandbox shares no type with the client that is tried on it: what both got wrong the same way would
//! look right.

mod auth;
mod browser;
mod clock;
mod faults;
mod headers;
mod limit;
mod log;
mod middleware;
mod oauth;
mod options;
mod pages;
mod random;
pub mod rest;
mod running;
#[cfg(test)]
mod tests;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

pub use clock::Clock;
pub use faults::{Action, Fault, Faults, Gate};
pub use log::{Request, fingerprint};
pub use oauth::Tokens;
pub use options::{Confidential, Options, RateLimit, SandboxError};
pub use running::{Running, start};

/// Who makes a REST call, as the middleware found out; an axum `Extension` on every request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Login name; `None` is anonymous.
    pub user: Option<String>,
    /// What the credential allows at most. A token got through OAuth is limited by it; a personal access
    /// token or a password is not.
    pub scope: Scope,
}

/// The scopes of Jira's OAuth provider, from narrow to wide; each contains the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `READ`
    Read,
    /// `WRITE`
    Write,
    /// `ADMIN`
    Admin,
    /// `SYSTEM_ADMIN`
    SystemAdmin,
}

/// What all handlers share.
pub struct State {
    /// Users, projects, issues.
    pub world: Mutex<world::World>,
    /// The configured base URL, from which every `self` is made. It may be another than the address
    /// that the sandbox listens on, as it may be in a real Jira.
    pub base_url: String,
    /// How the sandbox was started.
    pub options: Options,
    /// The time; a test may move it.
    pub clock: Clock,
    context: String,
    provider: oauth::Provider,
    browsers: browser::Browsers,
    limiter: limit::Limiter,
    faults: Faults,
    log: log::Log,
    stopping: watch::Receiver<bool>,
}

impl State {
    /// What handlers share, without a listener: `clock` is the time, `base_url` where links lead.
    pub fn new(options: Options, base_url: String, clock: Clock) -> Result<Arc<State>, SandboxError> {
        let (_, never) = watch::channel(false);
        running::state(options, base_url, clock, never)
    }

    /// The data, locked.
    pub(crate) fn world(&self) -> MutexGuard<'_, world::World> {
        lock(&self.world)
    }
}

/// Locks; what a panicking handler left behind is served on, since one test's fault is not another's.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Scope {
    /// From narrow to wide.
    pub const ALL: [Scope; 4] = [Scope::Read, Scope::Write, Scope::Admin, Scope::SystemAdmin];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "READ",
            Scope::Write => "WRITE",
            Scope::Admin => "ADMIN",
            Scope::SystemAdmin => "SYSTEM_ADMIN",
        }
    }

    /// Names are upper-case, and their case matters to Jira.
    pub fn parse(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}
