//! What was typed, and what it means: arguments become one command, with what variables say of its flags, and
//! its settings.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::config::{ConfigError, Settings, Typed, names_files, resolve};
use crate::error::{Code, Failure, Hint};
use crate::output::Output;
use crate::process::{Env, Process, on_own_thread};

use super::listed::Listed;
use super::{Cli, Command, catalog, config, hygiene, inputs, itself, named};

/// A command line, and what it means together with the environment and the sites.
pub type Understood = (Box<Cli>, Box<Settings>);

/// Understands what was typed. What only speaks of this program is written here, and there is no command.
pub async fn understand(process: &Process, early: &Output) -> Result<Option<Understood>, Failure> {
    let args = hygiene::check(&process.args)?;
    let parsed = match parse(&args) {
        Ok(parsed) => parsed,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp) => {
            return page(early, &error.render().to_string()).await;
        }
        Err(error) => return Err(usage(&error, &args)),
    };
    let cli = &parsed.cli;
    let only_verbose = cli.command.is_none() && cli.top.global.verbose == 1 && args.len() == 1;
    if cli.top.version || only_verbose {
        return page(early, env!("CARGO_PKG_VERSION")).await;
    }
    if cli.command.is_none() {
        return page(early, &alone(Cli::command()).render_help().to_string()).await;
    }
    if cli.command.as_ref().is_some_and(itself::is_one) {
        let settings = itself::settings(typed(cli)).map_err(|error| refused(error, &args))?;
        itself::run(cli, &settings, process)?;
        return early.written().await.map(|()| None);
    }
    let settings = settings(cli, &process.env, &args).await?;
    let cli = with_inputs(args, parsed, &settings)?;
    Ok(Some((Box::new(cli), Box::new(settings))))
}

/// A page of our own text is no command.
async fn page(early: &Output, text: &str) -> Result<Option<Understood>, Failure> {
    early.plain(text)?;
    early.written().await.map(|()| None)
}

/// What was typed and set, resolved. A pipe that somebody names is waited for on a thread of its own.
async fn settings(cli: &Cli, env: &Env, args: &[String]) -> Result<Settings, Failure> {
    let env = match needs_no_site(cli) {
        // Which Jira the environment means is no question for a command that lists or changes sites.
        true => env.without(&["JIRA_BASE_URL", "INPUT_BASE_URL", "JIRA_SITE", "INPUT_SITE"]),
        false => env.clone(),
    };
    let typed = typed(cli);
    let resolved = match names_files(&typed, &env) {
        true => {
            let resolved = on_own_thread(move || resolve(&typed, &env)).await;
            resolved
                .map_err(|error| Failure::new(Code::Bug, format!("no thread to read files on: {error}")))?
        }
        false => resolve(&typed, &env),
    };
    resolved.map_err(|error| refused(error, args))
}

/// A value that its flag does not take, wherever it came from: the help says which ones it takes.
fn refused(error: ConfigError, args: &[String]) -> Failure {
    let explained = matches!(error, ConfigError::BadValue { .. });
    let failure = Failure::from(error);
    if explained { failure.hint(Hint::Help(command(args))) } else { failure }
}

fn needs_no_site(cli: &Cli) -> bool {
    match &cli.command {
        Some(Command::Logout(Listed(args))) => args.all,
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

/// Against the one command that is named, where that is enough: all of them would be put together first, and a copy of
/// every global flag in each.
fn parse(args: &[String]) -> Result<Parsed, clap::Error> {
    match named::only(args) {
        // Help and mistakes are for the whole one to tell: it knows what else could have been meant, and the word
        // may have been the value of a flag.
        Some(one) => parse_as(one, args).or_else(|_| parse_as(Cli::command(), args)),
        None => parse_as(alone(Cli::command()), args),
    }
}

/// The whole one where no command is named: none needs its copy of the global flags.
fn alone(whole: clap::Command) -> clap::Command {
    whole.mut_args(|arg| arg.global(false))
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
    let global = cli.top.global.typed();
    match &cli.command {
        Some(Command::Login(Listed(args))) => args.typed(global),
        Some(Command::Broker(_)) => Typed { is_broker: true, ..global },
        _ => global,
    }
}

/// Where clap sends whoever made a mistake; our hint does that.
const MORE: &str = "For more information, try";

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
            let ours = |line: &&str| !line.is_empty() && !line.starts_with("tip:") && !line.starts_with(MORE);
            let lines = lines.filter(ours);
            lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
        }
    };
    let failure = Failure::new(code, text);
    let hint = match error.get(ContextKind::SuggestedSubcommand) {
        // The likeliest is the last.
        Some(ContextValue::Strings(names)) => {
            names.last().map_or(Hint::Help(command(args)), |name| Hint::DidYouMean(name.clone()))
        }
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
