//! A Jira that demands the client's secret everywhere, a broker that has it, and a person's machine that does not:
//! the real binary on both sides, from the login to the logout.

use std::process::Stdio;

use ::http::Method;
use jiff::SignedDuration;
use jira_oauth::auth::session::Session;
use jira_oauth::http::{self, Request, Target};
use jira_oauth::sandbox::{Confidential, Options};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::canaries::free_port;
use crate::support::jira::{Home, Job, LONG, now, within};
use crate::support::served::Served;

const CALLER_TOKEN: &str = "canary-caller-token";

/// A broker in a process of its own, with a home of its own. Killed with the value.
struct Broker {
    url: String,
    _home: Home,
    _process: Child,
}

impl Broker {
    async fn in_front_of(sandbox: &Served) -> Broker {
        let home = Home::new()
            .env("JIRA_BASE_URL", sandbox.base_url())
            .env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id())
            .env("JIRA_OAUTH_CLIENT_SECRET", sandbox.client_secret())
            .env("JIRA_BROKER_TOKEN", CALLER_TOKEN);
        let mut command = home.command(&["broker", "serve", "--listen", "127.0.0.1:0", "--allow-exchange"]);
        let mut process = command.stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = String::new();
        let ready: Value = within("the broker", async {
            loop {
                said += &lines.next_line().await.unwrap().expect("the broker says that it stands");
                if let Ok(ready) = serde_json::from_str(&said) {
                    return ready;
                }
            }
        })
        .await;
        let listen = ready["listen"][0].as_str();
        let url = format!("http://{}", listen.unwrap_or_else(|| panic!("{ready}")));
        Broker { url, _home: home, _process: process }
    }
}

/// What the browser of a person does who is logged in to Jira: goes to the page, and back to where Jira sends it.
async fn goes_there_and_back(login: &mut Job) {
    let said = login.stderr_says("expires_in").await;
    let page = said.split("\"authorize_url\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let page = page.unwrap_or_else(|| panic!("{said}"));
    let browser = http::client(&http::Options { insecure: true, ..http::Options::default() });
    let go = |to| browser.send(Request::new(Method::GET, Target::new(to).unwrap(), LONG));
    let sent_back = go(page.parse().unwrap()).await.unwrap();
    let callback = sent_back.location().unwrap();
    assert!(callback.as_str().starts_with("https://127.0.0.1:"), "{callback}");
    assert!(go(callback).await.unwrap().status().is_success());
}

#[tokio::test]
async fn a_session_lives_through_the_broker_from_its_login_to_its_logout() {
    let port = free_port().to_string();
    let sandbox = Served::start(Options {
        confidential: Confidential::All,
        auto_approve: Some("developer".to_owned()),
        redirect_uris: vec![format!("https://127.0.0.1:{port}/callback")],
        ..Options::default()
    });
    let broker = Broker::in_front_of(&sandbox).await;
    let home = Home::new().env("JIRA_BASE_URL", sandbox.base_url()).env("JIRA_BROKER_TOKEN", CALLER_TOKEN);
    let id = sandbox.client_id();
    let login =
        ["login", "--storage=file", "--client-id", id, "--callback-port", &port, "--broker-url", &broker.url];
    let mut job = home.spawn(&login);
    goes_there_and_back(&mut job).await;
    let session = job.done().await.json();
    assert_eq!((&session["user"]["name"], &session["broker_url"]), (&json!("developer"), &json!(broker.url)));
    assert_eq!(sandbox.token_calls("authorization_code"), 2, "one without the secret, one with it");

    let place = home.place(&sandbox);
    let made = now() - SignedDuration::from_hours(2);
    let expired = |session| Session { refreshed_at: made, expires_at: Some(made), ..session };
    assert!(place.change(expired).await.unwrap());
    sandbox.expire_access_tokens();
    let jobs: Vec<_> = (0..50).map(|_| home.spawn(&["get", "GAIA-1", "--timeout=170s"])).collect();
    for job in jobs {
        assert_eq!(job.done().await.json()["key"], "GAIA-1");
    }
    assert_eq!(sandbox.token_calls("refresh_token"), 1, "fifty commands, one call");
    let access_token = place.session().await.unwrap().unwrap().access_token;

    let stranger = home.run(&["token", "refresh", "--broker-url", "http://127.0.0.1:1"]).await;
    stranger.failed("pinned", 3);
    let logged_out = home.run(&["logout"]).await.json();
    assert_eq!((&logged_out["removed"], &logged_out["revocation"]), (&json!(true), &json!("revoked")));
    let home = home.env("JIRA_TOKEN", access_token.expose());
    home.run(&["whoami"]).await.failed("token_rejected", 3);
}

#[tokio::test]
async fn a_caller_without_its_token_is_refused_before_jira_is_asked() {
    let sandbox = Served::start(Options { confidential: Confidential::All, ..Options::default() });
    let broker = Broker::in_front_of(&sandbox).await;
    let tokens = sandbox.mint_session("developer", jira_oauth::sandbox::Scope::Write);
    let home = Home::new();
    let output = home.path().join("handed-over");
    let home = home
        .env("CI", "true")
        .env("JIRA_BASE_URL", sandbox.base_url())
        .env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id())
        .env("JIRA_OAUTH_REFRESH_TOKEN", &tokens.refresh_token)
        .env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", output.to_str().unwrap())
        .env("JIRA_TOKEN_BROKER_URL", &broker.url);
    let refused = home.run(&["whoami"]).await;
    refused.failed("broker_refused", 3);
    assert!(refused.error()["request_id"].is_string(), "{refused:?}");
    let home = home.env("JIRA_BROKER_TOKEN", "another");
    home.run(&["whoami"]).await.failed("broker_refused", 3);
    assert_eq!(sandbox.token_calls("refresh_token"), 0);
    let home = home.env("JIRA_BROKER_TOKEN", CALLER_TOKEN);
    assert_eq!(home.run(&["whoami"]).await.json()["user"]["name"], "developer");
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
    let successor = std::fs::read_to_string(&output).unwrap();
    assert!(!successor.is_empty() && successor != tokens.refresh_token);
}
