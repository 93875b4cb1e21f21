//! What go-jira wrote to stderr: where it is kept, and whether it is searched for text.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::flow::{Flow, variable};
use super::invocation::Invocation;
use super::shell::Word;
use super::wrappers::base;

/// Programs that look for text.
const SEARCHERS: [&str; 7] = ["grep", "egrep", "fgrep", "rg", "awk", "sed", "findstr"];

/// Where the stderr of a command ends up.
#[derive(Debug, PartialEq, Eq)]
pub enum Goes {
    /// On a screen, or nowhere.
    Unread,
    /// Where its stdout would go: a pipe, a variable.
    Out,
    File(String),
}

/// Follows the redirections of a command, each of which counts from where the ones before it have led.
pub fn stderr(redirects: &[String]) -> Goes {
    let file = |target: &str| match target {
        "" | "-" => Goes::Unread,
        target if target.starts_with("/dev/") => Goes::Unread,
        target => Goes::File(target.to_owned()),
    };
    let copy = |goes: &Goes| match goes {
        Goes::File(file) => Goes::File(file.clone()),
        Goes::Out => Goes::Out,
        Goes::Unread => Goes::Unread,
    };
    let (mut out, mut err) = (Goes::Out, Goes::Unread);
    for redirect in redirects {
        let Some((from, target)) = redirect.split_once('>') else { continue };
        let target = target.trim_start_matches(['>', '|']);
        match (from, target) {
            ("2", "&1") => err = copy(&out),
            ("" | "1", "&2") => out = copy(&err),
            ("2", target) => err = file(target.trim_start_matches('&')),
            ("" | "1", target) if !target.starts_with('&') => out = file(target),
            ("&" | "" | "1", target) => {
                out = file(target.trim_start_matches('&'));
                err = copy(&out);
            }
            _ => {}
        }
    }
    err
}

/// Whether a program looks for text. `sed 's/^/…/'` marks every line, whatever it says.
pub fn searches(program: &str, mut arguments: &mut dyn Iterator<Item = String>) -> bool {
    let marks = |text: String| {
        let mut start = text.chars();
        let (command, delimiter) = (start.next(), start.next());
        command == Some('s') && matches!(start.next(), Some('^' | '$')) && start.next() == delimiter
    };
    let name = base(program);
    SEARCHERS.contains(&name) && !(name == "sed" && Iterator::any(&mut arguments, marks))
}

impl Flow {
    /// A command line of go-jira's, by its number: where does its stderr go?
    pub fn calls(&mut self, number: usize, one: &Invocation) {
        let receiver = self.line.opened.last().and_then(|opened| opened.receiver.as_ref());
        match stderr(&one.redirects) {
            Goes::File(file) => drop(self.told.insert(plain(&file), number)),
            Goes::Out if one.then.0 == "|" => self.line.told.push(number),
            Goes::Out => {
                // Behind a pipe a variable would hold what the last program of it says.
                if let Some(name) = receiver {
                    self.told.insert(format!("${name}"), number);
                }
                self.line.pasted.push(number);
            }
            Goes::Unread => {}
        }
    }

    /// Another program writes to a file: what go-jira said is not there any more.
    pub(super) fn overwritten(&mut self, redirects: &[String]) {
        if self.told.is_empty() {
            return;
        }
        for redirect in redirects.iter().filter(|redirect| !redirect.contains(">>")) {
            let file = redirect.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&');
            if let Some(file) = file.strip_prefix('>') {
                self.told.remove(&plain(file));
            }
        }
    }

    /// The command lines whose stderr is searched for text, since this was asked for last.
    pub fn told(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.found)
    }

    /// What of the kept stderr is named in words.
    pub(super) fn mentions(&self, words: &[Word], redirects: &[String]) -> Vec<usize> {
        static NAMED: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\$\{?([A-Za-z_]\w*)").expect("a fixed pattern"));
        if self.told.is_empty() {
            return Vec::new();
        }
        let named = |text: String| {
            let whole = self.told.get(text.trim_start_matches('<')).copied();
            let names = NAMED.captures_iter(&text).map(|found| format!("${}", &found[1]));
            names.filter_map(|name| self.told.get(&name).copied()).chain(whole).collect::<Vec<_>>()
        };
        let read = redirects.iter().filter(|redirect| redirect.starts_with('<')).cloned();
        words.iter().map(Word::text).chain(read).flat_map(named).collect()
    }
}

/// A file or a variable, as it is looked for.
fn plain(text: &str) -> String {
    variable(text).map_or_else(|| text.to_owned(), |name| format!("${name}"))
}
