//! The broker: it holds the client secret of a confidential client, and adds it to the calls that Jira wants it
//! on. Its callers hold the tokens and keep them; so a caller needs no secret of the application, and whoever
//! breaks into the broker finds no session.
//!
//! What it must never do: keep a token longer than a replay takes, and in memory alone; hand a pair to anybody
//! but those who asked with its token while it was fetched; send the secret to another host than Jira's; tell
//! a caller that its session has ended when it has not; write a token into a log, a metric or an error.

mod admin;
mod answer;
pub mod caller;
mod coalesce;
pub mod coordination;
pub mod granted;
mod limit;
pub mod log;
pub mod material;
pub mod metrics;
mod replays;
pub mod replicas;
mod routes;
pub mod settings;
mod unserved;
mod upstream;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

use crate::http::Client;
use crate::process::Clock;
use crate::secret::{hex, random};
use crate::serve::{Full, Handler, Limits, Manners, serve_with};

use coalesce::Coalesce;
use coordination::{Coordination, State};
use limit::Limit;
use log::{Level, Log};
use material::Material;
use metrics::{Metrics, What, gauge};
use settings::{LAST_WRITES, Settings};
use unserved::Unsaid;
use upstream::Upstream;

/// How often what is over is thrown away, and the gauges are set.
const TICK: Duration = Duration::from_secs(1);
/// Nobody who asks for health or metrics has anything to say.
const ADMIN_BODY: u64 = 1024;
/// How soon a caller that gave up waiting asks again, with some to spare.
const ASKED_AGAIN: Duration = Duration::from_secs(3);

/// One broker.
pub struct Broker {
    settings: Settings,
    material: Arc<Material>,
    coalesce: Arc<Coalesce>,
    limit: Limit,
    metrics: Arc<Metrics>,
    log: Log,
    clock: Clock,
    in_flight: Arc<Semaphore>,
    connections: Arc<AtomicUsize>,
    draining: AtomicBool,
    /// Every request that was accepted before the drain holds a receiver until it is answered.
    accepted: watch::Sender<()>,
    unsaid: Unsaid,
    /// Whether health, readiness and metrics are on the one listener.
    admin_here: bool,
    ids: Ids,
}

/// What a broker is made of, besides its settings.
pub struct Parts {
    /// What Jira is asked through; it follows no redirect.
    pub client: Client,
    /// Secret, callers, certificates.
    pub material: Material,
    /// The siblings.
    pub coordination: Coordination,
    /// Where the log goes.
    pub log: Log,
    /// What time it is.
    pub clock: Clock,
}

/// Where it listens. Both are bound already.
pub struct Listeners {
    /// For callers.
    pub callers: Vec<TcpListener>,
    /// For health, readiness and metrics; with the callers if there is none.
    pub admin: Option<Vec<TcpListener>>,
}

/// Names for requests that no other replica gives.
struct Ids {
    prefix: String,
    next: AtomicU64,
}

impl Broker {
    /// Puts the parts together. `admin_here`: there is no other listener for health, readiness and metrics.
    pub fn new(settings: Settings, parts: Parts, admin_here: bool) -> Arc<Self> {
        let Parts { client, material, coordination, log, clock } = parts;
        let replicas = coordination.state() != State::Off;
        let started = clock.exact().as_microsecond() as f64 / 1e6;
        let certificate_ends = material.certificate().map(|validity| validity.ends);
        let metrics = Arc::new(Metrics::new(started, replicas, certificate_ends));
        let material = Arc::new(material);
        let upstream = Upstream::new(client, &settings);
        let coalesce = Coalesce::new(
            &settings,
            coordination,
            upstream,
            Arc::clone(&material),
            Arc::clone(&metrics),
            log.clone(),
        );
        // Without random bytes two replicas may give one name twice, and that is all.
        let prefix = hex(&random::<4>().unwrap_or_default());
        Arc::new(Broker {
            limit: Limit::new(settings.rate),
            in_flight: Arc::new(Semaphore::new(settings.max_in_flight as usize)),
            settings,
            material,
            coalesce: Arc::new(coalesce),
            metrics,
            log,
            clock,
            connections: Arc::default(),
            draining: AtomicBool::new(false),
            accepted: watch::channel(()).0,
            unsaid: Unsaid::default(),
            admin_here,
            ids: Ids { prefix, next: AtomicU64::new(0) },
        })
    }

