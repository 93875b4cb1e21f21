//! `sandbox serve | demo`: a Jira to try things on.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::config::parse_duration;
use crate::disk;
use crate::error::{Code, Failure};
use crate::named::{Pipes, read_text};
use crate::sandbox::{self, Confidential, Options, RateLimit, Running};

use super::context::Context;

/// Jira's have 64 characters; what is larger than this is the wrong file.
const LARGEST_SECRET: u64 = 4096;

/// `jira sandbox …`
#[derive(Subcommand, Clone, Debug)]
pub enum SandboxCommand {
    /// Serve a Jira on this machine, in memory, until interrupted
    Serve(Box<ServeArgs>),
    /// A tour: log in to a sandbox, search, get, run, refresh, log out
    Demo,
}

/// Which grants demand the client's secret.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Demands {
    /// The refresh alone
    Refresh,
    /// The code exchange and the refresh, which is Jira's own default
    All,
}

/// `jira sandbox serve`
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    /// Port to listen on; any free one by default
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Speak TLS with a minted certificate, written to the configuration directory
    #[arg(long)]
    pub https: bool,
    /// Context path of Jira, such as /jira
    #[arg(long, value_name = "PATH")]
    pub context_path: Option<String>,
    /// Skip the pages and approve as this user
    #[arg(long, value_name = "USER", num_args = 0..=1, default_missing_value = "developer")]
    pub auto_approve: Option<String>,
    /// How long an access token lives
    #[arg(long, value_name = "DURATION")]
    pub token_ttl: Option<String>,
    /// Demand the client's secret
    #[arg(long, value_name = "GRANTS", num_args = 0..=1, require_equals = true, default_missing_value = "refresh")]
    pub confidential: Option<Demands>,
    /// Requests a second and user
    #[arg(long, value_name = "N")]
    pub rate_limit: Option<u64>,
    /// Delay of every answer
    #[arg(long, value_name = "DURATION")]
    pub latency: Option<String>,
    /// How many issues there are, at least 30
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(30..))]
    pub issues: Option<usize>,
    /// Check the redirect URI on refresh
    #[arg(long)]
    pub strict_refresh_redirect: bool,
    /// Another redirect URI to register, exactly so
    #[arg(long = "registered-redirect-uri", value_name = "URI")]
    pub redirect_uris: Vec<String>,
    /// Client ID to register; a random one by default
    #[arg(long = "registered-client-id", value_name = "ID")]
    pub client_id: Option<String>,
    /// File with the client secret to register; a random one by default
    #[arg(long = "registered-client-secret", value_name = "FILE")]
    pub client_secret: Option<PathBuf>,
}

/// Starts a sandbox as the flags say.
pub async fn start(args: ServeArgs, ctx: &Context) -> Result<Running, Failure> {
    let ServeArgs {
        port,
        https,
        context_path,
        auto_approve,
        token_ttl,
        confidential,
        rate_limit,
        latency,
        issues,
        strict_refresh_redirect,
        redirect_uris,
        client_id,
        client_secret,
    } = args;
    let usual = Options::default();
    let duration = |typed: Option<String>, usual: Duration| match typed {
        Some(text) => parse_duration(&text).map_err(Failure::from),
        None => Ok(usual),
    };
    let options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], port.unwrap_or(0))),
        tls: https,
        context_path: context_path.unwrap_or_default(),
        auto_approve,
        token_ttl: duration(token_ttl, usual.token_ttl)?,
        confidential: match confidential {
            None => Confidential::Off,
            Some(Demands::Refresh) => Confidential::Refresh,
            Some(Demands::All) => Confidential::All,
        },
        rate_limit: rate_limit.map(|rate| RateLimit {
            limit: rate,
            fill_rate: rate,
            interval: Duration::from_secs(1),
        }),
        latency: duration(latency, Duration::ZERO)?,
        issues: issues.unwrap_or(usual.issues),
        strict_refresh_redirect,
        redirect_uris: usual.redirect_uris.iter().cloned().chain(redirect_uris).collect(),
        client_id,
        client_secret: client_secret.as_deref().map(registered_secret).transpose()?,
        ..usual
    };
    let clock = ctx.process.clock.clone();
    Ok(sandbox::start(options, move || clock.now()).await?)
}

/// A secret that others know before the sandbox stands: a broker beside it, whose file this is.
fn registered_secret(path: &Path) -> Result<String, Failure> {
    let wrong = |reason: &dyn std::fmt::Display| {
        Failure::new(Code::BadValue, format!("flag --registered-client-secret: {} {reason}", path.display()))
    };
    let text = read_text(path, LARGEST_SECRET, Pipes::Refused).map_err(|error| wrong(&error))?;
    match text.trim_end() {
        "" => Err(wrong(&"is empty")),
        secret => Ok(secret.to_owned()),
    }
}

/// Serves until a signal comes.
pub async fn serve(args: ServeArgs, ctx: &Context) -> Result<(), Failure> {
    let running = start(args, ctx).await?;
    let directory = private_directory(ctx, &running)?;
    let certificate = match running.certificate_pem() {
        Some(pem) => {
            let path = directory.join("sandbox-ca.pem");
            std::fs::write(&path, pem).map_err(|error| unwritable(&path, &error))?;
            Some(path)
        }
        None => None,
    };
    let mut ready = json!({
        "base_url": running.base_url(),
        "client_id": running.client_id(),
        "client_secret": running.client_secret(),
        "redirect_uris": running.redirect_uris(),
        "users": users(&running),
        "password": "the user's name",
        "config_dir": directory,
    });
    let mut variables = vec![
        ("JIRA_CONFIG_DIR", directory.display().to_string()),
        ("JIRA_BASE_URL", running.base_url().to_owned()),
        ("JIRA_OAUTH_CLIENT_ID", running.client_id().to_owned()),
    ];
    if let Some(path) = certificate {
        ready["ca_bundle"] = path.display().to_string().into();
        variables.push(("JIRA_CA_BUNDLE", path.display().to_string()));
    }
    let exports: Vec<_> = variables.iter().map(|(name, value)| format!("export {name}={value}")).collect();
    ctx.out.event(
        "export",
        json!(variables.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()),
        &exports.join("\n"),
    );
    ctx.out.value(&ready)?;
    // Whoever ends it ends it with a signal; the report then says nothing, for this is how it is meant.
    let mut signals = ctx.process.signals.clone();
    signals.arrived().await;
    running.stop().await;
    // What was kept of a Jira that is gone is of no use.
    let _ = std::fs::remove_dir_all(&directory);
    Ok(())
}

/// The login names.
fn users(running: &Running) -> Vec<String> {
    let world = running.state().world.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    world.users().iter().map(|user| user.name.clone()).collect()
}

/// A configuration directory of the sandbox's own: its sites and sessions must not stand beside real ones.
fn private_directory(ctx: &Context, running: &Running) -> Result<PathBuf, Failure> {
    let port = running.base_url().rsplit(':').next().unwrap_or_default();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    let base = ctx.settings.dirs.state.join("sandbox").join(port);
    disk::make_dir(&base).map_err(|error| unwritable(&base, &error))?;
    Ok(base)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::StoreUnwritable, format!("cannot write {}: {error}", path.display()))
}
