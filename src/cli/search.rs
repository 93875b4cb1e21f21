//! `search` on the command line: text from stdin, a stream where a stream was asked for, and a warning when
//! there is more.

use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::ops::search::{self, Found, SearchArgs, View};
use crate::output::Format;

use super::context::Context;

/// Searches and writes.
pub async fn run(mut args: SearchArgs, ctx: &Context) -> Result<(), Failure> {
    ctx.read_stdin(args.texts()).await?;
    ctx.fill_fields(&mut args.epic_field, &mut args.sprint_field);
    args.check()?;
    let jira = ctx.jira().await?;
    let streams = ctx.out.format() == Format::Jsonl && args.streams();
    let (counts, all) = (args.count.unwrap_or(false), args.all.unwrap_or(false));
    let out = &ctx.out;
    let mut sink = |issue: &Value| {
        ctx.notes.issue(issue);
        let accepted = out.item(issue);
        async move {
            accepted?;
            out.room().await?;
            Ok(!out.closed())
        }
        .boxed()
    };
    let found = match streams {
        true => search::run(args, &jira, Some(&mut sink)).await,
        false => search::run(args, &jira, None).await,
    };
    let found = found.map_err(|error| ctx.named(error))?;
    if let View::Issues(issues) | View::Meta(issues) = &found.view {
        issues.iter().for_each(|issue| ctx.notes.issue(issue));
    }
    if !streams {
        ctx.out.value(&found)?;
    }
    // A warning stands below what it is about; and a reader who has gone is known by now.
    ctx.out.written().await?;
    tell(ctx, &found, counts, all);
    ctx.unknown_fields(&found.unknown_fields(&jira).await);
    Ok(())
}

fn tell(ctx: &Context, found: &Found, counts: bool, all: bool) {
    let Found { total, returned, truncated, warnings, .. } = found;
    for warning in warnings {
        ctx.out.warning("jira", warning, None);
    }
    // Whoever closed stdout had enough, and knows it.
    if *truncated && !counts && !ctx.out.closed() {
        let text = match all {
            true => format!("Jira returned {returned} issues, and counts {total}"),
            false => format!("{returned} of {total} issues: --limit or --all returns more"),
        };
        ctx.out.warning("truncated", &text, Some(json!({ "total": total, "returned": returned })));
    }
}
