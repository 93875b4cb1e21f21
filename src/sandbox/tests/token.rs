//! The token endpoint: codes, rotation, the client secret, and its ways to say no.

use super::*;

#[tokio::test]
async fn a_code_is_bound_to_everything_it_was_issued_for() {
    let sandbox = approving(Options::default()).await;
    let other_verifier = VERIFIER.replace('d', "e");
    for (changes, wanted) in [
        ([("code_verifier", Some(other_verifier.as_str()))], "invalid_grant"),
        ([("code_verifier", Some(CHALLENGE))], "invalid_grant"),
        ([("code_verifier", None)], "invalid_grant"),
        ([("redirect_uri", Some(OTHER_REDIRECT))], "invalid_grant"),
        ([("client_id", Some("another"))], "invalid_grant"),
    ] {
        let code = sandbox.code(&[]).await;
        assert_eq!(error(sandbox.exchange(&code, &changes).await).await, wanted, "{changes:?}");
        assert_eq!(error(sandbox.exchange(&code, &[]).await).await, "invalid_grant", "then it is burnt");
    }
    for (changes, wanted) in [
        ([("redirect_uri", Some("https://127.0.0.1:8085/other"))], "invalid_client"),
        ([("redirect_uri", None)], "invalid_request"),
        ([("code", None)], "invalid_request"),
        ([("code", Some("unknown"))], "invalid_request"),
        ([("client_id", Some(""))], "invalid_request"),
        ([("grant_type", None)], "invalid_request"),
        ([("grant_type", Some("client_credentials"))], "unsupported_grant_type"),
    ] {
        let code = sandbox.code(&[]).await;
        assert_eq!(error(sandbox.exchange(&code, &changes).await).await, wanted, "{changes:?}");
        tokens(sandbox.exchange(&code, &[]).await).await;
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_second_redemption_kills_what_the_first_one_brought() {
    let sandbox = approving(Options::default()).await;
    let code = sandbox.code(&[]).await;
    let (_, refresh_token) = tokens(sandbox.exchange(&code, &[]).await).await;
    let (access_token, refresh_token) = tokens(sandbox.refresh(&refresh_token, &[]).await).await;
    assert_eq!(sandbox.whoami(&access_token).await.0, 200);
    // Long after the code has expired, and after a refresh.
    sandbox.running.advance(Duration::from_secs(600));
    assert_eq!(error(sandbox.exchange(&code, &[]).await).await, "invalid_grant");
    assert_eq!(sandbox.whoami(&access_token).await, (401, "anonymous".to_owned()));
    assert_eq!(error(sandbox.refresh(&refresh_token, &[]).await).await, "invalid_grant");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_code_that_comes_too_late_is_an_invalid_request() {
    let sandbox = approving(Options::default()).await;
    let (early, late) = (sandbox.code(&[]).await, sandbox.code(&[]).await);
    sandbox.running.advance(Duration::from_secs(9));
    tokens(sandbox.exchange(&early, &[]).await).await;
    sandbox.running.advance(Duration::from_secs(1));
    assert_eq!(error(sandbox.exchange(&late, &[]).await).await, "invalid_request");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_refresh_kills_the_old_pair() {
    let sandbox = sandbox(Options::default()).await;
    let old = sandbox.running.mint_session("developer", Scope::Write);
    assert_eq!(sandbox.whoami(&old.access_token).await, (200, "developer".to_owned()));
    let (access_token, refresh_token) = tokens(sandbox.refresh(&old.refresh_token, &[]).await).await;
    assert_eq!(sandbox.whoami(&old.access_token).await, (401, "anonymous".to_owned()));
    assert_eq!(error(sandbox.refresh(&old.refresh_token, &[]).await).await, "invalid_grant");
    assert_eq!(sandbox.whoami(&access_token).await.0, 200, "reuse harms nobody else");
    tokens(sandbox.refresh(&refresh_token, &[]).await).await;
    assert_eq!(sandbox.running.token_calls("refresh_token"), 3);
    assert_eq!(sandbox.running.token_calls("authorization_code"), 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn of_many_refreshes_at_once_one_wins() {
    let sandbox = sandbox(Options::default()).await;
    let old = sandbox.running.mint_session("developer", Scope::Write);
    let calls = (0..20).map(|_| sandbox.refresh(&old.refresh_token, &[]));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn tokens_expire() {
    let sandbox = sandbox(Options::default()).await;
    let old = sandbox.running.mint_session("developer", Scope::Write);
    sandbox.running.advance(Duration::from_secs(3599));
    assert_eq!(sandbox.whoami(&old.access_token).await.0, 200);
    sandbox.running.advance(Duration::from_secs(1));
    assert_eq!(sandbox.whoami(&old.access_token).await, (401, "anonymous".to_owned()));
    let (access_token, refresh_token) = tokens(sandbox.refresh(&old.refresh_token, &[]).await).await;
    sandbox.running.expire_access_tokens();
    assert_eq!(sandbox.whoami(&access_token).await.0, 401);
    // 90 days from that refresh token's making, not from the log-in's.
    sandbox.running.advance(Duration::from_secs(90 * 24 * 3600 - 1));
    let (_, refresh_token) = tokens(sandbox.refresh(&refresh_token, &[]).await).await;
    sandbox.running.advance(Duration::from_secs(90 * 24 * 3600));
    assert_eq!(error(sandbox.refresh(&refresh_token, &[]).await).await, "invalid_grant");
    let last = sandbox.running.mint_session("developer", Scope::Write);
    let pat = sandbox.running.mint_pat("developer");
    sandbox.running.revoke_all();
    assert_eq!(sandbox.whoami(&last.access_token).await.0, 401);
    assert_eq!(sandbox.whoami(&pat).await.0, 401);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_redirect_uri_is_checked_on_refresh_where_that_is_said() {
    let sandbox = sandbox(Options { strict_refresh_redirect: true, ..Options::default() }).await;
    let token = sandbox.running.mint_session("developer", Scope::Write).refresh_token;
    assert_eq!(error(sandbox.refresh(&token, &[]).await).await, "invalid_grant");
    let other = [("redirect_uri", OTHER_REDIRECT)];
    assert_eq!(error(sandbox.refresh(&token, &other).await).await, "invalid_grant");
    tokens(sandbox.refresh(&token, &[("redirect_uri", REDIRECT)]).await).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn the_secret_is_demanded_where_the_client_is_confidential() {
    for (confidential, on_exchange, on_refresh) in [
        (Confidential::Off, false, false),
        (Confidential::Refresh, false, true),
        (Confidential::All, true, true),
    ] {
        let sandbox = approving(Options { confidential, ..Options::default() }).await;
        let secret = sandbox.running.client_secret().to_owned();
        let code = sandbox.code(&[]).await;
        for wrong in [None, Some("wrong")].into_iter().filter(|_| on_exchange) {
            let response = sandbox.exchange(&code, &[("client_secret", wrong)]).await;
            assert_eq!(error(response).await, "invalid_client", "{confidential:?}");
        }
        let right = on_exchange.then_some(secret.as_str());
        let (_, token) = tokens(sandbox.exchange(&code, &[("client_secret", right)]).await).await;
        if on_refresh {
            assert_eq!(error(sandbox.refresh(&token, &[]).await).await, "invalid_client");
            let wrong = [("client_secret", "wrong")];
            assert_eq!(error(sandbox.refresh(&token, &wrong).await).await, "invalid_client");
            tokens(sandbox.refresh(&token, &[("client_secret", &secret)]).await).await;
        } else {
            tokens(sandbox.refresh(&token, &[("client_secret", "not looked at")]).await).await;
        }
        // What is wrong with the grant is said first.
        let response = sandbox.exchange("unknown", &[("client_secret", Some("wrong"))]).await;
        assert_eq!(error(response).await, "invalid_request");
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn what_jira_has_not_foreseen_is_a_500_of_another_shape() {
    let sandbox = approving(Options::default()).await;
    let url = sandbox.url("/rest/oauth2/latest/token");
    let json_body = sandbox
        .http
        .post(&url)
        .header("content-type", "application/json")
        .body(r#"{"grant_type":"refresh_token"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(json_body.status(), 500);
    assert!(json(json_body).await["errors"][0].as_str().unwrap().contains("@FormParam"));
    let response = sandbox.refresh("no-jws", &[]).await;
    assert_eq!(response.status(), 500);
    let body = json(response).await;
    assert!(body["errors"].is_array() && body["fieldErrors"].is_object() && body.get("error").is_none());
    // Parameters in the query would be in every access log.
    let query = format!("{url}?grant_type=refresh_token&refresh_token=a.b.c&client_id=x");
    assert_eq!(
        error(sandbox.http.post(query).form(&[("a", "b")]).send().await.unwrap()).await,
        "invalid_request"
    );
    let twice = [("grant_type", "refresh_token")];
    assert_eq!(error(sandbox.refresh("a.b.c", &twice).await).await, "invalid_request");
    let unknown = sandbox.running.mint_session("developer", Scope::Read).access_token;
    assert_eq!(
        error(sandbox.refresh(&unknown, &[]).await).await,
        "invalid_grant",
        "the wrong one of the pair"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn revoking_needs_a_secret_and_ends_the_pair() {
    let sandbox = sandbox(Options { confidential: Confidential::All, ..Options::default() }).await;
    let url = sandbox.url("/rest/oauth2/latest/revoke");
    let (id, secret) = (sandbox.running.client_id(), sandbox.running.client_secret());
    let revoke = async |form: &[(&str, &str)]| {
        let mut form = form.to_vec();
        form.push(("client_id", id));
        sandbox.http.post(&url).form(&form).send().await.unwrap()
    };
    let by_refresh = sandbox.running.mint_session("developer", Scope::Write);
    let by_access = sandbox.running.mint_session("developer", Scope::Write);
    let token = ("token", by_refresh.refresh_token.as_str());
    assert_eq!(error(revoke(&[token]).await).await, "invalid_request");
    assert_eq!(error(revoke(&[token, ("client_secret", " ")]).await).await, "invalid_request");
    assert_eq!(error(revoke(&[token, ("client_secret", "wrong")]).await).await, "invalid_client");
    let hint = ("token_type_hint", "id_token");
    let right = ("client_secret", secret);
    assert_eq!(error(revoke(&[token, right, hint]).await).await, "unsupported_token_type");
    assert_eq!(sandbox.whoami(&by_refresh.access_token).await.0, 200);
    for token in [token, ("token", &by_access.access_token), ("token", "unknown")] {
        let response = revoke(&[token, right]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.unwrap(), "");
    }
    assert_eq!(sandbox.whoami(&by_refresh.access_token).await.0, 401);
    let dead = sandbox.refresh(&by_access.refresh_token, &[("client_secret", secret)]).await;
    assert_eq!(error(dead).await, "invalid_grant");
    sandbox.stop().await;
}
