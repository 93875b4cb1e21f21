//! What a file says to go-jira: its command lines and the variables that are set, in whatever it is written.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::groovy::is_groovy;
use super::invocation::{COMMANDS, Invocation};
use super::lines::{Line, Spot, logical, physical, text};
use super::position::{command_at, is_code, is_go_jira, is_name};
use super::shell::{Simple, Word, commands};

/// A list with more items than this is none of arguments; reading each to its end would take for ever in a file
/// that is made of nothing else.
const MOST_ITEMS: usize = 100;

/// A variable that is set.
#[derive(Clone, Debug)]
pub struct Setting {
    pub name: String,
    /// Written out, without quotes; none if it is an expansion.
    pub value: Option<String>,
    pub line: usize,
    pub column: usize,
}

/// A file, read.
#[derive(Debug, Default)]
pub struct Script {
    /// Whether it is a file of variables, such as `.env`.
    pub dotenv: bool,
    /// Whether it speaks of go-jira at all.
    pub concerned: bool,
    pub invocations: Vec<Invocation>,
    pub settings: Vec<Setting>,
    /// Its lines as they stand.
    pub lines: Vec<Line>,
    /// Whether it is written in Groovy, which puts values into texts by itself.
    pub groovy: bool,
}

impl Script {
    /// Reads a file; `name` is what it is called.
    pub fn read(name: &str, source: &str) -> Script {
        let lines = physical(source);
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let dotenv = file.starts_with(".env") || file.ends_with(".env");
        let concerned = dotenv || source.contains("go-jira") || source.contains("jira-action");
        let groovy = is_groovy(file, source);
        let mut script = Script { dotenv, concerned, lines, groovy, ..Script::default() };
        if concerned {
            let logical = logical(&script.lines);
            for line in &logical {
                script.invoked(line, true);
            }
            script.lists(&logical);
            script.set(&logical);
        }
        script
    }

    /// The value of the last of these variables that is set to something written out.
    pub fn literal(&self, names: &[&str]) -> Option<&str> {
        let set = self.settings.iter().rev().find(|setting| names.contains(&setting.name.as_str()));
        set.and_then(|setting| setting.value.as_deref())
    }

    /// Whether one of these variables is set.
    pub fn sets(&self, names: &[&str]) -> bool {
        self.settings.iter().any(|setting| names.contains(&setting.name.as_str()))
    }

    /// The command lines in a line. `code`: a shell gets the line; otherwise only what is in `$(…)`.
    fn invoked(&mut self, line: &[Spot], code: bool) {
        if !text(line).contains("go-jira") {
            return;
        }
        if let Some(words) = array(line) {
            return self.array(&words);
        }
        let simples = commands(line);
        for (number, simple) in simples.iter().enumerate() {
            let next = simples.get(number + 1);
            let at = command_at(&simple.words).filter(|_| code || simple.substituted);
            let invocation = at.and_then(|at| Invocation::read(simple, at, next));
            if let (Some(at), true) = (at, invocation.is_some()) {
                self.assigned(&simple.words[..at]);
            }
            self.invocations.extend(invocation);
            let caller = number.checked_sub(1).and_then(|before| simples[before].words.last());
            for (place, word) in simple.words.iter().enumerate() {
                if word.quote.is_some() && word.spots.iter().any(|spot| spot.c.is_whitespace()) {
                    let code = code && is_code(simple, place, caller);
                    self.invoked(&word.spots, code);
                }
            }
        }
    }

    /// `["go-jira", "run", …]`, of a Dockerfile, a workflow, or a program.
    fn array(&mut self, words: &[Word]) {
        let simple = Simple { words: words.to_vec(), ..Simple::default() };
        let at = words.iter().position(|word| is_go_jira(&word.text()));
        self.invocations.extend(at.and_then(|at| Invocation::read(&simple, at, None)));
    }

