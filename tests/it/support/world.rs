//! The world: a sandbox, a home and a clock, made for one test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jira_oauth::auth::place::Place;
use jira_oauth::auth::session::{Session, User, expiry};
use jira_oauth::auth::store::{FileStore, LockDir, Store, StoreKey};
use jira_oauth::auth::trust::Trust;
use jira_oauth::config::{BaseUrl, ClientId, Dirs, Scope, Site, SiteName, Sites, StorageKind, Vars};
use jira_oauth::process::{Clock, Env};
use jira_oauth::sandbox::{self, Options, Running, Tokens};
use jira_oauth::secret::Secret;
use tempfile::TempDir;

use super::command::Command;
use super::ran::Ran;

/// The name of the site that is there when somebody is logged in.
pub const SITE: &str = "sandbox";

/// The password of the session file.
pub const PASSWORD: &str = "correct horse battery staple";

const CLIENT_ID: &str = "c11e47";

/// A Jira, a home, and the time.
pub struct World {
    pub jira: Running,
    pub home: TempDir,
    /// The port that is registered for the callback, and free.
    pub port: u16,
    seconds: Arc<AtomicI64>,
    /// It remembers its key, which takes a while to derive.
    files: FileStore,
}

impl World {
    /// The usual one: everybody who comes to Jira's consent page is `developer` and consents.
    pub async fn new() -> World {
        World::with(|_| {}).await
    }

    /// One whose sandbox is otherwise.
    pub async fn with(change: impl FnOnce(&mut Options)) -> World {
        let port = free_port();
        let redirect_uris = ["https://127.0.0.1", "https://localhost", "http://localhost"]
            .map(|at| format!("{at}:{port}/callback"));
        let mut options = Options {
            auto_approve: Some("developer".to_owned()),
            redirect_uris: redirect_uris.to_vec(),
            client_id: Some(CLIENT_ID.to_owned()),
            issues: 40,
            ..Options::default()
        };
        change(&mut options);
        // Certificates are held against the real time.
        #[allow(clippy::disallowed_methods, reason = "the world's clock is set here")]
        let start = if options.tls { Timestamp::now() } else { "2026-03-04T05:06:07Z".parse().unwrap() };
        let seconds = Arc::new(AtomicI64::new(start.as_second()));
        let jira = sandbox::start(options, now(&seconds)).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        for name in ["config", "work"] {
            make_private(&home.path().join(name));
        }
        let files = FileStore::new(home.path().join("config"), Secret::new(PASSWORD));
        World { jira, home, port, seconds, files }
    }

    /// Moves the time for the command line and for Jira.
    pub fn advance(&self, by: Duration) {
        self.seconds.fetch_add(by.as_secs().try_into().unwrap(), Ordering::SeqCst);
    }

