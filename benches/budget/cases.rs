//! The cases, in the order of the table.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use jira_oauth::auth::session::{Session, expiry};
use jira_oauth::auth::store::{FileStore, Keyring, Store, StoreKey};
use jira_oauth::auth::trust::Trust;
use jira_oauth::config::{BaseUrl, ClientId};
use jira_oauth::process::Clock;
use jira_oauth::sandbox::{Options, Scope};
use jira_oauth::secret::Secret;

use crate::facts;
use crate::measure::Race;
use crate::place::{Place, USER, runtime};
use crate::reference::BEARER;
use crate::support::bus::Bus;
use crate::support::secrets::GnomeKeyring;
use crate::table::Table;

const JIRA: &str = env!("CARGO_BIN_EXE_jira");
const PASSWORD: &str = "the master password of a benchmark";
const KEY: &str = "GAIA-12";

/// Where systems keep their roots; the first that is there is copied.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Measures everything and prints the table. Fails if something is over its budget.
pub fn run() -> ExitCode {
    let mut table = Table::default();
    start(&mut table);
    get(&mut table);
    counted(&mut table);
    match table.print() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// A command without network beside a process that does nothing.
fn start(table: &mut Table) {
    let place = Place::new(Options::default());
    let mut race = Race::default();
    race.add("nothing", reference(&place, &["nothing"]));
    race.add("version", place.command(JIRA, "empty", &["version"]));
    race.add("help", place.command(JIRA, "empty", &["--help"]));
    race.run();
    let nothing = race.median("nothing");
    for (name, what) in [("version", "`jira version`"), ("help", "`jira --help`")] {
        let time = race.median(name);
        let columns = (ms(time), format!("{} a process that does nothing", ms(nothing)));
        table.add(what, columns, time - nothing, 2.0, "ms more");
    }
}

/// One cold `get` over HTTPS, with each source of its credential, beside the least that it takes.
fn get(table: &mut Table) {
    let place = Place::new(Options { tls: true, ..Options::default() });
    let tls = Tls::new(&place);
    let seed = Seed::new(&place, &tls);
    let stale = seed.file("stale");
    let mut race = Race::default();
    race.add("nothing", reference(&place, &["nothing"]));
    let path = path_of_get(&place, &tls);
    let mut environment = place.jira(&["get", KEY]);
    environment.env("SSL_CERT_FILE", &tls.bundle);
    race.add("environment", environment);
    race.add("bare", bare_get(&place, &tls, &path));
    let curl = curl(&place, &tls, &path);
    let has_curl = curl.is_some();
    curl.into_iter().for_each(|curl| race.add("curl", curl));

    race.add("derive", reference(&place, &["derive"]));
    seed.site("file", "file");
    runtime().block_on(save(&seed.file("file"), &seed.key, &seed.session(true)));
    race.add("file", seed.jira("file"));
    seed.site("stale", "file");
    let again = || runtime().block_on(save(&stale, &seed.key, &seed.session(false)));
    race.add_with("stale", seed.jira("stale"), again);

    let keyring = Unlocked::start();
    if let Some(Unlocked { bus, .. }) = &keyring {
        seed.site("keyring", "keyring");
        let store = Keyring::new(std::time::Duration::from_secs(5), None);
        let store = Store::Keyring(store.bus_address(Some(bus.address.clone())));
        runtime().block_on(save(&store, &seed.key, &seed.session(true)));
        let on_bus = |mut command: Command| {
            command.env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
            command
        };
        race.add("keyring", on_bus(seed.jira("keyring")));
        race.add("read", on_bus(reference(&place, &["keyring-read", seed.key.as_str()])));
    }
    race.run();

    let time = |name| race.median(name);
    let (nothing, plain) = (time("nothing"), time("environment"));
    let columns = (ms(plain), format!("{} bare rustls, one root", ms(time("bare"))));
    table.add("cold `jira get` over HTTPS", columns, plain / time("bare"), 1.6, "×");
    if has_curl {
        let columns = (ms(plain), format!("{} curl", ms(time("curl"))));
        table.add("the same", columns, plain / time("curl"), 0.3, "×");
    }
    let mut more = |name, what: &str, against, word: &str, budget| {
        let (more, unit) = (time(name) - plain, time(against) - nothing);
        let columns = (format!("{} more", ms(more)), format!("{} {word}", ms(unit)));
        table.add(what, columns, more / unit, budget, "×");
    };
    if keyring.is_some() {
        more("keyring", "with a session in gnome-keyring", "read", "a keyring read", 1.25);
    }
    more("file", "with a session in a file", "derive", "a key derivation", 1.1);
    more("stale", "with a session in a file, refreshed", "derive", "a key derivation", 1.1);
}

/// What is counted.
fn counted(table: &mut Table) {
    let stream = facts::stream(50_000);
    let mib = stream.peak_kib as f64 / 1024.0;
    let columns = (format!("{mib:.1} MiB"), String::new());
    table.add("`search --all --output jsonl`, 50,000 issues: peak memory", columns, mib, 40.0, "MiB");
    let late = stream.pages - 1 - stream.ahead;
    let columns = (format!("{} of {}", stream.ahead, stream.pages - 1), String::new());
    table.add("pages asked for while the one before is written", columns, late as f64, 0.0, "late");
    let run = facts::run(200);
    let columns = (format!("{} lookups, {} done", run.lookups, run.done), String::new());
    table.add("`run` on 200 keys: requests", columns, run.requests as f64, 204.0, "");
    table.add("at once", (String::new(), String::new()), run.at_once as f64, 16.0, "");
}

/// What the server's certificate is checked with.
struct Tls {
    /// The system's roots, and the sandbox's: what `jira` and curl read.
    bundle: PathBuf,
    /// The sandbox's alone.
    one: PathBuf,
}

impl Tls {
    fn new(place: &Place) -> Tls {
        let (bundle, one) = (place.home("tls").join("bundle.pem"), place.home("tls").join("one.pem"));
        let system = BUNDLES.iter().find_map(|path| fs::read(path).ok());
        let mut roots = system.expect("the system has a bundle of root certificates");
        let own = place.sandbox.certificate_pem().unwrap();
        roots.extend_from_slice(own.as_bytes());
        fs::write(&bundle, roots).unwrap();
        fs::write(&one, own).unwrap();
        Tls { bundle, one }
    }
}

/// The request that `get` makes, query and all, for the others to make too.
fn path_of_get(place: &Place, tls: &Tls) -> String {
    let output = place.jira(&["get", KEY]).env("SSL_CERT_FILE", &tls.bundle).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains(KEY), "{said}");
    place.sandbox.log().last().unwrap().path.clone()
}

