//! What `broker serve` was told by flags, variables and the site, parsed. The first thing that is wrong ends it.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use crate::broker::material::{Material, Sources, TlsFiles};
use crate::broker::replicas;
use crate::broker::settings::{LAST_WRITES, Rate, Settings, WithoutCoordination};
use crate::config::{ConfigError, SecretPlace, Source, Sourced, Vars, flag_facts, parse_duration};
use crate::error::{Actor, Code, Failure, Hint};
use crate::http;
use crate::serve::Limits;

use super::ServeArgs;
use crate::cli::context::Context;

/// All of it.
pub struct Told {
    pub settings: Settings,
    pub listen: Vec<SocketAddr>,
    pub admin_listen: Option<SocketAddr>,
    pub sources: Sources,
    /// Roots for Redis, if they are not the system's.
    pub redis_ca: Option<PathBuf>,
}

impl Told {
    /// Finds every value in its one order: flag, variable, env file, default.
    pub fn new(args: &ServeArgs, ctx: &Context) -> Result<Told, Failure> {
        let find = Finder { vars: &ctx.settings.vars };
        let settings = settings(args, &find, ctx)?;
        let tls = tls(args, &find)?;
        let listen = find.needed(&args.listen, "listen", address)?;
        let plaintext = find.switch(args.plaintext, "plaintext")?;
        if !listen.value.ip().is_loopback() && tls.is_none() && !plaintext {
            let reason =
                "is not loopback: give --tls-cert and --tls-key, or say --plaintext if TLS ends before it";
            return Err(ConfigError::bad(reason).at(&listen.source).into());
        }
        if tls.is_some() && plaintext {
            return Err(ConfigError::bad("--plaintext and --tls-cert contradict each other").into());
        }
        let secret = find.vars.secret_place("JIRA_OAUTH_CLIENT_SECRET")?.ok_or_else(no_secret)?;
        let callers = find.vars.secret_place("JIRA_BROKER_TOKEN")?;
        let admin_listen = find.maybe(&args.admin_listen, "admin-listen", address)?;
        if let Some(admin) = &admin_listen
            && is_in(admin.value, listen.value)
        {
            let reason = "is taken by --listen; without --admin-listen, health and metrics are there";
            return Err(ConfigError::bad(reason).at(&admin.source).into());
        }
        let (redis, redis_ca) = redis(args, &find)?;
        Ok(Told {
            redis_ca,
            settings,
            listen: vec![listen.value],
            admin_listen: admin_listen.map(|found| found.value),
            sources: Sources { secret, callers, redis, tls },
        })
    }

    /// The way to the replicas' Redis, whose URL was read with the other secrets.
    pub fn redis(&self, material: &Material) -> Option<replicas::Options> {
        let Settings { base_url, client_id, upstream_timeout, replay_ttl, .. } = &self.settings;
        Some(replicas::Options {
            url: material.redis()?.borrow().clone(),
            ca: self.redis_ca.clone(),
            realm: format!("{} {}", base_url.as_str(), client_id.as_str()),
            upstream_timeout: *upstream_timeout,
            replay_ttl: *replay_ttl,
        })
    }
}

/// The bundle for Jira, to say where it is named if it cannot be used. Blocks.
pub fn check_bundle(bundle: &Sourced<PathBuf>) -> Result<(), Failure> {
    http::check_bundle(&bundle.value).map_err(|reason| ConfigError::bad(&reason).at(&bundle.source).into())
}

