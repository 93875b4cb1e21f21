//! The only writer: results to stdout, everything else to stderr, and nothing to either by another way.
//!
//! A result is JSON unless text was asked for. Warnings, infos and the failure are one line each, written
//! by one call, so that lines of parallel tasks and processes never mix.
//!
//! Nothing here waits for a reader, but what says so: [`Output::room`] between the items of a stream, and
//! [`Output::written`] and [`Output::said`] at the end. The deadline and the signals go on meanwhile.

pub mod json;
pub mod sanitize;
mod style;
pub mod text;

use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{Code, Failure};
use crate::process::Stream;
use style::{Style, paint};
use text::Surface;

pub use sanitize::{sanitize, sanitize_lines};
pub use text::{Readable, Text};

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Two-space indented JSON.
    #[default]
    Json,
    /// One compact JSON object a line.
    Jsonl,
    /// For people, or tab-separated for simple programs.
    Text,
}

impl Format {
    /// The words that name the formats.
    pub const NAMES: [&'static str; 3] = ["json", "jsonl", "text"];

    /// The word that names the format.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Text => "text",
        }
    }
}

impl FromStr for Format {
    type Err = OutputError;

    fn from_str(word: &str) -> Result<Self, OutputError> {
        match word {
            "json" => Ok(Format::Json),
            "jsonl" => Ok(Format::Jsonl),
            "text" => Ok(Format::Text),
            _ => Err(OutputError::UnknownFormat(word.to_owned())),
        }
    }
}

/// What can go wrong with output.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Not one of [`Format::NAMES`].
    #[error("\"{0}\" is no output format: it is json, jsonl or text")]
    UnknownFormat(String),
    /// Stdout took no more, for instance because the disk is full.
    #[error("the result could not be written: {0}")]
    Unwritable(io::Error),
    /// A result has no JSON form.
    #[error("the result could not be turned into JSON: {0}")]
    NotJson(serde_json::Error),
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        let code = match &error {
            OutputError::UnknownFormat(_) => Code::BadValue,
            OutputError::Unwritable(_) => Code::OutputUnwritable,
            OutputError::NotJson(_) => Code::Bug,
        };
        Failure::new(code, error.to_string())
    }
}

/// How an [`Output`] writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutputOptions {
    /// The format of results.
    pub format: Format,
    /// Whether infos are dropped.
    pub quiet: bool,
    /// Whether terminals get colour; already decided from flags and environment.
    pub color: bool,
}

/// How much may wait for the reader of stderr: what it does not read for so long, it is not waiting for.
const BACKLOG: usize = 1024 * 1024;

/// The writer of one command. Clones write to the same streams.
#[derive(Clone)]
pub struct Output {
    options: OutputOptions,
    stdout: Stream,
    stderr: Stream,
    closed: Arc<AtomicBool>,
}

impl Output {
    /// A writer to the given streams.
    pub fn new(options: OutputOptions, stdout: Stream, stderr: Stream) -> Self {
        Output { options, stdout, stderr, closed: Arc::new(AtomicBool::new(false)) }
    }

    /// The format of results.
    pub fn format(&self) -> Format {
        self.options.format
    }

    /// Whether the reader of stdout has gone: there is no use in fetching more.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Waits until there is room for more: between the items of a list that is streamed, so that a slow reader
    /// costs no memory.
    pub async fn room(&self) -> Result<(), Failure> {
        self.judge(self.stdout.room().await)
    }

    /// Waits until every result is written; says whether that worked.
    pub async fn written(&self) -> Result<(), Failure> {
        self.judge(self.stdout.written().await)
    }

    /// Waits until everything else is.
    pub async fn said(&self) {
        // Whoever closed stderr does not want to hear about it.
        let _ = self.stderr.written().await;
    }

    /// Writes a result. As `jsonl` a list is one line an item, anything else one line.
    pub fn value<T: Serialize + Text + ?Sized>(&self, value: &T) -> Result<(), Failure> {
        match self.options.format {
            Format::Json => self.result(&json::pretty(value).map_err(OutputError::NotJson)?),
            Format::Jsonl => match serde_json::to_value(value).map_err(OutputError::NotJson)? {
                Value::Array(items) => items.iter().try_for_each(|item| self.item(item)),
                single => self.item(&single),
            },
            Format::Text => self.readable(&value.text()),
        }
    }

    /// Writes one item of a list that is streamed: a line of compact JSON, or its rows of text.
    pub fn item<T: Serialize + Text + ?Sized>(&self, item: &T) -> Result<(), Failure> {
        match self.options.format {
            Format::Json | Format::Jsonl => self.result(&json::compact(item).map_err(OutputError::NotJson)?),
            Format::Text => match item.text() {
                // The header would stand above every row.
                Readable::Rows { rows, .. } => self.readable(&Readable::Rows { header: Vec::new(), rows }),
                other => self.readable(&other),
            },
        }
    }

