//! Looking for places in a file: by variable, by command line, by flag, by what stands in a line. What is shown
//! of them is never a value.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex_lite::Regex;

use super::groovy::{expression, is_harmless};
use super::invocation::{Flag, Invocation};
use super::lines::{Columns, Spot, text};
use super::script::{Script, Setting};
use super::shell::Word;

/// One place where it is found.
#[derive(Clone, Debug)]
pub struct Hit {
    pub line: usize,
    pub column: usize,
    /// The words of it; no value that could be a secret.
    pub found: String,
    /// What to write in this very place, where that can be said.
    pub instead: Option<String>,
}

/// How a Jenkinsfile hands a text on.
const AROUND: &str = "single quotes around the command, and a variable instead: withEnv([\"INPUT_REF=…\"]) around it, \
                      and no --ref";

macro_rules! pattern {
    ($name:ident $text:literal) => {
        pub(super) static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("a fixed pattern"));
    };
}

pattern!(COMMENT r"^\s*#");
pattern!(RETRY_AFTER r"\.retry_after\b");
pattern!(CLOUD r"(?i)\b[a-z0-9-]+\.atlassian\.net\b");
pattern!(ACTION r#"^\s*(?:-\s+)?uses:\s*["']?[^\s"']*/(?:jira-action|go-jira)@"#);
pattern!(FOREIGN_TEXT
    r"\$\{\{[^}]*\b(?:head_commit\.message|commits?\b[^}]*\.message|event\.[a-z_.]*\.?(?:title|body|name|label|email)|head_ref|head\.ref|head_branch|display_title|ref_name)\b[^}]*\}\}|\$\((?:Build\.SourceVersionMessage|Build\.SourceBranch(?:Name)?|System\.PullRequest\.SourceBranch)\)");
pattern!(ASSIGNED r#"([A-Za-z_]\w*)=(?:"[^"]*|'[^']*|[^\s"';]*)$"#);
pattern!(EXPANDED r"\$\{?([A-Za-z_]\w*)");
pattern!(ADDED r#"["']\s*\+\s*([A-Za-z_][\w.]*)"#);

/// An expression as far as it is a name: what follows may be a value that is written out.
fn path(expression: &str) -> String {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[A-Za-z_]\w*(?:\??\.[A-Za-z_]\w*)*").expect("a fixed pattern"));
    match NAME.find(expression) {
        Some(name) if name.end() == expression.len() => expression.to_owned(),
        Some(name) => format!("{}…", name.as_str()),
        None => "…".to_owned(),
    }
}

/// The same of a workflow's: `${{ … }}`, or `$(…)` of Azure's, which is a name.
fn foreign(found: &str) -> String {
    match found.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")) {
        Some(expression) => format!("${{{{ {} }}}}", path(expression.trim())),
        None => found.to_owned(),
    }
}

impl Hit {
    pub(super) fn at(set: &Setting, found: &str) -> Hit {
        Hit { line: set.line, column: 1, found: found.to_owned(), instead: None }
    }

    pub(super) fn of(set: &Setting) -> Hit {
        Hit { line: set.line, column: set.column, found: format!("{}=***", set.name), instead: None }
    }

    pub(super) fn flag(flag: &Flag) -> Hit {
        let dashes = if flag.name.len() == 1 { "-" } else { "--" };
        let value = if flag.value.is_some() { " ***" } else { "" };
        let found = format!("{dashes}{}{value}", flag.name);
        Hit { line: flag.line, column: flag.column, found, instead: None }
    }

    /// A whole command line.
    pub(super) fn command(one: &Invocation) -> Hit {
        Hit { line: one.line, column: one.column, found: one.title(), instead: None }
    }
}

impl Script {
    pub(super) fn variables(&self, is: impl Fn(&str) -> bool) -> Vec<Hit> {
        self.given(is).into_iter().map(Hit::of).collect()
    }

    pub(super) fn commands(&self, is: impl Fn(&Invocation) -> bool) -> Vec<Hit> {
        self.invocations.iter().filter(|one| is(one)).map(Hit::command).collect()
    }

    pub(super) fn flags(&self, is: impl Fn(&Invocation, &Flag) -> bool) -> Vec<Hit> {
        let flags = self.invocations.iter().flat_map(|one| one.flags.iter().map(move |flag| (one, flag)));
        flags.filter(|(one, flag)| is(one, flag)).map(|(_, flag)| Hit::flag(flag)).collect()
    }

    /// `--epic` and `--sprint` where nothing says which field that is.
    pub(super) fn unnamed_fields(&self) -> Vec<Hit> {
        let mut hits = Vec::new();
        let named = ["EPIC_FIELD", "SPRINT_FIELD", "INPUT_EPIC_FIELD", "INPUT_SPRINT_FIELD"];
        for one in self.invocations.iter().filter(|one| !self.sets(one, &named)) {
            for (name, field) in [("epic", "epic-field"), ("sprint", "sprint-field")] {
                // Looked for once in a command line, not with each of its flags.
                if one.flag(field).is_none() {
                    hits.extend(one.flags.iter().filter(|flag| flag.name == name).map(Hit::flag));
                }
            }
        }
        hits
    }

    pub(super) fn surplus(&self) -> Vec<Hit> {
        let leaf =
            |one: &&Invocation| !one.command.is_empty() && (!one.is_group() || one.command == "completion");
        let hit = |one: &Invocation| {
            let first = one.surplus.first()?;
            let found = format!("{}: {} too many", one.title(), one.surplus.len());
            Some(Hit { line: first.line, column: first.column, found, instead: None })
        };
        let shells = |one: &&Invocation| !one.command.starts_with("completion");
        let parted = |_: &Invocation, flag: &Flag| {
            let text = matches!(flag.name.as_str(), "ref" | "comment" | "summary" | "description" | "jql");
            self.splits && flag.unquoted && text
        };
        let surplus = self.invocations.iter().filter(leaf).filter(shells).filter_map(hit);
        surplus.chain(self.flags(parted)).collect()
    }

    pub(super) fn injections(&self) -> Vec<Hit> {
        let words = self.invocations.iter().flat_map(|one| one.words.iter().chain(&one.fed));
        // The first of a word stands for all of them, which would be found in the same place.
        let hits = words.filter_map(|word| {
            let found = foreign(FOREIGN_TEXT.find(&word.text())?.as_str());
            Some(Hit { line: word.line, column: word.column, found, instead: None })
        });
        hits.chain(self.here_strings())
            .chain(self.assignments())
            .chain(self.pasted())
            .chain(self.added())
            .collect()
    }

    /// `go-jira … <<< "…"`
    fn here_strings(&self) -> Vec<Hit> {
        let hit = |one: &Invocation| {
            let found = one.redirects.iter().find_map(|redirect| FOREIGN_TEXT.find(redirect))?;
            Some(Hit { found: foreign(found.as_str()), ..Hit::command(one) })
        };
        self.invocations.iter().filter_map(hit).collect()
    }

    /// Variables of a shell that somebody else's text is pasted into, and that go-jira gets.
    fn assignments(&self) -> Vec<Hit> {
        let expanded = self.expanded();
        let given = |name: &str| {
            name.starts_with("INPUT_") || matches!(name, "REF" | "COMMENT") || expanded.contains(name)
        };
        let hit = |line: &Vec<Spot>| {
            let source = text(line);
            let found = FOREIGN_TEXT.find(&source)?;
            let name = ASSIGNED.captures(&source[..found.start()])?.get(1)?.as_str();
            let at = line.get(source[..found.start()].chars().count())?;
            let found = foreign(found.as_str());
            given(name).then_some(Hit { line: at.line, column: at.column, found, instead: None })
        };
        self.logical.iter().filter_map(hit).collect()
    }

    /// The variables that go-jira's command lines take in.
    fn expanded(&self) -> HashSet<String> {
        let words = self.invocations.iter().flat_map(|one| one.words.iter().chain(&one.fed));
        let redirects = self.invocations.iter().flat_map(|one| &one.redirects).cloned();
        let texts = words.map(Word::text).chain(redirects);
        let names = |text: String| -> Vec<String> {
            EXPANDED.captures_iter(&text).map(|found| found[1].to_owned()).collect()
        };
        texts.flat_map(names).collect()
    }

    /// `sh "go-jira …" + env.X`
    fn added(&self) -> Vec<Hit> {
        if !self.groovy {
            return Vec::new();
        }
        let runs: HashMap<usize, usize> = self.invocations.iter().map(|one| (one.line, one.column)).collect();
        let lines = self.lines.iter().filter_map(|line| Some((line, *runs.get(&line.first()?.line)?)));
        let hits = lines.flat_map(|(line, column)| {
            let source = text(line);
            let names = ADDED.captures_iter(&source).filter_map(|found| found.get(1));
            let names =
                names.filter(|name| !is_harmless(name.as_str()) && !self.is_credential(name.as_str()));
            let mut columns = Columns::of(&source);
            let hit = |name: regex_lite::Match<'_>| {
                let at = line.get(columns.before(name.start()))?;
                let found = format!("+ {}", name.as_str());
                (at.column > column).then(|| Hit {
                    line: at.line,
                    column: at.column,
                    found,
                    instead: Some(AROUND.to_owned()),
                })
            };
            names.filter_map(hit).collect::<Vec<_>>()
        });
        hits.collect()
    }

    /// What Groovy puts into a command before the shell reads it.
    fn pasted(&self) -> Vec<Hit> {
        if !self.groovy {
            return Vec::new();
        }
        let words = self.invocations.iter().flat_map(|one| one.words.iter().chain(&one.fed));
        let spots = words.flat_map(|word| (0..word.spots.len()).map(|at| &word.spots[at..]));
        let hit = |spots: &[Spot]| {
            let first = spots.first().filter(|first| self.pasted.contains(&(first.line, first.column)))?;
            let expression = expression(spots)?;
            if self.is_credential(&expression) {
                return None;
            }
            let found = format!("${{{}}}", path(&expression));
            let instead = Some(AROUND.to_owned());
            Some(Hit { line: first.line, column: first.column, found, instead })
        };
        spots.filter_map(hit).collect()
    }

    /// Whether Jenkins takes a value from what it keeps: nobody outside writes that, and the flags say the rest.
    fn is_credential(&self, expression: &str) -> bool {
        let name = expression.strip_prefix("env.").unwrap_or(expression);
        let whole = name.strip_suffix("_USR").or_else(|| name.strip_suffix("_PSW")).unwrap_or(name);
        self.credentials.contains(name) || self.credentials.contains(whole)
    }

    /// Lines that hold what is looked for, but for comments.
    pub(super) fn lines_with(&self, pattern: &Regex, found: &str) -> Vec<Hit> {
        let hit = |line: &Vec<Spot>| {
            let source = text(line);
            let at = pattern.find(&source).filter(|_| !COMMENT.is_match(&source))?;
            let column = source[..at.start()].chars().count();
            let spot = line.get(column)?;
            Some(Hit { line: spot.line, column: spot.column, found: found.to_owned(), instead: None })
        };
        self.lines.iter().filter_map(hit).collect()
    }
}
