//! What is remembered of a login: the site, and no session but the new one.

use serde_json::json;

use crate::auth::logout;
use crate::auth::place::{Address, Place, Purpose};
use crate::auth::session::Session;
use crate::cli::logout::warn_not_revoked;
use crate::config::{Site, Sites, StorageKind};
use crate::error::Failure;

use super::{Context, Wish};

/// Writes the site; the first login at a real Jira becomes the default.
pub async fn remember(
    ctx: &Context,
    sites: &Sites,
    wish: &Wish,
    session: &Session,
    storage: StorageKind,
) -> Result<Site, Failure> {
    let callback = &ctx.settings.callback;
    let chosen = |source: &crate::config::Source| *source != crate::config::Source::Default;
    let site = Site {
        storage: Some(storage),
        redirect_uri: callback.redirect_uri.as_ref().map(|uri| uri.value.clone()),
        callback_port: chosen(&callback.port.source).then_some(callback.port.value),
        callback_host: chosen(&callback.host.source).then(|| callback.host.value.clone()),
        callback_https: chosen(&callback.https.source).then_some(callback.https.value),
        broker_url: ctx.settings.broker_url.as_ref().map(|url| url.value.clone()),
        ca_bundle: session.trust.ca_bundle.clone(),
        insecure_login: session.trust.insecure,
        ..wish.site()
    };
    let make_default = sites.default().is_none() && !wish.base_url.is_loopback();
    sites.upsert(&site, make_default).await?;
    Ok(site)
}

/// The session that the site had before may lie elsewhere: a personal access token has another key than
/// OAuth, and a file is not the keyring. Nobody would ever find it again, so it goes as at a logout, once
/// the new one is safe and the site names it.
pub async fn forget_old(ctx: &Context, sites: &Sites, wish: &Wish, site: &Site) {
    let Some(known) = &wish.known else { return };
    let old = Address::of_site(known);
    let is_in_use = |other: &Site| other.name != known.name && Address::of_site(other).is_that_of(&old);
    if Address::of_site(site).is_that_of(&old) || sites.list().iter().any(is_in_use) {
        return;
    }
    let forgotten = async {
        let place = Place::open(&old, &ctx.settings, &ctx.world(), Purpose::Forget).await?;
        logout::forget(&ctx.settings, &place).await
    };
    match forgotten.await {
        Ok(forgotten) => warn_not_revoked(ctx, "the session that this site had before", &old, &forgotten),
        Err(error) => {
            let failure = Failure::from(error);
            let text = format!("the session that this site had before is still stored: {}", failure.message);
            let extra = json!({ "reason": failure.code.as_str() });
            ctx.out.warning("old_session_kept", &text, Some(extra));
        }
    }
}

/// Says when somebody else came back than was there before, or another scope than was asked for.
pub fn tell_differences(ctx: &Context, wish: &Wish, before: Option<&Session>, session: &Session) {
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
