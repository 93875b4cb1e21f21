//! `boards` on the command line.

use crate::error::Failure;
use crate::ops::boards::{self, BoardsArgs};

use super::context::Context;
use super::page;

/// Lists and writes.
pub async fn run(args: BoardsArgs, ctx: &Context) -> Result<(), Failure> {
    args.check()?;
    let jira = ctx.jira().await?;
    let found = boards::run(args, &jira).await.map_err(|error| ctx.named(error))?;
    page::write(&found, ctx).await
}
