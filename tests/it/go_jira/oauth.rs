//! F: what goes to Jira's OAuth endpoints, and what their answers mean.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jira_oauth::process::Signal;
use jira_oauth::sandbox::{Action, Fault, Request};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use crate::support::{Ran, World, follow};

const TOKEN: &str = "/rest/oauth2/latest/token";

/// A login to its end: the page that Jira was asked for, and what the command said.
async fn login(world: &World, args: &[&str]) -> (Url, Ran) {
    let (live, ran) = world.login(args).start();
    let (ran, steps) = tokio::join!(ran, async { follow(live.login_url().await).await });
    let authorize = steps.into_iter().find(|step| step.url.path().ends_with("/latest/authorize"));
    (authorize.expect("the browser was sent to Jira").url, ran)
}

fn param(url: &Url, name: &str) -> String {
    let mut found = url.query_pairs().filter(|(key, _)| key == name);
    let value = found.next().unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned();
    assert!(found.next().is_none(), "{name} twice in {url}");
    value
}

/// The calls of the token endpoint so far, in order.
fn token_calls(world: &World) -> Vec<Request> {
    world.jira.log().into_iter().filter(|request| request.path.ends_with(TOKEN)).collect()
}

fn names(request: &Request) -> Vec<String> {
    url::form_urlencoded::parse(request.body.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

/// Item 109.
/// Item 110, changed: Jira's scopes contain one another, so one is asked for.
#[tokio::test]
async fn the_authorize_url_carries_what_jira_wants() {
    let world = World::new().await;
    let (url, ran) = login(&world, &[]).await;
    ran.ok();
    let base = format!("{}/rest/oauth2/latest/authorize?", world.jira.base_url());
    assert!(url.as_str().starts_with(&base), "{url}");
    assert_eq!(param(&url, "client_id"), world.jira.client_id());
    assert_eq!(param(&url, "redirect_uri"), format!("https://127.0.0.1:{}/callback", world.port));
    assert_eq!(param(&url, "response_type"), "code");
    assert_eq!(param(&url, "code_challenge_method"), "S256");
    assert_eq!(param(&url, "scope"), "WRITE");
    assert!(!param(&url, "state").is_empty() && !param(&url, "code_challenge").is_empty());
    for scopes in ["READ WRITE", "READ,WRITE", "write", "EVERYTHING"] {
        let ran = world.login(&["--scope", scopes]).run().await.failed(2, "bad_value");
        assert!(ran.error()["message"].as_str().unwrap().contains("--scope"), "{ran}");
    }
}

/// Items 111 to 113.
#[tokio::test]
async fn verifier_challenge_and_state_are_of_one_login_alone() {
    let world = World::new().await;
    let (mut verifiers, mut states) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..3 {
        let (url, ran) = login(&world, &[]).await;
        ran.ok();
        let verifier = token_calls(&world).pop().unwrap().field("code_verifier").unwrap();
        let digest = Sha256::digest(verifier.as_bytes());
        assert_eq!(param(&url, "code_challenge"), BASE64_URL_SAFE_NO_PAD.encode(digest));
        assert!((43..=128).contains(&verifier.len()), "{verifier}");
        assert!(verifier.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)), "{verifier}");
        // 16 random bytes have 22 characters.
        assert!(param(&url, "state").len() >= 22, "{url}");
        verifiers.insert(verifier);
        states.insert(param(&url, "state"));
    }
    assert_eq!((verifiers.len(), states.len()), (3, 3), "none comes twice");
}

/// Item 114.
#[tokio::test]
async fn a_trailing_slash_makes_no_second_one() {
    for context in ["", "/jira"] {
        let world = World::with(|options| options.context_path = context.to_owned()).await;
        let base = format!("{}//", world.jira.base_url());
        let port = world.port.to_string();
        let args = ["login", "--base-url", &base, "--client-id", world.jira.client_id()];
        let args = [&args[..], &["--callback-port", &port]].concat();
        let (live, ran) = world.command(&args).start();
        let (ran, steps) = tokio::join!(ran, async { follow(live.login_url().await).await });
        assert_eq!(ran.ok().json()["base_url"], world.jira.base_url());
        assert_eq!(steps[1].url.path(), format!("{context}/rest/oauth2/latest/authorize"));
        let paths: Vec<String> = world.jira.log().into_iter().map(|request| request.path).collect();
        assert!(paths.iter().all(|path| !path.contains("//")), "{paths:?}");
    }
}

