//! What a file says to go-jira: its command lines and the variables that are set, in whatever it is written.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::groovy::is_groovy;
use super::invocation::{COMMANDS, Invocation};
use super::lines::{Line, Spot, logical, physical, text};
use super::position::{command_at, is_code, is_go_jira, runs_text};
use super::shell::{Simple, Word, commands};

/// Texts in texts are read no deeper: each level takes a copy of what is left, and a call on the stack.
const MOST_NESTED: usize = 6;

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
    /// The place of the last setting of each name: it is asked for with every flag.
    last: HashMap<String, usize>,
    /// Its lines as whoever runs them takes them.
    pub logical: Vec<Line>,
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
            match file {
                "package.json" => script.manifest(&logical),
                _ => {
                    logical.iter().for_each(|line| script.invoked(line, true, 0));
                    script.lists(&logical);
                }
            }
            script.set(&logical);
            let places = script.settings.iter().enumerate();
            script.last = places.map(|(at, setting)| (setting.name.clone(), at)).collect();
            script.logical = logical;
        }
        script
    }

    /// The value of the last of these variables that is set to something written out.
    pub fn literal(&self, names: &[&str]) -> Option<&str> {
        let last = names.iter().filter_map(|name| self.last.get(*name)).max();
        last.and_then(|at| self.settings[*at].value.as_deref())
    }

    /// Whether one of these variables is set.
    pub fn sets(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.last.contains_key(*name))
    }

    /// The command lines in a line. `code`: a shell gets the line; otherwise only what is in `$(…)`.
    /// `depth`: how many texts it stands in.
    fn invoked(&mut self, line: &[Spot], code: bool, depth: usize) {
        if depth > MOST_NESTED || !text(line).contains("go-jira") {
            return;
        }
        if let Some(words) = array(line) {
            return self.array(&words, is_script(line), depth);
        }
        let simples = commands(line);
        // Where the commands begin that feed the next go-jira and are not yet held by one before it in the same
        // pipe: held by every one, they would fill the memory.
        let mut feeding = 0;
        for (number, simple) in simples.iter().enumerate() {
            if number > 0 && simples[number - 1].closed_by != "|" {
                feeding = number;
            }
            let next = simples.get(number + 1);
            let at = command_at(&simple.words).filter(|_| code || simple.substituted);
            let mut invocation = at.and_then(|at| Invocation::read(simple, at, next));
            if let Some(invocation) = &mut invocation {
                let before = &simples[feeding..number];
                invocation.fed = before.iter().flat_map(|before| before.words.iter().cloned()).collect();
                feeding = number;
            }
            if let (Some(at), true) = (at, invocation.is_some()) {
                self.assigned(&simple.words[..at]);
            }
            self.invocations.extend(invocation);
            let caller = number.checked_sub(1).and_then(|before| simples[before].words.last());
            for (place, word) in simple.words.iter().enumerate() {
                if word.quote.is_some() && word.spots.iter().any(|spot| spot.c.is_whitespace()) {
                    let code = code && is_code(simple, place, caller);
                    self.invoked(&word.spots, code, depth + 1);
                }
            }
        }
    }

    /// `["go-jira", "run", …]`, of a Dockerfile, a workflow, or a program.
    fn array(&mut self, words: &[Word], script: bool, depth: usize) {
        let simple = Simple { words: words.to_vec(), ..Simple::default() };
        for (number, word) in words.iter().enumerate() {
            let before = number.checked_sub(1).map(|before| words[before].text());
            let whole = word.spots.iter().any(|spot| spot.c.is_whitespace());
            // A list of commands, one that stands alone, or the text of a `sh -c`.
            if whole && (script || before.is_none_or(|before| runs_text(&before))) {
                self.invoked(&word.spots, true, depth + 1);
            }
        }
        let at = words.iter().position(|word| is_go_jira(&word.text()));
        self.invocations.extend(at.and_then(|at| Invocation::read(&simple, at, None)));
    }

    /// The scripts of a package.json.
    fn manifest(&mut self, lines: &[Line]) {
        let scripts = lines.iter().skip_while(|line| !text(line).trim_start().starts_with("\"scripts\""));
        for line in scripts.skip(1).take_while(|line| !text(line).trim_start().starts_with('}')) {
            let words = commands(line).into_iter().next().map(|simple| simple.words).unwrap_or_default();
            if let [name, script, ..] = words.as_slice()
                && name.text().ends_with(':')
            {
                self.invoked(&script.spots, true, 0);
            }
        }
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
                // An item that is a key begins another list: no line is read for two.
                let items = lines[number + 1..].iter().take_while(|line| !KEY.is_match(&text(line)));
                let items: Vec<_> = items.map_while(item).collect();
                let each =
                    items.iter().map(|item| commands(item).into_iter().next().unwrap_or_default().words);
                let each: Vec<_> = each.collect();
                // An item of several words is a command line of its own, and was read as one.
                words = if each.iter().all(|item| item.len() == 1) { each.concat() } else { vec![] };
            } else if let Some(list) = array(line) {
                words = list;
            } else if ours {
                let start = source[..key.get(2).map_or(0, |value| value.start())].chars().count();
                let first = commands(&line[start..]).into_iter().next();
                words = first.map(|simple| simple.words).unwrap_or_default();
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
}

