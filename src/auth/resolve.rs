//! Which credential a command uses, and everything that goes with it: the Jira, the trust, the client.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::{BaseUrl, ClientId, RotationOutput, Settings, SiteName, Source};
use crate::disk;
use crate::http::{self, Client, Target};
use crate::process::{Clock, Env, Prompt};
use crate::secret::Secret;

use super::broker_client::BrokerClient;
use super::chosen::Chosen;
use super::credential::{AuthMode, Credential};
use super::endpoint::TokenEndpoint;
use super::error::AuthError;
use super::injected::Handover;
use super::place::{Address, Place, Purpose};
use super::refresh::{Refresher, Renewer, Ways};
use super::saving::Saving;
use super::session::Session;
use super::store::{LockDir, Memory, SealedFile, Store, StoreError, StoreKey};
use super::trust::Trust;

/// What the credential needs of the outside world.
#[derive(Clone)]
pub struct World {
    /// What time it is.
    pub clock: Clock,
    /// To be waited for before the program ends.
    pub saving: Saving,
    /// Whether somebody sits at the terminal who can be asked.
    pub person: bool,
    /// Asks them.
    pub prompt: Arc<dyn Prompt>,
    /// Told when the keyring takes long.
    pub keyring_waits: Arc<dyn Fn() + Send + Sync>,
    /// The environment for programs that we start: without our secrets.
    pub child_env: Env,
    /// Instead of the keyring and the file: the tour keeps its sessions in memory.
    pub memory: Option<Memory>,
}

/// A way into one Jira.
#[derive(Clone, Debug)]
pub struct Access {
    /// The Jira.
    pub base_url: BaseUrl,
    /// What it is asked through.
    pub client: Client,
    /// What requests prove themselves with.
    pub credential: Credential,
    /// Where that comes from.
    pub mode: AuthMode,
    /// Which variable or which site, for people.
    pub source: String,
    /// The OAuth client, where there is one.
    pub client_id: Option<ClientId>,
    /// Where the session lies, where there is one.
    pub storage: Option<&'static str>,
    /// What is trusted.
    pub trust: Trust,
    /// What was passed over: code and message.
    pub warnings: Vec<(String, String)>,
}

impl Access {
    /// Whether the session was granted the scope READ and nothing above it, as far as Jira has said yet.
    pub async fn is_read_only_scope(&self) -> bool {
        self.granted().await.as_deref() == Some("READ")
    }

    /// The granted scope; a job's session has none until its injected token is spent.
    pub async fn granted(&self) -> Option<String> {
        match &self.credential {
            Credential::Session(session) => session.session().await.scope,
            Credential::Bearer(_) | Credential::Basic { .. } => None,
        }
    }
}

/// What a command would use, as far as that is known without the network and without spending anything.
#[derive(Debug)]
pub enum Look {
    /// A credential of the environment.
    Environment {
        /// What kind.
        mode: AuthMode,
        /// Which variable.
        source: String,
    },
    /// A session.
    Session {
        /// The session.
        session: Box<Session>,
        /// What kind.
        mode: AuthMode,
        /// Where it lies.
        storage: &'static str,
        /// The variable that injected it, if it is a job's.
        source: Option<String>,
    },
    /// An injected refresh token that no command of the job has spent yet.
    Unspent {
        /// Which variable.
        source: String,
        /// Who will be asked to, if not Jira.
        broker_url: Option<String>,
    },
    /// An injected refresh token that no command can use as things are.
    Unusable {
        /// Which variable.
        source: String,
        /// What every command would say.
        error: AuthError,
    },
    /// Nobody is logged in.
    Nothing,
}

/// Finds the credential for a command that talks to Jira.
pub async fn resolve(settings: &Settings, world: &World) -> Result<Access, AuthError> {
    let base_url = base_url(settings)?;
    let chosen = Chosen::of(settings)?;
    let source = chosen.source().map(Source::to_string).unwrap_or_default();
    match chosen {
        Chosen::Injected(token) => injected(settings, world, base_url, &token.value, source).await,
        Chosen::Token(token) => {
            let credential = Credential::Bearer(token.value.clone());
            from_environment(settings, base_url, credential, AuthMode::Bearer, source)
        }
        Chosen::Basic { username, password } => {
            let credential =
                Credential::Basic { username: username.value.clone(), password: password.value.clone() };
            from_environment(settings, base_url, credential, AuthMode::Basic, source)
        }
        Chosen::Stored => {
            let (session, place) = stored(settings, world).await?.ok_or_else(|| not_logged_in(settings))?;
            from_session(settings, world, session, place)
        }
    }
}

