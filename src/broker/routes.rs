//! The three things that callers may ask for, and the refusal of everything else. What is judged first costs
//! least: the path, the method, where the request comes from, who sent it, how often. Only then is the body read,
//! and what is in it judged.

use std::future::Future;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use http::header::{CONTENT_TYPE, ORIGIN};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::Broker;
use super::admin;
use super::answer::{Facts, Good, finish};
use super::caller::{Caller, Door, Stranger};
use super::coalesce::How;
use super::coordination::TokenKey;
use super::granted::Granted;
use super::metrics::{Grant, Origin, Route, Shed, Upstream};
use super::upstream::{Refused, outcome};
use crate::auth::wire::{
    self, EXCHANGE_PATH, ErrorCode, Exchange, REFRESH_PATH, REVOKE_PATH, Refresh, Revoke,
};
use crate::secret::Secret;
use crate::serve;

/// Answers what can be answered without the body: it is not read for whoever may not ask, nor for what asks nothing.
/// What is known of a request that may go on is left in its extensions.
pub fn gate(broker: &Broker, parts: &mut Parts) -> Option<Response<Body>> {
    let route = match parts.uri.path() {
        REFRESH_PATH => Route::Refresh,
        EXCHANGE_PATH => Route::Exchange,
        REVOKE_PATH => Route::Revoke,
        path if broker.admin_here => match admin::answer(broker, &parts.method, path) {
            Some(response) => return Some(response),
            None => Route::Other,
        },
        _ => Route::Other,
    };
    let mut facts = Facts::of(route);
    match judge(broker, parts, &mut facts) {
        Ok(()) => {
            facts.admitted = true;
            facts.accepted = broker.accept();
            parts.extensions.insert(facts);
            None
        }
        Err(refused) => Some(finish(broker, &facts, Err(refused))),
    }
}

/// Answers a request that [`gate`] has let pass.
pub async fn answer(broker: Arc<Broker>, request: Request<Body>) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let mut facts = parts.extensions.remove().unwrap_or_else(|| Facts::of(Route::Other));
    // `serve` has read it: it is whole.
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let result = perform(&broker, body, &mut facts).await;
    finish(&broker, &facts, result)
}

/// The answer to a request whose end or host is in doubt, or whose body did not come.
pub fn turned_away(broker: &Broker, refusal: serve::Refusal, parts: &Parts) -> Response<Body> {
    // Nobody needs a body there.
    if broker.admin_here
        && let serve::Refusal::NoLength | serve::Refusal::TooLarge = refusal
        && let Some(response) = admin::answer(broker, &parts.method, parts.uri.path())
    {
        return response;
    }
    let facts = parts.extensions.get().cloned().unwrap_or_else(|| Facts::of(Route::Other));
    finish(broker, &facts, Err(Refused::because(code(refusal), refusal.text())))
}

/// What our word for it is.
pub fn code(refusal: serve::Refusal) -> ErrorCode {
    match refusal {
        serve::Refusal::TransferEncoding | serve::Refusal::Host => ErrorCode::InvalidRequest,
        serve::Refusal::NoLength => ErrorCode::LengthRequired,
        serve::Refusal::TooLarge => ErrorCode::TooLarge,
        serve::Refusal::SlowBody => ErrorCode::RequestTimeout,
        serve::Refusal::Ending => ErrorCode::Draining,
    }
}

/// What the header says, the cheapest first.
fn judge(broker: &Broker, parts: &Parts, facts: &mut Facts) -> Result<(), Refused> {
    if facts.route == Route::Other {
        return Err(Refused::plain(ErrorCode::NotFound));
    }
    if parts.method != Method::POST {
        return Err(Refused::plain(ErrorCode::MethodNotAllowed));
    }
    // Pages in a browser send it, and nobody else does (docs/security.md, row 22).
    if parts.headers.contains_key(ORIGIN) {
        return Err(Refused::plain(ErrorCode::OriginRefused));
    }
    admit(broker, parts, facts)?;
    match is_json(parts) {
        true => Ok(()),
        false => Err(Refused::plain(ErrorCode::UnsupportedMediaType)),
    }
}

