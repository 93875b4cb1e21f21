//! `broker serve`: the broker on a runtime of its own, from its flags to its last answer.

mod flags;
mod look;
mod told;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, Subcommand};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::auth::resolve;
use crate::auth::trust::Trust;
use crate::broker::coordination::{Coordination, CoordinationError};
use crate::broker::log::Log;
use crate::broker::material::Material;
use crate::broker::replicas::{Replicas, ReplicasError};
use crate::broker::{Broker, Listeners, Parts, serve_until};
use crate::config::flag_facts;
use crate::error::{Actor, Code, Failure};
use crate::http::Client;
use crate::process::{Signal, on_own_thread, raise_open_files};
use crate::serve;

use super::context::Context;

pub use flags::ServeArgs;
use look::{found, look_only, warn_at_start};
use told::{Told, check_bundle};

/// How long the files of secrets and certificates may take at the start: they may lie on a network file system.
const READING: Duration = Duration::from_secs(30);

/// `jira broker …`
#[derive(Subcommand, Clone, Debug)]
pub enum BrokerCommand {
    /// Refresh tokens for callers that must not have the client's secret
    ///
    /// Holds the secret of a confidential client and adds it to the calls that Jira wants it on. POST /v1/refresh
    /// and /v1/revoke, with --allow-exchange also /v1/exchange; GET /healthz, /readyz and /metrics. Calls with one
    /// refresh token become one call to Jira, and its result is there for a while for those who waited for it.
    ///
    /// The secret comes from JIRA_OAUTH_CLIENT_SECRET or the file that JIRA_OAUTH_CLIENT_SECRET_FILE names, the
    /// tokens of callers from JIRA_BROKER_TOKEN or as lines name=token from JIRA_BROKER_TOKEN_FILE, Jira and the
    /// client ID as for every command. Files are read again every ten seconds and on SIGHUP. Replicas share a Redis or
    /// Valkey at JIRA_BROKER_REDIS_URL. SIGTERM ends it when what is under way has been answered.
    #[command(mut_args = with_default)]
    Serve(Box<ServeArgs>),
}

/// The help of a flag with its default, as the table has it from which it is taken.
fn with_default(flag: Arg) -> Arg {
    let facts = flag.get_long().and_then(flag_facts);
    match (facts.and_then(|facts| facts.default), flag.get_help().map(ToString::to_string)) {
        (Some(default), Some(help)) => flag.help(format!("{help} [default: {default}]")),
        _ => flag,
    }
}

/// Serves until a signal comes and what is under way has been answered; with `--check`, says what it found.
pub async fn run(command: BrokerCommand, ctx: &Context) -> Result<(), Failure> {
    let BrokerCommand::Serve(args) = command;
    let check = args.check;
    let told = Told::new(&args, ctx)?;
    let base_url = &told.settings.base_url;
    let client = resolve::client(&ctx.settings, &Trust::of(&ctx.settings, base_url), base_url)?;
    let material = read(&told, &client, ctx).await?;
    let runtime = OwnRuntime::new()?;
    let parts = {
        let _inside = runtime.enter();
        parts(&told, client, material, ctx)?
    };
    if check {
        return look_only(&runtime, told, parts, ctx).await;
    }
    let listeners = {
        let _inside = runtime.enter();
        listen(&told)?
    };
    if let Some(files) = raise_open_files()
        && files < told.settings.limits.connections as u64 * 2
    {
        let text = format!("this process may open {files} files, which --max-connections may exceed");
        ctx.out.warning("few_files", &text, None);
    }
    warn_at_start(&told, &parts.material, ctx);
    let mut ready = found(&told, &parts.material);
    ready["listen"] = addresses(&listeners.callers)?.into();
    ready["admin_listen"] = listeners.admin.as_deref().map(addresses).transpose()?.into();
    let broker = Broker::new(told.settings, parts, listeners.admin.is_none());
    ctx.out.value(&ready)?;
    serve_on(&runtime, listeners, broker, ctx).await
}

/// Reads all that stands in files, on a thread of its own: what hangs there holds up neither a signal nor the deadline.
async fn read(told: &Told, client: &Client, ctx: &Context) -> Result<Material, Failure> {
    let (sources, bundle) = (told.sources.clone(), ctx.settings.ca_bundle.clone());
    let (client, redis_ca) = (client.clone(), told.redis_ca.clone());
    let reading = on_own_thread(move || {
        bundle.as_ref().map(check_bundle).transpose()?;
        client.read_roots().map_err(|reason| Failure::new(Code::BadValue, reason).actor(Actor::Operator))?;
        redis_ca.as_deref().map(Replicas::check_roots).transpose().map_err(no_redis)?;
        Ok(Material::load(sources)?)
    });
    timeout(READING, reading).await.map_err(|_| unread())?.map_err(no_thread)?
}

