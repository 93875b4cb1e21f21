//! Each thing that may be asked for, and what Jira's answers become.

use jira_oauth::sandbox::{Action, Confidential, Fault, Options};
use serde_json::json;

use super::house::{House, TOKEN};

#[tokio::test]
async fn a_refresh_token_becomes_a_pair_and_jira_sees_the_secret() {
    let house = House::usual().await;
    let token = house.token();
    let body = json!({
        "refresh_token": token,
        "client_id": house.jira.client_id(),
        "redirect_uri": house.jira.redirect_uris()[0],
    });
    let answer = house.post("/v1/refresh", &body).await;
    let pair = answer.pair();
    assert!(pair.expires_in > 3500 && pair.scope.as_deref() == Some("WRITE"));
    assert_ne!(pair.refresh_token.expose(), token);
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(
        (answer.header("cache-control"), answer.header("content-type")),
        ("no-store", "application/json")
    );
    let call = house.jira.log().pop().unwrap();
    assert_eq!(call.field("client_secret").as_deref(), Some(house.jira.client_secret()));
    assert_eq!(call.field("client_id").as_deref(), Some(house.jira.client_id()));
    assert_eq!(call.field("redirect_uri").as_deref(), Some(house.jira.redirect_uris()[0].as_str()));
    // The successor is good.
    house.refresh(pair.refresh_token.expose()).await.pair();
    let log = house.ended().await.text();
    for secret in [token.as_str(), pair.refresh_token.expose(), pair.access_token.expose()] {
        assert!(!log.contains(secret));
    }
    assert!(log.contains(&jira_oauth::secret::Secret::new(token).fingerprint()[..12]));
}

#[tokio::test]
async fn a_redirect_uri_that_was_not_said_is_not_sent() {
    let options =
        Options { confidential: Confidential::Refresh, strict_refresh_redirect: true, ..Options::default() };
    let house = House::before(options, |_| {}).await;
    assert_ne!(house.refresh(&house.token()).await.status, 200);
    let body = json!({ "refresh_token": house.token(), "redirect_uri": house.jira.redirect_uris()[0] });
    house.post("/v1/refresh", &body).await.pair();
}

