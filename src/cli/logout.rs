//! `logout`: forgets the session, and asks Jira to forget it too.

use clap::Args;
use serde::Serialize;

use crate::auth::login::Place;
use crate::auth::logout::{self, Forgotten, Revocation};
use crate::auth::resolve::{self, storage_kind};
use crate::auth::session::PAT_CLIENT_ID;
use crate::config::{BaseUrl, ClientId, Site, StorageKind};
use crate::error::{Code, Failure};
use crate::output::{Readable, Text};

use super::context::Context;

/// `jira logout`
#[derive(Args, Clone, Debug, Default)]
pub struct LogoutArgs {
    /// Every site of config.toml
    #[arg(long)]
    pub all: bool,
}

/// What became of one session.
#[derive(Serialize)]
struct LoggedOut {
    site: Option<String>,
    base_url: String,
    removed: bool,
    revocation: &'static str,
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<LoggedOut>);

impl LoggedOut {
    fn row(&self) -> Vec<String> {
        let what = if self.removed { "logged out" } else { "was not logged in" };
        let site = self.site.clone().unwrap_or_else(|| "-".to_owned());
        vec![site, self.base_url.clone(), what.to_owned(), self.revocation.to_owned()]
    }
}

const HEADER: [&str; 4] = ["SITE", "BASE URL", "RESULT", "REVOCATION"];

impl Text for LoggedOut {
    fn text(&self) -> Readable {
        Readable::Rows { header: HEADER.to_vec(), rows: vec![self.row()] }
    }
}

impl Text for All {
    fn text(&self) -> Readable {
        Readable::Rows { header: HEADER.to_vec(), rows: self.0.iter().map(LoggedOut::row).collect() }
    }
}

/// Forgets one session or all; having none is no failure.
pub async fn run(LogoutArgs { all }: LogoutArgs, ctx: &Context) -> Result<(), Failure> {
    if !all {
        let base_url = resolve::base_url(&ctx.settings)?;
        let client_id = ctx.settings.client_id.as_ref().map(|id| &id.value);
        let target = Target {
            site: ctx.settings.site.as_ref(),
            base_url: &base_url,
            client_id,
            storage: storage_kind(&ctx.settings),
        };
        return ctx.out.value(&forget(ctx, target).await?);
    }
    let sites = ctx.sites()?;
    let mut done = Vec::new();
    let mut failed = None;
    for site in sites.list() {
        let target = Target {
            site: Some(site),
            base_url: &site.base_url,
            client_id: site.client_id.as_ref(),
            storage: site.storage.unwrap_or(StorageKind::Keyring),
        };
        match forget(ctx, target).await {
            Ok(logged_out) => done.push(logged_out),
            Err(failure) => failed = Some(failure),
        }
    }
    ctx.out.value(&All(done))?;
    match failed {
        // What was removed stands in the result; the one that was not is the failure.
        Some(failure) => Err(Failure {
            code: if sites.list().len() > 1 { Code::Partial } else { failure.code },
            ..failure
        }),
        None => Ok(()),
    }
}

struct Target<'a> {
    site: Option<&'a Site>,
    base_url: &'a BaseUrl,
    client_id: Option<&'a ClientId>,
    storage: StorageKind,
}

async fn forget(ctx: &Context, target: Target<'_>) -> Result<LoggedOut, Failure> {
    let pat = target.site.is_some_and(|site| site.pat);
    let client_id = match target.client_id {
        Some(client_id) if !pat => client_id.clone(),
        _ => ClientId::parse(PAT_CLIENT_ID)?,
    };
    let place = open(ctx, &target, &client_id).await?;
    let Forgotten { removed, revocation } =
        logout::forget(&ctx.settings, &place).await.map_err(|error| ctx.named(error))?;
    Ok(LoggedOut {
        site: target.site.map(|site| site.name.as_str().to_owned()),
        base_url: target.base_url.as_str().to_owned(),
        removed,
        revocation: match revocation {
            Revocation::Revoked => "revoked",
            Revocation::Failed => "failed",
            Revocation::Unsupported => "unsupported",
        },
    })
}

/// The store of a session that is to be removed: a file needs no password for that.
async fn open(ctx: &Context, target: &Target<'_>, client_id: &ClientId) -> Result<Place, Failure> {
    let key = resolve::session_key(target.base_url, client_id.as_str(), target.site);
    let mut world = ctx.world();
    world.person &= target.storage == StorageKind::Keyring;
    let store = resolve::open_store(&ctx.settings, &world, target.storage).await?;
    Ok(Place { store, key, locks: ctx.locks() })
}
