//! What a shell knows from one command to the next: whose exit code `$?` is, which variables keep one of go-jira's
//! or what it wrote to stderr, and what of that is compared with 1 or searched for text.

use std::collections::{HashMap, HashSet};

use super::exits::FOUND;
use super::hits::Hit;
use super::position::{Names, Position, assignment, is_go_jira, is_key, is_name};
use super::shell::{Simple, Word};
use super::told::searches;
use super::wrappers::base;

/// Words before an assignment that leave it one.
const DECLARES: [&str; 6] = ["export", "local", "readonly", "declare", "typeset", "set"];

/// Where the shell stands.
#[derive(Debug, Default)]
pub struct Flow {
    /// Whether a pipe fails with any part of it.
    pipefail: bool,
    /// Whether `$?` may be go-jira's, and the same of the first part of the last pipe and of PowerShell's programs.
    last: bool,
    first: bool,
    native: bool,
    /// The variables that keep an exit code of go-jira's.
    kept: HashSet<String>,
    /// Of each `if`: whether its condition ended with go-jira's code.
    conditions: Vec<bool>,
    /// Of each `case`: whether it is about go-jira's code.
    cases: Vec<bool>,
    /// Variables (`$name`) and files that hold the stderr of a command line, by its number.
    pub(super) told: HashMap<String, usize>,
    /// Those of them in which text was looked for.
    pub(super) found: Vec<usize>,
    /// Those of them that something got.
    pub(super) read: Vec<usize>,
    /// Whether the command at hand compares a text, or looks for one.
    looks: bool,
    pub(super) line: InLine,
    pub hits: Vec<Hit>,
}

/// What ends with a line, or with a text in it.
#[derive(Debug, Default)]
pub struct InLine {
    pub(super) opened: Vec<Opened>,
    backquoted: bool,
    /// Whether go-jira is a part of the pipe so far, and the first one.
    piped: bool,
    begins: bool,
    /// The stderr that the pipe reads.
    pub(super) told: Vec<usize>,
    /// The stderr that is put into the text at hand.
    pub(super) pasted: Vec<usize>,
}

/// What a line goes on with behind a text in it.
pub struct Outside {
    line: InLine,
    last: Option<bool>,
    looks: bool,
}

/// What stands before a parenthesis.
#[derive(Debug, Default)]
pub struct Opened {
    /// `name=$(…)`: the exit code is that of what is in it.
    pub(super) receiver: Option<String>,
    /// Another command gets the output, and leaves a code of its own: whether that is go-jira.
    covered: Option<bool>,
}

impl Flow {
    pub fn of(source: &str) -> Flow {
        // GitHub's `shell: bash` sets it.
        let pipefail = source.contains("pipefail") || source.contains("shell: bash");
        Flow { pipefail, ..Flow::default() }
    }

    /// Another shell begins.
    pub fn begin(&mut self) {
        (self.last, self.first, self.native) = (false, false, false);
        self.conditions.clear();
        self.cases.clear();
    }

    /// Another line begins.
    pub fn line(&mut self) {
        self.line = InLine::default();
    }

    /// A text in a line is read. `runs`: as commands of their own; otherwise what is in `$(…)` runs first, and leaves
    /// its exit code to an assignment only.
    pub fn enter(&mut self, runs: bool, simple: &Simple) -> Outside {
        let lasts = runs || is_pure(&simple.words);
        let line = std::mem::take(&mut self.line);
        Outside { line, last: (!lasts).then_some(self.last), looks: self.looks && !runs }
    }

    /// The text is read, and the line goes on.
    pub fn leave(&mut self, Outside { line, last, looks }: Outside) {
        if looks {
            self.found.append(&mut self.line.pasted);
        }
        self.line = line;
        self.looks = looks;
        self.last = last.unwrap_or(self.last);
    }

    /// A command, in the order of the file. `runs`: it is one, and no text.
    pub fn step(&mut self, simple: &Simple, place: &Position, names: &mut Names, runs: bool) {
        self.looks = false;
        if runs {
            names.define(simple, place);
            let words = self.keywords(&simple.words);
            let words = self.case(simple, words);
            if !words.is_empty() {
                self.command(simple, words, place, names);
            }
        }
        self.bounds(simple, place.ours.is_some());
    }

