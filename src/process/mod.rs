//! The outside world as one value: arguments, environment, streams, clock, signals and the browser.
//!
//! The program asks the system for these here and nowhere else, so a test can run a whole command line
//! in a world of its own.

mod browser;
mod clock;
mod env;
mod group;
mod input;
mod prompt;
mod signals;
mod standard;
mod stream;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

pub use browser::{Browser, OPEN_BROWSER, open_browser};
pub use clock::Clock;
pub use env::Env;
pub use group::{Group, apart};
pub use input::Input;
pub use prompt::Prompt;
pub use signals::{Signal, Signals};
pub use stream::Stream;

use browser::OwnBinary;
use prompt::Terminal;
use standard::Standard;
use stream::terminal_width;

/// Everything a command may touch.
pub struct Process {
    /// The arguments, without the program's own name.
    pub args: Vec<OsString>,
    /// The environment as it was at the start.
    pub env: Env,
    /// Standard input.
    pub stdin: Input,
    /// Standard output: the result, and nothing else.
    pub stdout: Stream,
    /// Standard error: warnings and the failure.
    pub stderr: Stream,
    /// What time it is.
    pub clock: Clock,
    /// INT, TERM and HUP.
    pub signals: Signals,
    /// Opens a page for the person at the terminal.
    pub browser: Arc<dyn Browser>,
    /// Asks the person at the terminal.
    pub prompt: Arc<dyn Prompt>,
}

impl Process {
    /// The real world. Must be called inside the runtime: it starts to listen for signals.
    #[allow(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn os() -> Process {
        let stderr = Stream::os(Standard::stderr(), io::stderr().is_terminal(), terminal_width());
        Process {
            args: std::env::args_os().skip(1).collect(),
            env: std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v))).collect(),
            stdin: Input::new(io::stdin(), io::stdin().is_terminal()),
            stdout: Stream::os(Standard::stdout(), io::stdout().is_terminal(), terminal_width()),
            stderr: stderr.clone(),
            clock: Clock::system(),
            signals: Signals::os(),
            browser: Arc::new(OwnBinary),
            prompt: Arc::new(Terminal::new(stderr)),
        }
    }
}

/// Keeps other programs of the same user from reading this one's memory, environment and core file
/// (`PR_SET_DUMPABLE`, `RLIMIT_CORE`). The first thing that `main` does.
pub fn harden() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
        // Neither can be refused to an ordinary process; if a sandbox forbids them, the command still works.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

/// Allows this process as many open files as the system lets it have, for a server with many connections.
/// Says how many that are, where the system tells.
pub fn raise_open_files() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // If it is refused, there are as many as before, and the caps on connections are what counts.
        let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
        if raised { maximum } else { current }
    }
    #[cfg(not(unix))]
    None
}

/// Runs a call that blocks on a thread of its own, and waits for it without stalling the runtime.
///
/// Not `spawn_blocking`: the runtime waits for its blocking threads when it ends, so a keyring or a pipe
/// that never answers would hold the process. A plain thread ends with the process, and
/// goes on to its end when the caller stops waiting.
pub async fn on_own_thread<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    own_thread(call)?.await.map_err(|_| io::Error::other("the thread that did the work ended early"))
}

/// The same, for whoever waits in a way of its own: the receiver gives the result.
pub fn own_thread<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (done, result) = oneshot::channel();
    std::thread::Builder::new().spawn(move || {
        // Nobody waits any more: there is nobody to tell.
        let _ = done.send(call());
    })?;
    Ok(result)
}

/// The system's own directory for temporary files.
pub fn temp_dir() -> PathBuf {
    std::env::temp_dir()
}
