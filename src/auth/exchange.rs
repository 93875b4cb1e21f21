//! Who trades the code of a login for tokens: Jira, or a broker that adds the client's secret.
//!
//! Jira is asked first: where it takes the code without a secret, no broker need see it. Only `invalid_client`
//! takes the same code to the broker of this login, at once, because codes may live 10 s.
//!
//! Whether a code is still good after that refusal is not documented. Jira looks at the grant before the client,
//! and a code counts once. So the refusal is remembered, and from the next login on the broker is asked first: a
//! Jira that burns the code is met once, and no other login loses time to a call that is refused anyway. A broker
//! that does not exchange says so without using the code, which then goes to Jira as ever. No probe could tell
//! beforehand: with a made-up code Jira speaks of the code, not of the client.

use std::path::{Path, PathBuf};

use crate::config::{BaseUrl, ClientId};
use crate::disk::{self, Others};
use crate::process::on_own_thread;
use crate::secret::Secret;

use super::broker_client::BrokerClient;
use super::broker_fault::{BrokerError, Fault};
use super::endpoint::{EndpointError, TokenEndpoint};
use super::session::Tokens;
use super::store::StoreKey;

/// The two who can do it.
pub struct Exchange {
    /// Jira.
    pub endpoint: TokenEndpoint,
    /// The broker that the login trusts, if there is one.
    pub broker: Option<BrokerClient>,
    /// Whether Jira is known to demand the secret.
    pub demands: Demands,
}

/// What came back with the browser, and what it belongs to.
pub struct Grant<'a> {
    /// The client that it was issued to.
    pub client_id: &'a ClientId,
    /// The authorization code.
    pub code: &'a Secret,
    /// What its challenge was made from.
    pub code_verifier: &'a Secret,
    /// Where it was sent to.
    pub redirect_uri: &'a str,
}

/// Why there are no tokens.
#[derive(Clone, Debug)]
pub enum ExchangeError {
    /// Jira's answer; the broker was not asked, or there is none.
    Jira(EndpointError),
    /// Jira wants the secret, and the broker does not exchange.
    NoExchange {
        /// The broker's host.
        host: String,
        /// What Jira said.
        refused: EndpointError,
    },
    /// The broker's answer.
    Broker {
        /// What it was.
        error: BrokerError,
        /// Whether Jira had refused the client with this code before.
        after_jira: bool,
    },
}

impl Exchange {
    /// Trades a code.
    pub async fn run(&self, grant: &Grant<'_>) -> Result<Tokens, ExchangeError> {
        let known = self.demands.are_known().await;
        if known && let Some(broker) = &self.broker {
            match through(broker, grant).await {
                Err(BrokerError { fault: Fault::NoExchange, .. }) => {}
                answer => return answer.map_err(|error| ExchangeError::Broker { error, after_jira: false }),
            }
        }
        let Grant { client_id, code, code_verifier, redirect_uri } = grant;
        let outcome = match self.endpoint.exchange(client_id, code, code_verifier, redirect_uri).await {
            Err(refused @ EndpointError::InvalidClient(_)) => self.instead(grant, refused).await,
            answer => {
                if known && answer.is_ok() {
                    self.demands.forget().await;
                }
                return answer.map_err(ExchangeError::Jira);
            }
        };
        // Last: the code does not wait for a disk.
        self.demands.remember().await;
        outcome
    }

    /// What Jira refuses without the secret goes to the broker.
    async fn instead(&self, grant: &Grant<'_>, refused: EndpointError) -> Result<Tokens, ExchangeError> {
        let Some(broker) = &self.broker else { return Err(ExchangeError::Jira(refused)) };
        log::info!("Jira demands the client's secret; the broker is asked to exchange the code");
        through(broker, grant).await.map_err(|error| match error {
            BrokerError { fault: Fault::NoExchange, host, .. } => ExchangeError::NoExchange { host, refused },
            error => ExchangeError::Broker { error, after_jira: true },
        })
    }
}

async fn through(broker: &BrokerClient, grant: &Grant<'_>) -> Result<Tokens, BrokerError> {
    let Grant { client_id, code, code_verifier, redirect_uri } = grant;
    broker.exchange(client_id, code, code_verifier, redirect_uri).await
}

/// A note that one Jira demands the secret of one client on the exchange. It holds nothing; that it is there says
/// all. Without it the other one is asked first, so nothing that goes wrong with it is worth a word.
#[derive(Clone, Debug)]
pub struct Demands {
    directory: PathBuf,
    note: PathBuf,
}

impl Demands {
    /// Of a client at a Jira; notes lie below `state`.
    pub fn new(state: &Path, base_url: &BaseUrl, client_id: &ClientId) -> Self {
        let directory = state.join("secret-demanded");
        let key = StoreKey::new(base_url.as_str(), client_id.as_str(), None);
        Demands { note: directory.join(key.as_str()), directory }
    }

    async fn are_known(&self) -> bool {
        let note = self.note.clone();
        let read = on_own_thread(move || Ok(disk::read(&note, Others::Nothing)?)).await.flatten();
        matches!(read, Ok(Some(_)))
    }

    async fn remember(&self) {
        let Demands { directory, note } = self.clone();
        let written = on_own_thread(move || {
            disk::private_dir(&directory)?;
            Ok(disk::replace(&note, b"")?)
        });
        if let Err(error) = written.await.flatten() {
            log::info!("that Jira demands the client's secret cannot be noted: {error}");
        }
    }

    async fn forget(&self) {
        let note = self.note.clone();
        if let Err(error) = on_own_thread(move || disk::remove(&note)).await.flatten() {
            log::info!("that Jira demands the client's secret is still noted: {error}");
        }
    }
}
