//! What the instance has: projects, vocabulary, fields. Plain arrays, without pages.

use axum::Json;
use axum::extract::Path;
use serde_json::{Value, json};

use super::ask::Ask;
use super::issue_shape::schema;
use super::refusal::Refusal;
use super::shape::stamp;
use crate::sandbox::world::World;
use crate::sandbox::world::fields::FIELDS;
use crate::sandbox::world::project::Project;
use crate::sandbox::world::vocabulary::{ISSUE_TYPES, LINK_TYPES, PRIORITIES, RESOLUTIONS, STATUSES, status};

pub(super) async fn server_info(ask: Ask) -> Json<Value> {
    let world = ask.world();
    Json(json!({
        "baseUrl": ask.base_url(),
        "version": "10.3.6",
        "versionNumbers": [10, 3, 6],
        "deploymentType": "Server",
        "buildNumber": 10_030_006,
        "buildDate": "2025-05-19T00:00:00.000+0000",
        "databaseBuildNumber": 10_030_006,
        "serverTime": stamp(world.now()),
        "scmInfo": "0000000000000000000000000000000000000000",
        "serverTitle": "Sandbox",
    }))
}

pub(super) async fn projects(ask: Ask) -> Json<Value> {
    let world = ask.world();
    let shape = ask.shape(&world);
    if shape.actor.user.is_none() {
        return Json(json!([]));
    }
    let expand = ask.list("expand");
    let project = |project: &Project| {
        let mut value = shape.project(project);
        value["expand"] = "description,lead,url,projectKeys".into();
        for name in &expand {
            match name.as_str() {
                "description" => value["description"] = project.description.into(),
                "lead" => value["lead"] = world.user_id(project.lead).map(|id| shape.user(id)).into(),
                "projectKeys" => value["projectKeys"] = json!([project.key]),
                _ => {}
            }
        }
        value
    };
    Json(world.projects().iter().map(project).collect())
}

/// The project in a path, if the caller may browse at all.
fn find<'a>(ask: &Ask, world: &'a World, word: &str) -> Result<&'a Project, Refusal> {
    let found = world.project(word).filter(|_| ask.actor(world).user.is_some());
    let missing = || Refusal::not_found(&format!("No project could be found with key '{word}'."));
    found.map(|(_, project)| project).ok_or_else(missing)
}

pub(super) async fn project(ask: Ask, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let project = find(&ask, &world, &key)?;
    let shape = ask.shape(&world);
    let mut value = shape.project(project);
    value["expand"] = "description,lead,createdAt,createdBy,lastUpdatedAt,url,projectKeys".into();
    value["description"] = project.description.into();
    value["lead"] = world.user_id(project.lead).map(|id| shape.user(id)).into();
    value["components"] = project.components.iter().map(|it| shape.component(it)).collect();
    value["issueTypes"] = project.issue_types.iter().map(|id| shape.issue_type(*id)).collect();
    value["assigneeType"] = "UNASSIGNED".into();
    value["versions"] = project.versions.iter().map(|it| shape.version(it)).collect();
    value["roles"] = json!({});
    value["archived"] = false.into();
    Ok(Json(value))
}

pub(super) async fn project_statuses(ask: Ask, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let project = find(&ask, &world, &key)?;
    let shape = ask.shape(&world);
    let statuses: Value = project.workflow.statuses().iter().map(|id| shape.status(status(*id))).collect();
    let kind = |id: &u16| {
        let kind = shape.issue_type(*id);
        json!({
            "self": kind["self"],
            "id": kind["id"],
            "name": kind["name"],
            "subtask": kind["subtask"],
            "statuses": statuses,
        })
    };
    Ok(Json(project.issue_types.iter().map(kind).collect()))
}

pub(super) async fn project_versions(ask: Ask, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let project = find(&ask, &world, &key)?;
    let shape = ask.shape(&world);
    let version = |it| {
        let mut value = shape.version(it);
        value["projectId"] = project.id.into();
        value
    };
    Ok(Json(project.versions.iter().map(version).collect()))
}

pub(super) async fn project_components(ask: Ask, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let project = find(&ask, &world, &key)?;
    let shape = ask.shape(&world);
    let component = |it| {
        let mut value = shape.component(it);
        value["project"] = project.key.into();
        value["projectId"] = project.id.into();
        value["assigneeType"] = "PROJECT_DEFAULT".into();
        value
    };
    Ok(Json(project.components.iter().map(component).collect()))
}

pub(super) async fn resolutions(ask: Ask) -> Json<Value> {
    let world = ask.world();
    Json(RESOLUTIONS.iter().map(|term| ask.shape(&world).resolution(term.id)).collect())
}

pub(super) async fn priorities(ask: Ask) -> Json<Value> {
    let world = ask.world();
    let shape = ask.shape(&world);
    let priority = |term: &crate::sandbox::world::vocabulary::Term| {
        let mut value = shape.priority(term.id);
        value["description"] = term.description.into();
        value["statusColor"] = "#ffab00".into();
        value
    };
    Json(PRIORITIES.iter().map(priority).collect())
}

pub(super) async fn statuses(ask: Ask) -> Json<Value> {
    let world = ask.world();
    Json(STATUSES.iter().map(|status| ask.shape(&world).status(status)).collect())
}

pub(super) async fn issue_types(ask: Ask) -> Json<Value> {
    let world = ask.world();
    Json(ISSUE_TYPES.iter().map(|term| ask.shape(&world).issue_type(term.id)).collect())
}

pub(super) async fn link_types(ask: Ask) -> Json<Value> {
    let world = ask.world();
    let kinds: Value = LINK_TYPES.iter().map(|kind| ask.shape(&world).link_type(kind)).collect();
    Json(json!({"issueLinkTypes": kinds}))
}

/// Reported to be for accounts only since Jira 9.
pub(super) async fn fields(ask: Ask) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    ask.user(&world)?;
    let field = |field: &crate::sandbox::world::fields::Field| {
        let mut value = json!({
            "id": field.id,
            "name": field.name,
            "custom": field.custom.is_some(),
            "orderable": field.orderable,
            "navigable": field.navigable,
            "searchable": field.searchable,
            "clauseNames": field.clauses,
        });
        if let Some(schema) = schema(field) {
            value["schema"] = schema;
        }
        value
    };
    Ok(Json(FIELDS.iter().map(field).collect()))
}
