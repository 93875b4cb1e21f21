//! Exit codes that are compared with 1: by a shell (flow.rs), or by Groovy, which gets them from `returnStatus`.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::hits::Hit;
use super::lines::text;
use super::script::Script;

/// An exit code, as a shell or Groovy names it, beside the 1 it is compared with.
pub const FOUND: &str = "the exit code and 1";

/// A call goes over no more lines than this.
const LONGEST_CALL: usize = 8;

/// The tests for exit code 1.
pub fn hits(script: &Script) -> Vec<Hit> {
    let groovy = if script.groovy { groovy(script) } else { Vec::new() };
    script.flow.hits.iter().cloned().chain(groovy).collect()
}

/// Those of Groovy, from top to bottom: a variable keeps the code of the last call whose result it got.
fn groovy(script: &Script) -> Vec<Hit> {
    static COMPARED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b([A-Za-z_]\w*)\s*[!=]=\s*1\b|\breturnStatus:\s*true\s*\)\s*[!=]=\s*1\b")
            .expect("a fixed pattern")
    });
    static KEPT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b([A-Za-z_]\w*)\s*=\s*(?:\w+\.)?(?:sh|bat|powershell|pwsh)\b").expect("a fixed pattern")
    });
    let mut kept = HashSet::new();
    let mut hits = Vec::new();
    for (number, line) in script.logical.iter().enumerate() {
        let source = text(line);
        if let Some(found) = KEPT.captures(&source) {
            let lines = script.logical[number..].iter().take(LONGEST_CALL);
            let mut call = String::new();
            for line in lines {
                call.push_str(&text(line));
                if call.matches('(').count() <= call.matches(')').count() {
                    break;
                }
            }
            match call.contains("go-jira") && call.contains("returnStatus") {
                true => kept.insert(found[1].to_owned()),
                false => kept.remove(&found[1]),
            };
        }
        let is_exit = |name: Option<regex_lite::Match<'_>>| match name {
            Some(name) => kept.contains(name.as_str()),
            None => source.contains("go-jira"),
        };
        let compared = COMPARED.captures_iter(&source).find(|found| is_exit(found.get(1)));
        let at = compared.and_then(|found| found.get(0)).map(|found| found.start());
        if let Some(spot) = at.and_then(|at| line.get(source[..at].chars().count())) {
            hits.push(Hit { line: spot.line, column: spot.column, found: FOUND.to_owned(), instead: None });
        }
    }
    hits
}
