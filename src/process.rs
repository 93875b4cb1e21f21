//! The outside world as one value: arguments, environment, streams, clock, signals and the browser.
//!
//! The program asks the system for these here and nowhere else, so a test can run a whole command line
//! in a world of its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use crate::secret::Secret;

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
        Process {
            args: std::env::args_os().skip(1).collect(),
            env: std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v))).collect(),
            stdin: Input::new(io::stdin(), io::stdin().is_terminal()),
            stdout: Stream::new(io::stdout(), io::stdout().is_terminal(), terminal_width()),
            stderr: Stream::new(io::stderr(), io::stderr().is_terminal(), terminal_width()),
            clock: Clock::system(),
            signals: Signals::os(),
            browser: Arc::new(OwnBinary),
            prompt: Arc::new(Terminal::default()),
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

/// The environment. Names that are not UTF-8 are none of ours and are left out.
#[derive(Clone, Debug, Default)]
pub struct Env(BTreeMap<String, OsString>);

impl Env {
    /// The value of a variable as it was set, empty or not.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// The same without some variables.
    pub fn without(&self, names: &[&str]) -> Env {
        self.iter().filter(|(name, _)| !names.contains(name)).collect()
    }

    /// All variables, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_os_str()))
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Env {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(iter: T) -> Self {
        Env(iter.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Standard input.
#[derive(Clone)]
pub struct Input {
    reader: Arc<Mutex<Box<dyn Read + Send>>>,
    terminal: bool,
}

impl Input {
    /// Any reader; `terminal` says whether a person types into it.
    pub fn new(reader: impl Read + Send + 'static, terminal: bool) -> Self {
        Input { reader: Arc::new(Mutex::new(Box::new(reader))), terminal }
    }

    /// Whether a person types into it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Everything up to its end, at most `cap` bytes; more is an error of kind `InvalidData`.
    ///
    /// Read on a thread of its own: a pipe that nobody closes must not outlive the command's deadline.
    pub async fn read_all(&self, cap: u64) -> io::Result<Vec<u8>> {
        let reader = self.reader.clone();
        on_own_thread(move || {
            let mut bytes = Vec::new();
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            reader.by_ref().take(cap + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > cap {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {cap} bytes")));
            }
            Ok(bytes)
        })
        .await
        .flatten()
    }
}

/// Standard output or standard error: every call of [`Stream::write_all`] reaches it as one piece.
#[derive(Clone)]
pub struct Stream {
    sink: Arc<Mutex<Box<dyn Write + Send>>>,
    terminal: bool,
    width: Option<u16>,
}

impl Stream {
    /// Any writer; `terminal` says whether a person reads it, `width` how many columns they see.
    pub fn new(sink: impl Write + Send + 'static, terminal: bool, width: Option<u16>) -> Self {
        Stream { sink: Arc::new(Mutex::new(Box::new(sink))), terminal, width }
    }

    /// Whether a person reads it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Columns, if it is a terminal that says so.
    pub fn width(&self) -> Option<u16> {
        self.width
    }

    /// Writes all of it and flushes.
    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(bytes)?;
        sink.flush()
    }
}

/// What time it is; a test may say so.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[allow(clippy::disallowed_methods, reason = "the one clock")]
    pub fn system() -> Self {
        Clock(Arc::new(Timestamp::now))
    }

    /// A clock of one's own.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Clock(Arc::new(now))
    }

    /// The time now, in whole seconds.
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        // Whole seconds, as tokens live: a fraction would only be noise in what is shown and stored.
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// A signal that asks the program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal went away.
    HangUp,
}

impl Signal {
    /// 128 and the signal's number, as a shell reports it.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
            Signal::HangUp => 129,
        }
    }
}

/// The signals that arrive.
#[derive(Clone)]
pub struct Signals(watch::Receiver<Option<Signal>>);

impl Signals {
    /// Signals that a test sends.
    pub fn channel() -> (watch::Sender<Option<Signal>>, Signals) {
        let (sender, receiver) = watch::channel(None);
        (sender, Signals(receiver))
    }

    /// Resolves when a signal has arrived; at once if one already has.
    pub async fn arrived(&mut self) -> Signal {
        loop {
            if let Some(signal) = *self.0.borrow_and_update() {
                return signal;
            }
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    #[cfg(unix)]
    fn os() -> Signals {
        use tokio::signal::unix::{SignalKind, signal};
        let (sender, receiver) = watch::channel(None);
        let sender = Arc::new(sender);
        let kinds = [
            (SignalKind::interrupt(), Signal::Interrupt),
            (SignalKind::terminate(), Signal::Terminate),
            (SignalKind::hangup(), Signal::HangUp),
        ];
        let ignored = ignored_signals();
        for (kind, meaning) in kinds {
            // Whoever started us with a signal ignored (nohup, a job in the background) meant it.
            if is_ignored(ignored, kind.as_raw_value()) {
                continue;
            }
            let Ok(mut stream) = signal(kind) else { continue };
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    sender.send_replace(Some(meaning));
                }
            });
        }
        // A file size limit would otherwise kill the process silently in the middle of saving a session;
        // with a handler the write fails with EFBIG instead.
        if let Ok(mut stream) = signal(SignalKind::from_raw(SIGXFSZ)) {
            tokio::spawn(async move { while stream.recv().await.is_some() {} });
        }
        Signals(receiver)
    }

    #[cfg(not(unix))]
    fn os() -> Signals {
        let (sender, signals) = Signals::channel();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                sender.send_replace(Some(Signal::Interrupt));
            }
        });
        signals
    }
}