fn settings(args: &ServeArgs, find: &Finder<'_>, ctx: &Context) -> Result<Settings, Failure> {
    let base_url = ctx.settings.base_url.as_ref().ok_or_else(|| {
        let text = "no Jira is named: give --base-url or set JIRA_BASE_URL";
        ctx.named(Failure::new(Code::NoBaseUrl, text).hint(Hint::Help("broker serve")))
    })?;
    let client_id = ctx.settings.client_id.as_ref().ok_or_else(|| {
        let text = "no client ID is known: give --client-id or set JIRA_OAUTH_CLIENT_ID";
        Failure::new(Code::NoClientId, text).hint(Hint::Help("broker serve"))
    })?;
    let duration =
        |typed: &Option<String>, flag| Ok::<_, Failure>(find.needed(typed, flag, parse_duration)?.value);
    let without = find.needed(&args.without_coordination, "without-coordination", |text| match text {
        "refuse" => Ok(WithoutCoordination::Refuse),
        "local" => Ok(WithoutCoordination::Local),
        _ => Err(ConfigError::bad("must be refuse or local")),
    })?;
    let connections = find.needed(&args.max_connections, "max-connections", positive)?.value;
    let settings = Settings {
        allow_exchange: find.switch(args.allow_exchange, "allow-exchange")?,
        replay_ttl: find.needed(&args.replay_ttl, "replay-ttl", duration_or_none)?.value,
        replay_entries: find.needed(&args.replay_entries, "replay-entries", number)?.value,
        without_coordination: without.value,
        trusted_proxies: trusted_proxies(args, find)?,
        max_in_flight: find.needed(&args.max_in_flight, "max-in-flight", positive)?.value,
        limits: Limits {
            header: duration(&args.header_timeout, "header-timeout")?,
            body: duration(&args.body_timeout, "body-timeout")?,
            write: duration(&args.write_timeout, "write-timeout")?,
            handshake: duration(&args.handshake_timeout, "handshake-timeout")?,
            max_body: u64::from(find.needed(&args.max_body, "max-body", positive)?.value),
            connections: connections as usize,
            per_address: per_address(args, find, connections)?,
            grace: LAST_WRITES,
        },
        upstream_timeout: duration(&args.upstream_timeout, "upstream-timeout")?,
        grace: duration(&args.grace, "grace")?,
        rate: Rate {
            per_minute: find.needed(&args.rate_limit, "rate-limit", number)?.value,
            burst: find.needed(&args.rate_burst, "rate-burst", positive)?.value,
        },
        ..Settings::new(base_url.value.clone(), client_id.value.clone())
    };
    settings.check()?;
    Ok(settings)
}

/// Half of all if nothing is said: so that no address keeps all others out.
fn per_address(args: &ServeArgs, find: &Finder<'_>, connections: u32) -> Result<usize, Failure> {
    let said = find.maybe(&args.max_connections_per_address, "max-connections-per-address", number::<u32>)?;
    Ok(match said.map(|said| said.value) {
        None => connections.div_ceil(2) as usize,
        Some(0) => usize::MAX,
        Some(cap) => cap as usize,
    })
}

fn tls(args: &ServeArgs, find: &Finder<'_>) -> Result<Option<TlsFiles>, Failure> {
    let file = |typed: &Option<String>, flag| find.maybe(typed, flag, path);
    let certificate = file(&args.tls_cert, "tls-cert")?;
    let key = file(&args.tls_key, "tls-key")?;
    let client_ca = file(&args.tls_client_ca, "tls-client-ca")?;
    match (certificate, key, client_ca) {
        (Some(certificate), Some(key), client_ca) => Ok(Some(TlsFiles {
            certificate: certificate.value,
            key: key.value,
            client_ca: client_ca.map(|found| found.value),
        })),
        (None, None, None) => Ok(None),
        (None, None, Some(ca)) => {
            let reason = "certificates of callers need TLS: give --tls-cert and --tls-key as well";
            Err(ConfigError::bad(reason).at(&ca.source).into())
        }
        (Some(half), None, _) | (None, Some(half), _) => {
            Err(ConfigError::bad("--tls-cert and --tls-key go together").at(&half.source).into())
        }
    }
}

/// Where the URL of Redis stands, and the roots of its certificate.
fn redis(args: &ServeArgs, find: &Finder<'_>) -> Result<(Option<SecretPlace>, Option<PathBuf>), Failure> {
    let ca = find.maybe(&args.redis_ca, "redis-ca", path)?;
    match (find.vars.secret_place("JIRA_BROKER_REDIS_URL")?, ca) {
        (None, Some(ca)) => {
            let reason = "there is no Redis to trust: set JIRA_BROKER_REDIS_URL";
            Err(ConfigError::bad(reason).at(&ca.source).into())
        }
        (place, ca) => Ok((place, ca.map(|found| found.value))),
    }
}

