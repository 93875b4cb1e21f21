//! The login: Authorization Code with PKCE through this machine's own callback server.
//!
//! Everything that can fail without Jira is tried first (the store, the port), because a code lives ten
//! seconds and a person's patience not much longer. The code is exchanged at once, and the session is
//! saved before anybody hears that it worked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use crate::config::{BaseUrl, ClientId, Scope, SiteName};
use crate::error::{Actor, Code, Failure, Hint};
use crate::http::Client;
use crate::named::{self, LARGEST_PEM, NamedError, Pipes};
use crate::process::{Clock, Prompt, on_own_thread};
use crate::secret::{hex, random};
use crate::serve::{self, ServeError};

use super::authorize::{Attempt, NotOurs, Outcome};
use super::broker_client::BrokerClient;
use super::broker_fault::{BrokerError, Fault};
use super::endpoint::{EndpointError, TokenEndpoint};
use super::error::{AuthError, ways_on};
use super::exchange::{Demands, Exchange, ExchangeError, Grant};
use super::loopback::{self, Bound, LoopbackError, Page, Waiting};
use super::place::Place;
use super::redirect::Redirect;
use super::saving::Saving;
use super::session::{Session, expiry};
use super::trust::Trust;

/// What a login is about; everything in it has been decided and agreed to.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The site that will remember it.
    pub site: SiteName,
    /// The Jira.
    pub base_url: BaseUrl,
    /// The client registered there.
    pub client_id: ClientId,
    /// The scope to ask for.
    pub scope: Scope,
    /// Where the browser comes back to.
    pub redirect: Redirect,
    /// A certificate and key of the user's own, instead of a minted one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// What the session will trust.
    pub trust: Trust,
    /// Where the session goes.
    pub place: Place,
    /// How long to wait for the browser.
    pub patience: Duration,
    /// Whether a person is at the terminal, so that the redirected URL may be pasted there.
    pub paste: bool,
}

/// What the person should know while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Everything is ready: go there.
    Open {
        /// The page to open first.
        url: String,
        /// Jira's own page, for a browser that cannot reach this machine.
        authorize_url: String,
        /// How long that is good for.
        patience: Duration,
    },
    /// The browser or the person came back; from here on it is between Jira and us.
    Arrived,
    /// What was pasted is not it.
    Pasted(NotOurs),
}

/// Why a login did not happen. Nothing is saved then.
#[derive(Debug, Error)]
pub enum LoginError {
    /// The port.
    #[error(transparent)]
    Loopback(#[from] LoopbackError),
    /// The certificate.
    #[error("the callback's certificate cannot be used: {0}")]
    Certificate(#[from] ServeError),
    /// A file of it.
    #[error("the callback's certificate or key {} {source}", path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: NamedError,
    },
    /// The redirect URI leads elsewhere, and nobody can paste what arrives there.
    #[error(
        "{0} is not on this machine, so the redirected URL must be pasted, and there is no person at a terminal"
    )]
    NobodyToPaste(String),
    /// The person or Jira said no.
    #[error("Jira did not grant access: {0}")]
    Denied(String),
    /// Jira would not have that scope.
    #[error(
        "Jira does not grant the scope {0} to this client: ask for a narrower one with --scope, or have the \
         administrator allow it on the application link"
    )]
    Scope(&'static str),
    /// Nothing came back.
    #[error(
        "nothing came back from the browser within {} s. If it shows an error page of Jira's, the redirect URI {redirect_uri} \
         is not registered exactly so, or the client ID is another",
        patience.as_secs()
    )]
    TimedOut {
        /// How long it was waited for.
        patience: Duration,
        /// What must be registered.
        redirect_uri: String,
    },
    /// Nothing came back, and nobody was there who could have seen to it.
    #[error(
        "nobody opened the page, or it led nowhere, within {} s, and there is no person at this terminal: a login \
         needs one. Jira must know the redirect URI {redirect_uri} exactly so",
        patience.as_secs()
    )]
    Unattended {
        /// How long it was waited for.
        patience: Duration,
        /// What must be registered.
        redirect_uri: String,
    },
    /// Jira knows the code no more.
    #[error(
        "Jira did not accept the authorization code: it came too late (codes may live 10 seconds) or was used \
         before{0}. Start again, and do not wait on the way back"
    )]
    Late(String),
    /// Jira knows the code and does not accept it.
    #[error(
        "Jira did not accept the authorization code{0}: it was used before, or the redirect URI or the code verifier \
         is another than at the beginning. Start again"
    )]
    NotAccepted(String),
    /// The exchange.
    #[error(transparent)]
    Exchange(EndpointError),
    /// The exchange, through the broker.
    #[error(transparent)]
    Broker(BrokerError),
    /// Jira demands the secret, and the broker that has it does not exchange.
    #[error("{refused}. {}", ways_on(Some(.host)))]
    NoExchange {
        /// The broker's host.
        host: String,
        /// What Jira said.
        refused: EndpointError,
    },
    /// The broker brought the code, and Jira did not accept it.
    #[error("Jira did not accept the authorization code when the broker at {host} brought it: {}", why(*.after_jira))]
    NotAcceptedOfBroker {
        /// The broker's host.
        host: String,
        /// Whether Jira had refused the client with this code before.
        after_jira: bool,
    },
    /// The task that exchanges ended without an answer.
    #[error("the login ended without an answer")]
    Vanished,
}

