//! The speed budget, measured: every command beside what it is compared with, in one run, as one table.
//!
//! `cargo bench` runs it. What it is compared with are processes as cold as the command: this program itself
//! (`budget reference …`), and `curl`. README.md, one directory up, says what each line means.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made is to fail at once")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is the result")]
#![allow(clippy::disallowed_methods, reason = "a program of its own, outside of the one that is measured")]
#![allow(missing_docs, reason = "a program, not a library")]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod facts;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod place;
mod reference;
#[cfg(target_os = "linux")]
#[path = "../../tests/real/support/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod support;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the broker's budget uses more of it")]
mod table;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["reference", what, rest @ ..] => {
            reference::run(what, rest);
            ExitCode::SUCCESS
        }
        _ => everything(),
    }
}

#[cfg(target_os = "linux")]
fn everything() -> ExitCode {
    cases::run()
}

#[cfg(not(target_os = "linux"))]
fn everything() -> ExitCode {
    eprintln!("left out: the budget is measured on Linux");
    ExitCode::SUCCESS
}
