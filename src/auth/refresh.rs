//! THE refresh: the one place that spends a refresh token.
//!
//! Jira kills both old tokens at each refresh and forgives nothing: the loser of two concurrent refreshes
//! is refused, and an answer that is not saved is a session lost. So, in this order and nowhere else:
//!
//! 1. neither stale nor rejected? use it;
//! 2. take the session's lock, which all processes share;
//! 3. read the store again: another access token than the one in hand? use it;
//! 4. make sure that the store takes a write;
//! 5. leave a mark, call the token endpoint or the broker;
//! 6. save; hand over, in CI; and only then give the token out.
//!
//! From 5 on it is a task of its own that holds a permit: whoever ends the program waits for it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::Mutex;

use crate::process::Clock;
use crate::secret::Secret;

use super::broker_client::BrokerClient;
use super::broker_fault::{BrokerError, Fault};
use super::endpoint::{EndpointError, TokenEndpoint};
use super::injected::{Handover, HandoverError, Undelivered};
use super::place::Place;
use super::saving::Saving;
use super::session::{Ended, Session, Tokens};
use super::store::{Lock, LockError, Mark, Pending, StoreError};

/// How long a sibling's refresh is waited for: longer than one may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// Who renews a pair of tokens.
#[derive(Clone, Debug)]
pub enum Renewer {
    /// Jira's own token endpoint.
    Jira(TokenEndpoint),
    /// A broker that holds the client's secret.
    Broker(BrokerClient),
}

/// Why there is no usable access token.
#[derive(Debug, Error)]
pub enum RefreshError {
    /// Jira refused the refresh token, now or earlier.
    #[error("{}", ended_text(.0))]
    Ended(Ended),
    /// Jira refused an injected refresh token, now or earlier in this job.
    #[error(
        "the injected refresh token is spent or ended: Jira refused it at {}. Each one works for one job; the next \
         job needs the successor that this one handed over",
        .0.at
    )]
    Spent(Ended),
    /// It was logged out in the meantime.
    #[error("the session was removed while this command ran")]
    Gone,
    /// A personal access token cannot be renewed.
    #[error("Jira does not accept the stored personal access token any more")]
    NotRenewable,
    /// What lies in the store is no session.
    #[error("the stored session cannot be read: {0}")]
    Corrupt(String),
    /// No lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The store did not give or take.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The token was spent, and its successor could not be saved.
    #[error(
        "the refresh token was spent and its successor could not be saved, so the session is lost: mend the store, \
         then log in again"
    )]
    Lost(#[source] StoreError),
    /// The token endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// A successor could not be handed over to whoever runs the job: the token was not spent.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// The successor was saved, and could not be handed over.
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
    /// The task that refreshes ended without an answer.
    #[error("the refresh ended without an answer")]
    Vanished,
}

fn ended_text(ended: &Ended) -> String {
    match ended.interrupted_at {
        Some(at) => format!(
            "the session has ended: a refresh at {at} was interrupted before its answer was saved, \
             and Jira refuses the old refresh token since"
        ),
        None => format!("the session has ended: Jira refused its refresh token at {}", ended.at),
    }
}

impl RefreshError {
    /// Whether it is certain that the refresh token was not spent.
    fn leaves_the_token_alone(&self) -> bool {
        match self {
            RefreshError::Endpoint(error) => error.leaves_the_token_alone(),
            RefreshError::Broker(error) => error.leaves_the_token_alone(),
            RefreshError::Ended(_)
            | RefreshError::Spent(_)
            | RefreshError::Gone
            | RefreshError::NotRenewable
            | RefreshError::Corrupt(_)
            | RefreshError::Lock(_)
            | RefreshError::Store(_)
            | RefreshError::Handover(_) => true,
            RefreshError::Lost(_) | RefreshError::Undelivered(_) | RefreshError::Vanished => false,
        }
    }

    fn is_invalid_grant(&self) -> bool {
        matches!(
            self,
            RefreshError::Endpoint(EndpointError::InvalidGrant(_))
                | RefreshError::Broker(BrokerError { fault: Fault::InvalidGrant, .. })
        )
    }

    /// Whether an earlier try of the same call may have spent the token, with an answer that nobody got.
    fn lost_an_answer(&self) -> bool {
        matches!(self, RefreshError::Broker(BrokerError { unanswered: true, .. }))
    }
}

/// Keeps one session's access token usable; shared by all requests of a process.
#[derive(Debug)]
pub struct Refresher {
    /// Where the session lies, and how it is renewed.
    pub ways: Ways,
    /// The session as this process last saw it. Held while refreshing: one at a time.
    current: Mutex<Session>,
}

