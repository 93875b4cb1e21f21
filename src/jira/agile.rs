//! Boards, sprints and epics, which Jira Software has: lists that come in pages, in an envelope of their own.

use serde_json::Value;

use super::key::ProjectRef;
use super::{Jira, JiraError, Request};

/// The most that is asked for at once; Jira gives fewer where it has a lower cap, and says so.
const PAGE: u64 = 50;

/// A list, in the envelope of its first page.
#[derive(Clone, Debug)]
pub struct List {
    /// `{maxResults, startAt, total?, isLast, values}`: Jira's own where one page was enough.
    pub envelope: Value,
    /// How many values there are, if Jira says so; for sprints and epics it does not.
    pub total: Option<u64>,
    /// Whether there are more than were returned.
    pub truncated: bool,
}

impl List {
    /// The values, as Jira describes them.
    pub fn values(&self) -> &[Value] {
        self.envelope["values"].as_array().map_or(&[], Vec::as_slice)
    }
}

/// Boards; the query narrows them.
pub fn boards() -> Request {
    Request::get("/rest/agile/1.0/board")
}

/// The project that boards were to be narrowed by.
pub fn project(project: &ProjectRef) -> Request {
    Request::get(format!("/rest/api/2/project/{project}"))
}

/// The sprints of a board.
pub fn sprints(board: u64) -> Request {
    Request::get(format!("/rest/agile/1.0/board/{board}/sprint"))
}

/// One sprint, by its number.
pub fn sprint(id: u64) -> Request {
    Request::get(format!("/rest/agile/1.0/sprint/{id}"))
}

/// The epics of a board.
pub fn epics(board: u64) -> Request {
    Request::get(format!("/rest/agile/1.0/board/{board}/epic"))
}

/// Fetches up to `wanted` values, page by page. What came decides where the next page begins: Jira caps the
/// size of a page silently.
pub async fn list(jira: &Jira, request: Request, wanted: u64) -> Result<List, JiraError> {
    let mut first: Option<Value> = None;
    let mut values = Vec::new();
    loop {
        let left = wanted - values.len() as u64;
        let page = request.clone().query("maxResults", left.min(PAGE).to_string());
        let page = match values.len() {
            0 => page,
            start => page.query("startAt", start.to_string()),
        };
        let mut answer = match jira.send(&page).await {
            Ok(answer) => answer.into_json(),
            Err(error) => return Err(explain(error, jira).await),
        };
        let Value::Array(mut came) = answer["values"].take() else {
            return Err(JiraError::Unexpected { request: page.title(), missing: "values" });
        };
        came.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let empty = came.is_empty();
        values.append(&mut came);
        let total = answer["total"].as_u64();
        let last = answer["isLast"].as_bool().or_else(|| Some(values.len() as u64 >= total?));
        // A Jira that says neither has given a whole page only if there may be more.
        let last = last.unwrap_or(empty);
        let pages = first.is_some();
        let envelope = first.get_or_insert(answer);
        if last || empty || values.len() as u64 >= wanted {
            if pages {
                envelope["maxResults"] = values.len().into();
                envelope["isLast"] = last.into();
            }
            envelope["values"] = Value::Array(values);
            let envelope = first.unwrap_or_default();
            return Ok(List { envelope, total, truncated: !last });
        }
    }
}

/// Where Jira Software is not installed, its API is a page that is not there. That is told from a base URL
/// that leads elsewhere by asking for something that every Jira has.
async fn explain(error: JiraError, jira: &Jira) -> JiraError {
    let host = jira.access().base_url.host();
    match &error {
        JiraError::NotJira { status: 404, .. } => {
            match jira.send(&Request::get("/rest/api/2/serverInfo")).await {
                Ok(_) => JiraError::NoSoftware { host },
                Err(_) => error,
            }
        }
        // What the framework below Jira says of a path that nobody serves.
        JiraError::Refused { status: 404, message, .. } if message.starts_with("null for uri") => {
            JiraError::NoSoftware { host }
        }
        _ => error,
    }
}
