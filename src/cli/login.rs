//! `login`: decides what the login is about, has the person agree to a change of trust, and remembers the
//! site. The login itself is `auth::login`.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::auth::login::{self, Means, Notice, Place, Plan};
use crate::auth::redirect::Redirect;
use crate::auth::session::{PAT_CLIENT_ID, Session, User};
use crate::auth::store::StoreError;
use crate::auth::trust::{Trust, absolute};
use crate::auth::{Access, AuthMode, Credential, resolve};
use crate::config::{BaseUrl, ClientId, Scope, Site, SiteName, Sites, StorageKind, Typed};
use crate::error::{Code, Failure, Hint};
use crate::jira::{Jira, user};

use super::agree::{Change, agree};
use super::context::Context;
use super::session::SessionObject;

/// `jira login`
#[derive(Args, Clone, Debug, Default)]
pub struct LoginArgs {
    /// Store a personal access token, read from stdin or asked for
    #[arg(long)]
    pub pat: bool,
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
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
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
    refuse_credentials_of_the_environment(ctx)?;
    let base_url = base_url(ctx)?;
    let sites = ctx.sites()?;
    sites.check_writable()?;
    let name = site_name(ctx, &sites, &base_url);
    let known = sites.get(&name).cloned();
    let client_id = match args.pat {
        true => ClientId::parse(PAT_CLIENT_ID)?,
        false => client_id(ctx, &base_url)?,
    };
    let scope = ctx.settings.scope.as_ref().map_or(Scope::Write, |scope| scope.value);
    let wish = Wish { base_url, name, client_id, scope, known, pat: args.pat };
    wish.needs_a_person(ctx)?;
    let (place, storage) = place(ctx, &sites, &wish).await?;
    let trust = Trust::of(&ctx.settings, &wish.base_url);
    let before = place.session().await?;
    // Where there is no session to compare with, what the site remembers counts.
    let remembered = wish.known.as_ref().map(remembered_trust);
    let trusted = before.as_ref().map(|session| &session.trust).or(remembered.as_ref());
    agree_to_trust(ctx, &wish, trusted, &trust).await?;
    let session = match args.pat {
        true => personal(ctx, &wish, &place, &trust).await?,
        false => oauth(ctx, &args, &wish, &place, trust).await?,
    };
    let site = remember(ctx, &sites, &wish, &session, storage)?;
    tell_differences(ctx, &wish, before.as_ref(), &session);
    let mode = if args.pat { AuthMode::PatStorage } else { AuthMode::OauthStorage };
    let object = SessionObject::of_session(ctx, &session, mode, place.store.kind());
    ctx.out.value(&SessionObject {
        site: Some(site.name.as_str().to_owned()),
        source: Some(format!("site {}", site.name.as_str())),
        ..object
    })
}

/// What is to be logged in to, and as which client.
pub struct Wish {
    /// The Jira.
    pub base_url: BaseUrl,
    /// The site that will remember it.
    pub name: SiteName,
    /// The OAuth client, or `pat`.
    pub client_id: ClientId,
    /// The scope to ask for.
    pub scope: Scope,
    /// The site as it is remembered now.
    pub known: Option<Site>,
    /// A personal access token instead of OAuth.
    pub pat: bool,
}

impl Wish {
    /// Without a person a login renews what there is: never another host, client or a wider scope. On a
    /// loopback host there is nothing to lose.
    fn needs_a_person(&self, ctx: &Context) -> Result<(), Failure> {
        if ctx.person() || self.base_url.is_loopback() {
            return Ok(());
        }
        let needed = match &self.known {
            None => Some("a first login at a Jira"),
            Some(site) if site.client_id.as_ref() != Some(&self.client_id) => Some("another client ID"),
            Some(site) if site.scope.is_none_or(|scope| scope < self.scope) && !self.pat => {
                Some("a wider scope than the site has")
            }
            Some(_) => None,
        };
        needed.map_or(Ok(()), |what| {
            let text = format!("{what} needs a person at a terminal, and there is none");
            Err(Failure::new(Code::NeedsPerson, text))
        })
    }
}

/// With a credential in the environment, the session would be passed over by every later command.
fn refuse_credentials_of_the_environment(ctx: &Context) -> Result<(), Failure> {
    let settings = &ctx.settings;
    if settings.site_named || settings.site_name_wanted.is_some() {
        return Ok(());
    }
    let standing = settings.refresh_token.as_ref().map(|found| &found.source);
    let standing = standing.or(settings.token.as_ref().map(|found| &found.source));
    let standing = standing.or(settings.password.as_ref().map(|found| &found.source));
    standing.map_or(Ok(()), |source| {
        let text = format!(
            "there is a credential in the environment ({source}), which every command would use instead of the \
             session: unset it, or name a site with --site"
        );
        Err(Failure::new(Code::BadValue, text))
    })
}

