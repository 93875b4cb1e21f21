//! Who is logged in in a browser, by Jira's session cookie. REST calls do not look at it.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use http::HeaderMap;
use http::header::COOKIE;

use super::oauth::AuthorizeRequest;
use super::{lock, random};

/// Jira's cookie.
pub(super) const COOKIE_NAME: &str = "JSESSIONID";

/// More sessions than this, and the oldest ends: a page that is reloaded for ever fills no memory.
const SESSIONS: usize = 1000;

/// Requests for access that a session may have open; the oldest goes first.
const OPEN_REQUESTS: usize = 20;

/// One browser's session.
#[derive(Clone)]
pub(super) struct Session {
    /// The cookie's value.
    pub(super) id: String,
    /// Nobody before the log-in.
    pub(super) user: Option<String>,
    /// What every form of the session carries: another site does not know it.
    pub(super) xsrf: String,
    open: VecDeque<(String, AuthorizeRequest)>,
}

/// All sessions.
#[derive(Default)]
pub(super) struct Browsers(Mutex<Book>);

#[derive(Default)]
struct Book {
    sessions: HashMap<String, Session>,
    order: VecDeque<String>,
}

impl Browsers {
    /// The session of the cookie, if there is one.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Session> {
        let id = cookie(headers)?;
        lock(&self.0).sessions.get(id).cloned()
    }

    /// A new session. After a log-in it is always a new one, so that nobody can plant its id before.
    pub(super) fn begin(&self, user: Option<String>) -> Session {
        let session = Session { id: random::id(), user, xsrf: random::id(), open: VecDeque::new() };
        let mut book = lock(&self.0);
        book.order.push_back(session.id.clone());
        book.sessions.insert(session.id.clone(), session.clone());
        if book.order.len() > SESSIONS
            && let Some(oldest) = book.order.pop_front()
        {
            book.sessions.remove(&oldest);
        }
        session
    }

    /// Ends a session.
    pub(super) fn end(&self, id: &str) {
        let mut book = lock(&self.0);
        book.sessions.remove(id);
        book.order.retain(|kept| kept != id);
    }

    /// Keeps a request for access until it is answered; the id by which the consent page names it.
    pub(super) fn ask(&self, session: &str, request: AuthorizeRequest) -> String {
        let id = random::id();
        if let Some(session) = lock(&self.0).sessions.get_mut(session) {
            session.open.push_back((id.clone(), request));
            if session.open.len() > OPEN_REQUESTS {
                session.open.pop_front();
            }
        }
        id
    }

    /// An open request of this session.
    pub(super) fn asked(&self, session: &str, id: &str) -> Option<AuthorizeRequest> {
        let book = lock(&self.0);
        let mut open = book.sessions.get(session)?.open.iter();
        open.find(|(open, _)| open == id).map(|(_, request)| request.clone())
    }

    /// Takes an open request of this session: it is answered once.
    pub(super) fn answer(&self, session: &str, id: &str) -> Option<AuthorizeRequest> {
        let mut book = lock(&self.0);
        let open = &mut book.sessions.get_mut(session)?.open;
        let position = open.iter().position(|(open, _)| open == id)?;
        open.remove(position).map(|(_, request)| request)
    }
}

/// The value of the session cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}