/// The strings of `["…", "…"]`, if the line has such a list; in a workflow's own they need no quotes.
fn array(line: &[Spot]) -> Option<Vec<Word>> {
    static KEY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"^\s*(?:-\s+)?(?:args|command|commands|entrypoint|(?:before_|after_)?script|run|test):\s*\[",
        )
        .expect("a fixed pattern")
    });
    let plain = KEY.is_match(&text(line));
    let open = line.windows(2).position(|pair| pair[0].c == '[' && (plain || "\"' ".contains(pair[1].c)))?;
    let mut words = Vec::new();
    let mut ours = false;
    let mut rest = &line[open + 1..];
    loop {
        rest = &rest[rest.iter().take_while(|spot| spot.c.is_whitespace() || spot.c == ',').count()..];
        let first = rest.first()?;
        let (mut spots, mut quote) = (Vec::new(), None);
        match first.c {
            ']' => return Some(words).filter(|words| !words.is_empty()),
            mark @ ('"' | '\'') => {
                quote = Some(mark);
                let mut at = 1;
                while rest.get(at)?.c != mark {
                    let escaped = mark == '"' && rest[at].c == '\\';
                    at += usize::from(escaped);
                    let spot = *rest.get(at)?;
                    let c = if escaped && spot.c == 'n' { '\n' } else { spot.c };
                    spots.push(Spot { c, ..spot });
                    at += 1;
                }
                rest = &rest[at + 1..];
            }
            _ if plain => {
                let length = rest.iter().position(|spot| ",]".contains(spot.c))?;
                let end = rest[..length]
                    .iter()
                    .rposition(|spot| !spot.c.is_whitespace())
                    .map_or(0, |last| last + 1);
                spots = rest[..end].to_vec();
                rest = &rest[length..];
            }
            // A variable of a program's, as an argument.
            _ if ours => {
                spots = vec![Spot { c: '$', ..*first }];
                rest = &rest[rest.iter().position(|spot| ",]".contains(spot.c))?..];
            }
            _ => return None,
        }
        ours |= words.is_empty() && is_go_jira(&text(&spots));
        words.push(Word { spots, line: first.line, column: first.column, quote });
    }
}

/// Whether a list is one of commands, not of the words of one.
fn is_script(line: &[Spot]) -> bool {
    let text = text(line);
    let key = text.split(':').next().unwrap_or_default().trim_start_matches([' ', '-']);
    key.ends_with("script") || key == "commands"
}

/// What follows the dash of a list's item.
fn item(line: &Line) -> Option<Line> {
    let dash = line.iter().position(|spot| !spot.c.is_whitespace())?;
    let is_item = line[dash].c == '-' && line.get(dash + 1).is_some_and(|spot| spot.c == ' ');
    is_item.then(|| line[dash + 2..].to_vec())
}
