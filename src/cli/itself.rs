//! Commands that only speak of this program: they need no site, no configuration and no variable, and none of
//! those can break them.

use clap::CommandFactory;
use serde::Serialize;

use crate::config::{ConfigError, Settings, Typed, resolve};
use crate::error::Failure;
use crate::output::{Format, Output, OutputOptions, Readable, Text};
use crate::process::{Env, Process};

use super::listed::Listed;
use super::{Cli, Command, completion, man, schema};

/// Whether it is one of them.
pub fn is_one(command: &Command) -> bool {
    matches!(command, Command::Schema(_) | Command::Completion(_) | Command::Man(_))
}

/// What was typed must be right all the same.
pub fn settings(typed: Typed) -> Result<Settings, ConfigError> {
    resolve(&Typed { env_file: None, ..typed }, &Env::default())
}

/// Runs it.
pub fn run(cli: &Cli, settings: &Settings, process: &Process) -> Result<(), Failure> {
    let format = settings.output.as_ref().and_then(|found| found.value.parse().ok());
    let color = super::color(process, settings.no_color);
    let options = OutputOptions { format: format.unwrap_or_default(), quiet: settings.quiet, color };
    let out = Output::new(options, process.stdout.clone(), process.stderr.clone());
    // A script and a page are for programs that read text; JSON only for whoever types so.
    let json = matches!(format, Some(Format::Json | Format::Jsonl));
    match &cli.command {
        Some(Command::Schema(Listed(args))) => schema::run(args, Cli::command(), &out),
        Some(Command::Completion(Listed(args))) => completion::run(args, json, &out),
        Some(Command::Man(Listed(args))) => man::run(args, Cli::command(), json, &out),
        _ => Ok(()),
    }
}

/// A text that is a result: as it is, or within JSON.
#[derive(Serialize)]
#[serde(transparent)]
struct Page<'a>(&'a str);

impl Text for Page<'_> {
    fn text(&self) -> Readable {
        Readable::Lines(self.0.lines().map(str::to_owned).collect())
    }
}

/// Writes a text: as it is, or as a string of JSON.
pub fn page(text: &str, json: bool, out: &Output) -> Result<(), Failure> {
    if json { out.value(&Page(text)) } else { out.plain(text) }
}
