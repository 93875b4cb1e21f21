//! What the scripts ask: `jira __complete AT WORD…`. Answers from the program, `config.toml` and what earlier
//! commands have seen; without network, keyring, or a word on stderr.

use clap::{Command, CommandFactory};

use crate::config::{Meant, Typed, meant};
use crate::output::{Output, OutputOptions};
use crate::process::Process;

use super::offer::{Candidate, Offer, Wanted, offer};
use crate::cli::Cli;
use crate::cli::listed::defined;
use crate::cli::seen::{Kind, Seen};

/// The first argument that asks.
pub const COMPLETE: &str = "__complete";

/// Answers. What cannot be answered is answered with nothing: a person types on.
pub fn answer(process: &Process) -> u8 {
    let mut args = process.args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let Some(at) = args.next().and_then(|at| at.parse::<usize>().ok()) else { return 2 };
    let words: Vec<String> = args.collect();
    let (before, rest) = words.split_at(at.min(words.len()));
    let current = rest.first().map(String::as_str).unwrap_or_default();
    let values = |wanted: Wanted| known(wanted, before, process);
    let text = match offer(&tree(before), before, current, &values) {
        Offer::Files => ":files".to_owned(),
        Offer::Words(words) => words.iter().map(line).collect::<Vec<_>>().join("\n"),
    };
    if text.is_empty() {
        return 0;
    }
    let out = Output::new(OutputOptions::default(), process.stdout.clone(), process.stderr.clone());
    u8::from(out.plain(&text).is_err())
}

/// All commands, and what those take that are named.
pub(super) fn tree(words: &[String]) -> Command {
    let is_named = |command: &Command| words.iter().any(|word| word == command.get_name());
    Cli::command().mut_subcommands(|command| if is_named(&command) { defined(command) } else { command })
}

fn line(Candidate { word, help }: &Candidate) -> String {
    if help.is_empty() { word.clone() } else { format!("{word}\t{help}") }
}

/// The values that are known for the site that is meant.
fn known(wanted: Wanted, before: &[String], process: &Process) -> Vec<String> {
    let typed = Typed {
        site: value_of("--site", before),
        base_url: value_of("--base-url", before),
        env_file: value_of("--env-file", before),
        ..Typed::default()
    };
    let Ok(Meant { dirs, sites, site, base_url, no_cache }) = meant(&typed, &process.env) else {
        return Vec::new();
    };
    let kind = match wanted {
        Wanted::Sites => return sites.list().iter().map(|site| site.name.to_string()).collect(),
        Wanted::Keys => Kind::Keys,
        Wanted::Projects => Kind::Projects,
        Wanted::Transitions => Kind::Transitions,
        Wanted::Statuses => Kind::Statuses,
        Wanted::LinkTypes => Kind::LinkTypes,
        Wanted::Boards => Kind::Boards,
    };
    let Some(base_url) = base_url.filter(|_| !no_cache) else { return Vec::new() };
    let path = Seen::path(&dirs.cache, &base_url, site.as_ref().map(|site| &site.name));
    Seen::load(&path, process.clock.now()).words(kind)
}

/// What stands behind a flag.
fn value_of(flag: &str, words: &[String]) -> Option<String> {
    let at = words.iter().position(|word| word == flag || word.starts_with(&format!("{flag}=")))?;
    match words[at].split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => words.get(at + 1).cloned(),
    }
}
