//! Several replicas agree over Redis or Valkey.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::coordination::{Claim, CoordinationError, State, Work};
use super::granted::Granted;
use crate::secret::Secret;

/// How to reach Redis, and for how long things are kept there.
#[derive(Clone, Debug)]
pub struct Options {
    /// `redis://` or `rediss://`, with user, password and database.
    pub url: Secret,
    /// Roots for `rediss://`; the system's if absent.
    pub ca: Option<PathBuf>,
    /// What sets this broker's keys apart from another's in one Redis: base URL and client ID.
    pub realm: String,
    /// How long a call to Jira may take.
    pub upstream_timeout: Duration,
    /// How long a result is replayed; zero keeps none.
    pub replay_ttl: Duration,
}

/// Why there is no way to Redis that could be tried.
#[derive(Debug, thiserror::Error)]
pub enum ReplicasError {
    /// The URL is none. What is in it is not said: it may hold the password.
    #[error("the URL of Redis {0}")]
    Url(&'static str),
    /// The roots cannot be read.
    #[error("the certificates for Redis {0}")]
    Ca(String),
}

/// The agreement.
pub struct Replicas {
    state: watch::Sender<State>,
}

impl Replicas {
    /// Sets it up and begins to connect; inside the runtime. Redis need not be there yet.
    pub fn start(options: Options) -> Result<Self, ReplicasError> {
        let Options { url: _, ca: _, realm: _, upstream_timeout: _, replay_ttl: _ } = options;
        Ok(Replicas { state: watch::Sender::new(State::Down(NOT_BUILT.to_owned())) })
    }

    /// See [`super::coordination::Coordination::claim`].
    pub async fn claim(&self, _work: &Work<'_>, _deadline: Instant) -> Result<Claim, CoordinationError> {
        Err(CoordinationError::Unavailable(NOT_BUILT.to_owned()))
    }

    /// See [`super::coordination::Coordination::joined`].
    pub async fn joined(&self, _work: &Work<'_>) -> Result<(), CoordinationError> {
        Err(CoordinationError::Unavailable(NOT_BUILT.to_owned()))
    }

    /// See [`super::coordination::Coordination::reach`].
    pub async fn reach(&self) -> Result<(), CoordinationError> {
        Err(CoordinationError::Unavailable(NOT_BUILT.to_owned()))
    }

    /// How it stands, and every change.
    pub fn changes(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }
}

const NOT_BUILT: &str = "this build does not speak to it";

/// A lock on one token, with its fence.
pub struct Lease(());

impl Lease {
    /// See [`super::coordination::Lease::sent`].
    pub async fn sent(&mut self) -> Result<(), CoordinationError> {
        Ok(())
    }

    /// See [`super::coordination::Lease::keep`].
    pub async fn keep(self, _granted: &Granted) -> Result<(), CoordinationError> {
        Ok(())
    }

    /// See [`super::coordination::Lease::release`].
    pub async fn release(self) {}

    /// See [`super::coordination::Lease::forsake`].
    pub async fn forsake(self) {}

    /// See [`super::coordination::Lease::interrupted_before`].
    pub fn interrupted_before(&self) -> bool {
        false
    }
}