fn why(after_jira: bool) -> &'static str {
    if after_jira {
        "it came too late (codes may live 10 seconds), or this Jira counts a code as used when it has refused the \
         client. Start again: the broker is asked first from now on"
    } else {
        "it came too late (codes may live 10 seconds), or was used before. Start again, and do not wait on the way \
         back"
    }
}

impl From<ExchangeError> for LoginError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Jira(EndpointError::InvalidRequest(words)) => LoginError::Late(says(words)),
            ExchangeError::Jira(EndpointError::InvalidGrant(words)) => LoginError::NotAccepted(says(words)),
            ExchangeError::Jira(other) => LoginError::Exchange(other),
            ExchangeError::NoExchange { host, refused } => LoginError::NoExchange { host, refused },
            ExchangeError::Broker {
                error: BrokerError { fault: Fault::InvalidGrant, host, .. },
                after_jira,
            } => LoginError::NotAcceptedOfBroker { host, after_jira },
            ExchangeError::Broker { error, .. } => LoginError::Broker(error),
        }
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        let text = error.to_string();
        match error {
            LoginError::Loopback(error) => error.into(),
            LoginError::Certificate(_) | LoginError::CertificateFile { .. } => {
                Failure::new(Code::BadValue, text).hint(Hint::Help("login"))
            }
            LoginError::NobodyToPaste(_) | LoginError::Unattended { .. } => {
                Failure::new(Code::NeedsPerson, text).hint(Hint::Help("login"))
            }
            LoginError::Denied(_)
            | LoginError::Late(_)
            | LoginError::NotAccepted(_)
            | LoginError::NotAcceptedOfBroker { .. } => Failure::new(Code::LoginDenied, text),
            LoginError::NoExchange { .. } => Failure::new(Code::LoginDenied, text)
                .hint(Hint::LoginPat { site: None })
                .actor(Actor::Operator),
            LoginError::Broker(error) => error.into(),
            LoginError::Scope(_) => Failure::new(Code::ScopeMissing, text),
            LoginError::TimedOut { .. } => Failure::new(Code::Timeout, text),
            LoginError::Exchange(error) => error.into(),
            LoginError::Vanished => Failure::new(Code::Bug, text),
        }
    }
}

/// What a login needs of the outside world.
pub struct Means {
    /// What Jira is asked through.
    pub client: Client,
    /// The broker that the session will trust, if there is one.
    pub broker: Option<BrokerClient>,
    /// Where it is noted who must be asked first.
    pub state: PathBuf,
    /// Asks the person.
    pub prompt: Arc<dyn Prompt>,
    /// What time it is.
    pub clock: Clock,
    /// To be waited for before the program ends.
    pub saving: Saving,
}

/// Logs in and saves the session. `notify` hears what the person should know, in order.
pub async fn login(plan: Plan, means: Means, notify: &dyn Fn(Notice)) -> Result<Session, AuthError> {
    plan.place.probe().await?;
    let bound = plan.redirect.listen.as_ref().map(loopback::bind).transpose().map_err(LoginError::from)?;
    if bound.is_none() && !plan.paste {
        return Err(LoginError::NobodyToPaste(plan.redirect.uri.clone()).into());
    }
    let attempt = Arc::new(Attempt::new(&plan.base_url, &plan.client_id, plan.scope, &plan.redirect.uri));
    let (waiting, url) = open_door(&plan, bound, &attempt, means.clock.now())?;
    let authorize_url = attempt.url.as_str().to_owned();
    notify(Notice::Open { url, authorize_url, patience: plan.patience });
    come_back(plan, means, attempt, waiting, notify).await
}

/// Starts to serve, and names the page that the browser should open first.
fn open_door(
    plan: &Plan,
    bound: Option<Bound>,
    attempt: &Arc<Attempt>,
    now: Timestamp,
) -> Result<(Option<Waiting>, String), LoginError> {
    let authorize_url = attempt.url.as_str().to_owned();
    let (Some(bound), Some(listen)) = (bound, &plan.redirect.listen) else {
        return Ok((None, authorize_url));
    };
    let nonce = hex(&random::<16>().expect("the system has randomness"));
    let (tls, url) = match (&plan.certificate, listen.https) {
        (_, false) => (None, authorize_url),
        (Some((certificate, key)), true) => {
            let tls = serve::from_pem(&read(certificate)?, &read(key)?)?;
            (Some(tls), authorize_url)
        }
        (None, true) => {
            let minted = serve::mint(&["127.0.0.1", "::1", "localhost"], now)?;
            (Some(minted.config), format!("https://{}/start/{nonce}", listen.authority))
        }
    };
    Ok((Some(bound.serve(attempt.clone(), &nonce, tls)), url))
}

