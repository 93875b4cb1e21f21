//! One go-jira command line: its words as flags and arguments, as go-jira itself would read them.

use super::flow::variable;
use super::script::Setting;
use super::shell::{Simple, Word, expands};

/// Its commands; those with a list are groups.
pub const COMMANDS: [(&str, &[&str]); 19] = [
    ("run", &[]),
    ("search", &[]),
    ("get", &[]),
    ("create", &[]),
    ("update", &[]),
    ("delete", &[]),
    ("link", &[]),
    ("boards", &[]),
    ("sprints", &[]),
    ("epics", &[]),
    ("login", &[]),
    ("logout", &[]),
    ("whoami", &[]),
    ("token", &["print", "status", "refresh"]),
    ("broker", &["serve"]),
    ("config", &["show"]),
    ("schema", &[]),
    ("version", &[]),
    ("completion", &["bash", "zsh", "fish", "powershell"]),
];

/// Flags that take no value, go-jira's and, for lines that are half moved, ours; all others take one.
const SWITCHES: [&str; 23] = [
    "quiet",
    "no-color",
    "insecure",
    "debug",
    "callback-https",
    "markdown",
    "confirm",
    "delete-subtasks",
    "help",
    "version",
    "q",
    "h",
    "v",
    "lenient",
    "plaintext",
    "no-input",
    "verbose",
    "dry-run",
    "require-key",
    "comment-once",
    "all",
    "count",
    "meta",
];

/// A flag as it was written.
#[derive(Clone, Debug)]
pub struct Flag {
    /// Without dashes.
    pub name: String,
    /// Behind `=` or in the next word.
    pub value: Option<String>,
    /// Whether that is a variable without quotes.
    pub unquoted: bool,
    pub line: usize,
    pub column: usize,
}

/// A go-jira command line.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub line: usize,
    pub column: usize,
    /// `run`, `token print`; for a group without a command of its own the group alone.
    pub command: String,
    pub flags: Vec<Flag>,
    /// What is neither command nor flag.
    pub surplus: Vec<Word>,
    /// All words behind the name.
    pub words: Vec<Word>,
    /// The words of the commands whose output it reads, but for those that one before it in the pipe has.
    pub fed: Vec<Word>,
    /// Such as `2>&1`.
    pub redirects: Vec<String>,
    /// What follows: `||`, `|`, …, and the words of that.
    pub then: (&'static str, Vec<String>),
    /// The variables that are set for it alone, before it or for its container.
    pub own: Vec<Setting>,
    /// Whether make goes on when it fails.
    pub forgiven: bool,
    /// Whether its stderr is kept, and something gets what was kept.
    pub read: bool,
    /// Whether its stderr is kept, and text is looked for in that.
    pub searched: bool,
}

impl Invocation {
    /// Reads the words from behind the name at `words[at]` to `end`; none if they are no command line of go-jira's.
    pub fn read(simple: &Simple, (at, end): (usize, usize), next: Option<&Simple>) -> Option<Invocation> {
        let name = &simple.words[at];
        let words = simple.words[at + 1..end].to_vec();
        let (flags, mut surplus) = parse(&words);
        // Help is asked for there and here alike, and nothing else is done.
        if flags.iter().any(|flag| matches!(flag.name.as_str(), "help" | "h")) {
            return None;
        }
        let first = surplus.first().map(Word::text);
        let command = match &first {
            Some(first) => {
                let (group, commands) = COMMANDS.iter().find(|(command, _)| command == first)?;
                surplus.remove(0);
                let second = surplus.first().map(Word::text);
                match second.filter(|second| commands.contains(&second.as_str())) {
                    Some(second) => {
                        surplus.remove(0);
                        format!("{group} {second}")
                    }
                    None => (*group).to_owned(),
                }
            }
            None if flags.is_empty() => return None,
            None => String::new(),
        };
        let then = next.map(|next| next.words.iter().map(Word::text).collect()).unwrap_or_default();
        Some(Invocation {
            line: name.line,
            column: name.column,
            command,
            flags,
            surplus,
            words,
            fed: Vec::new(),
            redirects: simple.redirects.clone(),
            then: (simple.closed_by, then),
            own: Vec::new(),
            forgiven: false,
            read: false,
            searched: false,
        })
    }

    /// Reads a list of words that stands alone, with the name at `words[at]`.
    pub fn of(words: Vec<Word>, at: usize) -> Option<Invocation> {
        let end = words.len();
        let mut read = Invocation::read(&Simple::of(words), (at, end), None)?;
        // No shell comes between, which would part a word.
        read.flags.iter_mut().for_each(|flag| flag.unquoted = false);
        Some(read)
    }

    /// The flag of that name.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// The value of the flag, if it is written out and no expansion.
    pub fn literal(&self, name: &str) -> Option<&str> {
        self.flag(name)?.value.as_deref().filter(|value| !expands(value))
    }

    /// Whether the switch is on.
    pub fn on(&self, name: &str) -> bool {
        self.flag(name).is_some_and(|flag| !matches!(flag.value.as_deref(), Some("false" | "0" | "f")))
    }

    /// Whether it is a group of commands.
    pub fn is_group(&self) -> bool {
        COMMANDS.iter().any(|(name, commands)| *name == self.command && !commands.is_empty())
    }

    /// Its name with the command, for showing.
    pub fn title(&self) -> String {
        format!("go-jira {}", self.command).trim_end().to_owned()
    }
}

/// Whether a word is a variable and nothing else. In small letters it may be one of a program's around the command,
/// which knows no quotes.
fn is_variable(word: &str) -> bool {
    let name = variable(word).unwrap_or_default();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Whether a word is what another command writes, without quotes.
fn is_substitution(word: &Word) -> bool {
    let mut start = word.spots.iter().map(|spot| spot.c);
    let starts = match start.next() {
        Some('`') => true,
        Some('$') => start.next() == Some('('),
        _ => false,
    };
    starts && word.quote.is_none()
}

/// Parts the words into flags and the rest.
fn parse(words: &[Word]) -> (Vec<Flag>, Vec<Word>) {
    let (mut flags, mut rest) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.text();
        if text == "--" {
            rest.extend(words.by_ref().cloned());
            break;
        }
        let name = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).filter(|name| !name.is_empty());
        let Some(name) = name else {
            // What another command writes may be nothing, or a comment: `# …` in backquotes.
            if !is_substitution(word) {
                rest.push(word.clone());
            }
            continue;
        };
        let mut whole = Some(word);
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None if SWITCHES.contains(&name) => (name.to_owned(), None),
            None => {
                whole = words.next();
                (name.to_owned(), whole.map(Word::text))
            }
        };
        let expands = value.as_deref().is_some_and(is_variable);
        let unquoted = expands && whole.is_some_and(|word| word.quote.is_none());
        flags.push(Flag { name, value, unquoted, line: word.line, column: word.column });
    }
    (flags, rest)
}
