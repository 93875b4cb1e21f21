//! The person's browser, opened without our secrets.

use std::io::{self, Write};
use std::process::Stdio;

use super::Env;

/// Opens pages in the person's browser.
pub trait Browser: Send + Sync {
    /// Opens `url`; `env` is the whole environment that the browser gets.
    fn open(&self, url: &str, env: &Env) -> io::Result<()>;
}

/// The word that makes this binary open the URL on its stdin and do nothing else.
pub const OPEN_BROWSER: &str = "__open-browser";

/// Starts this binary anew to open the browser: the library that knows how gives the browser its own
/// process's environment, so that process must be one without secrets in it.
pub(super) struct OwnBinary;

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
