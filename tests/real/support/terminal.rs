//! The binary at a pseudo-terminal, with a person who types.

use std::process::Command;

use expectrl::process::Termios;
use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{Eof, Expect, Needle, Session};

use super::jira::{Home, LONG};

/// A terminal with a command in it. The terminal echoes what is typed unless the command switches that off.
pub struct Terminal {
    session: OsSession,
    /// Everything the person has seen.
    pub seen: String,
}

impl Terminal {
    /// Starts the command.
    pub fn start(home: &Home, args: &[&str]) -> Terminal {
        // The library's terminals do not echo; a person's do, so the shell switches it on before anything runs.
        let inner = home.std_command(args);
        let mut command = Command::new("sh");
        command
            .args(["-c", "stty echo && exec \"$@\"", "sh"])
            .arg(inner.get_program())
            .args(inner.get_args());
        command.env_clear().current_dir(home.path());
        for (name, value) in inner.get_envs() {
            command.env(name, value.unwrap());
        }
        let mut session = Session::spawn(command).unwrap();
        session.set_expect_timeout(Some(LONG));
        Terminal { session, seen: String::new() }
    }

    /// Reads until these words are on the screen, and returns what came before them.
    #[track_caller]
    pub fn shows(&mut self, words: &str) -> String {
        self.expect(words, words).0
    }

    #[track_caller]
    fn expect(&mut self, what: &str, needle: impl Needle) -> (String, String) {
        match self.session.expect(needle) {
            Ok(found) => {
                let before = String::from_utf8_lossy(found.before()).into_owned();
                let all = String::from_utf8_lossy(found.as_bytes()).into_owned();
                self.seen.push_str(&all);
                (before, all)
            }
            Err(error) => panic!("waited for {what:?}: {error}; seen so far: {}", self.seen),
        }
    }

    /// Types a line.
    pub fn types(&mut self, line: &str) {
        self.session.send_line(line).unwrap();
    }

    /// Presses Ctrl-C.
    pub fn interrupts(&mut self) {
        self.session.send([3]).unwrap();
    }

    /// Whether what is typed is shown.
    pub fn echoes(&self) -> bool {
        self.session.get_process().is_echo().unwrap()
    }

    /// Waits for the end; the rest of what was shown, and the exit code.
    #[track_caller]
    pub fn ends(&mut self) -> (String, i32) {
        let (_, rest) = self.expect("the end", Eof);
        match self.session.get_process().wait().unwrap() {
            WaitStatus::Exited(_, code) => (rest, code),
            other => panic!("ended with {other:?}; seen: {}", self.seen),
        }
    }
}