/// The number is the same on every Unix that Rust's standard library knows.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// Whether a signal is in a mask of [`ignored_signals`].
#[cfg(unix)]
fn is_ignored(mask: u64, signal: i32) -> bool {
    mask & (1 << (signal - 1)) != 0
}

/// The signals that were ignored when the process began, where the system tells (`SigIgn` of
/// proc_pid_status(5)): bit `n - 1` is signal `n`. Asked once and read at one go, because every command
/// waits for it.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let mut status = Vec::with_capacity(4096);
    let file = std::fs::File::open("/proc/self/status");
    if file.and_then(|mut file| file.read_to_end(&mut status)).is_err() {
        return 0;
    }
    let status = String::from_utf8_lossy(&status);
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}

/// Opens pages in the person's browser.
pub trait Browser: Send + Sync {
    /// Opens `url`; `env` is the whole environment that the browser gets.
    fn open(&self, url: &str, env: &Env) -> io::Result<()>;
}

/// The word that makes this binary open the URL on its stdin and do nothing else.
pub const OPEN_BROWSER: &str = "__open-browser";

/// Starts this binary anew to open the browser: the library that knows how gives the browser its own
/// process's environment, so that process must be one without secrets in it.
struct OwnBinary;

impl Browser for OwnBinary {
    fn open(&self, url: &str, env: &Env) -> io::Result<()> {
        let mut child = std::process::Command::new(std::env::current_exe()?)
            .arg(OPEN_BROWSER)
            .env_clear()
            .envs(env.iter())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // On stdin, for arguments are public.
        child.stdin.take().expect("stdin is piped").write_all(url.as_bytes())?;
        Ok(())
    }
}

/// What the process started by [`OPEN_BROWSER`] does.
pub fn open_browser(url: &str) -> io::Result<()> {
    webbrowser::open(url)
}

/// Asks the person at the terminal. The questions are the caller's own words, already sanitised.
pub trait Prompt: Send + Sync {
    /// One line, echoed; without the line's end.
    fn line(&self, question: &str) -> io::Result<String>;
    /// One line, not echoed.
    fn hidden(&self, question: &str) -> io::Result<Secret>;
    /// Puts the terminal back as it was, if a question was cut short.
    fn restore(&self);
}

/// The process's own terminal.
#[derive(Default)]
struct Terminal {
    /// The terminal's modes before the echo was switched off.
    #[cfg(unix)]
    modes: Mutex<Option<rustix::termios::Termios>>,
}

impl Prompt for Terminal {
    fn line(&self, question: &str) -> io::Result<String> {
        let mut stderr = io::stderr().lock();
        stderr.write_all(question.as_bytes())?;
        stderr.flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    fn hidden(&self, question: &str) -> io::Result<Secret> {
        #[cfg(unix)]
        {
            let modes = rustix::termios::tcgetattr(io::stdin()).ok();
            *self.modes.lock().unwrap_or_else(PoisonError::into_inner) = modes;
        }
        let answer = rpassword::prompt_password(question).map(Secret::new);
        if answer.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            await_the_end();
        }
        #[cfg(unix)]
        self.modes.lock().unwrap_or_else(PoisonError::into_inner).take();
        answer
    }

    fn restore(&self) {
        #[cfg(unix)]
        if let Some(modes) = self.modes.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &modes);
        }
    }
}

/// Ctrl-C at a hidden question is read as a character and then raised as the signal, which ends the program.
/// The answer must not be reported as a failure first, so the question's own thread stops here, unless the
/// signal is ignored.
fn await_the_end() {
    #[cfg(unix)]
    if is_ignored(ignored_signals(), rustix::process::Signal::INT.as_raw()) {
        return;
    }
    loop {
        std::thread::park();
    }
}

/// Runs a call that blocks on a thread of its own, and waits for it without stalling the runtime.
///
/// Not `spawn_blocking`: the runtime waits for its blocking threads when it ends, so a keyring or a pipe
/// that never answers would hold the process (decisions.md 12). A plain thread ends with the process, and
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

#[cfg(unix)]
fn terminal_width() -> Option<u16> {
    let size =
        rustix::termios::tcgetwinsize(io::stdout()).or_else(|_| rustix::termios::tcgetwinsize(io::stderr()));
    size.ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
fn terminal_width() -> Option<u16> {
    None
}

/// The system's own directory for temporary files.
pub fn temp_dir() -> PathBuf {
    std::env::temp_dir()
}
