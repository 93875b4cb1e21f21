//! The flags of `broker serve`, as they are typed.

use clap::Args;

use crate::config::parse_boolean;

/// `jira broker serve`
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    /// Address and port to listen on; :8080 means all addresses
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Another address for /healthz, /readyz and /metrics, which are then there alone
    #[arg(long, value_name = "ADDR")]
    pub admin_listen: Option<String>,
    /// PEM certificate to serve TLS with
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// PEM key of the certificate
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// PEM file with the authorities of callers' certificates
    #[arg(long, value_name = "FILE")]
    pub tls_client_ca: Option<String>,
    /// Serve without TLS on an address that is not loopback
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = parse_boolean)]
    pub plaintext: Option<bool>,
    /// Redeem authorization codes too, so that a login can end through the broker
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = parse_boolean)]
    pub allow_exchange: Option<bool>,
    /// How long a result is there for those who waited for it; 0 is not at all
    #[arg(long, value_name = "DURATION")]
    pub replay_ttl: Option<String>,
    /// How many results are kept at most
    #[arg(long, value_name = "N")]
    pub replay_entries: Option<String>,
    /// What to do while Redis is not reached: refuse, or local for each replica alone
    #[arg(long, value_name = "WHAT")]
    pub without_coordination: Option<String>,
    /// PEM file with the roots of Redis' certificate instead of the system's
    #[arg(long, value_name = "FILE")]
    pub redis_ca: Option<String>,
    /// Network of proxies whose X-Forwarded-For is believed
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub trusted_proxy: Vec<String>,
    /// Connections at a time
    #[arg(long, value_name = "N")]
    pub max_connections: Option<String>,
    /// Of which from one address, proxies of --trusted-proxy aside; 0 is no limit, half of them by default
    #[arg(long, value_name = "N")]
    pub max_connections_per_address: Option<String>,
    /// Calls to Jira under way at a time
    #[arg(long, value_name = "N")]
    pub max_in_flight: Option<String>,
    /// The largest body of a request, in bytes
    #[arg(long, value_name = "BYTES")]
    pub max_body: Option<String>,
    /// How long the header of a request may take, and how long a connection may be idle
    #[arg(long, value_name = "DURATION")]
    pub header_timeout: Option<String>,
    /// How long the body of a request may take
    #[arg(long, value_name = "DURATION")]
    pub body_timeout: Option<String>,
    /// How long a caller may take to read
    #[arg(long, value_name = "DURATION")]
    pub write_timeout: Option<String>,
    /// How long a TLS handshake may take
    #[arg(long, value_name = "DURATION")]
    pub handshake_timeout: Option<String>,
    /// How long a call to Jira may take
    #[arg(long, value_name = "DURATION")]
    pub upstream_timeout: Option<String>,
    /// How long what is under way may go on after SIGTERM
    #[arg(long, value_name = "DURATION")]
    pub grace: Option<String>,
    /// Requests a minute and caller; 0 is no limit
    #[arg(long, value_name = "N")]
    pub rate_limit: Option<String>,
    /// Requests of one caller at once
    #[arg(long, value_name = "N")]
    pub rate_burst: Option<String>,
    /// Read and try everything, say what was found, and end
    #[arg(long)]
    pub check: bool,
}
