//! Tests of `edit.rs`.

use std::fs;
use std::path::Path;

use super::*;
use crate::config::{ClientId, Scope};

const COMMENTED: &str = "\
# Sites of the team. Keep in step with the wiki.

# the one we use most
default = \"work\" # for now

# Work
[sites.work] # main
base_url = \"https://jira.example.com\" # behind the VPN
scope = 'READ' # narrow
future = 1 # not ours

# Play
[sites.play]
base_url = \"http://localhost:8080\"
";

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(text: &str) -> Self {
        let place = Place { dir: tempfile::tempdir().unwrap() };
        if !text.is_empty() {
            disk::replace(&place.path(), text.as_bytes()).unwrap();
        }
        place
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("config.toml")
    }

    fn sites(&self) -> Sites {
        Sites::load(&self.path()).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

fn name(text: &str) -> SiteName {
    SiteName::parse(text).unwrap()
}

fn site(text: &str) -> Site {
    Site::new(name(text), BaseUrl::parse(&format!("https://{text}.example.com"), false).unwrap())
}

#[tokio::test]
async fn the_first_site_makes_a_readable_file() {
    let place = Place::new("");
    let mut first = site("one");
    first.name = name("one.example.com");
    first.client_id = Some(ClientId::parse("id").unwrap());
    first.scope = Some(Scope::Write);
    let sites = place.sites().upsert(&first, true).await.unwrap();
    assert_eq!(sites.default(), Some(&first));
    assert_eq!(
        place.text(),
        "default = \"one.example.com\"\n\n[sites.\"one.example.com\"]\n\
             base_url = \"https://one.example.com\"\nclient_id = \"id\"\nscope = \"WRITE\"\n"
    );
}

#[tokio::test]
async fn comments_and_what_is_not_ours_are_kept() {
    let place = Place::new(COMMENTED);
    let mut work = place.sites().get(&name("work")).unwrap().clone();
    work.scope = Some(Scope::Write);
    work.client_id = Some(ClientId::parse("id").unwrap());
    place.sites().upsert(&work, false).await.unwrap();
    let expected =
        COMMENTED.replace("'READ'", "\"WRITE\"").replace("# not ours\n", "# not ours\nclient_id = \"id\"\n");
    assert_eq!(place.text(), expected);
    place.sites().set_default(&name("play")).await.unwrap();
    assert_eq!(place.text(), expected.replace("default = \"work\"", "default = \"play\""));
    place.sites().upsert(&site("new"), false).await.unwrap();
    let added = "\n[sites.new]\nbase_url = \"https://new.example.com\"\n";
    assert_eq!(place.text(), expected.replace("default = \"work\"", "default = \"play\"") + added);
}

#[tokio::test]
async fn what_is_written_is_what_is_read() {
    let place = Place::new(COMMENTED);
    let mut full = site("full");
    full.client_id = Some(ClientId::parse("id").unwrap());
    full.scope = Some(Scope::SystemAdmin);
    full.storage = Some(crate::config::StorageKind::Keyring);
    full.redirect_uri = Some("https://localhost:8085/callback".to_owned());
    full.callback_port = Some(65_535);
    full.callback_host = Some("localhost".to_owned());
    full.callback_https = Some(false);
    full.broker_url = Some(BaseUrl::parse("http://broker.example.com", true).unwrap());
    full.ca_bundle = Some(PathBuf::from("/etc/quote\"d\\.pem"));
    full.insecure_login = true;
    full.epic_field = Some("customfield_1".to_owned());
    full.sprint_field = Some("customfield_2".to_owned());
    (full.own_key, full.allow_token_print, full.pat) = (true, true, true);
    place.sites().upsert(&full, false).await.unwrap();
    assert_eq!(place.sites().get(&name("full")), Some(&full));
    let bare = site("full");
    place.sites().upsert(&bare, false).await.unwrap();
    assert_eq!(place.sites().get(&name("full")), Some(&bare), "what is gone is taken out");
}

#[tokio::test]
async fn removing_the_default_leaves_none() {
    let place = Place::new(COMMENTED);
    let sites = place.sites().remove(&name("work")).await.unwrap();
    assert!(sites.default().is_none() && sites.missing_default().is_none());
    assert_eq!(sites.list().len(), 1);
    let text = place.text();
    assert!(text.starts_with("# Sites of the team. Keep in step with the wiki.\n\n"), "{text}");
    assert!(text.contains("# Play\n[sites.play]\n"), "{text}");
    let unknown = ConfigError::UnknownSite { name: "work".to_owned() };
    assert_eq!(place.sites().remove(&name("work")).await.unwrap_err(), unknown);
    assert_eq!(place.sites().set_default(&name("work")).await.unwrap_err(), unknown);
    place.sites().remove(&name("play")).await.unwrap();
    assert_eq!(place.sites().list(), []);
}

#[tokio::test]
async fn each_setting_is_set_and_taken_out() {
    let place = Place::new(COMMENTED);
    let before = place.sites();
    for (setting, value) in [
        ("broker-url", "https://broker.example.com"),
        ("ca-bundle", "/etc/ca.pem"),
        ("allow-token-print", "yes"),
        ("redirect-uri", "https://localhost:1/callback"),
        ("callback-port", "1"),
        ("callback-host", "localhost"),
        ("callback_https", "false"),
        ("epic_field", "customfield_1"),
        ("sprint-field", "customfield_2"),
    ] {
        let set = place.sites().set(&name("work"), setting, value).await.unwrap();
        assert_ne!(set.list(), before.list(), "{setting}");
        let unset = place.sites().set(&name("work"), setting, "").await.unwrap();
        assert_eq!(unset.list(), before.list(), "{setting}");
    }
    assert_eq!(place.text(), COMMENTED);
    for (setting, value) in [
        ("base-url", "https://evil.example.com"),
        ("client-id", "x"),
        ("scope", "ADMIN"),
        ("insecure-login", "true"),
        ("broker-url", "http://broker.example.com"),
        ("broker-url", "https://x/$(id)"),
        ("ca-bundle", "relative.pem"),
        ("callback-port", "0"),
        ("allow-token-print", "perhaps"),
    ] {
        let error = place.sites().set(&name("work"), setting, value).await.unwrap_err();
        assert!(matches!(error, ConfigError::BadValue { .. }), "{setting}: {error:?}");
    }
    assert_eq!(place.text(), COMMENTED);
    assert_eq!(SETTINGS.iter().filter(|setting| setting.trust).count(), 3);
}

#[test]
fn concurrent_changes_lose_nothing() {
    let place = Place::new(COMMENTED);
    let stale = place.sites();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let stale = &stale;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                for round in 0..5 {
                    let site = site(&format!("s{number}-{round}"));
                    runtime.block_on(stale.upsert(&site, round == 4)).unwrap();
                }
            });
        }
    });
    let sites = place.sites();
    assert_eq!(sites.list().len(), 2 + 8 * 5);
    assert!(sites.default().unwrap().name.as_str().ends_with("-4"));
    assert!(place.text().contains("# behind the VPN"));
}

