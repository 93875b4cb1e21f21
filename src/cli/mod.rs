//! The command line: what was typed becomes one command, which runs within its time and ends with one
//! exit code, and with one report if it failed.

mod agree;
mod browse;
mod catalog;
mod check;
mod completion;
mod config;
mod context;
mod demo;
mod flags;
mod get;
mod hygiene;
mod inputs;
mod itself;
mod log;
mod login;
mod logout;
mod man;
mod pat;
mod run;
mod sandbox;
mod schema;
mod search;
mod seen;
mod session;
mod site;
mod take_over;
mod token;
mod version;
mod whoami;

use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::auth::store::Memory;
use crate::config::{Settings, Typed, resolve};
use crate::error::{Code, Failure, Hint, Kind};
use crate::ops;
use crate::output::{Format, Output, OutputOptions};
use crate::process::{OPEN_BROWSER, Process, Signal, open_browser};

use context::Context;
use flags::GlobalFlags;

/// The time of a command that asks Jira a handful of things.
const USUAL: Duration = Duration::from_secs(60);
/// The time of a command that may ask for much.
const LONG: Duration = Duration::from_secs(300);
/// How long the end of the program waits for a session that is being saved.
const SAVING: Duration = Duration::from_secs(30);
/// What a command gets beyond its deadline to end by itself: requests end at the deadline, and the command
/// then still knows what they were.
const GRACE: Duration = Duration::from_millis(500);

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
    global: GlobalFlags,
    /// Print the version
    #[arg(short = 'V', long)]
    version: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Log in with the browser and keep the session
    Login(login::LoginArgs),
    /// Forget the session
    Logout(logout::LogoutArgs),
    /// Ask Jira who this is
    Whoami,
    /// Find issues by JQL
    Search(ops::search::SearchArgs),
    /// Get issues by key
    Get(ops::get::GetArgs),
    /// Find issue keys in a text, then transition, assign, comment
    Run(ops::run::RunArgs),
    /// Look at the session, refresh it, print its access token
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// List, choose, change and remove sites
    #[command(subcommand)]
    Site(site::SiteCommand),
    /// Show the configuration, check scripts for it
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// A Jira to try things on
    #[command(subcommand)]
    Sandbox(sandbox::SandboxCommand),
    /// Print all commands, flags, results and errors as data
    Schema(schema::SchemaArgs),
    /// Print the completion script of a shell
    Completion(completion::CompletionArgs),
    /// Print the manual
    Man(man::ManArgs),
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
    if process.args.first().is_some_and(|arg| arg == completion::COMPLETE) {
        return completion::answer(&process);
    }
    let early = early_output(&process);
    let (cli, settings) = match understand(&process) {
        Ok(Understood::Command(cli, settings)) => (cli, settings),
        Ok(Understood::Page(text)) => return report(&early, early.plain(&text)),
        Ok(Understood::Itself(parsed)) => {
            let Parsed { cli, tree, .. } = *parsed;
            return report(&early, itself::run(&cli, &typed(&cli), tree, &process));
        }
        Err(failure) => return report(&early, Err(failure)),
    };
    let out = output(&process, &settings);
    let _log = log::start(settings.verbose, &out);
    for (code, text) in &settings.warnings {
        out.warning(code, text, None);
    }
    if !settings.disabled_tools.is_empty() || settings.enabled_tools.is_some() {
        let text = "JIRA_DISABLED_TOOLS and JIRA_ENABLED_TOOLS choose the tools of the MCP server, which this version \
                    does not have; JIRA_READ_ONLY and the session's scope bound the command line";
        out.warning("policy_passed_over", text, None);
    }
    let timeout = context::timeout(&settings, usual_time(&cli));
    let ctx = Context::new(process, *settings, out, timeout, memory);
    let code = perform(cli, &ctx).await;
    ctx.process.prompt.restore();
    code
}

enum Understood {
    Command(Box<Cli>, Box<Settings>),
    /// Help or a version: our own text.
    Page(String),
    /// A command about this program itself.
    Itself(Box<Parsed>),
}

