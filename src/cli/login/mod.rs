//! `login`: what it is about (`wish`), whether the person agrees to a change of trust (`trust`), and what is
//! remembered of it (`remember`). The login itself is `auth::login`.

mod remember;
mod trust;
mod wish;

use std::time::Duration;

use clap::Args;

use crate::auth::login::{self, LoginError, Means, Notice, Plan};
use crate::auth::place::{Address, Place, Purpose};
use crate::auth::redirect::Redirect;
use crate::auth::session::{Session, User};
use crate::auth::store::StoreError;
use crate::auth::trust::Trust;
use crate::auth::{Access, AuthError, AuthMode, Credential, resolve};
use crate::config::{StorageKind, Typed, parse_boolean};
use crate::error::Failure;
use crate::jira::{Jira, user};

use super::context::{Context, Cut};
use super::session::SessionObject;
use super::take_over;

use remember::{forget_old, remember, tell_differences};
pub use wish::Wish;

/// `jira login`
#[derive(Args, Clone, Debug, Default)]
pub struct LoginArgs {
    /// Store a personal access token, read from stdin or asked for
    #[arg(long)]
    pub pat: bool,
    /// Take over the session of go-jira, from its keyring entry or its tokens.enc
    #[arg(long, conflicts_with_all = ["pat", "scope", "browser", "no_browser"])]
    pub from_go_jira: bool,
    /// Scope to ask for: READ, WRITE, ADMIN or SYSTEM_ADMIN
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<String>,
    /// Where to keep the session: keyring or file
    #[arg(long, value_name = "KIND")]
    pub storage: Option<String>,
    /// Do not open a browser
    #[arg(long, conflicts_with = "browser")]
    pub no_browser: bool,
    /// Open a browser even where there seems to be none
    #[arg(long)]
    pub browser: bool,
    /// Port of the callback server, 8085 by default
    #[arg(long, value_name = "PORT")]
    pub callback_port: Option<String>,
    /// Host of the callback: 127.0.0.1 or localhost
    #[arg(long, value_name = "HOST")]
    pub callback_host: Option<String>,
    /// Whether the callback speaks TLS, true by default
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = parse_boolean)]
    pub callback_https: Option<bool>,
    /// PEM certificate for the callback instead of a minted one
    #[arg(long, value_name = "FILE")]
    pub callback_cert: Option<String>,
    /// PEM key for it
    #[arg(long, value_name = "FILE")]
    pub callback_key: Option<String>,
    /// The exact redirect URI as it is registered
    #[arg(long, value_name = "URI")]
    pub redirect_uri: Option<String>,
    /// The base URL as it was typed; go-jira stores under that.
    #[arg(skip)]
    pub base_url: Option<String>,
}

impl LoginArgs {
    /// What was typed, for `config::resolve`.
    pub fn typed(&self, global: Typed) -> Typed {
        let args = self.clone();
        Typed {
            scope: args.scope,
            storage: args.storage,
            callback_port: args.callback_port,
            callback_host: args.callback_host,
            callback_https: args.callback_https,
            callback_cert: args.callback_cert,
            callback_key: args.callback_key,
            redirect_uri: args.redirect_uri,
            ..global
        }
    }
}

/// How long the browser is waited for: a person reads, an agent's caller does not.
pub const PATIENCE_PERSON: Duration = Duration::from_secs(300);
/// The same without a person.
pub const PATIENCE_ALONE: Duration = Duration::from_secs(100);

/// Logs in, remembers the site, writes the session object.
pub async fn run(args: LoginArgs, ctx: &Context) -> Result<(), Failure> {
    wish::refuse_credentials_of_the_environment(ctx)?;
    let sites = ctx.sites()?;
    let found = match args.from_go_jira {
        true => Some(take_over::find(ctx, &sites, args.base_url.as_deref()).await?),
        false => None,
    };
    let wish = match &found {
        Some(found) => Wish::of_found(ctx, &sites, found)?,
        None => Wish::new(ctx, &sites, args.pat)?,
    };
    sites.check_writable().await?;
    wish.needs_a_person(ctx)?;
    let (place, storage) = place(ctx, &wish).await?;
    let trust = Trust::of(&ctx.settings, &wish.base_url);
    let before = place.session().await?;
    // Where there is no session to compare with, what the site remembers counts.
    let remembered = wish.known.as_ref().map(trust::remembered);
    let trusted = before.as_ref().map(|session| &session.trust).or(remembered.as_ref());
    trust::agree_to(ctx, &wish, trusted, &trust).await?;
    let session = match (&found, args.pat) {
        (Some(found), _) => take_over::session(ctx, &wish, &place, &trust, found).await?,
        (None, true) => personal(ctx, &wish, &place, &trust).await?,
        (None, false) => oauth(ctx, &args, &wish, &place, trust).await?,
    };
    let site = remember(ctx, &sites, &wish, &session, storage).await?;
    forget_old(ctx, &sites, &wish, &site).await;
    tell_differences(ctx, &wish, before.as_ref(), &session);
    let object = SessionObject::of_session(ctx, &session, AuthMode::of_stored(&session), place.store.kind());
    ctx.out.value(&SessionObject {
        site: Some(site.name.as_str().to_owned()),
        source: Some(format!("site {}", site.name.as_str())),
        ..object
    })
}

