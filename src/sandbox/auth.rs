//! Who calls, by the `Authorization` header. Jira's two bearer filters swallow what they do not know: a
//! dead bearer is not refused, its request goes on as anonymous. Only a wrong Basic password is a 401.

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::{Caller, Scope, State, headers, pages};

/// What a credential came to.
pub(super) enum Outcome {
    /// The request goes on, as this caller; `X-Seraph-LoginReason`, if there was a log-in.
    Goes(Caller, Option<&'static str>),
    /// It does not.
    Refused(Box<Response>),
}

const ANONYMOUS: Outcome = Outcome::Goes(Caller { user: None, scope: Scope::Read }, None);

/// Judges the header.
pub(super) fn authenticate(state: &State, request: &HeaderMap) -> Outcome {
    let Some(header) = request.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return ANONYMOUS;
    };
    // The word is matched with its case: a header made of the token answer's `bearer` is no credential.
    if let Some(token) = header.strip_prefix("Bearer ") {
        return match state.provider.bearer(token, state.clock.now()) {
            Some((user, scope)) => Outcome::Goes(Caller { user: Some(user), scope }, None),
            None => ANONYMOUS,
        };
    }
    match header.split_once(' ') {
        Some((scheme, credentials)) if scheme.eq_ignore_ascii_case("Basic") => basic(state, credentials),
        _ => ANONYMOUS,
    }
}

/// A password is as wide as the account.
fn basic(state: &State, credentials: &str) -> Outcome {
    let user = decode(credentials).and_then(|(user, password)| {
        let world = state.world();
        world.check_password(&user, &password).then(|| world.user(&user).map(|user| user.name.clone()))?
    });
    match user {
        Some(user) => Outcome::Goes(Caller { user: Some(user), scope: Scope::SystemAdmin }, Some("OK")),
        None => {
            let mut response = pages::basic_failure();
            headers::login_reason(&mut response, "AUTHENTICATED_FAILED");
            Outcome::Refused(Box::new(response))
        }
    }
}

fn decode(credentials: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
