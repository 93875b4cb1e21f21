//! `run` on the command line: what was not typed comes from variables, and the report is written whatever
//! happens, a signal and the deadline included.

use crate::error::{Code, Failure, Hint};
use crate::jira::{AccessClass, JiraError};
use crate::ops::run::{self, RunArgs, RunProgress, VARIABLES};

use super::context::Context;

/// Runs and reports.
pub async fn run(mut args: RunArgs, ctx: &Context) -> Result<(), Failure> {
    for (flag, variables) in VARIABLES {
        if !args.has(flag)
            && let Some((value, _)) = ctx.vars().lookup(variables)?
        {
            args.fill(flag, &value)?;
        }
    }
    ctx.read_stdin(args.texts()).await?;
    if args.reference.is_none() {
        let text = "no text to find issue keys in: say --ref TEXT, --ref - for stdin, or set REF";
        return Err(Failure::new(Code::NothingToDo, text).hint(Hint::Help("run")));
    }
    if args.access() != AccessClass::Read && ctx.settings.read_only {
        return Err(JiraError::ReadOnly { request: "this run".to_owned() }.into());
    }
    args.check()?;
    let jira = ctx.jira().await?;
    let progress = RunProgress::new();
    let cut_short = progress.clone();
    ctx.on_cut(move |out| {
        let report = cut_short.report();
        // What cannot be written now cannot be reported either.
        let _ = out.value(&report);
        report.cut_short()
    });
    let report = run::run(args, &jira, &progress).await.map_err(|error| ctx.named(error))?;
    drop(ctx.farewell());
    ctx.out.value(&report)?;
    for (code, text) in report.warnings() {
        ctx.out.warning(code, &text, None);
    }
    report.failure().map_or(Ok(()), |failure| Err(ctx.named(failure)))
}
