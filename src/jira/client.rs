//! Sends requests to Jira: the one place where a bearer is put into a header, where a dead one is noticed,
//! and where it is decided whether a request may be sent at all or again.
//!
//! Jira does not reject a bearer that has ended: it goes on as if nobody had asked. So an answer is
//! believed only if it is not anonymous; otherwise the request is sent once more with a newer token.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::auth::{Access, Authorization, Credential};
use crate::http::{self as transport, HttpError, Target};
use crate::secret::random;

use super::error::JiraError;
use super::judge::{Answer, Verdict, judge};

/// What a request does, for the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessClass {
    /// It changes nothing.
    Read,
    /// It changes something.
    Write,
    /// It takes something away for good.
    Delete,
}

impl AccessClass {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            AccessClass::Read => "read",
            AccessClass::Write => "write",
            AccessClass::Delete => "delete",
        }
    }
}

/// One request below the base URL.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The path below the base URL, made of our own words and of parsed keys and ids.
    pub path: String,
    /// The query.
    pub query: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Option<Value>,
    /// What it does.
    pub class: AccessClass,
}

impl Request {
    /// A GET.
    pub fn get(path: impl Into<String>) -> Self {
        Request {
            method: Method::GET,
            path: path.into(),
            query: vec![],
            body: None,
            class: AccessClass::Read,
        }
    }

    /// A POST that only asks: a search.
    pub fn ask(path: impl Into<String>, body: Value) -> Self {
        Request { method: Method::POST, body: Some(body), ..Request::get(path) }
    }

    /// A request that changes something.
    pub fn change(method: Method, path: impl Into<String>, body: Value) -> Self {
        Request { method, body: Some(body), class: AccessClass::Write, ..Request::get(path) }
    }

    /// A request that takes something away.
    pub fn delete(path: impl Into<String>) -> Self {
        Request { method: Method::DELETE, class: AccessClass::Delete, ..Request::get(path) }
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// `GET /rest/api/2/…`, for messages; without the query, which may hold what somebody searches for.
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Bounds that come from the command line and the policy.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Nothing that changes anything is sent (`JIRA_READ_ONLY`).
    pub read_only: bool,
    /// When the command's time is up. A request ends a little before it, so that a change that got no
    /// answer can still be reported as such.
    pub deadline: Instant,
    /// How long a 429 may be waited for (`--max-wait`); not at all by default.
    pub max_wait: Duration,
}

/// Where a request is while nobody knows yet what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flight {
    /// It leaves the machine: from now on it may have been carried out.
    Out,
    /// Jira did not take it, and it waits to be sent again: nothing was carried out.
    Back,
}

/// Is told where a request is.
pub type Note<'n> = dyn Fn(Flight) + Send + Sync + 'n;

/// A Jira, and who asks it.
#[derive(Clone, Debug)]
pub struct Jira {
    access: Access,
    bounds: Bounds,
}

/// Tries of a request that only reads.
const READ_TRIES: usize = 3;

/// What is left of the command's time for the report when a request runs into the deadline.
const REPORT_TIME: Duration = Duration::from_millis(300);

/// The longest that one change may take.
const CHANGE_TIME: Duration = Duration::from_secs(30);

/// A wait longer than this is no rate limit but an administrator's decision; Jira then says the largest
/// number it has.
const BLOCKED_AFTER: u64 = 3600;

impl Jira {
    /// Asks with `access`, within `bounds`.
    pub fn new(access: Access, bounds: Bounds) -> Self {
        Jira { access, bounds }
    }

    /// The credential and the Jira it belongs to.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Sends a request and returns Jira's answer, which is JSON or empty and not anonymous.
    pub async fn send(&self, request: &Request) -> Result<Answer, JiraError> {
        self.send_noting(request, &|_| ()).await
    }