    pub fn clock(&self) -> Clock {
        Clock::from_fn(now(&self.seconds))
    }

    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// A path in the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn config_dir(&self) -> PathBuf {
        self.path("config")
    }

    pub fn config_toml(&self) -> String {
        fs::read_to_string(self.config_dir().join("config.toml")).unwrap_or_default()
    }

    pub fn sites(&self) -> Sites {
        Sites::load(&self.config_dir().join("config.toml")).unwrap()
    }

    /// A command line with what every command needs in its environment: a home, and a session file instead
    /// of a keyring.
    pub fn command(&self, args: &[&str]) -> Command {
        let env = self.env();
        let masks =
            vec![(self.home.path().display().to_string(), "HOME"), (self.port.to_string(), "CALLBACK")];
        let args = args.iter().map(OsString::from).collect();
        Command::new(args, env, self.clock(), masks)
    }

    fn env(&self) -> BTreeMap<String, OsString> {
        let home = self.home.path();
        let env: [(&str, OsString); 5] = [
            ("HOME", home.into()),
            ("PATH", "/usr/bin:/bin".into()),
            ("JIRA_CONFIG_DIR", home.join("config").into()),
            ("JIRA_TOKEN_STORAGE", "file".into()),
            ("JIRA_MASTER_PASSWORD", PASSWORD.into()),
        ];
        env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Where locks are.
    pub fn locks(&self) -> PathBuf {
        let env: Env = self.env().into_iter().collect();
        let dirs = Dirs::resolve(&Vars::new(None, &env).unwrap(), &env).unwrap();
        dirs.state.join("locks")
    }

    /// Runs a command line.
    pub async fn run(&self, args: &[&str]) -> Ran {
        self.command(args).run().await
    }

    /// A command line with a personal access token in its environment: no store is opened for it.
    pub fn with_token(&self, args: &[&str]) -> Command {
        let command = self.command(args).env("JIRA_BASE_URL", self.jira.base_url());
        command.env("JIRA_TOKEN", self.jira.mint_pat("developer"))
    }

    /// A login in the browser: `jira login` with what it takes here, and more.
    pub fn login(&self, more: &[&str]) -> Command {
        let port = self.port.to_string();
        let args =
            ["login", "--base-url", self.jira.base_url(), "--client-id", CLIENT_ID, "--callback-port", &port];
        self.command(&[&args, more].concat())
    }

    /// A site with a session of `developer`, made without a browser; it is the default.
    pub async fn logged_in(&self) -> Tokens {
        self.logged_in_as("developer", Scope::Write).await
    }

    pub async fn logged_in_as(&self, user: &str, scope: Scope) -> Tokens {
        self.remember(|_| {}).await;
        let wide = match scope {
            Scope::Read => sandbox::Scope::Read,
            Scope::Write => sandbox::Scope::Write,
            Scope::Admin => sandbox::Scope::Admin,
            Scope::SystemAdmin => sandbox::Scope::SystemAdmin,
        };
        let tokens = self.jira.mint_session(user, wide);
        self.save(&self.session(&tokens, user)).await;
        tokens
    }

    /// Writes the site, changed, as the default.
    pub async fn remember(&self, change: impl FnOnce(&mut Site)) {
        let name = SiteName::parse(SITE).unwrap();
        let known = self.sites().get(&name).cloned();
        let mut site = known.unwrap_or_else(|| Site {
            client_id: Some(self.client_id()),
            scope: Some(Scope::Write),
            storage: Some(StorageKind::File),
            callback_port: Some(self.port),
            ..Site::new(name, self.base_url())
        });
        change(&mut site);
        self.sites().upsert(&site, true).await.unwrap();
    }

    /// The session of a pair of tokens.
    pub fn session(&self, tokens: &Tokens, user: &str) -> Session {
        Session {
            base_url: self.base_url(),
            client_id: self.client_id(),
            site: Some(SiteName::parse(SITE).unwrap()),
            access_token: Secret::new(tokens.access_token.as_str()),
            refresh_token: Some(Secret::new(tokens.refresh_token.as_str())),
            expires_at: Some(expiry(self.now(), tokens.expires_in)),
            refreshed_at: self.now(),
            scope: Some(tokens.scope.clone()),
            redirect_uri: self.jira.redirect_uris().first().cloned(),
            user: Some(User { name: user.to_owned(), display_name: "Dana Developer".to_owned() }),
            trust: Trust::default(),
            ended: None,
            undelivered: false,
        }
    }

    pub fn base_url(&self) -> BaseUrl {
        BaseUrl::parse(self.jira.base_url(), true).unwrap()
    }

    pub fn client_id(&self) -> ClientId {
        ClientId::parse(self.jira.client_id()).unwrap()
    }

    /// Where the session lies.
    pub fn place(&self) -> Place {
        Place {
            store: Store::File(self.files.clone()),
            key: StoreKey::new(self.base_url().as_str(), self.jira.client_id(), None),
            locks: LockDir::new(self.locks()),
        }
    }

    /// Puts a session into the store.
    pub async fn save(&self, session: &Session) {
        self.place().save(session).await.unwrap();
    }

    /// The session in the store.
    pub async fn stored(&self) -> Session {
        self.place().session().await.unwrap().expect("a session")
    }

    /// Changes the session in the store.
    pub async fn change_session(&self, change: impl FnOnce(&mut Session)) {
        let mut session = self.stored().await;
        change(&mut session);
        self.save(&session).await;
    }

    /// The refresh calls so far.
    pub fn refreshes(&self) -> usize {
        self.jira.token_calls("refresh_token")
    }

    /// `METHOD path` of the requests so far, in order.
    pub fn requests(&self) -> Vec<String> {
        self.jira.log().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

fn now(seconds: &Arc<AtomicI64>) -> impl Fn() -> Timestamp + Send + Sync + 'static {
    let seconds = seconds.clone();
    move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap()
}

fn make_private(path: &Path) {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).unwrap();
}

/// A port that nobody listens on, and that the system gives to nobody by itself: below the ephemeral ones.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 12_000;
    const RANGE: u16 = 18_000;
    // Several test processes at once begin at different places.
    let begin = (std::process::id() % 180) as u16 * 100;
    loop {
        let port = FIRST + (begin + NEXT.fetch_add(1, Ordering::Relaxed)) % RANGE;
        if [("127.0.0.1", port), ("::1", port)]
            .iter()
            .all(|at| TcpListener::bind(at).is_ok() || at.0 == "::1")
        {
            return port;
        }
    }
}
