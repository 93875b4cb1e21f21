//! Secrets that are renewed, health, readiness, metrics, the log, and the end.

use std::path::Path;

use http::Method;
use jira_oauth::sandbox::{Action, Fault};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::house::{House, TOKEN, ask, file, try_ask};
use crate::support::wait;

/// A secret as Kubernetes mounts it: the file is a link through `..data`, which is what is swapped.
#[cfg(unix)]
fn mount(dir: &Path, revision: &str, secret: &str) {
    use std::os::unix::fs::symlink;

    std::fs::create_dir(dir.join(revision)).unwrap();
    std::fs::write(dir.join(revision).join("secret"), secret).unwrap();
    symlink(revision, dir.join("..new")).unwrap();
    std::fs::rename(dir.join("..new"), dir.join("..data")).unwrap();
    if !dir.join("secret").is_symlink() {
        symlink("..data/secret", dir.join("secret")).unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_renewed_secret_is_used_and_a_bad_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    mount(dir.path(), "..1", "not-the-secret\n");
    let place = file(&dir.path().join("secret"));
    let house = House::with(|plan| plan.secret = Some(place)).await;
    house.refresh(&house.token()).await.refused(502, "invalid_client");
    mount(dir.path(), "..2", house.jira.client_secret());
    house.broker.read_again();
    house.log.until(|line| line["event"] == "reload" && line["result"] == "ok").await;
    house.refresh(&house.token()).await.pair();
    for (revision, bad) in [("..3", ""), ("..4", "two\nlines\n"), ("..5", " \n\n")] {
        mount(dir.path(), revision, bad);
        house.broker.read_again();
        let failures = || house.log.lines().into_iter().filter(|line| line["result"] == "failed").count();
        let expected = failures() + 1;
        wait(async {
            while failures() < expected {
                tokio::task::yield_now().await;
            }
        })
        .await;
        house.refresh(&house.token()).await.pair();
    }
    assert_eq!(house.metric(r#"jira_broker_reload_total{what="secret",result="ok"}"#).await, 1.0);
    assert_eq!(house.metric(r#"jira_broker_reload_total{what="secret",result="failed"}"#).await, 3.0);
    let secret = house.jira.client_secret().to_owned();
    let log = house.ended().await.text();
    assert!(!log.contains(&secret) && !log.contains("not-the-secret"));
}

#[tokio::test]
async fn a_caller_that_was_taken_off_the_list_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("callers");
    std::fs::write(&path, "one=token-of-one\nother=token-of-other\n").unwrap();
    let place = file(&path);
    let house = House::with(|plan| plan.callers = Some(place)).await;
    house.refresh_as("token-of-one", &house.token()).await.pair();
    std::fs::write(&path, "other=token-of-other\n").unwrap();
    house.broker.read_again();
    house.log.until(|line| line["event"] == "reload" && line["what"] == "callers").await;
    house.refresh_as("token-of-one", &house.token()).await.refused(401, "unauthorized");
    house.refresh_as("token-of-other", &house.token()).await.pair();
}

#[tokio::test]
async fn health_and_readiness_do_not_depend_on_jira() {
    let house = House::usual().await;
    house.jira.faults().add(Fault::on("/", Action::Drop).always());
    let health = house.get("/healthz").await;
    assert_eq!((health.status, health.json()), (200, json!({ "status": "ok" })));
    let ready = house.get("/readyz").await;
    assert_eq!((ready.status, ready.json()), (200, json!({ "ready": true, "coordination": "off" })));
    assert_eq!(house.jira.log().len(), 0);
    let head = house.send(Method::HEAD, "/healthz", &[], String::new()).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = house.post(path, &json!({})).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
    }
}

#[tokio::test]
async fn an_admin_listener_has_these_three_alone() {
    let house = House::with(|plan| plan.admin = true).await;
    let admin = house.admin.unwrap();
    for path in ["/healthz", "/readyz", "/metrics"] {
        house.get(path).await.refused(404, "not_found");
        let answer = ask(&house.web, &format!("http://{admin}{path}"), Method::GET, &[], String::new()).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    let body = json!({ "refresh_token": house.token() }).to_string();
    let headers = [("content-type", "application/json")];
    let answer = ask(&house.web, &format!("http://{admin}/v1/refresh"), Method::POST, &headers, body).await;
    assert_eq!(answer.status, 404);
    assert_eq!(house.refreshes(), 0);
}

/// What a client library would not send, as bytes.
#[tokio::test]
async fn health_and_metrics_are_refused_in_json_whatever_comes() {
    let (apart, here) = (House::with(|plan| plan.admin = true).await, House::usual().await);
    for (head, status, error) in [
        ("POST /metrics HTTP/1.1\r\nHost: b", 405, "method_not_allowed"),
        ("POST /readyz HTTP/1.1\r\nHost: b\r\nContent-Length: 0", 405, "method_not_allowed"),
        ("PUT /healthz HTTP/1.1\r\nHost: b\r\nContent-Length: 100000", 405, "method_not_allowed"),
        ("DELETE /healthz HTTP/1.1\r\nHost: b", 405, "method_not_allowed"),
        ("POST /v1 HTTP/1.1\r\nHost: b\r\nContent-Length: 0", 404, "not_found"),
        ("GET /metrics HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked", 400, "invalid_request"),
        ("GET /metrics HTTP/1.1", 400, "invalid_request"),
    ] {
        for address in [apart.admin.unwrap(), here.address] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            wait(stream.read_to_string(&mut answer)).await.unwrap();
            let (said, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"], error, "{head}: {answer}");
            let said = said.to_lowercase();
            assert!(said.contains("content-type: application/json"), "{head}: {answer}");
            assert_eq!(said.contains("allow: get, head"), status == 405, "{head}: {answer}");
        }
    }
}

#[tokio::test]
async fn metrics_tell_what_happened_in_bounded_labels() {
    let house = House::usual().await;
    let dead = house.dead_token();
    let token = house.token();
    house.refresh(&token).await.pair();
    house.refresh(&token).await.pair();
    house.refresh(&dead).await.refused(400, "invalid_grant");
    let answer = house.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert!(answer.text.ends_with("# EOF\n"));
    for line in [
        r#"jira_broker_requests_total{route="refresh",result="ok",code="ok"} 2"#,
        r#"jira_broker_requests_total{route="refresh",result="refused",code="invalid_grant"} 1"#,
        r#"jira_broker_request_seconds_count{route="refresh"} 3"#,
        r#"jira_broker_upstream_requests_total{grant="refresh",outcome="ok"} 1"#,
        r#"jira_broker_upstream_requests_total{grant="refresh",outcome="invalid_grant"} 1"#,
        "jira_broker_upstream_seconds_count 2",
        r#"jira_broker_replayed_total{from="memory"} 1"#,
        "jira_broker_coalesced_total 0",
        "jira_broker_in_flight 0",
        "jira_broker_replay_entries 1",
        "jira_broker_ready 1",
        "process_start_time_seconds 1772600767.0",
        concat!(r#"jira_broker_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line}\n{}", answer.text);
    }
    assert!(!answer.text.contains("coordination"), "there is nobody to agree with");
    assert!(!answer.text.contains(&dead) && !answer.text.contains(&token));
}

#[tokio::test]
async fn what_is_under_way_at_the_end_is_answered_and_new_requests_go_elsewhere() {
    let mut house = House::usual().await;
    let (token, gate) = (house.token(), house.hold());
    let (web, url) = (house.web.clone(), format!("http://{}/v1/refresh", house.address));
    let body = json!({ "refresh_token": token }).to_string();
    let slow = tokio::spawn(async move {
        ask(&web, &url, Method::POST, &[("content-type", "application/json")], body).await
    });
    wait(gate.arrived(1)).await;
    house.stop();
    house.log.until(|line| line["event"] == "draining").await;
    let ready = house.get("/readyz").await;
    assert_eq!((ready.status, ready.json()["reason"].as_str()), (503, Some("draining")));
    assert_eq!(house.get("/healthz").await.status, 200);
    let late = house.refresh(&house.token()).await;
    late.refused(503, "draining");
    assert_eq!(late.header("connection"), "close");
    gate.release();
    let answer = wait(slow).await.unwrap();
    assert_eq!(answer.header("connection"), "close");
    answer.pair();
    wait(&mut house.task).await.unwrap();
    assert_eq!(house.log.lines().last().unwrap()["event"], "ended");
    assert_eq!(house.refreshes(), 1);
}

/// A request of which the broker has taken the head, and that has the body still to send.
async fn half(house: &House, body: &str) -> TcpStream {
    let mut stream = house.connect().await;
    let head = format!(
        "POST /v1/refresh HTTP/1.1\r\nHost: b\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // It is asked for the body by whoever has let it pass.
    let mut said = [0; 25];
    wait(stream.read_exact(&mut said)).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn a_body_that_is_on_its_way_at_the_end_is_waited_for() {
    let mut house = House::usual().await;
    let spent = house.token();
    house.refresh(&spent).await.pair();
    for (token, status, outcome) in [(spent, 200, "replayed"), (house.token(), 503, "refused")] {
        let body = json!({ "refresh_token": token }).to_string();
        let mut stream = half(&house, &body).await;
        house.stop();
        house.log.until(|line| line["event"] == "draining").await;
        house.refresh(&house.token()).await.refused(503, "draining");
        assert!(house.log.lines().iter().all(|line| line["event"] != "drained"), "{}", house.log.text());
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        wait(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        wait(&mut house.task).await.unwrap();
        let lines = house.log.lines();
        assert!(lines.iter().any(|line| line["outcome"] == "empty"), "{lines:?}");
        let said = |line: &&serde_json::Value| line["event"] == "request" && line["status"] == status;
        assert_eq!(lines.iter().rfind(said).unwrap()["outcome"], outcome);
        house = House::usual().await;
    }
}

#[tokio::test]
async fn whose_body_does_not_come_before_the_end_is_told_so() {
    let mut house = House::with(|plan| {
        plan.settings.grace = std::time::Duration::from_millis(200);
        plan.settings.limits.body = std::time::Duration::from_secs(3600);
        // It is told so when half of this is over, and cut off at its end: a busy machine needs some time between them.
        plan.settings.limits.grace = std::time::Duration::from_secs(6);
    })
    .await;
    let mut stream = half(&house, "{}").await;
    house.stop();
    let mut answer = String::new();
    wait(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"error\":\"draining\""), "{answer}");
    drop(stream);
    wait(&mut house.task).await.unwrap();
    let line = house.log.until(|line| line["code"] == "draining").await;
    assert_eq!((&line["route"], &line["caller"]), (&json!("refresh"), &json!("address:127.0.0.1")));
}

#[tokio::test]
async fn who_asks_again_at_the_end_gets_its_pair() {
    let mut house = House::usual().await;
    let (token, gate) = (house.token(), house.hold());
    let (web, url) = (house.web.clone(), format!("http://{}/v1/refresh", house.address));
    let body = json!({ "refresh_token": token }).to_string();
    let impatient = tokio::spawn(async move {
        ask(&web, &url, Method::POST, &[("content-type", "application/json")], body).await
    });
    wait(gate.arrived(1)).await;
    house.stop();
    house.log.until(|line| line["event"] == "draining").await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    wait(async {
        while house.metric("jira_broker_in_flight").await > 0.0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Nobody waits any more. The call goes on, and what comes of it is there for a while.
    gate.release();
    let called = r#"jira_broker_upstream_requests_total{grant="refresh",outcome="ok"}"#;
    wait(async {
        while house.metric(called).await < 1.0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    house.refresh(&token).await.pair();
    wait(&mut house.task).await.unwrap();
    assert_eq!(house.refreshes(), 1);
}

#[tokio::test]
async fn the_grace_has_an_end() {
    let mut house = House::with(|plan| plan.settings.grace = std::time::Duration::from_millis(200)).await;
    house.jira.faults().add(Fault::on(TOKEN, Action::Hang));
    let (web, url) = (house.web.clone(), format!("http://{}/v1/refresh", house.address));
    let body = json!({ "refresh_token": house.token() }).to_string();
    let slow = tokio::spawn(async move {
        try_ask(&web, &url, Method::POST, &[("content-type", "application/json")], body).await.is_err()
    });
    wait(house.jira.wait_for(TOKEN, 1)).await;
    house.stop();
    wait(&mut house.task).await.unwrap();
    assert!(wait(slow).await.unwrap(), "the caller is cut off");
    assert!(house.log.lines().iter().any(|line| line["outcome"] == "grace_over"));
}

#[tokio::test]
async fn a_line_of_the_log_says_what_a_request_came_to() {
    let house = House::usual().await;
    let answer = house.refresh(&house.token()).await;
    answer.pair();
    let line = house.log.until(|line| line["event"] == "request").await;
    assert_eq!(line["ts"], "2026-03-04T05:06:07.000Z");
    assert_eq!(line["request_id"], answer.header("x-request-id"));
    for (name, value) in [
        ("level", "info"),
        ("route", "refresh"),
        ("caller", "address:127.0.0.1"),
        ("outcome", "called"),
        ("code", "ok"),
    ] {
        assert_eq!(line[name], value, "{line}");
    }
    assert_eq!(line["status"], 200);
    assert_eq!(line["token"].as_str().unwrap().len(), 12);
    assert!(line["ms"].as_f64() >= line["upstream_ms"].as_f64());
}
