//! Questions to the person at the terminal.

use std::io::{self, BufRead};
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Stream;
#[cfg(unix)]
use super::signals::{ignored_signals, is_ignored};
use crate::secret::Secret;

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
pub(super) struct Terminal {
    /// What was said before a question stands above it.
    stderr: Stream,
    /// The terminal's modes before the echo was switched off.
    #[cfg(unix)]
    modes: Mutex<Option<Termios>>,
}

impl Terminal {
    pub(super) fn new(stderr: Stream) -> Self {
        Terminal {
            stderr,
            #[cfg(unix)]
            modes: Mutex::default(),
        }
    }
}

impl Prompt for Terminal {
    fn line(&self, question: &str) -> io::Result<String> {
        self.stderr.write(question.as_bytes())?;
        self.stderr.block_until_written();
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    fn hidden(&self, question: &str) -> io::Result<Secret> {
        self.stderr.block_until_written();
        #[cfg(unix)]
        self.silence();
        let answer = rpassword::prompt_password(question).map(Secret::new);
        if answer.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            await_the_end();
        }
        self.restore();
        answer
    }

    fn restore(&self) {
        #[cfg(unix)]
        if let Some(modes) = self.modes.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &modes);
        }
    }
}

#[cfg(unix)]
impl Terminal {
    /// Switches off the echo, and Ctrl-C as a signal, before the question is seen: who answers at once, or pastes,
    /// would otherwise show the first characters. The library does so only after the question.
    fn silence(&self) {
        let mut modes = self.modes.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(before) = tcgetattr(io::stdin()) else { return };
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &silent);
        *modes = Some(before);
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
