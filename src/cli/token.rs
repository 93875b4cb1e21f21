//! `token status | refresh | print`: looks at the stored session, renews it, shows its access token.

use clap::{Args, Subcommand};

use crate::auth::resolve::{self, Look};
use crate::auth::session::State;
use crate::auth::{AuthMode, Credential};
use crate::error::{Code, Failure, Hint};

use super::context::Context;
use super::session::SessionObject;

/// `jira token …`
#[derive(Subcommand, Clone, Debug)]
pub enum TokenCommand {
    /// Show the session: no network, no token
    Status(StatusArgs),
    /// Refresh the session now
    Refresh,
    /// Print the access token alone, fresh: to a person only
    Print(PrintArgs),
}

/// `jira token status`
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Exit 3 unless the session is usable (2 where what is set makes no sense)
    #[arg(long)]
    pub check: bool,
}

/// `jira token print`
#[derive(Args, Clone, Debug)]
pub struct PrintArgs {
    /// Yes, show the token
    #[arg(long)]
    pub confirm: bool,
}

/// Runs one of them.
pub async fn run(command: TokenCommand, ctx: &Context) -> Result<(), Failure> {
    match command {
        TokenCommand::Status(args) => status(args, ctx).await,
        TokenCommand::Refresh => refresh(ctx).await,
        TokenCommand::Print(args) => print(args, ctx).await,
    }
}

async fn status(StatusArgs { check }: StatusArgs, ctx: &Context) -> Result<(), Failure> {
    let (object, unusable) = look(ctx).await?;
    ctx.out.value(&object)?;
    match (check.then_some(object.session), unusable) {
        (Some(_), Some(failure)) => Err(failure),
        (None, Some(failure)) => {
            ctx.out.warning(failure.code.as_str(), &failure.message, None);
            Ok(())
        }
        (None | Some(State::Ok | State::Stale), None) => Ok(()),
        (Some(State::Ended), None) if object.auth_mode == Some(AuthMode::OauthEnv.as_str()) => {
            let text = "the injected refresh token has ended: Jira refused it";
            Err(Failure::new(Code::RefreshTokenSpent, text))
        }
        (Some(State::Ended), None) => {
            let text = "the session has ended: Jira refused its refresh token";
            Err(ctx.named(Failure::new(Code::SessionEnded, text).hint(Hint::Login { site: None })))
        }
        (Some(State::None), None) => {
            let failure = Failure::new(Code::NotLoggedIn, "there is no session for this Jira");
            Err(ctx.named(failure.hint(Hint::Login { site: None })))
        }
    }
}

/// What a command would use, without the network; and why it could not, where that is known already.
async fn look(ctx: &Context) -> Result<(SessionObject, Option<Failure>), Failure> {
    let look = resolve::look(&ctx.settings, &ctx.world()).await.map_err(|error| ctx.named(error))?;
    let from_environment = |mode: AuthMode, source: String, session: State| SessionObject {
        auth_mode: Some(mode.as_str()),
        source: Some(source),
        session,
        ..SessionObject::none(ctx)
    };
    Ok(match look {
        Look::Environment { mode, source } => {
            (SessionObject { client_id: None, ..from_environment(mode, source, State::Ok) }, None)
        }
        Look::Session { session, mode, storage, source } => {
            let object = SessionObject::of_session(ctx, &session, mode, storage);
            (SessionObject { source: source.or(object.source), ..object }, None)
        }
        // The first command that talks to Jira spends it.
        Look::Unspent { source, broker_url } => {
            let object = from_environment(AuthMode::OauthEnv, source, State::Stale);
            (SessionObject { broker_url, ..object }, None)
        }
        Look::Unusable { source, error } => {
            (from_environment(AuthMode::OauthEnv, source, State::None), Some(ctx.named(error)))
        }
        Look::Nothing => (SessionObject::none(ctx), None),
    })
}

async fn refresh(ctx: &Context) -> Result<(), Failure> {
    let access = ctx.access().await?;
    let Credential::Session(refresher) = &access.credential else {
        let text = format!("a credential from the environment ({}) cannot be refreshed", access.source);
        return Err(Failure::new(Code::BadValue, text));
    };
    if access.mode == AuthMode::PatStorage {
        return Err(Failure::new(Code::BadValue, "a personal access token cannot be refreshed"));
    }
    refresher.refresh_now().await.map_err(|error| ctx.named(error))?;
    ctx.out.value(&SessionObject::of_access(ctx, &access).await)
}

async fn print(PrintArgs { confirm }: PrintArgs, ctx: &Context) -> Result<(), Failure> {
    if !confirm {
        let text = "this shows an access token to whoever sees the terminal: say --confirm if that is wanted";
        return Err(Failure::new(Code::ConfirmMissing, text).hint(Hint::Help("token print")));
    }
    let allowed = ctx.settings.site.as_ref().is_some_and(|site| site.allow_token_print);
    if !ctx.person() && !allowed {
        let text =
            "an access token is printed to a person at a terminal only; commands fetch theirs by themselves";
        return Err(Failure::new(Code::NeedsPerson, text).hint(Hint::TokenStatus { site: None }));
    }
    let access = ctx.access().await?;
    let Credential::Session(refresher) = &access.credential else {
        let text = format!("the credential comes from the environment ({}), which has it", access.source);
        return Err(Failure::new(Code::BadValue, text));
    };
    let token = refresher.access_token(None).await.map_err(|error| ctx.named(error))?;
    ctx.out.plain(token.expose())
}