fn base_url(ctx: &Context) -> Result<BaseUrl, Failure> {
    let url = ctx.settings.base_url.as_ref().map(|url| url.value.clone());
    url.ok_or_else(|| {
        let text = "no Jira is named: say `jira login --base-url https://jira.example.com`";
        Failure::new(Code::NoBaseUrl, text).hint(Hint::Help("login"))
    })
}

fn site_name(ctx: &Context, sites: &Sites, base_url: &BaseUrl) -> SiteName {
    let wanted = ctx.settings.site_name_wanted.as_ref().map(|wanted| wanted.value.clone());
    let found = ctx.settings.site.as_ref().map(|site| site.name.clone());
    wanted.or(found).unwrap_or_else(|| sites.new_name_for(base_url))
}

/// Without a client ID there is nothing to log in as; the message is what to ask the administrator for.
fn client_id(ctx: &Context, base_url: &BaseUrl) -> Result<ClientId, Failure> {
    if let Some(client_id) = &ctx.settings.client_id
        // A site that holds a personal access token remembers no client.
        && client_id.value.as_str() != PAT_CLIENT_ID
    {
        return Ok(client_id.value.clone());
    }
    let redirect = Redirect::new(&ctx.settings.callback).map_err(Failure::from)?;
    let text = format!(
        "no client ID: have the administrator of {} create an incoming application link (Administration, \
         Applications, Application links, Create link, External application, Incoming) with the redirect URL \
         {} exactly so and the permission Write, and send you its client ID; then say it with --client-id. \
         A personal access token needs none: jira login --pat",
        base_url.as_str(),
        redirect.uri
    );
    Err(Failure::new(Code::NoClientId, text).hint(Hint::Help("login")))
}

/// Where the session goes: what was chosen or remembered, else the keyring, and on a machine without one
/// an encrypted file.
async fn place(ctx: &Context, sites: &Sites, wish: &Wish) -> Result<(Place, StorageKind), Failure> {
    let own_key = sites.needs_own_key(&wish.name, &wish.base_url, &wish.client_id)
        || wish.known.as_ref().is_some_and(|site| site.own_key);
    let site = Site { own_key, ..Site::new(wish.name.clone(), wish.base_url.clone()) };
    let key = resolve::session_key(&wish.base_url, wish.client_id.as_str(), Some(&site));
    let chosen = ctx.settings.storage.as_ref().map(|kind| kind.value);
    let open = async |kind| -> Result<Place, Failure> {
        let store = resolve::open_new_store(&ctx.settings, &ctx.world(), kind).await?;
        Ok(Place { store, key: key.clone(), locks: ctx.locks() })
    };
    let place = open(chosen.unwrap_or(StorageKind::Keyring)).await?;
    match (place.probe().await, chosen) {
        (Ok(()), _) => Ok((place, chosen.unwrap_or(StorageKind::Keyring))),
        (Err(crate::auth::AuthError::Store(StoreError::KeyringAbsent(why))), None) => {
            ctx.out.info(
                "storage_file",
                &format!("no keyring here ({why}); the session goes into an encrypted file"),
                None,
            );
            let place = open(StorageKind::File).await?;
            place.probe().await?;
            Ok((place, StorageKind::File))
        }
        (Err(error), _) => Err(ctx.named(error)),
    }
}

/// Shows what a session trusted and what it will, and wants the host's name typed.
async fn agree_to_trust(
    ctx: &Context,
    wish: &Wish,
    before: Option<&Trust>,
    after: &Trust,
) -> Result<(), Failure> {
    let Some(before) = before else { return Ok(()) };
    let mut changes = Vec::new();
    let mut note = |what: &'static str, old: String, new: String| {
        if old != new {
            changes.push(Change { what, old, new });
        }
    };
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map_or("none".to_owned(), |path| path.display().to_string())
    };
    let url = |url: &Option<String>| url.clone().unwrap_or_else(|| "none".to_owned());
    note("broker", url(&before.broker_url), url(&after.broker_url));
    note("CA bundle", path(&before.ca_bundle), path(&after.ca_bundle));
    note("root file", path(&before.ssl_cert_file), path(&after.ssl_cert_file));
    note("root directory", path(&before.ssl_cert_dir), path(&after.ssl_cert_dir));
    if after.insecure {
        note("certificates", checked(before.insecure), checked(after.insecure));
    }
    agree(ctx, &wish.base_url, &changes).await
}

