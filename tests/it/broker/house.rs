//! A broker in process, before a sandbox that demands the client's secret.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use jira_oauth::auth::wire::Pair;
use jira_oauth::broker::coordination::Coordination;
use jira_oauth::broker::log::Log;
use jira_oauth::broker::material::{Material, Sources, TlsFiles};
use jira_oauth::broker::settings::{Rate, Settings};
use jira_oauth::broker::{Broker, Listeners, Parts, serve_until};
use jira_oauth::config::{BaseUrl, ClientId, SecretPlace, Source, Sourced};
use jira_oauth::http::{BODY_CAP, Client, HttpError, Options as Way, Request, Target, client, read};
use jira_oauth::process::{Clock, Stream};
use jira_oauth::sandbox::{self, Confidential, Gate, Options, Running, Scope};
use jira_oauth::secret::Secret;
use jira_oauth::serve::bind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::wait;

pub const TOKEN: &str = "/rest/oauth2/latest/token";

/// How a broker under test is made.
pub struct Plan {
    pub settings: Settings,
    pub callers: Option<SecretPlace>,
    pub secret: Option<SecretPlace>,
    pub tls: Option<TlsFiles>,
    pub admin: bool,
}

/// A broker that runs, and its Jira.
pub struct House {
    pub jira: Running,
    pub broker: Arc<Broker>,
    pub address: SocketAddr,
    pub admin: Option<SocketAddr>,
    pub web: Client,
    pub log: Pages,
    stop: Option<oneshot::Sender<()>>,
    pub task: JoinHandle<()>,
}

/// What the broker's log says.
#[derive(Clone, Default)]
pub struct Pages(Arc<Mutex<Vec<u8>>>);

impl Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pages {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits for a line. The log is written by a thread of its own a moment later.
    pub async fn until(&self, found: impl Fn(&Value) -> bool) -> Value {
        wait(async {
            loop {
                if let Some(line) = self.lines().into_iter().find(|line| found(line)) {
                    return line;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn pair(&self) -> Pair {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.text).unwrap()
    }

    /// Holds a refusal against its status and word.
    #[track_caller]
    pub fn refused(&self, status: u16, error: &str) {
        assert_eq!((self.status, self.json()["error"].as_str()), (status, Some(error)), "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.json()["request_id"], self.header("x-request-id"));
        assert!(!self.json()["error_description"].as_str().unwrap().is_empty());
        assert_eq!(self.headers.contains_key("retry-after"), matches!(status, 429 | 503), "{self:?}");
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}")).to_str().unwrap()
    }
}

pub fn said(text: &str) -> SecretPlace {
    SecretPlace::Said(Sourced::new(Secret::new(text), Source::Default))
}

pub fn file(path: &std::path::Path) -> SecretPlace {
    SecretPlace::File(Sourced::new(path.to_owned(), Source::Default))
}

impl House {
    pub async fn usual() -> House {
        House::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Plan)) -> House {
        let options = Options { confidential: Confidential::All, issues: 30, ..Options::default() };
        House::before(options, change).await
    }

    pub async fn before(options: Options, change: impl FnOnce(&mut Plan)) -> House {
        let now = || "2026-03-04T05:06:07Z".parse().unwrap();
        let jira = sandbox::start(options, now).await.unwrap();
        let base_url = BaseUrl::parse(jira.base_url(), true).unwrap();
        let settings = Settings {
            rate: Rate { per_minute: 0, burst: 1 },
            ..Settings::new(base_url, ClientId::parse(jira.client_id()).unwrap())
        };
        let mut plan = Plan { settings, callers: None, secret: None, tls: None, admin: false };
        change(&mut plan);
        let Plan { settings, callers, secret, tls, admin } = plan;
        let secret = secret.unwrap_or_else(|| said(jira.client_secret()));
        let log = Pages::default();
        let clock = Clock::from_fn(now);
        let parts = Parts {
            client: plain(),
            material: Material::load(Sources { secret, callers, redis: None, tls }).unwrap(),
            coordination: Coordination::Alone,
            log: Log::start(Stream::new(log.clone(), false, None), clock.clone()).unwrap(),
            clock,
        };
        let broker = Broker::new(settings, parts, !admin);
        let here = || bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listeners = Listeners { callers: vec![here()], admin: admin.then(|| vec![here()]) };
        let address = listeners.callers[0].local_addr().unwrap();
        let admin = listeners.admin.as_ref().map(|admin| admin[0].local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let end = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve_until(listeners, broker.clone(), end));
        House { jira, broker, address, admin, web: plain(), log, stop: Some(stop), task }
    }

    /// A refresh token of a session that Jira knows.
    pub fn token(&self) -> String {
        self.jira.mint_session("developer", Scope::Write).refresh_token
    }

    /// One that Jira takes no more.
    pub fn dead_token(&self) -> String {
        let token = self.token();
        self.jira.revoke_all();
        token
    }

    /// Holds Jira's answers back.
    pub fn hold(&self) -> Gate {
        self.jira.faults().hold(TOKEN)
    }

    /// The refresh calls so far.
    pub fn refreshes(&self) -> usize {
        self.jira.token_calls("refresh_token")
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// With the caller token.
    pub async fn post_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", &bearer)];
        self.send(Method::POST, path, &headers, body.to_string()).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/refresh", &json!({ "refresh_token": token })).await
    }

    pub async fn refresh_as(&self, caller: &str, token: &str) -> Answer {
        self.post_as(caller, "/v1/refresh", &json!({ "refresh_token": token })).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        ask(&self.web, &format!("http://{}{path}", self.address), method, headers, body).await
    }

    /// The value of a metric, by its whole name with labels; 0 if there is none yet.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = format!("http://{}/metrics", self.admin.unwrap_or(self.address));
        let text = ask(&self.web, &metrics, Method::GET, &[], String::new()).await.text;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Sends bytes as they are, and reads until the broker closes.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A reset behind the answer is an end too.
        let _ = wait(stream.read_to_end(&mut answer)).await;
        String::from_utf8(answer).unwrap()
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Asks it to end.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Ends it, and says what its log says.
    pub async fn ended(mut self) -> Pages {
        self.stop();
        wait(self.task).await.unwrap();
        self.log
    }
}

/// A client that trusts nobody, for loopback.
pub fn plain() -> Client {
    client(&Way { plain: true, ..Way::default() })
}

pub async fn ask(web: &Client, url: &str, method: Method, headers: &[(&str, &str)], body: String) -> Answer {
    try_ask(web, url, method, headers, body).await.unwrap()
}

/// The same where there may be no answer.
pub async fn try_ask(
    web: &Client,
    url: &str,
    method: Method,
    headers: &[(&str, &str)],
    body: String,
) -> Result<Answer, HttpError> {
    let target = Target::new(url.parse().unwrap()).unwrap();
    let mut request = Request::new(method, target, Duration::from_secs(100)).body(body);
    for (name, value) in headers {
        request = request.header(name.parse().unwrap(), value.parse().unwrap());
    }
    let answer = wait(web.send(request)).await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = String::from_utf8(read(answer, BODY_CAP).await?).unwrap();
    Ok(Answer { status, headers, text })
}
