//! The authorize request: what is shown, what is redirected, what is granted.

use super::*;

#[tokio::test]
async fn what_puts_the_redirect_in_doubt_is_shown_and_never_redirected() {
    // Even where everybody is approved at once.
    let sandbox = approving(Options::default()).await;
    for changes in [
        [("client_id", Some("another"))],
        [("client_id", Some(""))],
        [("client_id", None)],
        [("redirect_uri", None)],
        [("redirect_uri", Some("https://127.0.0.1:8085/callback/"))],
        [("redirect_uri", Some("https://127.0.0.1:8086/callback"))],
        [("redirect_uri", Some("https://localhost:8085/callback"))],
        [("redirect_uri", Some("http://127.0.0.1:8085/callback"))],
        [("redirect_uri", Some("HTTPS://127.0.0.1:8085/callback"))],
        [("redirect_uri", Some("https://127.0.0.1:8085/callback?a=b"))],
        [("response_type", Some(" "))],
        [("scope", Some(""))],
        [("state", Some(""))],
        [("code_challenge", None)],
        [("code_challenge", Some("short"))],
        [("code_challenge_method", Some("sha256"))],
    ] {
        let response = sandbox.get(&sandbox.authorize_path(&changes)).send().await.unwrap();
        assert_eq!(response.status(), 400, "{changes:?}");
        assert_eq!(header(&response, "location"), "", "{changes:?}");
        assert!(header(&response, "content-type").starts_with("text/html"), "{changes:?}");
    }
    let twice = format!("{}&state=other", sandbox.authorize_path(&[]));
    assert_eq!(sandbox.get(&twice).send().await.unwrap().status(), 400);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_wrong_besides_goes_to_the_client() {
    let sandbox = approving(Options::default()).await;
    for (changes, wanted) in [
        ([("scope", Some("read:jira-work"))], "invalid_scope"),
        ([("scope", Some("write"))], "invalid_scope"),
        ([("scope", Some("READ SYSTEM_ADMIN"))], "invalid_scope"),
        ([("scope", Some("READ,WRITE"))], "invalid_scope"),
        ([("response_type", Some("token"))], "unsupported_response_type"),
    ] {
        let response = sandbox.get(&sandbox.authorize_path(&changes)).send().await.unwrap();
        let (target, params) = location(&response);
        assert_eq!(target, REDIRECT);
        assert_eq!(params["error"], wanted, "{changes:?}");
        assert_eq!(params["state"], "a state & more");
        assert!(!params.contains_key("code"));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn an_approved_request_brings_a_code_that_buys_what_was_asked_for() {
    let sandbox = approving(Options::default()).await;
    for (scope, redirect) in [("READ", OTHER_REDIRECT), ("WRITE READ", REDIRECT), ("ADMIN", REDIRECT)] {
        let changes = [("scope", Some(scope)), ("redirect_uri", Some(redirect)), ("state", None)];
        let response = sandbox.get(&sandbox.authorize_path(&changes)).send().await.unwrap();
        let (target, params) = location(&response);
        assert_eq!(target, redirect);
        assert!(!params.contains_key("state"), "none was sent");
        let response = sandbox.exchange(&params["code"], &[("redirect_uri", Some(redirect))]).await;
        assert_eq!(header(&response, "cache-control"), "no-store");
        let body = json(response).await;
        assert_eq!(body["scope"], scope);
        assert_eq!(body["token_type"], "bearer");
        assert_eq!(body["expires_in"], 3600);
        assert_eq!(body["created_at"], 1_800_000_000);
        let access_token = body["access_token"].as_str().unwrap();
        assert_eq!(sandbox.whoami(access_token).await, (200, "developer".to_owned()));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn pkce_may_be_left_out_only_where_that_is_said() {
    let sandbox = approving(Options { require_pkce: false, ..Options::default() }).await;
    let without = [("code_challenge", None), ("code_challenge_method", None)];
    let code = sandbox.code(&without).await;
    tokens(sandbox.exchange(&code, &[("code_verifier", None)]).await).await;
    let code = sandbox.code(&without).await;
    assert_eq!(error(sandbox.exchange(&code, &[]).await).await, "invalid_grant");
    // Jira takes plain, and takes it where no method is named.
    let plain = [("code_challenge", Some(VERIFIER)), ("code_challenge_method", None)];
    let code = sandbox.code(&plain).await;
    tokens(sandbox.exchange(&code, &[]).await).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn redirect_uris_are_registered_by_jiras_rules() {
    let register = |uri: &str| Options { redirect_uris: vec![uri.to_owned()], ..Options::default() };
    let refused = start(register("http://127.0.0.1:8765/callback"), || Timestamp::UNIX_EPOCH).await;
    assert!(matches!(refused.err(), Some(SandboxError::RedirectUri { .. })));
    let sandbox = approving(register("https://app.example/back?a=b")).await;
    let changes = [("redirect_uri", Some("https://app.example/back?a=b"))];
    let response = sandbox.get(&sandbox.authorize_path(&changes)).send().await.unwrap();
    let (target, params) = location(&response);
    assert_eq!(target, "https://app.example/back");
    assert_eq!(params["a"], "b", "what the redirect URI has is kept");
    assert!(params.contains_key("code"));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_metadata_name_the_configured_base_url() {
    let elsewhere = "https://jira.example/ctx".to_owned();
    let sandbox = sandbox(Options { base_url_override: Some(elsewhere), ..Options::default() }).await;
    let path = "/rest/oauth2/latest/.well-known/oauth-authorization-server";
    let body = json(sandbox.get(path).send().await.unwrap()).await;
    assert_eq!(body["token_endpoint"], "https://jira.example/ctx/rest/oauth2/latest/token");
    assert_eq!(body.get("code_challenge_methods_supported"), None);
    sandbox.stop().await;
}
