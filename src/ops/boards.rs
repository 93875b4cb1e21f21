//! `boards`: the boards of Jira Software that this account may see.

use serde_json::{Value, json};

use crate::config::switch::parse_boolean;
use crate::jira::key::ProjectRef;
use crate::jira::{Jira, JiraError, Request, agile};

use super::page::{self, Found};
use super::{Flag, OpError, filled, schema as json_schema};

/// The types of boards that Jira Data Center has.
const TYPES: [&str; 2] = ["scrum", "kanban"];

/// What is said of the flags beside their types.
pub const FLAGS: &[Flag] = &[Flag::default("limit", "10")];

/// Which boards to list.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct BoardsArgs {
    /// Only boards of this project, by its key or id
    #[arg(long, value_name = "KEY")]
    pub project: Option<String>,
    /// Only boards of this type: scrum or kanban; several separated by commas
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Only boards that have this in their name
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub name: Option<String>,
    /// How many to return at most; 10 unless told otherwise
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub limit: Option<i64>,
    /// Return every one there is
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub all: Option<bool>,
}

impl BoardsArgs {
    /// Whether they make sense; nothing is sent.
    pub fn check(&self) -> Result<(), OpError> {
        parse(self.clone()).map(drop)
    }
}

/// What comes back.
pub fn schema() -> Value {
    json_schema::page(json!({
        "type": "object",
        "properties": {
            "id": { "type": "integer" },
            "self": { "type": "string", "format": "uri" },
            "name": { "type": "string" },
            "type": { "type": "string" },
        },
        "required": ["id", "name", "type"],
        "additionalProperties": true,
    }))
}

/// Lists the boards.
pub async fn run(args: BoardsArgs, jira: &Jira) -> Result<Found, OpError> {
    let project = filled(args.project.clone());
    let (request, wanted) = parse(args)?;
    let list = match (agile::list(jira, request, wanted).await, project) {
        (Err(error @ JiraError::Refused { status: 400 | 404, .. }), Some(project)) => {
            return Err(refused(error, &project.parse()?, jira).await);
        }
        (list, _) => list?,
    };
    Ok(Found::new(list, &[("ID", "id"), ("TYPE", "type"), ("NAME", "name")]))
}

/// Jira answers 400 to a project that it does not know, in words of its own. Whether that is it, the project tells.
async fn refused(error: JiraError, project: &ProjectRef, jira: &Jira) -> OpError {
    match jira.send(&agile::project(project)).await {
        Err(JiraError::Refused { status: 404, .. }) => OpError::NoProject {
            project: project.to_string(),
            may: "that this account may see",
            error: Some(error),
        },
        _ => error.into(),
    }
}

fn parse(args: BoardsArgs) -> Result<(Request, u64), OpError> {
    let BoardsArgs { project, kind, name, limit, all } = args;
    let mut request = agile::boards();
    if let Some(project) = filled(project) {
        request = request.query("projectKeyOrId", project.parse::<ProjectRef>()?.to_string());
    }
    if let Some(kinds) = page::words("boards", "type", kind.as_deref().unwrap_or_default(), &TYPES)? {
        request = request.query("type", kinds);
    }
    if let Some(name) = filled(name) {
        request = request.query("name", name);
    }
    Ok((request, page::wanted("boards", limit, all, 10)?))
}
