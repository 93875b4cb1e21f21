//! What `boards`, `sprints` and `epics` have in common: how many, and how a list of them comes back.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::jira::agile::List;
use crate::output::text::{Readable, Text};

use super::{OpError, list};

/// What was found, in Jira's own envelope: `{maxResults, startAt, total?, isLast, values}`.
#[derive(Clone, Debug)]
pub struct Found {
    list: List,
    columns: &'static Columns,
}

/// How a value reads as a row: a heading, and the member that stands below it.
type Columns = [(&'static str, &'static str); 3];

impl Found {
    pub(super) fn new(list: List, columns: &'static Columns) -> Self {
        Found { list, columns }
    }

    /// The list.
    pub fn list(&self) -> &List {
        &self.list
    }

    /// The values one by one, for a stream.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.list.values().iter().map(|value| Item { value, columns: self.columns })
    }
}

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.envelope.serialize(serializer)
    }
}

impl Text for Found {
    fn text(&self) -> Readable {
        rows(self.list.values(), self.columns)
    }
}

/// One value, as Jira describes it.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    value: &'a Value,
    columns: &'static Columns,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl Text for Item<'_> {
    fn text(&self) -> Readable {
        rows(std::slice::from_ref(self.value), self.columns)
    }
}

fn rows(values: &[Value], columns: &Columns) -> Readable {
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = |value: &Value| columns.iter().map(|(_, member)| cell(&value[*member])).collect();
    Readable::Rows {
        header: columns.iter().map(|(heading, _)| *heading).collect(),
        rows: values.iter().map(row).collect(),
    }
}

/// The words of a list, in lower case: each of them is one that Jira knows, for it refuses all for a wrong one.
pub(super) fn words(
    command: &'static str,
    flag: &str,
    typed: &str,
    known: &[&str],
) -> Result<Option<String>, OpError> {
    let words = list(typed);
    if let Some(wrong) = words.iter().find(|word| !known.contains(&word.to_lowercase().as_str())) {
        let message = format!("--{flag}: \"{wrong}\" is none of {}", known.join(", "));
        return Err(OpError::Value { command, message });
    }
    Ok(Some(words.join(",").to_lowercase()).filter(|words| !words.is_empty()))
}

/// How many are wanted.
pub(super) fn wanted(
    command: &'static str,
    limit: Option<i64>,
    all: Option<bool>,
    usual: u64,
) -> Result<u64, OpError> {
    if all == Some(true) {
        return match limit {
            None => Ok(u64::MAX),
            Some(_) => Err(OpError::Flag { command, message: "--all and --limit exclude each other" }),
        };
    }
    match limit.map(u64::try_from) {
        None => Ok(usual),
        Some(Ok(limit)) if limit > 0 => Ok(limit),
        Some(_) => Err(OpError::Value { command, message: "--limit must be 1 or more".to_owned() }),
    }
}
