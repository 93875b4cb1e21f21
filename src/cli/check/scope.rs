//! Whom a variable is for: go-jira's own process, or another command, step, job, container or stage. Where that
//! cannot be told, it is taken to be for another.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use regex_lite::Regex;

use super::lines::{Line, Spot, text};
use super::position::{is_go_jira, is_key, is_name};
use super::script::{Script, Setting};

/// No key stands in more maps than this.
const DEEPEST: usize = 32;

/// No key is longer, with what stands before it.
const LONGEST_KEY: usize = 120;

/// Keys of whole jobs' commands.
const STEPS: [&str; 4] = ["steps", "script", "before_script", "after_script"];

/// How the files of programs end, where a map in braces may hold anything.
const PROGRAMS: [&str; 8] = [".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".go", ".php"];

/// What hands all variables on, in a shell and in make.
pub static EXPORTS_ALL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|[\s;&|({"'])set\s+-\w*a|\ballexport\b|^\s*export\s*$|^\.EXPORT_ALL_VARIABLES"#)
        .expect("a fixed pattern")
});

/// An environment in brackets or braces.
pub static ENVIRONMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\b(?:env|environment|variables)["']?\s*[:=]\s*[\[{]|\benviron\.update\s*\(\s*\{"#)
        .expect("a fixed pattern")
});

/// Where a command line of go-jira's begins.
type Place = (usize, usize);

/// How a variable is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// In an environment.
    #[default]
    Given,
    /// In a shell or a makefile, which keeps it for itself unless it is exported.
    Own,
    /// In a shell, which exports it.
    Exported,
    /// For one command, whose last word ends there.
    Command(usize, usize),
}

/// A map of YAML or JSON, or what looks like one by its indentation.
#[derive(Debug)]
struct Block {
    column: usize,
    start: usize,
    end: usize,
    /// The line of the key whose value it is.
    under: Option<usize>,
    /// The last line of its own.
    last: usize,
}

/// Who gets what in a file.
#[derive(Debug, Default)]
pub struct Scopes {
    blocks: Vec<Block>,
    /// The innermost block of each line.
    of: Vec<Option<usize>>,
    /// The lines in which go-jira is run.
    runs: BTreeSet<(usize, usize)>,
    /// What a shell exports, and whether it exports all.
    exported: HashSet<String>,
    all: bool,
    /// Whether the file is one of YAML or JSON, by its name.
    maps: bool,
    /// Whether it is a program, by its name.
    program: bool,
    /// The lines with an environment in brackets.
    inline: HashSet<usize>,
    /// Whether a pod takes all of a map of data.
    env_from: bool,
    /// The innermost brace behind each place where one opens or closes.
    inner: Vec<((usize, usize), Option<usize>)>,
    /// Where the braces of Groovy open and close, with whether they are those of `environment`.
    braces: Vec<Brace>,
}

#[derive(Debug)]
struct Brace {
    open: (usize, usize),
    close: (usize, usize),
    environment: bool,
    around: Option<usize>,
}

