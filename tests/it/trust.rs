//! The environment belongs to whoever started the process: what it names besides what the session trusts is
//! refused or passed over, and nothing goes there (threat 5).

use std::fs;
use std::time::Duration;

use http::Method;
use jira_oauth::http::{Options, Request, Roots, Target, client};
use serde_json::json;

use crate::support::{Evil, SITE, World, follow, wait};

/// Every command that has a use for the session.
const COMMANDS: [&[&str]; 5] = [
    &["whoami"],
    &["token", "refresh"],
    &["get", "GAIA-1"],
    &["search", "project = GAIA"],
    &["run", "--ref", "GAIA-1", "--comment", "hello"],
];

#[tokio::test]
async fn another_broker_is_refused_by_every_command() {
    let (world, evil) = (World::new().await, Evil::start().await);
    world.logged_in().await;
    world.advance(std::time::Duration::from_secs(3600));
    for args in COMMANDS {
        for variable in ["JIRA_TOKEN_BROKER_URL", "INPUT_BROKER_URL"] {
            let ran = world.command(args).env(variable, evil.url()).run().await.failed(3, "pinned");
            assert_eq!(
                ran.error()["hint"],
                format!("jira site set sandbox broker-url {}", evil.url()),
                "{ran}"
            );
        }
        let flag = world.run(&[args, &["--broker-url", &evil.url()]].concat()).await;
        flag.failed(3, "pinned");
    }
    let print = world.command(&["token", "print", "--confirm"]).person();
    assert_eq!(print.env("JIRA_TOKEN_BROKER_URL", evil.url()).run().await.failed(3, "pinned").stdout, "");
    let remembered = jira_oauth::config::BaseUrl::parse(&evil.url(), false).unwrap();
    world.remember(|site| site.broker_url = Some(remembered)).await;
    world.run(&["whoami"]).await.failed(3, "pinned");
    evil.saw_nothing().await;
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn other_roots_or_none_are_refused_by_every_command() {
    let world = World::new().await;
    world.logged_in().await;
    let bundle = world.path("evil.pem");
    fs::write(&bundle, "").unwrap();
    let bundle = bundle.to_str().unwrap();
    for args in COMMANDS {
        for (variable, value) in [
            ("JIRA_CA_BUNDLE", bundle),
            ("INPUT_CA_BUNDLE", bundle),
            ("JIRA_INSECURE", "1"),
            ("INPUT_INSECURE", "true"),
        ] {
            world.command(args).env(variable, value).run().await.failed(3, "pinned");
        }
        world.run(&[args, &["--ca-bundle", bundle]].concat()).await.failed(3, "pinned");
        world.run(&[args, &["--insecure"]].concat()).await.failed(3, "pinned");
    }
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn the_systems_other_roots_are_passed_over_with_a_warning() {
    let world = World::new().await;
    world.logged_in().await;
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let ran = world.command(&["whoami"]).env(variable, world.path("work")).run().await.ok();
        assert_eq!(ran.warnings(), ["passed_over"]);
        assert!(ran.stderr.contains(variable), "{ran}");
    }
}

#[tokio::test]
async fn what_was_insecure_must_say_so_each_time() {
    let world = World::new().await;
    world.logged_in().await;
    world.change_session(|session| session.trust.insecure = true).await;
    world.run(&["whoami"]).await.failed(3, "pinned");
    world.run(&["whoami", "--insecure"]).await.ok();
    let (live, ran) = world.login(&["--site", "other"]).start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    ran.ok();
    assert!(!world.config_toml().contains("insecure = true"), "{}", world.config_toml());
}

#[tokio::test]
async fn no_proxy_sees_what_goes_to_a_loopback_host() {
    let (world, evil) = (World::new().await, Evil::start().await);
    world.logged_in().await;
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let ran = world.command(&["whoami"]).env(variable, evil.url()).run().await.ok();
        assert_eq!(ran.stderr, "");
        let token = world.jira.mint_pat("developer");
        let bearer = world.command(&["whoami", "--base-url", world.jira.base_url()]);
        bearer.env("JIRA_TOKEN", token).env(variable, evil.url()).run().await.ok();
    }
    evil.saw_nothing().await;
}