/// What was typed, and what it means together with the environment and the sites.
fn understand(process: &Process) -> Result<Understood, Failure> {
    let args = hygiene::check(&process.args)?;
    let parsed = match parse(&args) {
        Ok(parsed) => parsed,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp) => {
            return Ok(Understood::Page(error.render().to_string()));
        }
        Err(error) => return Err(usage(&error, &args)),
    };
    let cli = &parsed.cli;
    let only_verbose = cli.command.is_none() && cli.global.verbose == 1 && args.len() == 1;
    if cli.version || only_verbose {
        return Ok(Understood::Page(env!("CARGO_PKG_VERSION").to_owned()));
    }
    if cli.command.is_none() {
        return Ok(Understood::Page(Cli::command().render_help().to_string()));
    }
    if cli.command.as_ref().is_some_and(itself::is_one) {
        return Ok(Understood::Itself(Box::new(parsed)));
    }
    let settings = match needs_no_site(cli) {
        // Which Jira the environment means is no question for a command that lists or changes sites.
        true => {
            resolve(&typed(cli), &process.env.without(&["JIRA_BASE_URL", "INPUT_BASE_URL", "JIRA_SITE"]))?
        }
        false => resolve(&typed(cli), &process.env)?,
    };
    let cli = with_inputs(args, parsed, &settings)?;
    Ok(Understood::Command(Box::new(cli), Box::new(settings)))
}

fn needs_no_site(cli: &Cli) -> bool {
    match &cli.command {
        Some(Command::Logout(args)) => args.all,
        Some(Command::Config(config::ConfigCommand::Check(_))) => true,
        Some(Command::Site(_) | Command::Sandbox(_) | Command::Version) => true,
        _ => false,
    }
}

/// What was typed, with what clap knows of it and of all there is to type.
struct Parsed {
    cli: Cli,
    matches: ArgMatches,
    tree: clap::Command,
}

/// Against the one command that is named, where that is enough: clap copies every global flag into every command
/// it knows, which is half of what parsing takes, and grows with each of them.
fn parse(args: &[String]) -> Result<Parsed, clap::Error> {
    let whole = Cli::command();
    if let Some(named) = args.iter().find_map(|arg| whole.find_subcommand(arg)) {
        let top = clap::Command::new("jira").disable_version_flag(true).args(whole.get_arguments().cloned());
        let one = top.groups(whole.get_groups().cloned()).subcommand(named.clone());
        // Help and mistakes are for the whole one to tell: it knows what else could have been meant, and the word
        // may have been the value of a flag.
        if let Ok(parsed) = parse_as(one, args) {
            return Ok(parsed);
        }
    }
    parse_as(whole, args)
}

fn parse_as(mut tree: clap::Command, args: &[String]) -> Result<Parsed, clap::Error> {
    let name = std::iter::once("jira");
    let matches = tree.try_get_matches_from_mut(name.chain(args.iter().map(String::as_str)))?;
    Ok(Parsed { cli: Cli::from_arg_matches(&matches)?, matches, tree })
}

/// The command with what variables say of the flags that were not typed. One by one, so that a bad value
/// can be told from where it came.
fn with_inputs(mut args: Vec<String>, parsed: Parsed, settings: &Settings) -> Result<Cli, Failure> {
    let Parsed { mut cli, matches, tree } = parsed;
    for input in inputs::find(&tree, &matches, &settings.vars)? {
        args = inputs::with(&args, &tree, &matches, &input);
        let parsed = parse(&args).map_err(|error| {
            let mut failure = usage(&error, &args);
            failure.message = format!("{}: {}", input.source, failure.message);
            failure
        })?;
        cli = parsed.cli;
    }
    Ok(cli)
}

fn typed(cli: &Cli) -> Typed {
    let global = cli.global.typed();
    match &cli.command {
        Some(Command::Login(args)) => args.typed(global),
        _ => global,
    }
}

/// A mistake in what was typed, in one line and with the word that was probably meant.
fn usage(error: &clap::Error, args: &[String]) -> Failure {
    let code = match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::InvalidUtf8 => Code::BadValue,
        _ => Code::BadFlag,
    };
    let rendered = error.render().to_string();
    let text = match error.kind() {
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "this command needs a subcommand; --help lists them".to_owned()
        }
        _ => {
            let lines = rendered.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
            let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("tip:"));
            lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
        }
    };
    let failure = Failure::new(code, text);
    let hint = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) if !names.is_empty() => Hint::DidYouMean(names[0].clone()),
        Some(ContextValue::String(name)) => Hint::DidYouMean(name.clone()),
        _ => Hint::Help(command(args)),
    };
    failure.hint(hint)
}

/// The command that was typed, if it is one of ours: its help is the one to read.
fn command(args: &[String]) -> &'static str {
    let words = catalog::ENTRIES.iter().map(|entry| entry.path.split(' ').next().unwrap_or_default());
    let typed = args.iter().find_map(|arg| words.clone().find(|word| word == arg));
    typed.unwrap_or_default()
}