/// What a refresh works with.
#[derive(Clone, Debug)]
pub struct Ways {
    /// Where the session lies.
    pub place: Place,
    /// Who renews.
    pub renewer: Renewer,
    /// What counts as the session while the store has none: an injected refresh token.
    pub initial: Option<Session>,
    /// Where a successor goes in CI.
    pub handover: Option<Arc<Handover>>,
    /// What time it is.
    pub clock: Clock,
    /// To be waited for before the program ends.
    pub saving: Saving,
}

/// Why a refresh is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    /// The token's time is up, or Jira has rejected it: a sibling's newer one will do.
    Needed,
    /// `token refresh`: always call.
    Asked,
}

impl Refresher {
    /// Keeps `session`, as it was just read from the store.
    pub fn new(ways: Ways, session: Session) -> Self {
        Refresher { ways, current: Mutex::new(session) }
    }

    /// A usable access token. `rejected` is the one that Jira has just not accepted, if so: then the clock
    /// is not asked.
    pub async fn access_token(&self, rejected: Option<&Secret>) -> Result<Secret, RefreshError> {
        let mut current = self.current.lock().await;
        let rejected = rejected.is_some_and(|token| *token == current.access_token);
        if !rejected && current.ended.is_none() && current.is_fresh(self.ways.clock.now()) {
            return Ok(current.access_token.clone());
        }
        *current = self.ways.renew(&current, Trigger::Needed).await?;
        Ok(current.access_token.clone())
    }

    /// Refreshes now, whatever the clock says, and returns the session.
    pub async fn refresh_now(&self) -> Result<Session, RefreshError> {
        let mut current = self.current.lock().await;
        *current = self.ways.renew(&current, Trigger::Asked).await?;
        Ok(current.clone())
    }

    /// The session as this process last saw it.
    pub async fn session(&self) -> Session {
        self.current.lock().await.clone()
    }
}

impl Ways {
    async fn renew(&self, in_hand: &Session, trigger: Trigger) -> Result<Session, RefreshError> {
        let lock = self.place.locks.acquire(&self.place.key, PATIENCE).await?;
        let stored = self.read().await?.or_else(|| self.initial.clone()).ok_or(RefreshError::Gone)?;
        if trigger == Trigger::Needed && stored.access_token != in_hand.access_token {
            log::info!("another process has refreshed the session");
            // It may have ended before it could hand its successor over.
            return if stored.undelivered { self.deliver_apart(lock, stored).await } else { Ok(stored) };
        }
        if stored.refresh_token.is_none() {
            return Err(RefreshError::NotRenewable);
        }
        if let Some(ended) = stored.ended {
            return Err(self.ended(ended));
        }
        if let Some(handover) = &self.handover {
            handover.check().await?;
        }
        let pending = self.place.store.prepare(&self.place.key).await?;
        let permit = self.saving.begin().await;
        let spend = Spend { ways: self.clone(), lock, pending, stored };
        let task = tokio::spawn(async move {
            let outcome = spend.run().await;
            drop(permit);
            outcome
        });
        task.await.unwrap_or(Err(RefreshError::Vanished))
    }

    /// The session in the store, with its refresh token delivered if an earlier command could not.
    pub async fn resume(&self) -> Result<Option<Session>, RefreshError> {
        match self.read().await? {
            Some(session) if session.undelivered => {
                let lock = self.place.locks.acquire(&self.place.key, PATIENCE).await?;
                match self.read().await? {
                    Some(session) if session.undelivered => self.deliver_apart(lock, session).await.map(Some),
                    found => Ok(found),
                }
            }
            found => Ok(found),
        }
    }

    /// Hands over in a task of its own, as [`Spend`] does: whoever ends the program waits for it.
    async fn deliver_apart(&self, lock: Lock, session: Session) -> Result<Session, RefreshError> {
        let permit = self.saving.begin().await;
        let ways = self.clone();
        let task = tokio::spawn(async move {
            let outcome = ways.deliver(session).await;
            drop((lock, permit));
            outcome
        });
        task.await.unwrap_or(Err(RefreshError::Vanished))
    }

    /// Hands the refresh token over, and remembers that it has been.
    async fn deliver(&self, session: Session) -> Result<Session, RefreshError> {
        let (Some(handover), Some(successor)) = (&self.handover, &session.refresh_token) else {
            return Ok(session);
        };
        let delivered = handover.deliver(successor, |undelivered| self.saving.owe(Some(undelivered))).await;
        self.saving.owe(delivered.as_ref().err().cloned());
        delivered?;
        let delivered = Session { undelivered: false, ..session };
        let noted = async {
            let pending = self.place.store.prepare(&self.place.key).await?;
            self.place.store.commit(pending, &delivered.to_record()).await
        };
        if let Err(error) = noted.await {
            // The next command hands the same one over again, which does no harm.
            log::info!("the handover could not be noted: {error}");
        }
        Ok(delivered)
    }