#[tokio::test]
async fn oauth_errors_keep_their_meaning() {
    let house = House::usual().await;
    house.refresh(&house.dead_token()).await.refused(400, "invalid_grant");
    let respond = |status, body: &str| Action::respond(status, "application/json", body.to_owned());
    let limited = Action::Respond {
        status: http::StatusCode::TOO_MANY_REQUESTS,
        headers: vec![("retry-after".to_owned(), "17".to_owned())],
        body: "<html>".into(),
    };
    for (action, status, error) in [
        (respond(400, r#"{"error":"invalid_grant"}"#), 400, "invalid_grant"),
        (respond(401, r#"{"error":"invalid_client"}"#), 502, "invalid_client"),
        (respond(400, r#"{"error":"invalid_request"}"#), 502, "upstream_refused"),
        (respond(400, r#"{"error":"unauthorized_client"}"#), 502, "upstream_refused"),
        (respond(503, "<html>"), 503, "upstream_unavailable"),
        (respond(500, "{}"), 503, "upstream_unavailable"),
        (respond(500, r#"{"error":"invalid_grant"}"#), 503, "upstream_unavailable"),
        (respond(503, r#"{"error":"invalid_client"}"#), 503, "upstream_unavailable"),
        (respond(200, "<html>"), 503, "refresh_interrupted"),
        (Action::Drop, 503, "refresh_interrupted"),
        (limited, 503, "upstream_rate_limited"),
    ] {
        let what = format!("{action:?}");
        house.jira.faults().add(Fault::on(TOKEN, action));
        let answer = house.refresh(&house.token()).await;
        assert_eq!(answer.json()["error"], error, "{what}");
        answer.refused(status, error);
        if error == "upstream_rate_limited" {
            assert_eq!(answer.header("retry-after"), "17");
        }
    }
}

#[tokio::test]
async fn a_jira_that_redirects_is_not_followed() {
    let house = House::usual().await;
    let evil = crate::support::Evil::start().await;
    for status in [302, 307, 308] {
        house.jira.faults().add(Fault::on(
            TOKEN,
            Action::Respond {
                status: http::StatusCode::from_u16(status).unwrap(),
                headers: vec![("location".to_owned(), format!("{}{TOKEN}", evil.url()))],
                body: "".into(),
            },
        ));
        house.refresh(&house.token()).await.refused(503, "upstream_unavailable");
    }
    evil.saw_nothing().await;
}

#[tokio::test]
async fn a_jira_that_is_not_there_is_503_and_said_to_be_back_later() {
    let mut house = House::usual().await;
    let token = house.token();
    let jira = std::mem::replace(&mut house.jira, House::usual().await.jira);
    jira.stop().await;
    let answer = house.refresh(&token).await;
    answer.refused(503, "upstream_unavailable");
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn what_repeats_the_request_tells_nobody_the_secret() {
    let house = House::usual().await;
    let secret = house.jira.client_secret().to_owned();
    let token = house.token();
    for (error, status, code) in [
        ("invalid_grant", 400, "invalid_grant"),
        ("invalid_client", 502, "invalid_client"),
        ("invalid_request", 502, "upstream_refused"),
        ("another_word", 502, "upstream_refused"),
    ] {
        let echo = json!({
            "error": error,
            "error_description": format!("you sent client_secret={secret}&refresh_token={token}"),
        });
        let action = Action::respond(400, "application/json", echo.to_string());
        house.jira.faults().add(Fault::on(TOKEN, action));
        let answer = house.refresh(&token).await;
        answer.refused(status, code);
        assert!(!answer.text.contains(&secret) && !answer.text.contains(&token), "{}", answer.text);
    }
    // A host is made of it, and a host has no capitals.
    for sent in [&secret, &token] {
        let headers = vec![("location".to_owned(), format!("https://{sent}.example.com/"))];
        let status = http::StatusCode::TEMPORARY_REDIRECT;
        let action = Action::Respond { status, headers, body: "".into() };
        house.jira.faults().add(Fault::on(TOKEN, action));
        let answer = house.refresh(&token).await;
        answer.refused(503, "upstream_unavailable");
        assert!(answer.text.contains("redirect"), "{}", answer.text);
        assert!(!answer.text.to_lowercase().contains(&sent.to_lowercase()), "{}", answer.text);
    }
    let line = house.log.until(|line| line["code"] == "upstream_refused").await;
    let reason = line["reason"].as_str().unwrap();
    assert!(reason.contains("you sent client_secret=[secret]&refresh_token=[secret]"), "{reason}");
    let log = house.log.text();
    for sent in [&secret, &token] {
        assert!(!log.to_lowercase().contains(&sent.to_lowercase()), "{log}");
    }
}

#[tokio::test]
async fn a_secret_that_jira_refuses_is_said_to_be_the_brokers() {
    let house = House::with(|plan| plan.secret = Some(super::house::said("not-the-secret"))).await;
    house.refresh(&house.token()).await.refused(502, "invalid_client");
    assert_eq!(
        house
            .metric(r#"jira_broker_requests_total{route="refresh",result="failed",code="invalid_client"}"#)
            .await,
        1.0
    );
}

/// Jira says the same of a wrong secret and of a redirect URI that it does not know: the caller is told both.
#[tokio::test]
async fn a_redirect_uri_that_jira_does_not_know_is_not_said_to_be_a_wrong_secret() {
    let house = House::with(|plan| plan.settings.allow_exchange = true).await;
    let body = json!({
        "code": "no-code-of-jira",
        "code_verifier": "a".repeat(43),
        "redirect_uri": "https://127.0.0.1:1/not-registered",
    });
    let answer = house.post("/v1/exchange", &body).await;
    answer.refused(502, "invalid_client");
    let words = answer.json()["error_description"].to_string();
    assert!(words.contains("redirect_uri") && words.contains("does not tell which"), "{words}");
    let refused = |grant: &str| {
        format!(r#"jira_broker_upstream_requests_total{{grant="{grant}",outcome="invalid_client"}}"#)
    };
    assert_eq!(house.metric(&refused("exchange")).await, 1.0);
    assert_eq!(house.metric(&refused("refresh")).await, 0.0, "by which alone the alert goes");
}

#[tokio::test]
async fn codes_are_redeemed_only_where_that_was_allowed() {
    let body = json!({
        "code": "no-code-of-jira",
        "code_verifier": "a".repeat(43),
        "redirect_uri": "https://127.0.0.1:8085/callback",
    });
    let house = House::usual().await;
    house.post("/v1/exchange", &body).await.refused(403, "exchange_disabled");
    assert_eq!(house.jira.token_calls("authorization_code"), 0);
    let house = House::with(|plan| plan.settings.allow_exchange = true).await;
    let answer = house.post("/v1/exchange", &body).await;
    answer.refused(400, "invalid_grant");
    let call = house.jira.log().pop().unwrap();
    assert_eq!(call.field("grant_type").as_deref(), Some("authorization_code"));
    assert_eq!(call.field("client_secret").as_deref(), Some(house.jira.client_secret()));
    assert_eq!(call.field("code_verifier"), Some("a".repeat(43)));
    let good = r#"{"access_token":"a1","refresh_token":"r1","expires_in":7200,"scope":"WRITE"}"#;
    house.jira.faults().add(Fault::on(TOKEN, Action::respond(200, "application/json", good)));
    let pair = house.post("/v1/exchange", &body).await.pair();
    assert_eq!((pair.access_token.expose(), pair.expires_in), ("a1", 7200));
}

#[tokio::test]
async fn a_revoked_token_is_dead() {
    let house = House::usual().await;
    let token = house.token();
    let answer = house.post("/v1/revoke", &json!({ "refresh_token": token })).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "revocation": "revoked" })), "{answer:?}");
    house.refresh(&token).await.refused(400, "invalid_grant");
}
