//! Debian's redis-server, on a port and in a directory of its own.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::Running;
use super::jira::until;

/// What is in no key, value, command or log.
pub const PASSWORD: &str = "canary-redis-password";

/// Where a replica has Redis tell how far back it remembers.
pub const MEMORY: &str = "jira-broker:memory";

/// A server that ends with the test.
pub struct Redis {
    dir: TempDir,
    port: u16,
    args: Vec<String>,
    tls: bool,
    /// Whether somebody has been told the port.
    told: AtomicBool,
    child: Option<Running>,
}

impl Redis {
    /// An ordinary one: in memory, without a password.
    pub async fn start() -> Redis {
        Redis::with(&[]).await
    }

    /// One that has been there for longer than any call takes: what it does not know, has not been.
    pub async fn old() -> Redis {
        let redis = Redis::start().await;
        redis.remembers("long ago");
        redis
    }

    /// Gives it a memory of this name, which goes back for ever.
    pub fn remembers(&self, name: &str) {
        self.say(&["SET", MEMORY, &format!("1 {name}")]);
    }

    /// With more options of `redis-server`.
    pub async fn with(args: &[&str]) -> Redis {
        let mut redis = Redis::prepared(args);
        redis.up().await;
        redis
    }

    /// One that does not run yet.
    pub fn prepared(args: &[&str]) -> Redis {
        let dir = tempfile::tempdir().unwrap();
        Redis {
            dir,
            port: free_port(),
            args: args.iter().map(|arg| (*arg).into()).collect(),
            tls: false,
            told: AtomicBool::new(false),
            child: None,
        }
    }

    /// One that speaks TLS alone, with a certificate for `name` from a root of its own ([`Redis::ca`]).
    pub async fn with_tls(name: &str) -> Redis {
        let mut redis = Redis::prepared(&["--tls-auth-clients", "no"]);
        redis.tls = true;
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A name of its own: a certificate whose issuer is called like itself counts as signed by itself.
        params.distinguished_name.push(DnType::CommonName, "root of a test");
        let ca = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        for (file, text) in [("ca.pem", ca.pem()), ("own.pem", own.pem()), ("own.key", key.serialize_pem())] {
            std::fs::write(redis.path(file), text).unwrap();
        }
        redis.up().await;
        redis
    }

