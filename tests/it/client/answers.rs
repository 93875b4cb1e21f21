//! What is not Jira's JSON is judged by its status first; redirects and addresses in answers lead nowhere.

use http::StatusCode;
use jira_oauth::sandbox::{Action, Fault};

use crate::support::{Evil, World};

const MYSELF: &str = "/rest/api/2/myself";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Action {
    Action::Respond {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.to_owned().into(),
    }
}

#[tokio::test]
async fn every_status_with_a_page_or_with_jiras_json_has_its_code() {
    let world = World::new().await;
    world.logged_in().await;
    let html = |status| answer(status, &[("content-type", "text/html")], "<html>Sign in</html>");
    let json = |status| {
        let headers =
            [("content-type", "application/json"), ("x-ausername", "developer"), ("x-arequestid", "1x2x1")];
        answer(status, &headers, r#"{"errorMessages":["That is not allowed."],"errors":{}}"#)
    };
    for (action, exit, code, said) in [
        (html(200), 3, "sso_intercepted", None),
        (html(401), 3, "sso_intercepted", Some(401)),
        (html(403), 3, "sso_intercepted", Some(403)),
        (html(404), 1, "not_jira", Some(404)),
        (html(400), 1, "not_jira", Some(400)),
        (html(429), 4, "rate_limited", Some(429)),
        (html(500), 7, "server_error", Some(500)),
        (html(501), 7, "server_error", Some(501)),
        (json(400), 1, "bad_request", Some(400)),
        (json(403), 3, "forbidden", Some(403)),
        (json(404), 5, "not_found", Some(404)),
        (json(409), 1, "conflict", Some(409)),
        (json(413), 1, "too_large", Some(413)),
        (json(429), 4, "rate_limited", Some(429)),
        (json(500), 7, "server_error", Some(500)),
        (answer(200, &[("content-type", "application/json")], "{\"cut\":"), 1, "not_jira", None),
        (answer(400, &[("content-type", "text/plain")], "no"), 1, "not_jira", Some(400)),
    ] {
        let what = format!("{action:?}");
        world.jira.faults().add(Fault::on(MYSELF, action));
        let ran = world.run(&["whoami"]).await;
        let error = ran.error();
        assert_eq!((ran.code, error["code"].as_str()), (exit, Some(code)), "{what}: {ran}");
        assert_eq!(ran.stdout, "", "{what}");
        if let Some(said) = said {
            assert_eq!(error["status_code"], said, "{what}: {ran}");
        }
        if what.contains("1x2x1") && code != "rate_limited" {
            assert_eq!(
                (error["request_id"].as_str(), ran.stderr.contains("not allowed")),
                (Some("1x2x1"), true),
                "{ran}"
            );
        }
    }
    assert_eq!(world.jira.faults().pending(), 0);
    assert_eq!(world.refreshes(), 0, "none of these says that the token is dead");
}

#[tokio::test]
async fn no_redirect_is_followed_and_where_it_leads_says_what_it_is() {
    let (world, evil) = (World::new().await, Evil::start().await);
    let moved = format!("{}{MYSELF}", evil.url());
    let sso = format!("{}/sso?from={MYSELF}", evil.url());
    let secure = moved.replace("http:", "https:");
    for status in [301, 302, 303, 307, 308] {
        for (location, code) in [
            (moved.as_str(), "moved"),
            (&secure, "moved"),
            (&sso, "sso_intercepted"),
            ("/login.jsp?os_destination=%2F", "sso_intercepted"),
            ("//sso.example.com/", "sso_intercepted"),
            ("", "sso_intercepted"),
            ("\u{7f}:::", "sso_intercepted"),
        ] {
            world.jira.faults().add(Fault::on(MYSELF, answer(status, &[("location", location)], "")));
            let ran = world.with_token(&["whoami"]).run().await.failed(3, code);
            let message = ran.error()["message"].as_str().unwrap().to_owned();
            assert!(
                location.is_empty()
                    || location.starts_with('\u{7f}')
                    || message.contains("127.0.0.1")
                    || message.contains("sso.example.com"),
                "{ran}"
            );
        }
    }
    evil.saw_nothing().await;
}

#[tokio::test]
async fn addresses_in_answers_are_not_followed() {
    let evil = Evil::start().await;
    let base = evil.url();
    let world = World::with(|options| options.base_url_override = Some(base)).await;
    world.logged_in().await;
    let ran = world.run(&["whoami"]).await.ok();
    assert!(
        ran.json()["user"]["self"].as_str().unwrap().starts_with(&evil.url()),
        "Jira's JSON is passed on as it is"
    );
    for args in [
        &["get", "GAIA-1", "--comments", "3", "--expand", "changelog"][..],
        &["search", "project = GAIA", "--all", "--fields", "*all"],
        &["run", "--ref", "GAIA-1", "--comment", "hello"],
        &["token", "refresh"],
        &["logout"],
    ] {
        world.run(args).await.ok();
    }
    evil.saw_nothing().await;
}

#[tokio::test]
async fn what_is_no_key_gets_into_no_address() {
    let world = World::new().await;
    world.logged_in().await;
    for key in [
        "../myself?x=1#",
        "../../user",
        "GAIA-1/../../user",
        "GAIA-1%2F..",
        "%2e%2e",
        "GAIA-1?x",
        "GAIA-0",
        "-1",
        "GAIA",
    ] {
        world.run(&["get", "--key", key]).await.failed(2, "bad_key");
        world.run(&["get", "--", key]).await.failed(2, "bad_key");
    }
    assert_eq!(world.requests(), [""; 0]);
    world.run(&["get", "gaia-1"]).await.ok();
    assert!(world.requests()[0].starts_with("GET /rest/api/2/issue/GAIA-1?"), "{:?}", world.requests());
}

#[tokio::test]
async fn a_captcha_is_for_a_person_in_the_browser() {
    let world = World::new().await;
    world.logged_in().await;
    let denied = |status, name: &str, value: &str| {
        answer(status, &[(name, value), ("content-type", "text/html")], "<html>")
    };
    for action in [
        denied(401, "x-seraph-loginreason", "AUTHENTICATION_DENIED"),
        denied(403, "x-seraph-loginreason", "AUTHENTICATION_DENIED"),
        denied(
            403,
            "x-authentication-denied-reason",
            "CAPTCHA_CHALLENGE; login-url=https://jira.example.com/login.jsp",
        ),
    ] {
        world.jira.faults().add(Fault::on(MYSELF, action));
        world.run(&["whoami"]).await.failed(3, "captcha");
    }
    assert_eq!(world.refreshes(), 0, "a new token would not help");
}

#[tokio::test]
async fn a_wrong_context_path_is_not_jira() {
    let world = World::with(|options| options.context_path = "/jira".to_owned()).await;
    let wrong = world.jira.base_url().replace("/jira", "");
    let whoami =
        world.command(&["whoami", "--base-url", &wrong]).env("JIRA_TOKEN", world.jira.mint_pat("developer"));
    let ran = whoami.run().await.failed(1, "not_jira");
    assert!(ran.error()["message"].as_str().unwrap().contains("path"), "{ran}");
}

/// Jira's own page for what is not there names nobody, whoever asks for it.
#[tokio::test]
async fn a_wrong_path_behind_the_context_is_not_blamed_on_the_credential() {
    let world = World::new().await;
    for path in ["wrong", "secure"] {
        let base_url = format!("{}/{path}", world.jira.base_url());
        for whoami in [
            world.with_token(&["whoami", "--base-url", &base_url]),
            world
                .command(&["whoami", "--base-url", &base_url])
                .env("JIRA_USERNAME", "developer")
                .env("JIRA_PASSWORD", "developer"),
        ] {
            let ran = whoami.run().await.failed(1, "not_jira");
            assert!(ran.error()["message"].to_string().contains("path right"), "{ran}");
        }
    }
}
