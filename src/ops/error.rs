//! What can go wrong with an operation, beyond what can go wrong with Jira.

use serde_json::{Value, json};
use thiserror::Error;

use crate::error::{Code, Failure, Hint};
use crate::jira::JiraError;
use crate::jira::key::KeyError;

use super::spoken;

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
    /// A value that does not fit its field.
    #[error("{message}; nothing was changed")]
    Misfit {
        /// The command whose help says more.
        command: &'static str,
        /// The field's id.
        field: String,
        /// What is wrong.
        message: String,
        /// The values that fit, where they are a list.
        allowed: Vec<String>,
    },
    /// A field that is not there.
    #[error("{message}{}", nearest_words(.nearest))]
    NoSuchField {
        /// The command whose help says more.
        command: &'static str,
        /// What was looked for.
        message: String,
        /// Names that are close.
        nearest: Vec<String>,
    },
    /// A field that Jira has, and not here.
    #[error("{message}; nothing was changed")]
    NotOnScreen {
        /// The command whose help says more.
        command: &'static str,
        /// What was looked for, and where.
        message: String,
        /// The fields of that name, by id and name.
        fields: Vec<(String, String)>,
        /// Names on the screen that are close.
        nearest: Vec<String>,
    },
    /// `--from-status` names a status that there is not.
    #[error("--from-status: Jira has no status \"{name}\"; nothing was changed{}", nearest_words(.nearest))]
    NoSuchStatus {
        /// What was asked for.
        name: String,
        /// Names that are close.
        nearest: Vec<String>,
    },
    /// A name that several fields have.
    #[error("{message}")]
    SeveralFields {
        /// The command whose help says more.
        command: &'static str,
        /// What was looked for.
        message: String,
        /// Their ids.
        ids: Vec<String>,
    },
    /// Nothing was named that could be changed.
    #[error("nothing to update: name a field with its flag, or with --field NAME=VALUE")]
    NothingToDo,
    /// A project that is not there for this account.
    #[error("there is no project {project} {may}{}", jiras_words(.error))]
    NoProject {
        /// Its key.
        project: String,
        /// What this account would have to be allowed, in words.
        may: &'static str,
        /// What Jira says, if it says anything.
        error: Option<JiraError>,
    },
    /// A user that Jira does not take.
    #[error("{0} (a user is named by the login name, which is `name` in Jira's JSON)")]
    User(JiraError),
    /// A field that Jira does not take empty.
    #[error("{0} (an empty value was given, which this field does not take)")]
    Emptied(JiraError),
    /// An issue or a sprint that a value names and that is not there.
    #[error("{field}: there is no {what}, or not for this account; nothing was changed")]
    Nowhere {
        /// The id of the field that would hold it.
        field: String,
        /// What it is, by its name.
        what: String,
    },
    /// A value that Jira refused, and what is wrong with it.
    #[error("{why}{besides}")]
    Explained {
        /// What it is, found out afterwards.
        why: Box<OpError>,
        /// What Jira said of other fields, in words.
        besides: String,
        /// What Jira said.
        error: JiraError,
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
    #[error("{place} has no {what} \"{name}\": it has {}; nothing was changed", spoken(.offered))]
    NoSuch {
        /// Where was looked: Jira, or a project.
        place: String,
        /// What kind of thing was asked for.
        what: &'static str,
        /// The id of the field that would hold it, if one would.
        field: Option<&'static str>,
        /// What was asked for.
        name: String,
        /// What there is.
        offered: Vec<String>,
    },
}

