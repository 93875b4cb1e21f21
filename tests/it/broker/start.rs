//! `jira broker serve` as a command: what it refuses to start with, `--check`, and what it says when it stands.

use std::fs;
use std::net::TcpListener;

use futures_util::future::join;
use http::Method;
use jira_oauth::process::Signal;
use jira_oauth::sandbox::{Confidential, Scope};
use serde_json::{Value, json};

use super::house::{Answer, ask, plain};
use crate::support::{Command, Live, World, wait};

fn serve(world: &World, more: &[&str]) -> Command {
    let args =
        ["broker", "serve", "--base-url", world.jira.base_url(), "--client-id", world.jira.client_id()];
    world.command(&[&args, more].concat()).env("JIRA_OAUTH_CLIENT_SECRET", world.jira.client_secret())
}

#[tokio::test]
async fn a_broker_without_what_it_needs_does_not_start() {
    let world = World::new().await;
    let with = |more: &[&str]| serve(&world, more);
    let said = with(&[]).without("JIRA_OAUTH_CLIENT_SECRET").run().await.failed(2, "bad_value");
    assert!(said.error()["message"].as_str().unwrap().contains("JIRA_OAUTH_CLIENT_SECRET_FILE"));
    let secret = |command: Command| command.env("JIRA_OAUTH_CLIENT_SECRET", "s");
    secret(world.command(&["broker", "serve", "--client-id", "c"])).run().await.failed(2, "no_base_url");
    let base_url = world.jira.base_url();
    secret(world.command(&["broker", "serve", "--base-url", base_url])).run().await.failed(2, "no_client_id");
    with(&["--tls-cert", "tls.crt"]).run().await.failed(2, "bad_value");
    with(&["--tls-key", "tls.key"]).run().await.failed(2, "bad_value");
    with(&["--tls-client-ca", "ca.crt"]).run().await.failed(2, "bad_value");
    with(&["--tls-cert", "/nonexistent", "--tls-key", "/nonexistent"]).run().await.failed(2, "bad_value");
    let redis = with(&["--redis-ca", "/nonexistent/ca"]).env("JIRA_BROKER_REDIS_URL", "rediss://127.0.0.1:1");
    assert!(redis.run().await.failed(2, "bad_value").stderr.contains("/nonexistent/ca"));
    with(&["--trusted-proxy", "10.0.0.0/99"]).run().await.failed(2, "bad_value");
    with(&["--listen", "localhost"]).run().await.failed(2, "bad_value");
    with(&["--max-in-flight", "0"]).run().await.failed(2, "bad_value");
    with(&["--without-coordination", "perhaps"]).run().await.failed(2, "bad_value");
    let open = with(&["--listen", ":0"]).run().await.failed(2, "bad_value");
    assert!(open.error()["message"].as_str().unwrap().contains("--plaintext"));
    for (flag, value) in [("--grace", "30s"), ("--write-timeout", "10s")] {
        let message = with(&[flag, value]).run().await.failed(2, "bad_value").error()["message"].clone();
        let message = message.as_str().unwrap();
        assert!(message.contains(flag) && message.contains("--upstream-timeout"), "{message}");
    }
    let file = with(&[]).without("JIRA_OAUTH_CLIENT_SECRET");
    file.env("JIRA_OAUTH_CLIENT_SECRET_FILE", "/nonexistent").run().await.failed(2, "bad_value");
    let blank = world.path("blank");
    fs::write(&blank, "  \n\n").unwrap();
    let file = with(&[]).without("JIRA_OAUTH_CLIENT_SECRET");
    file.env("JIRA_OAUTH_CLIENT_SECRET_FILE", blank.as_os_str()).run().await.failed(2, "bad_value");
    with(&[]).env("JIRA_OAUTH_CLIENT_SECRET", "  ").run().await.failed(2, "bad_value");
    let said =
        with(&["--client-secret", "canary"]).run().await.failed(2, "secret_as_argument").hides(&["canary"]);
    assert!(said.error()["message"].as_str().unwrap().contains("JIRA_OAUTH_CLIENT_SECRET_FILE"));
    with(&[]).env("JIRA_BROKER_TOKEN", "short").run().await.failed(2, "bad_value");
    with(&[]).env("JIRA_BROKER_GRACE", "soon").run().await.failed(2, "bad_value");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    with(&["--listen", &address]).run().await.failed(1, "port_busy");
    with(&["--listen", "127.0.0.1:0", "--admin-listen", &address]).run().await.failed(1, "port_busy");
    let both = with(&["--listen", "127.0.0.1:8080", "--admin-listen", "127.0.0.1:8080"]);
    let both = both.run().await.failed(2, "bad_value").error()["message"].clone();
    assert!(
        both.as_str().unwrap().contains("--listen") && both.as_str().unwrap().contains("--admin-listen"),
        "{both}"
    );
    // An address of documentation (RFC 5737): waiting for it to be free is of no use.
    let foreign = with(&["--listen", "192.0.2.1:0", "--plaintext"]).run().await.failed(2, "bad_value");
    assert!(foreign.error()["message"].as_str().unwrap().contains("no address of this machine"));
    assert_eq!(world.requests(), [""; 0]);
}