    /// A file of its directory.
    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    /// The root of its certificate.
    pub fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.told.store(true, Ordering::Relaxed);
        self.port
    }

    /// Its URL, as one without a password has it.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port())
    }

    /// Starts it, and again after [`Redis::down`]: nothing is remembered but what was saved.
    pub async fn up(&mut self) {
        for _ in 0..10 {
            let child = self.command().spawn().expect("redis-server (package redis-server) starts");
            self.child = Some(Running(child));
            if until("redis-server to answer", || self.stands()).await {
                return;
            }
            assert!(
                !*self.told.get_mut(),
                "somebody has taken port {}, which others know as ours",
                self.port
            );
            self.port = free_port();
        }
        panic!(
            "redis-server ends at once: {}",
            std::fs::read_to_string(self.path("log")).unwrap_or_default()
        );
    }

    fn command(&self) -> Command {
        let mut command = Command::new("redis-server");
        command.arg("--dir").arg(self.dir.path()).args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.arg("--logfile").arg(self.path("log"));
        let port = self.port.to_string();
        if self.tls {
            command
                .args(["--port", "0", "--tls-port", &port])
                .arg("--tls-cert-file")
                .arg(self.path("own.pem"));
            command.arg("--tls-key-file").arg(self.path("own.key")).arg("--tls-ca-cert-file").arg(self.ca());
        } else {
            command.args(["--port", &port]);
        }
        command.args(&self.args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Whether it is there: this one, and not whoever may have taken its port. `None` while it starts.
    fn stands(&mut self) -> Option<bool> {
        let child = &mut self.child.as_mut().expect("it was started").0;
        let own = format!("process_id:{}", child.id());
        if child.try_wait().unwrap().is_some() {
            return Some(false);
        }
        let said = |args: &[&str]| String::from_utf8_lossy(&self.cli(args).stdout).into_owned();
        let answers = said(&["PING"]).contains("PONG");
        (answers && said(&["INFO", "server"]).lines().any(|line| line.trim_end() == own)).then_some(true)
    }

    /// Kills it.
    pub fn down(&mut self) {
        self.child = None;
    }

    /// Stops and continues it: it keeps its port and answers nothing.
    pub fn stand_still(&self, still: bool) {
        let signal = if still { Signal::STOP } else { Signal::CONT };
        kill_process(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        let child = &self.child.as_ref().expect("it is running").0;
        Pid::from_raw(child.id().cast_signed()).unwrap()
    }

    /// `redis-cli`, with the default user's password if there is one.
    pub fn cli(&self, args: &[&str]) -> Output {
        self.cli_command(args).output().expect("redis-cli (package redis-tools) starts")
    }

    /// The same, and nobody waits for it.
    pub fn spawn_cli(&self, args: &[&str]) -> Running {
        Running(self.cli_command(args).stdout(Stdio::null()).spawn().unwrap())
    }

    /// What `redis-cli` printed; it must have succeeded.
    #[track_caller]
    pub fn say(&self, args: &[&str]) -> String {
        let output = self.cli(args);
        let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        assert!(output.status.success() && !text.starts_with("ERR"), "{args:?}: {output:?}");
        text
    }

    fn cli_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).env("REDISCLI_AUTH", PASSWORD);
        if !self.args.iter().any(|arg| arg == "--requirepass") {
            command.env_remove("REDISCLI_AUTH");
        }
        if self.tls {
            command.arg("--tls").arg("--cacert").arg(self.ca());
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    /// All keys with this ending.
    pub fn keys(&self, ending: &str) -> Vec<String> {
        self.say(&["--scan"]).lines().filter(|key| key.ends_with(ending)).map(str::to_owned).collect()
    }

    /// Everything that is in it: names, values in readable form and as they are dumped.
    pub fn everything(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for key in self.say(&["--scan"]).lines() {
            all.extend_from_slice(key.as_bytes());
            for how in [&["GET"][..], &["SMEMBERS"], &["ZRANGE"], &["DUMP"]] {
                let rest: &[&str] = if how == ["ZRANGE"] { &["0", "-1", "WITHSCORES"] } else { &[] };
                let args: Vec<&str> = how.iter().chain(&[key]).chain(rest).copied().collect();
                all.extend_from_slice(
                    &self.cli_command(&[&["--no-raw"], &args[..]].concat()).output().unwrap().stdout,
                );
                all.extend_from_slice(&self.cli(&args).stdout);
            }
        }
        self.say(&["SAVE"]);
        std::fs::File::open(self.path("dump.rdb")).unwrap().read_to_end(&mut all).unwrap();
        all
    }

    /// Every command from now on.
    pub async fn monitor(&self) -> Monitor {
        let file = self.path("monitor");
        let out = std::fs::File::create(&file).unwrap();
        let child = self.cli_command(&["MONITOR"]).stdout(out).spawn().unwrap();
        let monitor = Monitor { child, file };
        until("the monitor", || (!monitor.text().is_empty()).then_some(())).await;
        monitor
    }

    /// Waits until there is a key with this ending.
    pub async fn has(&self, ending: &str) -> String {
        until(ending, || self.keys(ending).pop()).await
    }

    /// A port that answers to a connection and says nothing at all.
    pub fn silent() -> (TcpListener, String) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        (listener, url)
    }
}

/// What `redis-cli MONITOR` writes.
pub struct Monitor {
    child: Child,
    file: PathBuf,
}

impl Monitor {
    /// All of it so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(Path::new(&self.file)).unwrap()).into_owned()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Below those that the system gives out by itself: while a server is down, no listener and no connection gets its
/// port.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let next = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let number = std::process::id().wrapping_mul(97).wrapping_add(next);
        let port = 10_000 + u16::try_from(number % 20_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