impl OpError {
    /// What is wrong with a value that Jira refused with that error.
    pub(super) fn told_by(self, error: JiraError) -> OpError {
        let field = match &self {
            OpError::Misfit { field, .. } | OpError::Nowhere { field, .. } => Some(field.as_str()),
            OpError::NoSuch { field, .. } => *field,
            _ => None,
        };
        let besides = match &error {
            JiraError::Refused { details, .. } => besides(details, field),
            _ => String::new(),
        };
        OpError::Explained { why: Box::new(self), besides, error }
    }
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
            OpError::NoSuchUser(_) => {
                Failure::new(Code::BadValue, text).details(json!({ "field": "assignee" }))
            }
            OpError::Unconfirmed { command, .. } => {
                Failure::new(Code::ConfirmMissing, text).hint(Hint::Help(command))
            }
            OpError::Misfit { command, field, allowed, .. } => {
                let mut details = json!({ "field": field });
                if !allowed.is_empty() {
                    details["allowed"] = json!(allowed);
                }
                Failure::new(Code::BadValue, text).details(details).hint(Hint::Help(command))
            }
            OpError::NotOnScreen { command, fields, nearest, .. } => {
                let fields: Vec<_> =
                    fields.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
                let mut details = json!({ "fields": fields });
                if !nearest.is_empty() {
                    details["nearest"] = json!(nearest);
                }
                Failure::new(Code::BadValue, text).details(details).hint(Hint::Help(command))
            }
            OpError::NoSuchField { command, nearest, .. } => not_known(text, command, &nearest),
            OpError::NoSuchStatus { nearest, .. } => not_known(text, "run", &nearest),
            OpError::SeveralFields { command, ids, .. } => {
                Failure::new(Code::BadValue, text).details(json!({ "ids": ids })).hint(Hint::Help(command))
            }
            OpError::NothingToDo => Failure::new(Code::NothingToDo, text).hint(Hint::Help("update")),
            OpError::NoProject { error, .. } => {
                let said = error.map(Failure::from);
                Failure { code: Code::NotFound, message: text, ..said.unwrap_or_else(not_found) }
            }
            OpError::Explained { why, error, .. } => {
                let (why, said) = (Failure::from(*why), Failure::from(error));
                let details = beside(why.details, said.details);
                let (status_code, request_id) = (said.status_code, said.request_id);
                Failure { message: text, status_code, request_id, details, ..why }
            }
            OpError::User(error) | OpError::Emptied(error) => {
                Failure { code: Code::BadValue, message: text, ..error.into() }
            }
            OpError::Nowhere { field, .. } => {
                Failure::new(Code::NotFound, text).details(json!({ "field": field }))
            }
            OpError::Unanswered { error, look } => Failure::from(error).hint(look),
            OpError::NoSuch { field, offered, .. } => {
                let mut details = json!({ "allowed": offered });
                if let Some(field) = field {
                    details["field"] = field.into();
                }
                Failure::new(Code::BadValue, text).details(details)
            }
        }
    }
}

fn not_known(text: String, command: &'static str, nearest: &[String]) -> Failure {
    let failure = Failure::new(Code::BadValue, text).hint(Hint::Help(command));
    if nearest.is_empty() { failure } else { failure.details(json!({ "nearest": nearest })) }
}

/// What Jira said of other fields than that one.
fn besides(details: &Value, field: Option<&str>) -> String {
    let errors = details["errors"].as_object().into_iter().flatten();
    let others = errors.filter(|(id, _)| Some(id.as_str()) != field);
    others.filter_map(|(id, words)| Some(format!("; {id}: {}", words.as_str()?))).collect()
}

/// The members of both; of one that both have, the first's.
pub(crate) fn beside(own: Option<Value>, more: Option<Value>) -> Option<Value> {
    match (own, more) {
        (Some(Value::Object(mut own)), Some(Value::Object(more))) => {
            for (name, value) in more {
                own.entry(name).or_insert(value);
            }
            Some(Value::Object(own))
        }
        (own, more) => own.or(more),
    }
}

fn not_found() -> Failure {
    Failure::new(Code::NotFound, "")
}

fn jiras_words(error: &Option<JiraError>) -> String {
    error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default()
}

fn nearest_words(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(". Did you mean {}?", spoken(names)) }
}

fn named(flags: &[&str]) -> String {
    let names: Vec<_> = flags.iter().map(|flag| format!("--{flag}")).collect();
    match names.as_slice() {
        [name] => format!("flag {name} is"),
        names => format!("flags {} are", names.join(", ")),
    }
}