/// Only where there is no IPv6 is every address every one of IPv4: else callers who come by IPv6 would be at whoever has
/// the port there.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_port_that_is_taken_in_one_family_is_taken() {
    let Ok(taken) = TcpListener::bind("[::1]:0") else {
        return println!("left out: this machine has no IPv6");
    };
    let world = World::new().await;
    let port = taken.local_addr().unwrap().port();
    let all = format!(":{port}");
    let busy = serve(&world, &["--listen", &all, "--plaintext"]).run().await.failed(1, "port_busy");
    assert!(busy.error()["message"].to_string().contains(&format!("[::]:{port}")), "{busy}");
    let checked = serve(&world, &["--listen", &all, "--plaintext", "--check"]).run().await.ok();
    assert!(checked.stderr.contains(r#""code":"port_busy""#), "{}", checked.stderr);
}

#[tokio::test]
async fn the_help_has_the_defaults_that_hold() {
    let world = World::new().await;
    let help = world.command(&["broker", "serve", "--help"]).run().await.ok().stdout;
    let schema = world.command(&["schema", "broker", "serve"]).run().await.ok().json();
    let flags = schema["flags"].as_array().unwrap();
    let mut shown = 0;
    for flag in flags.iter().filter(|flag| flag["global"] != true) {
        let (Some(name), Some(default)) = (flag["name"].as_str(), flag["default"].as_str()) else { continue };
        let of_flag =
            help.split(&format!("      --{name} ")).nth(1).unwrap_or_else(|| panic!("--{name}: {help}"));
        let of_flag = of_flag.split("\n      --").next().unwrap();
        // However the lines are broken.
        let of_flag = of_flag.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(of_flag.contains(&format!("[default: {default}]")), "--{name}: {of_flag}");
        shown += 1;
    }
    assert!(shown >= 15, "{shown}: {schema}");
}

#[tokio::test]
async fn certificates_that_are_not_checked_are_said_so() {
    let world = World::new().await;
    let checked = serve(&world, &["--check"]).run().await.ok();
    assert!(!checked.stderr.contains(r#""code":"insecure""#), "{}", checked.stderr);
    let unchecked = serve(&world, &["--check", "--insecure"]).run().await.ok();
    assert!(unchecked.stderr.contains(r#""code":"insecure""#), "{}", unchecked.stderr);
}

#[tokio::test]
async fn check_says_what_it_found_and_ends() {
    let world = World::new().await;
    let tokens = world.path("tokens");
    fs::write(&tokens, "# callers\nci=token-canary-1\nagent=token-canary-2\n").unwrap();
    let command = serve(&world, &["--check", "--listen", ":8080", "--plaintext", "--allow-exchange"]);
    let ran = command.env("JIRA_BROKER_TOKEN_FILE", tokens.as_os_str()).run().await.ok();
    let ran = ran.hides(&["canary", world.jira.client_secret()]);
    assert_eq!(
        ran.json(),
        json!({
            "listen": ["[::]:8080"],
            "admin_listen": null,
            "base_url": world.jira.base_url(),
            "client_id": world.jira.client_id(),
            "tls": false,
            "certificate_ends": null,
            "client_certificates": false,
            "callers": ["ci", "agent"],
            "exchange": true,
            "coordination": "off",
            "replay_ttl": 60.0,
            "rate_limit": 600,
        })
    );
    assert_eq!(world.requests(), [""; 0]);
    let flags = ["--check", "--replay-ttl", "0", "--rate-limit", "0"];
    let json = serve(&world, &flags).run().await.ok().json();
    assert_eq!((json["replay_ttl"].as_f64(), json["rate_limit"].as_u64()), (Some(0.0), Some(0)));
    assert_eq!(json["callers"], Value::Null);
}

#[tokio::test]
async fn check_takes_the_addresses_as_the_start_does() {
    let world = World::new().await;
    // Beside the broker that the settings are for, which goes on.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for flags in [["--listen", &address], ["--admin-listen", &address]] {
        let beside = serve(&world, &["--check", flags[0], flags[1]]).run().await.ok();
        assert!(beside.stderr.contains(r#""code":"port_busy""#) && beside.stderr.contains(&address));
    }
    // One that is taken hides neither that another is, nor that another cannot be had.
    let second = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = second.local_addr().unwrap().to_string();
    let beside = serve(&world, &["--check", "--listen", &address, "--admin-listen", &other]).run().await.ok();
    assert!(beside.stderr.contains(&address) && beside.stderr.contains(&other), "{}", beside.stderr);
    let foreign =
        serve(&world, &["--check", "--listen", &address, "--admin-listen", "192.0.2.1:0"]).run().await;
    assert!(foreign.failed(2, "bad_value").error()["message"].to_string().contains("192.0.2.1"));
    let foreign = serve(&world, &["--check", "--listen", "192.0.2.1:0", "--plaintext"]).run().await;
    let message = foreign.failed(2, "bad_value").error()["message"].clone();
    assert!(message.as_str().unwrap().contains("no address of this machine"), "{message}");
    let both = serve(&world, &["--check", "--listen", "127.0.0.1:8080", "--admin-listen", ":8080"]);
    both.run().await.failed(2, "bad_value");
}

#[tokio::test]
async fn check_looks_at_the_dates_of_the_certificate() {
    let world = World::new().await;
    let write = |from: i32, to: (i32, u8, u8)| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["broker.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to.0, to.1, to.2);
        fs::write(world.path("tls.crt"), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(world.path("tls.key"), key.serialize_pem()).unwrap();
    };
    let [certificate, key] = ["tls.crt", "tls.key"].map(|name| world.path(name).display().to_string());
    let flags = ["--listen", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key];
    let check = || serve(&world, &[&["--check"], &flags[..]].concat()).run();
    // It is the fourth of March 2026.
    write(2026, (2027, 1, 1));
    let good = check().await.ok();
    assert_eq!(good.json()["certificate_ends"], "2027-01-01T00:00:00Z");
    assert!(!good.stderr.contains("certificate"), "{}", good.stderr);
    write(2026, (2026, 3, 5));
    let soon = check().await.ok();
    assert!(soon.stderr.contains(r#""code":"certificate_ends""#), "{}", soon.stderr);
    assert!(soon.stderr.contains("2026-03-05T00:00:00Z"), "{}", soon.stderr);
    for (from, to, word) in [(2025, (2026, 3, 4), "has ended"), (2027, (2028, 1, 1), "not valid before")] {
        write(from, to);
        let message = check().await.failed(2, "bad_value").error()["message"].clone();
        assert!(
            message.as_str().unwrap().contains(word) && message.to_string().contains("tls.crt"),
            "{message}"
        );
        // A clock may be wrong, and the file may be better soon.
        let (live, ran) = serve(&world, &flags).start();
        let ending = async {
            wait(live.stdout.until(|text| serde_json::from_str::<Value>(text).ok())).await;
            live.signal(Signal::Terminate);
        };
        let (ran, ()) = wait(async { tokio::join!(ran, ending) }).await;
        let ran = ran.ok();
        assert!(ran.stderr.contains(r#""code":"certificate_invalid""#), "{}", ran.stderr);
    }
    let other = rcgen::KeyPair::generate().unwrap();
    fs::write(world.path("tls.key"), other.serialize_pem()).unwrap();
    let message = check().await.failed(2, "bad_value").error()["message"].clone();
    assert!(message.as_str().unwrap().contains("certificate and key"), "{message}");
}

#[tokio::test]
async fn a_list_of_callers_that_is_none_is_refused_by_its_line() {
    let world = World::new().await;
    let tokens = world.path("tokens");
    for (text, words) in [
        ("# ours\n\nbare-canary-token\n", "line 3 is no name=token"),
        ("ci=canary-token-1\nci=canary-token-2\nci=canary-token-3\n", "line 3 is a third token of one name"),
        ("ci=canary-token-1\nagent=canary-token-1\n", "line 2 repeats the token"),
    ] {
        fs::write(&tokens, text).unwrap();
        let command = serve(&world, &["--check"]).env("JIRA_BROKER_TOKEN_FILE", tokens.as_os_str());
        let refused = command.run().await.failed(2, "bad_value").hides(&["canary"]);
        let message = refused.error()["message"].clone();
        assert!(message.as_str().unwrap().contains(words), "{message}");
    }
}

/// A refresh by a broker that has been started, which is then asked to end; `before` the refresh.
async fn refreshed(live: &Live, token: &str, before: impl FnOnce()) -> Answer {
    let ready: Value = wait(live.stdout.until(|text| serde_json::from_str(text).ok())).await;
    before();
    let url = format!("http://{}/v1/refresh", ready["listen"][0].as_str().unwrap());
    let headers = [("content-type", "application/json")];
    let body = json!({ "refresh_token": token }).to_string();
    let answer = ask(&plain(), &url, Method::POST, &headers, body).await;
    live.signal(Signal::Terminate);
    answer
}

#[tokio::test]
async fn a_broker_says_where_it_stands_and_ends_with_0_when_it_is_asked_to() {
    let world = World::with(|options| options.confidential = Confidential::All).await;
    let (live, ran) = serve(&world, &["--listen", "127.0.0.1:0"]).start();
    let token = world.jira.mint_session("developer", Scope::Write).refresh_token;
    let (ran, answer) = wait(join(ran, refreshed(&live, &token, || {}))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let ran = ran.ok().hides(&[token.as_str(), world.jira.client_secret()]);
    let log: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = log.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["request", "draining", "drained", "ended"]);
}

#[tokio::test]
async fn a_broker_keeps_the_roots_that_it_was_started_with() {
    let world = World::with(|options| {
        options.confidential = Confidential::All;
        options.tls = true;
    })
    .await;
    let bundle = world.path("ca.pem");
    fs::write(&bundle, world.jira.certificate_pem().unwrap()).unwrap();
    let command = serve(&world, &["--listen", "127.0.0.1:0"]).env("JIRA_CA_BUNDLE", &bundle);
    let (live, ran) = command.start();
    let token = world.jira.mint_session("developer", Scope::Write).refresh_token;
    // Nobody has called so far.
    let gone = || fs::remove_file(&bundle).unwrap();
    let (ran, answer) = wait(join(ran, refreshed(&live, &token, gone))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    ran.ok();
}
