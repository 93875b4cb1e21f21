//! `create`: a new issue.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::config::switch::parse_boolean;
use crate::error::Hint;
use crate::jira::key::{IssueKey, IssueRef, ProjectRef};
use crate::jira::screen::{self, IssueType};
use crate::jira::{Jira, JiraError, issue};
use crate::output::text::{Readable, Text};

use super::fields::{Ready, Sent, Typed, Wanted, explain, named, sprint_number};
use super::{Change, Flag, OpError, flag, same_name, spoken};

/// The type of the issue unless one is named; with a parent, the project's type of sub-tasks.
const TYPE: &str = "Task";

/// What a project is missing for, where there is none.
const MAY_CREATE: &str = "in which this account may create issues";

/// What is said of the flags beside their types.
pub const FLAGS: &[Flag] =
    &[Flag::required("project"), Flag::required("summary"), Flag::default("type", TYPE)];

/// What to create, and where.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct CreateArgs {
    /// The key of the project, or its id
    #[arg(long, value_name = "KEY")]
    pub project: Option<String>,
    /// The title
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub summary: Option<String>,
    /// The type of the issue, by its name or id; Task unless told otherwise, with --parent the project's type of
    /// sub-tasks
    #[arg(long = "type", value_name = "TYPE", allow_hyphen_values = true)]
    pub kind: Option<String>,
    /// The issue that it is a sub-task of
    #[arg(long, value_name = "KEY")]
    pub parent: Option<String>,
    /// The priority, by its name or id
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub priority: Option<String>,
    /// The login name of the user to assign to; `-1` lets the project decide
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    pub assignee: Option<String>,
    /// The description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub description: Option<String>,
    /// The description is Markdown, to be turned into Jira's wiki markup
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub markdown: Option<bool>,
    /// The names of components, separated by commas
    #[arg(long, value_name = "NAMES", allow_hyphen_values = true)]
    pub components: Option<String>,
    /// Labels, separated by commas
    #[arg(long, value_name = "LABELS", allow_hyphen_values = true)]
    pub labels: Option<String>,
    /// The key of the epic that it belongs to
    #[arg(long, value_name = "KEY")]
    pub epic: Option<String>,
    /// The number of the sprint that it is planned for; `jira sprints` lists them
    #[arg(long, value_name = "ID", allow_negative_numbers = true, value_parser = sprint_number)]
    pub sprint: Option<u64>,
    /// A value for any other field, by the field's name or id; several of these for several fields
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

impl CreateArgs {
    /// The text flags that may be `-`.
    pub fn texts(&mut self) -> Vec<(&'static str, &mut Option<String>)> {
        vec![("description", &mut self.description)]
    }

    /// Whether they make sense; nothing is sent.
    pub fn check(&self) -> Result<(), OpError> {
        parse(self.clone()).map(drop)
    }
}

/// What comes back, as Jira returns it.
pub fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "key": { "type": "string" },
            "self": { "type": "string", "format": "uri" },
        },
        "required": ["id", "key", "self"],
        "additionalProperties": true,
    })
}

/// The issue that was made: `{id, key, self}`, as Jira describes it.
#[derive(Clone, Debug)]
pub struct Created {
    answer: Value,
    key: String,
}

impl Created {
    /// Its key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How to look at it.
    pub fn look(&self) -> Option<Hint> {
        let key: IssueKey = self.key.parse().ok()?;
        Some(Hint::Look { keys: vec![key.to_string()] })
    }
}

impl Serialize for Created {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.answer.serialize(serializer)
    }
}

impl Text for Created {
    fn text(&self) -> Readable {
        Readable::Lines(vec![format!("created {}", self.key)])
    }
}

/// What the arguments mean.
struct Wish {
    project: ProjectRef,
    kind: Option<String>,
    parent: Option<IssueRef>,
    wanted: Wanted,
}

/// Creates the issue: one request, unless a screen or the project's types have to be asked for first.
pub async fn run(args: CreateArgs, jira: &Jira, change: &Change) -> Result<Created, OpError> {
    let Wish { project, kind, parent, wanted } = parse(args)?;
    let word = kind.clone().unwrap_or_else(|| TYPE.to_owned());
    let subtask = kind.is_none() && parent.is_some();
    let (issue_type, ready) = if subtask || wanted.needs_screen() {
        let types = types(jira, &project).await?;
        let kind = if subtask { only_subtask(&types, &project)? } else { choose(&types, &word, &project)? };
        let ready = if wanted.needs_screen() {
            let (fields, place) = screen_of(&project, kind, jira).await?;
            wanted.on(&fields, place, jira).await?
        } else {
            wanted.known()
        };
        (json!({ "id": kind.id }), ready)
    } else {
        (named(&word), wanted.known())
    };
    let Ready { mut fields, sent } = ready;
    let sent = sent.with_parent(parent.clone());
    fields.insert("project".to_owned(), project.object());
    fields.insert("issuetype".to_owned(), issue_type);
    if let Some(parent) = &parent {
        fields.insert("parent".to_owned(), parent.object());
    }
    match send(fields, &project, jira, change).await {
        Err(OpError::Jira(error)) => {
            Err(refused(error, &project, (!subtask).then_some(&*word), sent, jira).await)
        }
        outcome => outcome,
    }
}

