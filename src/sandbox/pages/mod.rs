//! What a browser sees: log-in, consent, errors. Pages have no scripts and load nothing; whatever comes
//! from a request or from the data is escaped where it is filled in.

mod html;
mod login;

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::browser::Session;
use super::oauth::{AuthorizeRequest, CONSENT};
use super::{Scope, State};

use html::{Html, style_hash};
pub(super) use login::login_location;

/// Where Jira logs people in.
const LOGIN: &str = "/login.jsp";

/// Where it logs them out.
const LOGOUT: &str = "/secure/Logout.jspa";

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/", get(home))
        .route(LOGIN, get(login::show).post(login::log_in))
        .route(LOGOUT, post(login::log_out))
}

/// A 303 to another page of ours, or to a redirect URI with what belongs to it.
pub(super) fn see_other(location: &str) -> Response {
    // Redirect URIs were parsed when they were registered, and what is added to one is percent-encoded.
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The consent page: who asks, for what, and as whom it will act.
pub(super) fn consent(
    state: &State,
    session: &Session,
    user: &str,
    id: &str,
    request: &AuthorizeRequest,
) -> Response {
    let display_name =
        state.world().user(user).map_or_else(|| user.to_owned(), |user| user.display_name.clone());
    let widest = request.scopes.iter().copied().max().unwrap_or(Scope::Read);
    let rights = rights(widest).into_iter().map(|right| html::fill(RIGHT, &[("right", Html::text(right))]));
    let destination = format!("{}?{}", super::oauth::AUTHORIZE, request.query);
    let main = html::fill(
        include_str!("consent.html"),
        &[
            ("application", Html::text(&state.provider.client.name)),
            ("initials", Html::text(&initials(&display_name))),
            ("display_name", Html::text(&display_name)),
            ("user", Html::text(user)),
            ("rights", Html::join(rights)),
            ("target", Html::text(&target(&request.redirect_uri))),
            ("action", Html::text(&format!("{}{CONSENT}", state.context))),
            ("logout", Html::text(&format!("{}{LOGOUT}", state.context))),
            ("destination", Html::text(&destination)),
            ("xsrf", Html::text(&session.xsrf)),
            ("request", Html::text(id)),
        ],
    );
    // Browsers hold a form to `form-action` through all redirects that follow it.
    page(StatusCode::OK, "Allow access", main, &form_target(&request.redirect_uri))
}

const RIGHT: &str = r#"<li><svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="m4.5 10.5 3.5 3.5 7.5-8"/></svg>{{right}}</li>"#;

/// A scope in words; each contains the ones before it.
fn rights(widest: Scope) -> Vec<&'static str> {
    let words = [
        (Scope::Read, "See the projects, boards and issues that you can see"),
        (Scope::Write, "Create, change, transition and delete issues, comments and attachments"),
        (Scope::Admin, "Administer the projects that you administer"),
        (Scope::SystemAdmin, "Administer all of Jira, if you are a system administrator"),
    ];
    words.into_iter().filter(|(scope, _)| *scope <= widest).map(|(_, words)| words).collect()
}

/// Jira's own page for an authorize request in which something is wrong; nothing is redirected.
pub(super) fn authorization_error(reason: &str) -> Response {
    message(
        StatusCode::BAD_REQUEST,
        "Something is wrong with this request",
        reason,
        "Jira has not sent you back to the application, because it cannot be sure where that is. \
         The administrator of Jira sees what is registered under Application links.",
    )
}

/// A form that came without the token of its session.
pub(super) fn xsrf_error() -> Response {
    message(
        StatusCode::FORBIDDEN,
        "XSRF Security Token Missing",
        "The form that was sent does not belong to your session. It may have ended in the meantime.",
        "Go back, reload the page and try again.",
    )
}

/// A wrong password in a REST call is answered with a page.
pub(super) fn basic_failure() -> Response {
    message(
        StatusCode::UNAUTHORIZED,
        "Unauthorized (401)",
        "Basic Authentication Failure - Reason : AUTHENTICATED_FAILED",
        "The user name or the password is wrong.",
    )
}

/// The rate limit, for those who do not ask for JSON.
pub(super) fn too_many_requests() -> Response {
    message(
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests (429)",
        "This account has sent more requests than its rate limit allows.",
        "Wait a moment and try again.",
    )
}

/// Jira's dead link: a page, wherever it leads, below `/rest/` too.
pub(super) async fn not_found() -> Response {
    message(
        StatusCode::NOT_FOUND,
        "Oops, you\u{2019}ve found a dead link.",
        "There is nothing at this address.",
        "Is the context path right?",
    )
}

async fn home(Extract(state): Extract<Arc<State>>, headers: HeaderMap) -> Response {
    let session = state.browsers.find(&headers).filter(|session| session.user.is_some());
    let user = session.as_ref().and_then(|session| session.user.clone());
    let greeting = match &user {
        Some(user) => format!("Hello, {user}"),
        None => "This is a Jira sandbox".to_owned(),
    };
    let log_out = session.map_or_else(Html::empty, |session| {
        let parts = [
            ("action", Html::text(&format!("{}{LOGOUT}", state.context))),
            ("xsrf", Html::text(&session.xsrf)),
        ];
        html::fill(LOG_OUT, &parts)
    });
    let parts = [
        ("greeting", Html::text(&greeting)),
        ("base_url", Html::text(&state.base_url)),
        ("client_id", Html::text(&state.provider.client.id)),
        ("session", log_out),
    ];
    page(StatusCode::OK, "Home", html::fill(include_str!("home.html"), &parts), "")
}

const LOG_OUT: &str = r#"<form method="post" action="{{action}}"><input type="hidden" name="atl_token" value="{{xsrf}}"><button type="submit" class="quiet">Log out</button></form>"#;

const MESSAGE: &str =
    r#"<h1>{{title}}</h1><p class="reason" role="alert">{{reason}}</p><p class="note">{{advice}}</p>"#;

fn message(status: StatusCode, title: &str, reason: &str, advice: &str) -> Response {
    let parts =
        [("title", Html::text(title)), ("reason", Html::text(reason)), ("advice", Html::text(advice))];
    page(status, title, html::fill(MESSAGE, &parts), "")
}

/// A whole page. `form_target` is where its form may lead besides here.
fn page(status: StatusCode, title: &str, main: Html, form_target: &str) -> Response {
    let parts = [("title", Html::text(title)), ("style", html::style()), ("main", main)];
    let body = html::fill(include_str!("layout.html"), &parts).into_string();
    let mut response = (status, body).into_response();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; form-action 'self' {form_target}; \
         base-uri 'none'; frame-ancestors 'none'",
        style_hash()
    );
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html;charset=UTF-8"),
        (CACHE_CONTROL, "no-store"),
        // Not `no-referrer`: with that browsers send `Origin: null` along with our own forms.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (CONTENT_SECURITY_POLICY, policy.as_str()),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// The origin that the redirect URI leads to, or its scheme where it has no origin.
fn form_target(redirect_uri: &str) -> String {
    match Url::parse(redirect_uri) {
        Ok(url) if url.origin().is_tuple() => url.origin().ascii_serialization(),
        Ok(url) => format!("{}:", url.scheme()),
        Err(_) => String::new(),
    }
}

/// Where the person is sent back to, as they may know it.
fn target(redirect_uri: &str) -> String {
    form_target(redirect_uri)
}

fn initials(display_name: &str) -> String {
    let letters = display_name.split_whitespace().filter_map(|word| word.chars().next());
    letters.take(2).flat_map(char::to_uppercase).collect()
}
