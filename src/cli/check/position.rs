//! Whether a word is go-jira being run, as opposed to being spoken of, fetched or installed.

use super::shell::{Simple, Word};

/// Programs that run what follows them.
const WRAPPERS: [&str; 18] = [
    "sudo", "doas", "env", "exec", "command", "time", "timeout", "nice", "nohup", "xargs", "npx", "bunx",
    "eval", "builtin", "gosu", "su-exec", "stdbuf", "watch",
];

/// Flags of theirs with a value.
const WRAPPER_VALUES: [&str; 16] =
    ["-u", "-g", "-n", "-I", "-L", "-P", "-s", "-k", "-C", "--user", "-i", "-p", "-l", "-o", "-J", "-F"];

/// Programs that run an image or in a container.
const CONTAINERS: [&str; 6] = ["docker", "podman", "nerdctl", "docker-compose", "kubectl", "oc"];

/// Words of a shell, of a Dockerfile and of make before a command.
const KEYWORDS: [&str; 18] = [
    "then",
    "do",
    "else",
    "elif",
    "if",
    "while",
    "until",
    "!",
    "{",
    "&&",
    "RUN",
    "CMD",
    "ENTRYPOINT",
    "HEALTHCHECK",
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
const RUNNERS: [&str; 12] =
    ["-c", "-lc", "-ec", "-ce", "-xc", "-exc", "-euc", "eval", "sh", "bat", "powershell", "ssh"];

/// Functions that run the text they are given, by the end of their name.
const FUNCTIONS: [&str; 9] =
    ["sh", "bat", "powershell", "system", "exec", "call", "check_call", "check_output", "Popen"];

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// `go-jira`, a path that ends so, an image of that name.
pub(super) fn is_go_jira(word: &str) -> bool {
    let word = word.trim_start_matches(['@', '-', '+']);
    let base = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let (name, tag) = base.split_once([':', '@']).unwrap_or((base, "latest"));
    // `go-jira:` is a key or a target, `go-jira@v1` a module.
    !tag.is_empty() && name.strip_suffix(".exe").unwrap_or(name) == "go-jira"
}

/// The word of a command that is go-jira being run, as opposed to being spoken of, fetched or installed.
pub(super) fn command_at(words: &[Word]) -> Option<usize> {
    let texts: Vec<String> = words.iter().map(Word::text).collect();
    let mut at = schedule(&texts);
    // A table of the system's names a user before the command.
    if at > 0 && !is_go_jira(texts.get(at)?) && texts.get(at + 1).is_some_and(|word| is_go_jira(word)) {
        at += 1;
    }
    loop {
        let word = texts.get(at)?;
        if is_go_jira(word) {
            return Some(at);
        }
        if word == "ssh" {
            at = behind_wrapper(&texts, at + 1) + 1;
            continue;
        }
        if CONTAINERS.contains(&word.as_str()) {
            return in_container(&texts, at);
        }
        if is_prefix(word) {
            at += 1;
        } else if WRAPPERS.contains(&word.as_str()) {
            at = behind_wrapper(&texts, at + 1);
        } else {
            return None;
        }
    }
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
    let assignment = word.split_once('=').is_some_and(|(name, _)| is_name(name));
    let key = word.strip_suffix(':').is_some_and(|key| KEYS.contains(&key));
    assignment || key || KEYWORDS.contains(&word) || word.starts_with("--mount=")
}

/// The first word that a wrapper may take for its command.
fn behind_wrapper(texts: &[String], mut at: usize) -> usize {
    while let Some(word) = texts.get(at) {
        let value = at > 0 && WRAPPER_VALUES.contains(&texts[at - 1].as_str());
        let duration = word.starts_with(|c: char| c.is_ascii_digit());
        if !value && !duration && !word.starts_with('-') {
            break;
        }
        at += 1;
    }
    at
}

/// `docker run … IMAGE …`, `kubectl exec … -- go-jira …`
fn in_container(texts: &[String], at: usize) -> Option<usize> {
    let verb = texts.iter().skip(at).position(|word| word == "run" || word == "exec")? + at;
    let names = ["--name", "-t", "--tag", "--hostname", "-h", "--network", "--label", "-l", "--entrypoint"];
    let is = |at: usize| is_go_jira(&texts[at]) && !names.contains(&texts[at - 1].as_str());
    let mut found = (verb + 1..texts.len()).find(|at| is(*at))?;
    // The container may have the same name as the program in it.
    while let Some(next) = (found + 1..texts.len()).find(|at| is(*at)) {
        let between = &texts[found + 1..next];
        if !between.is_empty() && between != ["--"] {
            break;
        }
        found = next;
    }
    Some(found)
}

/// Whether the word before it makes a text a command, of a shell's.
pub(super) fn runs_text(before: &str) -> bool {
    RUNNERS.contains(&before)
}

/// Whether a quoted word with blanks in it is a command for another shell.
pub(super) fn is_code(simple: &Simple, place: usize, caller: Option<&Word>) -> bool {
    let Some(before) = place.checked_sub(1) else {
        let function = caller.map(Word::text).unwrap_or_default();
        let name = function.rsplit(['.', ' ']).next().unwrap_or_default();
        return simple.opened_by != "(" || FUNCTIONS.contains(&name) || name == "run";
    };
    let text = simple.words[before].text();
    RUNNERS.contains(&text.as_str())
        || text.strip_suffix(':').is_some_and(|key| KEYS.contains(&key))
        || simple.words[0].is("ssh")
        || text == "-"
}
