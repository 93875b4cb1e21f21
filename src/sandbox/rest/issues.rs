//! One issue: read, created, edited, assigned, linked, deleted.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::ask::{Ask, Payload, id_text};
use super::edit::{self, EDIT_SCREEN, Target};
use super::issue_shape::{names, schemas};
use super::refusal::Refusal;
use super::select::{Expand, Selection};
use crate::sandbox::world::extras::{EXTRAS, Extra};
use crate::sandbox::world::issue::IssueId;
use crate::sandbox::world::project::Project;
use crate::sandbox::world::vocabulary::{EPIC, ISSUE_TYPES, LINK_TYPES, SUB_TASK, by_word};
use crate::sandbox::world::{Change, NewIssue, World};

pub(super) async fn get(ask: Ask, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let issue = ask.issue(&world, &key)?;
    let selection = Selection::new(&ask.list("fields"), "*all");
    let expand = Expand::new(&ask.list("expand"));
    let mut answer = ask.shape(&world).issue(issue, &selection, expand);
    if expand.names {
        answer["names"] = names(&selection);
    }
    if expand.schema {
        answer["schema"] = schemas(&selection);
    }
    Ok(Json(answer))
}

pub(super) async fn create(ask: Ask, body: Payload) -> Result<(StatusCode, Json<Value>), Refusal> {
    let mut world = ask.world();
    body.only(&["fields", "update", "historyMetadata", "properties"])?;
    let author = ask.worker(&world, "create issues in this project")?;
    let mut fields = match body.0.get("fields") {
        Some(Value::Object(fields)) => fields.clone(),
        _ => return Err(Refusal::bad(&["one of 'fields' or 'update' required"])),
    };
    // These three say where the issue goes; what is left is about its content.
    let (place, kind, parent) =
        (fields.remove("project"), fields.remove("issuetype"), fields.remove("parent"));
    let (project_id, project) = find_project(&world, place.as_ref())?;
    let kind = find_kind(project, kind.as_ref())?;
    let parent = find_parent(&ask, &world, kind, parent.as_ref())?;
    let named = fields.get(crate::sandbox::world::fields::EPIC_NAME).is_some_and(|name| !name.is_null());
    let target = Target { world: &world, project, issue: None, screen: &EDIT_SCREEN, extras: true };
    let edit = target.read(Some(&Value::Object(fields)), body.0.get("update"))?;
    if !edit.changes.iter().any(|change| matches!(change, Change::Summary(_))) {
        return Err(Refusal::field("summary", "You must specify a summary of the issue."));
    }
    if kind == EPIC && !named {
        return Err(Refusal::field(crate::sandbox::world::fields::EPIC_NAME, "Epic Name is required."));
    }
    if let Some(missing) = missing(project_id, kind, &edit.changes) {
        let name = missing.field().map_or(missing.id, |field| field.name);
        return Err(Refusal::field(missing.id, format!("{name} is required.")));
    }
    let id = world.create(NewIssue { project: project_id, kind, parent, reporter: author });
    edit.apply(&mut world, id, author);
    let key = world.issue(id).map(|issue| world.key(issue));
    let url = ask.shape(&world).api(&format!("issue/{id}"));
    Ok((StatusCode::CREATED, Json(json!({"id": id.to_string(), "key": key, "self": url}))))
}

/// A field without which such an issue is not created.
fn missing(project: u8, kind: u16, changes: &[Change]) -> Option<&'static Extra> {
    let set = |extra: &Extra| {
        changes
            .iter()
            .any(|change| matches!(change, Change::Extra(id, value) if *id == extra.id && !value.is_null()))
    };
    let required = EXTRAS.iter().filter(|extra| extra.required_for.contains(&kind));
    required.filter_map(|extra| Extra::find(extra.id, project)).find(|extra| !set(extra))
}

fn find_project<'a>(world: &'a World, value: Option<&Value>) -> Result<(u8, &'a Project), Refusal> {
    let Some(value) = value else { return Err(Refusal::field("project", "project is required")) };
    let word = ["key", "id"].iter().find_map(|member| value.get(*member).and_then(id_text));
    let found = word.and_then(|word| world.project(&word));
    found.ok_or_else(|| Refusal::field("project", "valid project is required"))
}

fn find_kind(project: &Project, value: Option<&Value>) -> Result<u16, Refusal> {
    let Some(value) = value else { return Err(Refusal::field("issuetype", "issue type is required")) };
    let word = ["id", "name"].iter().find_map(|member| value.get(*member).and_then(id_text));
    let kind = word.and_then(|word| by_word(&ISSUE_TYPES, &word)).map(|term| term.id);
    let kind = kind.filter(|kind| project.issue_types.contains(kind));
    kind.ok_or_else(|| Refusal::field("issuetype", "The issue type selected is invalid."))
}