    /// Takes what stands before a command.
    fn keywords<'a>(&mut self, mut words: &'a [Word]) -> &'a [Word] {
        while let Some((first, rest)) = words.split_first() {
            let first = first.text();
            match first.as_str() {
                "if" => self.conditions.push(false),
                "then" => {
                    if let Some(code) = self.conditions.last_mut() {
                        *code = self.last;
                    }
                }
                "else" | "elif" => self.last = self.conditions.last().copied().unwrap_or(self.last),
                "fi" => drop(self.conditions.pop()),
                "esac" => drop(self.cases.pop()),
                "while" | "until" | "do" | "done" | "!" | "{" | "}" | "-" | "RUN" => {}
                key if key.strip_suffix(':').is_some_and(is_key) => self.begin(),
                _ => break,
            }
            words = rest;
        }
        words
    }

    /// Takes `case … in` and a pattern.
    fn case<'a>(&mut self, simple: &Simple, words: &'a [Word]) -> &'a [Word] {
        let mut words = words;
        if let [case, value, of, rest @ ..] = words
            && case.is("case")
            && of.is("in")
        {
            let exit = variable(&value.text()).is_some_and(|name| self.is_exit(name));
            self.cases.push(exit);
            self.looks = true;
            let told = self.mentions(std::slice::from_ref(value), &[]);
            self.found.extend(told);
            words = rest;
        }
        match (self.cases.last(), words) {
            (Some(exit), [pattern]) if matches!(simple.closed_by, ")" | "|") && simple.opened_by != "$(" => {
                if *exit && pattern.is("1") {
                    self.hit(pattern);
                }
                &[]
            }
            _ => words,
        }
    }

    fn command(&mut self, simple: &Simple, words: &[Word], place: &Position, names: &mut Names) {
        let ours = place.ours.is_some();
        let told = self.mentions(&simple.words, &simple.redirects);
        let program = simple.words.get(place.program).map(Word::text).unwrap_or_default();
        if !matches!(base(&program), "rm" | "touch" | "chmod") {
            self.read.extend(&told);
        }
        if !ours {
            self.overwritten(&simple.redirects);
        }
        if searches(&program, &mut simple.words.iter().skip(place.program).map(Word::text)) {
            self.looks = true;
            self.found.append(&mut self.line.told);
        }
        self.looks |= self.compares(words);
        if self.looks {
            self.found.extend(&told);
        }
        let pure = is_pure(words);
        if pure {
            self.assign(words, names);
        } else if words[0].is("alias") {
            let alias = words.iter().filter_map(|word| word.text().split_once('=').map(owned));
            names.aliases.extend(alias.filter(|(_, value)| is_go_jira(value)).map(|(name, _)| name));
        }
        let found = self.line.opened.last().and_then(|opened| opened.receiver.as_ref());
        if let (Some(name), [finds, .., last]) = (found, words)
            && (finds.is("which") || finds.is("command") || finds.is("type"))
            && is_go_jira(&last.text())
        {
            names.variables.insert(name.clone());
        }
        self.line.piped |= ours;
        if simple.opened_by != "|" {
            self.line.begins = ours;
        }
        if simple.closed_by == "|" {
            self.line.told.extend(told);
            return;
        }
        let this = ours || self.pipefail && self.line.piped;
        self.last = this || simple.opened_by == "&&" && self.last;
        self.first = self.line.begins;
        // PowerShell's own commands leave the code of the last program alone.
        let cmdlet = program.contains('-') && program.starts_with(|c: char| c.is_ascii_uppercase());
        self.native = ours || cmdlet && self.native;
        self.line.piped = false;
        self.line.told.clear();
    }

    /// Keeps or forgets what variables hold.
    fn assign(&mut self, words: &[Word], names: &mut Names) {
        for word in words {
            let whole = word.text();
            let Some((name, value)) = assignment(&whole) else { continue };
            if names.is_ours(value) {
                names.variables.insert(name.to_owned());
            }
            self.keep(name, value);
        }
        // PowerShell: $code = $LASTEXITCODE
        if let [name, equals, value, rest @ ..] = words
            && equals.is("=")
            && let Some(name) = name.text().strip_prefix('$')
        {
            // With words behind it, it is a command.
            let value = if rest.is_empty() { value.text() } else { String::new() };
            if names.is_ours(&value) {
                names.variables.insert(name.to_owned());
            }
            self.keep(name, &value);
        }
    }

    fn keep(&mut self, name: &str, value: &str) {
        match variable(value).is_some_and(|value| self.is_exit(value)) {
            true => drop(self.kept.insert(name.to_owned())),
            false => drop(self.kept.remove(name)),
        }
        self.told.remove(&format!("${name}"));
    }

    fn is_exit(&self, name: &str) -> bool {
        match name {
            "?" => self.last,
            "LASTEXITCODE" => self.native,
            "PIPESTATUS[0]" => self.first,
            name => self.kept.contains(name),
        }
    }

    /// Notes a comparison of an exit code with 1. Whether anything is compared with a text.
    fn compares(&mut self, words: &[Word]) -> bool {
        let mut compared = false;
        for (at, word) in words.iter().enumerate() {
            // `((rc==1))` is one word.
            let whole = word.text();
            let parts = whole
                .split_once("==")
                .or_else(|| whole.split_once("!="))
                .filter(|(a, b)| !a.is_empty() && !b.is_empty());
            let (one, other) = match (at.checked_sub(1).and_then(|at| words.get(at)), words.get(at + 1)) {
                _ if parts.is_some_and(|_| word.quote.is_none()) => parts.map(owned).unwrap_or_default(),
                (Some(one), Some(other)) if matches!(whole.as_str(), "-lt" | "-ge") => {
                    (one.text(), other.text())
                }
                (Some(one), other)
                    if matches!(whole.as_str(), "-eq" | "-ne" | "-le" | "-gt" | "=" | "==" | "!=" | "=~") =>
                {
                    let other = other.map(Word::text);
                    compared |= other.as_ref().is_none_or(|other| !other.is_empty()) && !one.spots.is_empty();
                    (one.text(), other.unwrap_or_default())
                }
                _ => continue,
            };
            // Less than two, two or more: with 1 on one side.
            let other = match whole.as_str() {
                "-lt" | "-ge" if other == "2" => "1".to_owned(),
                "-lt" | "-ge" => continue,
                _ => other,
            };
            let first = if parts.is_some() { word } else { &words[at - 1] };
            if self.is_exit_and_one(&one, &other) || self.is_exit_and_one(&other, &one) {
                self.hit(first);
                return compared;
            }
        }
        compared
    }

    /// `$? 1`, `x$rc x1`
    fn is_exit_and_one(&self, code: &str, one: &str) -> bool {
        let Some(before) = one.strip_suffix('1').filter(|before| before.chars().all(char::is_alphabetic))
        else {
            return false;
        };
        let code = code.strip_prefix(before).unwrap_or_default();
        variable(code).or(Some(code).filter(|code| is_name(code))).is_some_and(|name| self.is_exit(name))
    }

    /// Notes what is opened and closed behind a command.
    fn bounds(&mut self, simple: &Simple, ours: bool) {
        let back = simple.closed_by == "`";
        if simple.closed_by == "$(" || back && !self.line.backquoted {
            let last = simple.words.last().map(Word::text);
            let receiver =
                last.as_deref().and_then(|last| last.strip_suffix('=')).filter(|name| is_name(name));
            let covered = (receiver.is_none() && last.is_some()).then_some(ours);
            self.line.opened.push(Opened { receiver: receiver.map(str::to_owned), covered });
        } else if simple.closed_by == "(" {
            self.line.opened.push(Opened::default());
        } else if (simple.closed_by == ")" || back)
            && let Some(code) = self.line.opened.pop().and_then(|opened| opened.covered)
        {
            self.last = code;
        }
        self.line.backquoted ^= back;
    }

    fn hit(&mut self, word: &Word) {
        let (line, column) =
            word.spots.first().map_or((word.line, word.column), |spot| (spot.line, spot.column));
        self.hits.push(Hit { line, column, found: FOUND.to_owned(), instead: None });
    }
}

/// Whether words are assignments, and no command gets them.
fn is_pure(words: &[Word]) -> bool {
    let declares = |word: &Word| DECLARES.contains(&word.text().as_str());
    match words {
        [first, rest @ ..] if declares(first) => rest.iter().any(|word| assignment(&word.text()).is_some()),
        [first, equals, ..] if equals.is("=") => first.text().starts_with('$'),
        _ => !words.is_empty() && words.iter().all(|word| assignment(&word.text()).is_some()),
    }
}

/// The name in `$name`, `${name}`, `${name:-0}`.
pub(super) fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    Some(name.split_once(":-").map_or(name, |(name, _)| name))
}

fn owned((one, other): (&str, &str)) -> (String, String) {
    (one.to_owned(), other.to_owned())
}
