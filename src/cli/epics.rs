//! `epics` on the command line.

use crate::error::Failure;
use crate::ops::epics::{self, EpicsArgs};

use super::context::Context;
use super::page;

/// Lists and writes.
pub async fn run(args: EpicsArgs, ctx: &Context) -> Result<(), Failure> {
    args.check()?;
    let jira = ctx.jira().await?;
    let found = epics::run(args, &jira).await.map_err(|error| ctx.named(error))?;
    found.list().values().iter().for_each(|epic| ctx.notes.key(epic["key"].as_str().unwrap_or_default()));
    page::write(&found, ctx).await
}