    /// The arguments of a container whose image is go-jira's: `args:` with a text or a list.
    fn lists(&mut self, lines: &[Line]) {
        static KEY: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^\s*(?:-\s+)?(args|command|image|uses|entrypoint):\s*(\S.*)?$")
                .expect("a fixed pattern")
        });
        let mut ours = false;
        for (number, line) in lines.iter().enumerate() {
            let source = text(line);
            let Some(key) = KEY.captures(&source) else { continue };
            let value = key.get(2).map_or("", |value| value.as_str());
            if matches!(&key[1], "image" | "uses") {
                ours = is_go_jira(value.trim().trim_matches(['"', '\'']));
                continue;
            }
            let mut words = Vec::new();
            if value.is_empty() {
                let items: Vec<_> = lines[number + 1..].iter().take(MOST_ITEMS).map_while(item).collect();
                let each =
                    items.iter().map(|item| commands(item).into_iter().next().unwrap_or_default().words);
                let each: Vec<_> = each.collect();
                // An item of several words is a command line of its own, and was read as one.
                words = if each.iter().all(|item| item.len() == 1) { each.concat() } else { vec![] };
            } else if ours {
                let start = source[..key.get(2).map_or(0, |value| value.start())].chars().count();
                words = array(line).unwrap_or_else(|| {
                    commands(&line[start..]).into_iter().next().map(|simple| simple.words).unwrap_or_default()
                });
            }
            let Some(first) = words.first().map(Word::text) else { continue };
            let named = is_go_jira(&first);
            ours |= named;
            let known = |text: &str| COMMANDS.iter().any(|(command, _)| *command == text);
            if value.is_empty() && named || ours && !named && (known(&first) || first.starts_with("--")) {
                // Read as if the name stood before them.
                let mut all = if named { vec![] } else { vec![words[0].clone()] };
                all.extend(words);
                let simple = Simple { words: all, ..Simple::default() };
                self.invocations.extend(Invocation::read(&simple, 0, None));
            }
        }
    }

    /// Variables before a command, and those that a container is given.
    fn assigned(&mut self, words: &[Word]) {
        for word in words {
            let whole = word.text();
            let source = whole.strip_prefix("--env=").unwrap_or(&whole);
            if let Some((name, value)) = source.split_once('=').filter(|(name, _)| is_name(name)) {
                self.settings.push(setting(name, value, word.line, word.column));
            }
        }
    }

    /// Variables that lines set, in a shell, a workflow, a Dockerfile, make or a file of variables.
    fn set(&mut self, lines: &[Line]) {
        static SET: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(
                r#"^\s*(?:-\s+)?["']?(?:export\s+|ENV\s+|ARG\s+|\$env:)?([A-Z][A-Z0-9_]+)["']?\s*(?:[:?]?=|:(?:\s|$))\s*(.*)$"#,
            )
            .expect("a fixed pattern")
        });
        static DOCKER: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^\s*ENV\s+([A-Z][A-Z0-9_]+)\s+(\S.*)$").expect("a fixed pattern"));
        static NAMED: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"^\s*-\s+name:\s*["']?([A-Z][A-Z0-9_]+)["']?\s*$"#).expect("a fixed pattern")
        });
        static SEVERAL: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^\s*(?:ENV|ARG|export)\s+[A-Z][A-Z0-9_]+=").expect("a fixed pattern")
        });
        for (number, line) in lines.iter().enumerate() {
            let source = text(line);
            let found = SET.captures(&source).or_else(|| DOCKER.captures(&source));
            let (name, value) = match (found, NAMED.captures(&source)) {
                (Some(found), _) => (found.get(1), found[2].to_owned()),
                (None, Some(found)) => {
                    let next = lines.get(number + 1).map(|next| text(next)).unwrap_or_default();
                    match next.trim().split_once(':') {
                        Some(("value", value)) => (found.get(1), value.to_owned()),
                        Some(("valueFrom", _)) => (found.get(1), "$".to_owned()),
                        _ => continue,
                    }
                }
                (None, None) => continue,
            };
            let Some(name) = name else { continue };
            let column = source[..name.start()].chars().count();
            let at = line.get(column).copied().unwrap_or(Spot { c: ' ', line: 1, column: 1 });
            self.settings.push(setting(name.as_str(), &value, at.line, at.column));
            if SEVERAL.is_match(&source) {
                self.further(line);
            }
        }
    }

    /// The second and further pairs of `ENV A=1 B=2`.
    fn further(&mut self, line: &[Spot]) {
        let Some(simple) = commands(line).into_iter().next() else { return };
        // The word before the pairs, and the first of them.
        self.assigned(simple.words.get(2..).unwrap_or_default());
    }
}

fn setting(name: &str, value: &str, line: usize, column: usize) -> Setting {
    let value = value.trim();
    let value = match value.chars().next().filter(|quote| "\"'".contains(*quote)) {
        Some(quote) => value[1..].split(quote).next().unwrap_or_default(),
        None => value.split(" #").next().unwrap_or_default().trim(),
    };
    let literal = !value.contains(['$', '`']) && !value.contains("credentials(");
    Setting { name: name.to_owned(), value: literal.then(|| value.to_owned()), line, column }
}

/// The strings of `["…", "…"]`, if the line has such a list.
fn array(line: &[Spot]) -> Option<Vec<Word>> {
    let open = line.windows(2).position(|pair| pair[0].c == '[' && "\"' ".contains(pair[1].c))?;
    let mut words = Vec::new();
    let mut rest = &line[open + 1..];
    loop {
        rest = &rest[rest.iter().take_while(|spot| spot.c == ' ' || spot.c == ',').count()..];
        let first = rest.first()?;
        match first.c {
            ']' => return Some(words).filter(|words| !words.is_empty()),
            quote @ ('"' | '\'') => {
                let length = rest[1..].iter().position(|spot| spot.c == quote)?;
                let spots = rest[1..=length].to_vec();
                words.push(Word { spots, line: first.line, column: first.column, quote: Some(quote) });
                rest = &rest[length + 2..];
            }
            _ => return None,
        }
    }
}

/// What follows the dash of a list's item.
fn item(line: &Line) -> Option<Line> {
    let dash = line.iter().position(|spot| !spot.c.is_whitespace())?;
    let is_item = line[dash].c == '-' && line.get(dash + 1).is_some_and(|spot| spot.c == ' ');
    is_item.then(|| line[dash + 2..].to_vec())
}
