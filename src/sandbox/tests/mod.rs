//! The sandbox seen from outside, over HTTP: every strictness that a client is to be tried on.

mod authorize;
mod faults;
mod pages;
mod rest;
mod token;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, Response, redirect};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::*;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const REDIRECT: &str = "https://127.0.0.1:8085/callback";
const OTHER_REDIRECT: &str = "http://localhost:8085/callback";

/// A sandbox whose clock stands still, and a client that follows no redirect.
struct Sandbox {
    running: Running,
    http: Client,
}

async fn sandbox(options: Options) -> Sandbox {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let running = start(options, move || now).await.unwrap();
    Sandbox { running, http: client(rustls::RootCertStore::empty()) }
}

/// One in which everybody is `developer` at once.
async fn approving(options: Options) -> Sandbox {
    sandbox(Options { auto_approve: Some("developer".to_owned()), ..options }).await
}

fn client(roots: rustls::RootCertStore) -> Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = Client::builder().no_proxy().redirect(redirect::Policy::none());
    builder.timeout(Duration::from_secs(20)).tls_backend_preconfigured(tls).build().unwrap()
}

impl Sandbox {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.base_url())
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    /// A REST call with a bearer: its status and who it was, by the header.
    async fn whoami(&self, token: &str) -> (u16, String) {
        let response = self.get("/rest/api/2/myself").bearer_auth(token).send().await.unwrap();
        (response.status().as_u16(), header(&response, "x-ausername"))
    }

    /// The authorize request that is right in everything, with some parameters changed or left out.
    fn authorize_path(&self, changes: &[(&str, Option<&str>)]) -> String {
        let mut params = vec![
            ("client_id", self.running.client_id()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "WRITE"),
            ("state", "a state & more"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            params.retain(|(param, _)| param != name);
            params.extend(value.map(|value| (*name, value)));
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        format!("/rest/oauth2/latest/authorize?{query}")
    }

    /// A code, where everybody is approved at once.
    async fn code(&self, changes: &[(&str, Option<&str>)]) -> String {
        let response = self.get(&self.authorize_path(changes)).send().await.unwrap();
        location(&response).1.remove("code").expect("a code")
    }

    async fn token(&self, form: &[(&str, &str)]) -> Response {
        self.http.post(self.url("/rest/oauth2/latest/token")).form(form).send().await.unwrap()
    }

    /// The exchange that is right in everything, with some parameters changed, added or left out.
    async fn exchange(&self, code: &str, changes: &[(&str, Option<&str>)]) -> Response {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", self.running.client_id()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in changes {
            form.retain(|(param, _)| param != name);
            form.extend(value.map(|value| (*name, value)));
        }
        self.token(&form).await
    }

    async fn refresh(&self, refresh_token: &str, more: &[(&str, &str)]) -> Response {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", self.running.client_id()),
        ];
        form.extend_from_slice(more);
        self.token(&form).await
    }

    async fn stop(self) {
        self.running.stop().await;
    }
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Where a 303 leads, and with what.
fn location(response: &Response) -> (String, HashMap<String, String>) {
    assert_eq!(response.status(), 303);
    let url = Url::parse("http://relative").unwrap().join(&header(response, "location")).unwrap();
    let params = url.query_pairs().into_owned().collect();
    let mut target = url;
    target.set_query(None);
    (target.to_string(), params)
}

/// The tokens of a good answer.
async fn tokens(response: Response) -> (String, String) {
    assert_eq!(response.status(), 200);
    let body: Value = json(response).await;
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// OAuth's word for what is wrong.
async fn error(response: Response) -> String {
    assert_eq!(response.status(), 400);
    json(response).await["error"].as_str().unwrap().to_owned()
}

async fn json(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}
