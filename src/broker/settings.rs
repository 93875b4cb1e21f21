//! What a broker was told, parsed, with its defaults.

use std::time::Duration;

use ipnet::IpNet;

use crate::config::{BaseUrl, ClientId};
use crate::error::{Code, Failure};
use crate::serve::Limits;

/// For answers that are being written when nothing is under way any more.
pub const LAST_WRITES: Duration = Duration::from_secs(1);

/// How one broker is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Jira that it stands before: the only host that it sends the secret to.
    pub base_url: BaseUrl,
    /// The confidential client.
    pub client_id: ClientId,
    /// Whether codes are redeemed too. Default no.
    pub allow_exchange: bool,
    /// How long a result is handed out again to those who waited for it; zero: not at all. Default 60 s.
    pub replay_ttl: Duration,
    /// How many results are kept at most. Default 100,000.
    pub replay_entries: u64,
    /// What happens while the replicas cannot agree.
    pub without_coordination: WithoutCoordination,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Calls to Jira under way at a time; what would need one more is refused. Default 1024.
    pub max_in_flight: u32,
    /// What a peer may take, in time and size. Its grace follows the broker's own, or the last answer if that comes
    /// before: [`LAST_WRITES`].
    pub limits: Limits,
    /// How long a call to Jira may take. Default 30 s.
    pub upstream_timeout: Duration,
    /// How long requests under way may go on after the end was asked for. Default 40 s.
    pub grace: Duration,
    /// How often one caller may ask.
    pub rate: Rate,
}

/// What a replica does that cannot reach the others' Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WithoutCoordination {
    /// It answers 503.
    #[default]
    Refuse,
    /// It goes on alone.
    Local,
}

/// How often one caller may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a minute; zero: as often as it likes.
    pub per_minute: u32,
    /// Requests at once.
    pub burst: u32,
}

/// Two values that cannot both hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--{longer} must be longer than --{shorter}: {because}")]
pub struct Contradiction {
    longer: &'static str,
    shorter: &'static str,
    because: &'static str,
}

impl From<Contradiction> for Failure {
    fn from(error: Contradiction) -> Self {
        Failure::new(Code::BadValue, error.to_string())
    }
}

/// What a flight takes beside its wait for the others and its call to Jira: its last commands to Redis.
const AROUND: Duration = Duration::from_secs(5);

impl Settings {
    /// The usual one before this Jira.
    pub fn new(base_url: BaseUrl, client_id: ClientId) -> Self {
        Settings {
            base_url,
            client_id,
            allow_exchange: false,
            replay_ttl: Duration::from_secs(60),
            replay_entries: 100_000,
            without_coordination: WithoutCoordination::Refuse,
            trusted_proxies: Vec::new(),
            max_in_flight: 1024,
            limits: Limits {
                body: Duration::from_secs(10),
                write: Duration::from_secs(60),
                grace: LAST_WRITES,
                max_body: 64 * 1024,
                connections: 4096,
                per_address: 2048,
                ..Limits::default()
            },
            upstream_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(45),
            rate: Rate { per_minute: 600, burst: 60 },
        }
    }

    /// Refuses what cannot hold together.
    pub fn check(&self) -> Result<(), Contradiction> {
        let contradiction =
            |longer, because| Err(Contradiction { longer, shorter: "upstream-timeout", because });
        if self.limits.write <= self.upstream_timeout {
            return contradiction("write-timeout", "what waits for Jira must not end with its connection");
        }
        if self.grace < self.upstream_timeout + AROUND {
            return contradiction(
                "grace",
                "a call that is under way must come to its end, with 5 s to spare",
            );
        }
        Ok(())
    }

    /// How long the others are waited for before Jira is called: so long that both fit into the grace, with what
    /// lies around them.
    pub fn claim_timeout(&self) -> Duration {
        self.grace.saturating_sub(self.upstream_timeout + AROUND).min(self.upstream_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_shorter_than_the_wait() {
        let base_url = BaseUrl::parse("https://jira.example.com", false).unwrap();
        let usual = Settings::new(base_url, ClientId::parse("c1").unwrap());
        usual.check().unwrap();
        assert_eq!(usual.claim_timeout(), Duration::from_secs(10));
        let hasty = Settings { grace: Duration::from_secs(34), ..usual.clone() };
        let error = hasty.check().unwrap_err().to_string();
        assert!(error.contains("--grace") && error.contains("--upstream-timeout"), "{error}");
        let limits = Limits { write: Duration::from_secs(29), ..usual.limits };
        let error = Settings { limits, ..usual }.check().unwrap_err().to_string();
        assert!(error.contains("--write-timeout") && error.contains("--upstream-timeout"), "{error}");
    }
}
