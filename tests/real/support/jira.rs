//! The binary itself, run in a world of its own: a private home, an environment of a few words, a session
//! that is there without a browser.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jira_oauth::auth::place::Place;
use jira_oauth::auth::session::{Session, expiry};
use jira_oauth::auth::store::{FileStore, LockDir, Mark, Store, StoreKey};
use jira_oauth::auth::trust::Trust;
use jira_oauth::config::{BaseUrl, ClientId, Site, SiteName, Sites, StorageKind};
use jira_oauth::sandbox::{Running as Sandbox, Scope, Tokens};
use jira_oauth::secret::Secret;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// Opens the session files.
pub const MASTER_PASSWORD: &str = "canary-master-password";

/// The name of the one site in a home.
pub const SITE: &str = "sandbox";

/// What has not happened after so long does not happen: on a slow machine with other work to do, too.
pub const LONG: Duration = Duration::from_secs(300);

const NOBODY: u32 = 65534;

/// Whether the access token of a prepared session still has life in it, as its clock says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Age {
    Fresh,
    Stale,
}

/// A user's home, with a configuration directory that is named in the environment.
pub struct Home {
    dir: TempDir,
    program: PathBuf,
    wrap: Vec<String>,
    env: BTreeMap<String, String>,
}

impl Default for Home {
    fn default() -> Self {
        Home::new()
    }
}