    /// Has the secret, the callers' tokens and the certificates read again, now.
    pub fn read_again(&self) {
        self.material.look.notify_one();
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Has the drain wait for a request. Not for one that comes later: others would follow it without end.
    fn accept(&self) -> Option<watch::Receiver<()>> {
        let accepted = self.accepted.subscribe();
        // This side and the drain each say what they do before they look at the other: so one of the two sees it.
        fence(Ordering::SeqCst);
        (!self.is_draining()).then_some(accepted)
    }

    fn next_id(&self) -> String {
        let Ids { prefix, next } = &self.ids;
        format!("{prefix}-{:06x}", next.fetch_add(1, Ordering::Relaxed))
    }

    /// Sets the gauges that are not kept up to date by themselves.
    fn measure(&self) {
        gauge(&self.metrics.connections, self.connections.load(Ordering::Relaxed) as u64);
        gauge(&self.metrics.replay_entries, self.coalesce.forget());
        gauge(&self.metrics.ready, u64::from(admin::ready(self).is_ok()));
        let up = self.coalesce.coordination.state() == State::Up;
        gauge(&self.metrics.coordination_up, u64::from(up));
    }

    async fn keep_house(&self) {
        loop {
            tokio::time::sleep(TICK).await;
            self.limit.forget();
            self.measure();
            self.sums_up(Some(Instant::now()));
            self.log.count_lost(&self.metrics);
        }
    }

    /// Says every change between the siblings.
    async fn follow_coordination(&self) {
        let Some(mut changes) = self.coalesce.coordination.changes() else { return };
        // That it has not been tried yet is no news.
        while changes.wait_for(|state| *state != State::NotYet).await.is_ok() {
            let state = changes.borrow_and_update().clone();
            let level = if matches!(state, State::Down(_)) { Level::Warn } else { Level::Info };
            let mut line = self.log.line(level, "coordination").word("state", admin::word(&state));
            if let State::Down(reason) = &state {
                line = line.text("reason", reason);
            }
            self.log.write(line);
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Turns to the replicas' Redis wherever its URL says that it is. What cannot be reached is tried again: a password
    /// is changed in two places, and one of them comes first.
    async fn follow_redis(&self) {
        let Some(mut urls) = self.material.redis() else { return };
        let (mut again, mut told) = (false, None);
        loop {
            tokio::select! {
                changed = urls.changed() => match changed {
                    Ok(()) => told = None,
                    Err(_) => return,
                },
                () = tokio::time::sleep(material::EVERY), if again => {}
            }
            let url = urls.borrow_and_update().clone();
            let result = self.coalesce.coordination.turn_to(&url).await.map_err(|error| error.to_string());
            let reason = result.as_ref().err().cloned();
            if reason.is_none() || reason != told {
                material::tell(What::Redis, &result, &self.metrics, &self.log);
            }
            (again, told) = (reason.is_some(), reason);
        }
    }

    /// Waits until nothing is under way, or the grace is over: what was accepted before is answered, also when its body
    /// is still on its way, and what was called is at its end. A result that landed when its caller had given up
    /// is the only one there is: the caller gets some time to ask for it again.
    async fn drain(&self) {
        let begun = Instant::now();
        let empty = async {
            self.accepted.closed().await;
            let _all = self.in_flight.acquire_many(self.settings.max_in_flight).await;
            if let Some(landed) = self.coalesce.unheard() {
                tokio::time::sleep_until(landed + ASKED_AGAIN).await;
            }
        };
        let empty = timeout(self.settings.grace, empty).await.is_ok();
        let level = if empty { Level::Info } else { Level::Warn };
        let line = self.log.line(level, "drained").millis("ms", begun.elapsed());
        self.log.write(line.word("outcome", if empty { "empty" } else { "grace_over" }));
    }
}

/// Serves until `shutdown` is ready and what was under way has been answered, or the grace is over. From the
/// shutdown on it is not ready, and new requests are told to go elsewhere; but the listener stays until the last
/// answer is out, so that nobody is cut off unheard.
pub async fn serve_until(listeners: Listeners, broker: Arc<Broker>, shutdown: impl Future<Output = ()>) {
    let Listeners { callers, admin } = listeners;
    let (stop, stopped) = watch::channel(());
    let stopping = |mut stopped: watch::Receiver<()>| async move {
        // An error says that the sender is gone, which is the end as well.
        let _ = stopped.changed().await;
    };
    let limits = broker.settings.limits;
    let api = serve_with(callers, api(&broker), limits, manners(&broker), stopping(stopped.clone()));
    let admin_limits = Limits { grace: LAST_WRITES, max_body: ADMIN_BODY, ..Limits::default() };
    let admin = serve_with(
        admin.unwrap_or_default(),
        admin_api(&broker),
        admin_limits,
        admin_manners(&broker),
        stopping(stopped.clone()),
    );
    let ending = async {
        shutdown.await;
        broker.draining.store(true, Ordering::Relaxed);
        // Before it looks who was accepted: see `accept`.
        fence(Ordering::SeqCst);
        broker.log.write(broker.log.line(Level::Info, "draining"));
        broker.drain().await;
        stop.send_replace(());
    };
    let house = async {
        tokio::join!(
            broker.keep_house(),
            broker.follow_coordination(),
            broker.follow_redis(),
            broker.material.keep_looking(&broker.clock, &broker.metrics, &broker.log)
        )
    };
    tokio::select! {
        _ = async { tokio::join!(api, admin, ending) } => {}
        _ = house => {}
    }
    broker.sums_up(None);
    broker.log.write(broker.log.line(Level::Info, "ended"));
    broker.log.end().await;
}

fn api(broker: &Arc<Broker>) -> Handler {
    let broker = Arc::clone(broker);
    Box::new(move |request| Box::pin(routes::answer(Arc::clone(&broker), request)))
}

fn admin_api(broker: &Arc<Broker>) -> Handler {
    let broker = Arc::clone(broker);
    Box::new(move |request| {
        let response = admin::answer_alone(&broker, request.method(), request.uri().path());
        Box::pin(std::future::ready(response))
    })
}

fn admin_manners(broker: &Arc<Broker>) -> Manners {
    let [refusing, answering] = [(); 2].map(|()| Arc::clone(broker));
    Manners {
        refusal: Arc::new(move |refusal, parts| admin::turned_away(&refusing, refusal, parts)),
        // No body is waited for.
        gate: Arc::new(move |parts| Some(admin::answer_alone(&answering, &parts.method, parts.uri.path()))),
        ..Manners::default()
    }
}

fn manners(broker: &Arc<Broker>) -> Manners {
    let [refusing, judging, shedding, hearing] = [(); 4].map(|()| Arc::clone(broker));
    Manners {
        tls: broker.material.tls(),
        refusal: Arc::new(move |refusal, parts| routes::turned_away(&refusing, refusal, parts)),
        gate: Arc::new(move |parts| routes::gate(&judging, parts)),
        full: Full::Tell(Arc::new(move |no_room| shedding.sheds(no_room))),
        exempt: broker.settings.trusted_proxies.clone(),
        open: Arc::clone(&broker.connections),
        hear: Arc::new(move |unserved| hearing.hears_of(&unserved)),
    }
}
