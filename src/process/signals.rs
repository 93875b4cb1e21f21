//! The signals that ask the program to end.

#[cfg(unix)]
use std::io::Read;
#[cfg(unix)]
use std::sync::Arc;

use tokio::sync::watch;

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

    /// The same without those that have arrived so far.
    pub fn later(mut self) -> Signals {
        self.0.mark_unchanged();
        self
    }

    /// Resolves with the next one that arrives from now on; for whoever goes on after a signal.
    pub async fn next(&mut self) -> Signal {
        loop {
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(signal) = *self.0.borrow_and_update() {
                return signal;
            }
        }
    }

    #[cfg(unix)]
    pub(super) fn os() -> Signals {
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
                    // The terminal that goes away behind a TERM or INT takes neither back.
                    sender.send_if_modified(|last| {
                        let ends = matches!(last, Some(Signal::Interrupt | Signal::Terminate));
                        let counts = meaning != Signal::HangUp || !ends;
                        if counts {
                            *last = Some(meaning);
                        }
                        counts
                    });
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
    pub(super) fn os() -> Signals {
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
pub(super) fn is_ignored(mask: u64, signal: i32) -> bool {
    mask & (1 << (signal - 1)) != 0
}

/// The signals that were ignored when the process began, where the system tells (`SigIgn` of
/// proc_pid_status(5)): bit `n - 1` is signal `n`. Asked once and read at one go, because every command
/// waits for it.
#[cfg(unix)]
pub(super) fn ignored_signals() -> u64 {
    let mut status = Vec::with_capacity(4096);
    let file = std::fs::File::open("/proc/self/status");
    if file.and_then(|mut file| file.read_to_end(&mut status)).is_err() {
        return 0;
    }
    let status = String::from_utf8_lossy(&status);
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}