    /// An injected token that is refused is the operator's business, not a matter of logging in.
    fn ended(&self, ended: Ended) -> RefreshError {
        if self.handover.is_some() { RefreshError::Spent(ended) } else { RefreshError::Ended(ended) }
    }

    async fn read(&self) -> Result<Option<Session>, RefreshError> {
        let record = self.place.store.load(&self.place.key).await?;
        record.map(|record| Session::from_record(&record)).transpose().map_err(RefreshError::Corrupt)
    }
}

/// The guarded part: from the mark to the saved successor.
struct Spend {
    ways: Ways,
    lock: Lock,
    pending: Pending,
    /// The session as it was read under the lock.
    stored: Session,
}

impl Spend {
    async fn run(self) -> Result<Session, RefreshError> {
        let Some(refresh_token) = self.stored.refresh_token.clone() else {
            return Err(RefreshError::NotRenewable);
        };
        let interrupted_at = self.interruption(&refresh_token);
        self.lock.set_mark(&Mark {
            refresh_fingerprint: refresh_token.fingerprint(),
            // The first interruption is the one to tell of, however often it was tried since.
            at: interrupted_at.unwrap_or_else(|| self.ways.clock.now()),
            pid: std::process::id(),
        })?;
        let asked_at = self.ways.clock.now();
        let answer = self.ways.renewer.renew(&self.stored, &refresh_token).await;
        match answer {
            Ok(tokens) => self.keep(tokens, asked_at).await,
            Err(error) if error.is_invalid_grant() => {
                let lost = error.lost_an_answer().then_some(asked_at);
                self.refused(interrupted_at.or(lost)).await
            }
            Err(error) => {
                self.ways.place.store.abandon(self.pending).await;
                // The mark stays where the token may have been spent: if the next one is refused, it can
                // say why.
                if error.leaves_the_token_alone() && interrupted_at.is_none() {
                    let _ = self.lock.clear_mark();
                }
                Err(error)
            }
        }
    }

    /// When an earlier refresh with this very token was cut off, if one was. It is tried again: if its
    /// request never left, the token is still good.
    fn interruption(&self, refresh_token: &Secret) -> Option<Timestamp> {
        let mark = self.lock.mark()?;
        (mark.refresh_fingerprint == refresh_token.fingerprint()).then_some(mark.at)
    }

    async fn keep(self, tokens: Tokens, asked_at: Timestamp) -> Result<Session, RefreshError> {
        let renewed =
            Session { undelivered: self.ways.handover.is_some(), ..self.stored.renewed(tokens, asked_at) };
        let record = renewed.to_record();
        if let Err(first) = self.ways.place.store.commit(self.pending, &record).await {
            // It said that it would take it. Once more, from the beginning: the old pair is dead already.
            let again = self
                .ways
                .place
                .store
                .prepare(&self.ways.place.key)
                .await
                .map_err(|_| RefreshError::Lost(first))?;
            self.ways.place.store.commit(again, &record).await.map_err(RefreshError::Lost)?;
        }
        if let Err(error) = self.lock.clear_mark() {
            log::info!("{error}");
        }
        log::info!("the session is refreshed and saved");
        self.ways.deliver(renewed).await
    }

    /// `invalid_grant`: somebody without our lock may have been faster (another machine with a shared
    /// home); otherwise the refusal is remembered, so that nobody asks again.
    async fn refused(self, interrupted_at: Option<Timestamp>) -> Result<Session, RefreshError> {
        if let Some(newer) = self.ways.read().await?
            && newer.access_token != self.stored.access_token
        {
            self.ways.place.store.abandon(self.pending).await;
            return Ok(newer);
        }
        let ended = Ended { at: self.ways.clock.now(), interrupted_at };
        let record = Session { ended: Some(ended.clone()), ..self.stored.clone() }.to_record();
        self.ways.place.store.commit(self.pending, &record).await?;
        if let Err(error) = self.lock.clear_mark() {
            log::info!("{error}");
        }
        Err(self.ways.ended(ended))
    }
}

impl Renewer {
    async fn renew(&self, session: &Session, refresh_token: &Secret) -> Result<Tokens, RefreshError> {
        let redirect_uri = session.redirect_uri.as_deref();
        match self {
            Renewer::Jira(endpoint) => {
                Ok(endpoint.refresh(&session.client_id, refresh_token, redirect_uri).await?)
            }
            Renewer::Broker(broker) => {
                Ok(broker.refresh(&session.client_id, refresh_token, redirect_uri).await?)
            }
        }
    }
}
