//! Looking for places in a file: by variable, by command line, by flag, by what stands in a line. What is shown
//! of them is never a value.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::groovy::{expression, interpolations};
use super::invocation::{Flag, Invocation};
use super::lines::{Spot, text};
use super::script::{Script, Setting};

/// One place where it is found.
#[derive(Debug)]
pub struct Hit {
    pub line: usize,
    pub column: usize,
    /// The words of it; no value that could be a secret.
    pub found: String,
    /// What to write in this very place, where that can be said.
    pub instead: Option<String>,
}

macro_rules! pattern {
    ($name:ident $text:literal) => {
        pub(super) static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("a fixed pattern"));
    };
}

pattern!(DOTENV r"(^|\s|>|/)\.env(\s|$)");
pattern!(NAMED_DOTENV r"--env-file|JIRA_ENV_FILE|^\s*#");
pattern!(EXIT_ONE r#"\$\{?\?\}?"?\s*(-eq|-ne|==?|!=)\s*"?1\b"#);
pattern!(RETRY_AFTER r"\.retry_after\b");
pattern!(CLOUD r"(?i)\b[a-z0-9-]+\.atlassian\.net\b");
pattern!(ACTION r#"^\s*(?:-\s+)?uses:\s*["']?[^\s"']*/(?:jira-action|go-jira)@"#);
pattern!(FOREIGN_TEXT
    r"\$\{\{[^}]*\b(?:head_commit\.message|commits?\b[^}]*\.message|event\.[a-z_.]*\.?(?:title|body|name|label|email)|head_ref|head\.ref|ref_name)\b[^}]*\}\}");

impl Hit {
    pub(super) fn at(set: &Setting, found: &str) -> Hit {
        Hit { line: set.line, column: 1, found: found.to_owned(), instead: None }
    }

    pub(super) fn of(set: &Setting) -> Hit {
        Hit { line: set.line, column: set.column, found: format!("{}=***", set.name), instead: None }
    }

    /// A whole command line.
    pub(super) fn command(one: &Invocation) -> Hit {
        Hit { line: one.line, column: one.column, found: one.title(), instead: None }
    }
}

impl Script {
    pub(super) fn variables(&self, is: impl Fn(&str) -> bool) -> Vec<Hit> {
        self.settings.iter().filter(|set| is(&set.name)).map(Hit::of).collect()
    }

    pub(super) fn commands(&self, is: impl Fn(&Invocation) -> bool) -> Vec<Hit> {
        self.invocations.iter().filter(|one| is(one)).map(Hit::command).collect()
    }

    pub(super) fn flags(&self, is: impl Fn(&Invocation, &Flag) -> bool) -> Vec<Hit> {
        let flags = self.invocations.iter().flat_map(|one| one.flags.iter().map(move |flag| (one, flag)));
        let dashes = |flag: &Flag| if flag.name.len() == 1 { "-" } else { "--" };
        let value = |flag: &Flag| if flag.value.is_some() { " ***" } else { "" };
        flags
            .filter(|(one, flag)| is(one, flag))
            .map(|(_, flag)| Hit {
                line: flag.line,
                column: flag.column,
                found: format!("{}{}{}", dashes(flag), flag.name, value(flag)),
                instead: None,
            })
            .collect()
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
        self.invocations.iter().filter(leaf).filter(shells).filter_map(hit).collect()
    }

    pub(super) fn injections(&self) -> Vec<Hit> {
        let words = self.invocations.iter().flat_map(|one| &one.words);
        let hits = words.flat_map(|word| {
            let source = word.text();
            let found: Vec<String> =
                FOREIGN_TEXT.find_iter(&source).map(|found| found.as_str().to_owned()).collect();
            found.into_iter().map(|found| Hit { line: word.line, column: word.column, found, instead: None })
        });
        hits.chain(self.pasted()).collect()
    }

    /// What Groovy puts into a command before the shell reads it.
    fn pasted(&self) -> Vec<Hit> {
        if !self.groovy {
            return Vec::new();
        }
        let places = interpolations(&self.lines);
        let words = self.invocations.iter().flat_map(|one| &one.words);
        let spots = words.flat_map(|word| (0..word.spots.len()).map(|at| &word.spots[at..]));
        let hit = |spots: &[Spot]| {
            let first = spots.first().filter(|first| places.contains(&(first.line, first.column)))?;
            let found = format!("${{{}}}", expression(spots)?);
            let instead = "single quotes around the command, and a variable instead: withEnv([\"INPUT_REF=…\"]) around \
                           it, and no --ref";
            let instead = Some(instead.to_owned());
            Some(Hit { line: first.line, column: first.column, found, instead })
        };
        spots.filter_map(hit).collect()
    }

    /// Lines that hold what is looked for, but for comments and what is said right.
    pub(super) fn lines_with(&self, pattern: &Regex, found: &str) -> Vec<Hit> {
        let hit = |line: &Vec<Spot>| {
            let source = text(line);
            let at = pattern.find(&source).filter(|_| !NAMED_DOTENV.is_match(&source))?;
            let column = source[..at.start()].chars().count();
            let spot = line.get(column)?;
            Some(Hit { line: spot.line, column: spot.column, found: found.to_owned(), instead: None })
        };
        self.lines.iter().filter_map(hit).collect()
    }
}
