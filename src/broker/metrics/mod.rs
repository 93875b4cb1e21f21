//! What the broker counts, for Prometheus. Labels are of closed types: no caller and no token can make the
//! number of series grow.

mod labels;

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::auth::wire::ErrorCode;

use labels::{Answered, Asked, ByFrom, ByReload, ByRoute, ByShed, ByTrouble, Code};

pub use labels::{Grant, Origin, Reloaded, Route, Shed, Trouble, Upstream, Verdict, What};

/// What an answer of `/metrics` is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From a replay out of memory to a call that runs into its time.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 30.0];

/// All of it.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<ByRoute, Histogram, fn() -> Histogram>,
    upstream: Family<Asked, Counter>,
    upstream_seconds: Histogram,
    replayed: Family<ByFrom, Counter>,
    shed: Family<ByShed, Counter>,
    unserved: Family<ByTrouble, Counter>,
    reload: Family<ByReload, Counter>,
    /// Requests that joined a call for the same token.
    pub coalesced: Counter,
    /// Times that the replicas could not agree.
    pub coordination_errors: Counter,
    /// Times that this replica went on alone.
    pub local_fallback: Counter,
    /// Lines of the log that nobody read in time, or that could not be written.
    pub log_lost: Counter,
    /// Requests under way.
    pub in_flight: Gauge,
    /// Open connections.
    pub connections: Gauge,
    /// Results that are kept.
    pub replay_entries: Gauge,
    /// 1 if the siblings' Redis is reached.
    pub coordination_up: Gauge,
    /// 1 if requests are welcome.
    pub ready: Gauge,
    certificate_expiry: Gauge,
}

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    /// All at zero. `started` is the time of the start in seconds since 1970; `replicas`, whether there are others;
    /// `certificate_ends`, when the certificate does, if there is one.
    pub fn new(started: f64, replicas: bool, certificate_ends: Option<Timestamp>) -> Self {
        let mut metrics = Metrics {
            registry: Registry::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram as fn() -> Histogram),
            upstream: Family::default(),
            upstream_seconds: histogram(),
            replayed: Family::default(),
            shed: Family::default(),
            unserved: Family::default(),
            reload: Family::default(),
            coalesced: Counter::default(),
            coordination_errors: Counter::default(),
            local_fallback: Counter::default(),
            log_lost: Counter::default(),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            replay_entries: Gauge::default(),
            coordination_up: Gauge::default(),
            ready: Gauge::default(),
            certificate_expiry: Gauge::default(),
        };
        metrics.register(replicas);
        if let Some(ends) = certificate_ends {
            metrics.certificate_ends(ends);
            let (name, gauge) =
                ("jira_broker_certificate_expiry_timestamp", metrics.certificate_expiry.clone());
            let what = "When the certificate in use ends, since 1970";
            metrics.registry.register_with_unit(name, what, Unit::Seconds, gauge);
        }
        metrics.begin_at_zero();
        let start: Gauge<f64, AtomicU64> = Gauge::default();
        start.set(started);
        let when = "When the process began, since 1970";
        metrics.registry.register_with_unit("process_start_time", when, Unit::Seconds, start);
        metrics
    }

    fn register(&mut self, replicas: bool) {
        let registry = &mut self.registry;
        registry.register("jira_broker_requests", "Requests by what became of them", self.requests.clone());
        registry.register_with_unit(
            "jira_broker_request",
            "How long requests took",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "jira_broker_upstream_requests",
            "Calls to Jira's token endpoint",
            self.upstream.clone(),
        );
        registry.register_with_unit(
            "jira_broker_upstream",
            "How long Jira took",
            Unit::Seconds,
            self.upstream_seconds.clone(),
        );
        registry.register(
            "jira_broker_coalesced",
            "Requests that joined a call for the same token",
            self.coalesced.clone(),
        );
        registry.register(
            "jira_broker_replayed",
            "Requests answered from an earlier call",
            self.replayed.clone(),
        );
        registry.register("jira_broker_shed", "Requests and connections turned away", self.shed.clone());
        registry.register("jira_broker_unserved", "Connections that came to nothing", self.unserved.clone());
        registry.register(
            "jira_broker_reload",
            "Secrets and certificates that were read again",
            self.reload.clone(),
        );
        registry.register(
            "jira_broker_log_lost",
            "Lines of the log that nobody read in time, or that could not be written",
            self.log_lost.clone(),
        );
        registry.register("jira_broker_in_flight", "Requests under way", self.in_flight.clone());
        registry.register("jira_broker_connections", "Open connections", self.connections.clone());
        registry.register("jira_broker_replay_entries", "Results that are kept", self.replay_entries.clone());
        registry.register("jira_broker_ready", "Whether requests are welcome", self.ready.clone());
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("jira_broker_build", "Which broker this is", build);
        if replicas {
            let up = self.coordination_up.clone();
            registry.register("jira_broker_coordination_up", "Whether the replicas' Redis is reached", up);
            let errors = self.coordination_errors.clone();
            registry.register(
                "jira_broker_coordination_errors",
                "Times that the replicas could not agree",
                errors,
            );
            let alone = self.local_fallback.clone();
            registry.register("jira_broker_local_fallback", "Times that this replica went on alone", alone);
        }
    }

    /// What has labels begins to exist when it is first counted, and a rate does not see a series that begins with 1:
    /// the first secret that Jira refuses would be passed over by whoever watches.
    fn begin_at_zero(&self) {
        for &route in Route::ALL {
            drop(self.seconds.get_or_create(&ByRoute { route }));
            drop(self.requests.get_or_create(&Answered { route, result: Verdict::Ok, code: Code(None) }));
        }
        for &grant in Grant::ALL {
            for &outcome in Upstream::ALL {
                drop(self.upstream.get_or_create(&Asked { grant, outcome }));
            }
        }
        for &from in Origin::ALL {
            drop(self.replayed.get_or_create(&ByFrom { from }));
        }
        for &reason in Shed::ALL {
            drop(self.shed.get_or_create(&ByShed { reason }));
        }
        for &reason in Trouble::ALL {
            drop(self.unserved.get_or_create(&ByTrouble { reason }));
        }
        for &what in What::ALL {
            for &result in Reloaded::ALL {
                drop(self.reload.get_or_create(&ByReload { what, result }));
            }
        }
    }

    /// One request was answered; without a code, with what it asked for.
    pub fn answered(&self, route: Route, code: Option<ErrorCode>, took: Duration) {
        let result = match code.map(ErrorCode::status) {
            None => Verdict::Ok,
            Some(..500) => Verdict::Refused,
            Some(_) => Verdict::Failed,
        };
        self.requests.get_or_create(&Answered { route, result, code: Code(code) }).inc();
        self.seconds.get_or_create(&ByRoute { route }).observe(took.as_secs_f64());
    }

    /// Jira was asked.
    pub fn asked(&self, grant: Grant, outcome: Upstream, took: Duration) {
        self.upstream.get_or_create(&Asked { grant, outcome }).inc();
        self.upstream_seconds.observe(took.as_secs_f64());
    }

    /// A request was answered from an earlier call.
    pub fn replayed(&self, from: Origin) {
        self.replayed.get_or_create(&ByFrom { from }).inc();
    }

    /// Something was turned away.
    pub fn shed(&self, reason: Shed) {
        self.shed.get_or_create(&ByShed { reason }).inc();
    }

    /// A connection came to nothing.
    pub fn unserved(&self, reason: Trouble) {
        self.unserved.get_or_create(&ByTrouble { reason }).inc();
    }

    /// Something was read again.
    pub fn reloaded(&self, what: What, result: Reloaded) {
        self.reload.get_or_create(&ByReload { what, result }).inc();
    }

    /// The certificate in use ends then.
    pub fn certificate_ends(&self, at: Timestamp) {
        self.certificate_expiry.set(at.as_second());
    }

    /// As Prometheus reads it.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(8 * 1024);
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// A gauge holds what fits.
pub fn gauge(gauge: &Gauge<i64, AtomicI64>, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}
