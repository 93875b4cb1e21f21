//! `/mypermissions`: what the caller may do, as far as the scope of the token lets it.

use axum::Json;
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::refusal::Refusal;
use crate::sandbox::world::access::PERMISSIONS;

pub(super) async fn mine(ask: Ask) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    if let Some(key) = ask.param("issueKey").or(ask.param("issueId")) {
        ask.issue(&world, key)?;
    }
    let known = |word: &str| world.project(word).is_some();
    if let Some(word) = ask.param("projectKey").or(ask.param("projectId")).filter(|word| !known(word)) {
        return Err(Refusal::not_found(&format!("No project could be found with key '{word}'.")));
    }
    let actor = ask.actor(&world);
    let mut permissions = Map::new();
    for (id, permission) in (10_u32..).zip(&PERMISSIONS) {
        let mut value = json!({
            "id": id.to_string(),
            "key": permission.key,
            "name": permission.name,
            "type": if permission.global { "GLOBAL" } else { "PROJECT" },
            "description": format!("Ability to: {}.", permission.name),
            "havePermission": world.may(actor, permission.right),
        });
        if permission.deprecated {
            value["deprecatedKey"] = true.into();
        }
        permissions.insert(permission.key.to_owned(), value);
    }
    Ok(Json(json!({"permissions": permissions})))
}
