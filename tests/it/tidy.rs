//! Holds the lines that the compiler does not: who may name whom, who may touch the outside world, where a
//! secret is taken out of its wrapper. The code is read as tokens; each rule is also shown a violation.
//!
//! The lists on top are meant to be edited, in the same commit as the code that needs it, with a reason.

mod planted;
mod rules;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rules::{crates, exposes, first_line, ignored, layers, list, long_files, reserved, sleeping};
use source::Source;

/// Which module may name which. An entry with `::` allows that part only; `*` is everything.
/// docs/ARCHITECTURE.md shows the same table, and a test compares the two.
const LAYERS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("named", &[]),
    ("secret", &[]),
    ("disk", &["secret"]),
    ("process", &["error", "secret"]),
    ("http", &["error", "named", "secret"]),
    ("serve", &["error", "secret"]),
    ("config", &["disk", "error", "named", "process", "secret"]),
    ("output", &["error", "process"]),
    ("auth", &["config", "disk", "error", "http", "named", "process", "secret", "serve"]),
    ("jira", &["auth", "config::policy", "error", "http", "secret"]),
    ("ops", &["config::switch", "error", "jira", "output::text"]),
    ("broker", &["auth", "config", "error", "http", "named", "process", "secret", "serve"]),
    ("sandbox", &["error", "serve"]),
    ("cli", &["*"]),
];

/// Names that belong to few places: (names, places, reason). A name matches wherever its segments stand in a
/// path, whatever a `use` calls it; `.name` is a method. A place is a file, or a module with all below it.
const RESERVED: &[(&[&str], &[&str], &str)] = &[
    (
        &["std::env"],
        &["src/process"],
        "the environment is read once, in process; everybody else is given values",
    ),
    (
        &["SystemTime::now", "Timestamp::now", "Zoned::now", "TimeZone::system"],
        &["src/process"],
        "time is an argument; the clock is in process",
    ),
    (&["io::stdin", "stdio::stdin"], &["src/process"], "stdin is part of the process value"),
    (
        &["io::stdout", "io::stderr", "stdio::stdout", "stdio::stderr"],
        &["src/process", "src/output"],
        "output is the only writer: it escapes, and it knows which stream is whose",
    ),
    (
        &["process::exit", "process::abort"],
        &[],
        "main returns the code; whoever ends the program waits for the guarded section of a refresh first",
    ),
    (
        &["hyper_util::client", "hyper::client"],
        &["src/http"],
        "a client built elsewhere lacks our TLS, redirect, proxy and size rules",
    ),
    (
        &["webbrowser"],
        &["src/process"],
        "it hands its child our whole environment, so only the clean hidden subcommand calls it",
    ),
    (
        &[".refresh", "TokenEndpoint::refresh", "BrokerClient::refresh"],
        &["src/auth/refresh", "src/broker/upstream", "src/broker/coalesce", "src/sandbox"],
        "the one refresh holds the lock, checks the store first and saves before the token is used; the broker does it \
         for a caller who does so",
    ),
    (
        &["crate::auth::endpoint"],
        &["src/auth", "src/broker/upstream"],
        "the token endpoint is called by login, logout and the refresh, and outside auth by the broker alone",
    ),
];

/// Parts of [`RESERVED`] names that ask nothing of the system.
const HARMLESS: &[&str] = &["std::env::consts"];

/// String literals that belong to few places: (literal, places, reason).
const RESERVED_LITERALS: &[(&str, &[&str], &str)] = &[(
    "grant_type",
    &["src/auth/endpoint", "src/sandbox"],
    "a form with a grant is a token call, and those are made in auth::endpoint",
)];

/// Macros that write to a stream by themselves.
const WRITING_MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Where a secret leaves its wrapper: (file, how often, what becomes of it). Tests do not count.
const EXPOSE: &[(&str, usize, &str)] = &[
    (
        "src/auth/broker_client.rs",
        4,
        "the body and the header of a broker call; its answer is read into secrets",
    ),
    ("src/cli/pat.rs", 2, "a token from stdin is trimmed and its characters are judged"),
    ("src/cli/token.rs", 1, "`token print` writes it, to a person who confirmed"),
    ("src/jira/client.rs", 1, "the Authorization header of a request"),
    ("src/auth/credential.rs", 3, "the Authorization header, which is a secret again"),
    ("src/auth/endpoint.rs", 7, "the forms of the token endpoint; its answer is read into secrets"),
    ("src/auth/go_jira/record.rs", 3, "the record that another program wrote is read into secrets"),
    ("src/auth/injected.rs", 2, "the successor's file, and the rotation command's stdin"),
    ("src/auth/session.rs", 3, "the record of a session, which is a secret again"),
    ("src/auth/store/cipher.rs", 3, "what is sealed, and the password or token that the key is derived from"),
    ("src/auth/store/keyring/mod.rs", 1, "the record, to the keyring"),
    ("src/auth/store/sealed.rs", 1, "a hash of the injected token names its file"),
    ("src/auth/wire.rs", 1, "the one way of a secret into a broker's or its caller's JSON"),
    ("src/broker/caller.rs", 2, "the list of callers is read, and a token's length judged"),
    ("src/broker/coordination.rs", 1, "the hash of a refresh token, by which the broker knows it"),
    ("src/broker/granted.rs", 2, "the pair as it is kept for a replay, and wiped after it"),
    ("src/broker/material/reading.rs", 1, "a hash tells whether what was read again is new"),
    ("src/broker/replicas/sealed.rs", 1, "what Redis sees of a refresh token is derived from it"),
    ("src/broker/replicas/target.rs", 1, "the URL of Redis is taken apart; its password goes to Redis"),
    ("src/broker/answer.rs", 2, "refusals, on their way to the caller"),
    ("src/broker/routes.rs", 2, "answers with tokens, on their way to the caller"),
    ("src/config/named.rs", 1, "control characters are refused in secrets that are read again too"),
    ("src/config/vars.rs", 1, "control characters are refused in secrets too"),
];

