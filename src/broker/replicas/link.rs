//! The one connection to Redis, and the task that keeps it up. Whoever has a command finds a connection or is
//! told at once why there is none: nobody connects for himself, and nothing is queued while Redis is away.

use std::sync::Arc;
use std::time::Duration;

use redis::{FromRedisValue, ScriptInvocation};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::fault::Fault;
use super::scripts::Memory;
use super::target::{Connection, STEP, Target};
use crate::broker::coordination::State;
use crate::secret::random;

/// How often Redis is asked whether it takes a write, when all is well.
const PROBE: Duration = Duration::from_secs(3);

/// The first and the longest pause between tries to get it back.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The first connection is waited for by those who come before it: three steps, the scripts and the probe.
const FIRST: Duration = Duration::from_secs(3);

/// Results and locks that are brought to Redis later, when it is back. Beyond that they are left to expire.
const LATER: usize = 256;

/// The connection and its keeper.
pub(super) struct Link {
    shared: Arc<Shared>,
    keeper: AbortHandle,
}

pub(super) struct Shared {
    /// How long after a change the keys in Redis may not tell the whole story: as long as a flight before it could
    /// have left its mark or its result there.
    doubtful: Duration,
    standing: watch::Sender<Standing>,
    state: watch::Sender<State>,
    suspected: Notify,
    later: Semaphore,
}

/// How it stands.
#[derive(Clone)]
struct Standing {
    /// Where the connection leads, or is to lead.
    target: Arc<Target>,
    /// Also while Redis takes no writes: what it can still do is to forget.
    connection: Option<Connection>,
    fault: Option<Fault>,
    doubt_until: Option<Instant>,
    /// What the memory of Redis was called when it last told.
    memory: Option<Arc<str>>,
}

impl Standing {
    /// Whether Redis has been away, as far as this replica knows.
    fn was_away(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| *fault != Fault::NotYet)
    }

    fn holds(&self, connection: &Connection) -> bool {
        self.connection.as_ref().is_some_and(|held| held.is(connection))
    }

    fn doubts(&mut self, time: Duration) {
        self.doubt_until = self.doubt_until.max(Some(Instant::now() + time));
    }

    /// Redis has told how far back it remembers. That counts whether this replica has seen it go or not: it may have
    /// started since, or the connection was never lost. What is older than a memory that has just begun, it does not
    /// know; of one that was exchanged for another, nobody knows what it was told.
    fn hears(&mut self, memory: Memory, doubtful: Duration) {
        let exchanged = self.memory.as_ref().is_some_and(|known| **known != *memory.name);
        let age = if exchanged { Duration::ZERO } else { memory.age };
        if age < doubtful {
            self.doubts(doubtful - age);
        }
        self.memory = Some(memory.name.into());
    }
}

impl Link {
    /// Begins to connect.
    pub(super) fn start(target: Target, doubtful: Duration) -> Self {
        let fault = Fault::NotYet;
        let shared = Arc::new(Shared {
            doubtful,
            state: watch::Sender::new(State::NotYet),
            standing: watch::Sender::new(Standing {
                target: Arc::new(target),
                connection: None,
                fault: Some(fault),
                doubt_until: None,
                memory: None,
            }),
            suspected: Notify::new(),
            later: Semaphore::new(LATER),
        });
        let keeper = tokio::spawn(keep(Arc::clone(&shared))).abort_handle();
        Link { shared, keeper }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Shared {
    pub(super) fn changes(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Whether an earlier flight may have left no trace in Redis: it has been away, so marks and results may be
    /// gone, or siblings may have gone on without it.
    pub(super) fn in_doubt(&self) -> bool {
        self.standing.borrow().doubt_until.is_some_and(|until| Instant::now() < until)
    }

    /// Asks Redis now whether it remembers every flight that counts. `false` if nobody can say.
    pub(super) async fn remembers(&self) -> bool {
        let Some(connection) = self.standing.borrow().connection.clone() else { return false };
        match connection.probe().await {
            Ok(memory) => {
                let mut current = false;
                self.standing.send_if_modified(|standing| {
                    current = standing.holds(&connection);
                    if current {
                        standing.hears(memory, self.doubtful);
                    }
                    false
                });
                current && !self.in_doubt()
            }
            Err(fault) => {
                self.suspect(&connection, &fault);
                false
            }
        }
    }

    /// Asks Redis now, whatever was known of it.
    pub(super) async fn reach(&self) -> Result<(), Fault> {
        let Standing { target, connection, .. } = self.standing.borrow().clone();
        let reached = tend(&target, connection.filter(|held| !held.is_closed())).await;
        self.suspected.notify_one();
        reached.map(drop)
    }

    /// Turns to another target, if it can be reached; otherwise all stays as it was.
    pub(super) async fn turn_to(&self, target: Target) -> Result<(), Fault> {
        let connection = target.connect().await?;
        let memory = connection.probe().await?;
        self.standing.send_modify(|standing| {
            // Another Redis knows nothing of what the old one was told, and siblings may still be there.
            if !target.is_the_place_of(&standing.target) || standing.was_away() {
                standing.doubts(self.doubtful);
            }
            standing.hears(memory, self.doubtful);
            (standing.target, standing.connection) = (Arc::new(target), Some(connection));
            standing.fault = None;
        });
        self.tell(State::Up);
        // The old connection is looked after no more.
        self.suspected.notify_one();
        Ok(())
    }

    /// Runs a script, if Redis is there.
    pub(super) async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Fault> {
        let mut standing = self.standing.subscribe();
        let tried = standing.wait_for(|standing| standing.fault != Some(Fault::NotYet));
        let standing =
            timeout(FIRST, tried).await.map_err(|_| Fault::NotYet)?.map_err(|_| Fault::Closed)?.clone();
        match standing {
            Standing { fault: Some(fault), .. } => Err(fault),
            Standing { connection: Some(connection), fault: None, .. } => self.on(&connection, script).await,
            Standing { connection: None, fault: None, .. } => Err(Fault::Closed),
        }
    }

    /// Runs a script that is worth a try even when Redis takes no writes.
    pub(super) async fn run_anyway<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Fault> {
        let Standing { connection, fault, .. } = self.standing.borrow().clone();
        match connection {
            Some(connection) => self.on(&connection, script).await,
            None => Err(fault.unwrap_or(Fault::Closed)),
        }
    }

    /// Tries again whenever Redis is back, until it is done or too late. In a task of its own: nobody waits.
    pub(super) fn later<F, A>(self: &Arc<Self>, until: Instant, attempt: F)
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), Fault>> + Send,
    {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(_place) = shared.later.try_acquire() else { return };
            let mut standing = shared.standing.subscribe();
            let back = async {
                while standing.wait_for(|standing| standing.fault.is_none()).await.is_ok() {
                    if attempt().await.is_ok() {
                        return;
                    }
                    sleep(jittered(RETRY.1 / 4)).await;
                }
            };
            // Too late: what was to be brought has expired anyway.
            let _ = timeout_at(until, back).await;
        });
    }

