//! What a command left behind, as one text for snapshots and as JSON for single facts.

use std::fmt;

use regex_lite::Regex;
use serde_json::Value;

/// A command that has ended.
#[derive(Clone)]
pub struct Ran {
    pub code: u8,
    pub stdout: String,
    pub stderr: String,
    /// Questions that the person was asked.
    pub asked: Vec<String>,
    /// Texts that differ from run to run, and what stands for them in a snapshot.
    pub masks: Vec<(String, &'static str)>,
}

/// The same for what has a form.
const FORMS: &[(&str, &str)] = &[
    (r"\d{1,4}x\d+x1\b", "REQUEST"),
    (r"/start/[0-9a-f]{32}", "/start/NONCE"),
    (r"([?&]state=)[A-Za-z0-9_-]+", "${1}STATE"),
    (r"([?&]code_challenge=)[A-Za-z0-9_-]+", "${1}CHALLENGE"),
    (r"127\.0\.0\.1(:|%3A|-)\d+", "127.0.0.1${1}PORT"),
    (r"localhost(:|%3A)\d+", "localhost${1}PORT"),
];

impl Ran {
    /// The result.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The error object: the last line on stderr.
    #[track_caller]
    pub fn error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_else(|| panic!("nothing on stderr: {self}"));
        let line: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self}"));
        line.get("error").unwrap_or_else(|| panic!("no failure: {self}")).clone()
    }

    /// The codes of the warnings, in order.
    pub fn warnings(&self) -> Vec<String> {
        let lines = self.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter_map(|line| Some(line["warning"]["code"].as_str()?.to_owned())).collect()
    }

    /// Passes on what went well, without a word but its result.
    #[track_caller]
    pub fn ok(self) -> Ran {
        assert_eq!(self.code, 0, "{self}");
        self
    }

    /// Holds it against an exit code and an error code.
    #[track_caller]
    pub fn failed(self, exit_code: u8, code: &str) -> Ran {
        let error = self.error();
        assert_eq!((self.code, error["code"].as_str()), (exit_code, Some(code)), "{self}");
        assert_eq!(error["exit_code"], u64::from(exit_code), "{self}");
        self
    }

    /// Panics if any of the texts stands on either stream.
    #[track_caller]
    pub fn hides<T: AsRef<str>>(self, secrets: &[T]) -> Ran {
        for secret in secrets.iter().map(AsRef::as_ref) {
            assert!(!secret.is_empty());
            assert!(!self.stdout.contains(secret) && !self.stderr.contains(secret), "{secret:?} in {self}");
        }
        self
    }

    fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (varying, mask) in &self.masks {
            text = text.replace(varying, mask);
        }
        for (form, mask) in FORMS {
            text = Regex::new(form).unwrap().replace_all(&text, *mask).into_owned();
        }
        text.replace('\t', "\\t").replace('\u{1b}', "\\x1b")
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", self.masked(text).trim_end_matches('\n'))?;
            }
        }
        for question in &self.asked {
            writeln!(f, "--- asked\n{}", self.masked(question))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
