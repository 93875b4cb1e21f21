//! The way through the browser, over every kind of callback, and how it can end.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use jira_oauth::sandbox::{Action, Confidential, Fault};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use url::Url;

use crate::support::{Conduct, World, authorize_of, callback_of, follow, free_port, visit, wait, web};

fn config_toml(world: &World) -> String {
    let text =
        world.config_toml().replace(world.jira.base_url(), "BASE").replace(&world.port.to_string(), "8085");
    regex_lite::Regex::new(r"127\.0\.0\.1-\d+").unwrap().replace(&text, "127.0.0.1-PORT").into_owned()
}

#[tokio::test]
async fn a_person_goes_through_the_browser_and_the_session_is_saved() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).person().browser(Conduct::Consents).start();
    let ran = ran.await;
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
      "expires_at": "2026-03-04T06:06:07Z",
      "refreshed_at": "2026-03-04T05:06:07Z",
      "idle_days_left": 90,
      "storage": "file",
      "broker_url": null
    }
    --- stderr
    Your browser opens the login page. If it does not, open this address:

      https://127.0.0.1:CALLBACK/start/NONCE

    It warns about a certificate once: that is this program's own, for the way back. Go on.
    "#);
    let steps = live.browser.steps().await;
    let seen: Vec<_> = steps.iter().map(|step| (step.url.path().to_owned(), step.status)).collect();
    assert!(
        seen[0].0.starts_with("/start/") && seen[0].1 == 303,
        "the certificate's warning comes first: {seen:?}"
    );
    assert_eq!(seen[1], ("/rest/oauth2/latest/authorize".to_owned(), 303));
    assert_eq!(seen[2], ("/callback".to_owned(), 200));
    assert!(steps[2].body.contains("You are logged in"));
    insta::assert_snapshot!(config_toml(&world), @r#"
    [sites."127.0.0.1-PORT"]
    base_url = "BASE"
    client_id = "c11e47"
    scope = "WRITE"
    storage = "file"
    callback_port = 8085
    "#);
    let whoami = world.run(&["whoami", "--base-url", world.jira.base_url()]).await.ok();
    assert_eq!(whoami.json()["user"]["name"], "developer");
    assert_eq!(world.jira.token_calls("authorization_code"), 1);
}

#[tokio::test]
async fn the_browser_gets_no_secret_in_its_environment() {
    let world = World::new().await;
    let command = world.login(&["--site", "other"]).person().browser(Conduct::Consents);
    let (live, ran) = command.env("JIRA_TOKEN", "canary").env("JIRA_BROKER_TOKEN", "canary").start();
    ran.await.ok();
    let environments = live.browser.environments();
    let names: Vec<&str> = environments[0].iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["BROWSER", "HOME", "JIRA_CONFIG_DIR", "JIRA_TOKEN_STORAGE", "PATH"]);
}

#[tokio::test]
async fn without_a_person_a_line_of_json_names_the_page() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).start();
    let (ran, last) = tokio::join!(ran, async { follow(live.login_url().await).await.pop().unwrap() });
    assert_eq!(last.status, 200);
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
      "expires_at": "2026-03-04T06:06:07Z",
      "refreshed_at": "2026-03-04T05:06:07Z",
      "idle_days_left": 90,
      "storage": "file",
      "broker_url": null
    }
    --- stderr
    {"login":{"url":"https://127.0.0.1:CALLBACK/start/NONCE","authorize_url":"http://127.0.0.1:PORT/rest/oauth2/latest/authorize?response_type=code&client_id=c11e47&state=STATE&code_challenge=CHALLENGE&code_challenge_method=S256&redirect_uri=https%3A%2F%2F127.0.0.1%3ACALLBACK%2Fcallback&scope=WRITE","expires_in":100,"opened":false}}
    "#);
}

#[tokio::test]
async fn the_callback_may_be_plain_http_on_localhost() {
    let world = World::new().await;
    let (live, ran) = world.login(&["--callback-https=false"]).start();
    let (ran, steps) = tokio::join!(ran, async {
        let url = live.login_url().await;
        assert!(url.as_str().starts_with(world.jira.base_url()), "no certificate, no detour: {url}");
        follow(url).await
    });
    ran.ok();
    assert_eq!(steps[1].url.host_str(), Some("localhost"));
}

