//! Tests of `site.rs`.

use std::fs;

use super::*;

fn parse(text: &str) -> Result<Sites, ConfigError> {
    Sites::parse(Path::new("config.toml"), text).map(|(sites, _)| sites)
}

#[test]
fn every_field_is_read() {
    let sites = parse(
        r#"
        [sites."jira.example.com"]
        base_url = "https://JIRA.example.com/"
        client_id = "id"
        scope = "READ"
        storage = "file"
        redirect_uri = "https://127.0.0.1:8085/callback"
        callback_port = 8085
        callback_host = "localhost"
        callback_https = false
        broker_url = "https://broker.example.com"
        ca_bundle = "/etc/ca.pem"
        insecure_login = true
        epic_field = "customfield_1"
        sprint_field = "customfield_2"
        own_key = true
        allow_token_print = true
        pat = true
        "#,
    )
    .unwrap();
    let url = |text| BaseUrl::parse(text, false).unwrap();
    let name = SiteName::parse("jira.example.com").unwrap();
    let expected = Site {
        name: name.clone(),
        base_url: url("https://jira.example.com"),
        client_id: Some(ClientId::parse("id").unwrap()),
        scope: Some(Scope::Read),
        storage: Some(StorageKind::File),
        redirect_uri: Some("https://127.0.0.1:8085/callback".to_owned()),
        callback_port: Some(8085),
        callback_host: Some("localhost".to_owned()),
        callback_https: Some(false),
        broker_url: Some(url("https://broker.example.com")),
        ca_bundle: Some(PathBuf::from("/etc/ca.pem")),
        insecure_login: true,
        epic_field: Some("customfield_1".to_owned()),
        sprint_field: Some("customfield_2".to_owned()),
        own_key: true,
        allow_token_print: true,
        pat: true,
    };
    assert_eq!(sites.list(), [expected]);
    assert_eq!(sites.unknown(), [""; 0]);
    assert!(sites.default().is_none() && sites.get(&name).is_some());
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, told) in [
        ("[sites.a]\nclient_id = \"x\"", "sites.a: base_url is missing"),
        ("[sites.a]\nbase_url = 1", "sites.a.base_url: must be a text"),
        ("[sites.a]\nbase_url = \"http://a b\"", "sites.a.base_url: "),
        ("[sites.a]\nbase_url = \"https://x.atlassian.net\"", "sites.a.base_url: this is a Jira Cloud"),
        ("[sites.a]\nbase_url = \"https://a\"\nscope = \"write\"", "sites.a.scope: "),
        ("[sites.a]\nbase_url = \"https://a\"\npat = \"yes\"", "sites.a.pat: must be true or false"),
        ("[sites.a]\nbase_url = \"https://a\"\ncallback_port = 0", "sites.a.callback_port: "),
        ("[sites.a]\nbase_url = \"https://a\"\ncallback_port = 65536", "sites.a.callback_port: "),
        ("[sites.a]\nbase_url = \"https://a\"\nca_bundle = \"\"", "sites.a.ca_bundle: "),
        ("[sites.\"$(id)\"]\nbase_url = \"https://a\"", "a site name is"),
        ("[sites]\na = 1", "sites.a must be a table"),
        ("sites = 1", "sites must be a table"),
        ("default = 1", "default: must be a text"),
        ("\n\nx = = 1", "line 3: "),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn names_and_keys_for_new_sites() {
    let sites = parse(
        "[sites.\"j.example.com\"]\nbase_url = \"https://j.example.com/one\"\nclient_id = \"id\"\n\
         [sites.\"j.example.com-2\"]\nbase_url = \"https://j.example.com/two\"\n",
    )
    .unwrap();
    let url = BaseUrl::parse("https://j.example.com/three", false).unwrap();
    assert_eq!(sites.new_name_for(&url).as_str(), "j.example.com-3");
    let url = BaseUrl::parse("https://k.example.com", false).unwrap();
    assert_eq!(sites.new_name_for(&url).as_str(), "k.example.com");
    let one = BaseUrl::parse("https://j.example.com/one", false).unwrap();
    let needs = |name, url, id| {
        sites.needs_own_key(&SiteName::parse(name).unwrap(), url, &ClientId::parse(id).unwrap())
    };
    assert!(needs("agent", &one, "id"));
    assert!(!needs("j.example.com", &one, "id"), "the site itself has the plain key");
    assert!(!needs("agent", &one, "other"));
    assert!(!needs("agent", &url, "id"));
}

#[test]
fn no_file_is_no_sites() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Sites::load(&dir.path().join("config.toml")).unwrap().list(), []);
    assert_eq!(Sites::load(&dir.path().join("no/config.toml")).unwrap().list(), []);
    assert_eq!(Sites::load(Path::new("/dev/null/config.toml")).unwrap().list(), []);
}

#[test]
#[cfg(unix)]
fn a_file_that_others_decide_about_is_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let refused = || Sites::load(&path).expect_err("this must be refused").to_string();
    fs::write(&path, "").unwrap();
    for (mode, good) in [(0o600, true), (0o644, true), (0o664, false), (0o606, false)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(Sites::load(&path).is_ok(), good, "{mode:o}");
    }
    fs::rename(&path, dir.path().join("elsewhere.toml")).unwrap();
    symlink(dir.path().join("elsewhere.toml"), &path).unwrap();
    assert!(refused().contains("symbolic link"));
    fs::remove_file(&path).unwrap();
    symlink(dir.path().join("nowhere.toml"), &path).unwrap();
    assert!(refused().contains("symbolic link"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(refused().contains("is not a file"));
    fs::remove_dir(&path).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(refused().contains("is not a file"), "a pipe does not make us wait");
}
