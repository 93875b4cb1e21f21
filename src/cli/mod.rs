//! The command line: what was typed becomes one command, which runs within its time and ends with one
//! exit code, and with one report if it failed.

mod agree;
mod boards;
mod broker;
mod browse;
mod catalog;
mod check;
mod completion;
mod config;
mod context;
mod create;
mod delete;
mod demo;
mod ending;
mod epics;
mod flags;
mod get;
mod hygiene;
mod inputs;
mod itself;
mod link;
mod listed;
mod log;
mod login;
mod logout;
mod man;
mod named;
mod page;
mod pat;
mod run;
mod sandbox;
mod schema;
mod search;
mod seen;
mod session;
mod site;
mod sprints;
mod take_over;
mod token;
mod understand;
mod update;
mod version;
mod whoami;

use std::future::ready;
use std::time::Duration;

use clap::{Parser, Subcommand};
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::auth::store::Memory;
use crate::config::{Settings, parse_duration};
use crate::error::{Failure, Kind};
use crate::ops;
use crate::output::{Format, Output, OutputOptions};
use crate::process::{OPEN_BROWSER, Process, Signal, open_browser};

use context::{Context, Cut};
use ending::{End, Outcome, asked_again, conclude, last_second, last_words, too_late, within};
use flags::TopFlags;
use listed::Listed;
use understand::{Understood, understand};

/// The time of a command that asks Jira a handful of things.
const USUAL: Duration = Duration::from_secs(60);
/// The time of a command that may ask for much.
const LONG: Duration = Duration::from_secs(300);
/// How long the end of the program waits for a session that is being saved.
const SAVING: Duration = Duration::from_secs(30);

/// What the help says behind everything else.
fn exit_codes() -> String {
    use std::fmt::Write;
    let mut text = "Exit codes:\n  0  done\n".to_owned();
    for kind in Kind::ALL {
        let name = kind.as_str().replace('_', " ");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}  {name}: {}", kind.exit_code(), kind.meaning());
    }
    text + "\nA failure is one line of JSON on stderr, the last:\n  \
            {\"error\":{\"kind\",\"code\",\"message\",\"hint\",\"exit_code\",\"retryable\",\"actor\",…}}"
}

/// Work with Jira Data Center: log in once in the browser, then search, get and change issues.
///
/// Results are JSON on stdout; everything else goes to stderr. Tokens live in the OS keyring (or an
/// encrypted file) and are refreshed by themselves.
#[derive(Parser, Debug)]
#[command(name = "jira", disable_version_flag = true, after_help = exit_codes(), subcommand_required = false)]
struct Cli {
    #[command(flatten)]
    top: TopFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

// What a command takes is put together when it is named: a command line names one.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum Command {
    /// Find issue keys in a text, then transition, assign, comment
    Run(Listed<ops::run::RunArgs>),
    /// Create an issue
    Create(Listed<ops::create::CreateArgs>),
    /// Delete an issue
    Delete(Listed<ops::delete::DeleteArgs>),
    /// Get issues by key
    Get(Listed<ops::get::GetArgs>),
    /// Link two issues
    Link(Listed<ops::link::LinkArgs>),
    /// Find issues by JQL
    Search(Listed<ops::search::SearchArgs>),
    /// Change fields of an issue
    Update(Listed<ops::update::UpdateArgs>),
    /// List boards
    Boards(Listed<ops::boards::BoardsArgs>),
    /// List the epics of a board
    Epics(Listed<ops::epics::EpicsArgs>),
    /// List the sprints of a board
    Sprints(Listed<ops::sprints::SprintsArgs>),
    /// Log in with the browser and keep the session
    Login(Listed<login::LoginArgs>),
    /// Forget the session
    Logout(Listed<logout::LogoutArgs>),
    /// Look at the session, refresh it, print its access token
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Ask Jira who this is
    Whoami,
    /// List, choose, change and remove sites
    #[command(subcommand)]
    Site(site::SiteCommand),
    /// Show the configuration, check scripts for it
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Hold the secret of a confidential client for callers that must not have it
    #[command(subcommand)]
    Broker(broker::BrokerCommand),
    /// A Jira to try things on
    #[command(subcommand)]
    Sandbox(sandbox::SandboxCommand),
    /// Print all commands, flags, results and errors as data
    Schema(Listed<schema::SchemaArgs>),
    /// Print the completion script of a shell
    Completion(Listed<completion::CompletionArgs>),
    /// Print the manual
    Man(Listed<man::ManArgs>),
    /// Print the version and platform
    Version,
}

/// Runs one command line and returns its exit code.
pub async fn run(process: Process) -> u8 {
    run_with(process, None).await
}

