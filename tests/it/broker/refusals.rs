//! What is refused before Jira hears of it, most of it through raw sockets (docs/security.md, row 22).

use std::time::Duration;

use http::Method;
use jira_oauth::broker::settings::Rate;
use jira_oauth::sandbox::{Action, Fault, Gate};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::house::{House, TOKEN, said};
use crate::support::wait;

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// The answer to bytes as they are.
fn parts(answer: &str) -> (u16, String, serde_json::Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), serde_json::from_str(body).unwrap_or_default())
}

#[tokio::test]
async fn a_request_whose_end_or_host_is_in_doubt_is_refused() {
    let house = House::usual().await;
    let host = "Host: broker";
    let post = "POST /v1/refresh HTTP/1.1\r\ncontent-type: application/json\r\n";
    for (head, status, error) in [
        (format!("{host}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked"), 400, "invalid_request"),
        (format!("{host}\r\nTransfer-Encoding: chunked"), 400, "invalid_request"),
        ("Content-Length: 2".to_owned(), 400, "invalid_request"),
        ("Host: a\r\nHost: b\r\nContent-Length: 2".to_owned(), 400, "invalid_request"),
        (host.to_owned(), 411, "length_required"),
        (format!("{host}\r\nContent-Length: 10485760"), 413, "too_large"),
        (format!("{host}\r\nContent-Length: 65537"), 413, "too_large"),
    ] {
        let answer = house.raw(format!("{post}{head}\r\n\r\n{{}}").as_bytes()).await;
        let (found, head, body) = parts(&answer);
        assert_eq!((found, body["error"].as_str()), (status, Some(error)), "{answer}");
        assert!(head.contains("connection: close") && head.contains("cache-control: no-store"), "{answer}");
    }
    // Of these hyper itself says no more than that they are bad.
    for head in ["Content-Length: 2\r\nContent-Length: 3", "Content-Length: -1", "Content-Length: two"] {
        let answer = house.raw(format!("{post}{host}\r\n{head}\r\n\r\n{{}}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(house.refreshes(), 0);
    let refused = r#"jira_broker_requests_total{route="other",result="refused",code="too_large"}"#;
    assert_eq!(house.metric(refused).await, 2.0);
}

#[tokio::test]
async fn half_a_header_and_half_a_body_end_in_time() {
    let house = House::with(|plan| {
        // Whoever is late here counts as well: whole headers have some time, and the metrics a listener of their own.
        plan.admin = true;
        plan.settings.limits.header = Duration::from_secs(1);
        plan.settings.limits.body = Duration::from_millis(200);
    })
    .await;
    house.raw(b"POST /v1/refresh HTTP/1.1\r\nHost: bro").await;
    house.raw(b"").await;
    let half = "POST /v1/refresh HTTP/1.1\r\nHost: b\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{";
    let (status, _, body) = parts(&house.raw(half.as_bytes()).await);
    assert_eq!((status, body["error"].as_str()), (408, Some("request_timeout")));
    assert_eq!(house.refreshes(), 0);
    let line = house.log.until(|line| line["code"] == "request_timeout").await;
    assert_eq!((&line["route"], &line["caller"]), (&json!("refresh"), &json!("address:127.0.0.1")));
    // Half a header is said; a connection without a word is what a health check is, and only counted.
    let line = house.log.until(|line| line["event"] == "unserved").await;
    assert_eq!((&line["code"], &line["caller"]), (&json!("header"), &json!("address:127.0.0.1")));
    for reason in ["header", "idle"] {
        assert_eq!(house.metric(&format!(r#"jira_broker_unserved_total{{reason="{reason}"}}"#)).await, 1.0);
    }
    assert!(house.log.lines().iter().all(|line| line["code"] != "idle"));
    // That a connection ends which was kept open for another request is nothing.
    house.raw(b"GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n").await;
    assert_eq!(house.metric(r#"jira_broker_unserved_total{reason="idle"}"#).await, 1.0);
}

#[tokio::test]
async fn who_goes_away_in_the_middle_is_counted_and_said() {
    let house = House::usual().await;
    let post = "POST /v1/refresh HTTP/1.1\r\nHost: b\r\nContent-Type: application/json\r\n";
    for half in [post.to_owned(), format!("{post}Content-Length: 50\r\n\r\n{{")] {
        let mut stream = house.connect().await;
        stream.write_all(half.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        // It hears nothing.
        let _ = wait(stream.read_to_end(&mut Vec::new())).await;
    }
    let lines = || house.log.lines().into_iter().filter(|line| line["code"] == "cut_off").count();
    wait(async {
        while lines() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(house.metric(r#"jira_broker_unserved_total{reason="cut_off"}"#).await, 2.0);
}

/// Nobody can make the broker wait for what it is not going to look at.
#[tokio::test]
async fn whoever_may_not_ask_hears_so_before_its_body_is_there() {
    let house = House::with(|plan| {
        plan.callers = Some(said("token-of-one"));
        plan.settings.rate = Rate { per_minute: 1, burst: 3 };
        // Nobody here would wait for it.
        plan.settings.limits.body = Duration::from_secs(3600);
    })
    .await;
    let known = "Authorization: Bearer token-of-one\r\nContent-Type: application/json\r\n";
    let unknown = known.replace("token-of-one", "token-of-none");
    for (line, headers, status, error) in [
        ("POST /v1/refresh", unknown.as_str(), 401, "unauthorized"),
        ("POST /v1/exchange", "Content-Type: application/json\r\n", 401, "unauthorized"),
        ("POST /v1/revoke", &format!("{known}Origin: https://evil.example\r\n"), 403, "origin_refused"),
        ("POST /v2/refresh", known, 404, "not_found"),
        ("PUT /v1/refresh", known, 405, "method_not_allowed"),
        ("POST /v1/refresh", &known.replace("json", "jsonl"), 415, "unsupported_media_type"),
    ] {
        let head = format!("{line} HTTP/1.1\r\nHost: b\r\n{headers}Content-Length: 65536\r\n\r\n{{");
        let (found, head, body) = parts(&house.raw(head.as_bytes()).await);
        assert_eq!((found, body["error"].as_str()), (status, Some(error)), "{line} {headers}");
        assert!(head.contains("connection: close"), "{head}");
    }
    // One of the three is spent, and these are the others.
    for _ in 0..2 {
        house.post_as("token-of-one", "/v1/refresh", &json!({})).await.refused(400, "invalid_request");
    }
    let head = format!("POST /v1/refresh HTTP/1.1\r\nHost: b\r\n{known}Content-Length: 65536\r\n\r\n{{");
    let (status, _, body) = parts(&house.raw(head.as_bytes()).await);
    assert_eq!((status, body["error"].as_str()), (429, Some("rate_limited")));
    let health = house.raw(b"GET /healthz HTTP/1.1\r\nHost: b\r\nContent-Length: 65536\r\n\r\n").await;
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
}

#[tokio::test]
async fn a_refusal_leaves_the_connection_open_whose_body_is_there() {
    let house = House::usual().await;
    for body in ["", "{}"] {
        let request = format!("POST /v2/refresh HTTP/1.1\r\nHost: b\r\nContent-Length: {}\r\n", body.len());
        let twice = format!("{request}\r\n{body}{request}Connection: close\r\n\r\n{body}");
        let answers = house.raw(twice.as_bytes()).await;
        assert_eq!(answers.matches("HTTP/1.1 404 ").count(), 2, "{answers}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_counted_and_said() {
    let house = House::usual().await;
    let malformed = house.raw(b"nonsense\r\n\r\n").await;
    assert!(malformed.starts_with("HTTP/1.1 400 "), "{malformed}");
    let large = format!("GET /healthz HTTP/1.1\r\nHost: b\r\nX-Large: {}\r\n\r\n", "x".repeat(20_000));
    let large = house.raw(large.as_bytes()).await;
    assert!(large.starts_with("HTTP/1.1 431 "), "{large}");
    for reason in ["malformed", "too_large"] {
        let line = house.log.until(|line| line["event"] == "unserved" && line["code"] == reason).await;
        assert_eq!(line["caller"], "address:127.0.0.1");
        let name = format!(r#"jira_broker_unserved_total{{reason="{reason}"}}"#);
        assert_eq!(house.metric(&name).await, 1.0);
    }
    assert_eq!(house.metric(r#"jira_broker_unserved_total{reason="accept"}"#).await, 0.0);
}

#[tokio::test]
async fn whoever_may_not_ask_does_not_write_the_log_full() {
    let house = House::with(|plan| {
        plan.callers = Some(said("token-of-one"));
        plan.settings.rate = Rate { per_minute: 1, burst: 60 };
    })
    .await;
    let post = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: b\r\nContent-Type: application/json\r\nContent-Length: 0\r\n")
    };
    let known = format!("{}Authorization: Bearer token-of-one\r\n", post("/v1/refresh"));
    let strangers =
        [post("/nothing"), post("/v1/refresh"), "GET /v1/refresh HTTP/1.1\r\nHost: b\r\n".to_owned()];
    for (request, times) in strangers.iter().map(|request| (request, 100)).chain([(&known, 20)]) {
        let all = format!("{request}\r\n").repeat(times - 1);
        let answers = house.raw(format!("{all}{request}Connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(answers.matches("HTTP/1.1 4").count(), times, "{answers}");
    }
    let lines = house.ended().await.lines();
    for (code, times, bounded) in [
        ("not_found", 100, true),
        ("unauthorized", 60, true),
        ("rate_limited", 40, true),
        ("method_not_allowed", 100, true),
        ("invalid_request", 20, false),
    ] {
        let of_code: Vec<_> = lines.iter().filter(|line| line["code"] == code).collect();
        let said = of_code.iter().filter(|line| line["event"] == "request").count();
        let refused = of_code.iter().filter(|line| line["event"] == "refused");
        let unsaid: u64 = refused.map(|line| line["unsaid"].as_u64().unwrap()).sum();
        assert_eq!(said as u64 + unsaid, times, "{code}: {of_code:?}");
        assert_eq!(unsaid > 0, bounded, "{code}: {of_code:?}");
    }
}

#[tokio::test]
async fn idle_connections_leave_health_alone() {
    let house = House::usual().await;
    let mut idle = Vec::new();
    // As many as this process may open, for both ends are here.
    while idle.len() < 400 {
        idle.push(house.connect().await);
    }
    assert_eq!(house.get("/healthz").await.status, 200);
    house.refresh(&house.token()).await.pair();
}

#[tokio::test]
async fn a_connection_too_many_is_told_so() {
    let house = House::with(|plan| plan.settings.limits.connections = 2).await;
    let first = house.connect().await;
    let second = house.connect().await;
    // Both are served before the third is looked at.
    let mut third = house.connect().await;
    let mut answer = String::new();
    wait(third.read_to_string(&mut answer)).await.unwrap();
    let (status, head, body) = parts(&answer);
    assert_eq!((status, body["error"].as_str()), (503, Some("overloaded")));
    assert!(head.contains("retry-after: 1"));
    let line = house.log.until(|line| line["event"] == "full").await;
    assert_eq!((&line["level"], &line["caller"]), (&json!("warn"), &json!("address:127.0.0.1")));
    assert_eq!(line["request_id"], body["request_id"]);
    assert!(head.contains(&format!("x-request-id: {}\r\n", body["request_id"].as_str().unwrap())), "{head}");
    drop((first, second));
    while house.raw(b"GET /healthz HTTP/1.0\r\nHost: b\r\n\r\n").await.contains("503") {
        tokio::task::yield_now().await;
    }
    let shed = r#"jira_broker_shed_total{reason="connections"}"#;
    assert!(house.metric(shed).await >= 1.0);
}

#[tokio::test]
async fn one_address_does_not_take_all_places() {
    let house = House::with(|plan| plan.settings.limits.per_address = 2).await;
    let (first, second) = (house.connect().await, house.connect().await);
    for _ in 0..2 {
        let mut third = house.connect().await;
        let mut answer = String::new();
        wait(third.read_to_string(&mut answer)).await.unwrap();
        let (status, _, body) = parts(&answer);
        assert_eq!((status, body["error"].as_str()), (503, Some("overloaded")));
    }
    drop((first, second));
    while house.raw(b"GET /healthz HTTP/1.0\r\nHost: b\r\n\r\n").await.contains("503") {
        tokio::task::yield_now().await;
    }
    assert!(house.metric(r#"jira_broker_shed_total{reason="address"}"#).await >= 2.0);
    let line = house.log.until(|line| line["event"] == "crowded").await;
    assert_eq!(line["caller"], "address:127.0.0.1");
    let lines = house.log.lines();
    assert_eq!(lines.iter().filter(|line| line["event"] == "crowded").count(), 1, "once for a crowd");
}

#[tokio::test]
async fn a_proxy_has_as_many_connections_as_there_are() {
    let house = House::with(|plan| {
        plan.settings.limits.per_address = 1;
        plan.settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let _open = [house.connect().await, house.connect().await, house.connect().await];
    assert_eq!(house.get("/healthz").await.status, 200);
    assert_eq!(house.metric(r#"jira_broker_shed_total{reason="address"}"#).await, 0.0);
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let house = House::usual().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        for path in ["/v1/refresh", "/v1/exchange", "/v1/revoke"] {
            let answer = house.send(method.clone(), path, JSON, "{}".to_owned()).await;
            answer.refused(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), "POST");
        }
    }
    for path in
        ["/", "/v1/refresh/", "/v1/Refresh", "/v1//refresh", "/v2/refresh", "/metrics/", "/favicon.ico"]
    {
        house.post(path, &json!({ "refresh_token": house.token() })).await.refused(404, "not_found");
    }
    assert_eq!(house.refreshes(), 0);
}

#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_is_refused() {
    let house = House::usual().await;
    let body = json!({ "refresh_token": house.token() }).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "application/json-patch+json",
        "text/plain; application/json",
    ] {
        let answer = house.send(Method::POST, "/v1/refresh", &[("content-type", kind)], body.clone()).await;
        answer.refused(415, "unsupported_media_type");
    }
    house.send(Method::POST, "/v1/refresh", &[], body.clone()).await.refused(415, "unsupported_media_type");
    assert_eq!(house.refreshes(), 0);
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let body = json!({ "refresh_token": house.token() }).to_string();
        house.send(Method::POST, "/v1/refresh", &[("content-type", kind)], body).await.pair();
    }
}

#[tokio::test]
async fn a_page_in_a_browser_is_refused() {
    let house = House::usual().await;
    let body = json!({ "refresh_token": house.token() }).to_string();
    for origin in ["https://evil.example", "null", "http://127.0.0.1:8080"] {
        let headers = [("content-type", "application/json"), ("origin", origin)];
        let answer = house.send(Method::POST, "/v1/refresh", &headers, body.clone()).await;
        answer.refused(403, "origin_refused");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    assert_eq!(house.refreshes(), 0);
}

#[tokio::test]
async fn a_message_that_is_none_is_refused_and_not_repeated() {
    let house = House::usual().await;
    for body in [
        " ",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"refresh_token":""}"#,
        r#"{"refresh_token":17}"#,
        r#"{"refresh_token":["canary"]}"#,
        r#"{"refresh_token":"canary with spaces"}"#,
        "{\"refresh_token\":\"canary\\n\"}",
        r#"{"refresh_token":"canary","refresh_token":"canary2"}"#,
        r#"{"refresh_token":"canary","client_secret":"canary"}"#,
        r#"{"refresh_token":"canary"} canary"#,
    ] {
        let answer = house.send(Method::POST, "/v1/refresh", JSON, body.to_owned()).await;
        answer.refused(400, "invalid_request");
        assert!(!answer.text.contains("canary"), "{answer:?}");
    }
    let other = json!({ "refresh_token": house.token(), "client_id": "another" });
    house.post("/v1/refresh", &other).await.refused(400, "invalid_client_id");
    house.post("/v1/revoke", &other).await.refused(400, "invalid_client_id");
    assert_eq!(house.jira.log().len(), 0, "Jira was asked");
    assert!(!house.ended().await.text().contains("canary"));
}

#[tokio::test]
async fn more_than_may_be_under_way_is_refused_at_once() {
    let house = House::with(|plan| plan.settings.max_in_flight = 2).await;
    let gate = Gate::new();
    house.jira.faults().add(Fault::on(TOKEN, Action::Hold(gate.clone())).times(2));
    let tokens = [house.token(), house.token()];
    let under_way = async { tokio::join!(house.refresh(&tokens[0]), house.refresh(&tokens[1])) };
    let third = async {
        wait(gate.arrived(2)).await;
        let answer = house.refresh(&house.token()).await;
        gate.release();
        answer
    };
    let ((one, two), third) = tokio::join!(under_way, third);
    third.refused(503, "overloaded");
    one.pair();
    two.pair();
    house.refresh(&house.token()).await.pair();
    assert_eq!(house.metric(r#"jira_broker_shed_total{reason="in_flight"}"#).await, 1.0);
}
