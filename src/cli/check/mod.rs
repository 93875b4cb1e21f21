//! `config check`: reads workflow files and scripts that were written for go-jira, and says what would behave
//! differently here. Nothing in them is run, and no value of theirs is repeated.

mod callback;
mod containers;
mod dotenv;
mod exits;
mod flow;
mod groovy;
mod hits;
mod invocation;
mod lines;
mod lists;
mod make;
mod manifest;
mod position;
mod rules;
mod scope;
mod script;
mod settings;
mod shell;
mod told;
mod verdicts;
mod wrappers;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::error::{Code, Failure, Hint};
use crate::ops::schema::of;
use crate::output::{Readable, Text};
use crate::process::on_own_thread;

use rules::RULES;
use script::Script;

use super::context::Context;

/// What is larger is no script.
const CAP: u64 = 4 * 1024 * 1024;

/// `jira config check FILE…`
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Files to read, of any kind: workflows, Jenkinsfiles, Dockerfiles, scripts, .env; - is stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Exit 0 in spite of findings
    #[arg(long)]
    pub exit_zero: bool,
}

/// What was found, in the order of the files.
#[derive(Serialize, JsonSchema)]
struct Report {
    files: usize,
    findings: Vec<Finding>,
}

/// One place that would behave differently.
#[derive(Serialize, JsonSchema)]
struct Finding {
    file: String,
    line: usize,
    column: usize,
    code: &'static str,
    found: String,
    why: &'static str,
    instead: String,
}

impl Text for Report {
    fn text(&self) -> Readable {
        let lines = self.findings.iter().flat_map(|one| {
            let Finding { file, line, column, code, found, why, instead } = one;
            [format!("{file}:{line}:{column}: {found}: {why} [{code}]"), format!("  instead: {instead}")]
        });
        Readable::Lines(lines.collect())
    }
}

/// The JSON Schema of the report.
pub fn schema() -> Value {
    of::<Report>()
}

/// Reads all files before it says anything. What is found in those that can be read is not lost for the others.
pub async fn run(CheckArgs { files, exit_zero }: CheckArgs, ctx: &Context) -> Result<(), Failure> {
    let mut report = Report { files: 0, findings: Vec::new() };
    let mut unread = Vec::new();
    for file in &files {
        let (name, source) = match read(file, ctx).await {
            Ok(read) => read,
            Err(why) => {
                unread.push(why);
                continue;
            }
        };
        report.files += 1;
        // A file is somebody else's, and may be made to take long: the deadline and the signals go on.
        let found = on_own_thread(move || findings(&name, &source)).await;
        report.findings.extend(found.map_err(|error| Failure::new(Code::Bug, error.to_string()))?);
    }
    if report.files > 0 {
        ctx.out.value(&report)?;
    }
    if !unread.is_empty() {
        return Err(Failure::new(Code::BadValue, unread.join("; ")));
    }
    match report.findings.len() {
        0 => Ok(()),
        _ if exit_zero => Ok(()),
        found => {
            let text =
                format!("places that differ from go-jira: {found}; --exit-zero exits 0 in spite of them");
            Err(Failure::new(Code::Findings, text).hint(Hint::Help("config check")))
        }
    }
}

/// What the rules find in one file, from top to bottom.
fn findings(name: &str, source: &str) -> Vec<Finding> {
    let script = Script::read(name, source);
    if !script.concerned {
        return Vec::new();
    }
    let mut findings: Vec<Finding> = Vec::new();
    for rule in RULES {
        let found = (rule.hits)(&script).into_iter().map(|hit| Finding {
            file: name.to_owned(),
            line: hit.line,
            column: hit.column,
            code: rule.code,
            found: hit.found,
            why: rule.why,
            instead: hit.instead.unwrap_or_else(|| rule.instead.to_owned()),
        });
        findings.extend(found);
    }
    findings.sort_by_key(|one| (one.line, one.column));
    findings
        .dedup_by(|one, other| (one.line, one.column, one.code) == (other.line, other.column, other.code));
    findings
}

/// The name of a file and its text, or why there is none.
async fn read(file: &Path, ctx: &Context) -> Result<(String, String), String> {
    let (name, read) = match file.to_str() {
        Some("-") => ("<stdin>".to_owned(), ctx.process.stdin.read_all(CAP).await),
        _ => {
            let path = file.to_owned();
            (file.display().to_string(), on_own_thread(move || whole(&path)).await.flatten())
        }
    };
    let bad = |why: &str| format!("{name} cannot be checked: {why}");
    let text = decoded(read.map_err(|error| bad(&error.to_string()))?);
    if text.contains('\0') {
        return Err(bad("it is no text"));
    }
    Ok((name, text))
}

/// A text in UTF-16 with its mark, as Windows writes it, or in what has ASCII in it: no other letter matters here.
fn decoded(bytes: Vec<u8>) -> String {
    let units = |of: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect()
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn whole(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // A pipe is read to its end, a directory is none.
    if file.metadata()?.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    let mut bytes = Vec::new();
    file.take(CAP + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        length if length > CAP => Err(io::Error::other(format!("it is larger than {} MiB", CAP >> 20))),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests;
