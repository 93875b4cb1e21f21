//! Whether a word is go-jira being run, as opposed to being spoken of, fetched or installed.

use std::collections::HashSet;

use super::shell::{Simple, Word};
use super::wrappers::{base, end, handed, wrapped};

/// Words of a shell, of a Dockerfile and of make before a command.
const KEYWORDS: [&str; 21] = [
    "then",
    "do",
    "else",
    "elif",
    "if",
    "while",
    "until",
    "!",
    "{",
    "try",
    "finally",
    "&&",
    "RUN",
    "CMD",
    "ENTRYPOINT",
    "HEALTHCHECK",
    "ONBUILD",
    "-",
    "@",
    "+",
    "*",
];

/// Keys of workflow files whose value is a command.
const KEYS: [&str; 16] = [
    "run",
    "script",
    "before_script",
    "after_script",
    "command",
    "commands",
    "cmd",
    "cmds",
    "args",
    "entrypoint",
    "sh",
    "bash",
    "pwsh",
    "powershell",
    "shell",
    "exec",
];

/// Words before a quoted text that is a command itself.
const RUNNERS: [&str; 14] = [
    "-c",
    "-lc",
    "-ec",
    "-ce",
    "-xc",
    "-exc",
    "-euc",
    "--command",
    "eval",
    "trap",
    "sh",
    "bat",
    "powershell",
    "ssh",
];

/// Functions that run the text they are given, by the end of their name.
const FUNCTIONS: [&str; 10] =
    ["sh", "bat", "powershell", "system", "exec", "execSync", "call", "check_call", "check_output", "Popen"];

/// What else go-jira is called in a file.
#[derive(Debug, Default)]
pub struct Names {
    /// Variables that hold its name.
    pub variables: HashSet<String>,
    /// Aliases of it, and functions that hand their arguments on to it.
    pub aliases: HashSet<String>,
    /// The function whose body is read.
    function: Option<String>,
}

impl Names {
    /// Whether a word is its name, a path to it, an image of it, or a variable that holds one.
    pub(super) fn is_ours(&self, word: &str) -> bool {
        let variable = word.strip_prefix('$').unwrap_or_default();
        let name = variable.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(variable);
        let (name, default) = name.split_once(":-").unwrap_or((name, ""));
        // `$DIR/go-jira` is a path, whatever is in the variable.
        if is_name(name) { self.variables.contains(name) || is_go_jira(default) } else { is_go_jira(word) }
    }

