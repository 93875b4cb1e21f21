//! A sandbox on a thread of its own, so that a test may block on a terminal or a browser meanwhile.

use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;

use jira_oauth::sandbox::{Options, Running, start};
use tokio::sync::oneshot;

use super::jira::now;

/// A sandbox that runs until this goes.
pub struct Served {
    running: Arc<Running>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// As the options say.
    pub fn start(options: Options) -> Served {
        let (started, wait) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let running = Arc::new(start(options, now).await.unwrap());
                started.send(running).unwrap();
                let _ = ended.await;
            });
            // What is held at a gate is not waited for.
            runtime.shutdown_background();
        });
        let running = wait.recv().expect("the sandbox starts");
        Served { running, end: Some(end), thread: Some(thread) }
    }

    /// An ordinary one.
    pub fn usual() -> Served {
        Served::start(Options::default())
    }
}

impl Deref for Served {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
