//! Flags of an operation that were not typed: `INPUT_<FLAG>` stands in for each, and the variables that the
//! operation names. Their values are put behind the command as if they had been typed, so that one parser
//! judges both.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::config::{Source, Vars};
use crate::error::Failure;
use crate::ops;

/// A protection must be typed: a variable that was set for one command would confirm another.
const TYPED_ONLY: &str = "confirm";

/// One flag that a variable sets, as an argument, and where it came from.
pub struct Input {
    /// `--flag=value`.
    pub arg: String,
    /// The variable.
    pub source: Source,
}

/// What the variables say of the flags that were not typed. `cli` is the whole command line, `matches` what
/// was typed.
pub fn find(cli: &Command, matches: &ArgMatches, vars: &Vars) -> Result<Vec<Input>, Failure> {
    let Some((name, typed)) = matches.subcommand() else { return Ok(Vec::new()) };
    let (Some(flags), Some(command)) = (ops::flags(name), cli.find_subcommand(name)) else {
        return Ok(Vec::new());
    };
    let mut inputs = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_global_set()) {
        let Some((long, input)) = arg.get_long().and_then(|long| Some((long, variable(long)?))) else {
            continue;
        };
        if is_settled(arg, command, typed) {
            continue;
        }
        let more = flags.iter().find(|flag| flag.name == long).map_or(&[][..], |flag| flag.variables);
        let names: Vec<&str> = std::iter::once(input.as_str()).chain(more.iter().copied()).collect();
        if let Some((value, source)) = vars.lookup(&names)? {
            inputs.push(Input { arg: format!("--{long}={value}"), source });
        }
    }
    Ok(inputs)
}

/// The variable that stands in for a flag of an operation, if one may.
pub fn variable(flag: &str) -> Option<String> {
    (flag != TYPED_ONLY).then(|| format!("INPUT_{}", flag.replace('-', "_").to_ascii_uppercase()))
}

/// The arguments with one more flag, right behind the name of the command: what follows a `--` is no flag.
pub fn with(args: &[String], cli: &Command, matches: &ArgMatches, input: &Input) -> Vec<String> {
    let name = matches.subcommand_name().unwrap_or_default();
    let takes_value = |arg: &str| {
        let long = arg.strip_prefix("--");
        let global = cli.get_arguments().find(|known| known.get_long() == long && long.is_some());
        global.is_some_and(|known| known.get_action().takes_values() && !known.is_require_equals_set())
    };
    let at = (0..args.len()).find(|at| args[*at] == name && (*at == 0 || !takes_value(&args[*at - 1])));
    let at = at.map_or(args.len(), |at| at + 1);
    let (before, behind) = args.split_at(at);
    [before, std::slice::from_ref(&input.arg), behind].concat()
}

/// Whether the flag was typed, or one that stands in its place.
fn is_settled(arg: &Arg, command: &Command, typed: &ArgMatches) -> bool {
    let was_typed = |arg: &Arg| typed.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let clashes = |one: &Arg, other: &Arg| command.get_arg_conflicts_with(one).contains(&other);
    was_typed(arg)
        || command
            .get_arguments()
            .any(|other| was_typed(other) && (clashes(arg, other) || clashes(other, arg)))
}