async fn perform(broker: &Arc<Broker>, body: Bytes, facts: &mut Facts) -> Result<Good, Refused> {
    // Whom `gate` has not named has not come through it.
    let caller = facts.caller.clone().ok_or_else(|| Refused::plain(ErrorCode::ServerError))?;
    let _counted = Counted::new(broker);
    // What is rare has a place of its own: a refresh would carry it along.
    match facts.route {
        Route::Refresh => refresh(broker, read(broker, &body, Refresh::client_id)?, &caller, facts).await,
        Route::Exchange => Box::pin(exchange(broker, &body, facts)).await,
        Route::Revoke | Route::Other => Box::pin(revoke(broker, &body, facts)).await,
    }
}

/// The right to one more call to Jira. None is begun while the broker drains: it would have to be waited for.
fn permit(broker: &Broker) -> Result<OwnedSemaphorePermit, Refused> {
    if broker.is_draining() {
        return Err(Refused::plain(ErrorCode::Draining));
    }
    Arc::clone(&broker.in_flight).try_acquire_owned().map_err(|_| {
        broker.metrics.shed(Shed::InFlight);
        Refused::plain(ErrorCode::Overloaded)
    })
}

/// A call to Jira as a task of its own: a caller who goes away does not cut it off, and a panic in it is an answer.
async fn called<T: Send + 'static>(call: impl Future<Output = T> + Send + 'static) -> Result<T, Refused> {
    tokio::spawn(call).await.map_err(|_| Refused::plain(ErrorCode::ServerError))
}

/// Who asks, if it may ask now. Strangers are counted by address: guessing tokens is limited too.
fn admit(broker: &Broker, parts: &Parts, facts: &mut Facts) -> Result<(), Refused> {
    let known = broker.material.known();
    let door = Door {
        callers: known.callers.as_ref(),
        certificates: broker.material.has_client_ca(),
        trusted_proxies: &broker.settings.trusted_proxies,
    };
    let admitted = door.admit(parts);
    let caller = match &admitted {
        Ok(caller) | Err(Stranger(caller)) => caller.clone(),
    };
    facts.caller = Some(caller.clone());
    broker.limit.take(&caller).map_err(|seconds| {
        broker.metrics.shed(Shed::Rate);
        Refused { retry_after: Some(seconds), ..Refused::plain(ErrorCode::RateLimited) }
    })?;
    match admitted {
        Ok(_) => Ok(()),
        Err(Stranger(_)) => Err(Refused::plain(ErrorCode::Unauthorized)),
    }
}

