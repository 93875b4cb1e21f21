//! Standard input.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::on_own_thread;

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
