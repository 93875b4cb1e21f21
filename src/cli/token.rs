//! `token status | refresh | print`: looks at the stored session, renews it, shows its access token.

use clap::{Args, Subcommand};

use crate::auth::session::State;
use crate::auth::{AuthMode, Credential, resolve};
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
    /// Exit 3 unless the session is usable
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
    let object = look(ctx).await?;
    ctx.out.value(&object)?;
    if !check {
        return Ok(());
    }
    match object.session {
        State::Ok | State::Stale => Ok(()),
        State::Ended => {
            let text = "the session has ended: Jira refused its refresh token";
            Err(ctx.named(Failure::new(Code::SessionEnded, text).hint(Hint::Login { site: None })))
        }
        State::None => {
            let failure = Failure::new(Code::NotLoggedIn, "there is no session for this Jira");
            Err(ctx.named(failure.hint(Hint::Login { site: None })))
        }
    }
}

/// What a command would use, without the network.
async fn look(ctx: &Context) -> Result<SessionObject, Failure> {
    let settings = &ctx.settings;
    let from_environment = |mode: AuthMode, source: String, session: State| SessionObject {
        auth_mode: Some(mode.as_str()),
        source: Some(source),
        session,
        client_id: None,
        ..SessionObject::none(ctx)
    };
    if !settings.site_named {
        if let Some(token) = &settings.refresh_token {
            let object = from_environment(AuthMode::OauthEnv, token.source.to_string(), State::Stale);
            let client_id = settings.client_id.as_ref().map(|id| id.value.as_str().to_owned());
            return Ok(SessionObject { client_id, ..object });
        }
        if let Some(token) = &settings.token {
            return Ok(from_environment(AuthMode::Bearer, token.source.to_string(), State::Ok));
        }
        if let Some(password) = settings.password.as_ref().filter(|_| settings.username.is_some()) {
            return Ok(from_environment(AuthMode::Basic, password.source.to_string(), State::Ok));
        }
    }
    let stored = resolve::stored(settings, &ctx.world()).await.map_err(|error| ctx.named(error))?;
    let Some(stored) = stored else { return Ok(SessionObject::none(ctx)) };
    let mode = match stored.session.refresh_token {
        Some(_) => AuthMode::OauthStorage,
        None => AuthMode::PatStorage,
    };
    Ok(SessionObject::of_session(ctx, &stored.session, mode, stored.store.kind()))
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
