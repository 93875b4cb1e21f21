//! REST calls from outside: who one is, the headers, the rate limit.

use super::*;

#[tokio::test]
async fn a_bearer_that_is_not_alive_is_anonymous_and_not_refused() {
    let sandbox = sandbox(Options::default()).await;
    let alive = sandbox.running.mint_session("developer", Scope::Read).access_token;
    let search = async |authorization: &str| {
        let request = sandbox.get("/rest/api/2/search?jql=").header("authorization", authorization);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), header(&response, "x-ausername"))
    };
    assert_eq!(search(&format!("Bearer {alive}")).await, (200, "developer".to_owned()));
    for dead in [format!("bearer {alive}"), format!("Bearer {alive}x"), "Bearer ".into(), "Digest x".into()] {
        assert_eq!(search(&dead).await, (200, "anonymous".to_owned()), "{dead}");
    }
    let pat = sandbox.running.mint_pat("viewer");
    assert_eq!(sandbox.whoami(&pat).await, (200, "viewer".to_owned()));
    assert_eq!(sandbox.whoami("dead").await, (401, "anonymous".to_owned()));
    sandbox.stop().await;
}

#[tokio::test]
async fn only_a_wrong_password_is_refused_and_with_a_page() {
    let sandbox = sandbox(Options::default()).await;
    let login = |password: &'static str| {
        sandbox.get("/rest/api/2/search?jql=").basic_auth("Developer", Some(password)).send()
    };
    let response = login("developer").await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-seraph-loginreason"), "OK");
    assert_eq!(header(&response, "x-ausername"), "developer");
    let response = login("wrong").await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(header(&response, "x-seraph-loginreason"), "AUTHENTICATED_FAILED");
    assert_eq!(header(&response, "x-ausername"), "anonymous");
    assert_eq!(header(&response, "content-type"), "text/html;charset=UTF-8");
    assert!(response.text().await.unwrap().contains("AUTHENTICATED_FAILED"));
    sandbox.stop().await;
}

#[tokio::test]
async fn answers_carry_jiras_headers() {
    let sandbox = sandbox(Options::default()).await;
    let response = sandbox.get("/rest/api/2/serverInfo").send().await.unwrap();
    let id = header(&response, "x-arequestid");
    assert!(id.split('x').all(|part| part.parse::<u64>().is_ok()) && id.matches('x').count() == 2, "{id}");
    assert_eq!(header(&response, "x-anodeid"), "sandbox");
    assert!(header(&response, "set-cookie").starts_with("JSESSIONID="));
    assert_eq!(header(&response, "x-ratelimit-limit"), "", "no limit, no headers");
    sandbox.stop().await;
    let sandbox = super::sandbox(Options { send_username_header: false, ..Options::default() }).await;
    assert_eq!(sandbox.whoami("dead").await, (401, String::new()));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_rate_limit_is_each_accounts_own() {
    let limit = RateLimit { limit: 2, fill_rate: 1, interval: Duration::from_secs(5) };
    let sandbox = sandbox(Options { rate_limit: Some(limit), ..Options::default() }).await;
    let pat = sandbox.running.mint_pat("developer");
    let call = |path: &'static str| sandbox.get(path).bearer_auth(&pat).header("accept", "application/json");
    for remaining in ["1", "0"] {
        let response = call("/rest/api/2/myself").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "x-ratelimit-remaining"), remaining);
        assert_eq!(header(&response, "retry-after"), "0");
    }
    let response = call("/rest/api/2/myself").send().await.unwrap();
    assert_eq!(response.status(), 429);
    for (name, value) in [
        ("x-ratelimit-limit", "2"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-fillrate", "1"),
        ("x-ratelimit-interval-seconds", "5"),
        ("retry-after", "5"),
        ("x-ausername", "developer"),
    ] {
        assert_eq!(header(&response, name), value, "{name}");
    }
    let body = json(response).await;
    assert!(body["message"].is_string() && body.get("errorMessages").is_none());
    let page = sandbox.get("/rest/api/2/myself").bearer_auth(&pat).send().await.unwrap();
    assert_eq!(page.status(), 429);
    assert!(header(&page, "content-type").starts_with("text/html"));
    let uncounted = call("/rest/api/2/serverInfo").send().await.unwrap();
    assert_eq!((uncounted.status().as_u16(), header(&uncounted, "retry-after")), (200, String::new()));
    assert_eq!(sandbox.whoami(&sandbox.running.mint_pat("viewer")).await.0, 200);
    assert_eq!(sandbox.whoami("anonymous").await.0, 401);
    sandbox.running.advance(Duration::from_secs(5));
    assert_eq!(call("/rest/api/2/myself").send().await.unwrap().status(), 200);
    sandbox.running.set_rate_limit(Some(RateLimit::BLOCK_ALL));
    let blocked = call("/rest/api/2/myself").send().await.unwrap();
    assert_eq!(blocked.status(), 429);
    assert_eq!(header(&blocked, "x-ratelimit-limit"), "0");
    assert_eq!(header(&blocked, "retry-after"), "9223372036854775807");
    sandbox.stop().await;
}

#[tokio::test]
async fn outside_the_context_path_is_a_dead_link() {
    let sandbox = sandbox(Options { context_path: "/jira/".to_owned(), ..Options::default() }).await;
    assert!(sandbox.running.base_url().ends_with("/jira"));
    let pat = sandbox.running.mint_pat("developer");
    assert_eq!(sandbox.whoami(&pat).await.0, 200);
    let outside = sandbox.running.base_url().replace("/jira", "/rest/api/2/myself");
    for (path, status) in [(outside, 404), (sandbox.url("/rest/api/3/myself"), 404), (sandbox.url(""), 200)] {
        let response = sandbox.http.get(&path).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert!(header(&response, "content-type").starts_with("text/html"), "{path}");
    }
    // The log-in and the cookie stay below it.
    let response = sandbox.get(&sandbox.authorize_path(&[])).send().await.unwrap();
    assert!(location(&response).0.ends_with("/jira/login.jsp"));
    assert!(header(&response, "set-cookie").contains("; Path=/jira;"));
    sandbox.stop().await;
    let bad = Options { context_path: "jira".to_owned(), ..Options::default() };
    assert!(matches!(start(bad, || Timestamp::UNIX_EPOCH).await.err(), Some(SandboxError::ContextPath(_))));
}

#[tokio::test]
async fn with_tls_its_certificate_is_the_one_to_trust() {
    #[expect(clippy::disallowed_methods, reason = "a certificate is judged by the real clock")]
    let now = Timestamp::now();
    let running = start(Options { tls: true, ..Options::default() }, move || now).await.unwrap();
    let url = format!("{}/rest/api/2/serverInfo", running.base_url());
    assert!(url.starts_with("https://127.0.0.1:"));
    let mut roots = rustls::RootCertStore::empty();
    client(roots.clone()).get(&url).send().await.expect_err("not trusted");
    let pem = running.certificate_pem().expect("a certificate").as_bytes();
    let der = <rustls_pki_types::CertificateDer as rustls_pki_types::pem::PemObject>::from_pem_slice(pem);
    roots.add(der.unwrap()).unwrap();
    let response = client(roots).get(&url).send().await.unwrap();
    assert!(header(&response, "set-cookie").ends_with("; Secure"));
    running.stop().await;
}
