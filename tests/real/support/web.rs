//! A broker as its callers and its operator ask it.

use ::http::header::{AUTHORIZATION, CONTENT_TYPE};
use ::http::{HeaderValue, Method};
use jira_oauth::http::{self, Client, HttpError, Options, Request, Target};
use serde_json::{Value, json};

use super::jira::LONG;

/// Asks over plain HTTP, and keeps the connections.
#[derive(Clone)]
pub struct Web(Client);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In seconds.
    pub retry_after: Option<u64>,
    pub text: String,
    /// The JSON; `Null` if it is none.
    pub body: Value,
}

impl Answer {
    pub fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub fn pair(&self) -> (&str, &str) {
        assert_eq!(self.status, 200, "{self:?}");
        (self.body["access_token"].as_str().unwrap(), self.body["refresh_token"].as_str().unwrap())
    }
}

impl Web {
    pub fn open() -> Web {
        Web(http::client(&Options { plain: true, ..Options::default() }))
    }

    /// Looks at a page.
    pub async fn get(&self, url: &str) -> Result<Answer, HttpError> {
        self.send(request(Method::GET, url)).await
    }

    /// Asks for the pair that follows `token`; `caller` is the bearer.
    pub async fn refresh(
        &self,
        broker: &str,
        token: &str,
        caller: Option<&str>,
    ) -> Result<Answer, HttpError> {
        let mut request = request(Method::POST, &format!("{broker}/v1/refresh"))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(json!({ "refresh_token": token }).to_string());
        if let Some(caller) = caller {
            request = request.header(AUTHORIZATION, format!("Bearer {caller}").parse().unwrap());
        }
        self.send(request).await
    }

    async fn send(&self, request: Request) -> Result<Answer, HttpError> {
        let response = self.0.send(request).await?;
        let status = response.status().as_u16();
        let retry_after = http::retry_after(response.headers());
        let text = String::from_utf8(http::read(response, http::BODY_CAP).await?).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, retry_after, text, body })
    }
}

fn request(method: Method, url: &str) -> Request {
    Request::new(method, Target::new(url.parse().unwrap()).unwrap(), LONG)
}
