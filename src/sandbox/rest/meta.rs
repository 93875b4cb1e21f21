//! What can be set where: the types of issues that can be created in a project, the fields on the screen for
//! creating one, and on that for editing. The form of Jira 8.4 and later; the call before it is gone.

use axum::Json;
use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::edit::EDIT_SCREEN;
use super::issue_shape::schema;
use super::refusal::Refusal;
use super::shape::Shape;
use crate::sandbox::world::World;
use crate::sandbox::world::access::Right;
use crate::sandbox::world::extras::{EXTRAS, Extra};
use crate::sandbox::world::fields::{EPIC_NAME, FIELDS, Field};
use crate::sandbox::world::project::Project;
use crate::sandbox::world::vocabulary::{EPIC, PRIORITIES, SUB_TASK};

/// A page of at most so many values, whatever was asked for.
const CAP: usize = 50;

pub(super) async fn issue_types(ask: Ask, Path(project): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let (_, project) = find(&ask, &world, &project)?;
    let shape = ask.shape(&world);
    let types = project.issue_types.iter().map(|id| shape.issue_type(*id));
    page(&ask, may_create(&ask, &world, types.collect()))
}

pub(super) async fn create(
    ask: Ask,
    Path((project, kind)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let (project_id, project) = find(&ask, &world, &project)?;
    let kind = project.issue_types.iter().find(|id| id.to_string() == kind);
    let Some(kind) = kind else { return Err(Refusal::not_found("The issue type is not in this project.")) };
    let shape = ask.shape(&world);
    let mut fields: Vec<Value> = ["project", "issuetype"].map(|id| shape.known(id, project, true)).into();
    fields[1]["allowedValues"] = json!([shape.issue_type(*kind)]);
    if *kind == SUB_TASK {
        let mut parent = shape.known("parent", project, true);
        parent["schema"] = json!({"type": "issuelink", "system": "parent"});
        fields.push(parent);
    }
    let required = |id: &str| id == "summary" || id == EPIC_NAME && *kind == EPIC;
    fields.extend(EDIT_SCREEN.iter().map(|id| shape.known(id, project, required(id))));
    let extras = EXTRAS.iter().filter(|extra| Extra::find(extra.id, project_id).is_some() && extra.create);
    fields.extend(extras.filter_map(|extra| shape.extra_field(extra, extra.required_for.contains(kind))));
    page(&ask, may_create(&ask, &world, fields))
}

pub(super) async fn edit(ask: Ask, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let issue = ask.issue(&world, &key)?;
    let shape = ask.shape(&world);
    let project = world.project_of(issue);
    let known = EDIT_SCREEN.iter().map(|id| shape.known(id, project, *id == "summary"));
    let extras = EXTRAS.iter().filter_map(|extra| Extra::find(extra.id, issue.project));
    let fields = known.chain(extras.filter_map(|extra| shape.extra_field(extra, false)));
    let named = fields.filter_map(|field| Some((field["fieldId"].as_str()?.to_owned(), field)));
    Ok(Json(json!({"fields": named.collect::<Map<_, _>>()})))
}

fn find<'a>(ask: &Ask, world: &'a World, word: &str) -> Result<(u8, &'a Project), Refusal> {
    let found = world.project(word).filter(|_| ask.actor(world).user.is_some());
    found.ok_or_else(|| Refusal::not_found(&format!("No project could be found with key '{word}'.")))
}

/// Whoever may not create anything is shown an empty page.
fn may_create(ask: &Ask, world: &World, values: Vec<Value>) -> Vec<Value> {
    if world.may(ask.actor(world), Right::Work) { values } else { Vec::new() }
}

fn page(ask: &Ask, values: Vec<Value>) -> Result<Json<Value>, Refusal> {
    let (start, max) = ask.page(50)?;
    let (total, max) = (values.len(), max.min(CAP));
    let shown: Vec<Value> = values.into_iter().skip(start).take(max).collect();
    let last = start + shown.len() >= total;
    Ok(Json(json!({"maxResults": max, "startAt": start, "total": total, "isLast": last, "values": shown})))
}

impl Shape<'_> {
    /// A field that every project has.
    fn known(&self, id: &str, project: &Project, required: bool) -> Value {
        let Some(field) = FIELDS.iter().find(|field| field.id == id) else { return Value::Null };
        let mut value = on_screen(field, required);
        let allowed: Option<Vec<Value>> = match id {
            "project" => Some(vec![self.project(project)]),
            "priority" => Some(PRIORITIES.iter().map(|term| self.priority(term.id)).collect()),
            "components" => Some(project.components.iter().map(|it| self.component(it)).collect()),
            "fixVersions" => Some(project.versions.iter().map(|it| self.version(it)).collect()),
            _ => None,
        };
        if let Some(allowed) = allowed {
            value["allowedValues"] = allowed.into();
        }
        value
    }

    fn extra_field(&self, extra: &Extra, required: bool) -> Option<Value> {
        let mut value = on_screen(extra.field()?, required);
        if !extra.choices().is_empty() {
            value["allowedValues"] = self.choices(extra.choices());
        }
        Some(value)
    }
}

fn on_screen(field: &Field, required: bool) -> Value {
    let schema = schema(field);
    let list = schema.as_ref().is_some_and(|schema| schema["type"] == "array");
    json!({
        "required": required,
        "schema": schema,
        "name": field.name,
        "fieldId": field.id,
        "hasDefaultValue": field.id == "priority",
        "operations": if list { json!(["add", "set", "remove"]) } else { json!(["set"]) },
    })
}
