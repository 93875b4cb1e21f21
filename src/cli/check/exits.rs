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
    let program = match (script.groovy, script.python) {
        (true, _) => groovy(script),
        (_, true) => python(script),
        _ => gitlab(script),
    };
    script.flow.hits.iter().cloned().chain(program).collect()
}

/// The codes with which a job of GitLab's may fail, or is tried again.
fn gitlab(script: &Script) -> Vec<Hit> {
    static CODES: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\s*(?:(allow_failure|retry):\s*\{.*)?\bexit_codes:\s*([^#}]*)")
            .expect("a fixed pattern")
    });
    static ITEM: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*-\s+(\d+)\b").expect("a fixed pattern"));
    let mut hits = Vec::new();
    for (number, line) in script.lines.iter().enumerate() {
        let source = text(line);
        let Some(found) = CODES.captures(&source) else { continue };
        let items = script.lines[number + 1..].iter().map(|line| text(line));
        let one = match found[2].trim() {
            "" => items.map_while(|line| ITEM.captures(&line).map(|item| &item[1] == "1")).any(|one| one),
            codes => codes.trim_matches(['[', ']']).split(',').any(|code| code.trim() == "1"),
        };
        let key = if found.get(1).is_some() { Some(number) } else { script.scopes.above(number).next() };
        let ours = key.is_some_and(|key| script.scopes.is_for_ours(key, &script.lines));
        let spot = line.iter().find(|spot| !spot.c.is_whitespace());
        if let Some(spot) = spot.filter(|_| one && ours) {
            hits.push(Hit { line: spot.line, column: spot.column, found: FOUND.to_owned(), instead: None });
        }
    }
    hits
}

/// Those of Python, which has them from a call or from what that gives.
fn python(script: &Script) -> Vec<Hit> {
    static COMPARED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b([A-Za-z_]\w*)(?:\.returncode)?\s*[!=]=\s*1\b").expect("a fixed pattern")
    });
    static KEPT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b([A-Za-z_]\w*)\s*=\s*(?:\w+\.)?(?:run|call|Popen|system)\s*\(")
            .expect("a fixed pattern")
    });
    kept_and_compared(script, &KEPT, &COMPARED, "go-jira")
}

/// Those of Groovy.
fn groovy(script: &Script) -> Vec<Hit> {
    static COMPARED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b([A-Za-z_]\w*)\s*[!=]=\s*1\b|\breturnStatus:\s*true\s*\)\s*[!=]=\s*1\b")
            .expect("a fixed pattern")
    });
    static KEPT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b([A-Za-z_]\w*)\s*=\s*(?:\w+\.)?(?:sh|bat|powershell|pwsh)\b").expect("a fixed pattern")
    });
    kept_and_compared(script, &KEPT, &COMPARED, "returnStatus")
}

/// From top to bottom: a variable keeps the code of the last call whose result it got.
fn kept_and_compared(script: &Script, keeps: &Regex, compares: &Regex, with: &str) -> Vec<Hit> {
    let mut kept = HashSet::new();
    let mut hits = Vec::new();
    for (number, line) in script.logical.iter().enumerate() {
        let source = text(line);
        if let Some(found) = keeps.captures(&source) {
            let lines = script.logical[number..].iter().take(LONGEST_CALL);
            let mut call = String::new();
            for line in lines {
                call.push_str(&text(line));
                if call.matches('(').count() <= call.matches(')').count() {
                    break;
                }
            }
            match call.contains("go-jira") && call.contains(with) {
                true => kept.insert(found[1].to_owned()),
                false => kept.remove(&found[1]),
            };
        }
        let named = source.contains("go-jira");
        let is_exit = |name: Option<regex_lite::Match<'_>>| match name {
            Some(name) => kept.contains(name.as_str()),
            None => named,
        };
        let compared = compares.captures_iter(&source).find(|found| is_exit(found.get(1)));
        let at = compared.and_then(|found| found.get(0)).map(|found| found.start());
        if let Some(spot) = at.and_then(|at| line.get(source[..at].chars().count())) {
            hits.push(Hit { line: spot.line, column: spot.column, found: FOUND.to_owned(), instead: None });
        }
    }
    hits
}
