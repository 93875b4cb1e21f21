//! How a list of boards, sprints or epics is written: in Jira's envelope, or one value a line.

use serde_json::json;

use crate::error::Failure;
use crate::ops::page::Found;
use crate::output::Format;

use super::context::Context;

/// Writes the list, and a warning when there is more.
pub async fn write(found: &Found, ctx: &Context) -> Result<(), Failure> {
    match ctx.out.format() {
        Format::Jsonl => {
            for item in found.items() {
                ctx.out.item(&item)?;
                ctx.out.room().await?;
            }
        }
        Format::Json | Format::Text => ctx.out.value(found)?,
    }
    // A warning stands below what it is about; and a reader who has gone is known by now.
    ctx.out.written().await?;
    let list = found.list();
    // Whoever closed stdout had enough, and knows it.
    if list.truncated && !ctx.out.closed() {
        let returned = list.values().len();
        let of = list.total.map(|total| format!(" of {total}")).unwrap_or_default();
        let text = format!("{returned}{of}, and there are more: --limit or --all returns them");
        let mut facts = json!({ "returned": returned });
        if let Some(total) = list.total {
            facts["total"] = total.into();
        }
        ctx.out.warning("truncated", &text, Some(facts));
    }
    Ok(())
}
