//! What the sandbox has seen: tests ask it how often, by whom, with what, and how many at a time.

use std::collections::VecDeque;
use std::sync::Mutex;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{lock, random};

/// A sandbox that runs all day forgets its oldest requests.
const KEPT: usize = 20_000;

/// The longest body that is kept.
const KEPT_BODY: usize = 64 * 1024;

/// The headers that are kept.
const KEPT_HEADERS: [&str; 9] = [
    "accept",
    "accept-encoding",
    "authorization",
    "content-type",
    "cookie",
    "origin",
    "referer",
    "user-agent",
    "x-atlassian-token",
];

/// One request, as it arrived, and what came of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Path and query as they were sent, context path included.
    pub path: String,
    /// Whom the credential stood for; `None` is anonymous, or nobody has looked yet.
    pub user: Option<String>,
    /// Some of its headers, names in lower case. `authorization` is the scheme and a
    /// [`fingerprint`] of what follows.
    pub headers: Vec<(String, String)>,
    /// The body as text, as it came: with what it holds of secrets.
    pub body: String,
    /// The status it was answered with; `None` while it is in flight, and for ever if it was dropped.
    pub status: Option<u16>,
}

impl Request {
    /// The value of a header that is kept.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.as_str())
    }

    /// A field of its form body.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut fields = url::form_urlencoded::parse(self.body.as_bytes());
        fields.find(|(field, _)| field == name).map(|(_, value)| value.into_owned())
    }
}

/// The first 16 hex digits of a secret's SHA-256: to recognise it in the log.
pub fn fingerprint(secret: &str) -> String {
    random::hex(&Sha256::digest(secret.as_bytes())[..8])
}

/// The requests seen, and a signal that tells when one is added.
pub(super) struct Log {
    book: Mutex<Book>,
    arrivals: watch::Sender<u64>,
}

#[derive(Default)]
struct Book {
    requests: VecDeque<Request>,
    /// The number of the first one that is kept.
    first: u64,
    in_flight: usize,
    max_in_flight: usize,
}

/// A request in flight; it counts as one until this goes, answered or not.
pub(super) struct Entry<'a> {
    log: &'a Log,
    number: u64,
}

impl Log {
    pub(super) fn new() -> Log {
        Log { book: Mutex::default(), arrivals: watch::Sender::new(0) }
    }

    /// Notes a request.
    pub(super) fn arrived(&self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Entry<'_> {
        let request = Request {
            method: method.to_string(),
            path: path.to_owned(),
            user: None,
            headers: kept_headers(headers),
            body: String::from_utf8_lossy(&body[..body.len().min(KEPT_BODY)]).into_owned(),
            status: None,
        };
        let mut book = lock(&self.book);
        let number = book.first + book.requests.len() as u64;
        book.requests.push_back(request);
        if book.requests.len() > KEPT {
            book.requests.pop_front();
            book.first += 1;
        }
        book.in_flight += 1;
        book.max_in_flight = book.max_in_flight.max(book.in_flight);
        drop(book);
        self.arrivals.send_modify(|count| *count += 1);
        Entry { log: self, number }
    }

    /// Waits until so many requests that match have arrived.
    pub(super) async fn wait_for(&self, matches: impl Fn(&Request) -> bool, n: usize) {
        let mut arrivals = self.arrivals.subscribe();
        loop {
            arrivals.mark_unchanged();
            if lock(&self.book).requests.iter().filter(|request| matches(request)).count() >= n {
                return;
            }
            // The sender lives in the log that is borrowed here.
            let _ = arrivals.changed().await;
        }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        lock(&self.book).requests.iter().cloned().collect()
    }

    pub(super) fn max_in_flight(&self) -> usize {
        lock(&self.book).max_in_flight
    }

    /// Forgets what was seen, and the most that was in flight.
    pub(super) fn clear(&self) {
        let mut book = lock(&self.book);
        book.first += book.requests.len() as u64;
        book.requests.clear();
        book.max_in_flight = book.in_flight;
    }
}

impl Entry<'_> {
    /// Notes whom the credential stands for.
    pub(super) fn caller(&self, user: Option<&str>) {
        self.update(|request| request.user = user.map(str::to_owned));
    }

    /// Notes the answer.
    pub(super) fn answered(&self, status: StatusCode) {
        self.update(|request| request.status = Some(status.as_u16()));
    }

    fn update(&self, change: impl FnOnce(&mut Request)) {
        let mut book = lock(&self.log.book);
        // It may have been forgotten in the meantime.
        let Some(index) = self.number.checked_sub(book.first) else { return };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if let Some(request) = book.requests.get_mut(index) {
            change(request);
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        lock(&self.log.book).in_flight -= 1;
    }
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = headers.iter().filter(|(name, _)| KEPT_HEADERS.contains(&name.as_str()));
    kept.map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = if name == AUTHORIZATION { without_secret(&text) } else { text.into_owned() };
        (name.as_str().to_owned(), text)
    })
    .collect()
}

fn without_secret(authorization: &str) -> String {
    match authorization.split_once(' ') {
        Some((scheme, secret)) => format!("{scheme} {}", fingerprint(secret)),
        None => fingerprint(authorization),
    }
}
