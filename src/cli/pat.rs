//! `login --pat`: a personal access token from stdin or a prompt without echo, stored like a session.

use crate::auth::session::Session;
use crate::auth::trust::Trust;
use crate::error::{Code, Failure, Hint};
use crate::process::on_own_thread;
use crate::secret::Secret;

use super::context::Context;
use super::login::Wish;

/// A token has a few dozen characters.
const CAP: u64 = 64 * 1024;

/// The session of a token; Jira has not been asked about it yet.
pub async fn session(ctx: &Context, wish: &Wish, trust: &Trust) -> Result<Session, Failure> {
    let token = token(ctx).await?;
    Ok(Session {
        base_url: wish.base_url.clone(),
        client_id: wish.client_id.clone(),
        site: Some(wish.name.clone()),
        access_token: token,
        refresh_token: None,
        // Jira does not say when a personal access token ends.
        expires_at: None,
        refreshed_at: ctx.process.clock.now(),
        scope: None,
        redirect_uri: None,
        user: None,
        trust: trust.clone(),
        ended: None,
        undelivered: false,
    })
}

async fn token(ctx: &Context) -> Result<Secret, Failure> {
    let read = if ctx.process.stdin.is_terminal() {
        if !ctx.person() {
            let text = "the token is read from stdin, or asked of a person at a terminal; there is neither";
            return Err(Failure::new(Code::NeedsPerson, text).hint(Hint::Help("login")));
        }
        let prompt = ctx.process.prompt.clone();
        on_own_thread(move || prompt.hidden("Personal access token: ")).await.flatten()
    } else {
        ctx.process.stdin.read_all(CAP).await.map(Secret::from_utf8_lossy)
    };
    let read =
        read.map_err(|error| Failure::new(Code::BadValue, format!("no token could be read: {error}")))?;
    let token = Secret::new(read.expose().trim());
    if token.is_empty() || !token.expose().chars().all(|c| c.is_ascii_graphic()) {
        let text = "stdin holds no personal access token: it is one word of printable ASCII";
        return Err(Failure::new(Code::BadValue, text).hint(Hint::Help("login")));
    }
    Ok(token)
}