/// The same, with sessions kept in `memory` instead of the keyring or a file.
pub(crate) async fn run_with(process: Process, memory: Option<Memory>) -> u8 {
    if process.args.first().is_some_and(|arg| arg == OPEN_BROWSER) {
        return browser_only(&process).await;
    }
    let started = Instant::now();
    let early = early_output(&process);
    let signals = process.signals.clone();
    // As far as it is known before everything is.
    let timeout = early_word(&process, "--timeout", "INPUT_TIMEOUT");
    let timeout = timeout.and_then(|text| parse_duration(text).ok());
    let deadline = started + timeout.unwrap_or(USUAL);
    if process.args.first().is_some_and(|arg| arg == completion::COMPLETE) {
        let code = completion::answer(&process);
        last_words(&early, signals, deadline).await;
        return code;
    }
    let end = match within(understand(&process, &early), signals.clone(), deadline).await {
        End::Done(Ok(Some(understood))) => return carry_out(process, understood, started, memory).await,
        End::Done(Ok(None)) => Outcome::default(),
        End::Done(Err(failure)) => Err(failure).into(),
        End::Signal(signal) => Outcome { signal: Some(signal), failure: None },
        End::Deadline => Err(too_late(timeout)).into(),
    };
    conclude(&early, end, signals, deadline).await
}

async fn carry_out(
    process: Process,
    (cli, settings): Understood,
    started: Instant,
    memory: Option<Memory>,
) -> u8 {
    let out = output(&process, &settings);
    log::start(settings.verbose, &out);
    for (code, text) in &settings.warnings {
        out.warning(code, text, None);
    }
    if !settings.disabled_tools.is_empty() || settings.enabled_tools.is_some() {
        let text = "JIRA_DISABLED_TOOLS and JIRA_ENABLED_TOOLS choose the tools of the MCP server, which this version \
                    does not have; JIRA_READ_ONLY and the session's scope bound the command line";
        out.warning("policy_passed_over", text, None);
    }
    let deadline = started + context::timeout(&settings, usual_time(&cli));
    let ctx = Context::new(process, *settings, out, deadline, memory);
    let code = perform(cli, &ctx).await;
    ctx.process.prompt.restore();
    code
}

/// The writer before the configuration is known: the format as far as it was typed or set.
fn early_output(process: &Process) -> Output {
    let format = early_word(process, "--output", "JIRA_OUTPUT");
    let format = format.and_then(|word| word.parse().ok()).unwrap_or_default();
    let options = OutputOptions { format, quiet: false, color: color(process, false) };
    Output::new(options, process.stdout.clone(), process.stderr.clone())
}

/// What was typed for a flag or set for its variable, before anything is parsed.
fn early_word<'a>(process: &'a Process, flag: &str, variable: &str) -> Option<&'a str> {
    let args: Vec<_> = process.args.iter().filter_map(|arg| arg.to_str()).collect();
    let joined = args.iter().find_map(|arg| arg.strip_prefix(flag)?.strip_prefix('='));
    let apart = args.iter().position(|arg| *arg == flag).and_then(|at| args.get(at + 1).copied());
    let set = || process.env.get(variable).and_then(|value| value.to_str());
    joined.or(apart).or_else(set)
}

fn output(process: &Process, settings: &Settings) -> Output {
    let format = settings.output.as_ref().and_then(|found| found.value.parse::<Format>().ok());
    let options = OutputOptions {
        format: format.unwrap_or_default(),
        quiet: settings.quiet,
        color: color(process, settings.no_color),
    };
    Output::new(options, process.stdout.clone(), process.stderr.clone())
}

/// Colour unless it was declined, by flag, by `NO_COLOR` or by a terminal that knows none; streams that
/// are no terminals get none anyway.
fn color(process: &Process, declined: bool) -> bool {
    let no_color = process.env.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    !declined && !no_color && process.env.get("TERM").is_none_or(|term| term != "dumb")
}

fn usual_time(cli: &Cli) -> Duration {
    match &cli.command {
        Some(Command::Login(_)) => login::PATIENCE_PERSON + USUAL,
        Some(Command::Sandbox(_) | Command::Broker(_)) => Duration::from_secs(u32::MAX.into()),
        Some(Command::Run(_)) => LONG,
        Some(Command::Search(Listed(args))) if args.all == Some(true) => LONG,
        _ => USUAL,
    }
}

