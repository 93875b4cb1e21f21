//! The command line that a container gets in parts: `entrypoint`, `command` and `args` of one mapping, in whatever
//! order, and ENTRYPOINT and CMD of one stage.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::invocation::{COMMANDS, Invocation};
use super::lines::{Line, text};
use super::lists::{array, item, scalar};
use super::position::{is_go_jira, runs_text};
use super::shell::{Word, first};

/// What containers run, and the lines that it was read from: nobody needs to read those again.
#[derive(Default)]
pub struct Containers {
    pub invocations: Vec<Invocation>,
    pub lines: HashSet<usize>,
}

/// A part of a command line, and where it stands.
struct Part {
    words: Vec<Word>,
    lines: Vec<usize>,
    /// A list of words, which no shell reads.
    list: bool,
}

/// The keys of one container, or the lines of one stage.
#[derive(Default)]
struct Container {
    indent: usize,
    /// The key that it is the value of.
    under: String,
    /// The last key in it.
    key: String,
    /// Whether its image is go-jira's.
    ours: bool,
    entrypoint: Option<Part>,
    command: Option<Part>,
    args: Option<Part>,
}

/// A line that begins with a key, or an item that does.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(\s*(?:-\s+)*)["']?([A-Za-z_][\w.-]*)["']?:(?:\s+(\S.*))?$"#).expect("a fixed pattern")
});

/// The containers of a file.
pub fn containers(lines: &[Line]) -> Containers {
    static STAGE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\s*(FROM|ENTRYPOINT|CMD)\s+(?:--\S+\s+)*(\S+)").expect("a fixed pattern")
    });
    let mut found = Containers::default();
    let mut open: Vec<Container> = Vec::new();
    let mut stage = Container::default();
    // The first line that is no part of a value: what is in a list is no key, and none is read for two lists.
    let mut behind = 0;
    for (number, line) in lines.iter().enumerate() {
        if number < behind {
            continue;
        }
        let source = text(line);
        if let Some(key) = KEY.captures(&source) {
            let indent = key[1].chars().count();
            let begins = key[1].contains('-');
            let ends = |top: &Container| top.indent > indent || begins && top.indent == indent;
            while open.last().is_some_and(ends) {
                close(&mut open, &mut found);
            }
            if open.last().is_none_or(|top| top.indent < indent) {
                let under = open.last().map(|above| above.key.clone()).unwrap_or_default();
                open.push(Container { indent, under, ..Container::default() });
            }
            let value = key.get(3).map_or("", |value| value.as_str());
            let start = source.len() - value.len();
            if let Some(top) = open.last_mut() {
                top.key = key[2].to_owned();
                behind = top.take(lines, number, value, source[..start].chars().count());
            }
        } else if source.trim_start().starts_with(['{', '}']) {
            // JSON parts two maps with their braces, which stand further out than what is in them.
            let indent = source.chars().take_while(|c| c.is_whitespace()).count();
            while open.last().is_some_and(|top| top.indent > indent) {
                close(&mut open, &mut found);
            }
        } else if let Some(words) = STAGE.captures(&source) {
            let list = array(line).map(|words| Part { words, lines: vec![number], list: true });
            match &words[1] {
                "FROM" => {
                    let next = Container { ours: is_go_jira(&words[2]), ..Container::default() };
                    std::mem::replace(&mut stage, next).end(&mut found);
                }
                "CMD" => stage.args = list,
                // What a shell reads as a text gets nothing of CMD.
                _ => (stage.entrypoint, stage.ours) = (list, false),
            }
        }
    }
    while !open.is_empty() {
        close(&mut open, &mut found);
    }
    stage.end(&mut found);
    found
}

/// Ends the innermost mapping. What stands under `with:` belongs to the step.
fn close(open: &mut Vec<Container>, found: &mut Containers) {
    let Some(mut container) = open.pop() else { return };
    match open.last_mut() {
        Some(step) if container.under == "with" && step.key == "with" => {
            step.entrypoint = container.entrypoint.take().or(step.entrypoint.take());
            step.args = container.args.take().or(step.args.take());
        }
        _ => {}
    }
    container.end(found);
}

