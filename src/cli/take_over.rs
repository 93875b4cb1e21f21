//! `login --from-go-jira`: makes the session of the other tool one of ours, as a login would have left it.
//! What the other tool has stored is left as it is; a refresh here ends it there, which is said.

use jiff::Timestamp;
use serde_json::json;

use crate::auth::go_jira::{self, Found, Wanted};
use crate::auth::place::Place;
use crate::auth::resolve;
use crate::auth::session::{PAT_CLIENT_ID, Session};
use crate::auth::trust::Trust;
use crate::config::{Sites, go_jira_archive};
use crate::error::{Code, Failure, Hint};

use super::context::Context;
use super::login::{Wish, whose, whose_access};

/// What became of go-jira's own copy.
enum Theirs {
    /// It works until somebody refreshes.
    Alive,
    /// Jira has replaced its tokens.
    LoggedOut,
    /// What is here is newer than what go-jira has.
    Older,
}

/// The session that is meant. `typed` is the base URL as it was typed.
pub async fn find(ctx: &Context, sites: &Sites, typed: Option<&str>) -> Result<Found, Failure> {
    let settings = &ctx.settings;
    let set = settings.vars.lookup(&["INPUT_BASE_URL", "JIRA_BASE_URL"])?.map(|(text, _)| text);
    let client_id = settings.client_id.as_ref().map(|id| id.value.clone());
    let wanted = Wanted {
        base_url: settings.base_url.as_ref().map(|url| url.value.clone()),
        spellings: typed.map(str::to_owned).into_iter().chain(set).collect(),
        client_id: client_id.filter(|id| id.as_str() != PAT_CLIENT_ID),
        archive: go_jira_archive(&ctx.process.env),
    };
    let found = go_jira::find(settings, &ctx.world(), &wanted).await?;
    // Its site has a broker and roots of its own, which were not looked at if nobody named it.
    let unnamed = settings.base_url.is_none() && settings.site_name_wanted.is_none();
    let here: Vec<_> =
        sites.list().iter().filter(|site| unnamed && site.base_url == found.base_url).collect();
    match here.as_slice() {
        [] => Ok(found),
        [site] => {
            let text = format!(
                "go-jira's session is for {}, which the site {} stands for, and that is not the default one: name it, \
                 so that what it trusts counts",
                found.base_url, site.name
            );
            let hint = Hint::TakeOver { site: site.name.as_str().to_owned() };
            Err(Failure::new(Code::NoBaseUrl, text).hint(hint))
        }
        several => {
            let names: Vec<_> = several.iter().map(|site| site.name.as_str()).collect();
            let text = format!(
                "go-jira's session is for {}, which several sites stand for ({}): name one with --site",
                found.base_url,
                names.join(", ")
            );
            Err(Failure::new(Code::NoBaseUrl, text).hint(Hint::SiteList))
        }
    }
}

/// Takes it over: asked of Jira once, refreshed if need be, saved.
pub async fn session(
    ctx: &Context,
    wish: &Wish,
    place: &Place,
    trust: &Trust,
    found: &Found,
) -> Result<Session, Failure> {
    let now = ctx.process.clock.now();
    let redirect_uri = go_jira::redirect_uri(&ctx.settings.callback);
    let taken = found.session(&wish.name, trust, redirect_uri, now);
    let (session, theirs) = match as_it_is(ctx, place, &taken).await? {
        Some(session) => (session, Theirs::Alive),
        None => match own_newer(ctx, place, trust, found).await {
            Some(own) => (own, Theirs::Older),
            None => (refreshed(ctx, place, taken).await?, Theirs::LoggedOut),
        },
    };
    tell(ctx, &theirs);
    Ok(session)
}

/// While its access token is good, nothing is spent.
async fn as_it_is(ctx: &Context, place: &Place, taken: &Session) -> Result<Option<Session>, Failure> {
    if !taken.is_fresh(ctx.process.clock.now()) {
        return Ok(None);
    }
    match whose(ctx, taken).await {
        Ok(user) => {
            let session = Session { user: Some(user), ..taken.clone() };
            place.save(&session).await?;
            Ok(Some(session))
        }
        Err(failure) if failure.code == Code::TokenRejected => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The session that is here already, if it is newer than go-jira's and Jira accepts it: it was taken over
/// before, and go-jira's refresh token is the one that was spent for it.
async fn own_newer(ctx: &Context, place: &Place, trust: &Trust, found: &Found) -> Option<Session> {
    let own = place.session().await.ok()??;
    let newer = found.obtained_at.is_some_and(|at| own.refreshed_at > at);
    if !newer || own.ended.is_some() || own.refresh_token.is_none() || own.trust != *trust {
        return None;
    }
    let user = ask_through(ctx, place, own).await.ok()?;
    let own = place.session().await.ok()??;
    Some(Session { user: Some(user), ..own })
}

/// Refreshes it where it will lie, for THE refresh works on a store. Nothing that lives may lie there: whoever
/// is cut short in the middle has lost nothing. If Jira refuses, what lay there before is put back.
async fn refreshed(ctx: &Context, place: &Place, taken: Session) -> Result<Session, Failure> {
    let before = place.session().await?;
    if before.as_ref().is_some_and(|own| own.ended.is_none()) {
        let text = "go-jira's access token has ended, and to refresh it here would replace the session that is \
                    here already: log out first if go-jira's is the one to keep";
        return Err(ctx.named(Failure::new(Code::NothingToDo, text).hint(Hint::Help("logout"))));
    }
    let stale = Session { expires_at: Some(Timestamp::UNIX_EPOCH), ..taken };
    place.save(&stale).await?;
    let asked = ask_through(ctx, place, stale.clone()).await;
    let after = place.session().await?;
    let new = after.filter(|after| after.access_token != stale.access_token);
    match (asked, new) {
        (Ok(user), Some(new)) => Ok(place.set_user(&new, user).await?),
        (Err(failure), Some(new)) => {
            let text = format!("the session is saved, and Jira did not say whose it is: {}", failure.message);
            ctx.out.warning("user_unknown", &text, None);
            Ok(new)
        }
        (asked, None) => {
            let put_back = match before {
                Some(before) => place.save(&before).await,
                None => place.remove().await.map(drop),
            };
            put_back?;
            let failure =
                asked.err().unwrap_or_else(|| Failure::new(Code::Bug, "the refresh changed nothing"));
            let message = format!("the session of go-jira's cannot be taken over: {}", failure.message);
            Err(ctx.named(Failure { message, ..failure }))
        }
    }
}

/// Asks Jira whose session it is, as every later command will use it.
async fn ask_through(
    ctx: &Context,
    place: &Place,
    session: Session,
) -> Result<crate::auth::session::User, Failure> {
    let access = resolve::from_session(&ctx.settings, &ctx.world(), session, place.clone())?;
    whose_access(ctx, access).await
}

fn tell(ctx: &Context, theirs: &Theirs) {
    const LEFT: &str = "What it has stored was left as it is; `go-jira logout` removes it";
    let (when, text) = match theirs {
        Theirs::Alive => (
            "next_refresh",
            "go-jira has this session too until the next refresh, here or there: Jira then ends the tokens of the \
             other. Use one of the two",
        ),
        Theirs::LoggedOut => (
            "now",
            "go-jira is logged out: its access token had ended, so this session was refreshed, and Jira ended the \
             tokens that go-jira has",
        ),
        Theirs::Older => (
            "before",
            "the session that was here is newer than go-jira's and was kept: go-jira has been logged out",
        ),
    };
    ctx.out.warning("go_jira_logged_out", &format!("{text}. {LEFT}"), Some(json!({ "when": when })));
}