/// Where the session goes: what was chosen or remembered, else the keyring, and on a machine without one
/// an encrypted file.
async fn place(ctx: &Context, wish: &Wish) -> Result<(Place, StorageKind), Failure> {
    let site = wish.site();
    let chosen = ctx.settings.storage.as_ref().map(|kind| kind.value);
    let open = async |storage| -> Result<Place, Failure> {
        let address = Address { storage, ..Address::of_site(&site) };
        Ok(Place::open(&address, &ctx.settings, &ctx.world(), Purpose::Login).await?)
    };
    let place = open(chosen.unwrap_or(StorageKind::Keyring)).await?;
    match (place.probe().await, chosen) {
        (Ok(()), _) => Ok((place, chosen.unwrap_or(StorageKind::Keyring))),
        (Err(AuthError::Store(StoreError::KeyringAbsent(why))), None) => {
            let text = format!("there is no keyring here: {why}. The session goes into an encrypted file");
            ctx.out.info("storage_file", &text, None);
            let place = open(StorageKind::File).await?;
            place.probe().await?;
            Ok((place, StorageKind::File))
        }
        (Err(error), _) => Err(ctx.named(error)),
    }
}

async fn oauth(
    ctx: &Context,
    args: &LoginArgs,
    wish: &Wish,
    place: &Place,
    trust: Trust,
) -> Result<Session, Failure> {
    let redirect = Redirect::new(&ctx.settings.callback).map_err(Failure::from)?;
    let callback = &ctx.settings.callback;
    let patience = if ctx.person() { PATIENCE_PERSON } else { PATIENCE_ALONE };
    let left = ctx.deadline.saturating_duration_since(tokio::time::Instant::now());
    let plan = Plan {
        site: wish.name.clone(),
        base_url: wish.base_url.clone(),
        client_id: wish.client_id.clone(),
        scope: wish.scope,
        certificate: callback.cert.clone().zip(callback.key.clone()),
        place: place.clone(),
        patience: patience.min(left.saturating_sub(Duration::from_secs(1))),
        paste: ctx.person(),
        trust: trust.clone(),
        redirect: redirect.clone(),
    };
    let means = Means {
        client: resolve::client(&ctx.settings, &trust, &wish.base_url)?,
        broker: resolve::broker(&ctx.settings, &trust)?,
        state: ctx.settings.dirs.state.clone(),
        prompt: ctx.process.prompt.clone(),
        clock: ctx.process.clock.clone(),
        saving: ctx.saving.clone(),
    };
    if !plan.paste {
        // The deadline of the whole command may come before the login's own patience is at its end.
        let unattended =
            LoginError::Unattended { patience: plan.patience, redirect_uri: redirect.uri.clone() };
        ctx.on_cut(move |_, cut| (cut == Cut::Deadline).then(|| unattended.into()));
    }
    let notify = |notice: Notice| match notice {
        Notice::Arrived => drop(ctx.farewell()),
        Notice::Open { url, authorize_url, patience } => {
            super::browse::open(ctx, args, &redirect, &url, &authorize_url, patience);
        }
        Notice::Pasted(reason) => ctx.out.warning("pasted", &format!("that is not it: {reason}"), None),
    };
    let session = login::login(plan, means, &notify).await;
    drop(ctx.farewell());
    let session = session.map_err(|error| ctx.named(error))?;
    // The session is saved, and good without that answer too.
    match whose(ctx, &session).await {
        Ok(user) => Ok(place.set_user(&session, user).await?),
        Err(failure) => {
            let text = format!("the session is saved, and Jira did not say whose it is: {}", failure.message);
            ctx.out.warning("user_unknown", &text, None);
            Ok(session)
        }
    }
}

/// A personal access token is stored only if Jira accepts it.
async fn personal(ctx: &Context, wish: &Wish, place: &Place, trust: &Trust) -> Result<Session, Failure> {
    let session = super::pat::session(ctx, wish, trust).await?;
    let session = Session { user: Some(whose(ctx, &session).await?), ..session };
    place.save(&session).await?;
    Ok(session)
}

/// Asks Jira whose session it is.
pub(super) async fn whose(ctx: &Context, session: &Session) -> Result<User, Failure> {
    let access = Access {
        base_url: session.base_url.clone(),
        client: resolve::client(&ctx.settings, &session.trust, &session.base_url)?,
        credential: Credential::Bearer(session.access_token.clone()),
        mode: AuthMode::of_stored(session),
        source: "the new session".to_owned(),
        client_id: None,
        storage: None,
        trust: session.trust.clone(),
        warnings: vec![],
    };
    whose_access(ctx, access).await
}

/// The same of a credential.
pub(super) async fn whose_access(ctx: &Context, access: Access) -> Result<User, Failure> {
    let user = user::myself(&Jira::new(access, ctx.bounds())).await?;
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    Ok(User { name: text("name"), display_name: text("displayName") })
}
