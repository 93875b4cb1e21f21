//! `site list | use | set | remove`: the sites of `config.toml`.

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::auth::place::{Address, Place, Purpose};
use crate::auth::session::Session;
use crate::auth::trust::{Trust, absolute};
use crate::config::{BaseUrl, Setting, Site, SiteName};
use crate::error::{Code, Failure, Hint};
use crate::ops::schema::{list_of, of};
use crate::output::{Readable, Text};

use super::agree::{Change, agree};
use super::context::Context;
use super::seen::Seen;

/// `jira site …`
#[derive(Subcommand, Clone, Debug)]
pub enum SiteCommand {
    /// List the sites
    List,
    /// Make a site the default
    Use(NameArgs),
    /// Change a setting of a site; what decides where tokens go is asked about
    Set(SetArgs),
    /// Remove a site and its session
    Remove(NameArgs),
}

/// A site by name.
#[derive(Args, Clone, Debug)]
pub struct NameArgs {
    /// The site
    pub name: String,
}

/// A setting and its value.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// The site
    pub name: String,
    /// The setting, such as broker-url or ca-bundle
    pub setting: String,
    /// Its value; empty takes the setting out
    #[arg(allow_hyphen_values = true)]
    pub value: String,
}

/// A site as it is shown.
#[derive(Serialize, JsonSchema)]
struct Shown {
    name: String,
    base_url: String,
    default: bool,
    client_id: Option<String>,
    scope: Option<&'static str>,
    storage: Option<&'static str>,
    broker_url: Option<String>,
    ca_bundle: Option<String>,
    redirect_uri: Option<String>,
    epic_field: Option<String>,
    sprint_field: Option<String>,
}

impl Shown {
    fn new(site: &Site, default: bool) -> Self {
        Shown {
            name: site.name.as_str().to_owned(),
            base_url: site.base_url.as_str().to_owned(),
            default,
            client_id: site.client_id.as_ref().map(|id| id.as_str().to_owned()),
            scope: site.scope.map(|scope| scope.as_str()),
            storage: site.storage.map(|kind| kind.as_str()),
            broker_url: site.broker_url.as_ref().map(|url| url.as_str().to_owned()),
            ca_bundle: site.ca_bundle.as_ref().map(|path| path.display().to_string()),
            redirect_uri: site.redirect_uri.clone(),
            epic_field: site.epic_field.clone(),
            sprint_field: site.sprint_field.clone(),
        }
    }

    fn row(&self) -> Vec<String> {
        let mark = if self.default { "default" } else { "" };
        vec![self.name.clone(), self.base_url.clone(), self.scope.unwrap_or("-").to_owned(), mark.to_owned()]
    }
}

const HEADER: [&str; 4] = ["NAME", "BASE URL", "SCOPE", ""];

impl Text for Shown {
    fn text(&self) -> Readable {
        Readable::Rows { header: HEADER.to_vec(), rows: vec![self.row()] }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct List(Vec<Shown>);

impl Text for List {
    fn text(&self) -> Readable {
        Readable::Rows { header: HEADER.to_vec(), rows: self.0.iter().map(Shown::row).collect() }
    }
}

#[derive(Serialize, JsonSchema)]
struct Removed {
    site: String,
    removed: bool,
    session_removed: bool,
}

impl Text for Removed {
    fn text(&self) -> Readable {
        Readable::Lines(vec![format!("removed {}", self.site)])
    }
}

/// The JSON Schema of a site.
pub fn schema() -> Value {
    of::<Shown>()
}

/// Of the list of sites.
pub fn list_schema() -> Value {
    list_of(schema())
}

/// Of what `site remove` says.
pub fn removed_schema() -> Value {
    of::<Removed>()
}

/// Runs one of them.
pub async fn run(command: SiteCommand, ctx: &Context) -> Result<(), Failure> {
    let sites = ctx.sites()?;
    let default = sites.default().map(|site| site.name.clone());
    let is_default = |site: &Site| default.as_ref() == Some(&site.name);
    match command {
        SiteCommand::List => {
            let shown = sites.list().iter().map(|site| Shown::new(site, is_default(site))).collect();
            ctx.out.value(&List(shown))
        }
        SiteCommand::Use(NameArgs { name }) => {
            let name = SiteName::parse(&name)?;
            let sites = sites.set_default(&name).await?;
            ctx.out.value(&Shown::new(known(&sites, &name)?, true))
        }
        SiteCommand::Set(args) => set(args, ctx).await,
        SiteCommand::Remove(NameArgs { name }) => remove(&name, ctx).await,
    }
}

fn known<'a>(sites: &'a crate::config::Sites, name: &SiteName) -> Result<&'a Site, Failure> {
    sites.get(name).ok_or_else(|| {
        let text = format!("there is no site named {}", name.as_str());
        Failure::new(Code::BadValue, text).hint(Hint::SiteList)
    })
}

