//! `update` on the command line.

use crate::error::Failure;
use crate::ops::update::{self, UpdateArgs};

use super::context::Context;

/// Changes and says so.
pub async fn run(mut args: UpdateArgs, ctx: &Context) -> Result<(), Failure> {
    ctx.read_stdin(args.texts()).await?;
    ctx.fill_fields(&mut args.epic_field, &mut args.sprint_field);
    args.check()?;
    ctx.may_change("updating an issue")?;
    let jira = ctx.jira().await?;
    let updated = update::run(args, &jira, &ctx.change()).await.map_err(|error| ctx.named(error))?;
    ctx.made(updated.look(), &updated);
    ctx.out.value(&updated)
}
