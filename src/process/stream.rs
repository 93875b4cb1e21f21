//! Standard output and standard error.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Columns of the terminal on stdout or stderr.
#[cfg(unix)]
pub(super) fn terminal_width() -> Option<u16> {
    let size =
        rustix::termios::tcgetwinsize(io::stdout()).or_else(|_| rustix::termios::tcgetwinsize(io::stderr()));
    size.ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
pub(super) fn terminal_width() -> Option<u16> {
    None
}
