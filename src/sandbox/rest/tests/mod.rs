//! The handlers, asked as a client asks.

mod agile;
mod meta;
mod reads;
mod refusals;
mod writes;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::routes;
use crate::sandbox::{Caller, Clock, Options, Scope, State};

/// A Jira of 240 issues whose configured address is not the one it is called by.
pub(super) struct Jira(Router);

/// What came back.
pub(super) struct Answer {
    pub status: StatusCode,
    pub text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Jira {
    pub(super) fn new() -> Jira {
        let clock = Clock::new(|| "2026-03-10T12:00:00Z".parse().unwrap());
        let base_url = "https://jira.example.com/ctx/".to_owned();
        Jira(
            routes().with_state(
                State::new(Options { issues: 240, ..Options::default() }, base_url, clock).unwrap(),
            ),
        )
    }

    pub(super) async fn send(&self, user: Option<&str>, scope: Scope, request: Request<Body>) -> Answer {
        let mut request = request;
        request.extensions_mut().insert(Caller { user: user.map(str::to_owned), scope });
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// GET as `user`, with everything the scope could allow.
    pub(super) async fn get_as(&self, user: Option<&str>, path: &str) -> Answer {
        let path = path.replace(' ', "%20").replace('"', "%22");
        self.send(user, Scope::SystemAdmin, Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.get_as(Some("developer"), path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()
    }

    pub(super) async fn change_as(
        &self,
        user: Option<&str>,
        scope: Scope,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        self.send(user, scope, request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(super) async fn change(&self, method: &str, path: &str, body: Value) -> Answer {
        self.change_as(Some("developer"), Scope::Write, method, path, &body).await
    }
}