/// `application/json`, with UTF-8 said or not (RFC 8259 knows no other).
fn is_json(parts: &Parts) -> bool {
    let mut values = parts.headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let (kind, parameter) = value.split_once(';').unwrap_or((value, ""));
    let parameter = parameter.trim().to_ascii_lowercase();
    kind.trim().eq_ignore_ascii_case("application/json")
        && matches!(parameter.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
}

/// A message of ours, for our client. The parser's words are not repeated: they may hold a piece of a token.
fn read<T: DeserializeOwned>(
    broker: &Broker,
    body: &Bytes,
    client_id: fn(&T) -> Option<&str>,
) -> Result<T, Refused> {
    let message: T = serde_json::from_slice(body).map_err(|error| {
        let words = format!(
            "The body is not what this path takes (line {}, column {}).",
            error.line(),
            error.column()
        );
        Refused::because(ErrorCode::InvalidRequest, words)
    })?;
    match client_id(&message) {
        Some(other) if other != broker.settings.client_id.as_str() => {
            Err(Refused::plain(ErrorCode::InvalidClientId))
        }
        _ => Ok(message),
    }
}

/// What is no word of visible characters is no token, and is not sent.
fn sendable(name: &str, secret: &Secret) -> Result<(), Refused> {
    match secret.is_visible_ascii() {
        true => Ok(()),
        false => Err(Refused::because(ErrorCode::InvalidRequest, format!("The {name} is none."))),
    }
}

async fn refresh(
    broker: &Arc<Broker>,
    asked: Refresh,
    caller: &Caller,
    facts: &mut Facts,
) -> Result<Good, Refused> {
    sendable("refresh_token", &asked.refresh_token)?;
    let key = TokenKey::of(&asked.refresh_token);
    facts.key = Some(key);
    let now = Instant::now();
    if let Some(granted) = broker.coalesce.replay(&key, caller, now) {
        return Ok(replayed(broker, &granted, now, facts));
    }
    let (landed, how) = broker.coalesce.ask(asked, key, caller, || permit(broker)).await?;
    facts.upstream = landed.upstream;
    let granted = landed.result?;
    let now = Instant::now();
    if how == How::Replayed {
        return Ok(replayed(broker, &granted, now, facts));
    }
    facts.how = if landed.from_sibling { How::Replayed } else { how }.as_str();
    Ok(granted.answer(now))
}

fn replayed(broker: &Broker, granted: &Granted, now: Instant, facts: &mut Facts) -> Good {
    broker.metrics.replayed(Origin::Memory);
    facts.how = How::Replayed.as_str();
    granted.answer(now)
}

async fn exchange(broker: &Arc<Broker>, body: &Bytes, facts: &mut Facts) -> Result<Good, Refused> {
    if !broker.settings.allow_exchange {
        return Err(Refused::plain(ErrorCode::ExchangeDisabled));
    }
    let asked = read(broker, body, Exchange::client_id)?;
    sendable("code", &asked.code)?;
    sendable("code_verifier", &asked.code_verifier)?;
    let (begun, permit, calling) = (Instant::now(), permit(broker)?, Arc::clone(broker));
    let answer = called(async move {
        let _permit = permit;
        let secret = calling.material.known().secret.clone();
        calling.coalesce.upstream.exchange(secret, &asked).await
    });
    let answer = answer.await?;
    let took = begun.elapsed();
    broker.metrics.asked(Grant::Exchange, outcome(&answer), took);
    facts.upstream = Some(took);
    let pair = wire::Pair::from(answer?);
    facts.how = How::Called.as_str();
    Ok(Zeroizing::new(wire::body(&pair).expose().as_bytes().to_vec()))
}

async fn revoke(broker: &Arc<Broker>, body: &Bytes, facts: &mut Facts) -> Result<Good, Refused> {
    let asked = read(broker, body, Revoke::client_id)?;
    sendable("refresh_token", &asked.refresh_token)?;
    facts.key = Some(TokenKey::of(&asked.refresh_token));
    let (begun, permit, calling) = (Instant::now(), permit(broker)?, Arc::clone(broker));
    let revoked = called(async move {
        let _permit = permit;
        let secret = calling.material.known().secret.clone();
        calling.coalesce.upstream.revoke(secret, &asked).await
    });
    let revoked = revoked.await?;
    let took = begun.elapsed();
    let outcome = match revoked.revocation {
        crate::auth::logout::Revocation::Revoked => Upstream::Ok,
        _ => Upstream::Unavailable,
    };
    broker.metrics.asked(Grant::Revoke, outcome, took);
    facts.upstream = Some(took);
    facts.how = How::Called.as_str();
    Ok(Zeroizing::new(wire::body(&revoked).expose().as_bytes().to_vec()))
}

/// A request among those under way.
struct Counted<'a>(&'a Broker);

impl<'a> Counted<'a> {
    fn new(broker: &'a Broker) -> Self {
        broker.metrics.in_flight.inc();
        Counted(broker)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.metrics.in_flight.dec();
    }
}
