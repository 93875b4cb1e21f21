//! Which Redis, and how a connection to it is made: with deadlines, and over TLS with roots of our own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::ReplicasError;
use super::fault::{Fault, handshake};
use super::scripts::{self, Memory};
use crate::http;
use crate::process::own_thread;
use crate::secret::{Secret, hex, random};

/// Each step of connecting has this long, and each command.
pub(super) const STEP: Duration = Duration::from_secs(1);

/// Reading the roots has this long, as the other files have that are read again.
const ROOTS: Duration = Duration::from_secs(5);

/// Commands that wait for their turn at the socket. More wait with their callers, for a [`STEP`] at most.
const QUEUE: usize = 64;

const SCHEMES: [&str; 4] = ["redis", "rediss", "valkey", "valkeys"];

/// One Redis, by its URL.
pub(super) struct Target {
    host: String,
    port: u16,
    /// If it speaks TLS.
    tls: Option<Arc<Trust>>,
    login: RedisConnectionInfo,
}

impl Target {
    /// Takes the URL apart.
    pub(super) fn parse(url: &Secret, trust: &Arc<Trust>) -> Result<Self, ReplicasError> {
        let parsed = url::Url::parse(url.expose()).map_err(|_| ReplicasError::Url("is none"))?;
        if !SCHEMES.contains(&parsed.scheme()) {
            return Err(ReplicasError::Url("begins with neither redis:// nor rediss://"));
        }
        // The library takes `#insecure`, which would send the password to whoever is in between.
        if parsed.fragment().is_some() {
            return Err(ReplicasError::Url("has a fragment: certificates are always checked"));
        }
        let info = parsed.into_connection_info().map_err(|_| {
            ReplicasError::Url("is not of the form redis://[user[:password]@]host[:port][/database]")
        })?;
        let login = info.redis_settings().clone().set_skip_set_lib_name();
        let (host, port, tls) = match info.addr() {
            ConnectionAddr::Tcp(host, port) => (host.clone(), *port, false),
            ConnectionAddr::TcpTls { host, port, .. } => (host.clone(), *port, true),
            _ => return Err(ReplicasError::Url("names no host")),
        };
        if tls {
            ServerName::try_from(host.as_str()).map_err(|_| ReplicasError::Url("names no host"))?;
        }
        if !tls && trust.ca().is_some() {
            return Err(ReplicasError::Ca("are of no use to redis://; rediss:// is TLS".into()));
        }
        Ok(Target { host, port, tls: tls.then(|| Arc::clone(trust)), login })
    }

    /// Whether both lead to the same data, whoever asks for it.
    pub(super) fn is_the_place_of(&self, other: &Target) -> bool {
        let place = |target: &Target| (target.host.clone(), target.port, target.login.db());
        place(self) == place(other)
    }

    /// Connects, logs in, and makes sure that what is needed is allowed.
    pub(super) async fn connect(&self) -> Result<Connection, Fault> {
        let stream = within(TcpStream::connect((self.host.as_str(), self.port)))
            .await?
            .map_err(|error| Fault::Unreachable(error.kind()))?;
        // Commands are small and each is waited for.
        let _ = stream.set_nodelay(true);
        let connection = match &self.tls {
            None => self.login(stream).await?,
            Some(trust) => {
                // Read anew each time: the roots may have been exchanged since.
                let connector = TlsConnector::from(Arc::new(trust.read().await?));
                let name =
                    ServerName::try_from(self.host.clone()).expect("it was one when the URL was parsed");
                let stream = within(connector.connect(name, stream))
                    .await
                    .map_err(|_| {
                        Fault::Tls("it does not answer the TLS handshake; does it speak TLS?".into())
                    })?
                    .map_err(|error| handshake(&error))?;
                self.login(stream).await?
            }
        };
        connection.load().await?;
        Ok(connection)
    }

    async fn login<S>(&self, stream: S) -> Result<Connection, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            // Every command has its deadline here, with its second try after NOSCRIPT.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUE);
        let opened = within(MultiplexedConnection::new_with_config(&self.login, stream, config)).await?;
        let (commands, driver) = opened.map_err(|error| Fault::from(&error))?;
        let (ended, ends) = watch::channel(());
        let task = tokio::spawn(async move {
            driver.await;
            drop(ended);
        });
        Ok(Connection { commands, driver: Arc::new(Driver { task: task.abort_handle(), ends }) })
    }
}

/// What the certificate of Redis must lead to. The file may lie where reading it has no end (a network file system that
/// is gone): it is read on a thread of its own, and no second one is begun while the first hangs.
pub(super) struct Trust {
    options: http::Options,
    read: Read,
    reading: Mutex<Option<oneshot::Receiver<Result<ClientConfig, String>>>>,
}

/// Reads the roots. Blocks.
type Read = fn(&http::Options) -> Result<ClientConfig, String>;

impl Trust {
    /// In these roots; the system's if there are none.
    pub(super) fn new(ca: Option<PathBuf>) -> Self {
        let roots = http::Roots { file: ca, ..http::Roots::default() };
        let options = http::Options { roots, ..http::Options::default() };
        Trust { options, read: http::tls_with_roots, reading: Mutex::default() }
    }

    fn ca(&self) -> Option<&Path> {
        self.options.roots.file.as_deref()
    }