/// What a site's sessions trusted, as far as the file knows.
fn remembered_trust(site: &Site) -> Trust {
    Trust {
        broker_url: site.broker_url.as_ref().map(|url| url.as_str().to_owned()),
        ca_bundle: site.ca_bundle.as_deref().map(absolute),
        insecure: site.insecure_login,
        ..Trust::default()
    }
}

fn checked(insecure: bool) -> String {
    if insecure { "not checked" } else { "checked" }.to_owned()
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
        prompt: ctx.process.prompt.clone(),
        clock: ctx.process.clock.clone(),
        saving: ctx.saving.clone(),
    };
    let notify = |notice: Notice| match notice {
        Notice::Open { url, authorize_url, patience } => {
            super::browse::open(ctx, args, &redirect, &url, &authorize_url, patience);
        }
        Notice::Pasted(reason) => ctx.out.warning("pasted", &format!("that is not it: {reason}"), None),
    };
    let session = login::login(plan, means, &notify).await.map_err(|error| ctx.named(error))?;
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
async fn whose(ctx: &Context, session: &Session) -> Result<User, Failure> {
    let access = Access {
        base_url: session.base_url.clone(),
        client: resolve::client(&ctx.settings, &session.trust, &session.base_url)?,
        credential: Credential::Bearer(session.access_token.clone()),
        mode: if session.refresh_token.is_some() { AuthMode::OauthStorage } else { AuthMode::PatStorage },
        source: "the new session".to_owned(),
        client_id: None,
        storage: None,
        scope: session.scope.clone(),
        trust: session.trust.clone(),
        warnings: vec![],
    };
    let user = user::myself(&Jira::new(access, ctx.bounds())).await?;
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    Ok(User { name: text("name"), display_name: text("displayName") })
}

/// Writes the site; the first login at a real Jira becomes the default.
fn remember(
    ctx: &Context,
    sites: &Sites,
    wish: &Wish,
    session: &Session,
    storage: StorageKind,
) -> Result<Site, Failure> {
    let callback = &ctx.settings.callback;
    let chosen = |source: &crate::config::Source| *source != crate::config::Source::Default;
    let old = wish.known.clone().unwrap_or_else(|| Site::new(wish.name.clone(), wish.base_url.clone()));
    let own_key = sites.needs_own_key(&wish.name, &wish.base_url, &wish.client_id) || old.own_key;
    let site = Site {
        base_url: wish.base_url.clone(),
        client_id: Some(wish.client_id.clone()),
        scope: (!wish.pat).then_some(wish.scope),
        storage: Some(storage),
        redirect_uri: callback.redirect_uri.as_ref().map(|uri| uri.value.clone()),
        callback_port: chosen(&callback.port.source).then_some(callback.port.value),
        callback_host: chosen(&callback.host.source).then(|| callback.host.value.clone()),
        callback_https: chosen(&callback.https.source).then_some(callback.https.value),
        broker_url: ctx.settings.broker_url.as_ref().map(|url| url.value.clone()),
        ca_bundle: session.trust.ca_bundle.clone(),
        insecure_login: session.trust.insecure,
        own_key,
        pat: wish.pat,
        ..old
    };
    let make_default = sites.default().is_none() && !wish.base_url.is_loopback();
    sites.upsert(&site, make_default)?;
    Ok(site)
}

/// Says when somebody else came back than was there before, or another scope than was asked for.
fn tell_differences(ctx: &Context, wish: &Wish, before: Option<&Session>, session: &Session) {
    if let (Some(old), Some(new)) = (before.and_then(|before| before.user.as_ref()), &session.user)
        && old.name != new.name
    {
        let extra = json!({ "before": old.name, "now": new.name });
        let text = format!("this session is {}'s; the one before was {}'s", new.name, old.name);
        ctx.out.warning("another_user", &text, Some(extra));
    }
    if let Some(granted) = session.scope.as_deref().filter(|_| !wish.pat)
        && granted != wish.scope.as_str()
    {
        let extra = json!({ "asked": wish.scope.as_str(), "granted": granted });
        let text = format!("Jira granted the scope {granted}, and {} was asked for", wish.scope.as_str());
        ctx.out.warning("another_scope", &text, Some(extra));
    }
}
