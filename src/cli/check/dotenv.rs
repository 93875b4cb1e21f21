//! A `.env` that go-jira would load by itself, where nothing else hands its variables on.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::hits::Hit;
use super::lines::{Line, text};
use super::script::Script;

/// A word that is such a file, anywhere.
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^|\s|>|/)\.env(\s|$)").expect("a fixed pattern"));

/// The lines that name one.
pub fn hits(script: &Script) -> Vec<Hit> {
    if let (true, Some(first)) = (script.dotenv, script.settings.first()) {
        return vec![Hit::at(first, "the file")];
    }
    let mut hits = script.lines_with(&NAMED, ".env");
    if hits.is_empty() || is_handed_on(&script.lines) {
        return Vec::new();
    }
    for hit in &mut hits {
        let line = script.lines.get(hit.line - 1).map(|line| text(line)).unwrap_or_default();
        hit.instead = match line.trim_start().trim_start_matches('-') {
            line if line.starts_with("include ") => Some("`export` on a line of its own in the makefile"),
            line if line.starts_with(". ") || line.contains("source ") => {
                Some("`set -a` before it, which hands the variables on to the programs that follow")
            }
            _ => None,
        }
        .map(str::to_owned);
    }
    hits
}

/// Whether something reads the file and hands what is in it on: then it counts here too.
fn is_handed_on(lines: &[Line]) -> bool {
    static READ: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            // docker, this program, compose in one line, systemd, GitHub
            r"--env-file|JIRA_ENV_FILE|env_file:\s*\S|EnvironmentFile=|\.env\b.*GITHUB_ENV",
            // export $(grep … .env | xargs), env $(cat .env) …
            r"|(?:^|[\s;&|])(?:export|env|dotenv)\s.*\.env\b|\bdotenv\s+--",
        ))
        .expect("a fixed pattern")
    });
    static SOURCED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?:^|[\s;&|])(?:\.|source|-?s?include)\s+["']?(?:\S*/)?\.env\b"#)
            .expect("a fixed pattern")
    });
    static EXPORTS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\bset\s+-\w*a|\ballexport\b|^export\s*(?:[A-Z_ ]*)$|^\.EXPORT_ALL_VARIABLES")
            .expect("a fixed pattern")
    });
    let (mut sourced, mut exports, mut listed) = (false, false, false);
    for line in lines {
        let source = text(line);
        let line = source.trim_start();
        // env_file: with a list
        let item = line.starts_with("- ");
        if line.starts_with('#') {
            continue;
        }
        if READ.is_match(&source) && source.contains(".env") || listed && item && line.contains(".env") {
            return true;
        }
        listed = listed && item || line.trim_end() == "env_file:";
        sourced |= SOURCED.is_match(&source);
        exports |= EXPORTS.is_match(&source);
    }
    sourced && exports
}
