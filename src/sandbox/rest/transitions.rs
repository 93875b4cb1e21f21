//! What leads out of an issue's status, and the step itself.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::ask::{Ask, Payload, id_text};
use super::edit::Target;
use super::refusal::Refusal;
use super::select::Expand;
use crate::sandbox::world::Change;
use crate::sandbox::world::workflow::Resolving;

pub(super) async fn list(ask: Ask, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let issue = ask.issue(&world, &key)?;
    let expand = Expand::new(&ask.list("expand"));
    let mut transitions = ask.shape(&world).transitions(issue, expand.transition_fields);
    if let (Some(id), Value::Array(all)) = (ask.param("transitionId"), &mut transitions) {
        all.retain(|transition| transition["id"] == id);
    }
    Ok(Json(json!({"expand": "transitions", "transitions": transitions})))
}

pub(super) async fn follow(ask: Ask, Path(key): Path<String>, body: Payload) -> Result<StatusCode, Refusal> {
    let mut world = ask.world();
    let issue = ask.issue(&world, &key)?;
    body.only(&["transition", "fields", "update", "historyMetadata", "properties"])?;
    let author = ask.worker(&world, "transition issues in this project")?;
    let Some(wanted) = body.0.get("transition").and_then(|it| it.get("id")).and_then(id_text) else {
        return Err(Refusal::bad(&["Missing 'transition' identifier"]));
    };
    let project = world.project_of(issue);
    let mut offered = project.workflow.from(issue.status);
    let Some(transition) = offered.find(|transition| transition.id.to_string() == wanted) else {
        return Err(Refusal::bad(&[&format!("Transition id '{wanted}' is not valid for this issue.")]));
    };
    let asks = transition.resolving == Resolving::Screen;
    let screen: &[&str] = if asks { &["resolution", "assignee"] } else { &[] };
    let target = Target { world: &world, project, issue: Some(issue), screen, extras: false };
    let edit = target.read(body.0.get("fields"), body.0.get("update"))?;
    let resolved = edit.changes.iter().any(|change| matches!(change, Change::Resolution(Some(_))));
    if asks && !resolved {
        return Err(Refusal::field("resolution", "Resolution is required."));
    }
    let id = issue.id;
    world.follow(id, transition);
    edit.apply(&mut world, id, author);
    Ok(StatusCode::NO_CONTENT)
}
