//! `jira broker serve` as a command: what it refuses to start with, `--check`, and what it says when it stands.

use std::net::TcpListener;

use http::Method;
use jira_oauth::process::Signal;
use jira_oauth::sandbox::{Confidential, Scope};
use serde_json::{Value, json};

use super::house::{ask, plain};
use crate::support::{Command, World, wait};

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
    std::fs::write(&blank, "  \n\n").unwrap();
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
    std::fs::write(&tokens, "# callers\nci=token-canary-1\nagent=token-canary-2\n").unwrap();
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
async fn a_broker_says_where_it_stands_and_ends_with_0_when_it_is_asked_to() {
    let world = World::with(|options| options.confidential = Confidential::All).await;
    let (live, ran) = serve(&world, &["--listen", "127.0.0.1:0"]).start();
    let token = world.jira.mint_session("developer", Scope::Write).refresh_token;
    let asking = async {
        let ready: Value = wait(live.stdout.until(|text| serde_json::from_str(text).ok())).await;
        let url = format!("http://{}/v1/refresh", ready["listen"][0].as_str().unwrap());
        let headers = [("content-type", "application/json")];
        let body = json!({ "refresh_token": token }).to_string();
        let answer = ask(&plain(), &url, Method::POST, &headers, body).await;
        live.signal(Signal::Terminate);
        answer
    };
    let (ran, answer) = wait(async { tokio::join!(ran, asking) }).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let ran = ran.ok().hides(&[token.as_str(), world.jira.client_secret()]);
    let log: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = log.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["request", "draining", "drained", "ended"]);
}