    /// Notes where a function begins and ends, and `name() { go-jira "$@"; }`.
    pub(super) fn define(&mut self, simple: &Simple, place: &Position) {
        match simple.words.as_slice() {
            [name] if simple.closed_by == "(" => self.function = Some(name.text()),
            [function, name, ..] if function.is("function") => self.function = Some(name.text()),
            [end] if end.is("}") => self.function = None,
            words => {
                let given = place.ours.and_then(|(name, end)| words.get(name + 1..end));
                if let (Some(name), Some([all])) = (&self.function, given)
                    && all.is("$@")
                {
                    self.aliases.insert(name.clone());
                }
            }
        }
    }
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// `NAME=value`, parted.
pub(super) fn assignment(word: &str) -> Option<(&str, &str)> {
    word.split_once('=').filter(|(name, _)| is_name(name))
}

/// Whether the value of a key of that name is a command; Ansible's have a collection before it.
pub(super) fn is_key(name: &str) -> bool {
    KEYS.contains(&name.strip_prefix("ansible.builtin.").unwrap_or(name))
}

/// `go-jira`, a path that ends so, an image of that name.
pub(super) fn is_go_jira(word: &str) -> bool {
    let word = word.trim_start_matches(['@', '-', '+']);
    let base = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let (name, tag) = base.split_once([':', '@']).unwrap_or((base, "latest"));
    // `go-jira:` is a key or a target, `go-jira@v1` a module.
    !tag.is_empty() && name.strip_suffix(".exe").unwrap_or(name) == "go-jira"
}

/// What the words of a command come to.
#[derive(Debug, Default)]
pub struct Position {
    /// The program that is run in the end, behind all that runs another.
    pub program: usize,
    /// The first of those that run another, and the program itself else.
    pub first: usize,
    /// go-jira's name, and where its arguments end.
    pub ours: Option<(usize, usize)>,
    /// Whether the last of them is a shell on another machine.
    pub ssh: bool,
}

/// Where the program stands in a command, and whether it is go-jira.
pub(super) fn position(words: &[Word], names: &Names) -> Position {
    let texts: Vec<String> = words.iter().map(Word::text).collect();
    let ours = |word: &str| names.is_ours(word);
    let mut at = schedule(&texts);
    // A table of the system's names a user before the command.
    let is = |at: usize| texts.get(at).is_some_and(|word| ours(word));
    if at > 0 && !is(at) && is(at + 1) {
        at += 1;
    }
    let mut found = Position { first: usize::MAX, ..Position::default() };
    while let Some(word) = texts.get(at) {
        // ExecStart= of systemd is no variable.
        let unit = word.starts_with("Exec") && ours(word);
        if is_prefix(word) && !unit {
            at += 1;
            continue;
        }
        // PowerShell: `$out = …`, `[string]$out = …`
        if word.starts_with(['$', '[']) && word.contains('$') && texts.get(at + 1).is_some_and(|is| is == "=")
        {
            at += 2;
            continue;
        }
        found.first = found.first.min(at);
        found.program = at;
        found.ssh |= base(word) == "ssh";
        // `command -v` and `type` only look for it.
        let looks =
            word == "command" && texts.get(at + 1).is_some_and(|flag| flag.eq_ignore_ascii_case("-v"));
        let name = match () {
            () if looks => None,
            () if ours(word) || names.aliases.contains(word) => Some(at),
            () => match wrapped(&texts, at, &ours) {
                Some(next) => {
                    at = next;
                    continue;
                }
                None => handed(&texts, at, &ours),
            },
        };
        found.ours = name.map(|name| (name, end(&texts, name + 1)));
        return found;
    }
    found.first = found.first.min(texts.len());
    found
}

/// The number of words that say when cron runs what follows them.
fn schedule(texts: &[String]) -> usize {
    let field = |text: &String| text.chars().all(|c| c.is_ascii_digit() || "*/,-".contains(c));
    match texts.first() {
        Some(first)
            if first.starts_with('@')
                && first[1..].chars().all(|c| c.is_ascii_lowercase())
                && first.len() > 4 =>
        {
            1
        }
        _ if texts.len() > 5 && texts[..3].iter().all(field) => 5,
        _ => 0,
    }
}

fn is_prefix(word: &str) -> bool {
    let key = word.strip_suffix(':').is_some_and(is_key);
    assignment(word).is_some() || key || KEYWORDS.contains(&word) || word.starts_with("--mount=")
}

/// Whether the word before it makes a text a command, of a shell's.
pub(super) fn runs_text(before: &str) -> bool {
    RUNNERS.contains(&before)
}

/// Whether a quoted word with blanks in it is a command for another shell.
pub(super) fn is_code(simple: &Simple, place: usize, position: &Position, caller: Option<&Word>) -> bool {
    let Some(before) = place.checked_sub(1) else {
        let function = caller.map(Word::text).unwrap_or_default();
        let name = function.rsplit(['.', ' ']).next().unwrap_or_default();
        return simple.opened_by != "(" || FUNCTIONS.contains(&name) || name == "run";
    };
    let text = simple.words[before].text();
    RUNNERS.contains(&text.as_str())
        || text.strip_suffix(':').is_some_and(is_key)
        || position.ssh && place > position.first
        || simple.words[0].is("alias")
        || text == "-"
}
