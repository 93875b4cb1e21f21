//! `schema` leaves nothing out: everything that clap, the tables of variables and the codes know stands in it.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};
use serde_json::Value;

use super::document::{root, stands_for_another};
use super::nearest;
use crate::cli::Cli;
use crate::cli::catalog::{ENTRIES, Entry};
use crate::cli::listed::defined;
use crate::config::VARIABLES;
use crate::error::{Code, Kind};
use crate::ops::OPERATIONS;

fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list.as_array().into_iter().flatten().find(|one| one["name"] == name)
}

fn tree() -> Command {
    Cli::command().mut_subcommands(defined)
}

/// Everything that can be typed, with where it should stand.
fn walk(tree: &Command, shown: &Value, path: &str, missing: &mut Vec<String>) {
    let typed = |arg: &&clap::Arg| !stands_for_another(arg.get_id().as_str()) && arg.get_id() != "help";
    for arg in tree.get_arguments().filter(typed) {
        let name = arg.get_long().map_or_else(|| arg.get_id().as_str().replace('_', "-"), str::to_owned);
        let Some(flag) = named(&shown["flags"], &name).or_else(|| named(&shown["global_flags"], &name))
        else {
            missing.push(format!("{path} --{name}"));
            continue;
        };
        for value in arg.get_possible_values().iter().map(|value| value.get_name()) {
            let is_listed =
                flag["values"].as_array().is_some_and(|values| values.iter().any(|one| one == value));
            if flag["type"] != "bool" && !is_listed {
                missing.push(format!("{path} --{name}={value}"));
            }
        }
        if arg.get_short().is_some_and(|short| flag["shorthand"] != short.to_string()) {
            missing.push(format!("{path} -{:?}", arg.get_short()));
        }
    }
    for below in tree.get_subcommands() {
        let path = format!("{path} {}", below.get_name());
        let list = shown.get("commands").or(shown.get("subcommands")).unwrap_or(&Value::Null);
        match named(list, below.get_name()) {
            Some(shown) => walk(below, shown, &path, missing),
            None => missing.push(path),
        }
    }
}

#[test]
fn everything_that_can_be_typed_is_there() {
    let mut missing = Vec::new();
    walk(&tree(), &root(Cli::command()), "jira", &mut missing);
    assert!(missing.is_empty(), "{missing:#?}");
    let tree = tree().arg(clap::Arg::new("planted").long("planted"));
    walk(&tree, &root(Cli::command()), "jira", &mut missing);
    assert_eq!(missing, ["jira --planted"]);
}

#[test]
fn a_command_is_about_what_the_list_says() {
    let about = |command: &Command| {
        let texts = [command.get_about(), command.get_long_about()];
        texts.map(|text| text.map(ToString::to_string))
    };
    for command in Cli::command().get_subcommands() {
        assert_eq!(about(&defined(command.clone())), about(command), "{}", command.get_name());
    }
}

#[test]
fn every_command_has_its_row_and_every_row_its_command() {
    let mut paths = BTreeSet::new();
    let tree = tree();
    let mut waiting: Vec<(String, &Command)> =
        tree.get_subcommands().map(|one| (one.get_name().to_owned(), one)).collect();
    while let Some((path, command)) = waiting.pop() {
        if !command.has_subcommands() {
            paths.insert(path.clone());
        }
        waiting.extend(command.get_subcommands().map(|one| (format!("{path} {}", one.get_name()), one)));
    }
    let rows: BTreeSet<String> = ENTRIES.iter().map(|entry| entry.path.to_owned()).collect();
    assert_eq!(rows.len(), ENTRIES.len(), "a row stands once");
    assert_eq!(paths, rows);
    for operation in OPERATIONS {
        assert!(Entry::of(operation.name).is_some(), "{}", operation.name);
    }
}

#[test]
fn examples_can_be_typed() {
    for entry in ENTRIES {
        // Quotes hold no spaces but these.
        let mut words: Vec<String> = Vec::new();
        let mut quoted = false;
        for part in entry.example.split('\'') {
            match quoted {
                true => words.push(part.to_owned()),
                false => words.extend(part.split_whitespace().map(str::to_owned)),
            }
            quoted = !quoted;
        }
        let parsed = Cli::command().try_get_matches_from(&words);
        assert!(parsed.is_ok(), "{}: {}", entry.example, parsed.unwrap_err());
        assert!(words[1..].join(" ").starts_with(entry.path), "{}", entry.example);
    }
}

#[test]
fn every_code_and_every_variable_is_there() {
    let root = root(Cli::command());
    for code in Code::ALL {
        let found = root["error_codes"].as_array().unwrap().iter().find(|one| one["code"] == code.as_str());
        assert_eq!(found.unwrap()["exit_code"], code.kind().exit_code());
    }
    for kind in Kind::ALL {
        let codes = root["exit_codes"].as_array().unwrap();
        assert!(codes.iter().any(|one| one["code"] == kind.exit_code() && one["kind"] == kind.as_str()));
    }
    for variable in VARIABLES {
        assert!(named(&root["variables"], variable.name).is_some(), "{}", variable.name);
    }
}

/// The table of variables says `as --FLAG`; the flag must say the same of the variable.
#[test]
fn flags_and_variables_agree() {
    let root = root(Cli::command());
    let mut waiting = vec![&root];
    let mut said = BTreeSet::new();
    while let Some(at) = waiting.pop() {
        for flag in [&at["flags"], &at["global_flags"]].into_iter().flat_map(|list| list.as_array()).flatten()
        {
            let names = flag["aliases"].as_array().into_iter().flatten().chain([&flag["name"]]);
            for variable in flag["variables"].as_array().into_iter().flatten() {
                said.extend(names.clone().map(|name| (variable.to_string(), name.to_string())));
            }
        }
        waiting.extend(
            [&at["commands"], &at["subcommands"]].into_iter().flat_map(|list| list.as_array()).flatten(),
        );
    }
    for variable in VARIABLES {
        let Some(flag) = variable.help.strip_prefix("as --") else { continue };
        let pair = (Value::from(variable.name).to_string(), Value::from(flag).to_string());
        assert!(said.contains(&pair), "{} is said to be --{flag}", variable.name);
    }
}

#[test]
fn a_slip_is_told_from_another_word() {
    let names = ["search", "get", "run", "token"];
    assert_eq!(nearest("serch", &names), Some("search"));
    assert_eq!(nearest("tokne", &names), Some("token"));
    assert_eq!(nearest("delete", &names), None);
}
