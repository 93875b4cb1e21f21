//! What stands beside and behind the broker: a bare axum handler that answers a fixed body, and a token endpoint
//! that grants whatever it is asked for. Each is a process of its own, which prints its port.

use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;

use super::jira;

/// As long as Jira's tokens are at most.
pub const TOKEN_LENGTH: usize = 160;

const JSON: [(axum::http::HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json")];

/// Serves `bare`, or `jira` with a delay in milliseconds, until it is killed.
pub fn serve(what: &str, rest: &[&str]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{{\"listen\":\"{}\"}}", listener.local_addr().unwrap());
        match (what, rest) {
            ("bare", []) => {
                let router = Router::new().route("/v1/refresh", post(|| async { (JSON, pair(0)) }));
                axum::serve(listener, router).await.unwrap();
            }
            ("jira", [delay]) => jira::serve(listener, Duration::from_millis(delay.parse().unwrap())).await,
            _ => panic!("broker serve bare | jira MILLISECONDS"),
        }
    });
}

/// A token of the usual length; the number makes it another one.
pub fn token(number: u64) -> String {
    format!("{number:0>TOKEN_LENGTH$}")
}

/// What a token endpoint answers, and what a broker makes of it.
pub fn pair(number: u64) -> String {
    let (access, refresh) = (token(number), token(number));
    format!(
        r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":7200,"scope":"WRITE","token_type":"Bearer"}}"#
    )
}
