//! Issue keys: parsed before anything is asked of Jira, never pasted into a URL (threat 9).

mod extract;

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::error::{Code, Failure};

pub use extract::{Extracted, Ignored, LOOK_ALIKES, Pattern, extract};

/// The key of an issue: `[A-Z0-9][A-Z0-9_]*-[1-9][0-9]*`, in upper case. Whoever holds one may put it
/// into a path or a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssueKey {
    project: String,
    number: u64,
}

impl IssueKey {
    /// The project's key.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The number within the project, 1 or more.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl FromStr for IssueKey {
    type Err = KeyError;

    /// Takes any case. Projects that begin with a digit exist although Atlassian does not support them.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bad = || KeyError::NotAKey(excerpt(text));
        let (project, number) = text.rsplit_once('-').ok_or_else(bad)?;
        let first = project.bytes().next().ok_or_else(bad)?;
        let rest_ok = project.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !first.is_ascii_alphanumeric() || !rest_ok {
            return Err(bad());
        }
        let number = positive(number).ok_or_else(bad)?;
        Ok(IssueKey { project: project.to_ascii_uppercase(), number })
    }
}

impl fmt::Display for IssueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.project, self.number)
    }
}

impl Serialize for IssueKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What names an issue on the command line: its key, or Jira's numeric id, which stays the same when the
/// issue moves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IssueRef {
    /// `GAIA-12`.
    Key(IssueKey),
    /// `10012`.
    Id(u64),
}

impl FromStr for IssueRef {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match positive(text) {
            Some(id) => Ok(IssueRef::Id(id)),
            None => text.parse().map(IssueRef::Key),
        }
    }
}

impl fmt::Display for IssueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IssueRef::Key(key) => key.fmt(f),
            IssueRef::Id(id) => id.fmt(f),
        }
    }
}

impl Serialize for IssueRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl IssueRef {
    /// The object by which a request's body names the issue: `{"key"}`, or `{"id"}`.
    pub fn object(&self) -> Value {
        match self {
            IssueRef::Key(key) => json!({ "key": key }),
            IssueRef::Id(id) => json!({ "id": id.to_string() }),
        }
    }
}

/// What names a project on the command line: its key in upper case, or Jira's numeric id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRef(String);

impl ProjectRef {
    /// The object by which a request's body names the project: `{"key"}`, or `{"id"}`.
    pub fn object(&self) -> Value {
        let member = if positive(&self.0).is_some() { "id" } else { "key" };
        json!({ member: self.0 })
    }
}

impl FromStr for ProjectRef {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let in_key = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || !text.bytes().all(in_key) {
            return Err(KeyError::NotAProject(excerpt(text)));
        }
        Ok(ProjectRef(text.to_ascii_uppercase()))
    }
}

impl fmt::Display for ProjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a key or a pattern for keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither a key nor an id.
    #[error("\"{0}\" is no issue key: a key looks like GAIA-12")]
    NotAKey(String),
    /// Neither a project's key nor its id.
    #[error("\"{0}\" is no project key: a key looks like GAIA")]
    NotAProject(String),
    /// `--issue-format` is no regular expression.
    #[error("\"{pattern}\" is no pattern for issue keys: {reason}")]
    BadPattern {
        /// What was given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let code = match &error {
            KeyError::NotAKey(_) | KeyError::NotAProject(_) => Code::BadKey,
            KeyError::BadPattern { .. } => Code::BadValue,
        };
        Failure::new(code, error.to_string())
    }
}

/// `[1-9][0-9]*`: [`u64::from_str`] alone would take a sign and leading zeros.
fn positive(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

/// Enough of a text to recognise it by.
fn excerpt(text: &str) -> String {
    const ENOUGH: usize = 80;
    match text.char_indices().nth(ENOUGH) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_upper_cased_and_taken_apart() {
        for text in ["GAIA-12", "gaia-12", "Gaia-12"] {
            let key: IssueKey = text.parse().unwrap();
            assert_eq!((key.project(), key.number(), key.to_string().as_str()), ("GAIA", 12, "GAIA-12"));
        }
        for text in ["A-1", "D_ABC-1", "2FA-7", "ABCDEFGHIJ-123", "X_-18446744073709551615"] {
            assert_eq!(text.parse::<IssueKey>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "9".repeat(40);
        let wrong = [
            "",
            "-",
            "GAIA",
            "GAIA-",
            "-1",
            "GAIA-0",
            "GAIA-012",
            "GAIA-+1",
            "GAIA--1",
            "GAIA-1-2",
            "_A-1",
            "GAIA 1",
            " GAIA-1",
            "GAIA-1\n",
            "GAIA-1x",
            "GÄIA-1",
            "ſA-1",
            "GAIA-１",
            "../myself?x=1#",
            "../../user",
            "GAIA-1/../2",
            "GAIA-1%2f",
            "%47AIA-1",
            "GAIA-1?expand=x",
            "GAIA\u{2010}1",
        ];
        for text in wrong.into_iter().chain([format!("GAIA-{long}").as_str(), long.as_str(), "0", "+1"]) {
            let failure = Failure::from(text.parse::<IssueRef>().unwrap_err());
            assert_eq!((failure.code, failure.exit_code()), (Code::BadKey, 2), "{text}");
            assert_eq!(failure.message, format!("\"{text}\" is no issue key: a key looks like GAIA-12"));
            assert!(failure.hint.is_none());
        }
    }

    #[test]
    fn an_error_shows_the_beginning_of_a_long_text() {
        let message = "ä".repeat(500).parse::<IssueKey>().unwrap_err().to_string();
        assert!(message.starts_with(&format!("\"{}…\"", "ä".repeat(80))), "{message}");
    }

    #[test]
    fn an_id_is_a_reference_too() {
        assert_eq!("10012".parse(), Ok(IssueRef::Id(10012)));
        assert_eq!("gaia-1".parse::<IssueRef>().unwrap().to_string(), "GAIA-1");
        assert!("10012".parse::<IssueKey>().is_err());
    }

    #[test]
    fn a_project_is_named_by_its_key_or_its_id() {
        let object = |text: &str| text.parse::<ProjectRef>().unwrap().object();
        assert_eq!(object("gaia"), json!({"key": "GAIA"}));
        assert_eq!(object("2FA_X"), json!({"key": "2FA_X"}));
        assert_eq!(object("10000"), json!({"id": "10000"}));
        for wrong in ["", "_A", "GAIA-1", "../x", "A B", "GÄIA", "A\n", "A%2f"] {
            let failure = Failure::from(wrong.parse::<ProjectRef>().unwrap_err());
            assert_eq!((failure.code, failure.exit_code()), (Code::BadKey, 2), "{wrong}");
        }
    }

    #[test]
    fn keys_serialise_as_text() {
        let key: IssueKey = "gaia-1".parse().unwrap();
        assert_eq!(serde_json::to_value(IssueRef::Key(key)).unwrap(), "GAIA-1");
    }
}
