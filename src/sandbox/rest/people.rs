//! Accounts.

use axum::Json;
use serde_json::{Value, json};

use super::ask::Ask;
use super::refusal::Refusal;
use super::shape::Shape;
use crate::sandbox::world::people::UserId;

pub(super) async fn myself(ask: Ask) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let id = ask.user(&world)?;
    Ok(Json(whole(ask.shape(&world), id, &ask.list("expand"))))
}

/// A user with what only a single one shows.
fn whole(shape: Shape<'_>, id: UserId, expand: &[String]) -> Value {
    let groups = shape.world.user_by_id(id).groups();
    let mut user = shape.user(id);
    user["locale"] = "en_US".into();
    let items: Value = match expand.iter().any(|it| it == "groups") {
        true => groups
            .iter()
            .map(|name| json!({"name": name, "self": shape.api(&format!("group?groupname={name}"))}))
            .collect(),
        false => json!([]),
    };
    user["groups"] = json!({"size": groups.len(), "items": items});
    user["applicationRoles"] = json!({"size": 1, "items": []});
    user["expand"] = "groups,applicationRoles".into();
    user
}

pub(super) async fn user(ask: Ask) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    ask.user(&world)?;
    let by_key = |key: &str| world.users().iter().find(|user| user.key == key);
    let (word, found) = match (ask.param("username"), ask.param("key")) {
        (Some(name), _) => (name, world.user(name)),
        (None, Some(key)) => (key, by_key(key)),
        (None, None) => {
            return Err(Refusal::bad(&[
                "Either the 'username' or the 'key' query parameters need to be provided",
            ]));
        }
    };
    let id = found.and_then(|user| world.user_id(&user.name));
    let id = id.ok_or_else(|| Refusal::not_found(&format!("The user named '{word}' does not exist")))?;
    Ok(Json(whole(ask.shape(&world), id, &ask.list("expand"))))
}

pub(super) async fn search(ask: Ask) -> Result<Json<Value>, Refusal> {
    if ask.param("username").is_none() {
        return Err(Refusal::bad(&["The username query parameter was not provided"]));
    }
    list(&ask, |_| true)
}

pub(super) async fn assignable(ask: Ask) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    ask.user(&world)?;
    match (ask.param("issueKey"), ask.param("project")) {
        (Some(key), _) => {
            ask.issue(&world, key)?;
        }
        (None, Some(word)) if world.project(word).is_some() => {}
        (None, Some(word)) => {
            return Err(Refusal::not_found(&format!("No project could be found with key '{word}'.")));
        }
        (None, None) => {
            return Err(Refusal::bad(&["Either the project or the issue key has to be provided"]));
        }
    }
    let ids: Vec<UserId> = (0..).take(world.users().len()).filter(|id| world.assignable(*id)).collect();
    drop(world);
    list(&ask, |id| ids.contains(&id))
}

/// The accounts that match `username`, a page of them. A dot is Jira's way to ask for everybody.
fn list(ask: &Ask, wanted: impl Fn(UserId) -> bool) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    ask.user(&world)?;
    let query = ask.param("username").unwrap_or(".").to_lowercase();
    let (start, max) = ask.page(50)?;
    let matches = |id: &UserId| {
        let user = world.user_by_id(*id);
        let names = [&user.name, &user.display_name, &user.email];
        let parts =
            names.iter().flat_map(|name| name.split([' ', '-', '@'])).chain(names.map(String::as_str));
        query == "." || parts.map(str::to_lowercase).any(|part| part.starts_with(&query))
    };
    let shape = ask.shape(&world);
    let found = (0..).take(world.users().len()).filter(|id| wanted(*id)).filter(matches);
    Ok(Json(found.skip(start).take(max.min(100)).map(|id| shape.user(id)).collect()))
}
