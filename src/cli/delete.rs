//! `delete` on the command line.

use crate::error::Failure;
use crate::ops::delete::{self, DeleteArgs};

use super::context::Context;

/// Deletes and says so.
pub async fn run(args: DeleteArgs, ctx: &Context) -> Result<(), Failure> {
    args.check()?;
    ctx.may_change("deleting an issue")?;
    let jira = ctx.jira().await?;
    let deleted = delete::run(args, &jira, &ctx.change()).await.map_err(|error| ctx.named(error))?;
    ctx.made(deleted.look(), &deleted);
    ctx.out.value(&deleted)
}
