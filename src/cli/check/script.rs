//! What a file says to go-jira: its command lines and the variables that are set, in whatever it is written.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex_lite::Regex;

use super::containers::{Containers, containers};
use super::flow::Flow;
use super::groovy::{self, is_groovy};
use super::invocation::Invocation;
use super::lines::{Line, Spot, logical, physical, text};
use super::lists::{array, bare, is_script, quoted};
use super::make;
use super::manifest;
use super::position::{Names, Position, assignment, is_code, is_go_jira, position, runs_text};
use super::scope::{Form, Scopes};
use super::shell::{Simple, Word, commands, whole};

/// Texts in texts are read no deeper: each level takes a copy of what is left, and a call on the stack.
const MOST_NESTED: usize = 6;

/// No more settings of one name are gone through with each command line.
const MOST_SETTINGS: usize = 32;

/// A variable that is set.
#[derive(Clone, Debug)]
pub struct Setting {
    pub name: String,
    /// Written out, without quotes; none if it is an expansion.
    pub value: Option<String>,
    pub line: usize,
    pub column: usize,
    /// Whether it is set for one command, which its line begins.
    pub passing: bool,
    pub form: Form,
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
    /// The places of the settings of each name: they are asked for with every flag.
    named: HashMap<String, Vec<usize>>,
    /// What else go-jira is called in it.
    names: Names,
    /// What a shell knows at the place that is read.
    pub flow: Flow,
    /// Whether make goes on when the line that is read fails.
    forgiven: bool,
    /// Its lines as whoever runs them takes them.
    pub logical: Vec<Line>,
    /// Its lines as they stand.
    pub lines: Vec<Line>,
    /// Whether it is written in Groovy, which puts values into texts by itself, and where it does.
    pub groovy: bool,
    pub pasted: HashSet<(usize, usize)>,
    /// Whether it is written in Python.
    pub python: bool,
    /// Whether what expands without quotes is parted into words.
    pub splits: bool,
    /// Whether its lines of variables are an environment: a table of cron's.
    pub table: bool,
    /// Who gets the variables that it sets.
    pub scopes: Scopes,
    /// What Jenkins's credentials are called in it.
    pub credentials: HashSet<String>,
}

impl Script {
    /// Reads a file; `name` is what it is called.
    pub fn read(name: &str, source: &str) -> Script {
        let lines = physical(source);
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let dotenv = file.starts_with(".env") || file.ends_with(".env");
        let concerned = dotenv || source.contains("go-jira") || source.contains("jira-action");
        let groovy = is_groovy(file, source);
        let python = file.ends_with(".py");
        let splits = !python && !groovy && !file.ends_with(".ps1") && !make::is_make(file);
        let table = dotenv || file.contains("cron") && !file.contains(".y");
        let mut script =
            Script { dotenv, concerned, lines, groovy, python, splits, table, ..Script::default() };
        if concerned {
            script.flow = Flow::of(source);
            script.whole(file);
        }
        script
    }

    /// Reads all of it, as whoever runs it does.
    fn whole(&mut self, file: &str) {
        if self.groovy {
            let read = groovy::read(&self.lines);
            (self.lines, self.pasted) = (read.code, read.pasted);
            self.credentials = groovy::credentials(&self.lines);
            self.logical = logical(&self.lines);
            self.called();
            for text in read.commands {
                self.flow.begin();
                logical(&text).iter().for_each(|line| self.invoked(line, true, 0));
            }
            let arrays: Vec<_> = self.logical.iter().filter_map(|line| array(line)).collect();
            arrays.iter().for_each(|words| self.array(words, false, 0));
        } else if file == "package.json" {
            self.logical = logical(&self.lines);
            self.manifest();
        } else {
            let make =
                if make::is_make(file) { make::recipes(&self.lines) } else { make::Recipes::default() };
            self.logical = logical(if make.lines.is_empty() { &self.lines } else { &make.lines });
            self.called();
            let Containers { invocations, lines: read } = containers(&self.logical);
            self.invocations.extend(invocations);
            let logical = std::mem::take(&mut self.logical);
            for (_, line) in logical.iter().enumerate().filter(|(number, _)| !read.contains(number)) {
                self.forgiven = line.first().is_some_and(|first| make.forgiven.contains(&first.line));
                self.line(line);
            }
            self.logical = logical;
        }
        let logical = std::mem::take(&mut self.logical);
        self.set(&logical);
        self.logical = logical;
        for (at, setting) in self.settings.iter().enumerate().filter(|(_, setting)| !setting.passing) {
            self.named.entry(setting.name.clone()).or_default().push(at);
        }
        self.scopes = Scopes::of(self, file);
    }