    async fn on<T: FromRedisValue>(
        &self,
        connection: &Connection,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Fault> {
        let answer = connection.run(script).await;
        if let Err(fault) = &answer {
            self.suspect(connection, fault);
        }
        answer
    }

    /// A command failed on a connection: those after it need not find out for themselves.
    fn suspect(&self, connection: &Connection, fault: &Fault) {
        if fault.is_of_one_token() {
            return;
        }
        let kept = (!fault.ends_the_connection()).then(|| connection.clone());
        if self.is_down(|standing| standing.holds(connection), fault.clone(), kept) {
            self.suspected.notify_one();
        }
    }

    fn is_up(&self, target: &Arc<Target>, connection: Connection, memory: Memory) {
        let current = |standing: &Standing| Arc::ptr_eq(&standing.target, target);
        self.found_out(current, State::Up, |standing| {
            if standing.was_away() {
                standing.doubts(self.doubtful);
            }
            standing.hears(memory, self.doubtful);
            standing.connection = Some(connection);
            standing.fault.take().is_some()
        });
    }

    fn is_down(
        &self,
        current: impl Fn(&Standing) -> bool,
        fault: Fault,
        connection: Option<Connection>,
    ) -> bool {
        self.found_out(current, State::Down(fault.to_string()), |standing| {
            if standing.fault.is_none() {
                standing.doubts(self.doubtful);
            }
            standing.connection = connection;
            standing.fault = Some(fault);
            true
        })
    }

    /// Of a target or a connection that is not the current one any more, nothing is of interest. That is judged under
    /// the lock under which it is changed.
    fn found_out(
        &self,
        current: impl Fn(&Standing) -> bool,
        state: State,
        change: impl FnOnce(&mut Standing) -> bool,
    ) -> bool {
        let mut was_current = false;
        self.standing.send_if_modified(|standing| {
            was_current = current(standing);
            was_current && change(standing)
        });
        if was_current {
            self.tell(state);
        }
        was_current
    }

    fn tell(&self, state: State) {
        self.state.send_if_modified(|told| {
            let news = *told != state;
            *told = state;
            news
        });
    }
}

/// Connects, looks after the connection, and connects again.
async fn keep(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        let Standing { target, connection: mut held, .. } = shared.standing.borrow().clone();
        let current = |standing: &Standing| Arc::ptr_eq(&standing.target, &target);
        if held.as_ref().is_some_and(Connection::is_closed) {
            held = None;
            shared.is_down(current, Fault::Closed, None);
        }
        let pause = match tend(&target, held.clone()).await {
            Ok((connection, memory)) => {
                failures = 0;
                shared.is_up(&target, connection, memory);
                PROBE
            }
            Err(fault) => {
                let kept = held.filter(|_| !fault.ends_the_connection());
                shared.is_down(current, fault, kept);
                failures += 1;
                jittered(RETRY.0.saturating_mul(1 << u32::min(failures, 8)).min(RETRY.1))
            }
        };
        wait(&shared, pause, failures > 0).await;
    }
}

/// Tries the connection that there is, or makes one.
async fn tend(target: &Target, held: Option<Connection>) -> Result<(Connection, Memory), Fault> {
    let connection = match held {
        Some(connection) => connection,
        None => target.connect().await?,
    };
    let memory = connection.probe().await?;
    Ok((connection, memory))
}

/// Until it is time to look again. A command that failed shortens it while Redis was thought to be there; when
/// it is known to be away, commands do not even get so far.
async fn wait(shared: &Shared, pause: Duration, down: bool) {
    if down {
        return sleep(pause).await;
    }
    let connection = shared.standing.borrow().connection.clone();
    let closed = async {
        match &connection {
            Some(connection) => connection.closed().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = sleep(pause) => return,
        () = shared.suspected.notified() => {}
        () = closed => {}
    }
    let held = shared.standing.borrow().connection.is_some();
    if held && shared.standing.borrow().fault.is_some() {
        // It is there and refuses. The probe is smaller than what it refused, and may pass: not at every request.
        sleep(jittered(STEP)).await;
    }
}

/// Between half and all of it, so that replicas which lost Redis together do not come back together.
pub(super) fn jittered(pause: Duration) -> Duration {
    let [byte] = random::<1>().unwrap_or([128]);
    pause / 2 + pause / 512 * u32::from(byte)
}
