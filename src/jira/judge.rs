//! What an answer is worth: is it Jira's, did Jira know who asked, and if it is a refusal, which one.
//! What is not Jira's JSON is judged by its status first.

use http::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::auth::{Access, AuthMode};
use crate::http as transport;

use super::client::{AccessClass, Request};
use super::error::JiraError;

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, if it was JSON; `Null` if it was empty.
    pub body: Option<Value>,
    headers: HeaderMap,
}

/// Whether Jira knew who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It did, or the answer does not depend on it.
    Known,
    /// It took us for nobody.
    Stranger,
    /// It does not say, and a stranger could have got the same answer.
    Doubtful,
}

/// Decides whether Jira accepted the credential.
pub(super) fn judge(request: &Request, answer: &Answer) -> Verdict {
    // No REST resource answers so, whoever asks: nothing is there.
    if answer.status == 404 && answer.body.is_none() {
        return Verdict::Known;
    }
    if answer.is_anonymous() {
        return Verdict::Stranger;
    }
    if answer.is_captcha() || !answer.is_jiras() || answer.status == 429 {
        return Verdict::Known;
    }
    let seen = answer.header("x-ausername").is_some();
    let empty_search = request.path.ends_with("/search") && answer.json()["total"].as_u64() == Some(0);
    match answer.status {
        401 if seen => Verdict::Stranger,
        401 | 403 | 404 if !seen => Verdict::Doubtful,
        200 if !seen && empty_search => Verdict::Doubtful,
        _ => Verdict::Known,
    }
}

impl Answer {
    pub(super) fn new(status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        // serde_json refuses what is nested deeper than 128 levels.
        let body = if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&body).ok() };
        Answer { status, body, headers }
    }

    /// The JSON, or `Null`.
    pub fn json(&self) -> &Value {
        self.body.as_ref().unwrap_or(&Value::Null)
    }

    /// The JSON, or `Null`.
    pub fn into_json(self) -> Value {
        self.body.unwrap_or_default()
    }

    /// Jira's name for this request, to be quoted to its administrator.
    pub fn request_id(&self) -> Option<String> {
        self.header("x-arequestid").map(str::to_owned)
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Jira says whom it saw; `anonymous` although a credential was sent means that it did not count.
    pub(super) fn is_anonymous(&self) -> bool {
        self.header("x-ausername").is_some_and(|name| name.eq_ignore_ascii_case("anonymous"))
    }

    fn is_captcha(&self) -> bool {
        self.header("x-authentication-denied-reason").is_some_and(|reason| reason.contains("CAPTCHA"))
            || self.header("x-seraph-loginreason") == Some("AUTHENTICATION_DENIED")
    }

    /// Whether it comes from Jira and not from something in between.
    fn is_jiras(&self) -> bool {
        let signs = ["x-ausername", "x-arequestid", "x-anodeid", "x-seraph-loginreason"];
        self.body.is_some() || signs.iter().any(|name| self.headers.contains_key(*name))
    }

    fn claims_json(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn seconds(&self, name: &str) -> Option<u64> {
        transport::seconds(&self.headers, name)
    }

    /// The error for a credential that does not count.
    pub(super) fn rejected(&self, access: &Access) -> JiraError {
        if self.is_captcha() {
            return JiraError::Captcha { host: access.base_url.host() };
        }
        JiraError::TokenRejected {
            mode: access.mode,
            source_name: access.source.clone(),
            status: self.status,
        }
    }

    /// The answer if it is a success, else the error that it is. The credential has been found good.
    /// `read_only`: the session's scope is READ, and what kind of session it is.
    pub(super) fn settle(
        self,
        request: &Request,
        host: String,
        read_only: Option<AuthMode>,
    ) -> Result<Answer, JiraError> {
        let status = self.status;
        if status == 429 {
            return Err(self.rate_limited());
        }
        if (300..400).contains(&status) {
            return Err(self.redirected(request, &host));
        }
        if self.is_captcha() && status >= 400 {
            return Err(JiraError::Captcha { host });
        }
        let Some(body) = &self.body else {
            return Err(match status {
                500.. => JiraError::Server { host, status, request_id: self.request_id(), body: None },
                // Cut off, or nested too deep; a login page would not call itself JSON.
                200..=299 if self.claims_json() => {
                    JiraError::Unexpected { request: request.title(), missing: "JSON that can be read" }
                }
                200..=299 | 401 | 403 => JiraError::Intercepted { host, status },
                _ => JiraError::NotJira { host, status },
            });
        };
        match status {
            200..=299 => Ok(self),
            500.. => {
                let body = Some(details(body));
                Err(JiraError::Server { host, status, request_id: self.request_id(), body })
            }
            _ => Err(match read_only {
                Some(mode) if status == 403 && request.class != AccessClass::Read => {
                    JiraError::ScopeMissing { mode, request: request.title(), request_id: self.request_id() }
                }
                _ => JiraError::Refused {
                    request: request.title(),
                    status,
                    message: message(body),
                    request_id: self.request_id(),
                    details: details(body),
                },
            }),
        }
    }

    fn rate_limited(&self) -> JiraError {
        let said = self.seconds("retry-after");
        // Several nodes: 0 means that a token has just arrived at the one that answered.
        let refill =
            match (self.seconds("x-ratelimit-interval-seconds"), self.seconds("x-ratelimit-fillrate")) {
                (Some(interval), Some(rate)) if rate > 0 => interval.div_ceil(rate),
                _ => 0,
            };
        JiraError::RateLimited { wait: said.unwrap_or(0).max(refill), request_id: self.request_id() }
    }

    /// A redirect is never followed: it would carry the bearer along, or replay a write. Where it points
    /// tells what happened.
    fn redirected(&self, request: &Request, host: &str) -> JiraError {
        let target = self.header("location").unwrap_or_default();
        let base = Url::parse(&format!("https://{host}/")).ok();
        let target = Url::parse(target).ok().or_else(|| base?.join(target).ok());
        let same_path = target.as_ref().is_some_and(|url| url.path().ends_with(&request.path));
        let target =
            target.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| host.to_owned());
        if same_path {
            JiraError::Moved { host: host.to_owned(), target }
        } else {
            JiraError::Redirected { host: host.to_owned(), target, status: self.status }
        }
    }
}

/// Jira's own words in one line.
fn message(body: &Value) -> String {
    let lines =
        body["errorMessages"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let fields = body["errors"].as_object().into_iter().flatten();
    let fields = fields.map(|(name, text)| format!("{name}: {}", text.as_str().unwrap_or_default()));
    let other = body["message"].as_str().map(str::to_owned);
    lines.chain(fields).chain(other).collect::<Vec<_>>().join("; ")
}

/// `errorMessages` and `errors` as they came, or the body where it has neither.
fn details(body: &Value) -> Value {
    let own = ["errorMessages", "errors"].iter().filter_map(|name| Some((*name, body.get(*name)?.clone())));
    let own: serde_json::Map<_, _> = own.map(|(name, value)| (name.to_owned(), value)).collect();
    if own.is_empty() { body.clone() } else { Value::Object(own) }
}