    /// A line as it stands in a file: a list, a text of YAML's, or what a shell reads.
    fn line(&mut self, line: &[Spot]) {
        if let Some(words) = array(line) {
            return self.array(&words, is_script(line), 0);
        }
        let bare = bare(line);
        // A key begins another shell, an item goes on in the same.
        if text(&line[..line.len() - bare.len()]).contains(':') {
            self.flow.begin();
        }
        match quoted(bare).filter(|_| bare.len() < line.len()) {
            Some(content) => self.invoked(&content, true, 1),
            None => self.invoked(bare, true, 0),
        }
    }

    /// The variables of some names that go-jira's own process gets.
    pub fn given(&self, is: impl Fn(&str) -> bool) -> Vec<&Setting> {
        let reach =
            self.settings.iter().filter(|set| is(&set.name) && self.scopes.reaches(set, &self.lines, None));
        let own = self.invocations.iter().flat_map(|one| &one.own);
        reach.chain(own.filter(|set| is(&set.name))).collect()
    }

    /// The variable of that name which that command line gets.
    pub fn given_to<'a>(&'a self, one: &'a Invocation, name: &str) -> Option<&'a Setting> {
        let place = Some((one.line, one.column));
        let reaches = |set: &&Setting| self.scopes.reaches(set, &self.lines, place);
        let lasting = || {
            let last = self.named.get(name)?.iter().rev().take(MOST_SETTINGS);
            last.map(|at| &self.settings[*at]).find(reaches)
        };
        one.own.iter().rfind(|set| set.name == name).or_else(lasting)
    }

    /// All variables that are set, for whatever.
    pub fn set_anywhere(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter().chain(self.invocations.iter().flat_map(|one| &one.own))
    }

    /// The value of the last of these variables that is set to something written out, for that command line.
    pub fn literal<'a>(&'a self, one: &'a Invocation, names: &[&str]) -> Option<&'a str> {
        let own = one.own.iter().rfind(|set| names.contains(&set.name.as_str()));
        let last = names.iter().filter_map(|name| self.named.get(*name)?.last()).max();
        own.or_else(|| last.map(|at| &self.settings[*at])).and_then(|set| set.value.as_deref())
    }

    /// Whether one of these variables is set for that command line.
    pub fn sets(&self, one: &Invocation, names: &[&str]) -> bool {
        self.sets_for_all(names) || one.own.iter().any(|set| names.contains(&set.name.as_str()))
    }

