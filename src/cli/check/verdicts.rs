//! Whether a command line or a variable is what a rule is about.

use crate::config::parse_boolean;

use super::flow::variable;
use super::hits::Hit;
use super::invocation::{Flag, Invocation};
use super::script::{Script, Setting};
use super::shell::expands;
use super::told::{Goes, searches, stderr};

/// OAuth, broker and listener flags with the variable that beats them in go-jira.
const FLAG_AND_VARIABLE: [(&str, &str); 10] = [
    ("client-id", "JIRA_OAUTH_CLIENT_ID"),
    ("callback-port", "JIRA_OAUTH_CALLBACK_PORT"),
    ("callback-https", "JIRA_OAUTH_CALLBACK_HTTPS"),
    ("callback-cert", "JIRA_OAUTH_CALLBACK_CERT"),
    ("callback-key", "JIRA_OAUTH_CALLBACK_KEY"),
    ("broker-url", "JIRA_TOKEN_BROKER_URL"),
    ("broker-token", "JIRA_BROKER_TOKEN"),
    ("listen", "JIRA_BROKER_LISTEN"),
    ("tls-cert", "JIRA_BROKER_TLS_CERT"),
    ("tls-key", "JIRA_BROKER_TLS_KEY"),
];

/// Switches that go-jira reads from the environment.
const BOOLEANS: [&str; 7] = [
    "JIRA_INSECURE",
    "INPUT_INSECURE",
    "MARKDOWN",
    "INPUT_MARKDOWN",
    "INPUT_DEBUG",
    "JIRA_OAUTH_CALLBACK_HTTPS",
    "INSECURE",
];

/// Switches that are set to a word that is another here.
pub(super) fn odd_booleans(script: &Script) -> Vec<Hit> {
    let is_odd = |value: &str| match parse_boolean(value) {
        Ok(here) => here != matches!(value.to_ascii_lowercase().as_str(), "1" | "true"),
        Err(_) => true,
    };
    let set = script.given(|name| BOOLEANS.contains(&name)).into_iter();
    let odd = |set: &&Setting| set.value.as_deref().is_some_and(|value| !value.is_empty() && is_odd(value));
    set.filter(odd).map(Hit::of).collect()
}

/// `|| true`, `|| :`, and make's dash
pub(super) fn ignored(one: &Invocation) -> bool {
    let (operator, then) = &one.then;
    one.forgiven
        || *operator == "||"
            && matches!(then.first().map(String::as_str), Some("true" | ":" | "echo" | "exit"))
            && (then[0] != "exit" || then.get(1).is_some_and(|code| code == "0"))
}

/// Commands whose result is a text on stderr; what login, logout and run say there is a log, and may be kept as one.
pub(super) fn is_told_on_stderr(command: &str) -> bool {
    matches!(command, "whoami" | "token status" | "token refresh" | "config show")
}

/// Whether anything gets its stderr: a pipe, a variable, a file that is read.
pub(super) fn reads_stderr(one: &Invocation) -> bool {
    one.read || stderr(&one.redirects) == Goes::Out && matches!(one.then.0, "|" | ")")
}

/// `2>&1 | grep …`, whatever the command.
pub(super) fn searches_stderr(one: &Invocation) -> bool {
    let (operator, then) = &one.then;
    let searched = then.split_first().is_some_and(|(first, rest)| searches(first, &mut rest.iter().cloned()));
    *operator == "|" && searched && stderr(&one.redirects) == Goes::Out
}

pub(super) fn listens_openly(one: &Invocation, script: &Script) -> bool {
    let set = script.literal(one, &["JIRA_BROKER_LISTEN"]);
    let protected =
        one.flag("tls-cert").is_some() || script.sets(one, &["JIRA_BROKER_TLS_CERT"]) || one.on("plaintext");
    match one.literal("listen").or(set) {
        Some(address) => {
            let loopback = ["127.", "localhost:", "[::1]:"].iter().any(|start| address.starts_with(start));
            !loopback && !protected
        }
        // An address in an expansion cannot be judged.
        None => one.flag("listen").is_none() && !script.sets(one, &["JIRA_BROKER_LISTEN"]),
    }
}

/// Flags that their variable would beat.
pub(super) fn beaten_flags(script: &Script) -> Vec<Hit> {
    let mut hits = Vec::new();
    for one in &script.invocations {
        for (name, set) in FLAG_AND_VARIABLE {
            // The variable is looked for once in a command line, not with each of its flags.
            if one.flag(name).is_none() || script.given_to(one, set).is_none() {
                continue;
            }
            // What is taken from that very variable is the same.
            let same = |flag: &&Flag| {
                let value = flag.value.as_deref().unwrap_or_default();
                variable(value) == Some(set) || value.strip_prefix("$env:") == Some(set)
            };
            let flags = one.flags.iter().filter(|flag| flag.name == name);
            hits.extend(flags.filter(|flag| !same(flag)).map(Hit::flag));
        }
    }
    hits
}

/// Brokers over plain http on another machine, where nothing says `--insecure`.
pub(super) fn plain_brokers(script: &Script) -> Vec<Hit> {
    let allows = |set: &Setting| {
        matches!(set.name.as_str(), "JIRA_INSECURE" | "INPUT_INSECURE")
            && set.value.as_deref().is_none_or(|value| parse_boolean(value) == Ok(true))
    };
    if script.set_anywhere().any(allows) {
        return Vec::new();
    }
    let plain = |url: &str| {
        let here = ["localhost", "127.", "[::1]"];
        url.strip_prefix("http://").is_some_and(|host| !here.iter().any(|here| host.starts_with(here)))
    };
    let said = !script.invocations.is_empty() && script.invocations.iter().all(|one| one.on("insecure"));
    let set = script.set_anywhere().filter(|set| !said && set.name == "JIRA_TOKEN_BROKER_URL");
    let set = set.filter(|set| set.value.as_deref().is_some_and(plain)).map(Hit::of);
    // Looked for once in a command line, not with each of its flags.
    let strict = script.invocations.iter().filter(|one| !one.on("insecure"));
    let urls = strict.flat_map(|one| &one.flags).filter(|flag| flag.name == "broker-url");
    let flags = urls.filter(|flag| flag.value.as_deref().is_some_and(plain)).map(Hit::flag);
    set.chain(flags).collect()
}

/// A word that `sprints` and `boards` do not know.
pub(super) fn is_odd_filter(one: &Invocation, flag: &Flag) -> bool {
    let known: &[&str] = match (one.command.as_str(), flag.name.as_str()) {
        ("sprints", "state") => &["active", "future", "closed"],
        ("boards", "type") => &["scrum", "kanban"],
        _ => return false,
    };
    let value = flag.value.as_deref().unwrap_or_default();
    !value.is_empty() && !expands(value) && !value.split(',').all(|word| known.contains(&word.trim()))
}

/// Refresh tokens of a variable for whose successor there is no place: for all commands, or for the one that it is
/// set for.
pub(super) fn lost_rotations(script: &Script) -> Vec<Hit> {
    let places = ["JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", "JIRA_OAUTH_ROTATION_COMMAND"];
    let is_place = |set: &Setting| places.contains(&set.name.as_str());
    if script.sets_for_all(&places) {
        return Vec::new();
    }
    let anywhere = script.set_anywhere().any(is_place);
    let lasting = script.settings.iter().filter(|_| !anywhere);
    let own = script.invocations.iter().filter(|one| !one.own.iter().any(is_place)).flat_map(|one| &one.own);
    lasting.chain(own).filter(|set| set.name == "JIRA_OAUTH_REFRESH_TOKEN").map(Hit::of).collect()
}
