//! `get` on the command line.

use crate::error::Failure;
use crate::ops::get::{self, GetArgs};

use super::context::Context;

/// Gets and writes.
pub async fn run(mut args: GetArgs, ctx: &Context) -> Result<(), Failure> {
    ctx.fill_fields(&mut args.epic_field, &mut args.sprint_field);
    args.check()?;
    let jira = ctx.jira().await?;
    let found = get::run(args, &jira).await.map_err(|error| ctx.named(error))?;
    found.issues().iter().for_each(|issue| ctx.notes.issue(issue));
    ctx.out.value(&found)?;
    ctx.out.written().await?;
    ctx.unknown_fields(&found.unknown_fields(&jira).await);
    Ok(())
}