/// Runs the command until it is done and its result written, its time is up or a signal comes; then waits for
/// a session that is being saved, because a token that was spent and whose successor is lost is a session lost.
async fn perform(cli: Box<Cli>, ctx: &Context) -> u8 {
    let signals = ctx.process.signals.clone();
    let served_until_a_signal =
        matches!(cli.command, Some(Command::Sandbox(sandbox::SandboxCommand::Serve(_)) | Command::Broker(_)));
    let ending = if served_until_a_signal { ctx.cuts() } else { signals.clone() };
    let mut done = None;
    let work = async {
        done = Some(dispatch(*cli, ctx).await.map_err(Box::new));
        ctx.out.written().await
    };
    let end = within(work, ending, ctx.deadline).await;
    let (cut, signal, written) = match end {
        End::Done(written) => (None, None, Some(written)),
        End::Signal(signal) => (Some(Cut::Signal), Some(signal), None),
        End::Deadline => (Some(Cut::Deadline), None, None),
    };
    let cut_short = cut.and_then(|cut| ctx.farewell()?(&ctx.out, cut));
    saved(ctx, signal).await;
    ctx.keep_notes();
    let late = || (cut == Some(Cut::Deadline)).then(|| too_late(ctx.settings.timeout));
    let failure = match (ctx.saving.owed(), done) {
        // Before everything else: the next job is dead without the successor, whatever became of this command.
        (Some(owed), _) => Some(owed.into()),
        // What the command came to is worth more than that nobody read its result in time.
        (None, Some(Err(failure))) => Some(match last_second(written, &ctx.out).await {
            Some(Ok(())) => ctx.unwritten(*failure),
            Some(Err(unwritten)) => ctx.failed_unwritten(*failure, &unwritten.message),
            None => ctx.failed_unwritten(*failure, context::UNREAD),
        }),
        (None, Some(Ok(()))) => match last_second(written, &ctx.out).await {
            Some(written) => written.err().map(|failure| ctx.unwritten(failure)),
            None => ctx.unread().or_else(late),
        },
        (None, None) => cut_short.or_else(late),
    };
    conclude(&ctx.out, Outcome { signal, failure }, signals, ctx.deadline).await
}

/// Waits for a session that is being saved, and for a successor that is being handed over. The latter is sealed
/// by then, so whoever asks a second time is not kept waiting for a rotation command that hangs. `signal` is what
/// ended the command, if one did.
async fn saved(ctx: &Context, signal: Option<Signal>) {
    if !ctx.saving.is_busy() {
        return;
    }
    let again = asked_again(ctx.process.signals.clone().later(), signal.map(|_| Instant::now()));
    ctx.out.info("saving", "saving the session", None);
    let asked_again = async {
        again.await;
        ctx.saving.handing_over().await;
    };
    tokio::select! {
        settled = ctx.saving.settled(SAVING) => {
            // What only waits to be handed over is saved, and said to be owed.
            if !settled && ctx.saving.owed().is_none() {
                ctx.out.warning("not_saved", "the session could not be saved in time", None);
            }
        }
        () = asked_again => {}
    }
}

/// The work of the command that was named. Boxed, or the future of one would be as large as that of the largest; and
/// never part of its caller, whose stack would have room for all of them while one of them works.
#[inline(never)]
fn dispatch(cli: Cli, ctx: &Context) -> LocalBoxFuture<'_, Result<(), Failure>> {
    let json = cli.top.global.output.as_deref().is_some_and(|format| format != "text");
    let Some(command) = cli.command else { return Box::pin(ready(Ok(()))) };
    match command {
        Command::Login(Listed(args)) => {
            let args = login::LoginArgs { base_url: cli.top.global.base_url, ..args };
            Box::pin(login::run(args, ctx))
        }
        Command::Logout(Listed(args)) => Box::pin(logout::run(args, ctx)),
        Command::Whoami => Box::pin(whoami::run(ctx)),
        Command::Search(Listed(args)) => Box::pin(search::run(args, ctx)),
        Command::Get(Listed(args)) => Box::pin(get::run(args, ctx)),
        Command::Run(Listed(args)) => Box::pin(run::run(args, ctx)),
        Command::Create(Listed(args)) => Box::pin(create::run(args, ctx)),
        Command::Update(Listed(args)) => Box::pin(update::run(args, ctx)),
        Command::Delete(Listed(args)) => Box::pin(delete::run(args, ctx)),
        Command::Link(Listed(args)) => Box::pin(link::run(args, ctx)),
        Command::Boards(Listed(args)) => Box::pin(boards::run(args, ctx)),
        Command::Epics(Listed(args)) => Box::pin(epics::run(args, ctx)),
        Command::Sprints(Listed(args)) => Box::pin(sprints::run(args, ctx)),
        Command::Token(command) => Box::pin(token::run(command, ctx)),
        Command::Site(command) => Box::pin(site::run(command, ctx)),
        Command::Config(command) => Box::pin(config::run(command, ctx)),
        Command::Broker(command) => Box::pin(broker::run(command, ctx)),
        Command::Sandbox(sandbox::SandboxCommand::Serve(args)) => Box::pin(sandbox::serve(*args, ctx)),
        Command::Sandbox(sandbox::SandboxCommand::Demo) => Box::pin(demo::run(ctx)),
        Command::Version => Box::pin(ready(version::run(ctx, json))),
        // Done before there was a context.
        Command::Schema(_) | Command::Completion(_) | Command::Man(_) => Box::pin(ready(Ok(()))),
    }
}

/// What the process started as [`OPEN_BROWSER`] does: open the URL on its stdin.
async fn browser_only(process: &Process) -> u8 {
    let Ok(url) = process.stdin.read_all(16 * 1024).await else { return 1 };
    match String::from_utf8(url) {
        Ok(url) => u8::from(open_browser(&url).is_err()),
        Err(_) => 1,
    }
}
