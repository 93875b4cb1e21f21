//! `update`: new values for fields of an issue; what is not named stays as it is.

use serde::Serialize;
use serde_json::Value;

use crate::config::switch::parse_boolean;
use crate::error::Hint;
use crate::jira::key::IssueRef;
use crate::jira::{Jira, issue, screen};
use crate::output::text::{Readable, Text};

use super::fields::{Ready, Typed, Wanted, explain, sprint_number};
use super::{Change, Flag, OpError, flag, schema as json_schema};

/// What is said of the flags beside their types.
pub const FLAGS: &[Flag] = &[Flag::required("key")];

/// What to change, and on which issue.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct UpdateArgs {
    /// The key of the issue, or its numeric id
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub key: Option<String>,
    /// The key of the issue, in the place of --key
    #[arg(value_name = "KEY", id = "key_pos", conflicts_with = "key")]
    pub key_pos: Option<String>,
    /// The title
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub summary: Option<String>,
    /// The priority, by its name or id
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub priority: Option<String>,
    /// The login name of the user to assign to; an empty one unassigns, `-1` lets the project decide
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    pub assignee: Option<String>,
    /// The description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub description: Option<String>,
    /// The description is Markdown, to be turned into Jira's wiki markup
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub markdown: Option<bool>,
    /// The names of components, separated by commas, in the place of those there are
    #[arg(long, value_name = "NAMES", allow_hyphen_values = true)]
    pub components: Option<String>,
    /// Labels, separated by commas, in the place of those there are
    #[arg(long, value_name = "LABELS", allow_hyphen_values = true)]
    pub labels: Option<String>,
    /// The key of the epic that it belongs to; an empty one takes it out of its epic
    #[arg(long, value_name = "KEY")]
    pub epic: Option<String>,
    /// The number of the sprint that it is planned for; `jira sprints` lists them; an empty one takes it out of
    /// its sprint
    #[arg(long, value_name = "ID", allow_negative_numbers = true, value_parser = Sprint::parse)]
    pub sprint: Option<Sprint>,
    /// A value for any other field, by the field's name or id; an empty one takes away what the field holds;
    /// several of these for several fields
    #[arg(long, value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub field: Vec<String>,
    /// The same with the value as Jira's REST API takes it
    #[arg(long, value_name = "NAME=JSON", allow_hyphen_values = true)]
    pub field_json: Vec<String>,
    /// The id of the field that holds an issue's epic; looked up where nobody says it
    #[arg(long, value_name = "ID")]
    pub epic_field: Option<String>,
    /// The id of the field that holds an issue's sprints; looked up where nobody says it
    #[arg(long, value_name = "ID")]
    pub sprint_field: Option<String>,
}

/// The number of a sprint, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sprint(pub Option<u64>);

impl Sprint {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text.trim() {
            "" => Ok(Sprint(None)),
            number => sprint_number(number).map(|number| Sprint(Some(number))),
        }
    }
}

impl UpdateArgs {
    /// The text flags that may be `-`.
    pub fn texts(&mut self) -> Vec<(&'static str, &mut Option<String>)> {
        vec![("description", &mut self.description)]
    }

    /// Whether they make sense; nothing is sent.
    pub fn check(&self) -> Result<(), OpError> {
        parse(self.clone()).map(drop)
    }
}

/// What comes back.
pub fn schema() -> Value {
    json_schema::done("updated")
}

/// The issue that was changed.
#[derive(Clone, Debug, Serialize)]
pub struct Updated {
    /// As it was named.
    pub key: IssueRef,
    /// `updated`.
    pub status: &'static str,
}

impl Updated {
    /// How to look at it.
    pub fn look(&self) -> Option<Hint> {
        Some(Hint::Look { keys: vec![self.key.to_string()] })
    }
}

impl Text for Updated {
    fn text(&self) -> Readable {
        Readable::Lines(vec![format!("updated {}", self.key)])
    }
}

/// Changes the issue, all fields at once or none.
pub async fn run(args: UpdateArgs, jira: &Jira, change: &Change) -> Result<Updated, OpError> {
    let (key, wanted) = parse(args)?;
    let screen = async || {
        let fields = screen::edit_screen(jira, &key).await?;
        Ok::<_, OpError>((fields, format!("the screen for editing {key}")))
    };
    let Ready { fields, sent } = if wanted.needs_screen() {
        let (fields, name) = screen().await?;
        wanted.on(&fields, name, jira).await?
    } else {
        wanted.known()
    };
    let look = || Hint::Look { keys: vec![key.to_string()] };
    match change.send(jira, &issue::edit(&key, fields), look).await {
        Ok(_) => Ok(Updated { key, status: "updated" }),
        Err(OpError::Jira(error)) => Err(explain(error, sent, "update", screen(), jira).await),
        Err(error) => Err(error),
    }
}

fn parse(args: UpdateArgs) -> Result<(IssueRef, Wanted), OpError> {
    let UpdateArgs {
        key,
        key_pos,
        summary,
        priority,
        assignee,
        description,
        markdown,
        components,
        labels,
        epic,
        sprint,
        field,
        field_json,
        epic_field,
        sprint_field,
    } = args;
    let key = key.or(key_pos);
    flag::require("update", &[("key", key.is_some())])?;
    let key = key.unwrap_or_default().parse()?;
    let typed = Typed {
        command: "update",
        summary,
        description,
        markdown: markdown.unwrap_or(false),
        assignee,
        priority,
        components,
        labels,
        epic,
        sprint: sprint.map(|Sprint(number)| number),
        epic_field,
        sprint_field,
        field,
        field_json,
    };
    let wanted = typed.read(true)?;
    if wanted.is_empty() {
        return Err(OpError::NothingToDo);
    }
    Ok((key, wanted))
}
