//! `create` on the command line.

use crate::error::Failure;
use crate::ops::create::{self, CreateArgs};

use super::context::Context;

/// Creates and says what was made.
pub async fn run(mut args: CreateArgs, ctx: &Context) -> Result<(), Failure> {
    ctx.read_stdin(args.texts()).await?;
    ctx.fill_fields(&mut args.epic_field, &mut args.sprint_field);
    args.check()?;
    ctx.may_change("creating an issue")?;
    let jira = ctx.jira().await?;
    let created = create::run(args, &jira, &ctx.change()).await.map_err(|error| ctx.named(error))?;
    ctx.notes.key(created.key());
    ctx.made(created.look(), &created);
    ctx.out.value(&created)
}
