//! `login --from-go-jira`: a session that the other tool left in its encrypted file becomes one of ours, and
//! what cannot become one is said and left as it is.

use std::fs;
use std::path::PathBuf;

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use jira_oauth::auth::store::StoreKey;
use jira_oauth::sandbox::{Action, Fault, Scope, Tokens};
use serde_json::{Value, json};

use crate::support::{Command, PASSWORD, Ran, World};

/// An end that no test sees.
pub const FUTURE: &str = "2099-01-01T00:00:00.123456789+01:00";
const PAST: &str = "2001-01-01T00:00:00Z";

/// Its record of a session at the sandbox.
fn record(world: &World, tokens: &Tokens, expires_at: &str) -> Value {
    json!({
        "base_url": world.jira.base_url(), "client_id": world.jira.client_id(),
        "access_token": tokens.access_token, "refresh_token": tokens.refresh_token,
        "expires_at": expires_at, "obtained_at": "2026-03-04T04:06:07Z", "scopes": ["WRITE"],
    })
}

/// Writes its file, as it does.
fn write(world: &World, records: &[Value]) -> PathBuf {
    let tokens = records.iter().map(|record| {
        let text = |name: &str| record[name].as_str().unwrap();
        let key = StoreKey::new(text("base_url").trim_end_matches('/'), text("client_id"), None);
        (key.to_string(), record.clone())
    });
    let plain = json!({ "tokens": tokens.collect::<serde_json::Map<_, _>>() }).to_string();
    let (salt, nonce, mut key) = ([7; 16], [9; 12], [0; 32]);
    let rounds = 600_000.try_into().unwrap();
    ring::pbkdf2::derive(ring::pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, PASSWORD.as_bytes(), &mut key);
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(key));
    let sealed = cipher.encrypt(&Nonce::from(nonce), plain.as_bytes()).unwrap();
    let path = world.path(".config/go-jira/tokens.enc");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    put(&path, &[b"GJOA".as_slice(), &[1], &salt, &nonce, &sealed].concat());
    path
}

