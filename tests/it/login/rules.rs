//! When a login may happen at all, as whom, and what it says of what changed.

use jira_oauth::config::{BaseUrl, Scope, Site, SiteName, StorageKind};
use jira_oauth::sandbox::{self, Action, Fault};
use serde_json::json;

use crate::support::{Conduct, SITE, World, follow};

const REAL: &str = "https://jira.example.com";

/// A world that knows a Jira which is not on this machine.
async fn with_a_real_site(scope: Scope) -> World {
    let world = World::new().await;
    let name = SiteName::parse("work").unwrap();
    let site = Site {
        client_id: Some(world.client_id()),
        scope: Some(scope),
        storage: Some(StorageKind::File),
        callback_port: Some(world.port),
        ..Site::new(name, BaseUrl::parse(REAL, false).unwrap())
    };
    world.sites().upsert(&site, true).await.unwrap();
    world
}

#[tokio::test]
async fn alone_nobody_logs_in_where_nobody_did_before() {
    let world = World::new().await;
    let ran = world.run(&["login", "--base-url", REAL, "--client-id", "abc"]).await;
    assert_eq!(ran.failed(3, "needs_person").error()["hint"], "jira login --help");
    let agent = world.command(&["login", "--base-url", REAL, "--client-id", "abc"]).person();
    agent.env("CLAUDECODE", "1").run().await.failed(3, "needs_person");
    assert_eq!(world.config_toml(), "");
}

#[tokio::test]
async fn alone_nobody_asks_for_another_client_or_a_wider_scope() {
    let world = with_a_real_site(Scope::Read).await;
    let wider = world.run(&["login", "--scope", "WRITE"]).await.failed(3, "needs_person");
    assert!(wider.stderr.contains("wider scope"), "{wider}");
    assert_eq!(wider.error()["hint"], "jira login --site work --scope READ");
    let other = world.run(&["login", "--client-id", "other"]).await.failed(3, "needs_person");
    assert!(other.stderr.contains("client ID"), "{other}");
    world.run(&["login", "--pat"]).await.failed(3, "needs_person");
}

/// What is on loopback may be a real Jira at the end of a tunnel.
#[tokio::test]
async fn on_loopback_too_a_session_is_widened_by_a_person_alone() {
    let world = World::new().await;
    world.logged_in_as("developer", Scope::Read).await;
    world.remember(|site| site.scope = Some(Scope::Read)).await;
    let url = world.jira.base_url();
    let client = ["login", "--base-url", url, "--site", SITE, "--client-id", "other"];
    for login in [
        world.login(&["--site", SITE, "--scope", "WRITE"]),
        world.login(&["--site", "another", "--scope", "WRITE"]),
        world.command(&client),
    ] {
        login.person().env("CLAUDECODE", "1").run().await.failed(3, "needs_person");
    }
    assert_eq!(world.requests(), [""; 0]);
    let person = world.login(&["--site", SITE, "--scope", "WRITE"]).person().browser(Conduct::Consents);
    assert_eq!(person.run().await.ok().json()["scope"], "WRITE");
}

#[tokio::test]
async fn alone_a_login_may_renew_what_there_is() {
    let world = with_a_real_site(Scope::Write).await;
    for args in [&["login", "--timeout", "4s"][..], &["login", "--timeout", "4s", "--scope", "READ"]] {
        // The page is opened, and nobody comes: that needs a person, and no second try.
        let ran = world.run(args).await.failed(3, "needs_person");
        assert!(ran.stderr.starts_with("{\"login\":{\"url\":\"https://127.0.0.1:"), "{ran}");
    }
    let kept = world.run(&["login", "--timeout", "4s"]).await;
    assert!(kept.stderr.contains("scope=WRITE"), "the scope that the site has: {kept}");
}

#[tokio::test]
async fn a_login_refuses_while_a_credential_stands_in_the_environment() {
    let world = World::new().await;
    for variable in ["JIRA_TOKEN", "JIRA_PASSWORD", "JIRA_OAUTH_REFRESH_TOKEN"] {
        let ran = world.login(&[]).env(variable, "canary").run().await.failed(2, "bad_value");
        assert!(ran.hides(&["canary"]).stderr.contains(variable));
    }
    let (live, ran) = world.login(&["--site", "mine"]).env("JIRA_TOKEN", "canary").start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    assert_eq!(ran.ok().json()["site"], "mine");
}

