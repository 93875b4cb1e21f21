//! `whoami`: asks Jira who this credential is.

use crate::error::Failure;
use crate::jira::user;

use super::context::Context;
use super::session::SessionObject;

/// Writes the session object with Jira's whole user.
pub async fn run(ctx: &Context) -> Result<(), Failure> {
    let jira = ctx.jira().await?;
    let user = user::myself(&jira).await.map_err(|error| ctx.named(error))?;
    let object = SessionObject::of_access(ctx, jira.access()).await;
    ctx.out.value(&SessionObject { user, ..object })
}