/// Finds what [`resolve`] would use, for whoever only wants to know.
pub async fn look(settings: &Settings, world: &World) -> Result<Look, AuthError> {
    let chosen = Chosen::of(settings)?;
    let source = chosen.source().map(Source::to_string).unwrap_or_default();
    match chosen {
        Chosen::Injected(token) => {
            let job = base_url(settings).and_then(|url| Job::new(settings, world, url, &token.value));
            let job = match job {
                Ok(job) => job,
                Err(error) => return Ok(Look::Unusable { source, error }),
            };
            Ok(match job.place.read().await? {
                Some(session) => Look::Session {
                    session: Box::new(Session { trust: job.initial.trust, ..session }),
                    mode: AuthMode::OauthEnv,
                    storage: job.place.store.kind(),
                    source: Some(source),
                },
                None => Look::Unspent { source, broker_url: job.initial.trust.broker_url },
            })
        }
        Chosen::Token(_) => Ok(Look::Environment { mode: AuthMode::Bearer, source }),
        Chosen::Basic { .. } => Ok(Look::Environment { mode: AuthMode::Basic, source }),
        Chosen::Stored => Ok(match stored(settings, world).await? {
            Some((session, place)) => Look::Session {
                mode: AuthMode::of_stored(&session),
                session: Box::new(session),
                storage: place.store.kind(),
                source: None,
            },
            None => Look::Nothing,
        }),
    }
}

/// The base URL, or the error that says how to name one.
pub fn base_url(settings: &Settings) -> Result<BaseUrl, AuthError> {
    if let Some(wanted) = &settings.site_name_wanted {
        return Err(AuthError::NoSuchSite(wanted.value.clone()));
    }
    settings.base_url.as_ref().map(|url| url.value.clone()).ok_or(AuthError::NoBaseUrl)
}

fn not_logged_in(settings: &Settings) -> AuthError {
    AuthError::NotLoggedIn {
        site: settings.site.as_ref().map(|site| site.name.clone()),
        base_url: settings.base_url.as_ref().map(|url| url.value.clone()),
    }
}

