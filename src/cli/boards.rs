//! `boards` on the command line.

use crate::error::Failure;
use crate::ops::boards::{self, BoardsArgs};

use super::context::Context;
use super::page;
use super::seen::Kind;

/// Lists and writes.
pub async fn run(args: BoardsArgs, ctx: &Context) -> Result<(), Failure> {
    args.check()?;
    let jira = ctx.jira().await?;
    let found = boards::run(args, &jira).await.map_err(|error| ctx.named(error))?;
    for board in found.list().values() {
        ctx.notes.name(Kind::Boards, &board["id"].to_string());
    }
    page::write(&found, ctx).await
}