    /// Writes our own text as it is, and a line feed if it has none: a version, a page, a token.
    pub fn plain(&self, text: &str) -> Result<(), Failure> {
        // The copy may be a token's.
        let mut line = Zeroizing::new(Vec::with_capacity(text.len() + 1));
        line.extend_from_slice(text.as_bytes());
        if !text.ends_with('\n') {
            line.push(b'\n');
        }
        self.result(&line)
    }

    /// Writes a warning; `extra` is an object whose members stand beside `code` and `message`.
    pub fn warning(&self, code: &str, message: &str, extra: Option<Value>) {
        self.note("warning", Style::Warning, code, message, extra);
    }

    /// Writes something good to know, unless quiet.
    pub fn info(&self, code: &str, message: &str, extra: Option<Value>) {
        if !self.options.quiet {
            self.note("info", Style::Note, code, message, extra);
        }
    }

    /// Writes something that whoever waits for stderr acts on, quiet or not: `{"name":{…}}`, or the
    /// message where a person reads.
    pub fn event(&self, name: &str, object: Value, message: &str) {
        match self.person_reads_stderr() {
            true => self.line(sanitize_lines(message)),
            false => self.json_line(name, object),
        }
    }

    /// Writes the failure; the last thing that a command says. With JSON as the format it is JSON on a
    /// terminal too: a program may well have got one.
    pub fn failure(&self, failure: &Failure) {
        if self.options.format != Format::Text {
            return self.write_line(&object_line("error", failure.to_json()));
        }
        let mut text = self.labelled("error", Style::Error, &failure.message);
        if let Some(hint) = &failure.hint {
            text.push('\n');
            text.push_str(&self.labelled("hint", Style::Note, &hint.to_string()));
        }
        text.push('\n');
        self.write_line(text.as_bytes());
    }

    /// Writes one line of the log.
    pub fn log(&self, line: &str) {
        self.line(sanitize(line).into_owned());
    }

    /// Writes a question, without a line feed, so that the answer stands beside it.
    pub fn prompt(&self, question: &str) {
        self.say(sanitize_lines(question).as_bytes());
    }

    fn note(&self, kind: &str, style: Style, code: &str, message: &str, extra: Option<Value>) {
        if self.person_reads_stderr() {
            return self.line(self.labelled(kind, style, message));
        }
        let mut object = Map::new();
        object.insert("code".to_owned(), code.into());
        object.insert("message".to_owned(), message.into());
        match extra {
            Some(Value::Object(members)) => {
                for (name, value) in members {
                    object.entry(name).or_insert(value);
                }
            }
            Some(details) => drop(object.insert("details".to_owned(), details)),
            None => {}
        }
        self.json_line(kind, Value::Object(object));
    }

    fn person_reads_stderr(&self) -> bool {
        self.options.format == Format::Text || self.stderr.is_terminal()
    }

    /// `label: message`. Further lines are indented, so that text from elsewhere cannot pose as a line
    /// of ours.
    fn labelled(&self, label: &str, style: Style, message: &str) -> String {
        let color = self.options.color && self.stderr.is_terminal();
        let label = paint(style, &format!("{label}:"), color);
        format!("{label} {}", sanitize_lines(message).replace('\n', "\n  "))
    }

    fn json_line(&self, name: &str, object: Value) {
        self.say(&object_line(name, object));
    }

    fn line(&self, mut text: String) {
        text.push('\n');
        self.say(text.as_bytes());
    }

    fn say(&self, bytes: &[u8]) {
        if self.stderr.waiting() <= BACKLOG {
            self.write_line(bytes);
        }
    }

    /// Whoever closed stderr does not want to hear about it, and there is nowhere else to say so.
    fn write_line(&self, bytes: &[u8]) {
        let _ = self.stderr.write(bytes);
    }

    fn readable(&self, text: &Readable) -> Result<(), Failure> {
        let surface = Surface {
            terminal: self.stdout.is_terminal(),
            color: self.options.color && self.stdout.is_terminal(),
            width: self.stdout.width(),
        };
        self.result(text::render(text, surface).as_bytes())
    }

    fn result(&self, bytes: &[u8]) -> Result<(), Failure> {
        match self.closed() || bytes.is_empty() {
            true => Ok(()),
            false => self.judge(self.stdout.write(bytes)),
        }
    }

    /// A reader that has gone (`jira search … | head`) is no error; a full disk is.
    fn judge(&self, written: io::Result<()>) -> Result<(), Failure> {
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(OutputError::Unwritable(error).into()),
        }
    }
}

/// `{"name":{…}}`, in one line.
fn object_line(name: &str, object: Value) -> Vec<u8> {
    let wrapped = Value::Object(Map::from_iter([(name.to_owned(), object)]));
    json::compact(&wrapped).expect("a JSON value has a JSON form")
}

#[cfg(test)]
mod tests;
