//! `run` on the command line: the report is written whatever happens, a signal and the deadline included.

use crate::error::Failure;
use crate::jira::AccessClass;
use crate::ops::run::{self, Outcome, Report, RunArgs, RunProgress};

use super::context::{Context, Made};
use super::seen::{Kind, Notes};

/// Runs and reports.
pub async fn run(mut args: RunArgs, ctx: &Context) -> Result<(), Failure> {
    ctx.read_stdin(args.texts()).await?;
    args.check()?;
    if args.access() != AccessClass::Read {
        ctx.may_change("this run")?;
    }
    let jira = ctx.jira().await?;
    let progress = RunProgress::new();
    let cut_short = progress.clone();
    ctx.on_cut(move |out, _| {
        let report = cut_short.report();
        let written = out.value(&report).is_ok();
        report.cut_short(written)
    });
    let report = run::run(args, &jira, &progress).await.map_err(|error| ctx.named(error))?;
    drop(ctx.farewell());
    note(&report, &ctx.notes);
    let (what, result, look) = report.in_short();
    ctx.keep(Made { what, result, look });
    let written = ctx.out.value(&report);
    for (code, text) in report.warnings() {
        ctx.out.warning(code, &text, None);
    }
    // What the run came to decides the exit code; that nobody can read the report is said beside it.
    match (report.failure().map(|failure| ctx.named(failure)), written) {
        (None, written) => written,
        (Some(failure), Ok(())) => Err(failure),
        (Some(failure), Err(unwritten)) => Err(ctx.failed_unwritten(failure, &unwritten.message)),
    }
}

/// What Jira has confirmed is worth offering the next time.
fn note(report: &Report, notes: &Notes) {
    for issue in report.issues.iter().filter(|issue| issue.status_before.is_some()) {
        notes.key(&issue.key.to_string());
        for status in issue.status_before.iter().chain(&issue.status_after) {
            notes.name(Kind::Statuses, status);
        }
        let Some(transition) = &issue.transition else { continue };
        if matches!(transition.result, Outcome::Done | Outcome::Planned) {
            notes.name(Kind::Transitions, &transition.name);
        }
        for offer in transition.offered.iter().flatten() {
            notes.name(Kind::Transitions, &offer.name);
        }
    }
}
