//! The broker's own certificate, renewed while it runs: from when until when it is good.

use std::path::Path;

use jira_oauth::broker::material::TlsFiles;

use super::house::House;
use crate::support::wait;

/// A certificate for these years, and its key.
fn write(dir: &Path, from: i32, to: i32) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(to, 1, 1);
    std::fs::write(dir.join("tls.crt"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(dir.join("tls.key"), key.serialize_pem()).unwrap();
}

const EXPIRY: &str = "jira_broker_certificate_expiry_timestamp_seconds";

#[tokio::test]
async fn an_expired_certificate_does_not_take_the_place_of_one_that_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 2020, 2028);
    let tls = TlsFiles {
        certificate: dir.path().join("tls.crt"),
        key: dir.path().join("tls.key"),
        client_ca: None,
    };
    let house = House::with(|plan| {
        plan.tls = Some(tls);
        plan.admin = true;
    })
    .await;
    assert_eq!(house.metric(EXPIRY).await, 1_830_297_600.0);
    // It is the fourth of March 2026.
    write(dir.path(), 2020, 2026);
    house.broker.read_again();
    let line = house.log.until(|line| line["reason"].to_string().contains("has ended")).await;
    assert_eq!(
        (&line["event"], &line["what"], &line["result"]),
        (&"reload".into(), &"certificate".into(), &"failed".into())
    );
    let reason = line["reason"].as_str().unwrap();
    assert!(reason.contains("tls.crt") && reason.contains("2026-01-01T00:00:00Z"), "{reason}");
    assert_eq!(house.metric(EXPIRY).await, 1_830_297_600.0);
    assert!(house.metric(r#"jira_broker_reload_total{what="certificate",result="failed"}"#).await >= 1.0);
    write(dir.path(), 2020, 2029);
    house.broker.read_again();
    house.log.until(|line| line["event"] == "reload" && line["result"] == "ok").await;
    wait(async {
        while house.metric(EXPIRY).await != 1_861_920_000.0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_certificate_none_ends() {
    let house = House::usual().await;
    assert!(!house.get("/metrics").await.text.contains("certificate_expiry"));
}