    /// Whether one of these variables is set, and not for a single command.
    pub fn sets_for_all(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.named.contains_key(*name))
    }

    /// The command lines in a line. `code`: a shell gets the line; otherwise only what is in `$(…)`.
    /// `depth`: how many texts it stands in.
    fn invoked(&mut self, line: &[Spot], code: bool, depth: usize) {
        if depth > MOST_NESTED {
            return;
        }
        let simples = commands(line);
        self.flow.line();
        // Where the commands begin that feed the next go-jira and are not yet held by one before it in the same
        // pipe: held by every one, they would fill the memory.
        let mut feeding = 0;
        // The parts that a command goes on with behind `$(…)`, and whether that command is go-jira.
        let mut parts: HashMap<usize, bool> = HashMap::new();
        for (number, simple) in simples.iter().enumerate() {
            if number > 0 && simples[number - 1].closed_by != "|" {
                feeding = number;
            }
            let (place, read) = match parts.remove(&number) {
                Some(ours) => {
                    let none = (simple.words.len(), simple.words.len());
                    (Position { ours: ours.then_some(none), ..position(&simple.words, &self.names) }, None)
                }
                None => {
                    let (whole, rest) = whole(&simples, number);
                    let place = position(&whole.words, &self.names);
                    let ours = place.ours.filter(|_| code || simple.substituted);
                    let next = simples.get(rest.last().unwrap_or(&number) + 1);
                    parts.extend(rest.into_iter().map(|part| (part, ours.is_some())));
                    let read = |(at, end)| {
                        let own = assigned(&whole.words[..at]);
                        Some(Invocation { own, ..Invocation::read(&whole, (at, end), next)? })
                    };
                    (place, ours.and_then(read))
                }
            };
            if let Some(mut invocation) = read {
                let before = &simples[feeding..number];
                invocation.fed = before.iter().flat_map(|before| before.words.iter().cloned()).collect();
                invocation.forgiven = self.forgiven;
                feeding = number;
                self.flow.calls(self.invocations.len(), &invocation);
                self.invocations.push(invocation);
            }
            self.flow.step(simple, &place, &mut self.names, code || simple.substituted);
            let caller = number.checked_sub(1).and_then(|before| simples[before].words.last());
            for (at, word) in simple.words.iter().chain(&simple.targets).enumerate() {
                if word.quote.is_some() && word.spots.iter().any(|spot| spot.c.is_whitespace()) {
                    let runs = code && at < simple.words.len() && is_code(simple, at, &place, caller);
                    let kept = self.flow.enter(runs, simple);
                    self.invoked(behind_alias(simple, word), runs, depth + 1);
                    self.flow.leave(kept);
                }
            }
        }
        for told in self.flow.told() {
            self.invocations[told].searched = true;
        }
        for read in std::mem::take(&mut self.flow.read) {
            self.invocations[read].read = true;
        }
    }

    /// `["go-jira", "run", …]`, of a Dockerfile, a workflow, or a program.
    fn array(&mut self, words: &[Word], script: bool, depth: usize) {
        for (number, word) in words.iter().enumerate() {
            let before = number.checked_sub(1).map(|before| words[before].text());
            let whole = word.spots.iter().any(|spot| spot.c.is_whitespace());
            // A list of commands, one that stands alone, or the text of a `sh -c`.
            if whole && (script || before.is_none_or(|before| runs_text(&before))) {
                self.invoked(&word.spots, true, depth + 1);
            }
        }
        let at = words.iter().position(|word| is_go_jira(&word.text()));
        self.invocations.extend(at.and_then(|at| Invocation::of(words.to_vec(), at)));
    }

    /// The scripts of a package.json: one text each, and no script goes on in another.
    fn manifest(&mut self) {
        for script in manifest::scripts(&self.lines) {
            self.flow.begin();
            self.invoked(&script, true, 0);
        }
    }

    /// The variables that are set to go-jira's name, in whatever the file is written.
    fn called(&mut self) {
        static CALLED: LazyLock<Regex> = LazyLock::new(|| {
            let set = r#"(?:export|ENV|ARG|readonly)?\s*["']?([A-Za-z_]\w*)["']?\s*[:?]{0,2}=\s*"#;
            let key = r#"["']?([A-Z_][A-Z0-9_]*)["']?:\s+"#;
            Regex::new(&format!(
                r#"^\s*(?:-\s+)?(?:{set}|{key})["']?([^\s"';]*go-jira[^\s"';]*)["']?\s*(?:#.*)?$"#
            ))
            .expect("a fixed pattern")
        });
        for line in &self.logical {
            if let Some(found) = CALLED.captures(&text(line))
                && self.names.is_ours(&found[3])
                && let Some(name) = found.get(1).or(found.get(2))
            {
                self.names.variables.insert(name.as_str().to_owned());
            }
        }
    }
}

/// `alias name='command'`: what it stands for.
fn behind_alias<'a>(simple: &Simple, word: &'a Word) -> &'a [Spot] {
    let name = word
        .spots
        .iter()
        .position(|spot| spot.c == '=')
        .filter(|_| simple.words.first().is_some_and(|first| first.is("alias")));
    &word.spots[name.map_or(0, |name| name + 1)..]
}

/// Variables before a command, and those that a container is given.
fn assigned(words: &[Word]) -> Vec<Setting> {
    let set = |word: &Word| {
        let whole = word.text();
        let (name, value) = assignment(whole.strip_prefix("--env=").unwrap_or(&whole))?;
        Some(Setting { passing: true, ..Setting::read(name, value, word.line, word.column) })
    };
    words.iter().filter_map(set).collect()
}