fn read(path: &Path) -> Result<Vec<u8>, LoginError> {
    named::read(path, LARGEST_PEM, Pipes::Refused)
        .map_err(|source| LoginError::CertificateFile { path: path.to_owned(), source })
}

/// Waits for the browser or for a pasted URL, and finishes with whichever comes first.
async fn come_back(
    plan: Plan,
    means: Means,
    attempt: Arc<Attempt>,
    mut waiting: Option<Waiting>,
    notify: &dyn Fn(Notice),
) -> Result<Session, AuthError> {
    let arrived = async {
        match &mut waiting {
            Some(waiting) => waiting.arrived.recv().await,
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        outcome = arrived => outcome.ok_or(LoginError::Vanished),
        outcome = pasted(plan.paste, &attempt, means.prompt.clone(), notify) => Ok(outcome),
        () = tokio::time::sleep(plan.patience) => {
            let (patience, redirect_uri) = (plan.patience, plan.redirect.uri.clone());
            // A person may try again; to whoever is alone the same command would do the same again.
            Err(match plan.paste {
                true => LoginError::TimedOut { patience, redirect_uri },
                false => LoginError::Unattended { patience, redirect_uri },
            })
        }
    };
    if outcome.is_ok() {
        notify(Notice::Arrived);
    }
    // From here on a signal waits: the code is spent by being exchanged.
    let permit = means.saving.begin().await;
    let task = tokio::spawn(async move {
        let finished = match outcome {
            Ok(outcome) => finish(&plan, &means, &attempt, outcome).await,
            Err(error) => Err(error.into()),
        };
        if let Some(waiting) = waiting {
            let page = match &finished {
                Ok(_) => Page::Done,
                Err(AuthError::Login(LoginError::Denied(_) | LoginError::Scope(_))) => Page::Denied,
                Err(_) => Page::Failed,
            };
            waiting.verdict.send_replace(Some(page));
            waiting.close().await;
        }
        drop(permit);
        finished
    });
    task.await.unwrap_or(Err(LoginError::Vanished.into()))
}

/// The redirected URL as the person pastes it; wrong ones are asked for again.
async fn pasted(
    wanted: bool,
    attempt: &Attempt,
    prompt: Arc<dyn Prompt>,
    notify: &dyn Fn(Notice),
) -> Outcome {
    if !wanted {
        return std::future::pending().await;
    }
    loop {
        let prompt = prompt.clone();
        let Ok(line) = on_own_thread(move || prompt.line("")).await.flatten() else { break };
        if line.trim().is_empty() {
            continue;
        }
        match attempt.judge_pasted(&line) {
            Ok(outcome) => return outcome,
            Err(reason) => notify(Notice::Pasted(reason)),
        }
    }
    std::future::pending().await
}

async fn finish(
    plan: &Plan,
    means: &Means,
    attempt: &Attempt,
    outcome: Outcome,
) -> Result<Session, AuthError> {
    let code = match outcome {
        Outcome::Code(code) => code,
        Outcome::Denied(error) if error == "invalid_scope" => {
            return Err(LoginError::Scope(plan.scope.as_str()).into());
        }
        Outcome::Denied(error) => return Err(LoginError::Denied(error).into()),
    };
    let exchange = Exchange {
        endpoint: TokenEndpoint::new(means.client.clone(), &plan.base_url),
        broker: means.broker.clone(),
        demands: Demands::new(&means.state, &plan.base_url, &plan.client_id),
    };
    let now = means.clock.now();
    let grant = Grant {
        client_id: &plan.client_id,
        code: &code,
        code_verifier: &attempt.code_verifier,
        redirect_uri: &attempt.redirect_uri,
    };
    let tokens = exchange.run(&grant).await.map_err(LoginError::from)?;
    let session = Session {
        base_url: plan.base_url.clone(),
        client_id: plan.client_id.clone(),
        site: Some(plan.site.clone()),
        access_token: tokens.access_token,
        refresh_token: Some(tokens.refresh_token),
        expires_at: Some(expiry(now, tokens.expires_in)),
        refreshed_at: now,
        scope: tokens.scope.or_else(|| Some(plan.scope.as_str().to_owned())),
        redirect_uri: Some(plan.redirect.uri.clone()),
        user: None,
        trust: plan.trust.clone(),
        ended: None,
        undelivered: false,
    };
    plan.place.save(&session).await?;
    Ok(session)
}

fn says(words: String) -> String {
    if words.is_empty() { words } else { format!(" (Jira says: {words})") }
}
