//! Builds the world, runs the command, returns its code.

use std::process::ExitCode;

use jira_oauth::process::{Process, harden};

fn main() -> ExitCode {
    harden();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system gives a process its event queue");
    // Boxed: each page of a stack that has room for all that a command may wait for is touched before it begins.
    let code = runtime.block_on(Box::pin(async { jira_oauth::cli::run(Process::os()).await }));
    // What still waits (a keyring that never answers, an open stdin) must not keep the process alive.
    runtime.shutdown_background();
    ExitCode::from(code)
}