/// Items 115 to 117.
#[tokio::test]
async fn the_forms_hold_what_the_grant_needs_and_no_client_secret() {
    let world = World::new().await;
    let (url, ran) = login(&world, &[]).await;
    ran.ok();
    let old = world.stored().await;
    world.run(&["token", "refresh", "--base-url", world.jira.base_url()]).await.ok();
    let new = world.stored().await;
    let [exchange, refresh] = &token_calls(&world)[..] else { panic!("{:?}", world.requests()) };
    assert_eq!(names(exchange), ["grant_type", "client_id", "code", "code_verifier", "redirect_uri"]);
    assert_eq!(exchange.field("grant_type").as_deref(), Some("authorization_code"));
    assert_eq!(exchange.field("client_id").as_deref(), Some(world.jira.client_id()));
    assert_eq!(exchange.field("redirect_uri"), Some(param(&url, "redirect_uri")));
    assert!(!exchange.field("code").unwrap().is_empty());
    assert_eq!(names(refresh), ["grant_type", "client_id", "refresh_token", "redirect_uri"]);
    assert_eq!(refresh.field("grant_type").as_deref(), Some("refresh_token"));
    let [old, new] = [old, new].map(|session| session.refresh_token.unwrap().expose().to_owned());
    assert_eq!(refresh.field("refresh_token").as_ref(), Some(&old));
    assert_ne!(new, old);
    for call in [exchange, refresh] {
        assert_eq!(call.method, "POST");
        assert_eq!(call.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(call.header("authorization"), None);
        assert!(!call.body.contains("client_secret"), "{}", call.body);
    }
}

/// Items 118, 120.
#[tokio::test]
async fn what_the_token_endpoint_says_is_told_apart() {
    let world = World::new().await;
    let json = |status, body: &str| Action::respond(status, "application/json", body.to_owned());
    let html = |status| Action::respond(status, "text/html", "<html>");
    let (grant, client) = (r#"{"error":"invalid_grant"}"#, r#"{"error":"invalid_client"}"#);
    for (answer, exit, code) in [
        (json(400, grant), 3, "session_ended"),
        (json(401, grant), 3, "session_ended"),
        (json(400, client), 1, "login_denied"),
        (json(401, client), 1, "login_denied"),
        (html(500), 7, "server_error"),
        (html(502), 7, "server_error"),
        (json(503, r#"{"error":"server_error"}"#), 7, "server_error"),
        (html(200), 1, "not_jira"),
        (json(200, "[]"), 1, "not_jira"),
    ] {
        world.logged_in().await;
        let what = format!("{answer:?}");
        world.jira.faults().add(Fault::on(TOKEN, answer.clone()));
        let ran = world.run(&["token", "refresh"]).await;
        assert_eq!((ran.code, ran.error()["code"].as_str()), (exit, Some(code)), "{what}: {ran}");
        assert_eq!(world.stored().await.ended.is_some(), code == "session_ended", "{what}");
        world.jira.faults().add(Fault::on(TOKEN, answer));
        let (_, ran) = login(&world, &["--site", "other"]).await;
        let expected = if exit == 3 { (1, "login_denied") } else { (exit, code) };
        assert_eq!((ran.code, ran.error()["code"].as_str().unwrap()), expected, "{what}: {ran}");
    }
    assert_eq!(world.sites().list().len(), 1, "nothing of a login that failed is kept");
}

/// Item 119.
#[tokio::test]
async fn a_refusal_without_a_description_leaves_no_dangling_colon() {
    let world = World::new().await;
    world.logged_in().await;
    for (description, said) in
        [("", "Jira refused the client."), ("wrong link", "Jira refused the client: wrong link.")]
    {
        let body = json!({ "error": "invalid_client", "error_description": description }).to_string();
        world.jira.faults().add(Fault::on(TOKEN, Action::respond(401, "application/json", body)));
        let ran = world.run(&["token", "refresh"]).await.failed(1, "login_denied");
        assert!(ran.error()["message"].as_str().unwrap().starts_with(said), "{ran}");
    }
    for (description, said) in [
        ("", "the authorization code: it was"),
        ("spent", "the authorization code (Jira says: spent): it was"),
    ] {
        let body = json!({ "error": "invalid_grant", "error_description": description }).to_string();
        world.jira.faults().add(Fault::on(TOKEN, Action::respond(400, "application/json", body)));
        let (_, ran) = login(&world, &[]).await;
        let message = ran.failed(1, "login_denied").error()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said) && !message.contains(": :") && !message.contains(": ."), "{message}");
    }
    world
        .jira
        .faults()
        .add(Fault::on(TOKEN, Action::respond(400, "application/json", r#"{"error":"invalid_grant"}"#)));
    let ended = world.run(&["token", "refresh"]).await.failed(3, "session_ended");
    let message = ended.error()["message"].as_str().unwrap().to_owned();
    assert!(!message.contains(": :") && !message.trim_end().ends_with(':'), "{message}");
}

/// Item 121.
#[tokio::test]
async fn a_command_that_is_cut_off_is_a_failure() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).start();
    let (ran, ()) = tokio::join!(ran, async {
        live.login_url().await;
        live.signal(Signal::Interrupt);
    });
    assert_eq!((ran.code, ran.stdout.as_str()), (130, ""), "{ran}");
    assert_eq!(world.config_toml(), "");
    world.logged_in().await;
    world.advance(Duration::from_secs(3600));
    // The lock is somebody else's for longer than the command may take.
    let place = world.place();
    let lock = place.locks.acquire(&place.key, Duration::ZERO).await.unwrap();
    let ran = world.run(&["token", "refresh", "--timeout", "1s"]).await;
    assert_eq!((ran.code, ran.error()["kind"].as_str()), (7, Some("unavailable")), "{ran}");
    drop(lock);
    assert_eq!(world.jira.token_calls("refresh_token"), 0);
}

/// Item 122.
#[tokio::test]
async fn a_login_needs_base_url_client_id_redirect_uri_and_scope() {
    let world = World::new().await;
    let login =
        |args: &[&str]| world.command(&[&["login", "--base-url", "https://jira.example.com"], args].concat());
    world.run(&["login", "--client-id", "abc"]).await.failed(2, "no_base_url");
    login(&[]).run().await.failed(2, "no_client_id");
    for (flag, value) in [
        ("--client-id", ""),
        ("--redirect-uri", ""),
        ("--redirect-uri", "callback"),
        ("--scope", ""),
        ("--callback-cert", "cert.pem"),
        ("--callback-key", "key.pem"),
    ] {
        let args = ["--client-id", "abc", flag, value];
        let ran = login(if flag == "--client-id" { &args[2..] } else { &args }).run().await;
        let message = ran.failed(2, "bad_value").error()["message"].to_string();
        assert!(message.contains(flag), "{flag} {value:?}: {message}");
    }
    assert_eq!(world.config_toml(), "");
}
