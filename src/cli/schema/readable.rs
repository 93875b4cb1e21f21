//! The tree for people, as go-jira writes it: an indented list of commands and their flags.

use serde_json::Value;

/// `path — short`, and below it `--flag <type> (required): usage`.
pub(super) fn lines(shown: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    if shown.get("path").is_some() {
        command(shown, 0, &mut lines);
        return lines;
    }
    lines.push(format!("{} {}", word(shown, "name"), word(shown, "version")));
    flags(&shown["global_flags"], 0, &mut lines);
    for below in shown["commands"].as_array().into_iter().flatten() {
        command(below, 0, &mut lines);
    }
    lines
}

fn command(shown: &Value, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth + 1);
    lines.push(format!("{indent}{} — {}", word(shown, "path"), word(shown, "short")));
    flags(&shown["flags"], depth, lines);
    for below in shown["subcommands"].as_array().into_iter().flatten() {
        command(below, depth + 1, lines);
    }
}

fn flags(flags: &Value, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth + 3);
    for flag in flags.as_array().into_iter().flatten() {
        let name = match flag["positional"] == "only" {
            true => format!("<{}>", word(flag, "name")),
            false => format!("--{} <{}>", word(flag, "name"), word(flag, "type")),
        };
        let required = if flag["required"] == true { " (required)" } else { "" };
        lines.push(format!("{indent}{name}{required}: {}", word(flag, "usage")));
    }
}

fn word<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}