#[tokio::test]
async fn another_proxy_on_an_unprotected_connection_is_refused() {
    let (world, evil) = (World::new().await, Evil::start().await);
    let base = ["--base-url", "http://jira.example.com", "--insecure"];
    let login = world.command(&[&["login", "--pat"], &base[..]].concat()).person();
    let login = login.env("HTTP_PROXY", world.jira.base_url());
    login.answer("Personal access token", world.jira.mint_pat("developer")).run().await.ok();
    let whoami = || world.command(&[&["whoami"], &base[..]].concat());
    whoami().env("HTTP_PROXY", world.jira.base_url()).run().await.ok();
    whoami().env("http_proxy", evil.url()).run().await.failed(3, "pinned");
    whoami().env("ALL_PROXY", evil.url()).run().await.failed(3, "pinned");
    whoami().run().await.failed(3, "pinned");
    evil.saw_nothing().await;
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_gets_nothing() {
    let world = World::with(|options| options.tls = true).await;
    let token = world.jira.mint_pat("developer");
    let bundle = world.path("ca.pem");
    fs::write(&bundle, world.jira.certificate_pem().unwrap()).unwrap();
    let whoami = || world.command(&["whoami", "--base-url", world.jira.base_url()]).env("JIRA_TOKEN", &token);
    let refused = whoami().run().await.failed(1, "tls_untrusted").hides(&[&token]);
    assert!(refused.error()["message"].as_str().unwrap().contains("--ca-bundle"), "{refused}");
    assert_eq!(world.requests(), [""; 0]);
    whoami().env("JIRA_CA_BUNDLE", &bundle).run().await.ok();
    whoami().env("SSL_CERT_FILE", &bundle).run().await.ok();
    whoami().env("JIRA_INSECURE", "1").run().await.ok();
    let absent = whoami().env("JIRA_CA_BUNDLE", "/nonexistent.pem").run().await.failed(2, "bad_value");
    assert!(absent.stderr.contains("/nonexistent.pem"), "{absent}");
}

#[tokio::test]
async fn roots_that_could_not_be_read_are_read_the_next_time() {
    let world = World::with(|options| options.tls = true).await;
    let path = world.path("ca.pem");
    let roots = Roots { extra: Some(path.clone()), ..Roots::default() };
    let client = client(&Options { roots, ..Options::default() });
    let ask = || {
        let url = format!("{}/rest/api/2/serverInfo", world.jira.base_url());
        let target = Target::new(url.parse().unwrap()).unwrap();
        client.send(Request::new(Method::GET, target, Duration::from_secs(100)))
    };
    let missing = wait(ask()).await.unwrap_err().to_string();
    assert!(missing.contains("ca.pem"), "{missing}");
    fs::write(&path, world.jira.certificate_pem().unwrap()).unwrap();
    assert_eq!(wait(ask()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_root_is_found_in_a_bundle_that_many_hands_have_written() {
    let world = World::with(|options| options.tls = true).await;
    let (token, path) = (world.jira.mint_pat("developer"), world.path("bundle.pem"));
    let whoami = || world.command(&["whoami", "--base-url", world.jira.base_url()]).env("JIRA_TOKEN", &token);
    let own = world.jira.certificate_pem().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let others =
        rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let others = others.pem();
    let (cut, windows) = (&others[..others.len() / 2], others.replace('\n', "\r\n"));

    let found = format!("# Ours\r\n{windows}{cut}\n{}\njunk\n{own}{cut}", key.serialize_pem());
    fs::write(&path, found).unwrap();
    whoami().env("SSL_CERT_FILE", &path).run().await.ok();

    let trusted = own.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let cut_off = &own[..own.len() - 30];
    let missing = format!("{windows}{trusted}{}{cut_off}", own.replace("MI", "!!"));
    fs::write(&path, missing).unwrap();
    whoami().env("SSL_CERT_FILE", &path).run().await.failed(1, "tls_untrusted").hides(&[&token]);

    fs::write(&path, trusted).unwrap();
    let none = whoami().env("SSL_CERT_FILE", &path).run().await.failed(2, "bad_value").hides(&[&token]);
    assert!(none.stderr.contains("holds no certificate"), "{none}");
}

#[tokio::test]
async fn the_roots_of_the_login_are_the_sessions_and_no_variable_is_needed() {
    let world = World::with(|options| options.tls = true).await;
    let bundle = world.path("ca.pem");
    fs::write(&bundle, world.jira.certificate_pem().unwrap()).unwrap();
    let (live, ran) = world.login(&["--site", SITE, "--ca-bundle", bundle.to_str().unwrap()]).start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    ran.ok();
    assert_eq!(world.run(&["whoami", "--site", SITE]).await.ok().json()["user"]["name"], "developer");
    world.run(&["token", "refresh", "--site", SITE]).await.ok();
    let asked = world.command(&["whoami", "--site", SITE]).env("JIRA_CA_BUNDLE", &bundle).run().await;
    asked.ok();
}

#[tokio::test]
async fn a_logout_asks_nobody_that_the_session_does_not_trust() {
    let (world, evil) = (World::new().await, Evil::start().await);
    world.logged_in().await;
    let logout = world.command(&["logout"]).env("JIRA_TOKEN_BROKER_URL", evil.url()).run().await.ok();
    assert_eq!((&logout.json()["removed"], &logout.json()["revocation"]), (&json!(true), &json!("failed")));
    evil.saw_nothing().await;
    assert!(world.place().session().await.unwrap().is_none());
    let again = world.run(&["logout"]).await.ok().json();
    assert_eq!((&again["removed"], &again["revocation"]), (&json!(false), &json!("unsupported")));
}

#[tokio::test]
async fn the_token_endpoint_stands_below_the_base_url_whatever_is_set() {
    let (world, evil) = (World::new().await, Evil::start().await);
    world.logged_in().await;
    world.advance(std::time::Duration::from_secs(3600));
    let mut command = world.command(&["whoami"]);
    for variable in [
        "JIRA_OAUTH_TOKEN_URL",
        "JIRA_TOKEN_URL",
        "OAUTH_TOKEN_URL",
        "JIRA_OAUTH_AUTHORIZE_URL",
        "TOKEN",
        "BASE_URL",
    ] {
        command = command.env(variable, evil.url());
    }
    command.run().await.ok();
    evil.saw_nothing().await;
}
