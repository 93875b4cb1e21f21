//! `delete`: an issue, for good.

use serde::Serialize;
use serde_json::Value;

use crate::config::switch::parse_boolean;
use crate::error::Hint;
use crate::jira::key::IssueRef;
use crate::jira::{Jira, JiraError, issue};
use crate::output::text::{Readable, Text};

use super::{Change, Flag, OpError, flag, schema as json_schema};

/// What is said of the flags beside their types.
pub const FLAGS: &[Flag] = &[Flag::required("key"), Flag::required("confirm")];

/// Which issue to delete.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct DeleteArgs {
    /// The key of the issue, or its numeric id
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub key: Option<String>,
    /// The key of the issue, in the place of --key
    #[arg(value_name = "KEY", id = "key_pos", conflicts_with = "key")]
    pub key_pos: Option<String>,
    /// Delete it; without this nothing is done
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub confirm: Option<bool>,
    /// Delete its sub-tasks as well
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub delete_subtasks: Option<bool>,
}

impl DeleteArgs {
    /// Whether they make sense; nothing is sent.
    pub fn check(&self) -> Result<(), OpError> {
        parse(self.clone()).map(drop)
    }
}

/// What comes back.
pub fn schema() -> Value {
    json_schema::done("deleted")
}

/// The issue that is gone.
#[derive(Clone, Debug, Serialize)]
pub struct Deleted {
    /// As it was named.
    pub key: IssueRef,
    /// `deleted`.
    pub status: &'static str,
}

impl Deleted {
    /// How to look at it: there is nothing left.
    pub fn look(&self) -> Option<Hint> {
        None
    }
}

impl Text for Deleted {
    fn text(&self) -> Readable {
        Readable::Lines(vec![format!("deleted {}", self.key)])
    }
}

/// Deletes the issue.
pub async fn run(args: DeleteArgs, jira: &Jira, change: &Change) -> Result<Deleted, OpError> {
    let (key, with_subtasks) = parse(args)?;
    let look = || Hint::Look { keys: vec![key.to_string()] };
    match change.send(jira, &issue::delete(&key, with_subtasks), look).await {
        Ok(_) => Ok(Deleted { key, status: "deleted" }),
        // Jira speaks of its own parameter, and of nothing at all in some languages.
        Err(OpError::Jira(error @ JiraError::Refused { status: 400, .. }))
            if !with_subtasks && has_subtasks(&key, jira).await =>
        {
            let message = "it has sub-tasks, which --delete-subtasks deletes with it; nothing was deleted";
            Err(OpError::Flag { command: "delete", message }.told_by(error))
        }
        Err(error) => Err(error),
    }
}

async fn has_subtasks(key: &IssueRef, jira: &Jira) -> bool {
    let subtasks = |issue: &Value| issue["fields"]["subtasks"].as_array().map_or(0, Vec::len);
    let found = jira.send(&issue::get(key).query("fields", "subtasks")).await;
    found.is_ok_and(|issue| subtasks(issue.json()) > 0)
}

fn parse(args: DeleteArgs) -> Result<(IssueRef, bool), OpError> {
    let DeleteArgs { key, key_pos, confirm, delete_subtasks } = args;
    let key = key.or(key_pos);
    flag::require("delete", &[("key", key.is_some())])?;
    let key: IssueRef = key.unwrap_or_default().parse()?;
    let with_subtasks = delete_subtasks.unwrap_or(false);
    if confirm != Some(true) {
        let more = if with_subtasks { " and its sub-tasks" } else { "" };
        let what = format!("this deletes {key}{more} for good, and Jira has no way back");
        return Err(OpError::Unconfirmed { command: "delete", what });
    }
    Ok((key, with_subtasks))
}