#[tokio::test]
async fn the_callback_may_have_ones_own_certificate() {
    let world = World::new().await;
    let (certificate, key) = (world.path("cert.pem"), world.path("key.pem"));
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let own = ["--callback-cert", certificate.to_str().unwrap(), "--callback-key", key.to_str().unwrap()];
    let (live, ran) = world.login(&[&own[..], &["--callback-host", "localhost"]].concat()).start();
    let (ran, steps) = tokio::join!(ran, async {
        let url = live.login_url().await;
        assert!(
            url.as_str().starts_with(world.jira.base_url()),
            "a trusted certificate needs no detour: {url}"
        );
        follow(url).await
    });
    ran.ok();
    assert_eq!((steps[1].url.scheme(), steps[1].url.host_str()), ("https", Some("localhost")));
    let alone = world.login(&own[..2]).run().await.failed(2, "bad_value");
    assert!(alone.stderr.contains("--callback-key"), "{alone}");
    std::fs::write(&key, "canary").unwrap();
    let command = world.login(&[&own[..], &["--callback-host", "localhost"]].concat());
    command.run().await.failed(2, "bad_value").hides(&["canary"]);
}

#[tokio::test]
async fn a_registered_redirect_uri_is_used_letter_by_letter_and_remembered() {
    let uri = format!("http://localhost:{}/cb/", free_port());
    let world = World::with(|options| options.redirect_uris = vec![uri.clone()]).await;
    let (live, ran) = world.login(&["--redirect-uri", &uri]).start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    ran.ok();
    assert_eq!(world.sites().list()[0].redirect_uri.as_deref(), Some(uri.as_str()));
    let again = world.command(&["login", "--base-url", world.jira.base_url()]);
    let (live, ran) = again.start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    ran.ok();
}

#[tokio::test]
async fn jira_may_live_below_a_context_path() {
    let world = World::with(|options| options.context_path = "/jira".to_owned()).await;
    let (live, ran) = world.login(&[]).start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    let session = ran.ok().json();
    assert_eq!(session["base_url"], world.jira.base_url());
    assert!(world.jira.base_url().ends_with("/jira"));
    world.run(&["whoami", "--base-url", &format!("{}/", world.jira.base_url())]).await.ok();
}

#[tokio::test]
async fn a_busy_port_is_named_before_the_browser_opens() {
    let world = World::new().await;
    let _taken = TcpListener::bind(("127.0.0.1", world.port)).unwrap();
    let (live, ran) = world.login(&[]).person().browser(Conduct::Consents).start();
    let ran = ran.await.failed(1, "port_busy");
    assert!(ran.error()["message"].as_str().unwrap().contains(&world.port.to_string()), "{ran}");
    assert_eq!(live.browser.opened(), [""; 0]);
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn a_store_that_takes_no_session_is_told_before_the_browser_opens() {
    let world = World::new().await;
    std::fs::write(world.config_dir().join("sessions"), "a file where a directory belongs").unwrap();
    let (live, ran) = world.login(&[]).person().browser(Conduct::Consents).start();
    let ran = ran.await;
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(live.browser.opened(), [""; 0]);
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn a_scope_that_is_not_granted_is_named() {
    let world = World::new().await;
    let (live, ran) = world.login(&["--scope", "SYSTEM_ADMIN"]).start();
    let (ran, last) = tokio::join!(ran, async { follow(live.login_url().await).await.pop().unwrap() });
    let ran = ran.failed(3, "scope_missing");
    assert!(ran.error()["message"].as_str().unwrap().contains("SYSTEM_ADMIN"), "{ran}");
    assert!(last.body.contains("Access was not granted"));
    assert_eq!(world.config_toml(), "");
}

#[tokio::test]
async fn a_person_may_say_no() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).person().browser(Conduct::Denies).start();
    let ran = ran.await.failed(1, "login_denied");
    assert!(ran.error()["message"].as_str().unwrap().contains("access_denied"), "{ran}");
    assert!(live.browser.steps().await[0].body.contains("Access was not granted"));
    assert_eq!(world.jira.token_calls("authorization_code"), 0);
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_registered_ends_in_a_message_with_the_exact_one() {
    let world =
        World::with(|options| options.redirect_uris = vec!["https://127.0.0.1:1/callback".into()]).await;
    let (live, ran) = world.login(&["--timeout", "10s"]).start();
    let (ran, last) = tokio::join!(ran, async { follow(live.login_url().await).await.pop().unwrap() });
    assert!(
        last.status >= 400 && last.url.path().ends_with("/authorize"),
        "Jira shows it to the person alone"
    );
    let ran = ran.failed(3, "needs_person");
    let uri = format!("https://127.0.0.1:{}/callback", world.port);
    assert!(ran.error()["message"].as_str().unwrap().contains(&uri), "{ran}");
}

#[tokio::test]
async fn a_client_that_needs_its_secret_is_told_the_ways_on() {
    let world = World::with(|options| options.confidential = Confidential::All).await;
    let (live, ran) = world.login(&[]).start();
    let (ran, last) = tokio::join!(ran, async { follow(live.login_url().await).await.pop().unwrap() });
    assert!(last.body.contains("The login did not work"));
    let ran = ran.failed(1, "login_denied");
    let error = ran.error();
    let message = error["message"].as_str().unwrap();
    let ways = ["jira login --pat", "broker", "-Datlassian.oauth2.provider.validate.client.secret=false"];
    let places: Vec<_> =
        ways.iter().map(|way| message.find(way).unwrap_or_else(|| panic!("{way}: {ran}"))).collect();
    assert!(places.is_sorted(), "{ran}");
    assert_eq!(error["actor"], "admin");
    assert!(error["hint"].as_str().unwrap().starts_with("jira login --pat"), "{ran}");
}

#[tokio::test]
async fn a_code_that_came_too_late_is_said_to_be_that() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).start();
    let (ran, last) = tokio::join!(ran, async {
        let code = visit(live.authorize_url().await).await;
        world.advance(Duration::from_secs(11));
        let callback = Url::parse(code.headers["location"].to_str().unwrap()).unwrap();
        visit(callback).await
    });
    assert!(last.body.contains("The login did not work"));
    let ran = ran.failed(1, "login_denied");
    assert!(ran.error()["message"].as_str().unwrap().contains("too late"), "{ran}");
    assert_eq!(world.jira.token_calls("authorization_code"), 1, "never asked again");
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_is_not_asked_again() {
    let world = World::new().await;
    world
        .jira
        .faults()
        .add(Fault::on("/rest/oauth2/latest/token", Action::respond(503, "text/html", "<html>")));
    let (live, ran) = world.login(&[]).start();
    let (ran, _) = tokio::join!(ran, async { follow(live.login_url().await).await });
    ran.failed(7, "server_error");
    assert_eq!(world.jira.token_calls("authorization_code"), 1);
    assert_eq!(world.config_toml(), "");
}