fn reference(place: &Place, args: &[&str]) -> Command {
    let this = std::env::current_exe().unwrap();
    place.command(this, "empty", &[&["reference"], args].concat())
}

fn bare_get(place: &Place, tls: &Tls, path: &str) -> Command {
    let (host, port) = place.sandbox.base_url().trim_start_matches("https://").split_once(':').unwrap();
    let mut command = reference(place, &["bare-get", host, port, path, tls.one.to_str().unwrap()]);
    command.env(BEARER, place.sandbox.mint_pat(USER));
    command
}

fn curl(place: &Place, tls: &Tls, path: &str) -> Option<Command> {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("left out: curl is not installed");
        return None;
    }
    let header = place.home("curl").join("header");
    fs::write(&header, format!("Authorization: Bearer {}", place.sandbox.mint_pat(USER))).unwrap();
    let header = format!("@{}", header.display());
    let url = format!("{}{path}", place.sandbox.base_url());
    let bundle = tls.bundle.to_str().unwrap();
    let mut command =
        place.command("curl", "curl", &["-sS", "--fail", "--cacert", bundle, "-H", &header, &url]);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    Some(command)
}

/// A session, and where it is put.
struct Seed<'a> {
    place: &'a Place,
    trust: Trust,
    client_id: ClientId,
    base_url: BaseUrl,
    key: StoreKey,
}

impl<'a> Seed<'a> {
    fn new(place: &'a Place, tls: &Tls) -> Seed<'a> {
        let base_url = BaseUrl::parse(place.sandbox.base_url(), false).unwrap();
        let client_id = ClientId::parse(place.sandbox.client_id()).unwrap();
        let key = StoreKey::new(base_url.as_str(), client_id.as_str(), None);
        let trust = Trust { ssl_cert_file: Some(tls.bundle.clone()), ..Trust::default() };
        Seed { place, trust, client_id, base_url, key }
    }

    /// A session from today, with an access token that lives or one that has ended.
    fn session(&self, fresh: bool) -> Session {
        let tokens = self.place.sandbox.mint_session(USER, Scope::Write);
        let now = Clock::system().now();
        Session {
            base_url: self.base_url.clone(),
            client_id: self.client_id.clone(),
            site: None,
            access_token: Secret::new(tokens.access_token),
            refresh_token: Some(Secret::new(tokens.refresh_token)),
            expires_at: Some(if fresh { expiry(now, tokens.expires_in) } else { now }),
            refreshed_at: now,
            scope: Some(tokens.scope),
            redirect_uri: self.place.sandbox.redirect_uris().first().cloned(),
            user: None,
            trust: self.trust.clone(),
            ended: None,
            undelivered: false,
        }
    }

    /// A home whose default site is the sandbox.
    fn site(&self, home: &str, storage: &str) {
        let config = config_dir(&self.place.home(home));
        fs::create_dir_all(&config).unwrap();
        let (url, client) = (self.base_url.as_str(), self.client_id.as_str());
        let text = format!(
            "default = \"bench\"\n\n[sites.bench]\nbase_url = \"{url}\"\nclient_id = \"{client}\"\nstorage = \"{storage}\"\n"
        );
        fs::write(config.join("config.toml"), text).unwrap();
    }

    fn file(&self, home: &str) -> Store {
        Store::File(FileStore::new(config_dir(&self.place.home(home)), Secret::new(PASSWORD)))
    }

    fn jira(&self, home: &str) -> Command {
        let mut command = self.place.command(JIRA, home, &["get", KEY]);
        command.env("JIRA_MASTER_PASSWORD", PASSWORD);
        command
    }
}

fn config_dir(home: &Path) -> PathBuf {
    home.join(".config/jira-oauth")
}

async fn save(store: &Store, key: &StoreKey, session: &Session) {
    let pending = store.prepare(key).await.unwrap();
    store.commit(pending, &session.to_record()).await.unwrap();
}

/// An unlocked keyring on a bus of its own.
struct Unlocked {
    bus: Bus,
    _keyring: GnomeKeyring,
}

impl Unlocked {
    fn start() -> Option<Unlocked> {
        let missing = ["dbus-daemon", "gnome-keyring-daemon"];
        let missing = missing.iter().find(|name| Command::new(name).arg("--version").output().is_err());
        if let Some(missing) = missing {
            eprintln!("left out: the keyring, for there is no {missing}");
            return None;
        }
        let bus = Bus::start();
        let keyring = runtime().block_on(GnomeKeyring::start(&bus));
        Some(Unlocked { bus, _keyring: keyring })
    }
}

fn ms(time: f64) -> String {
    format!("{time:.2} ms")
}