impl Home {
    /// An empty one.
    pub fn new() -> Home {
        let dir = tempfile::tempdir().unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let env = [
            ("HOME", text(dir.path())),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("JIRA_CONFIG_DIR", text(&dir.path().join("config"))),
            ("JIRA_MASTER_PASSWORD", MASTER_PASSWORD.to_owned()),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value)).into();
        fs::create_dir(dir.path().join("config")).unwrap();
        fs::set_permissions(dir.path().join("config"), fs::Permissions::from_mode(0o700)).unwrap();
        Home { dir, program: env!("CARGO_BIN_EXE_jira").into(), wrap: vec![], env }
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Home {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Takes a variable away.
    pub fn without(mut self, name: &str) -> Home {
        self.env.remove(name);
        self
    }

    /// Puts a command in front of the binary.
    pub fn wrap(mut self, words: &[&str]) -> Home {
        self.wrap.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Gives everything to a user who is not root, as whom commands run from now on: modes and limits do not
    /// count for root. Comes after [`Home::log_in`] and before [`Home::wrap`].
    pub fn of_nobody(mut self) -> Home {
        let program = self.dir.path().join("jira");
        // A copy, because the build may lie in root's home.
        fs::copy(&self.program, &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        self.program = program;
        if rustix::process::geteuid().is_root() {
            give(self.dir.path());
            let words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
            self.wrap.extend(words.map(str::to_owned));
        }
        self
    }

    /// The home directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration directory.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    /// The directory of the session files.
    pub fn sessions(&self) -> PathBuf {
        self.config().join("sessions")
    }

    /// Every session file with its content.
    pub fn session_files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.sessions()).into_iter().flatten().map(Result::unwrap);
        entries
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    /// The mark in the lock file of the one session, if there is one.
    pub fn mark(&self) -> Option<Mark> {
        let locks = fs::read_dir(self.locks()).ok()?.map(Result::unwrap);
        let lock = locks.map(|entry| entry.path()).next()?;
        serde_json::from_str(fs::read_to_string(lock).unwrap().lines().next()?).ok()
    }

    fn locks(&self) -> PathBuf {
        self.dir.path().join(".local/state/jira-oauth/locks")
    }

    /// The place of the sandbox's session.
    pub fn place(&self, sandbox: &Sandbox) -> Place {
        let store = FileStore::new(self.config(), Secret::new(MASTER_PASSWORD));
        Place { store: Store::File(store), key: key(sandbox), locks: LockDir::new(self.locks()) }
    }

    /// A session of the developer in an encrypted file, and the site, which is the default.
    pub async fn log_in(&self, sandbox: &Sandbox, age: Age) -> Tokens {
        self.log_in_at(sandbox, sandbox.base_url(), age).await
    }

    /// The same, with the sandbox behind another address.
    pub async fn log_in_at(&self, sandbox: &Sandbox, base_url: &str, age: Age) -> Tokens {
        let tokens = sandbox.mint_session("developer", Scope::Write);
        let session = session(sandbox, base_url, &tokens, age);
        self.place_at(sandbox, base_url).save(&session).await.unwrap();
        self.remember(sandbox, base_url, StorageKind::File).await;
        tokens
    }

    fn place_at(&self, sandbox: &Sandbox, base_url: &str) -> Place {
        Place { key: key_at(sandbox, base_url), ..self.place(sandbox) }
    }

    /// Writes the site alone.
    pub async fn remember(&self, sandbox: &Sandbox, base_url: &str, storage: StorageKind) {
        let base_url = BaseUrl::parse(base_url, false).unwrap();
        let site = Site {
            client_id: Some(ClientId::parse(sandbox.client_id()).unwrap()),
            scope: Some(jira_oauth::config::Scope::Write),
            storage: Some(storage),
            ..Site::new(SiteName::parse(SITE).unwrap(), base_url)
        };
        Sites::load(&self.config().join("config.toml")).unwrap().upsert(&site, true).await.unwrap();
    }

    /// The command, with nothing to read and its output caught.
    pub fn command(&self, args: &[&str]) -> Command {
        Command::from(self.std_command(args))
    }

    /// The same for the standard library.
    pub fn std_command(&self, args: &[&str]) -> std::process::Command {
        let program = self.program.to_str().unwrap();
        let words: Vec<&str> = self.wrap.iter().map(String::as_str).chain([program]).collect();
        let mut command = std::process::Command::new(words[0]);
        command.args(&words[1..]).args(args).env_clear().envs(&self.env).current_dir(self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub async fn run(&self, args: &[&str]) -> Done {
        self.spawn(args).done().await
    }

    /// Runs it with this on stdin.
    pub async fn run_with_stdin(&self, args: &[&str], stdin: &str) -> Done {
        use tokio::io::AsyncWriteExt;
        let mut command = self.command(args);
        let mut job = Job::start(command.stdin(Stdio::piped()));
        let mut to = job.child.stdin.take().unwrap();
        to.write_all(stdin.as_bytes()).await.unwrap();
        drop(to);
        job.done().await
    }

    /// Starts it.
    pub fn spawn(&self, args: &[&str]) -> Job {
        Job::start(&mut self.command(args))
    }
}

/// The key of the sandbox's session.
pub fn key(sandbox: &Sandbox) -> StoreKey {
    key_at(sandbox, sandbox.base_url())
}

fn key_at(sandbox: &Sandbox, base_url: &str) -> StoreKey {
    StoreKey::new(BaseUrl::parse(base_url, false).unwrap().as_str(), sandbox.client_id(), None)
}

/// A session as a login would have left it an hour ago, or just now.
pub fn session(sandbox: &Sandbox, base_url: &str, tokens: &Tokens, age: Age) -> Session {
    let now = now();
    let made = if age == Age::Fresh { now } else { now - SignedDuration::from_hours(2) };
    Session {
        base_url: BaseUrl::parse(base_url, false).unwrap(),
        client_id: ClientId::parse(sandbox.client_id()).unwrap(),
        site: Some(SiteName::parse(SITE).unwrap()),
        access_token: Secret::new(tokens.access_token.clone()),
        refresh_token: Some(Secret::new(tokens.refresh_token.clone())),
        expires_at: Some(expiry(made, tokens.expires_in)),
        refreshed_at: made,
        scope: Some("WRITE".to_owned()),
        redirect_uri: sandbox.redirect_uris().first().cloned(),
        user: None,
        trust: Trust::default(),
        ended: None,
        undelivered: false,
    }
}

/// What time it is for the binary.
#[allow(clippy::disallowed_methods, reason = "the binary under test has the system's clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path()));
    }
}

/// A command that runs; killed with the value.
pub struct Job {
    pub child: Child,
}

impl Job {
    pub fn start(command: &mut Command) -> Job {
        Job { child: command.kill_on_drop(true).spawn().unwrap() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Reads stderr until these words are in it.
    pub async fn stderr_says(&mut self, words: &str) -> String {
        let stderr = self.child.stderr.as_mut().unwrap();
        let mut text = Vec::new();
        within(words, async {
            while !String::from_utf8_lossy(&text).contains(words) {
                let mut byte = [0];
                let n = stderr.read(&mut byte).await.unwrap();
                assert_eq!(n, 1, "stderr ended without {words:?}: {}", String::from_utf8_lossy(&text));
                text.push(byte[0]);
            }
        })
        .await;
        String::from_utf8(text).unwrap()
    }

    /// Waits for its end.
    pub async fn done(self) -> Done {
        let output = within("the end of the command", self.child.wait_with_output()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("all output is UTF-8");
        Done {
            code: output.status.code(),
            status: output.status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// How a command ended, and what it said.
#[derive(Clone, Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub status: std::process::ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    /// The result; it must have succeeded.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The error object on the last line of stderr; stdout must be empty.
    pub fn error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        let report: Value =
            serde_json::from_str(last).unwrap_or_else(|_| panic!("no error at the end: {self:?}"));
        assert_eq!(report["error"]["exit_code"], self.code.unwrap_or(-1), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        report["error"].clone()
    }

    /// Checks code word and exit code of a failure.
    #[track_caller]
    pub fn failed(&self, code: &str, exit: i32) {
        assert_eq!((self.error()["code"].as_str(), self.code), (Some(code), Some(exit)), "{self:?}");
    }
}

/// Waits, but not for ever.
#[track_caller]
pub fn within<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(LONG, future).await {
            Ok(value) => value,
            Err(_) => panic!("{place}: waited {LONG:?} for {what}"),
        }
    }
}

/// Waits until something that nobody signals is so.
#[track_caller]
pub fn until<T>(what: &str, mut so: impl FnMut() -> Option<T>) -> impl Future<Output = T> {
    within(what, async move {
        loop {
            match so() {
                Some(value) => return value,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    })
}
