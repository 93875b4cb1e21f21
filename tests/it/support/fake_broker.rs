//! A broker that does what a test has planned for it, in order; a call that is not planned fails the test.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use jira_oauth::sandbox::Tokens;
use jira_oauth::serve::{CloseUnanswered, Limits, bind, serve};
use serde_json::{Value, json};

use super::person::web;
use super::world::World;

/// What it does with one call.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Gives this pair.
    Pair(Tokens),
    /// Asks Jira with the secret, as a broker does.
    Forwards,
    /// Refuses or answers so, with `Retry-After: 9`.
    Says(u16, Value),
    /// A page where JSON belongs.
    Page(u16),
    /// Redirects.
    Leads(String),
    /// Closes the connection without an answer.
    Hangs,
}

impl Plan {
    /// A refusal in one word.
    pub fn refuses(status: u16, error: &str) -> Plan {
        Plan::Says(status, json!({ "error": error, "error_description": "…", "request_id": "r-1" }))
    }
}

/// One call that it got.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub authorization: Option<String>,
    pub body: Value,
}

/// A fake broker. Dropped, it holds what came against what was planned.
pub struct FakeBroker {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    token_url: String,
    revoke_url: String,
    client_id: String,
    client_secret: String,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    plans: VecDeque<Plan>,
    calls: Vec<Call>,
    unplanned: Vec<Call>,
}

impl FakeBroker {
    /// Starts one in front of the world's Jira.
    pub async fn start(world: &World) -> FakeBroker {
        let below = |path: &str| format!("{}/rest/oauth2/latest/{path}", world.jira.base_url());
        let shared = Arc::new(Shared {
            token_url: below("token"),
            revoke_url: below("revoke"),
            client_id: world.jira.client_id().to_owned(),
            client_secret: world.jira.client_secret().to_owned(),
            books: Mutex::default(),
        });
        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(serve(vec![listener], None, router, Limits::default(), std::future::pending()));
        FakeBroker { url, shared }
    }

    /// Starts one, and has the session of the world refresh through it, which is due.
    pub async fn behind(world: &World) -> FakeBroker {
        let broker = FakeBroker::start(world).await;
        world.logged_in().await;
        let url = broker.url.clone();
        world.change_session(|session| session.trust.broker_url = Some(url)).await;
        world.advance(Duration::from_secs(3600));
        broker
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it does with the next calls.
    pub fn plan(&self, plans: impl IntoIterator<Item = Plan>) {
        let mut books = self.shared.books();
        assert!(books.plans.is_empty(), "the broker was asked less often than planned");
        books.plans = plans.into_iter().collect();
    }

    /// The calls since the last time, all of which were planned.
    pub fn calls(&self) -> Vec<Call> {
        let mut books = self.shared.books();
        books.settle();
        std::mem::take(&mut books.calls)
    }
}

impl Drop for FakeBroker {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.shared.books().settle();
        }
    }
}

impl Books {
    fn settle(&self) {
        assert!(self.plans.is_empty(), "the broker was asked less often than planned: {:?}", self.plans);
        assert!(self.unplanned.is_empty(), "the broker was asked for more: {:?}", self.unplanned);
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn next(&self, call: Call) -> Option<Plan> {
        let mut books = self.books();
        let plan = books.plans.pop_front();
        if plan.is_some() {
            books.calls.push(call)
        } else {
            books.unplanned.push(call)
        }
        plan
    }

    /// Asks Jira the same with the secret.
    async fn forward(&self, path: &str, body: &Value) -> Response {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let mut form = vec![("client_id", text("client_id")), ("client_secret", self.client_secret.clone())];
        assert_eq!(body["client_id"], self.client_id);
        let url = match path {
            "/v1/refresh" => {
                form.extend([
                    ("grant_type", "refresh_token".to_owned()),
                    ("refresh_token", text("refresh_token")),
                ]);
                form.push(("redirect_uri", text("redirect_uri")));
                &self.token_url
            }
            "/v1/exchange" => {
                form.extend([("grant_type", "authorization_code".to_owned()), ("code", text("code"))]);
                form.extend(["code_verifier", "redirect_uri"].map(|name| (name, text(name))));
                &self.token_url
            }
            _ => {
                form.push(("token", text("refresh_token")));
                let answer = web().post(&self.revoke_url).form(&form).send().await.unwrap();
                let revocation = if answer.status().is_success() { "revoked" } else { "failed" };
                return axum::Json(json!({ "revocation": revocation })).into_response();
            }
        };
        let answer = web().post(url).form(&form).send().await.unwrap();
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        (status, axum::Json(body)).into_response()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let call = Call { path: uri.path().to_owned(), authorization, body: body.clone() };
    match shared.next(call) {
        None => StatusCode::IM_A_TEAPOT.into_response(),
        Some(Plan::Forwards) => shared.forward(uri.path(), &body).await,
        Some(Plan::Pair(tokens)) => axum::Json(json!({
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_in": tokens.expires_in,
        }))
        .into_response(),
        Some(Plan::Says(status, body)) => {
            let headers = [("retry-after", "9")];
            (StatusCode::from_u16(status).unwrap(), headers, axum::Json(body)).into_response()
        }
        Some(Plan::Page(status)) => {
            let headers = [("content-type", "text/html"), ("x-request-id", "ingress-1")];
            (StatusCode::from_u16(status).unwrap(), headers, "<html>").into_response()
        }
        Some(Plan::Leads(to)) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Some(Plan::Hangs) => {
            let mut response = Response::default();
            response.extensions_mut().insert(CloseUnanswered);
            response
        }
    }
}
