//! `update` on the command line.

use crate::error::{Code, Failure};
use crate::ops::update::{self, UpdateArgs};

use super::context::Context;

/// Changes and says so.
pub async fn run(mut args: UpdateArgs, ctx: &Context) -> Result<(), Failure> {
    let piped = args.description.as_deref() == Some("-");
    ctx.read_stdin(args.texts()).await?;
    if piped && args.description.as_deref() == Some("") {
        // More likely a command before the pipe that failed than a wish.
        let text = "--description -: stdin is empty; --description '' takes the description away";
        return Err(Failure::new(Code::BadValue, text));
    }
    ctx.fill_fields(&mut args.epic_field, &mut args.sprint_field);
    args.check()?;
    ctx.may_change("updating an issue")?;
    let jira = ctx.jira().await?;
    let updated = update::run(args, &jira).await.map_err(|error| ctx.named(error))?;
    ctx.out.value(&updated)
}
