//! Streams of a command under test: what was written can be read, waited for, and refused.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use jira_oauth::process::Signal;
use tokio::sync::watch;

/// What a stream does with what is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// It keeps it.
    Kept,
    /// Its reader has gone.
    Closed,
    /// Its disk is full, as `/dev/full` is.
    Full,
}

/// A stream that can be read while it is written.
#[derive(Clone)]
pub struct Screen {
    bytes: Arc<Mutex<Vec<u8>>>,
    grown: watch::Sender<usize>,
    sink: Sink,
}

impl Screen {
    pub fn new(sink: Sink) -> Screen {
        Screen { bytes: Arc::default(), grown: watch::Sender::new(0), sink }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).expect("streams are UTF-8")
    }

    /// Sends a signal before it takes what is written to it.
    pub fn strikes(self, signals: watch::Sender<Option<Signal>>, signal: Signal) -> impl Write + Send {
        Striking { screen: self, signals, signal }
    }

    /// Waits until `found` finds something in what was written.
    pub async fn until<T>(&self, found: impl Fn(&str) -> Option<T>) -> T {
        let mut grown = self.grown.subscribe();
        loop {
            grown.mark_unchanged();
            if let Some(found) = found(&self.text()) {
                return found;
            }
            grown.changed().await.expect("the screen is held here");
        }
    }
}

struct Striking {
    screen: Screen,
    signals: watch::Sender<Option<Signal>>,
    signal: Signal,
}

impl Write for Striking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.signals.send_replace(Some(self.signal));
        self.screen.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.screen.flush()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.sink {
            Sink::Kept => {
                self.bytes.lock().unwrap().extend_from_slice(bytes);
                self.grown.send_modify(|writes| *writes += 1);
                Ok(bytes.len())
            }
            Sink::Closed => Err(io::ErrorKind::BrokenPipe.into()),
            Sink::Full => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