/// The writer before the configuration is known: the format as far as it was typed or set.
fn early_output(process: &Process) -> Output {
    let args: Vec<_> = process.args.iter().filter_map(|arg| arg.to_str()).collect();
    let joined = args.iter().find_map(|arg| arg.strip_prefix("--output="));
    let apart = args.iter().position(|arg| *arg == "--output").and_then(|at| args.get(at + 1).copied());
    let set = || process.env.get("JIRA_OUTPUT").and_then(|value| value.to_str());
    let format = joined.or(apart).or_else(set).and_then(|word| word.parse().ok()).unwrap_or_default();
    let options = OutputOptions { format, quiet: false, color: color(process, false) };
    Output::new(options, process.stdout.clone(), process.stderr.clone())
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
        Some(Command::Sandbox(_)) => Duration::from_secs(u32::MAX.into()),
        Some(Command::Run(_)) => LONG,
        Some(Command::Search(args)) if args.all == Some(true) => LONG,
        _ => USUAL,
    }
}

/// Runs the command until it is done, its time is up or a signal comes; then waits for a session that is
/// being saved, because a token that was spent and whose successor is lost is a session lost.
async fn perform(cli: Box<Cli>, ctx: &Context) -> u8 {
    let mut signals = ctx.process.signals.clone();
    let served_until_a_signal =
        matches!(cli.command, Some(Command::Sandbox(sandbox::SandboxCommand::Serve(_))));
    let end = tokio::select! {
        outcome = dispatch(*cli, ctx) => End::Done(outcome.map_err(Box::new)),
        signal = signals.arrived(), if !served_until_a_signal => End::Signal(signal),
        () = tokio::time::sleep_until(ctx.deadline + GRACE) => End::Deadline,
    };
    let cut_short = match end {
        End::Done(_) => None,
        End::Signal(_) | End::Deadline => ctx.farewell().and_then(|farewell| farewell(&ctx.out)),
    };
    if ctx.saving.is_busy() {
        ctx.out.info("saving", "saving the session", None);
        if !ctx.saving.settled(SAVING).await {
            ctx.out.warning("not_saved", "the session could not be saved in time", None);
        }
    }
    ctx.keep_notes();
    match end {
        End::Done(outcome) => report(&ctx.out, outcome.map_err(|failure| *failure)),
        End::Signal(signal) => signal.exit_code(),
        End::Deadline => report(&ctx.out, Err(cut_short.unwrap_or_else(|| too_late(ctx)))),
    }
}

enum End {
    Done(Result<(), Box<Failure>>),
    Signal(Signal),
    Deadline,
}

fn too_late(ctx: &Context) -> Failure {
    let time = ctx.settings.timeout;
    let text = match time {
        Some(time) => format!("the command did not end within its --timeout of {} s", time.as_secs_f64()),
        None => "the command did not end within its time; --timeout gives it more".to_owned(),
    };
    Failure::new(Code::Timeout, text)
}

async fn dispatch(cli: Cli, ctx: &Context) -> Result<(), Failure> {
    let json = cli.global.output.as_deref().is_some_and(|format| format != "text");
    let Some(command) = cli.command else { return Ok(()) };
    // Boxed, or the future of one command would be as large as that of the largest.
    match command {
        Command::Login(args) => {
            let args = login::LoginArgs { base_url: cli.global.base_url, ..args };
            Box::pin(login::run(args, ctx)).await
        }
        Command::Logout(args) => Box::pin(logout::run(args, ctx)).await,
        Command::Whoami => Box::pin(whoami::run(ctx)).await,
        Command::Search(args) => Box::pin(search::run(args, ctx)).await,
        Command::Get(args) => Box::pin(get::run(args, ctx)).await,
        Command::Run(args) => Box::pin(run::run(args, ctx)).await,
        Command::Token(command) => Box::pin(token::run(command, ctx)).await,
        Command::Site(command) => Box::pin(site::run(command, ctx)).await,
        Command::Config(command) => Box::pin(config::run(command, ctx)).await,
        Command::Sandbox(sandbox::SandboxCommand::Serve(args)) => Box::pin(sandbox::serve(args, ctx)).await,
        Command::Sandbox(sandbox::SandboxCommand::Demo) => Box::pin(demo::run(ctx)).await,
        Command::Version => version::run(ctx, json),
        // Done before there was a context.
        Command::Schema(_) | Command::Completion(_) | Command::Man(_) => Ok(()),
    }
}

/// Writes the failure, if it was one, and says the exit code.
fn report(out: &Output, outcome: Result<(), Failure>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            out.failure(&failure);
            failure.exit_code()
        }
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
