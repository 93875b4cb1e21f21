//! What is sent, over which connections, and until when.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, LOCATION, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};
use url::form_urlencoded::Serializer;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::HttpError;
use super::connect::{CONNECT_TIMEOUT, Connector, Proxies};
use super::roots::LazyRoots;

/// Who we say we are.
pub(super) const USER_AGENT_TEXT: &str = concat!("jira-oauth/", env!("CARGO_PKG_VERSION"));

/// A connection that nobody uses is kept this long: less than Tomcat keeps it, so that no request is sent on one
/// that is just being closed.
const IDLE: Duration = Duration::from_secs(15);

/// Sends requests and keeps the connections. Clones share them. It follows no redirect and asks nothing twice, but
/// for a request that the server has not begun to read on a connection that it was closing.
#[derive(Clone)]
pub struct Client {
    connections: legacy::Client<Connector, Full<Bytes>>,
    proxies: Option<Proxies>,
    roots: Option<Arc<LazyRoots>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// A URL that a request can be sent to.
#[derive(Clone, Debug)]
pub struct Target {
    url: Arc<Url>,
    uri: Uri,
}

/// One request.
pub struct Request {
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Bytes,
    timeout: Duration,
}

/// The head of an answer, and its body while it comes; see [`read`](super::read).
#[derive(Debug)]
pub struct Response {
    target: Target,
    status: StatusCode,
    headers: HeaderMap,
    pub(super) body: Incoming,
    pub(super) deadline: Instant,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither headers nor body: there are tokens in both.
        write!(f, "{} to {}, {} bytes", self.method, self.target.host(), self.body.len())
    }
}

impl Target {
    /// `url` is one of http or https. One that is longer than HTTP has room for is [`HttpError::TooLong`].
    pub fn new(url: Url) -> Result<Self, HttpError> {
        match url.as_str().parse() {
            Ok(uri) => Ok(Target { url: Arc::new(url), uri }),
            Err(_) => Err(HttpError::TooLong { host: host(&url) }),
        }
    }

    /// Its host for a message: IPv6 without brackets.
    pub fn host(&self) -> String {
        host(&self.url)
    }
}

fn host(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    }
}

impl Request {
    /// One without a body. `timeout` is for all of it, from the connection to the last byte of the answer.
    pub fn new(method: Method, target: Target, timeout: Duration) -> Self {
        Request { method, target, headers: HeaderMap::new(), body: Bytes::new(), timeout }
    }

    /// Adds headers.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With a body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Request { body: body.into(), ..self }
    }

    /// With a form that is wiped when it has been sent.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        // Three bytes for one at most: a buffer that grew would leave a copy behind.
        let most = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
        let form = Serializer::new(String::with_capacity(most)).extend_pairs(fields).finish();
        self.header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")).wiped(form)
    }

    /// With a body that is wiped when it has been sent.
    pub fn wiped(self, body: String) -> Self {
        self.body(Bytes::from_owner(Zeroizing::new(body.into_bytes())))
    }
}

impl Client {
    /// `roots` are those that `connector` verifies with.
    pub(super) fn new(connector: Connector, proxies: Option<Proxies>, roots: Option<Arc<LazyRoots>>) -> Self {
        let connections = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Client { connections, proxies, roots }
    }

    /// Reads the roots now, if any are needed, for whoever connects much later. Blocks. Why they cannot be used, if so.
    pub fn read_roots(&self) -> Result<(), String> {
        self.roots.as_ref().map_or(Ok(()), |roots| roots.read())
    }

    /// Whether a request to `target` has a way to go: [`HttpError::BadProxy`] if it would go through a proxy that is
    /// none. Nothing is sent.
    pub fn check(&self, target: &Target) -> Result<(), HttpError> {
        self.proxy(target).map(drop)
    }

    fn proxy(&self, target: &Target) -> Result<Option<&Intercept>, HttpError> {
        self.proxies.as_ref().map_or(Ok(None), |proxies| proxies.on_the_way_to(&target.uri))
    }

    /// Sends it and waits for the head of the answer, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let Request { method, target, mut headers, body, timeout } = request;
        let deadline = Instant::now() + timeout;
        headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let proxy = self.proxy(&target)?;
        // A tunnel is given it when it is asked for; what is read by the proxy itself carries it along.
        if target.uri.scheme() == Some(&Scheme::HTTP)
            && let Some(authorization) = proxy.and_then(Intercept::basic_auth)
        {
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let mut asked = http::Request::new(Full::new(body));
        *asked.method_mut() = method;
        *asked.uri_mut() = target.uri.clone();
        *asked.headers_mut() = headers;
        // With more time than that, a connection has been made or given up before.
        let connection = (timeout <= CONNECT_TIMEOUT).then(|| capture_connection(&mut asked));
        let answer = match timeout_at(deadline, self.connections.request(asked)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(HttpError::unanswered(&error, target.host())),
            Err(_) if connection.is_some_and(|made| made.connection_metadata().is_none()) => {
                return Err(HttpError::NotConnected { host: target.host() });
            }
            Err(_) => return Err(HttpError::Timeout { host: target.host() }),
        };
        let (head, body) = answer.into_parts();
        Ok(Response { target, status: head.status, headers: head.headers, body, deadline })
    }
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Where `Location` leads, if it does.
    pub fn location(&self) -> Option<Url> {
        self.target.url.join(self.headers.get(LOCATION)?.to_str().ok()?).ok()
    }

    pub(super) fn host(&self) -> String {
        self.target.host()
    }
}