/// Where the session of a site lies.
async fn place(ctx: &Context, site: &Site, purpose: Purpose) -> Result<Place, Failure> {
    Ok(Place::open(&Address::of_site(site), &ctx.settings, &ctx.world(), purpose).await?)
}

/// What decides where tokens may go is changed in the session itself as well: the file alone would not be
/// believed.
async fn set(SetArgs { name, setting, value }: SetArgs, ctx: &Context) -> Result<(), Failure> {
    let setting = Setting::parse(&setting)?;
    let name = SiteName::parse(&name)?;
    let sites = ctx.sites()?;
    let site = known(&sites, &name)?.clone();
    // Before anything is asked or changed: a value that is none changes nothing.
    let after = sites.preview(&name, setting.name, &value)?;
    if setting.trust {
        let place = place(ctx, &site, Purpose::Use).await?;
        let session = place.session().await?;
        let old = match (&session, setting.name) {
            (_, "allow-token-print") | (None, _) => current(&site, setting.name),
            // The session decides, whatever the file says meanwhile.
            (Some(session), _) => trusted(&session.trust, setting.name),
        };
        let change = Change { what: setting.name, old, new: current(&after, setting.name) };
        if change.old != change.new {
            agree(ctx, &site.base_url, &[change]).await?;
        }
        place.change(|session| trusting(session, setting.name, &after)).await?;
    }
    let sites = sites.set(&name, setting.name, &value).await?;
    let default = sites.default().is_some_and(|site| site.name == name);
    ctx.out.value(&Shown::new(known(&sites, &name)?, default))
}

fn current(site: &Site, setting: &str) -> String {
    match setting {
        "broker-url" => shown(site.broker_url.as_ref().map_or("", BaseUrl::as_str)),
        "ca-bundle" => {
            shown(&site.ca_bundle.as_ref().map_or(String::new(), |path| path.display().to_string()))
        }
        _ => site.allow_token_print.to_string(),
    }
}

fn shown(value: &str) -> String {
    if value.is_empty() { "none".to_owned() } else { value.to_owned() }
}

/// A part of what a session trusts, for people.
fn trusted(trust: &Trust, setting: &str) -> String {
    match setting {
        "broker-url" => shown(trust.broker_url.as_deref().unwrap_or_default()),
        _ => shown(&trust.ca_bundle.as_ref().map_or(String::new(), |path| path.display().to_string())),
    }
}

/// The session with one part of its trust as the site has it.
fn trusting(mut session: Session, setting: &str, site: &Site) -> Session {
    match setting {
        "broker-url" => {
            session.trust.broker_url = site.broker_url.as_ref().map(|url| url.as_str().to_owned())
        }
        "ca-bundle" => session.trust.ca_bundle = site.ca_bundle.as_deref().map(absolute),
        _ => {}
    }
    session
}

/// The session goes first: a site that is gone could not be logged out of.
async fn remove(name: &str, ctx: &Context) -> Result<(), Failure> {
    let name = SiteName::parse(name)?;
    let sites = ctx.sites()?;
    let site = known(&sites, &name)?.clone();
    let (session_removed, _) = place(ctx, &site, Purpose::Forget).await?.remove().await?;
    sites.remove(&name).await?;
    Seen::forget(&Seen::path(&ctx.settings.dirs.cache, &site.base_url, Some(&name)));
    ctx.out.value(&Removed { site: name.as_str().to_owned(), removed: true, session_removed })
}
