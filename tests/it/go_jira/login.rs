//! F, the login: the way through the browser and back.

use std::sync::Arc;
use std::time::Duration;

use reqwest::tls::TlsInfo;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use url::Url;

use crate::support::{Conduct, Step, World, callback_of, follow, free_port, visit, wait, web};

/// id-kp-serverAuth (RFC 5280, 4.2.1.12), as it stands in a certificate.
const SERVER_AUTH: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

/// What a person's browser saw of a login that worked.
async fn consented(world: &World, args: &[&str]) -> Vec<Step> {
    let (live, ran) = world.login(args).person().browser(Conduct::Consents).start();
    let ran = ran.await.ok();
    assert_eq!(ran.json()["user"]["name"], "developer");
    assert_eq!(live.browser.opened().len(), 1, "one page is opened");
    live.browser.steps().await
}

/// Item 123.
#[tokio::test]
async fn a_login_over_http_goes_from_the_opened_page_to_the_session() {
    let world = World::new().await;
    let steps = consented(&world, &["--callback-https=false"]).await;
    assert_eq!(steps[0].url.path(), "/rest/oauth2/latest/authorize", "Jira's page is opened at once");
    let last = steps.last().unwrap();
    assert_eq!((last.url.scheme(), last.url.host_str(), last.status), ("http", Some("localhost"), 200));
    let code = last.url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let log = world.jira.log();
    let exchange = log.iter().find(|request| request.field("grant_type").is_some()).unwrap();
    assert_eq!(exchange.field("code"), Some(code));
    assert_eq!(exchange.status, Some(200));
    let whoami = world.run(&["whoami", "--base-url", world.jira.base_url()]).await.ok().json();
    assert_eq!(whoami["auth_mode"], "oauth-storage");
    assert_eq!(world.jira.token_calls("refresh_token"), 0, "with the token that the login got");
}

/// Item 124.
#[tokio::test]
async fn a_login_over_https_works_with_a_pair_of_files_and_without() {
    let world = World::new().await;
    let minted = consented(&world, &[]).await;
    assert!(minted[0].url.path().starts_with("/start/"), "the warning comes first");
    let (certificate, key) = (world.path("cert.pem"), world.path("key.pem"));
    let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(&certificate, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let files = ["--callback-cert", certificate.to_str().unwrap(), "--callback-key", key.to_str().unwrap()];
    let supplied = consented(&world, &files).await;
    assert_eq!(supplied[0].url.path(), "/rest/oauth2/latest/authorize", "no warning for one's own");
    for steps in [minted, supplied] {
        let last = steps.last().unwrap();
        assert_eq!((last.url.scheme(), last.url.path(), last.status), ("https", "/callback", 200));
    }
}

/// Item 125.
#[tokio::test]
async fn the_minted_certificate_is_one_for_a_server_on_this_machine() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).start();
    let (ran, certificate) = tokio::join!(ran, async {
        let start = live.login_url().await;
        // The handshake shows that the key belongs to it.
        let answer = web().get(start.clone()).send().await.unwrap();
        let info = answer.extensions().get::<TlsInfo>().unwrap();
        let certificate = info.peer_certificate().unwrap().to_vec();
        follow(start).await;
        certificate
    });
    ran.ok();
    assert!(certificate.windows(SERVER_AUTH.len()).any(|bytes| bytes == SERVER_AUTH), "for servers");
    let certificate = CertificateDer::from(certificate);
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
    let judge = |name: &str, ahead: i64| {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let seconds = u64::try_from(world.now().as_second() + ahead).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        verifier.verify_server_cert(&certificate, &[], &name, &[], now).is_ok()
    };
    for name in ["127.0.0.1", "::1", "localhost"] {
        assert!(judge(name, 0), "{name}");
    }
    assert!(judge("127.0.0.1", -60), "a clock may be behind");
    assert!(!judge("127.0.0.2", 0) && !judge("jira.example.com", 0), "and for no other");
    assert!(!judge("127.0.0.1", 30 * 24 * 3600), "nor for long");
}

