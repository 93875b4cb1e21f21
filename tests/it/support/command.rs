//! One command line in a world: its words, its environment, its streams, and the person before it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Cursor;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use jira_oauth::cli;
use jira_oauth::process::{Clock, Env, Input, Process, Signal, Signals, Stream};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use url::Url;

use super::person::{Answers, Conduct, Hands, authorize_of};
use super::ran::Ran;
use super::streams::{Screen, Sink};

/// No command under test takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(100);

/// Waits for something that comes, or says that it did not.
pub async fn wait<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this ends in time")
}

/// A command line before it runs.
pub struct Command {
    args: Vec<OsString>,
    env: BTreeMap<String, OsString>,
    clock: Clock,
    masks: Vec<(String, &'static str)>,
    stdin: Vec<u8>,
    terminals: [bool; 3],
    stdout: Sink,
    struck: Option<Signal>,
    answers: Vec<(&'static str, String)>,
    conduct: Conduct,
}

/// A command that runs: what a test can see of it and do to it meanwhile.
#[derive(Clone)]
pub struct Live {
    pub stdout: Screen,
    pub stderr: Screen,
    pub browser: Arc<Hands>,
    signals: watch::Sender<Option<Signal>>,
    answers: Arc<Answers>,
    paste: Sender<String>,
}

impl Command {
    pub(super) fn new(
        args: Vec<OsString>,
        env: BTreeMap<String, OsString>,
        clock: Clock,
        masks: Vec<(String, &'static str)>,
    ) -> Command {
        Command {
            args,
            env,
            clock,
            masks,
            stdin: vec![],
            terminals: [false; 3],
            stdout: Sink::Kept,
            struck: None,
            answers: vec![],
            conduct: Conduct::Fails,
        }
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Command {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Takes one out.
    pub fn without(mut self, name: &str) -> Command {
        self.env.remove(name);
        self
    }

    /// What stands on stdin.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Command {
        self.stdin = text.into();
        self
    }

    /// A terminal on stdin and stderr: somebody sits there.
    pub fn person(mut self) -> Command {
        self.terminals = [true, self.terminals[1], true];
        self
    }

    /// A terminal on stdout.
    pub fn screen(mut self) -> Command {
        self.terminals[1] = true;
        self
    }

    /// What becomes of stdout.
    pub fn stdout(mut self, sink: Sink) -> Command {
        self.stdout = sink;
        self
    }

    /// This signal comes while the result is being written, which takes time.
    pub fn struck(mut self, signal: Signal) -> Command {
        self.struck = Some(signal);
        self
    }

    /// What the person says to the next question that has `part` in it.
    pub fn answer(mut self, part: &'static str, answer: impl Into<String>) -> Command {
        self.answers.push((part, answer.into()));
        self
    }

    /// What the person does when their browser opens. It opens, as if there were a display.
    pub fn browser(mut self, conduct: Conduct) -> Command {
        self.conduct = conduct;
        self.env.insert("BROWSER".to_owned(), "hands".into());
        self
    }

    /// Runs it to its end.
    pub async fn run(self) -> Ran {
        self.start().1.await
    }

    /// Runs the program itself, in a process of its own and in the real time: no person, no browser.
    pub async fn run_program(self) -> Ran {
        let mut child = self.program().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&self.stdin).await.unwrap();
        drop(stdin);
        let ended = wait(child.wait_with_output()).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("streams are UTF-8");
        let (stdout, stderr) = (text(ended.stdout), text(ended.stderr));
        let code = ended.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255);
        Ran { code, stdout, stderr, asked: vec![], masks: self.masks }
    }

    /// The program with these words and this environment, before it starts.
    pub fn program(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_jira"));
        command.args(&self.args).env_clear().envs(&self.env).stdin(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Begins; what it returns second must be polled to go on.
    pub fn start(self) -> (Live, Pin<Box<dyn Future<Output = Ran>>>) {
        let (stdout, stderr) = (Screen::new(self.stdout), Screen::new(Sink::Kept));
        let (signals, arriving) = Signals::channel();
        let answers = Arc::new(Answers::new(self.answers));
        let live = Live {
            stdout: stdout.clone(),
            stderr: stderr.clone(),
            browser: Arc::new(Hands::new(self.conduct)),
            signals,
            paste: answers.paste.clone(),
            answers: answers.clone(),
        };
        let (terminal, width) = (self.terminals[1], Some(100));
        let stdout = match self.struck {
            Some(signal) => Stream::slow(stdout.strikes(live.signals.clone(), signal), terminal, width),
            None => Stream::new(stdout, terminal, width),
        };
        let process = Process {
            args: self.args,
            env: self.env.into_iter().collect::<Env>(),
            stdin: Input::new(Cursor::new(self.stdin), self.terminals[0]),
            stdout,
            stderr: Stream::new(stderr, self.terminals[2], Some(100)),
            clock: self.clock,
            signals: arriving,
            browser: live.browser.clone(),
            prompt: answers,
        };
        let (masks, watched) = (self.masks, live.clone());
        // On the heap: without optimisation a few of these fill a test's stack.
        let ended = Box::pin(async move {
            let code = wait(Box::pin(cli::run(process))).await;
            watched.answers.settle();
            let asked = watched.answers.asked();
            Ran { code, stdout: watched.stdout.text(), stderr: watched.stderr.text(), asked, masks }
        });
        (live, ended)
    }
}

impl Live {
    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.signals.send_replace(Some(signal));
    }

    /// Pastes a line at the terminal.
    pub fn paste(&self, line: impl Into<String>) {
        self.paste.send(line.into()).unwrap();
    }

    /// Waits for the page that a login without a person names on stderr.
    pub async fn login_url(&self) -> Url {
        let url = self.stderr.until(|text| {
            let mut lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
            lines.find_map(|line: serde_json::Value| Some(line["login"]["url"].as_str()?.to_owned()))
        });
        Url::parse(&wait(url).await).unwrap()
    }

    /// Waits for Jira's page behind it.
    pub async fn authorize_url(&self) -> Url {
        authorize_of(self.login_url().await).await
    }
}