#[tokio::test]
async fn a_broken_file_is_never_replaced() {
    let place = Place::new("");
    let sites = place.sites();
    disk::replace(&place.path(), b"this is = = not TOML\n").unwrap();
    assert!(matches!(sites.upsert(&site("a"), true).await, Err(ConfigError::BadSitesFile { .. })));
    assert_eq!(place.text(), "this is = = not TOML\n");
}

#[tokio::test]
#[cfg(unix)]
async fn the_file_is_private_and_nothing_is_left_beside_it() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made/jira-oauth/config.toml");
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let sites = Sites::load(&path).unwrap();
    sites.check_writable().await.unwrap();
    assert!(!path.exists(), "the check changes nothing");
    symlink(&victim, &path).unwrap();
    assert!(sites.upsert(&site("a"), true).await.is_err());
    assert!(sites.check_writable().await.is_err());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    sites.upsert(&site("a"), true).await.unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let mut left: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["config.toml", "config.toml.lock"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    sites.upsert(&site("b"), false).await.unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_an_error() {
    let sites = Sites::load(Path::new("/dev/null/config.toml")).unwrap();
    assert!(matches!(sites.check_writable().await, Err(ConfigError::Unwritable { .. })));
    assert!(matches!(sites.upsert(&site("a"), true).await, Err(ConfigError::Unwritable { .. })));
}

/// The wait is the runtime's: the deadline and the signals go on meanwhile.
#[tokio::test(start_paused = true)]
async fn a_lock_that_is_held_is_waited_for_and_not_for_ever() {
    let place = Place::new(COMMENTED);
    let held = file::lock(&place.path()).await.unwrap();
    let sites = place.sites();
    let start = tokio::time::Instant::now();
    let error = sites.upsert(&site("a"), false).await.unwrap_err();
    assert!(matches!(error, ConfigError::Locked { .. }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
    let new = site("a");
    let (changed, ()) = tokio::join!(sites.upsert(&new, false), async {
        tokio::task::yield_now().await;
        drop(held);
    });
    assert!(changed.unwrap().get(&name("a")).is_some());
}
