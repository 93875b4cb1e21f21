//! Each rule is shown a violation, and something that only looks like one.

use super::report;
use super::rules::{crates, exposes, first_line, ignored, layers, long_files, reserved, sleeping};
use super::source::Source;
use super::{LAYERS, LINES};

fn snippet(file: &str, text: &str) -> Source {
    let modules =
        ["crate::auth::endpoint", "crate::auth::refresh", "crate::ops::get", "crate::config::policy"];
    Source::parse(file, text, &modules.map(str::to_owned).into_iter().collect())
}

#[track_caller]
fn caught(violations: &[String], part: &str) {
    assert_eq!(violations.len(), 1, "{violations:#?}");
    assert!(violations[0].contains(part), "{violations:#?}");
}

#[test]
fn a_forbidden_arrow_is_caught_however_it_is_written() {
    let find = |file: &str, text: &str| layers(&snippet(file, text), LAYERS);
    caught(
        &find("src/ops/get.rs", "fn f() { crate::cli::report() }"),
        "src/ops/get.rs:1: `ops` may not name `crate::cli::report`",
    );
    caught(&find("src/ops/get.rs", "\nuse crate::{error::Failure, cli::{self}};"), "src/ops/get.rs:2:");
    caught(&find("src/auth/store/file.rs", "use super::super::super::jira::Client;"), "crate::jira::Client");
    caught(&find("src/auth/store/mod.rs", "use super::super::{jira as j};"), "crate::jira");
    caught(&find("src/jira/client.rs", "use crate::config::Site;"), "may not name `crate::config::Site`");
    caught(&find("src/jira/client.rs", "pub(in crate::ops) fn f() {}"), "crate::ops");
    caught(
        &find("src/sandbox/rest/mod.rs", "macro_rules! m { () => { $crate::jira::key::IssueKey } }"),
        "crate::jira",
    );
    caught(
        &find("src/secret.rs", "#[serde(with = \"crate::output::json\")] struct A;"),
        "crate::output::json",
    );
    caught(
        &find("src/http/mod.rs", "mod inner { use super::super::auth::Session; }"),
        "crate::auth::Session",
    );
    caught(&find("src/output/mod.rs", "use crate::*;"), "is not under a module");
    caught(&find("src/output/mod.rs", "fn f<T: crate::auth::Trait>() {}"), "crate::auth::Trait");
    // A test module before it does not hide it.
    caught(
        &find("src/ops/get.rs", "#[cfg(test)] mod tests { use crate::cli; } use crate::mcp::Tool;"),
        "crate::mcp",
    );
}

#[test]
fn an_allowed_arrow_passes() {
    let passes = |file: &str, text: &str| report(layers(&snippet(file, text), LAYERS));
    passes(
        "src/ops/get.rs",
        "use crate::jira::{self, key::IssueKey}; use super::list; use crate::output::text::Row;",
    );
    passes(
        "src/jira/client.rs",
        "use crate::config::policy::{self, Policy}; use http::Method; use std::error::Error;",
    );
    passes("src/cli/mod.rs", "use crate::sandbox::rest;");
    passes("src/main.rs", "fn main() { jira_oauth::cli::run() }");
    passes("src/secret.rs", "// crate::cli\n/// [`crate::cli`]\nfn f() { let a = \"crate::cli\"; }");
    passes("src/secret.rs", "#[cfg(test)]\n#[rustfmt::skip]\nmod tests { use crate::cli; }");
    passes(
        "src/secret.rs",
        "#[cfg(test)] use crate::{cli, jira};\n#[cfg(all(test, unix))] fn f() { crate::cli::x() }",
    );
}

#[test]
fn touching_the_outside_world_is_caught() {
    let find = |text: &str| reserved(&snippet("src/ops/get.rs", text));
    caught(&find("fn f() { std::env::var(\"A\"); }"), "the environment is read once");
    caught(&find("use ::std::env;"), "`std::env`");
    caught(&find("use std::{env as e};"), "`std::env`");
    caught(&find("fn f(t: SystemTime) { SystemTime::now() }"), "time is an argument");
    caught(&find("use jiff as j; fn f() { j::Timestamp::now() }"), "jiff::Timestamp::now");
    caught(&find("use std::io; fn f() { io::stdout().write_all(b\"\") }"), "std::io::stdout");
    caught(&find("use std::io as i; fn f() { i::stderr() }"), "std::io::stderr");
    caught(&find("use tokio::io::stdin;"), "stdin is part");
    caught(&find("use std::io::*;").split_off(1), "output is the only writer");
    caught(&find("fn f() { println!(\"{}\", 1) }"), "`println!`");
    caught(&find("use std::process; fn f() { process::exit(1) }"), "main returns the code");
    caught(&find("fn f() { hyper_util::client::legacy::Client::builder(e) }"), "lacks our TLS");
    caught(&find("fn f() { webbrowser::open(url) }"), "whole environment");
    report(find(
        "use std::env::consts::OS; const V: &str = env!(\"CARGO_PKG_VERSION\"); fn f(a: A) { a.stdout.print != 1; }",
    ));
    report(find("use std::io::Write; use std::process::Command; #[cfg(test)] mod tests { use std::env; }"));
    report(reserved(&snippet("src/process.rs", "use std::env; fn now() { Timestamp::now() }")));
    report(reserved(&snippet("src/output/mod.rs", "fn f() { std::io::stdout() }")));
}

