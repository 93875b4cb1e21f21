//! What the broker counts, for Prometheus. Labels are of closed types: no caller and no token can make the
//! number of series grow.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::auth::wire::ErrorCode;

/// What an answer of `/metrics` is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From a replay out of memory to a call that runs into its time.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 30.0];

/// Declares a label: a closed list of words.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$said:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$said])* $variant,)* }

        impl $name {
            /// All of them.
            #[allow(dead_code, reason = "not every list is counted from zero")]
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                EncodeLabelValue::encode(&self.as_str(), encoder)
            }
        }
    };
}

label! {
    /// What was asked for.
    Route {
        /// `/v1/refresh`
        Refresh "refresh",
        /// `/v1/exchange`
        Exchange "exchange",
        /// `/v1/revoke`
        Revoke "revoke",
        /// Anything else.
        Other "other",
    }
}

label! {
    /// Whose fault it was, if it was one.
    Verdict {
        /// Nobody's.
        Ok "ok",
        /// The caller's (4xx).
        Refused "refused",
        /// The broker's or Jira's (5xx).
        Failed "failed",
    }
}

label! {
    /// What Jira was asked.
    Grant {
        /// For the pair that follows a refresh token.
        Refresh "refresh",
        /// For the first pair of a login.
        Exchange "exchange",
        /// To forget a token.
        Revoke "revoke",
    }
}

label! {
    /// What Jira said.
    Upstream {
        /// What it was asked for.
        Ok "ok",
        /// The token or code is dead.
        InvalidGrant "invalid_grant",
        /// Our secret is wrong.
        InvalidClient "invalid_client",
        /// 429.
        RateLimited "rate_limited",
        /// Something else, or it was not reached.
        Unavailable "unavailable",
        /// Nothing, after the request had left.
        Interrupted "interrupted",
    }
}

label! {
    /// Where a replay came from.
    Origin {
        /// Our own.
        Memory "memory",
        /// A sibling's.
        Redis "redis",
    }
}

label! {
    /// Why something was turned away.
    Shed {
        /// Too many calls to Jira under way.
        InFlight "in_flight",
        /// One caller asks too often.
        Rate "rate",
        /// Too many connections.
        Connections "connections",
        /// Too many connections from one address.
        Address "address",
    }
}

label! {
    /// Why a connection came to nothing.
    Broken {
        /// What came is no HTTP: 400.
        Malformed "malformed",
        /// A header or a target over the cap: 431, 414.
        TooLarge "too_large",
        /// It could not be accepted: no descriptors, no memory.
        Accept "accept",
        /// The TLS handshake failed, or was not over in time.
        Handshake "handshake",
        /// Half a header, and the rest not in time.
        Header "header",
        /// Not a byte of a request in time.
        Idle "idle",
        /// The peer went away in the middle of a request.
        CutOff "cut_off",
    }
}

label! {
    /// What is read again.
    What {
        /// The client's secret.
        Secret "secret",
        /// The callers' tokens.
        Callers "callers",
        /// The URL of the replicas' Redis.
        Redis "redis_url",
        /// Certificate and key.
        Certificate "certificate",
        /// The clients' authorities.
        ClientCa "client_ca",
    }
}

label! {
    /// Whether what was read again is in use now.
    Reloaded {
        /// It is.
        Ok "ok",
        /// The old one stays.
        Failed "failed",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Code(Option<ErrorCode>);

impl EncodeLabelValue for Code {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&self.0.map_or("ok", ErrorCode::as_str), encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: Route,
    result: Verdict,
    code: Code,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRoute {
    route: Route,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    grant: Grant,
    outcome: Upstream,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFrom {
    from: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: Shed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByBroken {
    reason: Broken,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReload {
    what: What,
    result: Reloaded,
}

/// All of it.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<ByRoute, Histogram, fn() -> Histogram>,
    upstream: Family<Asked, Counter>,
    upstream_seconds: Histogram,
    replayed: Family<ByFrom, Counter>,
    shed: Family<ByReason, Counter>,
    unserved: Family<ByBroken, Counter>,
    reload: Family<ByReload, Counter>,
    /// Requests that joined a call for the same token.
    pub coalesced: Counter,
    /// Times that the replicas could not agree.
    pub coordination_errors: Counter,
    /// Times that this replica went on alone.
    pub local_fallback: Counter,
    /// Lines of the log that nobody read in time.
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
}

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    /// All at zero. `started` is the time of the start in seconds since 1970; `replicas`, whether there are others.
    pub fn new(started: f64, replicas: bool) -> Self {
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
        };
        metrics.register(replicas);
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
            "Lines of the log that nobody read in time",
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
            drop(self.shed.get_or_create(&ByReason { reason }));
        }
        for &reason in Broken::ALL {
            drop(self.unserved.get_or_create(&ByBroken { reason }));
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
        self.shed.get_or_create(&ByReason { reason }).inc();
    }

    /// A connection came to nothing.
    pub fn unserved(&self, reason: Broken) {
        self.unserved.get_or_create(&ByBroken { reason }).inc();
    }

    /// Something was read again.
    pub fn reloaded(&self, what: What, result: Reloaded) {
        self.reload.get_or_create(&ByReload { what, result }).inc();
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