async fn serve_on(
    runtime: &OwnRuntime,
    listeners: Listeners,
    broker: Arc<Broker>,
    ctx: &Context,
) -> Result<(), Failure> {
    let (shutdown, ending) = oneshot::channel::<()>();
    let mut shutdown = Some(shutdown);
    let end = async {
        // A sender that is gone is the end as well.
        let _ = ending.await;
    };
    let mut served = runtime.get().spawn(serve_until(listeners, Arc::clone(&broker), end));
    let mut signals = ctx.process.signals.clone();
    loop {
        tokio::select! {
            ended = &mut served => {
                return ended.map_err(|error| Failure::new(Code::Bug, format!("the broker crashed: {error}")));
            }
            signal = signals.next() => match (signal, shutdown.take()) {
                (Signal::HangUp, kept) => {
                    shutdown = kept;
                    broker.read_again();
                }
                (Signal::Interrupt | Signal::Terminate, Some(shutdown)) => drop(shutdown.send(())),
                // Asked for again, it ends at once, whoever still waits.
                (signal, None) => ctx.cut(signal),
            },
        }
    }
}

/// Everything but the listeners. Inside the broker's runtime: Redis is connected to from there.
fn parts(told: &Told, client: Client, material: Material, ctx: &Context) -> Result<Parts, Failure> {
    let coordination = match told.redis(&material) {
        Some(options) => Coordination::Redis(Replicas::start(options).map_err(no_redis)?),
        None => Coordination::Alone,
    };
    let clock = ctx.process.clock.clone();
    let log = Log::start(ctx.process.stderr.clone(), clock.clone()).map_err(no_thread)?;
    Ok(Parts { client, material, coordination, log, clock })
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    let all = address.is_ipv6() && address.ip().is_unspecified();
    let listener = serve::bind(address).or_else(|error| match all && lacks_ipv6(&error) {
        // A machine without IPv6 has all its addresses in the other family.
        true => serve::bind((Ipv4Addr::UNSPECIFIED, address.port()).into()),
        false => Err(error),
    });
    listener.map_err(|error| deaf(address, &error))
}

/// Whether that is for want of IPv6 on this machine. Any other error would be the same for its other addresses, or worse:
/// they are free, and callers who come by IPv6 are at another process. (Linux says so of a port that somebody has on one
/// address of IPv6. Other systems let both have it.)
fn lacks_ipv6(error: &io::Error) -> bool {
    // There is no kind for it.
    #[cfg(unix)]
    let no_such_family = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    // WSAEAFNOSUPPORT
    #[cfg(not(unix))]
    let no_such_family = 10047;
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(no_such_family)
}

fn listen(told: &Told) -> Result<Listeners, Failure> {
    let callers = told.listen.iter().map(|address| bind(*address)).collect::<Result<_, _>>()?;
    let admin = told.admin_listen.map(bind).transpose()?.map(|listener| vec![listener]);
    Ok(Listeners { callers, admin })
}

/// Another process has the address, which may end; or it is none that this one can have, which does not. What else
/// there is (an address of a family that this machine lacks, no descriptors) is nothing that `--check` may pass over.
fn deaf(address: SocketAddr, error: &io::Error) -> Failure {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let (code, reason) = match error.kind() {
        AddrInUse => (Code::PortBusy, error.to_string()),
        AddrNotAvailable => (Code::BadValue, "it is no address of this machine".to_owned()),
        PermissionDenied => (Code::BadValue, "this user may not listen on that port".to_owned()),
        _ => (Code::BadValue, error.to_string()),
    };
    Failure::new(code, format!("the broker cannot listen on {address}: {reason}")).actor(Actor::Operator)
}

fn addresses(listeners: &[TcpListener]) -> Result<Vec<String>, Failure> {
    let addresses = listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string()));
    addresses
        .collect::<io::Result<_>>()
        .map_err(|error| Failure::new(Code::Bug, format!("a listener has no address: {error}")))
}

fn unreachable(error: &CoordinationError) -> Failure {
    Failure::new(Code::Connect, error.to_string()).actor(Actor::Operator)
}

fn no_redis(error: ReplicasError) -> Failure {
    Failure::new(Code::BadValue, error.to_string()).actor(Actor::Operator)
}

fn unread() -> Failure {
    let text = format!("secrets and certificates are not read within {} s", READING.as_secs());
    Failure::new(Code::Timeout, text).actor(Actor::Operator)
}

fn no_thread(error: io::Error) -> Failure {
    Failure::new(Code::Bug, format!("no thread for the broker: {error}"))
}

/// The program's own runtime has one thread. This one has as many as there are processors, and does not wait
/// for its tasks when it goes.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn new() -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.map(|runtime| OwnRuntime(Some(runtime))).map_err(no_thread)
    }

    fn get(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until it is dropped")
    }

    fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.get().enter()
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_ipv6_is_known_by_its_errors() {
        use rustix::io::Errno;

        for (errno, expected) in [
            (Errno::AFNOSUPPORT, true),
            (Errno::ADDRNOTAVAIL, true),
            (Errno::ADDRINUSE, false),
            (Errno::ACCESS, false),
            (Errno::MFILE, false),
        ] {
            assert_eq!(lacks_ipv6(&errno.into()), expected, "{errno:?}");
        }
    }
}
