//! Logging in and out in a browser.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State as Extract};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use url::form_urlencoded;

use crate::sandbox::browser::Session;
use crate::sandbox::{State, headers};

use super::html::{self, Html};
use super::{LOGIN, page, see_other, xsrf_error};

const ALERT: &str = r#"<p class="alert" role="alert">{{message}}</p>"#;

const WRONG: &str = "Your username and password are not right. Please try again.";

const ACCOUNT: &str = "<li><code>{{name}}</code></li>";

/// The log-in page, to be followed by another page of ours.
pub(in crate::sandbox) fn login_location(state: &State, destination: &str) -> String {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("os_destination", destination).finish();
    format!("{}{LOGIN}?{query}", state.context)
}

/// `GET /login.jsp`
pub(super) async fn show(
    Extract(state): Extract<Arc<State>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let session = state.browsers.find(&headers).unwrap_or_else(|| state.browsers.begin(None));
    let query = query.unwrap_or_default();
    login_page(&state, &session, &field(query.as_bytes(), "os_destination"), Attempt::None)
}

/// `POST /login.jsp`
pub(super) async fn log_in(Extract(state): Extract<Arc<State>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(session) = session_of_form(&state, &headers, &body) else { return xsrf_error() };
    let destination = field(&body, "os_destination");
    let (name, password) = (field(&body, "os_username"), field(&body, "os_password"));
    let user = {
        let world = state.world();
        let right = world.check_password(&name, &password);
        world.user(&name).filter(|_| right).map(|user| user.name.clone())
    };
    let Some(user) = user else {
        let mut response = login_page(&state, &session, &destination, Attempt::Failed(&name));
        headers::login_reason(&mut response, "AUTHENTICATED_FAILED");
        return response;
    };
    state.browsers.end(&session.id);
    let session = state.browsers.begin(Some(user));
    let mut response = see_other(&format!("{}{}", state.context, inside(&destination)));
    headers::session_cookie(&state, &mut response, &session.id);
    headers::login_reason(&mut response, "OK");
    response
}

/// `POST /secure/Logout.jspa`: and on to the log-in page, to go on as somebody else.
pub(super) async fn log_out(
    Extract(state): Extract<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(session) = session_of_form(&state, &headers, &body) else { return xsrf_error() };
    state.browsers.end(&session.id);
    see_other(&login_location(&state, &field(&body, "os_destination")))
}

/// What happened before the page is shown.
enum Attempt<'a> {
    None,
    /// As this user, with a wrong password.
    Failed(&'a str),
}

fn login_page(state: &State, session: &Session, destination: &str, attempt: Attempt<'_>) -> Response {
    let names: Vec<String> = state.world().users().iter().map(|user| user.name.clone()).collect();
    let accounts = names.iter().map(|name| html::fill(ACCOUNT, &[("name", Html::text(name))]));
    let (alert, user) = match attempt {
        Attempt::None => (Html::empty(), ""),
        Attempt::Failed(user) => (html::fill(ALERT, &[("message", Html::text(WRONG))]), user),
    };
    let focus = |here: bool| Html::text(if here { " autofocus" } else { "" });
    let parts = [
        ("alert", alert),
        ("action", Html::text(&format!("{}{LOGIN}", state.context))),
        ("xsrf", Html::text(&session.xsrf)),
        ("destination", Html::text(destination)),
        ("user", Html::text(user)),
        ("focus_user", focus(user.is_empty())),
        ("focus_password", focus(!user.is_empty())),
        ("accounts", Html::join(accounts)),
    ];
    let main = html::fill(include_str!("login.html"), &parts);
    let mut response = page(StatusCode::OK, "Log in", main, "");
    headers::session_cookie(state, &mut response, &session.id);
    response
}

/// The session, if the form was made for it: no other site can send one in its name.
fn session_of_form(state: &State, headers: &HeaderMap, body: &[u8]) -> Option<Session> {
    let session = state.browsers.find(headers)?;
    (field(body, "atl_token") == session.xsrf).then_some(session)
}

fn field(form: &[u8], name: &str) -> String {
    let mut fields = form_urlencoded::parse(form);
    fields.find(|(field, _)| field == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// A path of ours, or the home page: a log-in must not lead to another host. `//host` is another host,
/// and browsers read a backslash as a slash and leave out tabs and newlines.
fn inside(destination: &str) -> &str {
    let mut chars = destination.chars();
    let leads_here = chars.next() == Some('/') && !matches!(chars.next(), Some('/' | '\\'));
    if leads_here && !destination.contains(|c: char| c.is_control()) { destination } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_leads_nowhere_else() {
        assert_eq!(inside("/rest/oauth2/latest/authorize?a=//b"), "/rest/oauth2/latest/authorize?a=//b");
        for outside in
            ["", "https://evil.example/", "//evil.example/", "/\\evil.example/", "/\t/evil.example/"]
        {
            assert_eq!(inside(outside), "/", "{outside:?}");
        }
    }
}