/// What can be set on a new issue, and whose screen that is.
async fn screen_of(
    project: &ProjectRef,
    kind: &IssueType,
    jira: &Jira,
) -> Result<(Vec<screen::Field>, String), OpError> {
    let fields = screen::create_screen(jira, project, kind).await?;
    Ok((fields, format!("the screen for creating a {} in {project}", kind.name)))
}

async fn send(
    fields: Map<String, Value>,
    project: &ProjectRef,
    jira: &Jira,
    change: &Change,
) -> Result<Created, OpError> {
    let request = issue::create(fields);
    let look = || Hint::LookForNew { project: project.to_string() };
    let answer = change.send(jira, &request, look).await?.into_json();
    match answer["key"].as_str() {
        Some(key) => Ok(Created { key: key.to_owned(), answer }),
        None => {
            let reason = "the answer names no issue".to_owned();
            let error = JiraError::OutcomeUnknown { request: request.title(), reason };
            Err(OpError::Unanswered { error, look: look() })
        }
    }
}

/// Jira answers 400 to a project, a type or a value that it does not know: each is said to be that, with what
/// there is. `kind` is the type as it was named; none, if it was found by itself.
async fn refused(
    error: JiraError,
    project: &ProjectRef,
    kind: Option<&str>,
    sent: Sent,
    jira: &Jira,
) -> OpError {
    let JiraError::Refused { status: 400, details, .. } = &error else { return error.into() };
    if details["errors"].get("project").is_some() {
        return OpError::NoProject { project: project.to_string(), may: MAY_CREATE, error: Some(error) };
    }
    if let Some(kind) = kind
        && details["errors"].get("issuetype").is_some()
        // Jira says the same of a type that needs a parent.
        && let Ok(types) = types(jira, project).await
        && let Err(unknown) = choose(&types, kind, project)
    {
        return unknown.told_by(error);
    }
    let screen = async {
        let types = types(jira, project).await?;
        let kind = match kind {
            Some(kind) => choose(&types, kind, project)?,
            None => only_subtask(&types, project)?,
        };
        screen_of(project, kind, jira).await
    };
    explain(error, sent, "create", screen, jira).await
}

async fn types(jira: &Jira, project: &ProjectRef) -> Result<Vec<IssueType>, OpError> {
    let nowhere = |error| OpError::NoProject { project: project.to_string(), may: MAY_CREATE, error };
    match screen::issue_types(jira, project).await {
        // A session that may only read sees the same as an account that may create nothing.
        Ok(types) if types.is_empty() && jira.access().is_read_only_scope().await => {
            let request = issue::create(Map::new()).title();
            Err(JiraError::ScopeMissing { mode: jira.access().mode, request, request_id: None }.into())
        }
        Ok(types) if types.is_empty() => Err(nowhere(None)),
        Ok(types) => Ok(types),
        Err(error @ JiraError::Refused { status: 400 | 404, .. }) => Err(nowhere(Some(error))),
        Err(error) => Err(error.into()),
    }
}

/// By id or by name; of several with one name the first.
fn choose<'a>(types: &'a [IssueType], word: &str, project: &ProjectRef) -> Result<&'a IssueType, OpError> {
    let found = types.iter().find(|kind| kind.id == word.trim() || same_name(&kind.name, word));
    found.ok_or_else(|| OpError::NoSuch {
        place: format!("the project {project}"),
        what: "issue type",
        field: Some("issuetype"),
        name: word.to_owned(),
        offered: types.iter().map(|kind| kind.name.clone()).collect(),
    })
}

fn only_subtask<'a>(types: &'a [IssueType], project: &ProjectRef) -> Result<&'a IssueType, OpError> {
    let subtasks: Vec<_> = types.iter().filter(|kind| kind.subtask).collect();
    let names: Vec<_> = subtasks.iter().map(|kind| kind.name.clone()).collect();
    match subtasks.as_slice() {
        [only] => Ok(only),
        [] => Err(OpError::Value {
            command: "create",
            message: format!("the project {project} has no type of sub-tasks, so none can have a --parent"),
        }),
        _ => Err(OpError::Value {
            command: "create",
            message: format!(
                "{project} has several types of sub-tasks: name one with --type: {}",
                spoken(&names)
            ),
        }),
    }
}

fn parse(args: CreateArgs) -> Result<Wish, OpError> {
    let CreateArgs {
        project,
        summary,
        kind,
        parent,
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
    flag::require("create", &[("project", project.is_some()), ("summary", summary.is_some())])?;
    let project = project.unwrap_or_default().parse()?;
    // An empty one would be passed over, and the issue be another than was meant.
    for (flag, text) in [("type", &kind), ("parent", &parent), ("priority", &priority)] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            let message = format!("--{flag} is empty: name one, or leave it out");
            return Err(OpError::Value { command: "create", message });
        }
    }
    let parent = parent.map(|parent| parent.parse()).transpose()?;
    let typed = Typed {
        command: "create",
        summary,
        description,
        markdown: markdown.unwrap_or(false),
        assignee,
        priority,
        components,
        labels,
        epic,
        sprint: sprint.map(Some),
        epic_field,
        sprint_field,
        field,
        field_json,
    };
    Ok(Wish { project, kind, parent, wanted: typed.read(false)? })
}
