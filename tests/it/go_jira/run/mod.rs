//! H: `run`, from the text to the changes.

mod changes;
mod failures;
mod lookups;

use jira_oauth::sandbox::{Action, Fault};
use serde_json::{Value, json};

use crate::support::{Command, World};

/// `run` with a personal access token in its environment.
fn run(world: &World, args: &[&str]) -> Command {
    world.with_token(&[&["run"], args].concat())
}

/// An answer of Jira's own, in JSON.
fn answer(status: u16, body: &Value) -> Action {
    let headers = [("content-type", "application/json"), ("x-ausername", "developer")];
    Action::Respond {
        status: http::StatusCode::from_u16(status).unwrap(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: body.to_string().into(),
    }
}

/// Jira's refusals, in its own words.
fn refusal() -> Value {
    json!({ "errorMessages": ["No."], "errors": {} })
}

/// The next search finds these issues.
fn finds(world: &World, issues: &Value) {
    let total = issues.as_array().unwrap().len();
    let page = json!({ "startAt": 0, "maxResults": 50, "total": total, "issues": issues });
    world.jira.faults().add(Fault::on("/rest/api/2/search", answer(200, &page)));
}

/// The bodies of what was sent to paths that end like this.
fn sent(world: &World, end: &str) -> Vec<Value> {
    let log = world.jira.log();
    let there = log.iter().filter(|request| request.path.ends_with(end) && request.method != "GET");
    there.map(|request| serde_json::from_str(&request.body).unwrap()).collect()
}

/// The requests that change something.
fn changes(world: &World) -> Vec<String> {
    let requests = world.requests().into_iter();
    requests.filter(|request| !request.starts_with("GET ") && !request.ends_with("/search")).collect()
}

/// One field of an issue as it is now.
async fn field(world: &World, key: &str, name: &str) -> Value {
    let get = world.with_token(&["get", key, "--fields", name]).run().await.ok();
    get.json()["fields"][name].clone()
}
