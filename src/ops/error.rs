//! What can go wrong with an operation, beyond what can go wrong with Jira.

use serde_json::json;
use thiserror::Error;

use crate::error::{Code, Failure, Hint};
use crate::jira::JiraError;
use crate::jira::key::KeyError;

/// Why an operation has no result.
#[derive(Debug, Error)]
pub enum OpError {
    /// Jira, or the way there.
    #[error(transparent)]
    Jira(#[from] JiraError),
    /// A key, or a pattern for keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Flags that the operation needs.
    #[error("required {} not set", named(.flags))]
    Missing {
        /// The command whose help says more.
        command: &'static str,
        /// Their names.
        flags: Vec<&'static str>,
    },
    /// Flags that do not go together.
    #[error("{message}")]
    Flag {
        /// The command whose help says more.
        command: &'static str,
        /// What is wrong.
        message: &'static str,
    },
    /// A value that makes no sense.
    #[error("{message}")]
    Value {
        /// The command whose help says more.
        command: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A change for good that was not confirmed.
    #[error("{what}: say --confirm if that is wanted")]
    Unconfirmed {
        /// The command whose help says more.
        command: &'static str,
        /// What it would do.
        what: String,
    },
    /// A change that may have been made, and how to look.
    #[error("{error}")]
    Unanswered {
        /// What happened.
        error: JiraError,
        /// How to look.
        look: Hint,
    },
    /// Whoever takes the items could not.
    #[error(transparent)]
    Sink(Failure),
    /// `--assignee` names nobody.
    #[error("Jira has no user \"{0}\"; nothing was changed")]
    NoSuchUser(String),
    /// A name that is none of those there are.
    #[error("{place} has no {what} \"{name}\": it has {}; nothing was changed", listed(.offered))]
    NoSuch {
        /// Where was looked: Jira, or a project.
        place: String,
        /// What kind of thing was asked for.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        offered: Vec<String>,
    },
}

impl From<OpError> for Failure {
    fn from(error: OpError) -> Self {
        let text = error.to_string();
        match error {
            OpError::Jira(error) => error.into(),
            OpError::Key(error) => error.into(),
            OpError::Missing { command, .. } | OpError::Flag { command, .. } => {
                Failure::new(Code::BadFlag, text).hint(Hint::Help(command))
            }
            OpError::Value { command, .. } => Failure::new(Code::BadValue, text).hint(Hint::Help(command)),
            OpError::Sink(failure) => failure,
            OpError::NoSuchUser(_) => Failure::new(Code::NotFound, text),
            OpError::Unconfirmed { command, .. } => {
                Failure::new(Code::ConfirmMissing, text).hint(Hint::Help(command))
            }
            OpError::Unanswered { error, look } => Failure::from(error).hint(look),
            OpError::NoSuch { offered, .. } => {
                Failure::new(Code::NotFound, text).details(json!({ "offered": offered }))
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn named(flags: &[&str]) -> String {
    let names: Vec<_> = flags.iter().map(|flag| format!("--{flag}")).collect();
    match names.as_slice() {
        [name] => format!("flag {name} is"),
        names => format!("flags {} are", names.join(", ")),
    }
}
