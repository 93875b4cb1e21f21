//! Exit codes that are compared with 1: at once, or kept in a variable first.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::hits::Hit;
use super::lines::{Line, text};
use super::script::Script;

/// An exit code, as a shell or Groovy names it, beside the 1 it is compared with.
const FOUND: &str = "the exit code and 1";

/// The tests for exit code 1.
pub fn hits(script: &Script) -> Vec<Hit> {
    static COMPARED: LazyLock<Regex> = LazyLock::new(|| {
        let value = r#"\$\{?(\?|[A-Za-z_]\w*)\}?"#;
        let compared = r"(?:-eq|-ne|==?|!=)";
        Regex::new(&format!(r#"{value}"?\s*{compared}\s*["']?1\b|\b1["']?\s*{compared}\s*"?{value}|\b([A-Za-z_]\w*)\s*[!=]=\s*1\b|(returnStatus):\s*true\s*\)\s*[!=]=\s*1\b"#))
            .expect("a fixed pattern")
    });
    static CASE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\bcase\s+"?\$\{?(\?|[A-Za-z_]\w*)\}?"?\s+in\b"#).expect("a fixed pattern")
    });
    static ONE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|in\s|;;|\|)\s*\(?\s*1\s*[|)]").expect("a fixed pattern"));
    let kept = kept(&script.logical);
    let is_exit = |name: &str| matches!(name, "?" | "returnStatus" | "LASTEXITCODE") || kept.contains(name);
    let mut hits = Vec::new();
    let mut case = false;
    for line in &script.logical {
        let source = text(line);
        if source.trim_start().starts_with(['#', '/']) {
            continue;
        }
        let compared = COMPARED
            .captures_iter(&source)
            .find(|found| found.iter().skip(1).flatten().any(|name| is_exit(name.as_str())))
            .and_then(|found| found.get(0));
        let opened =
            CASE.captures_iter(&source).find(|found| is_exit(&found[1])).and_then(|found| found.get(0));
        case |= opened.is_some();
        let from = opened.map_or(0, |opened| opened.end() - 2);
        let branch = ONE.find(&source[from..]).filter(|_| case).map(|found| from + found.start());
        case &= !source.contains("esac");
        let Some(at) = compared.map(|found| found.start()).or(branch) else { continue };
        let blanks = source[at..].chars().take_while(|c| c.is_whitespace()).count();
        if let Some(spot) = line.get(source[..at].chars().count() + blanks) {
            hits.push(Hit { line: spot.line, column: spot.column, found: FOUND.to_owned(), instead: None });
        }
    }
    hits
}

/// The variables that keep an exit code of go-jira's: what is asked for behind it, or what Jenkins returns.
fn kept(lines: &[Line]) -> HashSet<String> {
    static SHELL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b([A-Za-z_]\w*)=\$\$?\{?\?").expect("a fixed pattern"));
    static GROOVY: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b([A-Za-z_]\w*)\s*=\s*(?:sh|bat)\b").expect("a fixed pattern"));
    let mut names = HashSet::new();
    let mut before = false;
    for (number, line) in lines.iter().enumerate() {
        let source = text(line);
        if source.trim().is_empty() {
            continue;
        }
        let runs = source.contains("go-jira") && !source.trim_start().starts_with('#');
        if before || runs {
            names.extend(SHELL.captures_iter(&source).map(|found| found[1].to_owned()));
        }
        if let Some(found) = GROOVY.captures(&source) {
            let call: String = lines[number..].iter().take(8).map(|line| text(line)).collect();
            if call.contains("go-jira") && call.contains("returnStatus") {
                names.insert(found[1].to_owned());
            }
        }
        before = runs;
    }
    names
}