fn put(path: &PathBuf, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// Without a client ID, so that nobody's keyring is asked.
pub fn take_over(world: &World, more: &[&str]) -> Command {
    world.command(&[&["login", "--from-go-jira", "--base-url", world.jira.base_url()], more].concat())
}

/// In a process of its own, whose bus is nobody's: where a client ID is known, the keyring is asked first.
async fn alone(command: Command) -> Ran {
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus").run_program().await
}

/// A world in which go-jira is logged in.
pub async fn with_go_jira(expires_at: &str) -> (World, Tokens, PathBuf) {
    let world = World::new().await;
    let tokens = world.jira.mint_session("developer", Scope::Write);
    let path = write(&world, &[record(&world, &tokens, expires_at)]);
    (world, tokens, path)
}

#[tokio::test]
async fn a_session_of_go_jiras_goes_on_here() {
    let (world, tokens, path) = with_go_jira(FUTURE).await;
    let before = fs::read(&path).unwrap();
    let ran = take_over(&world, &[]).run().await.ok();
    let ran = ran.hides(&[&tokens.access_token, &tokens.refresh_token]);
    insta::assert_snapshot!(ran, @r#"
    exit 0
    --- stdout
    {
      "site": "127.0.0.1-PORT",
      "base_url": "http://127.0.0.1:PORT",
      "client_id": "c11e47",
      "auth_mode": "oauth-storage",
      "source": "site 127.0.0.1-PORT",
      "user": {
        "name": "developer",
        "displayName": "Sandbox Developer"
      },
      "scope": "WRITE",
      "session": "ok",
      "expires_at": "2098-12-31T23:00:00Z",
      "refreshed_at": "2026-03-04T04:06:07Z",
      "idle_days_left": 90,
      "storage": "file",
      "broker_url": null
    }
    --- stderr
    {"warning":{"code":"go_jira_logged_out","message":"go-jira has this session too until the next refresh, here or there: Jira then ends the tokens of the other. Use one of the two. What it has stored was left as it is; `go-jira logout` removes it","when":"next_refresh"}}
    "#);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(world.requests(), ["GET /rest/api/2/myself"]);
    assert!(!world.config_toml().contains("redirect_uri"), "{}", world.config_toml());

    let at = ["--base-url", world.jira.base_url()];
    let run = async |words: &[&str]| world.run(&[words, &at].concat()).await.ok().json();
    assert_eq!(run(&["whoami"]).await["auth_mode"], "oauth-storage");
    run(&["token", "refresh"]).await;
    assert_eq!(run(&["whoami"]).await["user"]["name"], "developer");
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn base_url_and_client_id_come_from_the_file_if_it_holds_one_session() {
    let (world, _, _) = with_go_jira(FUTURE).await;
    let ran = world.run(&["login", "--from-go-jira"]).await.ok();
    assert_eq!(
        (&ran.json()["base_url"], &ran.json()["client_id"]),
        (&json!(world.jira.base_url()), &json!(world.jira.client_id()))
    );
}

/// The redirect URIs that were sent with refreshes.
fn sent(world: &World) -> Vec<String> {
    let log = world.jira.log();
    let forms = log.iter().map(|request| url::form_urlencoded::parse(request.body.as_bytes()).into_owned());
    forms.flat_map(|mut form| form.find(|(name, _)| name == "redirect_uri")).map(|(_, uri)| uri).collect()
}

#[tokio::test]
async fn a_stale_session_is_refreshed_as_go_jira_would_have() {
    let (world, _, _) = with_go_jira(PAST).await;
    let ran = take_over(&world, &[]).run().await.ok();
    let warnings = ran.warnings();
    assert_eq!((warnings, &ran.json()["session"]), (vec!["go_jira_logged_out".to_owned()], &json!("ok")));
    assert!(ran.stderr.contains(r#""when":"now""#), "{ran}");
    world.run(&["token", "refresh", "--base-url", world.jira.base_url()]).await.ok();
    assert_eq!(sent(&world), ["http://127.0.0.1:8765/callback"; 2]);
}

#[tokio::test]
async fn the_redirect_uri_of_its_login_can_be_said() {
    let world = World::with(|options| options.strict_refresh_redirect = true).await;
    let stale = || {
        let tokens = world.jira.mint_session("developer", Scope::Write);
        write(&world, &[record(&world, &tokens, PAST)]);
    };
    stale();
    let refused = take_over(&world, &[]).run().await;
    assert_ne!(refused.code, 0, "the sandbox looks at it: {refused}");
    assert_eq!(world.config_toml(), "");
    stale();
    let port = world.port.to_string();
    let said = take_over(&world, &[]).env("JIRA_OAUTH_CALLBACK_PORT", port);
    said.env("JIRA_OAUTH_CALLBACK_HTTPS", "true").run().await.ok();
    let uri = world.jira.redirect_uris()[0].clone();
    assert_eq!(sent(&world), ["http://127.0.0.1:8765/callback", &uri]);
    stale();
    world.advance(std::time::Duration::from_secs(7200));
    alone(take_over(&world, &["--redirect-uri", &uri])).await.ok();
}

#[tokio::test]
async fn an_access_token_that_jira_has_ended_is_refreshed_whatever_its_record_says() {
    for expires_at in [FUTURE, "0001-01-01T00:00:00Z"] {
        let (world, _, _) = with_go_jira(expires_at).await;
        world.jira.expire_access_tokens();
        let ran = take_over(&world, &[]).run().await.ok();
        assert_eq!((world.refreshes(), &ran.json()["user"]["name"]), (1, &json!("developer")));
    }
}

#[tokio::test]
async fn a_dead_session_leaves_nothing_behind() {
    let (world, tokens, path) = with_go_jira(PAST).await;
    world.jira.revoke_all();
    let ran = take_over(&world, &[]).run().await.failed(3, "session_ended");
    ran.hides(&[&tokens.access_token, &tokens.refresh_token]);
    assert!(path.exists());
    assert_eq!(world.config_toml(), "");
    let at = ["token", "status", "--base-url", world.jira.base_url(), "--client-id", world.jira.client_id()];
    assert_eq!(world.run(&at).await.ok().json()["session"], "none");
}

#[tokio::test]
async fn a_dead_session_does_not_replace_a_good_one() {
    let (world, _, _) = with_go_jira(PAST).await;
    world.jira.revoke_all();
    world.logged_in().await;
    // Older than go-jira's record, but alive as far as anybody knows.
    world.change_session(|session| session.refreshed_at = PAST.parse().unwrap()).await;
    world.jira.clear_log();
    alone(world.command(&["login", "--from-go-jira"])).await.failed(2, "nothing_to_do");
    assert!(!world.requests().iter().any(|request| request.starts_with("POST")), "nothing is spent");
    world.run(&["whoami"]).await.ok();
}

#[tokio::test]
async fn a_second_time_keeps_what_is_here_already() {
    let (world, _, _) = with_go_jira(PAST).await;
    alone(take_over(&world, &[])).await.ok();
    let ran = alone(take_over(&world, &[])).await.ok();
    assert!(ran.stderr.contains(r#""when":"before""#), "{ran}");
    assert_eq!(world.refreshes(), 1);
    world.run(&["whoami", "--base-url", world.jira.base_url()]).await.ok();
}

#[tokio::test]
async fn a_second_time_without_a_word_is_told_the_very_command() {
    let (world, _, _) = with_go_jira(FUTURE).await;
    world.run(&["login", "--from-go-jira"]).await.ok();
    // The site is not the default one: a loopback host never is by itself.
    let ran = world.run(&["login", "--from-go-jira"]).await.failed(2, "no_base_url");
    let site = world.sites().list()[0].name.to_string();
    let hint = ran.error()["hint"].as_str().unwrap().to_owned();
    assert_eq!(hint, format!("jira login --from-go-jira --site {site}"));
    let words: Vec<&str> = hint.split(' ').skip(1).collect();
    let again = alone(world.command(&words)).await.ok();
    assert_eq!(again.json()["site"], site.as_str());
    // As the default one it is what is meant.
    world.run(&["site", "use", &site]).await.ok();
    alone(world.command(&["login", "--from-go-jira"])).await.ok();
}

#[tokio::test]
async fn a_pair_that_was_made_is_kept_whatever_comes_after() {
    let (world, _, _) = with_go_jira(PAST).await;
    world.jira.faults().add(Fault::on("/rest/api/2/myself", Action::respond(404, "application/json", "{}")));
    let ran = take_over(&world, &[]).run().await.ok();
    assert_eq!(ran.warnings(), ["user_unknown", "go_jira_logged_out"]);
    world.run(&["token", "refresh", "--base-url", world.jira.base_url()]).await.ok();
}

#[tokio::test]
async fn which_of_several_is_asked_and_no_token_shown() {
    let (world, tokens, _) = with_go_jira(FUTURE).await;
    let own = record(&world, &tokens, FUTURE);
    let mut other = own.clone();
    other["client_id"] = json!("another");
    write(&world, &[own, other]);
    let ran = take_over(&world, &[]).run().await.failed(2, "bad_value");
    let ran = ran.hides(&[&tokens.access_token, &tokens.refresh_token]);
    let held = ran.error()["details"]["sessions"].clone();
    let ids: Vec<_> = held.as_array().unwrap().iter().map(|held| held["client_id"].clone()).collect();
    assert!(ids.contains(&json!("another")) && ids.len() == 2, "{ran}");
    alone(take_over(&world, &["--client-id", world.jira.client_id()])).await.ok();
}

#[tokio::test]
async fn where_it_was_looked_for_is_said() {
    let world = World::new().await;
    let args = ["login", "--from-go-jira", "--base-url", "https://jira.example.com", "--client-id", "abc"];
    let ran = alone(world.command(&args)).await.failed(3, "not_logged_in");
    let details = ran.error()["details"].clone();
    assert_eq!(details["service"], "go-jira");
    assert_eq!(details["accounts"], json!([StoreKey::new("https://jira.example.com", "abc", None).as_str()]));
    assert!(details["path"].as_str().unwrap().ends_with("/.config/go-jira/tokens.enc"), "{ran}");
    // Another client's is not taken.
    let (world, _, _) = with_go_jira(FUTURE).await;
    let ran = alone(take_over(&world, &["--client-id", "abc"])).await.failed(3, "not_logged_in");
    assert_eq!(ran.error()["details"]["sessions"][0]["client_id"], world.jira.client_id());
}

#[tokio::test]
async fn the_files_password_comes_from_a_variable_or_a_person() {
    let (world, _, path) = with_go_jira(FUTURE).await;
    let before = fs::read(&path).unwrap();
    let wrong = take_over(&world, &[]).env("JIRA_MASTER_PASSWORD", "wrong").run().await;
    wrong.failed(3, "master_password").hides(&["wrong\""]);
    take_over(&world, &[]).without("JIRA_MASTER_PASSWORD").run().await.failed(3, "master_password");
    let mut flipped = before.clone();
    *flipped.last_mut().unwrap() ^= 1;
    put(&path, &flipped);
    take_over(&world, &[]).run().await.failed(3, "master_password");
    put(&path, b"GJOA\x02and so on");
    take_over(&world, &[]).run().await.failed(1, "store_corrupt");
    assert_eq!(world.requests(), [""; 0]);
    put(&path, &before);
    let asked = take_over(&world, &[]).without("JIRA_MASTER_PASSWORD").person();
    let asked = asked.answer("go-jira", PASSWORD).answer("Master password of the session file", PASSWORD);
    asked.answer("The same again", PASSWORD).run().await.ok();
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_can_change_is_not_read() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (world, _, path) = with_go_jira(FUTURE).await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    take_over(&world, &[]).run().await.failed(1, "store_corrupt");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let real = world.path("elsewhere");
    fs::rename(&path, &real).unwrap();
    symlink(&real, &path).unwrap();
    take_over(&world, &[]).run().await.failed(1, "store_corrupt");
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn a_record_that_could_not_be_kept_alive_is_not_taken() {
    let (world, tokens, _) = with_go_jira(FUTURE).await;
    let mut odd = record(&world, &tokens, FUTURE);
    odd["refresh_token"] = json!("");
    write(&world, &[odd]);
    let ran = take_over(&world, &[]).run().await.failed(1, "store_corrupt");
    assert!(ran.stderr.contains("no refresh token"), "{ran}");
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn nothing_is_spent_before_the_store_takes_a_write() {
    let (world, _, _) = with_go_jira(PAST).await;
    fs::write(world.config_dir().join("sessions"), "in the way").unwrap();
    let ran = take_over(&world, &[]).run().await;
    assert_ne!(ran.code, 0, "{ran}");
    assert_eq!(world.requests(), [""; 0], "{ran}");
}

#[tokio::test]
async fn the_rules_of_a_login_hold() {
    let (world, tokens, _) = with_go_jira(FUTURE).await;
    let mut real = record(&world, &tokens, FUTURE);
    real["base_url"] = json!("https://jira.example.com");
    write(&world, &[real]);
    world.run(&["login", "--from-go-jira"]).await.failed(3, "needs_person");
    world.run(&["login", "--from-go-jira", "--pat"]).await.failed(2, "bad_flag");
    world.run(&["login", "--from-go-jira", "--scope", "READ"]).await.failed(2, "bad_flag");
    let token = world.command(&["login", "--from-go-jira"]).env("JIRA_TOKEN", "canary");
    token.run().await.failed(2, "bad_value").hides(&["canary"]);

    world.logged_in().await;
    write(&world, &[record(&world, &tokens, FUTURE)]);
    let broker = world.command(&["login", "--from-go-jira", "--base-url", world.jira.base_url()]);
    alone(broker.env("JIRA_TOKEN_BROKER_URL", "https://broker.example.com")).await.failed(3, "pinned");
    assert_eq!(world.stored().await.trust.broker_url, None);
}
