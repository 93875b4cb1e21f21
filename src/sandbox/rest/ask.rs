//! A request as the handlers see it: who asks, the world, the query parameters, the body.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::{Arc, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::shape::Shape;
use crate::sandbox::world::World;
use crate::sandbox::world::access::{Actor, Right};
use crate::sandbox::world::issue::Issue;
use crate::sandbox::world::people::UserId;
use crate::sandbox::{Caller, Scope, State};

/// Who asks, and with which parameters.
pub(super) struct Ask {
    state: Arc<State>,
    caller: Caller,
    query: Vec<(String, String)>,
}

impl FromRequestParts<Arc<State>> for Ask {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<Caller>().cloned();
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        Ok(Ask {
            state: Arc::clone(state),
            caller: caller.unwrap_or(Caller { user: None, scope: Scope::Read }),
            query: url::form_urlencoded::parse(query).into_owned().collect(),
        })
    }
}

impl Ask {
    /// The world, for as long as the guard lives; never over an `await`. A handler that panicked has
    /// left it whole enough for a sandbox.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.state.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn actor(&self, world: &World) -> Actor {
        world.actor(self.caller.user.as_deref(), self.caller.scope)
    }

    pub(super) fn base_url(&self) -> &str {
        self.state.base_url.trim_end_matches('/')
    }

    /// How this caller is shown things.
    pub(super) fn shape<'a>(&'a self, world: &'a World) -> Shape<'a> {
        Shape { world, base: self.base_url(), actor: self.actor(world) }
    }

    /// A query parameter; an empty one is none.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// The elements of a comma list, over all parameters of that name.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let values = self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let elements = values.flat_map(|value| value.split(',')).map(str::trim);
        elements.filter(|element| !element.is_empty()).map(str::to_owned).collect()
    }

    /// A whole number; what is none is answered as by the framework, with 404.
    pub(super) fn number(&self, name: &str, default: i64) -> Result<i64, Refusal> {
        let Some(text) = self.param(name) else { return Ok(default) };
        text.parse().map_err(|_| Refusal::framework(StatusCode::NOT_FOUND, "HTTP 404 Not Found"))
    }

    /// `startAt` and `maxResults`.
    pub(super) fn page(&self, default: i64) -> Result<(usize, usize), Refusal> {
        let number = |name, default| -> Result<usize, Refusal> {
            Ok(usize::try_from(self.number(name, default)?).unwrap_or_default())
        };
        Ok((number("startAt", 0)?, number("maxResults", default)?))
    }

    /// The issue, if it is there and may be seen.
    pub(super) fn issue<'a>(&self, world: &'a World, id_or_key: &str) -> Result<&'a Issue, Refusal> {
        let Some(issue) = world.find(id_or_key) else {
            return Err(Refusal::not_found("Issue Does Not Exist"));
        };
        let actor = self.actor(world);
        match (world.sees(actor, issue), actor.user) {
            (true, _) => Ok(issue),
            (false, None) => Err(Refusal::login_required()),
            (false, Some(_)) => {
                Err(Refusal::forbidden("You do not have the permission to see the specified issue."))
            }
        }
    }

    /// Who is logged in.
    pub(super) fn user(&self, world: &World) -> Result<UserId, Refusal> {
        self.actor(world).user.ok_or_else(Refusal::unauthenticated)
    }

    /// Who is logged in and may work on issues; `what` is the permission in the words of the refusal.
    pub(super) fn worker(&self, world: &World, what: &str) -> Result<UserId, Refusal> {
        let user = self.user(world)?;
        match world.may(self.actor(world), Right::Work) {
            true => Ok(user),
            false => Err(Refusal::forbidden(&format!("You do not have permission to {what}."))),
        }
    }
}

/// A JSON object as the body of a request.
pub(super) struct Payload(pub(super) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Payload {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json")) {
            return Err(Refusal::framework(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "HTTP 415 Unsupported Media Type",
            ));
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Refusal::framework(error.status(), &error.body_text()))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Payload(object)),
            Ok(_) => {
                Err(Refusal::unreadable("Can not deserialize instance of the request out of this token"))
            }
            Err(error) => Err(Refusal::unreadable(&format!("Unexpected input: {error}"))),
        }
    }
}

impl Payload {
    /// Refuses properties that Jira's bean does not have.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.0.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Refusal::unreadable(&format!(
                "Unrecognized field \"{key}\", not marked as ignorable ({} known properties: {})",
                known.len(),
                known.iter().map(|key| format!("\"{key}\"")).collect::<Vec<_>>().join(", ")
            ))),
            None => Ok(()),
        }
    }
}

/// An id that may come as a string or as a number.
pub(super) fn id_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}