fn trusted_proxies(args: &ServeArgs, find: &Finder<'_>) -> Result<Vec<IpNet>, Failure> {
    let typed = (!args.trusted_proxy.is_empty()).then(|| args.trusted_proxy.join(","));
    let found = find.maybe(&typed, "trusted-proxy", |text| {
        let networks = text.split(',').map(str::trim).filter(|network| !network.is_empty());
        networks.map(network).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(found.map(|found| found.value).unwrap_or_default())
}

/// Looks values up and says of a bad one where it came from.
struct Finder<'a> {
    vars: &'a Vars,
}

impl Finder<'_> {
    fn maybe<T>(
        &self,
        typed: &Option<String>,
        flag: &'static str,
        parse: impl Fn(&str) -> Result<T, ConfigError>,
    ) -> Result<Option<Sourced<T>>, ConfigError> {
        let Some(facts) = flag_facts(flag) else { return Ok(None) };
        let said = self.vars.text(typed.as_deref(), facts.name, facts.variables)?;
        let said = said.or(facts.default.map(|text| Sourced::new(text.to_owned(), Source::Default)));
        let Some(Sourced { value, source }) = said else { return Ok(None) };
        let value = parse(&value).map_err(|error| error.at(&source))?;
        Ok(Some(Sourced::new(value, source)))
    }

    /// A flag that has a default.
    fn needed<T>(
        &self,
        typed: &Option<String>,
        flag: &'static str,
        parse: impl Fn(&str) -> Result<T, ConfigError>,
    ) -> Result<Sourced<T>, ConfigError> {
        let found = self.maybe(typed, flag, parse)?;
        found.ok_or_else(|| ConfigError::bad(format!("--{flag} is needed")))
    }

    fn switch(&self, typed: Option<bool>, flag: &'static str) -> Result<bool, ConfigError> {
        let Some(facts) = flag_facts(flag) else { return Ok(false) };
        let said = self.vars.boolean(typed, facts.name, facts.variables)?;
        Ok(said.is_some_and(|said| said.value))
    }
}

fn path(text: &str) -> Result<PathBuf, ConfigError> {
    Ok(PathBuf::from(text))
}

/// `127.0.0.1:8080`, `[::1]:8080`, or `:8080` for every address of this machine.
fn address(text: &str) -> Result<SocketAddr, ConfigError> {
    let form = || ConfigError::bad("an address is IP:PORT, such as 127.0.0.1:8080 or [::1]:8080, or :PORT");
    match text.strip_prefix(':') {
        Some(port) => Ok((Ipv6Addr::UNSPECIFIED, port.parse::<u16>().map_err(|_| form())?).into()),
        None => text.parse().map_err(|_| form()),
    }
}

/// Whether two listeners would want one address. Every address of IPv6 is every address of IPv4 as well.
fn is_in(one: SocketAddr, other: SocketAddr) -> bool {
    let all_of =
        |all: SocketAddr, it: SocketAddr| all.ip().is_unspecified() && (all.is_ipv6() || it.is_ipv4());
    one.port() == other.port()
        && one.port() != 0
        && (one.ip() == other.ip() || all_of(one, other) || all_of(other, one))
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, ConfigError> {
    let one = || text.parse::<std::net::IpAddr>().map(IpNet::from).ok();
    let form = || ConfigError::bad("a network is written as 10.0.0.0/8 or fd00::/8, or is one address");
    text.parse().ok().or_else(one).ok_or_else(form)
}

fn number<T: FromStr>(text: &str) -> Result<T, ConfigError> {
    text.parse().map_err(|_| ConfigError::bad("must be a whole number"))
}

fn positive(text: &str) -> Result<u32, ConfigError> {
    match number(text)? {
        0 => Err(ConfigError::bad("must be more than 0")),
        number => Ok(number),
    }
}

fn duration_or_none(text: &str) -> Result<Duration, ConfigError> {
    match text {
        "0" | "0s" => Ok(Duration::ZERO),
        text => parse_duration(text),
    }
}

fn no_secret() -> Failure {
    let text = "the broker has no client secret: set JIRA_OAUTH_CLIENT_SECRET, or JIRA_OAUTH_CLIENT_SECRET_FILE to the \
                file that holds it";
    Failure::new(Code::BadValue, text).actor(Actor::Operator).hint(Hint::Help("broker serve"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks() {
        for (text, expected) in
            [("127.0.0.1:8080", "127.0.0.1:8080"), (":8080", "[::]:8080"), ("[::1]:0", "[::1]:0")]
        {
            assert_eq!(address(text).unwrap().to_string(), expected);
        }
        for text in ["", ":", "8080", "localhost:8080", "127.0.0.1", ":70000", "127.0.0.1:80 "] {
            assert!(address(text).is_err(), "{text}");
        }
        for (one, other, expected) in [
            ("127.0.0.1:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("127.0.0.1:1", "127.0.0.2:1", false),
            ("127.0.0.1:1", ":1", true),
            ("0.0.0.0:1", "127.0.0.1:1", true),
            ("0.0.0.0:1", "[::1]:1", false),
            (":0", "127.0.0.1:0", false),
        ] {
            assert_eq!(is_in(address(one).unwrap(), address(other).unwrap()), expected, "{one} {other}");
        }
        assert_eq!(network("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("192.0.2.7").unwrap().to_string(), "192.0.2.7/32");
        assert!(network("10.0.0.0/33").is_err() && network("proxy").is_err());
    }
}