    /// The same; `note` is told when the request really goes out, which may be after a refresh or a wait, so
    /// that whoever is cut short knows whether it may have been carried out.
    pub async fn send_noting(&self, request: &Request, note: &Note<'_>) -> Result<Answer, JiraError> {
        if request.class != AccessClass::Read && self.bounds.read_only {
            return Err(JiraError::ReadOnly { request: request.title() });
        }
        let mut waited = Duration::ZERO;
        loop {
            match self.ask(request, note).await {
                Err(JiraError::RateLimited { wait, .. })
                    if wait <= BLOCKED_AFTER && waited + jittered(wait) <= self.bounds.max_wait =>
                {
                    // Jira refuses before it works, so a change may be sent again as well.
                    note(Flight::Back);
                    log::info!("429: waiting {wait} s");
                    waited += jittered(wait);
                    tokio::time::sleep(jittered(wait)).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn ask(&self, request: &Request, note: &Note<'_>) -> Result<Answer, JiraError> {
        let first = self.access.credential.authorization().await?;
        let answer = self.exchange(request, &first, note).await?;
        if !self.is_dead(request, &answer, &first).await? {
            return self.settle(request, answer).await;
        }
        if answer.is_success() && request.class != AccessClass::Read {
            return Err(JiraError::AnonymousWrite { request: request.title() });
        }
        note(Flight::Back);
        log::info!("Jira does not accept the access token any more");
        let Some(second) = self.access.credential.instead_of(&first).await? else {
            return Err(answer.rejected(&self.access));
        };
        let again = self.exchange(request, &second, note).await?;
        if self.is_dead(request, &again, &second).await? {
            if again.is_success() && request.class != AccessClass::Read {
                return Err(JiraError::AnonymousWrite { request: request.title() });
            }
            return Err(again.rejected(&self.access));
        }
        self.settle(request, again).await
    }

    async fn settle(&self, request: &Request, answer: Answer) -> Result<Answer, JiraError> {
        // It says why a change is forbidden.
        let read_only = answer.status == 403 && self.access.is_read_only_scope().await;
        answer.settle(request, self.access.base_url.host(), read_only.then_some(self.access.mode))
    }

    /// Whether the session may only read, where a session says so. An injected token is spent first: nobody knows
    /// its scope before, and the next request would spend it anyway.
    pub async fn may_only_read(&self) -> Result<bool, JiraError> {
        let credential = &self.access.credential;
        if matches!(credential, Credential::Session(_)) && self.access.granted().await.is_none() {
            credential.authorization().await?;
        }
        Ok(self.access.is_read_only_scope().await)
    }

    /// Whether the bearer that was sent counts for nothing. Where Jira does not say whom it saw, and the
    /// answer could be that of a stranger, one look at `/myself` decides.
    async fn is_dead(
        &self,
        request: &Request,
        answer: &Answer,
        sent: &Authorization,
    ) -> Result<bool, JiraError> {
        match judge(request, answer) {
            Verdict::Known => Ok(false),
            Verdict::Stranger => Ok(true),
            Verdict::Doubtful => {
                let myself = self.exchange(&Request::get("/rest/api/2/myself"), sent, &|_| ()).await?;
                Ok(myself.status == 401 || myself.is_anonymous())
            }
        }
    }

    /// One answer to one request. What only reads is asked again, twice, after a reset or a 502, 503, 504.
    async fn exchange(
        &self,
        request: &Request,
        auth: &Authorization,
        note: &Note<'_>,
    ) -> Result<Answer, JiraError> {
        let tries = if request.class == AccessClass::Read { READ_TRIES } else { 1 };
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_times(tries - 1)
            .with_jitter()
            .build();
        loop {
            let outcome = self.once(request, auth, note).await;
            let passing = match &outcome {
                Ok(answer) => matches!(answer.status, 502..=504),
                Err(error) => matches!(error, HttpError::Broken { .. }),
            };
            let Some(pause) = pauses.next().filter(|_| passing) else {
                return self.outcome(request, outcome);
            };
            log::info!("{}: once more in {} ms", request.title(), pause.as_millis());
            tokio::time::sleep(pause).await;
        }
    }

    /// A change that was sent and not answered may have been made: that is neither success nor failure.
    fn outcome(&self, request: &Request, outcome: Result<Answer, HttpError>) -> Result<Answer, JiraError> {
        let changes = request.class != AccessClass::Read;
        match outcome {
            Ok(answer) if changes && matches!(answer.status, 502 | 504) => Err(JiraError::OutcomeUnknown {
                request: request.title(),
                reason: format!("the answer was {}", answer.status),
            }),
            Err(error) if changes && error.may_have_been_sent() => {
                Err(JiraError::OutcomeUnknown { request: request.title(), reason: error.to_string() })
            }
            Ok(answer) => Ok(answer),
            Err(error) => Err(JiraError::Http(error)),
        }
    }

    async fn once(
        &self,
        request: &Request,
        auth: &Authorization,
        note: &Note<'_>,
    ) -> Result<Answer, HttpError> {
        let host = self.access.base_url.host();
        let left = self.bounds.deadline.saturating_duration_since(Instant::now());
        let left = left.saturating_sub(REPORT_TIME);
        if left.is_zero() {
            return Err(HttpError::NoTimeLeft { host });
        }
        // A change that hangs leaves time to look whether it was made.
        let left = if request.class == AccessClass::Read { left } else { left.min(CHANGE_TIME) };
        let target = Target::new(self.url(request))?;
        let mut sent = transport::Request::new(request.method.clone(), target, left)
            .headers(headers(request, auth).ok_or(HttpError::Unsendable)?);
        if let Some(body) = &request.body {
            sent = sent.body(body.to_string());
        }
        let started = Instant::now();
        note(Flight::Out);
        let response = self.access.client.send(sent).await?;
        let status = response.status().as_u16();
        log::info!("{} → {status} in {} ms", request.title(), started.elapsed().as_millis());
        let headers = response.headers().clone();
        let body = transport::read(response, transport::BODY_CAP).await?;
        Ok(Answer::new(status, headers, body))
    }

    fn url(&self, request: &Request) -> Url {
        let mut url = Url::parse(&self.access.base_url.join(&request.path))
            .expect("a base URL and a path of parsed parts are a URL");
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }
}

/// None if the credential holds what no header can carry.
fn headers(request: &Request, auth: &Authorization) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let mut value = HeaderValue::from_str(auth.header.expose()).ok()?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    if request.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if request.class != AccessClass::Read {
        // Without it Jira takes a write for a browser's and applies its XSRF checks.
        headers.insert("x-atlassian-token", HeaderValue::from_static("no-check"));
    }
    Some(headers)
}

/// Jira says whole seconds, and on several nodes 0; a little more keeps a crowd from coming back at once.
fn jittered(seconds: u64) -> Duration {
    let [byte] = random().unwrap_or([128]);
    Duration::from_secs(seconds.clamp(1, BLOCKED_AFTER)) + Duration::from_millis(u64::from(byte) * 2)
}