    async fn read(&self) -> Result<ClientConfig, Fault> {
        let mut reading = self.reading.lock().await;
        let begun = match &mut *reading {
            Some(begun) => begun,
            none => {
                let (read, options) = (self.read, self.options.clone());
                let begun = own_thread(move || read(&options));
                none.insert(begun.map_err(|_| Fault::Tls("there is no thread to read its roots on".into()))?)
            }
        };
        let read = timeout(ROOTS, begun).await;
        let read = read
            .map_err(|_| Fault::Tls("its roots (--redis-ca, or the system's) are not read in time".into()))?;
        *reading = None;
        read.unwrap_or_else(|_| Err("reading its roots failed".to_owned())).map_err(Fault::Tls)
    }
}

/// Waits for a [`STEP`] at most.
async fn within<T>(step: impl Future<Output = T>) -> Result<T, Fault> {
    timeout(STEP, step).await.map_err(|_| Fault::Slow)
}

/// One connection, shared by all who use it at the same time.
#[derive(Clone)]
pub(super) struct Connection {
    commands: MultiplexedConnection,
    driver: Arc<Driver>,
}

/// The task that writes and reads. It ends with the last who could send it something, whatever is in flight.
struct Driver {
    task: AbortHandle,
    /// Closed when the task is over.
    ends: watch::Receiver<()>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    /// Runs a script, loading it first where Redis has lost it.
    pub(super) async fn run<T: redis::FromRedisValue>(
        &self,
        script: &redis::ScriptInvocation<'_>,
    ) -> Result<T, Fault> {
        let mut commands = self.commands.clone();
        answered(script.invoke_async(&mut commands)).await
    }

    /// Whether Redis takes a write, now, and how far back it remembers. A PING would be answered by a full or a
    /// read-only one too.
    pub(super) async fn probe(&self) -> Result<Memory, Fault> {
        let name = hex(&random::<8>().map_err(|_| Fault::Random)?);
        self.run(&scripts::probe(&name)).await
    }

    /// Whether the other end is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.driver.task.is_finished()
    }

    /// Ready when it is.
    pub(super) async fn closed(&self) {
        // Nothing is ever sent: what changes is that the sender is gone.
        let _ = self.driver.ends.clone().changed().await;
    }

    /// Whether both are the same connection.
    pub(super) fn is(&self, other: &Connection) -> bool {
        Arc::ptr_eq(&self.driver, &other.driver)
    }

    async fn load(&self) -> Result<(), Fault> {
        let mut commands = self.commands.clone();
        for script in scripts::all() {
            answered(script.load_async(&mut commands)).await?;
        }
        Ok(())
    }
}

async fn answered<T>(command: impl Future<Output = redis::RedisResult<T>>) -> Result<T, Fault> {
    within(command).await?.map_err(|error| Fault::from(&error))
}

#[cfg(test)]
mod tests {
    use std::sync::Condvar;

    use super::*;

    fn parsed(url: &str) -> Result<Target, String> {
        Target::parse(&Secret::new(url), &Arc::new(Trust::new(None))).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_says_where_who_and_which_database() {
        let target = parsed("redis://user:p%40ss@redis.example.com:7000/3").unwrap();
        assert_eq!(
            (target.host.as_str(), target.port, target.tls.is_some()),
            ("redis.example.com", 7000, false)
        );
        assert_eq!((target.login.username(), target.login.password()), (Some("user"), Some("p@ss")));
        assert_eq!(target.login.db(), 3);
        for (url, host) in [("rediss://:pw@10.0.0.1", "10.0.0.1"), ("valkeys://[::1]:7000", "::1")] {
            let target = parsed(url).unwrap();
            assert_eq!(target.host, host);
            assert!(target.tls.is_some(), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_redis_is_refused_and_not_repeated() {
        for url in [
            "",
            "canary",
            "canary:6379",
            "http://canary",
            "redis://",
            "redis://:canary@",
            "redis://:canary@host/canary",
            "redis://:canary@0.0.0.0",
            "rediss://:canary@host#insecure",
            "redis:///canary",
            "unix:///canary",
            "redis+unix:///canary",
        ] {
            let error = parsed(url).err().unwrap_or_else(|| panic!("{url} was taken"));
            assert!(error.starts_with("the URL of Redis ") && !error.contains("canary"), "{url}: {error}");
        }
    }

    #[test]
    fn roots_are_for_tls() {
        let trust = Arc::new(Trust::new(Some("/nowhere/ca.pem".into())));
        let plain = Target::parse(&Secret::new("redis://host"), &trust).err().unwrap();
        assert_eq!(
            plain.to_string(),
            "the certificates for Redis are of no use to redis://; rediss:// is TLS"
        );
        assert!(Target::parse(&Secret::new("rediss://host"), &trust).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn roots_that_are_not_read_hold_nobody_up_and_are_read_once() {
        static STUCK: (Held, Condvar) = (Held::new((true, 0)), Condvar::new());
        type Held = std::sync::Mutex<(bool, usize)>;
        fn read(_: &http::Options) -> Result<ClientConfig, String> {
            let mut held = STUCK.0.lock().unwrap();
            held.1 += 1;
            drop(STUCK.1.wait_while(held, |held| held.0).unwrap());
            http::tls_with_roots(&http::Options { insecure: true, ..http::Options::default() })
        }
        let trust = Trust { read, ..Trust::new(None) };
        for _ in 0..3 {
            let Err(Fault::Tls(reason)) = trust.read().await else { panic!("they are not read") };
            assert!(reason.contains("--redis-ca"), "{reason}");
        }
        STUCK.0.lock().unwrap().0 = false;
        STUCK.1.notify_all();
        // As often as it takes the thread to come to its end.
        while trust.read().await.is_err() {}
        assert_eq!(STUCK.0.lock().unwrap().1, 1);
    }
}
