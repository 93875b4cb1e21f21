//! `sprints`: the sprints of a board.

use serde_json::{Value, json};

use crate::config::switch::parse_boolean;
use crate::jira::{Jira, Request, agile};

use super::page::{self, Found};
use super::{Flag, OpError, flag, schema as json_schema};

/// The states that a sprint can be in.
const STATES: [&str; 3] = ["active", "future", "closed"];

/// Which sprints are listed unless states are named.
const STATE: &str = "active";

/// What is said of the flags beside their types.
pub const FLAGS: &[Flag] =
    &[Flag::required("board-id"), Flag::default("state", STATE), Flag::default("limit", "10")];

/// Which sprints to list.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct SprintsArgs {
    /// The number of the board; `jira boards` lists them
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub board_id: Option<u64>,
    /// Only sprints in this state: active, future or closed; several separated by commas; an empty one means
    /// all, and active is meant unless told otherwise
    #[arg(long, value_name = "STATES")]
    pub state: Option<String>,
    /// How many to return at most; 10 unless told otherwise
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub limit: Option<i64>,
    /// Return every one there is
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub all: Option<bool>,
}

impl SprintsArgs {
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
            "state": { "type": "string" },
            "name": { "type": "string" },
        },
        "required": ["id", "state", "name"],
        "additionalProperties": true,
    }))
}

/// Lists the sprints.
pub async fn run(args: SprintsArgs, jira: &Jira) -> Result<Found, OpError> {
    let (request, wanted) = parse(args)?;
    let list = agile::list(jira, request, wanted).await?;
    Ok(Found::new(list, &[("ID", "id"), ("STATE", "state"), ("NAME", "name")]))
}

fn parse(args: SprintsArgs) -> Result<(Request, u64), OpError> {
    let SprintsArgs { board_id, state, limit, all } = args;
    flag::require("sprints", &[("board-id", board_id.is_some())])?;
    let request = agile::sprints(board_id.unwrap_or_default());
    let request = match page::words("sprints", "state", state.as_deref().unwrap_or(STATE), &STATES)? {
        None => request,
        Some(states) => request.query("state", states),
    };
    Ok((request, page::wanted("sprints", limit, all, 10)?))
}
