//! What a login would trust, held against what was trusted before.

use crate::auth::trust::{Trust, absolute};
use crate::cli::agree::{Change, agree};
use crate::config::Site;
use crate::error::Failure;

use super::{Context, Wish};

/// Shows what a session trusted and what it will, and wants the host's name typed.
pub async fn agree_to(
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
pub fn remembered(site: &Site) -> Trust {
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
