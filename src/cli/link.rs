//! `link` on the command line.

use crate::error::Failure;
use crate::ops::link::{self, LinkArgs};

use super::context::Context;
use super::seen::Kind;

/// Links and says what the link says.
pub async fn run(mut args: LinkArgs, ctx: &Context) -> Result<(), Failure> {
    ctx.read_stdin(args.texts()).await?;
    args.check()?;
    ctx.may_change("linking issues")?;
    let jira = ctx.jira().await?;
    let linked = link::run(args, &jira, &ctx.change()).await.map_err(|error| ctx.named(error))?;
    ctx.notes.key(&linked.from.to_string());
    ctx.notes.key(&linked.to.to_string());
    ctx.notes.name(Kind::LinkTypes, &linked.kind);
    ctx.made(linked.look(), &linked);
    ctx.out.value(&linked)
}
