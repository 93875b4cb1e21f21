//! Who may ask, by which name, and how often.

use std::path::Path;
use std::time::Duration;

use http::Method;
use jira_oauth::broker::material::TlsFiles;
use jira_oauth::broker::settings::Rate;
use jira_oauth::http::{Options as Way, Roots, client};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::house::{House, ask, file, said, try_ask};
use crate::support::wait;

#[tokio::test]
async fn a_caller_without_its_token_is_refused_and_jira_is_not_asked() {
    let house = House::with(|plan| plan.callers = Some(said("token-of-a-caller"))).await;
    let token = house.token();
    house.refresh(&token).await.refused(401, "unauthorized");
    let answer = house.refresh_as("token-of-a-stranger", &token).await;
    answer.refused(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(house.refreshes(), 0);
    house.refresh_as("token-of-a-caller", &token).await.pair();
    // Those who only look after it have none.
    assert_eq!(house.get("/healthz").await.status, 200);
    let log = house.ended().await.text();
    assert!(!log.contains("token-of-a") && log.contains("\"caller\":\"token:caller\""), "{log}");
}

#[tokio::test]
async fn a_caller_who_asks_too_often_is_told_when_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("callers");
    std::fs::write(&path, "eager=token-of-eager\ncalm=token-of-calm\n").unwrap();
    let house = House::with(|plan| {
        plan.callers = Some(file(&path));
        plan.settings.rate = Rate { per_minute: 6, burst: 3 };
    })
    .await;
    for _ in 0..3 {
        house.refresh_as("token-of-eager", &house.token()).await.pair();
    }
    let answer = house.refresh_as("token-of-eager", &house.token()).await;
    answer.refused(429, "rate_limited");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    house.refresh_as("token-of-calm", &house.token()).await.pair();
    // Guessing tokens is limited as well, by address.
    for _ in 0..3 {
        house.refresh_as("token-of-nobody", "x").await.refused(401, "unauthorized");
    }
    house.refresh_as("token-of-nobody", "x").await.refused(429, "rate_limited");
    assert_eq!(house.refreshes(), 4);
    assert_eq!(house.metric(r#"jira_broker_shed_total{reason="rate"}"#).await, 2.0);
}

#[tokio::test]
async fn an_address_is_believed_from_a_trusted_proxy_alone() {
    let forwarded = [("content-type", "application/json"), ("x-forwarded-for", "198.51.100.7, 203.0.113.9")];
    for (trusted, expected) in [(None, "address:127.0.0.1"), (Some("127.0.0.0/8"), "address:203.0.113.9")] {
        let house = House::with(|plan| {
            plan.settings.trusted_proxies = trusted.map(|net| net.parse().unwrap()).into_iter().collect();
        })
        .await;
        let body = json!({ "refresh_token": house.token() }).to_string();
        house.send(Method::POST, "/v1/refresh", &forwarded, body).await.pair();
        let line = house.log.until(|line| line["event"] == "request").await;
        assert_eq!(line["caller"], expected);
    }
}

/// An authority, and what it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// Certificate and key.
    fn sign(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

fn write_pair(dir: &Path, (certificate, key): &(String, String)) {
    std::fs::write(dir.join("tls.crt"), certificate).unwrap();
    std::fs::write(dir.join("tls.key"), key).unwrap();
}

fn files(dir: &Path) -> TlsFiles {
    TlsFiles {
        certificate: dir.join("tls.crt"),
        key: dir.join("tls.key"),
        client_ca: Some(dir.join("ca.crt")),
    }
}

/// `POST /v1/refresh` over TLS with a client certificate.
async fn with_certificate(
    house: &House,
    authority: &Authority,
    pair: Option<&(String, String)>,
    token: &str,
) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match pair {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = connector.connect(name, house.connect().await).await?;
    let body = json!({ "refresh_token": token }).to_string();
    let head = format!(
        "POST /v1/refresh HTTP/1.1\r\nhost: b\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn a_certificate_names_its_caller() {
    let dir = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    write_pair(dir.path(), &authority.sign("broker", ExtendedKeyUsagePurpose::ServerAuth));
    std::fs::write(dir.path().join("ca.crt"), authority.pem()).unwrap();
    let house = House::with(|plan| plan.tls = Some(files(dir.path()))).await;
    let (ci, agent) =
        ["ci", "agent"].map(|name| authority.sign(name, ExtendedKeyUsagePurpose::ClientAuth)).into();
    let token = house.token();
    let ask = |pair, token| wait(with_certificate(&house, &authority, pair, token));
    let none = ask(None, &token).await.unwrap();
    assert!(none.starts_with("HTTP/1.1 401 "), "{none}");
    assert_eq!(house.refreshes(), 0);
    let answer = ask(Some(&ci), &token).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let line = house.log.until(|line| line["outcome"] == "called").await;
    assert_eq!(line["caller"], "certificate:CN=ci");
    // A replay is for the same subject.
    let again = ask(Some(&ci), &token).await.unwrap();
    assert!(again.starts_with("HTTP/1.1 200 "), "{again}");
    let another = ask(Some(&agent), &token).await.unwrap();
    assert!(another.starts_with("HTTP/1.1 400 ") && another.contains("invalid_grant"), "{another}");
    // One that another authority signed ends the handshake, or the connection right behind it.
    let foreign = other.sign("ci", ExtendedKeyUsagePurpose::ClientAuth);
    assert!(ask(Some(&foreign), &token).await.is_err());
    // Plain HTTP is not served there.
    assert!(!house.raw(b"GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_handshake_that_fails_is_counted_and_said_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    write_pair(dir.path(), &authority.sign("broker", ExtendedKeyUsagePurpose::ServerAuth));
    std::fs::write(dir.path().join("ca.crt"), authority.pem()).unwrap();
    let house = House::with(|plan| {
        plan.tls = Some(files(dir.path()));
        plan.admin = true;
    })
    .await;
    let said = |words: &'static str| {
        house.log.until(move |line| line["code"] == "handshake" && line["reason"].to_string().contains(words))
    };
    // One that says nothing and goes is what a health check does.
    drop(house.connect().await);
    let count = r#"jira_broker_unserved_total{reason="handshake"}"#;
    wait(async { while house.metric(count).await < 1.0 {} }).await;
    // A caller that does not trust this broker; one that this broker does not trust; one that speaks plain HTTP.
    assert!(wait(with_certificate(&house, &other, None, "x")).await.is_err());
    assert_eq!(said("received fatal alert").await["caller"], "address:127.0.0.1");
    let foreign = other.sign("ci", ExtendedKeyUsagePurpose::ClientAuth);
    assert!(wait(with_certificate(&house, &authority, Some(&foreign), "x")).await.is_err());
    said("invalid peer certificate").await;
    house.raw(b"GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n").await;
    said("corrupt").await;
    assert_eq!(house.metric(count).await, 4.0);
    assert_eq!(house.log.lines().iter().filter(|line| line["code"] == "handshake").count(), 3);
    // One that is not over in time, in a house where nobody else has to be.
    let slow = House::with(|plan| {
        plan.tls = Some(files(dir.path()));
        plan.admin = true;
        plan.settings.limits.handshake = Duration::from_millis(200);
    })
    .await;
    slow.raw(b"").await;
    let line = slow.log.until(|line| line["code"] == "handshake").await;
    assert!(line["reason"].to_string().contains("in time"), "{line}");
    assert_eq!(slow.metric(count).await, 1.0);
}

#[tokio::test]
async fn a_renewed_certificate_is_served_to_the_next_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    write_pair(dir.path(), &old.sign("broker", ExtendedKeyUsagePurpose::ServerAuth));
    let tls = TlsFiles { client_ca: None, ..files(dir.path()) };
    let house = House::with(|plan| {
        plan.tls = Some(tls);
        plan.admin = true;
    })
    .await;
    let health = async |authority: &Authority| {
        let roots = dir.path().join("root.pem");
        std::fs::write(&roots, authority.pem()).unwrap();
        let roots = Roots { file: Some(roots), ..Roots::default() };
        let web = client(&Way { roots, ..Way::default() });
        let url = format!("https://{}/v1/refresh", house.address);
        try_ask(&web, &url, Method::GET, &[], String::new()).await.map(|answer| answer.status)
    };
    assert_eq!(health(&old).await.unwrap(), 405);
    assert!(health(&new).await.is_err());
    // Half of it is new: the key of another certificate.
    let renewed = new.sign("broker", ExtendedKeyUsagePurpose::ServerAuth);
    std::fs::write(dir.path().join("tls.crt"), &renewed.0).unwrap();
    house.broker.read_again();
    let failed = house.log.until(|line| line["event"] == "reload").await;
    assert_eq!((failed["what"].as_str(), failed["result"].as_str()), (Some("certificate"), Some("failed")));
    assert_eq!(health(&old).await.unwrap(), 405, "the old one stays");
    write_pair(dir.path(), &renewed);
    house.broker.read_again();
    house.log.until(|line| line["event"] == "reload" && line["result"] == "ok").await;
    assert_eq!(health(&new).await.unwrap(), 405);
    assert!(health(&old).await.is_err());
    let admin = format!("http://{}/metrics", house.admin.unwrap());
    let text = ask(&house.web, &admin, Method::GET, &[], String::new()).await.text;
    for result in ["ok", "failed"] {
        let line = format!(r#"jira_broker_reload_total{{what="certificate",result="{result}"}} 1"#);
        assert!(text.contains(&line), "{text}");
    }
}
