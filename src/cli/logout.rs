//! `logout`: forgets the session, and asks Jira to forget it too.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::auth::AuthError;
use crate::auth::logout::{self, Forgotten, Revocation};
use crate::auth::place::{Address, Place, Purpose};
use crate::auth::store::StoreError;
use crate::config::{Settings, Site, Source};
use crate::error::{Code, Failure, Hint};
use crate::ops::schema::{any_of, list_of, of};
use crate::output::{Readable, Text};

use super::context::Context;
use super::seen::Seen;

/// `jira logout`
#[derive(Args, Clone, Debug, Default)]
pub struct LogoutArgs {
    /// Every site of config.toml
    #[arg(long)]
    pub all: bool,
}

/// What became of one session.
#[derive(Serialize, JsonSchema)]
struct LoggedOut {
    site: Option<String>,
    base_url: String,
    removed: bool,
    #[schemars(extend("enum" = ["revoked", "failed", "unsupported"]))]
    revocation: &'static str,
    /// It is still there; a warning has said why.
    #[serde(skip)]
    kept: bool,
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<LoggedOut>);

impl LoggedOut {
    fn new(address: &Address<'_>, removed: bool, revocation: Revocation) -> Self {
        LoggedOut {
            site: address.site.map(|site| site.name.as_str().to_owned()),
            base_url: address.base_url.as_str().to_owned(),
            removed,
            revocation: match revocation {
                Revocation::Revoked => "revoked",
                Revocation::Failed => "failed",
                Revocation::Unsupported => "unsupported",
            },
            kept: false,
        }
    }

    fn row(&self) -> Vec<String> {
        let what = match (self.removed, self.kept) {
            (true, _) => "logged out",
            (false, true) => "not logged out",
            (false, false) => "was not logged in",
        };
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

/// The JSON Schema of one logout, or with `--all` of the list.
pub fn schema() -> Value {
    any_of(vec![of::<LoggedOut>(), list_of(of::<LoggedOut>())])
}

/// Forgets one session or all; having none is no failure.
pub async fn run(LogoutArgs { all }: LogoutArgs, ctx: &Context) -> Result<(), Failure> {
    if all {
        return match named(&ctx.settings) {
            // Whoever names one does not mean the others.
            true => {
                let text = "--all is every site: it goes with neither --site nor --base-url";
                Err(Failure::new(Code::BadFlag, text).hint(Hint::Help("logout")))
            }
            false => everywhere(ctx).await,
        };
    }
    let address = Address::of(&ctx.settings)?;
    ctx.out.value(&forget(ctx, &address).await?)
}

/// Whether a site was named. What the environment says was put aside for `--all`.
fn named(settings: &Settings) -> bool {
    let typed_url = settings.base_url.as_ref().is_some_and(|url| matches!(url.source, Source::Flag(_)));
    settings.site_named || settings.site_name_wanted.is_some() || typed_url
}

/// Every site has its result, whatever became of the others.
async fn everywhere(ctx: &Context) -> Result<(), Failure> {
    let sites = ctx.sites()?;
    let mut results = Vec::new();
    let mut failed: Vec<(&Site, Failure)> = Vec::new();
    for site in sites.list() {
        let address = Address::of_site(site);
        match forget(ctx, &address).await {
            Ok(logged_out) => results.push(logged_out),
            Err(failure) => {
                let name = site.name.as_str();
                let extra = json!({ "site": name, "reason": failure.code.as_str() });
                let text = format!("site {name} is not logged out of: {}", failure.message);
                ctx.out.warning("not_logged_out", &text, Some(extra));
                let kept = LoggedOut::new(&address, false, Revocation::Failed);
                results.push(LoggedOut { kept: true, ..kept });
                failed.push((site, failure));
            }
        }
    }
    let all_failed = failed.len() == results.len();
    ctx.out.value(&All(results))?;
    let names: Vec<_> = failed.iter().map(|(site, _)| site.name.as_str()).collect();
    let message =
        format!("{} of {} sites not logged out of: {}", names.len(), sites.list().len(), names.join(", "));
    match failed.into_iter().next() {
        Some((_, first)) if all_failed => Err(Failure { message, ..first }),
        Some(_) => Err(Failure::new(Code::Partial, message)),
        None => Ok(()),
    }
}

async fn forget(ctx: &Context, address: &Address<'_>) -> Result<LoggedOut, Failure> {
    // First: what is left of a site must not depend on whether its session can be removed.
    let site = address.site.map(|site| &site.name);
    Seen::forget(&Seen::path(&ctx.settings.dirs.cache, &address.base_url, site));
    let place = Place::open(address, &ctx.settings, &ctx.world(), Purpose::Forget).await?;
    let forgotten = match logout::forget(&ctx.settings, &place).await {
        Ok(forgotten) => forgotten,
        Err(AuthError::Store(StoreError::KeyringAbsent(_))) if address.is_unheard_of(&ctx.settings) => {
            Forgotten { removed: false, revocation: Revocation::Unsupported, why: None }
        }
        Err(error) => return Err(ctx.named(error)),
    };
    warn_not_revoked(ctx, "the session", address, &forgotten);
    Ok(LoggedOut::new(address, forgotten.removed, forgotten.revocation))
}

/// Says why Jira has not forgotten a session that is gone here; `what` is that session.
pub(super) fn warn_not_revoked(ctx: &Context, what: &str, address: &Address<'_>, forgotten: &Forgotten) {
    let Some(why) = &forgotten.why else { return };
    let site = address.site.map(|site| site.name.as_str());
    let mut extra = json!({ "site": site, "reason": why.code.as_str() });
    if let Some(id) = &why.request_id {
        extra["request_id"] = id.as_str().into();
    }
    let text = format!(
        "{what} is removed here and was not revoked at Jira: {}. Profile, Authorized applications in Jira ends it",
        why.message
    );
    ctx.out.warning("not_revoked", &text, Some(extra));
}
