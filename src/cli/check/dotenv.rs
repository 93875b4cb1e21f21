//! A `.env` that go-jira would load by itself, where nothing else hands its variables on.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::hits::Hit;
use super::lines::{Line, text};
use super::scope::EXPORTS_ALL;
use super::script::Script;

/// A word that is such a file, anywhere.
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^|\s|>|/)\.env(\s|$)").expect("a fixed pattern"));

/// A mount of one: of compose and of docker, and of a pod.
static MOUNTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|[\s"'/])\.env:\S*/\.env\b|\b(?:mountPath|target|dst)["']?[:=]\s*["']?\S*/\.env\b"#)
        .expect("a fixed pattern")
});

/// The lines that name one.
pub fn hits(script: &Script) -> Vec<Hit> {
    if let (true, Some(first)) = (script.dotenv, script.settings.first()) {
        return vec![Hit::at(first, "the file")];
    }
    let line = |hit: &Hit| script.lines.get(hit.line - 1).map(|line| text(line)).unwrap_or_default();
    let mut hits = script.lines_with(&NAMED, ".env");
    hits.retain(|hit| {
        let source = line(hit);
        // Who removes it loads nothing, and of a mount the other half is found.
        let names = !REMOVED.is_match(&source) && !source.contains("subPath:") && !MOUNTED.is_match(&source);
        names && script.scopes.is_in_its_job(hit.line - 1, &script.lines)
    });
    let mut mounted = script.lines_with(&MOUNTED, ".env");
    if !mounted.is_empty() {
        let commands = commands(script);
        mounted.retain(|hit| is_mounted_for_ours(script, hit, &commands));
    }
    hits.append(&mut mounted);
    if hits.is_empty() || is_handed_on(&script.lines) {
        return Vec::new();
    }
    for hit in &mut hits {
        hit.instead = match line(hit).trim_start().trim_start_matches('-') {
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

/// Only lines like this one name it to do away with it.
static REMOVED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[\s;&|])rm\s+(?:-\w+\s+)*\S*\.env\b").expect("a fixed pattern"));

/// The lines in which a container is run by a command, and whether go-jira is run in it.
fn commands(script: &Script) -> HashMap<usize, bool> {
    let mut commands = HashMap::new();
    for line in &script.logical {
        let source = text(line);
        if source.contains("docker") || source.contains("podman") {
            let ours = source.contains("go-jira");
            commands.extend(line.iter().map(|spot| (spot.line, ours)));
        }
    }
    commands
}

/// Whether a mount is one of the container that go-jira is run in: a key of it in a map, or the same command line.
fn is_mounted_for_ours(script: &Script, hit: &Hit, commands: &HashMap<usize, bool>) -> bool {
    match (commands.get(&hit.line), script.scopes.above(hit.line - 1).next()) {
        (Some(ours), _) => *ours,
        (None, Some(key)) => script.scopes.is_for_ours(key, &script.lines),
        (None, None) => false,
    }
}

/// Whether something reads the file and hands what is in it on: then it counts here too.
fn is_handed_on(lines: &[Line]) -> bool {
    static READ: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            // docker, this program, compose in one line, systemd, GitHub
            r"(?:--env-file[=\s]|JIRA_ENV_FILE|env_file:\s|EnvironmentFile=)(?:.*[^\w-])?\.env\b",
            r"|\.env\b.*GITHUB_ENV",
            // export $(grep … .env | xargs), env $(cat .env) …, and programs that read it for another
            r#"|(?:^|[\s;&|"'])(?:export|env|env-cmd|dotenv|dotenvx)\s.*\.env\b|\b(?:dotenv|env-cmd)\s+--\s"#,
        ))
        .expect("a fixed pattern")
    });
    static SOURCED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?:^|[\s;&|])(?:\.|source|-?s?include)\s+["']?(?:\S*/)?\.env\b"#)
            .expect("a fixed pattern")
    });
    // Of make, with names.
    static EXPORTS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^export\s+[A-Z_ ]+$").expect("a fixed pattern"));
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
        exports |= EXPORTS_ALL.is_match(&source) || EXPORTS.is_match(&source);
    }
    sourced && exports
}
