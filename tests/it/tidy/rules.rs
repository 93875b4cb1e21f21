//! The rules themselves: each takes what was read and the list it holds it against, and says what it found.

use std::collections::BTreeMap;

use super::source::Source;
use super::{BANNED_CRATES, HARMLESS, LINES, RESERVED, RESERVED_LITERALS, WRITING_MACROS};

pub(super) fn layers(source: &Source, table: &[(&str, &[&str])]) -> Vec<String> {
    let Some(layer) = source.layer() else { return vec![] };
    let allowed = table.iter().find(|(name, _)| *name == layer).map_or(&[][..], |(_, allowed)| allowed);
    let mut found = vec![];
    for name in source.names.iter().filter(|name| !name.test) {
        let Some(inside) = name.path.strip_prefix("crate::") else { continue };
        let target = inside.split("::").next().unwrap_or_default();
        let may = target == layer
            || allowed
                .iter()
                .any(|part| *part == "*" || inside == *part || inside.starts_with(&format!("{part}::")));
        if may {
            continue;
        }
        found.push(if table.iter().any(|(name, _)| *name == target) {
            format!(
                "{}:{}: `{layer}` may not name `{}`; it may name: {}",
                source.file,
                name.line,
                name.path,
                list(allowed)
            )
        } else {
            format!(
                "{}:{}: `{}` is not under a module: name a thing where it lives",
                source.file, name.line, name.path
            )
        });
    }
    found
}

pub(super) fn reserved(source: &Source) -> Vec<String> {
    let mut found = vec![];
    for (names, _, reason) in RESERVED.iter().filter(|(_, places, _)| !is_in(&source.file, places)) {
        for name in source.names.iter().filter(|name| !name.test) {
            let harmless = HARMLESS.iter().any(|part| has(&name.path, part));
            if !harmless && names.iter().any(|part| has(&name.path, part)) {
                found.push(format!("{}:{}: `{}`: {reason}", source.file, name.line, name.path));
            }
        }
        for pair in source.tokens.windows(2).filter(|pair| !pair[1].test && pair[0].text == ".") {
            let called = |name: &&&str| name.strip_prefix('.') == Some(&pair[1].text);
            if let Some(name) = names.iter().find(called) {
                found.push(format!("{}:{}: `{name}`: {reason}", source.file, pair[1].line));
            }
        }
    }
    for (literal, _, reason) in RESERVED_LITERALS.iter().filter(|(_, places, _)| !is_in(&source.file, places))
    {
        for token in
            source.tokens.iter().filter(|token| !token.test && token.text.trim_matches('"') == *literal)
        {
            if token.text.starts_with('"') {
                found.push(format!("{}:{}: {}: {reason}", source.file, token.line, token.text));
            }
        }
    }
    for pair in
        source.tokens.windows(3).filter(|pair| !pair[0].test && pair[1].text == "!" && pair[2].text != "=")
    {
        if WRITING_MACROS.contains(&pair[0].text.as_str()) {
            let (file, line, name) = (&source.file, pair[0].line, &pair[0].text);
            found.push(format!("{file}:{line}: `{name}!`: output is the only writer"));
        }
    }
    found
}

pub(super) fn exposes(sources: &[Source], list: &[(&str, usize, &str)]) -> Vec<String> {
    let mut found = vec![];
    let mut counts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for source in sources {
        for pair in source.tokens.windows(2).filter(|pair| !pair[1].test && pair[0].text != "fn") {
            if pair[1].text == "expose" || pair[1].text == "expose_secret" {
                counts.entry(&source.file).or_default().push(pair[1].line);
            }
        }
    }
    for (file, lines) in &counts {
        let listed = list.iter().find(|(name, ..)| name == file).map_or(0, |(_, count, _)| *count);
        if lines.len() != listed {
            found.push(format!(
                "{file}: a secret is taken out {} times (lines {lines:?}), the list says {listed}. Can it stay wrapped? \
                 If not, put this into EXPOSE (tests/it/tidy.rs), saying where the text goes:\n    (\"{file}\", {}, \"…\"),",
                lines.len(),
                lines.len(),
            ));
        }
    }
    let gone = list.iter().filter(|(file, ..)| !counts.contains_key(file));
    found.extend(gone.map(|(file, ..)| format!("{file}: exposes nothing any more; take it off EXPOSE")));
    found
}

pub(super) fn first_line(source: &Source) -> Option<String> {
    let said = source.text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > 8);
    (!said).then(|| format!("{}:1: the first line is `//! …`: what this file is for", source.file))
}

pub(super) fn long_files(sources: &[Source], list: &[(&str, usize, &str)]) -> Vec<String> {
    let mut found = vec![];
    for source in sources {
        let length = source.text.lines().count();
        match list.iter().find(|(file, ..)| *file == source.file) {
            None if length > LINES => found.push(format!(
                "{}: {length} lines: it has two subjects. Split it, or put it into LONG (tests/it/tidy.rs) with the reason",
                source.file
            )),
            Some((_, most, _)) if length > *most => found.push(format!("{}: {length} lines, LONG says {most}", source.file)),
            Some(_) if length <= LINES => found.push(format!("{}: short again; take it off LONG", source.file)),
            _ => {}
        }
    }
    found
}

pub(super) fn ignored(source: &Source) -> Vec<String> {
    let bad =
        source.attributes.iter().filter(|attribute| match attribute.words.first().map(String::as_str) {
            Some("ignore") => true,
            Some("cfg_attr") => attribute.words.iter().any(|word| word == "ignore"),
            _ => false,
        });
    bad.map(|attribute| {
        let (file, line) = (&source.file, attribute.line);
        format!("{file}:{line}: an ignored test proves nothing: mend it, or let it say `left out` (tests/real/support)")
    })
    .collect()
}

pub(super) fn sleeping(source: &Source, list: &[(&str, &str)]) -> Vec<String> {
    if list.iter().any(|(file, _)| *file == source.file) {
        return vec![];
    }
    let bad =
        source.names.iter().filter(|name| has(&name.path, "thread::sleep") || has(&name.path, "time::sleep"));
    bad.map(|name| format!("{}:{}: `{}`: wait for the thing itself", source.file, name.line, name.path))
        .collect()
}

pub(super) fn crates(lock: &str) -> Vec<String> {
    let names: Vec<&str> =
        lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    let banned = names.iter().filter(|name| BANNED_CRATES.contains(name));
    let mut found: Vec<String> =
        banned.map(|name| format!("Cargo.lock: `{name}` came in: see deny.toml")).collect();
    let clients = names.iter().filter(|name| **name == "hyper-util").count();
    if clients != 1 {
        found.push(format!("Cargo.lock: {clients} versions of hyper-util instead of one"));
    }
    found
}

/// Whether the segments of `part` stand next to each other in `path`; a glob may stand for the last one.
fn has(path: &str, part: &str) -> bool {
    let path: Vec<&str> = path.split("::").collect();
    let part: Vec<&str> = part.split("::").collect();
    path.windows(part.len()).any(|window| {
        let glob = part.len() > 1
            && window[part.len() - 1] == "*"
            && window[..part.len() - 1] == part[..part.len() - 1];
        window == part || glob
    })
}

fn is_in(file: &str, places: &[&str]) -> bool {
    places.iter().any(|place| file == format!("{place}.rs") || file.starts_with(&format!("{place}/")))
}

pub(super) fn list(allowed: &[&str]) -> String {
    if allowed.is_empty() { "nothing".into() } else { allowed.join(", ") }
}
