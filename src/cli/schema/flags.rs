//! A flag, or a position, as data: from clap, from the operation's table, from the configuration's.

use std::any::TypeId;

use clap::{Arg, ArgAction, Command};
use serde_json::Value;

use crate::cli::inputs;
use crate::config::flag_facts;
use crate::ops::Flag;

use super::document::{Lean, stands_for_another};

/// Whose flag it is: it decides which variables set it.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    /// A global flag.
    Everybody,
    /// A flag of an operation: `INPUT_<FLAG>` sets each.
    Operation(&'static [Flag]),
    /// Any other.
    Command,
}

pub(super) fn flag(arg: &Arg, command: &Command, owner: Owner) -> Value {
    let name = name(arg);
    let said = match owner {
        Owner::Operation(flags) => flags.iter().find(|flag| flag.name == name),
        Owner::Everybody | Owner::Command => None,
    };
    let facts = flag_facts(&name);
    let kind = kind(arg);
    let default = said.and_then(|said| said.default);
    // What config assumes holds for the flags that config itself looks at.
    let default = default.or(facts.as_ref().and_then(|facts| facts.default));
    let long = arg.get_long().is_some();
    let position = command
        .get_positionals()
        .find(|other| other.get_id().as_str().strip_suffix("_pos") == Some(arg.get_id().as_str()));
    let positional = match (long, position) {
        (false, _) => Some("only"),
        (true, Some(_)) => Some("also"),
        (true, None) => None,
    };
    let values: Vec<String> = match values(arg) {
        // `true` and `false` go without saying.
        _ if kind == "bool" => Vec::new(),
        none if none.is_empty() => {
            facts.iter().flat_map(|facts| &facts.values).map(|value| (*value).to_owned()).collect()
        }
        values => values,
    };
    let aliases: Vec<String> =
        arg.get_visible_aliases().unwrap_or_default().into_iter().map(str::to_owned).collect();
    Lean::new()
        .put("name", name.clone())
        .put("shorthand", arg.get_short().map(String::from))
        .put("aliases", aliases)
        .always("type", kind)
        .put("default", default)
        .put("usage", arg.get_help().map(|help| help.to_string()))
        .put("required", said.is_some_and(|said| said.required) || (!long && arg.is_required_set()))
        .put("multiple", many(arg) || position.is_some_and(many))
        .put("values", values)
        .put("variables", variables(&name, long, owner))
        .put("positional", positional)
        .put("conflicts", conflicts(arg, command))
        .done()
}

fn name(arg: &Arg) -> String {
    arg.get_long().map_or_else(|| arg.get_id().as_str().replace('_', "-"), str::to_owned)
}

/// go-jira's words for types, and `count` for a flag that is said several times.
fn kind(arg: &Arg) -> &'static str {
    match arg.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse => return "bool",
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version => return "bool",
        ArgAction::Count => return "count",
        _ => {}
    }
    let parsed = arg.get_value_parser().type_id();
    let integers = [
        TypeId::of::<i64>(),
        TypeId::of::<i32>(),
        TypeId::of::<u64>(),
        TypeId::of::<u32>(),
        TypeId::of::<u16>(),
        TypeId::of::<usize>(),
    ];
    let named = |word: &str| {
        arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == word))
    };
    match () {
        () if parsed == TypeId::of::<bool>() => "bool",
        () if integers.into_iter().any(|integer| parsed == integer) => "int",
        () if named("DURATION") => "duration",
        () => "string",
    }
}

fn values(arg: &Arg) -> Vec<String> {
    arg.get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_owned())
        .collect()
}

fn many(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
        || arg.get_num_args().is_some_and(|range| range.max_values() > 1)
}

fn variables(name: &str, long: bool, owner: Owner) -> Vec<String> {
    let mut names = Vec::new();
    if !long {
        return names;
    }
    if let Owner::Operation(flags) = owner {
        names.extend(inputs::variable(name));
        let said = flags.iter().find(|flag| flag.name == name);
        names.extend(said.into_iter().flat_map(|said| said.variables).map(|name| (*name).to_owned()));
    }
    let known = flag_facts(name).map_or(&[][..], |facts| facts.variables);
    for known in known {
        if !names.iter().any(|name| name == known) {
            names.push((*known).to_owned());
        }
    }
    names
}

/// The flags that it excludes. A position that stands for the flag itself is none.
fn conflicts(arg: &Arg, command: &Command) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for other in command.get_arguments().filter(|other| other.get_id() != arg.get_id()) {
        let excludes = |one: &Arg, other: &Arg| command.get_arg_conflicts_with(one).contains(&other);
        if !stands_for_another(other.get_id().as_str()) && (excludes(arg, other) || excludes(other, arg)) {
            names.push(name(other));
        }
    }
    names
}
