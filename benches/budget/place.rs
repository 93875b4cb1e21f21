//! Where everything happens: a sandbox on a thread of its own, and command lines of the real binary that see
//! a home and an environment of their own and nothing of the caller's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use jira_oauth::process::Clock;
use jira_oauth::sandbox::{self, Options, Running};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// The account that asks.
pub const USER: &str = "developer";

/// How long anything here may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(120);

/// A sandbox, and a directory for homes. Ends with the value.
pub struct Place {
    /// What it has seen, and what it can be made to do.
    pub sandbox: Arc<Running>,
    /// Goes with this value.
    pub dir: TempDir,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    waiting: Runtime,
}

impl Place {
    /// Starts a sandbox.
    pub fn new(options: Options) -> Place {
        let (started, starts) = mpsc::channel();
        let (end, ends) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime().block_on(async {
                let clock = Clock::system();
                let sandbox = Arc::new(sandbox::start(options, move || clock.now()).await.unwrap());
                started.send(sandbox.clone()).unwrap();
                let _ = ends.await;
            });
        });
        let sandbox = starts.recv().expect("the sandbox starts");
        let dir = tempfile::tempdir().unwrap();
        Place { sandbox, dir, end: Some(end), thread: Some(thread), waiting: runtime() }
    }

    /// A home with nothing in it, or the same again.
    pub fn home(&self, name: &str) -> PathBuf {
        let home = self.dir.path().canonicalize().unwrap().join(name);
        fs::create_dir_all(&home).unwrap();
        home
    }

    /// A program as an installation leaves it: copied. As the linker has written it, it lies in the page cache in
    /// pieces of one page, and each start takes a millisecond longer to map them.
    fn installed(&self, program: &Path) -> PathBuf {
        let Some(name) = program.file_name().filter(|_| program.is_absolute()) else { return program.into() };
        let copy = self.home("bin").join(name);
        if !copy.exists() {
            fs::write(&copy, fs::read(program).unwrap()).unwrap();
            fs::set_permissions(&copy, fs::metadata(program).unwrap().permissions()).unwrap();
        }
        copy
    }

    /// A program that knows no more of the world than `home`.
    pub fn command(&self, program: impl AsRef<Path>, home: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.installed(program.as_ref()));
        command.args(args).env_clear().env("HOME", self.home(home)).current_dir(self.home(home));
        command
    }

    /// `jira` with a personal access token in its environment.
    pub fn jira(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_jira"), "environment", args);
        command.env("JIRA_BASE_URL", self.sandbox.base_url()).env("JIRA_TOKEN", self.sandbox.mint_pat(USER));
        command
    }

    /// Waits until so many requests whose path begins so have arrived; `false` if they never do.
    pub fn arrived(&self, path: &str, count: usize) -> bool {
        let arrival = async { tokio::time::timeout(PATIENCE, self.sandbox.wait_for(path, count)).await };
        self.waiting.block_on(arrival).is_ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A runtime for one thread.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