/// The session that the settings mean, if there is one, and where it lies. Reads the store once.
async fn stored(settings: &Settings, world: &World) -> Result<Option<(Session, Place)>, AuthError> {
    let address = Address::of(settings)?;
    let place = Place::open(&address, settings, world, Purpose::Use).await?;
    match place.read().await {
        Ok(session) => Ok(session.map(|session| (session, place))),
        Err(AuthError::Store(StoreError::KeyringAbsent(_))) if address.is_unheard_of(settings) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A stored session as a credential, under what it trusts.
pub fn from_session(
    settings: &Settings,
    world: &World,
    session: Session,
    place: Place,
) -> Result<Access, AuthError> {
    let site = settings.site.as_ref().map(|site| site.name.clone());
    let passed_over = session
        .trust
        .admit(settings, &session.base_url)
        .map_err(|error| AuthError::Pinned { error, site: site.clone() })?;
    let mode = AuthMode::of_stored(&session);
    let source = match site.as_ref().or(session.site.as_ref()) {
        Some(name) => format!("site {name}"),
        None => "stored session".to_owned(),
    };
    let trust = session.trust.clone();
    let client = client(settings, &trust, &session.base_url)?;
    let (base_url, client_id, storage) =
        (session.base_url.clone(), session.client_id.clone(), place.store.kind());
    let ways = Ways {
        place,
        renewer: renewer(settings, &trust, &client, &base_url)?,
        initial: None,
        handover: None,
        clock: world.clock.clone(),
        saving: world.saving.clone(),
    };
    Ok(Access {
        base_url,
        client,
        credential: Credential::Session(Arc::new(Refresher::new(ways, session))),
        mode,
        source,
        client_id: Some(client_id),
        storage: Some(storage),
        trust,
        warnings: passed_over.into_iter().map(|text| ("passed_over".to_owned(), text)).collect(),
    })
}

fn from_environment(
    settings: &Settings,
    base_url: BaseUrl,
    credential: Credential,
    mode: AuthMode,
    source: String,
) -> Result<Access, AuthError> {
    let trust = Trust::of(settings, &base_url);
    let client = client(settings, &trust, &base_url)?;
    Ok(Access {
        base_url,
        client,
        credential,
        mode,
        source,
        client_id: None,
        storage: None,
        trust,
        warnings: vec![],
    })
}

/// A CI job: its injected refresh token as a session.
struct Job {
    /// The sealed file.
    place: Place,
    /// What counts while there is none: a session that is stale from the beginning, so that the first use
    /// spends the token.
    initial: Session,
    handover: Handover,
}

impl Job {
    fn new(settings: &Settings, world: &World, base_url: BaseUrl, token: &Secret) -> Result<Self, AuthError> {
        let client_id = settings.client_id.as_ref().ok_or(AuthError::InjectedWithoutClientId)?.value.clone();
        let directory = sealed_directory(settings);
        let key = StoreKey::new(base_url.as_str(), client_id.as_str(), Some(&token.fingerprint()));
        let sealed = SealedFile::new(directory.clone(), token.clone());
        let handover = Handover::new(settings, world.child_env.clone(), sealed.path(&key))?;
        let redirect = super::redirect::Redirect::new(&settings.callback)?;
        let place = Place {
            key,
            // Beside the file, so that steps in several containers that share it share the lock too; in a
            // directory of its own, because the runner's may be readable to others.
            locks: LockDir::new(directory.join(".jira-oauth-locks")),
            store: Store::Sealed(sealed),
        };
        let initial = Session {
            trust: Trust::of(settings, &base_url),
            base_url,
            client_id,
            site: settings.site.as_ref().map(|site| site.name.clone()),
            access_token: Secret::new(""),
            refresh_token: Some(token.clone()),
            expires_at: Some(Timestamp::UNIX_EPOCH),
            refreshed_at: Timestamp::UNIX_EPOCH,
            scope: None,
            redirect_uri: Some(redirect.uri),
            user: None,
            ended: None,
            undelivered: false,
        };
        Ok(Job { place, initial, handover })
    }
}

/// An injected refresh token as a credential: what the sealed file holds, else what the job began with.
async fn injected(
    settings: &Settings,
    world: &World,
    base_url: BaseUrl,
    token: &Secret,
    source: String,
) -> Result<Access, AuthError> {
    let Job { place, initial, handover } = Job::new(settings, world, base_url.clone(), token)?;
    let (trust, client_id, storage) = (initial.trust.clone(), initial.client_id.clone(), place.store.kind());
    let client = client(settings, &trust, &base_url)?;
    let ways = Ways {
        place,
        renewer: renewer(settings, &trust, &client, &base_url)?,
        initial: Some(initial.clone()),
        handover: Some(Arc::new(handover)),
        clock: world.clock.clone(),
        saving: world.saving.clone(),
    };
    // The environment of this command says what is trusted, not that of an earlier one.
    let session =
        ways.resume().await?.map(|kept| Session { trust: trust.clone(), ..kept }).unwrap_or(initial);
    Ok(Access {
        base_url,
        client,
        credential: Credential::Session(Arc::new(Refresher::new(ways, session))),
        mode: AuthMode::OauthEnv,
        source,
        client_id: Some(client_id),
        storage: Some(storage),
        trust,
        warnings: vec![],
    })
}

/// Beside the output file, else in the runner's temporary directory, else with the configuration.
fn sealed_directory(settings: &Settings) -> PathBuf {
    match (&settings.rotation_output, &settings.runner_temp) {
        (Some(RotationOutput::File(path)), _) => disk::parent(path).to_owned(),
        (_, Some(temp)) => temp.clone(),
        (_, None) => settings.dirs.config.join("ci"),
    }
}

/// Who renews under this trust.
fn renewer(
    settings: &Settings,
    trust: &Trust,
    client: &Client,
    base_url: &BaseUrl,
) -> Result<Renewer, AuthError> {
    Ok(match broker(settings, trust)? {
        Some(broker) => Renewer::Broker(broker),
        None => Renewer::Jira(TokenEndpoint::new(client.clone(), base_url)),
    })
}

/// The broker under this trust, if there is one.
pub fn broker(settings: &Settings, trust: &Trust) -> Result<Option<BrokerClient>, AuthError> {
    let Some(url) = &trust.broker_url else { return Ok(None) };
    let url = BaseUrl::parse(url, trust.insecure)?;
    let client = client(settings, trust, &url)?;
    let token = settings.broker_token.as_ref().map(|token| token.value.clone());
    Ok(Some(BrokerClient::new(client, url, token)))
}

/// A client for one server under this trust.
pub fn client(settings: &Settings, trust: &Trust, url: &BaseUrl) -> Result<Client, AuthError> {
    let client = http::client(&trust.http_options(&settings.proxies, url));
    client.check(&Target::new(url.under(""))?)?;
    Ok(client)
}

/// The site's name as a hint wants it.
pub fn hint_name(site: &Option<SiteName>) -> Option<String> {
    site.as_ref().map(|name| name.as_str().to_owned())
}
