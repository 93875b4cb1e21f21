//! A sandbox that runs, and what a test or the command line can ask of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use http::Method;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::serve::{self, Limits};

use super::browser::Browsers;
use super::clock::Clock;
use super::faults::Faults;
use super::limit::Limiter;
use super::log::{Log, Request};
use super::oauth::{self, Client, Provider, Rules, Tokens};
use super::options::{Options, RateLimit, SandboxError};
use super::world::World;
use super::{Scope, State, middleware, pages, rest};

/// How long requests in flight may go on when the sandbox is stopped.
const GRACE: Duration = Duration::from_secs(2);

/// Attachments and floods are larger than what other servers of ours take.
const MAX_BODY: u64 = 32 * 1024 * 1024;

/// A sandbox that runs. It ends with [`stop`](Running::stop), or when this is dropped.
pub struct Running {
    state: Arc<State>,
    address_url: String,
    certificate_pem: Option<String>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Starts a sandbox on the current runtime; `now` is the time.
pub async fn start(
    options: Options,
    now: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> Result<Running, SandboxError> {
    let listen = options.listen;
    let refused = |error| SandboxError::Listen(listen, error);
    let listener = serve::bind(listen).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let clock = Clock::new(now);
    let minted = match options.tls {
        true => {
            let ip = address.ip().to_string();
            Some(serve::mint(&[ip.as_str(), "127.0.0.1", "::1", "localhost"], clock.now())?)
        }
        false => None,
    };
    let scheme = if options.tls { "https" } else { "http" };
    let address_url = format!("{scheme}://{address}{}", context_path(&options.context_path)?);
    let base_url = options.base_url_override.clone().unwrap_or_else(|| address_url.clone());
    let (stop, mut stopping) = watch::channel(false);
    let state = state(options, base_url, clock, stopping.clone())?;
    let (certificate_pem, tls) = minted.map(|minted| (minted.certificate_pem, minted.config)).unzip();
    let limits = Limits { grace: GRACE, max_body: MAX_BODY, ..Limits::default() };
    let shutdown = async move {
        // An error means that the handle was dropped, which ends the sandbox too.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let task = tokio::spawn(serve::serve(vec![listener], tls, router(&state), limits, shutdown));
    Ok(Running { state, address_url, certificate_pem, stop, task })
}

/// What the handlers share.
pub(super) fn state(
    options: Options,
    base_url: String,
    clock: Clock,
    stopping: watch::Receiver<bool>,
) -> Result<Arc<State>, SandboxError> {
    let mut world = World::new(options.issues, clock.now());
    world.page_cap = options.page_cap;
    if let Some(user) = options.auto_approve.as_deref().filter(|user| world.user(user).is_none()) {
        return Err(SandboxError::NoUser(user.to_owned()));
    }
    let rules = Rules {
        token_ttl: options.token_ttl,
        refresh_ttl: options.refresh_ttl,
        code_ttl: options.code_ttl,
        require_pkce: options.require_pkce,
        strict_refresh_redirect: options.strict_refresh_redirect,
    };
    Ok(Arc::new(State {
        world: Mutex::new(world),
        base_url,
        context: context_path(&options.context_path)?,
        provider: Provider::new(Client::register(&options)?, rules),
        browsers: Browsers::default(),
        limiter: Limiter::new(options.rate_limit),
        faults: Faults::default(),
        log: Log::new(),
        clock,
        options,
        stopping,
    }))
}

/// All routes below the context path, and Jira's dead link for the rest.
pub(super) fn router(state: &Arc<State>) -> Router {
    let inner = Router::new().merge(oauth::routes()).merge(pages::routes()).merge(rest::routes());
    let routes = if state.context.is_empty() { inner } else { Router::new().nest(&state.context, inner) };
    routes
        .fallback(pages::not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(state), middleware::around))
        .with_state(Arc::clone(state))
}

/// With a leading slash and without a trailing one, or empty.
fn context_path(given: &str) -> Result<String, SandboxError> {
    let path = given.trim_end_matches('/');
    let good = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if path.is_empty() || (path.starts_with('/') && !path.contains("//") && path.chars().all(good)) {
        Ok(path.to_owned())
    } else {
        Err(SandboxError::ContextPath(given.to_owned()))
    }
}

impl Running {
    /// Where it is reached: scheme, address, port and context path, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.address_url
    }

    /// The client ID of the registered application.
    pub fn client_id(&self) -> &str {
        &self.state.provider.client.id
    }

    /// Its client secret.
    pub fn client_secret(&self) -> &str {
        &self.state.provider.client.secret
    }

    /// Its redirect URIs.
    pub fn redirect_uris(&self) -> &[String] {
        &self.state.provider.client.redirect_uris
    }

    /// The certificate to be trusted, if it serves https.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// A personal access token of the account.
    pub fn mint_pat(&self, user: &str) -> String {
        self.state.provider.mint_pat(user)
    }

    /// A session of the account, without a browser.
    pub fn mint_session(&self, user: &str, scope: Scope) -> Tokens {
        self.state.provider.mint_session(user, scope, self.state.clock.now())
    }

    /// Lets all access tokens expire; refresh tokens stay good.
    pub fn expire_access_tokens(&self) {
        self.state.provider.expire_access_tokens();
    }

    /// Kills all codes, sessions and personal access tokens, as an administrator can.
    pub fn revoke_all(&self) {
        self.state.provider.revoke_all();
    }

    /// Moves the sandbox's clock forward.
    pub fn advance(&self, by: Duration) {
        self.state.clock.advance(by);
    }

    /// Sets another rate limit; all buckets are full again.
    pub fn set_rate_limit(&self, limit: Option<RateLimit>) {
        self.state.limiter.set(limit);
    }

    /// The faults, to order some.
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// What handlers share, the data among it.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// The requests so far, those in flight included.
    pub fn log(&self) -> Vec<Request> {
        self.state.log.requests()
    }

    /// Forgets the requests so far, and the most that was in flight.
    pub fn clear_log(&self) {
        self.state.log.clear();
    }

    /// How many calls of the token endpoint with this grant have arrived, whatever came of them.
    pub fn token_calls(&self, grant: &str) -> usize {
        let calls = self.log().into_iter().filter(|request| {
            request.method == Method::POST.as_str()
                && self.below(request).starts_with(oauth::TOKEN)
                && request.field("grant_type").as_deref() == Some(grant)
        });
        calls.count()
    }

    /// The most requests that were in flight at once.
    pub fn max_in_flight(&self) -> usize {
        self.state.log.max_in_flight()
    }

    /// Waits until so many requests whose path below the context path begins like this have arrived.
    pub async fn wait_for(&self, path_prefix: &str, n: usize) {
        self.state.log.wait_for(|request| self.below(request).starts_with(path_prefix), n).await;
    }

    /// Stops it, when what is in flight has been answered or two seconds are over.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // It would have panicked only where a connection's task cannot.
        let _ = self.task.await;
    }

    fn below<'a>(&self, request: &'a Request) -> &'a str {
        self.state.below_context(&request.path).unwrap_or_default()
    }
}