fn find_parent(
    ask: &Ask,
    world: &World,
    kind: u16,
    value: Option<&Value>,
) -> Result<Option<IssueId>, Refusal> {
    let word = value.and_then(|value| ["key", "id"].iter().find_map(|it| value.get(*it).and_then(id_text)));
    match (kind == SUB_TASK, word) {
        (false, None) => Ok(None),
        (false, Some(_)) => Err(Refusal::field(
            "parent",
            "Field 'parent' cannot be set. It is not on the appropriate screen, or unknown.",
        )),
        (true, None) => Err(Refusal::field(
            "issuetype",
            "Issue type is a sub-task but parent issue key or id not specified.",
        )),
        (true, Some(word)) => {
            let found =
                world.find(&word).filter(|it| world.sees(ask.actor(world), it) && it.kind != SUB_TASK);
            let missing = || Refusal::field("parent", "Could not find issue by id or key.");
            found.map(|parent| Some(parent.id)).ok_or_else(missing)
        }
    }
}

pub(super) async fn update(ask: Ask, Path(key): Path<String>, body: Payload) -> Result<StatusCode, Refusal> {
    let mut world = ask.world();
    let issue = ask.issue(&world, &key)?;
    body.only(&["fields", "update", "historyMetadata", "properties", "transition"])?;
    let author = ask.worker(&world, "edit issues in this project")?;
    let (fields, update) = (body.0.get("fields"), body.0.get("update"));
    if fields.is_none() && update.is_none() {
        return Err(Refusal::bad(&["one of 'fields' or 'update' required"]));
    }
    let target = Target {
        world: &world,
        project: world.project_of(issue),
        issue: Some(issue),
        screen: &EDIT_SCREEN,
        extras: true,
    };
    let edit = target.read(fields, update)?;
    let id = issue.id;
    edit.apply(&mut world, id, author);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn delete(ask: Ask, Path(key): Path<String>) -> Result<StatusCode, Refusal> {
    let mut world = ask.world();
    let id = ask.issue(&world, &key)?.id;
    ask.worker(&world, "delete issues in this project")?;
    let count = world.subtasks(id).count();
    if count > 0 && ask.param("deleteSubtasks") != Some("true") {
        let message = format!(
            "The issue '{}' has subtasks.  You must specify the 'deleteSubtasks' parameter to delete this \
             issue and all its subtasks.",
            key.to_uppercase()
        );
        return Err(Refusal::bad(&[&message]));
    }
    world.delete(id);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn assign(ask: Ask, Path(key): Path<String>, body: Payload) -> Result<StatusCode, Refusal> {
    let mut world = ask.world();
    let issue = ask.issue(&world, &key)?;
    // The bean is Jira's user: its other members are known, and mean nothing here.
    body.only(&["name", "key", "self", "emailAddress", "displayName", "active", "avatarUrls", "timeZone"])?;
    ask.worker(&world, "assign issues in this project")?;
    let value = Value::Object(body.0);
    let assignee = edit::assignee(&world, world.project_of(issue), &value);
    let assignee = assignee.map_err(|message| Refusal::field("assignee", message))?;
    let id = issue.id;
    world.change(id, Change::Assignee(assignee));
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn link(ask: Ask, body: Payload) -> Result<StatusCode, Refusal> {
    let mut world = ask.world();
    body.only(&["type", "inwardIssue", "outwardIssue", "comment"])?;
    let author = ask.worker(&world, "link issues in this project")?;
    let word = |member: &str| {
        let value = body.0.get(member)?;
        ["key", "id"].iter().find_map(|it| value.get(*it).and_then(id_text)).map(|it| it.into_owned())
    };
    let kind = body.0.get("type").and_then(|kind| {
        let named = |name: &str| LINK_TYPES.iter().find(|it| it.name.eq_ignore_ascii_case(name));
        let numbered = |id: &str| LINK_TYPES.iter().find(|it| it.id.to_string() == id);
        let by_id = kind.get("id").and_then(id_text).and_then(|id| numbered(&id));
        by_id.or_else(|| kind.get("name").and_then(Value::as_str).and_then(named))
    });
    let Some(kind) = kind else {
        let name =
            body.0.get("type").and_then(|it| it.get("name")).and_then(Value::as_str).unwrap_or_default();
        return Err(Refusal::not_found(&format!("No issue link type with name '{name}' found.")));
    };
    // Whoever may not see one of the two is told 404 here, not 403.
    let end = |member| -> Result<IssueId, Refusal> {
        let issue = word(member)
            .and_then(|word| world.find(&word).map(|it| (it.id, world.sees(ask.actor(&world), it))));
        match issue {
            Some((id, true)) => Ok(id),
            Some((_, false)) => {
                Err(Refusal::not_found("You do not have the permission to see the specified issue."))
            }
            None => Err(Refusal::not_found("Issue Does Not Exist")),
        }
    };
    let (from, to) = (end("inwardIssue")?, end("outwardIssue")?);
    if from == to {
        return Err(Refusal::bad(&["You cannot link an issue to itself."]));
    }
    let comment = match body.0.get("comment") {
        None | Some(Value::Null) => None,
        Some(comment) => Some(super::comments::check(comment.get("body"))?.to_owned()),
    };
    world.connect(kind.id, from, to);
    if let Some(comment) = comment {
        world.comment(from, author, &comment);
    }
    Ok(StatusCode::CREATED)
}

pub(super) async fn unlink(ask: Ask, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let mut world = ask.world();
    ask.worker(&world, "link issues in this project")?;
    match id.parse().is_ok_and(|id| world.disconnect(id)) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Refusal::not_found(&format!("No issue link with id '{id}' exists."))),
    }
}