#[tokio::test]
async fn without_a_client_id_the_message_is_the_request_to_the_administrator() {
    let world = World::new().await;
    insta::assert_snapshot!(world.run(&["login", "--base-url", REAL]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"no_client_id","message":"no client ID: have the administrator of https://jira.example.com create an incoming application link (Administration, Applications, Application links, Create link, External application, Incoming) with the redirect URL https://127.0.0.1:PORT/callback exactly so and the permission Write, and send you its client ID; then say it with --client-id. A personal access token needs none: jira login --pat","hint":"jira login --help","exit_code":2,"retryable":false,"actor":"user"}}
    "#);
    let uri = ["login", "--base-url", REAL, "--redirect-uri", "https://tools.example.com/jira"];
    let ran = world.run(&uri).await.failed(2, "no_client_id");
    assert!(ran.stderr.contains(" https://tools.example.com/jira "), "{ran}");
    world.run(&["login"]).await.failed(2, "no_base_url");
    world.run(&["login", "--base-url", "https://acme.atlassian.net"]).await.failed(2, "cloud_url");
}

#[tokio::test]
async fn another_user_or_scope_than_before_is_said() {
    let world = World::new().await;
    world.logged_in_as("lead", Scope::Write).await;
    let granted = world.jira.mint_session("developer", sandbox::Scope::Read);
    let body = json!({
        "access_token": granted.access_token,
        "refresh_token": granted.refresh_token,
        "expires_in": 3600,
        "scope": "READ",
    });
    let answer = Action::respond(200, "application/json", body.to_string());
    world.jira.faults().add(Fault::on("/rest/oauth2/latest/token", answer));
    let (live, ran) = world.login(&[]).start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    let ran = ran.ok();
    assert_eq!(ran.warnings(), ["another_user", "another_scope"]);
    assert!(ran.stderr.contains("lead") && ran.stderr.contains("developer"), "{ran}");
    assert_eq!((&ran.json()["scope"], &ran.json()["site"]), (&json!("READ"), &json!(SITE)));
}

#[tokio::test]
async fn a_second_session_for_the_same_jira_stands_beside_the_first() {
    let world = World::new().await;
    world.logged_in().await;
    let (live, ran) = world.login(&["--site", "agent", "--scope", "READ"]).start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    assert_eq!((&ran.json()["site"], &ran.json()["scope"]), (&json!("agent"), &json!("READ")));
    let scope =
        async |site: &str| world.run(&["token", "status", "--site", site]).await.ok().json()["scope"].clone();
    assert_eq!((scope("agent").await, scope(SITE).await), (json!("READ"), json!("WRITE")));
    world.run(&["whoami", "--site", "agent"]).await.ok();
    assert_eq!(world.run(&["logout", "--site", "agent"]).await.ok().json()["removed"], true);
    world.run(&["whoami", "--site", SITE]).await.ok();
    world.run(&["whoami", "--site", "agent"]).await.failed(3, "not_logged_in");
}

#[tokio::test]
async fn a_login_that_trusts_something_else_asks_for_the_host_name() {
    let world = World::new().await;
    world.logged_in().await;
    let broker = ["--broker-url", "https://broker.example.com"];
    let alone = world.login(&broker).run().await.failed(3, "pinned");
    assert!(alone.stderr.contains("https://broker.example.com"), "{alone}");
    let wrong =
        world.login(&broker).person().answer("broker: none → https://broker.example.com", "yes").run().await;
    wrong.failed(3, "pinned");
    assert_eq!(world.stored().await.trust.broker_url, None);
    let agreed =
        world.login(&broker).person().browser(Conduct::Consents).answer("Type the host name", "127.0.0.1");
    let ran = agreed.run().await.ok();
    assert_eq!(ran.json()["broker_url"], "https://broker.example.com");
    assert_eq!(world.stored().await.trust.broker_url.as_deref(), Some("https://broker.example.com"));
}
