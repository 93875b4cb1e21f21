//! `epics`: the epics of a board, those that are open unless told otherwise.

use serde_json::{Value, json};

use crate::config::switch::parse_boolean;
use crate::jira::{Jira, Request, agile};

use super::page::{self, Found};
use super::{Flag, OpError, flag, schema as json_schema};

/// What is said of the flags beside their types.
pub const FLAGS: &[Flag] =
    &[Flag::required("board-id"), Flag::default("done", "false"), Flag::default("limit", "50")];

/// Which epics to list.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct EpicsArgs {
    /// The number of the board; `jira boards` lists them
    #[arg(long, value_name = "ID", allow_negative_numbers = true)]
    pub board_id: Option<u64>,
    /// List the epics that are done, instead of those that are not
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub done: Option<bool>,
    /// How many to return at most; 50 unless told otherwise
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub limit: Option<i64>,
    /// Return every one there is
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub all: Option<bool>,
}

impl EpicsArgs {
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
            "key": { "type": "string" },
            "name": { "type": "string" },
            "summary": { "type": "string" },
            "done": { "type": "boolean" },
        },
        "required": ["id", "key", "done"],
        "additionalProperties": true,
    }))
}

/// Lists the epics.
pub async fn run(args: EpicsArgs, jira: &Jira) -> Result<Found, OpError> {
    let (request, wanted) = parse(args)?;
    let list = agile::list(jira, request, wanted).await?;
    Ok(Found::new(list, &[("KEY", "key"), ("DONE", "done"), ("NAME", "name")]))
}

fn parse(args: EpicsArgs) -> Result<(Request, u64), OpError> {
    let EpicsArgs { board_id, done, limit, all } = args;
    flag::require("epics", &[("board-id", board_id.is_some())])?;
    let request = agile::epics(board_id.unwrap_or_default());
    let request = request.query("done", if done == Some(true) { "true" } else { "false" });
    Ok((request, page::wanted("epics", limit, all, 50)?))
}
