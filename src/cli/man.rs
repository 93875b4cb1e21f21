//! `man`: the manual, a page a command, from what `--help` and `schema` are made of.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use serde::Serialize;

use crate::config::VARIABLES;
use crate::error::{Code, Failure, Hint, Kind};
use crate::output::{Output, Readable, Text};

use super::catalog::Entry;
use super::itself;

/// `jira man`
#[derive(Args, Clone, Debug, Default)]
pub struct ManArgs {
    /// The command, such as `token status`; without one the page of jira itself
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Write every page into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}

const FILES: [(&str, &str); 4] = [
    ("~/.config/jira-oauth/config.toml", "the sites; no secret"),
    ("~/.config/jira-oauth/sessions/", "sessions under a master password, where there is no keyring"),
    ("~/.local/state/jira-oauth/locks/", "one lock a session"),
    ("~/.cache/jira-oauth/", "keys and names for completion; logout removes them"),
];

/// Writes a page, or all into a directory.
pub fn run(
    ManArgs { command, dir }: &ManArgs,
    mut tree: Command,
    json: bool,
    out: &Output,
) -> Result<(), Failure> {
    tree.build();
    if let Some(dir) = dir {
        return every_page(&tree, dir, json, out);
    }
    let mut at = &tree;
    let words: Vec<&str> = command.iter().flat_map(|word| word.split_whitespace()).collect();
    for word in words.iter().skip_while(|word| **word == "jira") {
        let found = at.find_subcommand(word).filter(|found| is_shown(found));
        at = found.ok_or_else(|| {
            let text = format!("there is no command `{}`", words.join(" "));
            Failure::new(Code::BadValue, text).hint(Hint::Help(""))
        })?;
    }
    itself::page(&page(at), json, out)
}

fn every_page(tree: &Command, dir: &Path, json: bool, out: &Output) -> Result<(), Failure> {
    let unwritable = |path: &Path, error: &std::io::Error| {
        Failure::new(Code::OutputUnwritable, format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(dir).map_err(|error| unwritable(dir, &error))?;
    let mut commands = vec![tree];
    let mut written = Vec::new();
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands().filter(|one| is_shown(one)));
        let path = dir.join(format!("{}.1", title(command)));
        fs::write(&path, page(command)).map_err(|error| unwritable(&path, &error))?;
        written.push(path.display().to_string());
    }
    written.sort_unstable();
    if json { out.value(&Written(written)) } else { out.plain(&written.join("\n")) }
}

/// The paths of the pages.
#[derive(Serialize)]
#[serde(transparent)]
struct Written(Vec<String>);

impl Text for Written {
    fn text(&self) -> Readable {
        Readable::Lines(self.0.clone())
    }
}

fn is_shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn title(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

/// One page as roff.
fn page(command: &Command) -> String {
    let root = command.get_name() == "jira";
    let name = title(command);
    // What every command takes stands on the page of jira itself.
    let own = command.clone().mut_args(|arg| if arg.is_global_set() && !root { arg.hide(true) } else { arg });
    let path = name.replacen("jira-", "", 1).replace('-', " ");
    let man = Man::new(own);
    let version = env!("CARGO_PKG_VERSION");
    // No date: a build of the same source is the same page.
    let mut text = format!(".TH \"{name}\" \"1\" \"\" \"jira {version}\" \"\"\n").into_bytes();
    let rendered = man
        .render_name_section(&mut text)
        .and_then(|()| man.render_synopsis_section(&mut text))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| man.render_options_section(&mut text))
        .and_then(|()| match command.has_subcommands() {
            true => man.render_subcommands_section(&mut text),
            false => Ok(()),
        });
    rendered.expect("writing to memory cannot fail");
    let rest = sections(root, Entry::of(&path));
    String::from_utf8_lossy(&text).into_owned() + &rest.to_roff()
}

/// What clap does not know.
fn sections(root: bool, entry: Option<&Entry>) -> Roff {
    let mut roff = Roff::new();
    let mut rows = |heading: &str, rows: Vec<(String, String)>| {
        roff.control("SH", [heading]);
        for (term, words) in rows {
            roff.control("TP", []);
            roff.text([bold(term)]);
            roff.text([roman(words)]);
        }
    };
    let kinds: &[Kind] = entry.map_or(&Kind::ALL, |entry| entry.reach.kinds());
    let codes = kinds.iter().map(|kind| {
        (kind.exit_code().to_string(), format!("{}: {}", kind.as_str().replace('_', " "), kind.meaning()))
    });
    rows("EXIT STATUS", std::iter::once(("0".to_owned(), "done".to_owned())).chain(codes).collect());
    if root {
        let variables = VARIABLES.iter().map(|variable| {
            let twin = variable.file_twin.map(|twin| format!("; or {twin} names a file with it"));
            (variable.name.to_owned(), format!("{}{}", variable.help, twin.unwrap_or_default()))
        });
        rows("ENVIRONMENT", variables.collect());
        let files = FILES.iter().map(|(path, words)| ((*path).to_owned(), (*words).to_owned()));
        rows("FILES", files.collect());
    }
    if let Some(entry) = entry {
        roff.control("SH", ["EXAMPLE"]);
        roff.text([bold(entry.example)]);
    }
    if !root {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold("jira"), roman("(1): the options that every command takes, variables, files")]);
    }
    roff
}