#[tokio::test]
async fn the_redirected_url_may_be_pasted() {
    let world = World::new().await;
    let (live, ran) = world.login(&["--no-browser"]).person().start();
    let (ran, ()) = tokio::join!(ran, async {
        let page = live.stderr.until(|text| {
            let line = text.lines().find(|line| line.contains("/latest/authorize?"))?;
            Some(Url::parse(line.trim()).unwrap())
        });
        let page = wait(page).await;
        live.paste("");
        live.paste("what?");
        let code = visit(page.clone()).await;
        let location = code.headers["location"].to_str().unwrap().to_owned();
        live.paste(location.replace("127.0.0.1", "evil.example.com"));
        let mut forged = callback_of(&page, "code", "x");
        forged.set_query(Some("code=x&state=another"));
        live.paste(forged);
        live.paste(format!("  {location} "));
    });
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
      "expires_at": "2026-03-04T06:06:07Z",
      "refreshed_at": "2026-03-04T05:06:07Z",
      "idle_days_left": 90,
      "storage": "file",
      "broker_url": null
    }
    --- stderr
    Open this address in your browser:

      https://127.0.0.1:CALLBACK/start/NONCE

    If that browser runs on another machine, make a tunnel there first:

      ssh -L CALLBACK:127.0.0.1:CALLBACK THIS-MACHINE

    or open this address instead, and paste here what the address bar shows in the end:

      http://127.0.0.1:PORT/rest/oauth2/latest/authorize?response_type=code&client_id=c11e47&state=STATE&code_challenge=CHALLENGE&code_challenge_method=S256&redirect_uri=https%3A%2F%2F127.0.0.1%3ACALLBACK%2Fcallback&scope=WRITE

    \x1b[1;33mwarning:\x1b[0m that is not it: it does not begin with the redirect URI of this login
    \x1b[1;33mwarning:\x1b[0m that is not it: it does not begin with the redirect URI of this login
    \x1b[1;33mwarning:\x1b[0m that is not it: the state is not the one of this login
    "#);
    assert_eq!(live.browser.opened(), [""; 0]);
}

#[tokio::test]
async fn a_redirect_uri_elsewhere_needs_a_person_who_pastes() {
    let uri = "https://tools.example.com/jira";
    let world = World::with(|options| options.redirect_uris = vec![uri.to_owned()]).await;
    let alone = world.login(&["--redirect-uri", uri]).run().await;
    alone.failed(3, "needs_person");
    let (live, ran) = world.login(&["--redirect-uri", uri]).person().browser(Conduct::Dawdles).start();
    let (ran, ()) = tokio::join!(ran, async {
        let page = Url::parse(&live.browser.first().await).unwrap();
        let code = visit(page).await;
        live.paste(code.headers["location"].to_str().unwrap());
    });
    ran.ok();
}

#[tokio::test]
async fn over_ssh_no_browser_opens_and_the_tunnel_is_named_whole() {
    let world = World::new().await;
    let command = world.login(&[]).person();
    let ssh = command.env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.7 2222").env("USER", "ann");
    let (live, ran) = ssh.start();
    let (ran, ()) = tokio::join!(ran, async {
        let text = live.stderr.until(|text| text.contains("/start/").then(|| text.to_owned()));
        let text = wait(text).await;
        let tunnel = format!("ssh -L {0}:127.0.0.1:{0} -p 2222 ann@192.0.2.7\n", world.port);
        assert!(text.contains(&tunnel), "{text}");
        let page = text.split_whitespace().find(|word| word.contains("/start/")).unwrap();
        follow(Url::parse(page).unwrap()).await;
    });
    ran.ok();
    assert_eq!(live.browser.opened(), [""; 0]);
    let hostile = world.login(&["--timeout", "5s"]).person();
    let hostile = hostile.env("SSH_CONNECTION", "a b $(id) 22").env("USER", "$(id)").run().await;
    assert!(!hostile.stderr.contains("$(id)"), "{hostile}");
}

#[tokio::test]
async fn a_signal_before_the_browser_comes_back_ends_it_and_one_after_waits_for_the_session() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).start();
    let (ran, ()) = tokio::join!(ran, async {
        live.login_url().await;
        live.signal(jira_oauth::process::Signal::Interrupt);
    });
    assert_eq!(ran.code, 130, "{ran}");
    wait(async {
        // The listener is closed by a task of its own.
        while TcpListener::bind(("127.0.0.1", world.port)).is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;

    let gate = jira_oauth::sandbox::Gate::new();
    let slow = Fault::on("/rest/oauth2/latest/token", Action::ProcessThenHold(gate.clone()));
    world.jira.faults().add(slow);
    let (live, ran) = world.login(&[]).start();
    let (ran, _, ()) = tokio::join!(ran, async { follow(live.login_url().await).await }, async {
        gate.arrived(1).await;
        live.signal(jira_oauth::process::Signal::Interrupt);
        wait(live.stderr.until(|text| text.contains("\"saving\"").then_some(()))).await;
        gate.release();
    });
    assert_eq!(ran.code, 130, "{ran}");
    assert_eq!(world.place().session().await.unwrap().unwrap().scope.as_deref(), Some("WRITE"));
}

/// With the real program: whether there is a keyring is asked of the real system.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_a_keyring_the_session_goes_into_an_encrypted_file() {
    let world = World::new().await;
    let command = world.login(&[]).without("JIRA_TOKEN_STORAGE");
    let command = command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    let mut child = command.program().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut next =
        async || -> Value { serde_json::from_str(&wait(lines.next_line()).await.unwrap().unwrap()).unwrap() };
    assert_eq!(next().await["info"]["code"], "storage_file");
    let page = next().await["login"]["url"].as_str().unwrap().to_owned();
    follow(Url::parse(&page).unwrap()).await;
    let ended = wait(child.wait_with_output()).await.unwrap();
    let session: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((ended.status.code(), &session["storage"]), (Some(0), &json!("file")));
    let file = world.config_dir().join(format!("sessions/{}.enc", world.place().key));
    let bytes = std::fs::read(file).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("access_token"));
}

#[tokio::test]
async fn a_page_of_the_callback_is_fixed_text_with_strict_headers() {
    let world = World::new().await;
    let (live, ran) = world.login(&["--timeout", "10s"]).start();
    let (_, step) = tokio::join!(ran, async {
        let start = live.login_url().await;
        let first = web().get(start.clone()).send().await.unwrap();
        assert_eq!(first.headers()["referrer-policy"], "no-referrer");
        assert_eq!(first.headers()["cache-control"], "no-store");
        let _ = authorize_of(start.clone()).await;
        visit(start.join("/callback?code=%3Cscript%3E&state=%3Cscript%3E").unwrap()).await
    });
    assert_eq!(step.status, 400);
    assert!(!step.body.contains("<script") && !step.body.contains("%3C"));
    for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "cache-control"] {
        assert!(step.headers.contains_key(name), "{name}");
    }
}
