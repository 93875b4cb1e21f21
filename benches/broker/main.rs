//! What the broker costs: its requests a second beside a bare handler's, its memory, and how long a crowd with one
//! token waits.
//!
//! `cargo bench --bench broker` runs it. The load is wrk's; what it is compared with, and the Jira behind the
//! broker, are processes of this program (`broker serve …`). README.md, one directory up, says what each line means.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made is to fail at once")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is the result")]
#![allow(clippy::disallowed_methods, reason = "a program of its own, outside of the one that is measured")]
#![allow(missing_docs, reason = "a program, not a library")]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod client;
mod jira;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod process;
mod stand_in;
#[cfg(target_os = "linux")]
#[path = "../budget/table.rs"]
mod table;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", what, rest @ ..] => {
            stand_in::serve(what, rest);
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
    eprintln!("left out: the broker is measured on Linux");
    ExitCode::SUCCESS
}
