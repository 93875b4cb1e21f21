//! The operations, one file each: what may be asked (`…Args`), what comes back, what it may do to Jira
//! ([`AccessClass`](crate::jira::AccessClass)), and `run`, which does it.
//!
//! They know neither terminal, standard input nor environment: the arguments come complete. To add one:
//! write its file, add its line to [`OPERATIONS`], add its tests.

mod change;
mod error;
mod fields;
pub mod flag;
pub mod page;
mod readable;
pub mod row;
pub mod schema;

pub mod boards;
pub mod create;
pub mod delete;
pub mod epics;
pub mod get;
pub mod link;
pub mod run;
pub mod search;
pub mod sprints;
pub mod update;

#[cfg(test)]
mod tests;

pub use change::Change;
pub use error::OpError;
pub(crate) use error::beside;
pub use fields::distance;
pub use flag::Flag;

use serde_json::Value;

use crate::jira::AccessClass;

/// One operation, as the command line, `schema` and whoever else offers it know it.
pub struct Operation {
    /// The command that it is.
    pub name: &'static str,
    /// What it may do to Jira at most.
    pub access: AccessClass,
    /// What is said of its flags beside their types.
    pub flags: &'static [Flag],
    /// The JSON Schema of its result.
    pub result: fn() -> Value,
}

/// Every operation. One line each.
#[rustfmt::skip]
pub const OPERATIONS: &[Operation] = &[
    Operation { name: "search", access: AccessClass::Read, flags: search::FLAGS, result: search::schema },
    Operation { name: "get", access: AccessClass::Read, flags: get::FLAGS, result: get::schema },
    Operation { name: "run", access: AccessClass::Write, flags: run::FLAGS, result: schema::of::<run::Report> },
    Operation { name: "create", access: AccessClass::Write, flags: create::FLAGS, result: create::schema },
    Operation { name: "update", access: AccessClass::Write, flags: update::FLAGS, result: update::schema },
    Operation { name: "delete", access: AccessClass::Delete, flags: delete::FLAGS, result: delete::schema },
    Operation { name: "link", access: AccessClass::Write, flags: link::FLAGS, result: link::schema },
    Operation { name: "boards", access: AccessClass::Read, flags: boards::FLAGS, result: boards::schema },
    Operation { name: "sprints", access: AccessClass::Read, flags: sprints::FLAGS, result: sprints::schema },
    Operation { name: "epics", access: AccessClass::Read, flags: epics::FLAGS, result: epics::schema },
];

/// The operation that a command stands for.
pub fn operation(command: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == command)
}

/// What is said of the flags of the operation that a command stands for; `None` for another command.
pub fn flags(command: &str) -> Option<&'static [Flag]> {
    operation(command).map(|operation| operation.flags)
}

/// The field that holds an issue's epic, where the configuration names no other.
pub const EPIC_FIELD: &str = "customfield_10101";

/// The field that holds an issue's sprints, where the configuration names no other.
pub const SPRINT_FIELD: &str = "customfield_10100";

/// The text, unless there is nothing in it.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// Whether two names that people typed into Jira are the same, without regard to case.
fn same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// The parts of a comma-separated list: trimmed, and none of them empty.
fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Names in a sentence; one that holds a comma itself stands in quotes, or it would read as two.
fn spoken(names: &[String]) -> String {
    let quoted = names.iter().map(|name| match name.contains(',') {
        true => format!("\"{name}\""),
        false => name.clone(),
    });
    if names.is_empty() { "none".to_owned() } else { quoted.collect::<Vec<_>>().join(", ") }
}

/// The fields that were asked for, or the usual ones with the epic's and the sprint's.
fn selection(
    command: &'static str,
    asked: Option<&str>,
    usual: &[&str],
    epic_field: Option<String>,
    sprint_field: Option<String>,
) -> Result<Selection, OpError> {
    let epic = fields::field_id(command, "--epic-field", epic_field)?;
    let sprint = fields::field_id(command, "--sprint-field", sprint_field)?;
    let asked = list(asked.unwrap_or_default());
    if !asked.is_empty() {
        return Ok(Selection { fields: asked, unseen: Vec::new() });
    }
    let unseen = epic.iter().chain(&sprint).cloned().collect();
    let mut fields: Vec<String> = usual.iter().map(|field| (*field).to_owned()).collect();
    fields.push(epic.unwrap_or_else(|| EPIC_FIELD.to_owned()));
    fields.push(sprint.unwrap_or_else(|| SPRINT_FIELD.to_owned()));
    Ok(Selection { fields, unseen })
}

/// Which fields of an issue are returned.
struct Selection {
    /// Their ids or names.
    fields: Vec<String>,
    /// The epic's and the sprint's where somebody named them, as long as no issue has shown them.
    unseen: Vec<String>,
}