impl Container {
    /// Takes a key of its own, and says where its value ends; `start` is where that begins in the line.
    fn take(&mut self, lines: &[Line], number: usize, value: &str, start: usize) -> usize {
        let slot = match self.key.to_ascii_lowercase().as_str() {
            "image" | "uses" => {
                self.ours = is_go_jira(value.trim().trim_matches(['"', '\'', ',']));
                return number + 1;
            }
            "entrypoint" => &mut self.entrypoint,
            "command" | "argv" => &mut self.command,
            "args" => &mut self.args,
            _ => return number + 1,
        };
        *slot = part(lines, number, value, (self.indent, start));
        slot.as_ref().and_then(|part| part.lines.last()).map_or(number, |last| *last) + 1
    }

    /// Reads what it runs, all keys of it being known.
    fn end(self, found: &mut Containers) {
        // With a command of its own the image's program is not run, but for those who call the arguments so.
        let replaced = self.entrypoint.is_some() || self.command.is_some() && self.args.is_some();
        let parts: Vec<Part> = [self.entrypoint, self.command, self.args].into_iter().flatten().collect();
        // A single text is what a shell reads, and so is one behind `sh -c`.
        let ends = |part: &Part| part.list && part.words.last().is_some_and(|word| runs_text(&word.text()));
        let text = matches!(parts.as_slice(), [Part { list: false, .. }])
            || parts.windows(2).any(|pair| ends(&pair[0]) && !pair[1].list);
        let lines: Vec<usize> = parts.iter().flat_map(|part| part.lines.clone()).collect();
        let mut words: Vec<Word> = parts.into_iter().flat_map(|part| part.words).collect();
        let Some(first) = words.first().cloned() else { return };
        let named = words.iter().position(|word| is_go_jira(&word.text()));
        let starts = first.text();
        let known = starts.starts_with("--") || COMMANDS.iter().any(|(command, _)| *command == starts);
        let at = match named {
            Some(_) if text => return,
            Some(at) => at,
            None if self.ours && !replaced && known => {
                // Read as if the name stood before them.
                words.insert(0, first);
                0
            }
            None => return,
        };
        // In a text for `sh -c` it is not a word of its own.
        if let Some(invocation) = Invocation::of(words, at) {
            found.invocations.push(invocation);
            found.lines.extend(lines);
        }
    }
}

/// The value of a key in column `indent`: a list in brackets, a list of items, a text.
fn part(lines: &[Line], number: usize, value: &str, (indent, start): (usize, usize)) -> Option<Part> {
    if value.is_empty() || value.starts_with('#') {
        let (mut words, mut read) = (Vec::new(), vec![number]);
        // The dashes of one list stand in one column, which is not left of the key's.
        let mut column = None;
        for (at, line) in lines.iter().enumerate().skip(number + 1) {
            let dash = line.iter().position(|spot| !spot.c.is_whitespace());
            let Some(dash) = dash.filter(|dash| line[*dash].c != '#') else { continue };
            if dash < indent || *column.get_or_insert(dash) != dash {
                break;
            }
            // An item that is a key is none of words, and begins something else.
            let is_key = |word: &Word| word.quote.is_none() && KEY.is_match(&text(line));
            let Some(word) = item(line).and_then(scalar).filter(|word| !is_key(word)) else { break };
            words.push(word);
            read.push(at);
        }
        return Some(Part { words, lines: read, list: true });
    }
    if let Some(words) = array(&lines[number]) {
        return Some(Part { words, lines: vec![number], list: true });
    }
    let (line, lines) = match value.starts_with(['>', '|']) {
        true => (lines.get(number + 1)?.as_slice(), vec![number, number + 1]),
        false => (&lines[number][start..], vec![number]),
    };
    Some(Part { words: first(line).words, lines, list: false })
}