/// Items 126 to 129, changed: what is registered with Jira is what counts, letter by letter, so the URI decides
/// where to listen; and what Jira would not have registered is refused.
/// Item 130.
#[tokio::test]
async fn a_redirect_uri_is_judged_before_anything_is_opened() {
    let world = World::new().await;
    for (uri, why) in [
        ("http://127.0.0.1:8765/callback", "http redirect URI for the host localhost alone"),
        ("ftp://localhost/callback", "must be the registered redirect URI"),
        ("https://127.0.0.1:8085/callback?x=1", "must be the registered redirect URI"),
        ("https://127.0.0.1:0/callback", "must be the registered redirect URI"),
        ("https://127.0.0.1:65536/callback", "must be the registered redirect URI"),
    ] {
        let (live, ran) = world.login(&["--redirect-uri", uri]).person().browser(Conduct::Consents).start();
        let ran = ran.await.failed(2, "bad_value");
        assert!(ran.error()["message"].as_str().unwrap().contains(why), "{uri}: {ran}");
        assert_eq!(live.browser.opened(), [""; 0]);
    }
    let zero = world.run(&["login", "--base-url", "https://jira.example.com", "--callback-port", "0"]).await;
    zero.failed(2, "bad_value");
    let elsewhere = world.login(&["--redirect-uri", "https://tools.example.com/jira"]).run().await;
    elsewhere.failed(3, "needs_person");
    assert_eq!(world.requests(), [""; 0]);
    for uri in
        ["https://localhost:PORT/callback", "https://127.0.0.1:PORT/other/path", "http://localhost:PORT/cb"]
    {
        let uri = uri.replace("PORT", &free_port().to_string());
        let world = World::with(|options| options.redirect_uris = vec![uri.clone()]).await;
        let steps = consented(&world, &["--redirect-uri", &uri]).await;
        assert!(steps.last().unwrap().url.as_str().starts_with(&uri), "{uri}");
    }
}

/// Item 131.
#[tokio::test]
async fn a_login_that_nobody_goes_on_with_ends_with_an_error() {
    let world = World::new().await;
    let alone = world.login(&["--timeout", "3s"]).run().await.failed(3, "needs_person");
    let uri = format!("https://127.0.0.1:{}/callback", world.port);
    assert!(alone.error()["message"].as_str().unwrap().contains(&uri), "{alone}");
    let dawdling = world.login(&["--timeout", "3s"]).person().browser(Conduct::Dawdles).run().await;
    assert_eq!((dawdling.code, dawdling.stdout.as_str()), (7, ""), "{dawdling}");
    assert_eq!(dawdling.error()["code"], "timeout");
    assert_eq!(world.config_toml(), "");
}

/// Item 132.
#[tokio::test]
async fn a_browser_that_does_not_open_is_no_end_for_the_url_is_printed() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).person().browser(Conduct::Fails).start();
    let (ran, ()) = tokio::join!(ran, async {
        let page = live.stderr.until(|text| {
            let line = text.lines().find(|line| line.contains("/start/"))?;
            Url::parse(line.trim()).ok()
        });
        follow(wait(page).await).await;
    });
    ran.ok();
    assert_eq!(live.browser.opened().len(), 1, "it was tried");
}

/// Item 133, changed: only the right state ends the wait, so that no page can end somebody's login.
#[tokio::test]
async fn the_callback_takes_a_code_or_an_error_with_the_right_state() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).start();
    let (ran, last) = tokio::join!(ran, async {
        let page = live.authorize_url().await;
        let right = callback_of(&page, "code", "x");
        let state = right.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        for query in
            ["code=x&state=wrong", "error=access_denied&state=wrong", "code=x", &format!("state={state}")]
        {
            let mut wrong = right.clone();
            wrong.set_query(Some(query));
            assert_eq!(visit(wrong).await.status, 400, "{query}");
        }
        assert_eq!(live.stdout.text(), "", "it goes on waiting");
        follow(live.login_url().await).await.pop().unwrap()
    });
    ran.ok();
    assert_eq!(last.status, 200);
    let (live, ran) = world.login(&[]).start();
    let (ran, denied) = tokio::join!(ran, async {
        visit(callback_of(&live.authorize_url().await, "error", "access_denied")).await
    });
    assert!(denied.body.contains("Access was not granted"), "{denied:?}");
    let ran = ran.failed(1, "login_denied");
    assert!(ran.error()["message"].as_str().unwrap().contains("access_denied"), "{ran}");
}

/// Item 134.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_callback_listens_on_this_machine_alone_and_repeats_nothing() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).start();
    let (ran, ()) = tokio::join!(ran, async {
        let page = live.authorize_url().await;
        // The whole of 127.0.0.0/8 is this machine's, so that a listener on all addresses would answer here.
        TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
        let other = TcpStream::connect(("127.0.0.2", world.port)).await.unwrap_err();
        assert_eq!(other.kind(), std::io::ErrorKind::ConnectionRefused);
        let mut wrong = callback_of(&page, "code", "x");
        wrong.set_query(Some("code=<script>x</script>&state=\"><b>y"));
        let answer = visit(wrong).await;
        assert_eq!(answer.status, 400);
        let mut denied = callback_of(&page, "error", "<b>z</b>");
        denied.query_pairs_mut().append_pair("error_description", "<script>w</script>");
        let page = visit(denied).await;
        for body in [answer.body, page.body] {
            assert!(!body.contains("<script") && !body.contains("<b>"), "{body}");
        }
    });
    assert_eq!(ran.code, 1, "{ran}");
}