#[test]
fn a_second_refresh_is_caught() {
    let find = |file: &str, text: &str| reserved(&snippet(file, text));
    caught(
        &find("src/auth/resolve.rs", "fn f() { self.endpoint\n.refresh(id).await }"),
        "src/auth/resolve.rs:2: `.refresh`",
    );
    caught(
        &find("src/auth/login.rs", "use super::endpoint::TokenEndpoint as E; fn f() { E::refresh(e) }"),
        "the one refresh",
    );
    caught(
        &find("src/cli/token.rs", "use crate::auth::endpoint::Tokens;"),
        "the token endpoint is called by",
    );
    caught(&find("src/cli/token.rs", "fn f() { form.push((\"grant_type\", word)); }"), "is a token call");
    report(find("src/auth/refresh.rs", "use super::endpoint; fn f() { endpoint.refresh(); }"));
    report(find("src/cli/token.rs", "fn f(r: Refresher) { r.refresh_now() } fn refresh() {}"));
}

#[test]
fn an_exposed_secret_is_caught() {
    let text = "fn expose() {} fn f(s: &Secret) { send(s.expose()); Secret::expose(s); }\
                #[cfg(test)] mod tests { fn f() { s.expose(); } }";
    let sources = [snippet("src/jira/client.rs", text)];
    caught(&exposes(&sources, &[]), "(\"src/jira/client.rs\", 2, \"…\")");
    caught(&exposes(&sources, &[("src/jira/client.rs", 3, "a header")]), "the list says 3");
    report(exposes(&sources, &[("src/jira/client.rs", 2, "a header")]));
    caught(&exposes(&[], &[("src/jira/client.rs", 2, "a header")]), "take it off");
}

#[test]
fn a_file_without_a_first_line_is_caught() {
    assert!(first_line(&snippet("src/a.rs", "use std::fmt;\n//! late")).is_some());
    assert!(first_line(&snippet("src/a.rs", "//!\nuse std::fmt;")).is_some());
    assert!(first_line(&snippet("src/a.rs", "//! Reads the thing.\n")).is_none());
}

#[test]
fn a_long_file_is_caught() {
    let sources = [snippet("src/a.rs", &"// line\n".repeat(LINES + 1))];
    caught(&long_files(&sources, &[]), "two subjects");
    caught(&long_files(&sources, &[("src/a.rs", LINES, "a table")]), "LONG says");
    report(long_files(&sources, &[("src/a.rs", LINES + 9, "a table")]));
    caught(&long_files(&[snippet("src/a.rs", "")], &[("src/a.rs", 500, "a table")]), "short again");
}

#[test]
fn an_ignored_or_sleeping_test_is_caught() {
    caught(
        &ignored(&snippet("tests/it/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}")),
        "tests/it/a.rs:2:",
    );
    caught(&ignored(&snippet("tests/it/a.rs", "mod m { #[cfg_attr(windows, ignore)] fn f() {} }")), ":1:");
    report(ignored(&snippet("tests/it/a.rs", "#[test] fn ignore() { ignore(1) }")));
    let sleeper = snippet("tests/it/a.rs", "use std::thread; fn f() { thread::sleep(d) }");
    caught(&sleeping(&sleeper, &[]), "wait for the thing itself");
    caught(&sleeping(&snippet("tests/it/a.rs", "use tokio::time::sleep;"), &[]), "tokio::time::sleep");
    report(sleeping(&sleeper, &[("tests/it/a.rs", "a clock that cannot be paused")]));
}

#[test]
fn an_unwanted_crate_is_caught() {
    caught(&crates("[[package]]\nname = \"hyper-util\"\n[[package]]\nname = \"aws-lc-sys\"\n"), "aws-lc-sys");
    caught(&crates("name = \"hyper-util\"\nname = \"hyper-util\"\n"), "2 versions");
    report(crates("name = \"hyper-util\"\nname = \"openssl-probe\"\n"));
}
