//! What go-jira wrote to stderr: where it is kept, and whether it is searched for text.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::flow::{Flow, variable};
use super::invocation::Invocation;
use super::shell::Word;
use super::wrappers::base;

/// Programs that look for text.
const SEARCHERS: [&str; 7] = ["grep", "egrep", "fgrep", "rg", "awk", "sed", "findstr"];

/// Whether a program looks for text.
pub fn searches(program: &str) -> bool {
    SEARCHERS.contains(&base(program))
}

impl Flow {
    /// A command line of go-jira's, by its number: where does its stderr go?
    pub fn calls(&mut self, number: usize, one: &Invocation) {
        let merged = one.redirects.iter().any(|redirect| redirect == "2>&1");
        for redirect in &one.redirects {
            let file = redirect.strip_prefix("2>>").or_else(|| redirect.strip_prefix("2>"));
            let both = redirect.strip_prefix("&>").or_else(|| redirect.strip_prefix('>').filter(|_| merged));
            if let Some(file) = file.or(both).filter(|file| !file.starts_with(['&', '/']) && !file.is_empty())
            {
                self.told.insert(plain(file), number);
            }
        }
        let receiver = self.line.opened.last().and_then(|opened| opened.receiver.as_ref());
        if let Some(name) = receiver.filter(|_| merged) {
            self.told.insert(format!("${name}"), number);
        }
        if merged && one.then.0 == "|" {
            self.line.told.push(number);
        } else if merged {
            self.line.pasted.push(number);
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
        words.iter().map(Word::text).chain(redirects.iter().cloned()).flat_map(named).collect()
    }
}

/// A file or a variable, as it is looked for.
fn plain(text: &str) -> String {
    variable(text).map_or_else(|| text.to_owned(), |name| format!("${name}"))
}
