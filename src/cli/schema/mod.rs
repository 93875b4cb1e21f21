//! `schema`: the whole command line as data, made from what the command line itself is made of.

mod document;
mod flags;
mod readable;
#[cfg(test)]
mod tests;

use clap::Args;
use serde_json::Value;

use crate::error::{Code, Failure, Hint};
use crate::ops::distance;
use crate::output::{Output, Readable, Text};

pub use document::schema;

/// `jira schema`
#[derive(Args, Clone, Debug, Default)]
pub struct SchemaArgs {
    /// The command to show alone, such as `token status`
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// The tree, or a command of it.
struct Shown(Value);

impl serde::Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Text for Shown {
    fn text(&self) -> Readable {
        Readable::Lines(readable::lines(&self.0))
    }
}

/// Writes it.
pub fn run(args: &SchemaArgs, tree: clap::Command, out: &Output) -> Result<(), Failure> {
    let root = document::root(tree);
    if args.command.is_empty() {
        return out.value(&Shown(root));
    }
    out.value(&Shown(find(&root, &args.command)?.clone()))
}

/// The command of these words. Several may stand in one argument.
fn find<'a>(root: &'a Value, words: &[String]) -> Result<&'a Value, Failure> {
    let words: Vec<&str> = words.iter().flat_map(|word| word.split_whitespace()).collect();
    let mut at = root;
    let mut passed: Vec<&str> = Vec::new();
    for word in words.iter().skip_while(|word| **word == "jira") {
        let below = at.get("commands").or(at.get("subcommands")).and_then(Value::as_array);
        let names: Vec<&str> = below.into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
        match below.into_iter().flatten().find(|one| one["name"] == **word) {
            Some(found) => at = found,
            None => return Err(unknown(&passed, word, &names)),
        }
        passed.push(word);
    }
    Ok(at)
}

fn unknown(passed: &[&str], word: &str, names: &[&str]) -> Failure {
    let whole = |name: &str| [passed, &[name]].concat().join(" ");
    let failure = Failure::new(Code::BadValue, format!("there is no command `{}`", whole(word)));
    match nearest(word, names) {
        Some(name) => failure.hint(Hint::DidYouMean(format!("schema {}", whole(name)))),
        None => failure.hint(Hint::Help("schema")),
    }
}

/// The name that was probably meant: the one with the fewest letters to change, if they are few.
fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let best = names.iter().copied().min_by_key(|name| distance(word, name))?;
    (distance(word, best) * 2 <= best.len()).then_some(best)
}