impl Scopes {
    /// Looks through a file whose command lines are known.
    pub fn of(script: &Script, file: &str) -> Scopes {
        static EXPORTED: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?:^|[\s;&|])(?:export|(?:declare|typeset)\s+-\w*x\w*)\s+([^;&|#]*)")
                .expect("a fixed pattern")
        });
        static RUNS: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"^\s*(?:-\s+)?["']?(?:image|uses)["']?:\s*["']?([^\s"',]+)"#)
                .expect("a fixed pattern")
        });
        let maps = [".yml", ".yaml", ".json", "<stdin>"].iter().any(|end| file.ends_with(end));
        let program = PROGRAMS.iter().any(|end| file.ends_with(end));
        let runs = script.invocations.iter().map(|one| (one.line, one.column)).collect();
        let mut scopes = Scopes { maps, program, runs, ..Scopes::default() };
        for (number, line) in script.lines.iter().enumerate() {
            let source = text(line);
            if let Some(image) = RUNS.captures(&source)
                && (is_go_jira(&image[1]) || image[1].contains("jira-action"))
            {
                scopes.runs.insert((number + 1, 1));
            }
            for words in EXPORTED.captures_iter(&source) {
                let names = words[1].split_whitespace().map(|word| word.split('=').next().unwrap_or(word));
                scopes.exported.extend(names.filter(|name| is_name(name)).map(str::to_owned));
            }
            scopes.env_from |= source.contains("envFrom");
            if ENVIRONMENT.is_match(&source) {
                scopes.inline.insert(number);
            }
            scopes.all |= EXPORTS_ALL.is_match(&source);
        }
        if script.groovy {
            scopes.braced(&script.lines);
        } else {
            scopes.indented(&script.lines);
        }
        scopes
    }

    /// Parts the lines into blocks, each looked at once.
    fn indented(&mut self, lines: &[Line]) {
        let mut open: Vec<usize> = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let indent = line.iter().take_while(|spot| spot.c.is_whitespace()).count();
            let marks = line[indent..].iter().take_while(|spot| "-{[ ".contains(spot.c)).count();
            // A dash is an item's only with a blank behind it.
            let item = marks > 0 && line.get(indent + marks - 1).is_some_and(|last| last.c != '-');
            let column = if item { indent + marks } else { indent };
            self.of.push(None);
            let Some(first) = line.get(column).filter(|first| first.c != '#') else { continue };
            let closes = "}])".contains(first.c);
            while let Some(top) = open.last().map(|top| &mut self.blocks[*top])
                && (top.column > column || item && top.column == column)
            {
                top.end = number;
                open.pop();
            }
            if closes {
                continue;
            }
            let top = match open.last().filter(|top| self.blocks[**top].column == column) {
                Some(top) => *top,
                None => {
                    let under = open.last().map(|above| self.blocks[*above].last);
                    let block = Block { column, start: number, end: lines.len(), under, last: number };
                    self.blocks.push(block);
                    open.push(self.blocks.len() - 1);
                    self.blocks.len() - 1
                }
            };
            self.blocks[top].last = number;
            self.of[number] = Some(top);
        }
    }

    /// Whether go-jira is run between two places, the first of them included: anywhere there, or that one.
    fn runs(&self, from: Place, to: Place, one: Option<Place>) -> bool {
        match one {
            Some(one) => (from..to).contains(&one),
            None => from < to && self.runs.range(from..to).next().is_some(),
        }
    }

    /// Whether go-jira is run in the map that a line is a key of.
    fn is_beside(&self, number: usize, one: Option<Place>) -> bool {
        let Some(block) = self.of.get(number).copied().flatten().map(|at| &self.blocks[at]) else {
            return true;
        };
        self.runs((block.start + 1, 0), (block.end + 1, 0), one)
    }

    /// Whether go-jira is run in the job that a line belongs to, if it belongs to one: each has a directory of its own.
    pub fn is_in_its_job(&self, number: usize, lines: &[Line]) -> bool {
        let is_steps =
            |number: &usize| lines.get(*number).is_some_and(|line| STEPS.contains(&key(line).as_str()));
        let steps = self.above(number).filter(is_steps).last();
        !self.maps || steps.is_none_or(|steps| self.is_for_ours(steps, lines))
    }

    /// The lines of the keys that a line stands under, the nearest first.
    pub fn above(&self, number: usize) -> impl Iterator<Item = usize> {
        let up = |number: &usize| self.blocks[self.of.get(*number).copied().flatten()?].under;
        std::iter::successors(up(&number), move |number| up(number)).take(DEEPEST)
    }

    /// Whether a variable is one of go-jira's environment, of any command line or of one.
    pub fn reaches(&self, set: &Setting, lines: &[Line], one: Option<Place>) -> bool {
        let exported = self.all || self.exported.contains(&set.name);
        match set.form {
            Form::Command(line, column) => self.runs((set.line, set.column), (line, column + 1), one),
            _ if !self.braces.is_empty() => self.in_braces(set, lines, exported, one),
            _ if self.maps => self.in_maps(set, lines, exported, one),
            Form::Own => exported,
            Form::Given if self.program => {
                let number = set.line.saturating_sub(1);
                std::iter::once(number)
                    .chain(self.above(number).take(1))
                    .any(|line| self.inline.contains(&line))
            }
            Form::Given | Form::Exported => true,
        }
    }

    /// Finds the braces of Groovy's, in the order in which they open; those of an expression in a text are none.
    fn braced(&mut self, lines: &[Line]) {
        // None stands for the brace of an expression.
        let mut open: Vec<Option<usize>> = Vec::new();
        let mut around = Vec::new();
        for line in lines {
            let (mut word, mut gap) = (String::new(), false);
            for spot in line {
                match spot.c {
                    '{' if word.ends_with('$') && !gap => open.push(None),
                    '{' => {
                        open.push(Some(self.braces.len()));
                        around.push(self.braces.len());
                        self.inner.push(((spot.line, spot.column), around.last().copied()));
                        self.braces.push(Brace {
                            open: (spot.line, spot.column),
                            close: (usize::MAX, 0),
                            environment: word == "environment",
                            around: around.iter().rev().nth(1).copied(),
                        });
                    }
                    '}' => {
                        if let Some(Some(at)) = open.pop() {
                            self.braces[at].close = (spot.line, spot.column);
                            around.pop();
                            self.inner.push(((spot.line, spot.column), around.last().copied()));
                        }
                    }
                    _ => {}
                }
                let part = spot.c.is_alphanumeric() || spot.c == '$';
                if gap && part || !part && !spot.c.is_whitespace() {
                    word.clear();
                }
                gap = spot.c.is_whitespace();
                word.extend(Some(spot.c).filter(|_| part));
            }
        }
    }

    fn in_maps(&self, set: &Setting, lines: &[Line], exported: bool, one: Option<Place>) -> bool {
        let number = set.line.saturating_sub(1);
        let key = |number: usize| lines.get(number).map(|line| key(line)).unwrap_or_default();
        if self.inline.contains(&number) {
            return self.is_for(number, lines, one);
        }
        let mut above = self.above(number);
        let Some(nearest) = above.next() else {
            return set.form != Form::Own || exported;
        };
        match key(nearest).as_str() {
            "env" | "environment" | "variables" => self.is_for(nearest, lines, one),
            // Travis, and what a pod takes all of.
            "global" => true,
            "data" | "stringData" => self.env_from,
            _ if set.form == Form::Given => false,
            _ => {
                let exported = exported || set.form == Form::Exported;
                let shell = std::iter::once(nearest).chain(above).find(|number| is_key(&key(*number)));
                exported && shell.is_none_or(|shell| self.is_for(shell, lines, one))
            }
        }
    }

    /// Whether go-jira is run by whom a key belongs to, or by others who take it over from there.
    pub fn is_for_ours(&self, number: usize, lines: &[Line]) -> bool {
        self.is_for(number, lines, None)
    }

    fn is_for(&self, number: usize, lines: &[Line], one: Option<Place>) -> bool {
        let owner = self.above(number).next().and_then(|owner| lines.get(owner));
        // The start of it: it is asked for with each variable, and may be long.
        let owner = owner.map(|line| text(&line[..line.len().min(LONGEST_KEY)]));
        let shared = owner.is_some_and(|owner| {
            let owner = owner.trim();
            owner.starts_with('.') || owner.starts_with("default:") || owner.contains(": &")
        });
        shared || self.is_beside(number, one)
    }

    fn in_braces(&self, set: &Setting, lines: &[Line], exported: bool, one: Option<Place>) -> bool {
        let place = (set.line, set.column);
        let Some(line) = lines.get(set.line.saturating_sub(1)) else { return true };
        let before = line.partition_point(|spot| spot.column < set.column);
        let before = text(&line[before.saturating_sub(8)..before]);
        if before.trim_end_matches(['"', '\'', '[']).trim_end_matches('.').ends_with("env") {
            return true;
        }
        let next = self.braces.partition_point(|brace| brace.open <= place);
        let changes = self.inner.partition_point(|(changed, _)| *changed <= place);
        let inner = changes.checked_sub(1).and_then(|last| self.inner[last].1);
        let holds = |brace: &Brace| self.runs(brace.open, brace.close, one);
        let inner = inner.map(|at| &self.braces[at]);
        match inner {
            Some(brace) if brace.environment => brace.around.is_none_or(|around| holds(&self.braces[around])),
            // withEnv and withCredentials are for the block behind them.
            _ if set.form == Form::Given => self.braces.get(next).is_none_or(holds),
            _ => (exported || set.form == Form::Exported) && inner.is_none_or(holds),
        }
    }
}

/// The key that a line begins with.
fn key(line: &[Spot]) -> String {
    let rest = line
        .iter()
        .take(2 * LONGEST_KEY)
        .map(|spot| spot.c)
        .skip_while(|c| c.is_whitespace() || "-{[\"'".contains(*c));
    rest.take(LONGEST_KEY).take_while(|c| c.is_alphanumeric() || "_.-".contains(*c)).collect()
}