/// The length above which a file has two subjects.
const LINES: usize = 450;

/// Files that are longer for a reason: (file, at most, reason).
const LONG: &[(&str, usize, &str)] = &[];

/// Tests that sleep for a reason: (file, reason). All others wait for the thing itself, or pause tokio's time.
const SLEEPING_TESTS: &[(&str, &str)] =
    &[("tests/real/support/jira.rs", "`until` waits for what another process does and nobody signals")];

/// Crates that must not come in: C build tools, system libraries, a second TLS stack.
const BANNED_CRATES: &[&str] =
    &["aws-lc-rs", "aws-lc-sys", "cmake", "libdbus-sys", "native-tls", "openssl-sys"];

// --- the rules, over the real tree ---------------------------------------------------------------------

#[test]
fn arrows_point_down() {
    report(tree("src").iter().flat_map(|source| layers(source, LAYERS)));
}

#[test]
fn every_module_has_a_row_in_the_table() {
    report(tree("src").iter().filter_map(|source| {
        let layer = source.layer()?;
        let known = LAYERS.iter().any(|(name, _)| *name == layer);
        (!known).then(|| format!("{}: `{layer}` has no row in LAYERS (tests/it/tidy.rs)", source.file))
    }));
}

#[test]
fn the_documentation_shows_the_same_table() {
    let page = read("docs/ARCHITECTURE.md");
    report(LAYERS.iter().map(row).filter(|row| !page.lines().any(|line| line == row)).map(|row| {
        format!("docs/ARCHITECTURE.md: the table of arrows lacks this line of LAYERS:\n    {row}")
    }));
}

#[test]
fn the_outside_world_is_touched_in_few_places() {
    report(tree("src").iter().flat_map(reserved));
}

#[test]
fn secrets_are_exposed_at_a_countable_number_of_places() {
    report(exposes(&tree("src"), EXPOSE));
}

#[test]
fn every_file_says_what_it_is() {
    report(tree("src").iter().chain(&tree("tests")).filter_map(first_line));
}

#[test]
fn files_are_short() {
    report(long_files(&tree("src"), LONG));
}

#[test]
fn no_test_is_ignored() {
    report(tree("src").iter().chain(&tree("tests")).flat_map(ignored));
}

#[test]
fn no_test_sleeps() {
    report(tree("tests").iter().flat_map(|source| sleeping(source, SLEEPING_TESTS)));
}

#[test]
fn unwanted_crates_stay_out() {
    report(crates(&read("Cargo.lock")));
}

// --- reading ------------------------------------------------------------

#[track_caller]
fn report(violations: impl IntoIterator<Item = String>) {
    let violations: Vec<String> = violations.into_iter().collect();
    assert!(violations.is_empty(), "{} found:\n{}\n", violations.len(), violations.join("\n"));
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a directory, without what only tests see.
fn tree(directory: &str) -> Vec<Source> {
    let mut files = vec![];
    collect(directory, &mut files);
    files.sort();
    assert!(!files.is_empty(), "no Rust file below {directory}");
    let none = BTreeSet::new();
    let modules = files.iter().map(|file| Source::parse(file, "", &none).module()).collect();
    let sources: Vec<Source> = files.iter().map(|file| Source::parse(file, &read(file), &modules)).collect();
    let test_files: Vec<String> = sources.iter().flat_map(|source| source.test_modules.clone()).collect();
    sources
        .into_iter()
        .filter(|source| !test_files.iter().any(|test| below(&source.module(), test)))
        .collect()
}

fn collect(directory: &str, files: &mut Vec<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(root.join(directory)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{directory}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&path, files);
        } else if path.ends_with(".rs") {
            files.push(path);
        }
    }
}

fn below(module: &str, parent: &str) -> bool {
    module == parent || module.starts_with(&format!("{parent}::"))
}

fn row((module, allowed): &(&str, &[&str])) -> String {
    let allowed = if *allowed == ["*"] { "all of the above".into() } else { list(allowed) };
    format!("| {module} | {allowed} |")
}
