//! Comments of an issue.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::ask::{Ask, Payload};
use super::refusal::Refusal;

/// Jira's default limit for a comment, in characters.
const LONGEST: usize = 32_767;

pub(super) async fn list(ask: Ask, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let issue = ask.issue(&world, &key)?;
    let comments = world.comments(issue.id);
    let (start, max) = ask.page(i64::from(u16::MAX))?;
    let newest_first = match ask.param("orderBy") {
        None | Some("created" | "+created") => false,
        Some("-created") => true,
        Some(other) => {
            return Err(Refusal::bad(&[&format!("Unknown ordering: {other}. Allowed orderings: created.")]));
        }
    };
    let shape = ask.shape(&world);
    let ordered: Box<dyn Iterator<Item = _>> = match newest_first {
        true => Box::new(comments.iter().rev()),
        false => Box::new(comments.iter()),
    };
    let shown: Value =
        ordered.skip(start).take(max).map(|comment| shape.comment(issue.id, comment)).collect();
    Ok(Json(json!({
        "startAt": start,
        "maxResults": if ask.param("maxResults").is_some() { max } else { comments.len() },
        "total": comments.len(),
        "comments": shown,
    })))
}

pub(super) async fn get(ask: Ask, Path((key, id)): Path<(String, String)>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let issue = ask.issue(&world, &key)?;
    let found = world.comments(issue.id).iter().find(|comment| comment.id.to_string() == id);
    let comment =
        found.ok_or_else(|| Refusal::not_found(&format!("Can not find a comment for the id: {id}.")))?;
    Ok(Json(ask.shape(&world).comment(issue.id, comment)))
}

pub(super) async fn add(
    ask: Ask,
    Path(key): Path<String>,
    body: Payload,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let mut world = ask.world();
    let issue = ask.issue(&world, &key)?.id;
    // Jira's bean is the comment as it is read; what only Jira sets means nothing here.
    body.only(&[
        "body",
        "visibility",
        "properties",
        "id",
        "self",
        "author",
        "updateAuthor",
        "created",
        "updated",
    ])?;
    let author = ask.worker(&world, "comment on issues in this project")?;
    let text = check(body.0.get("body"))?;
    if body.0.get("visibility").is_some_and(|visibility| !visibility.is_null()) {
        // Nobody here is in a role, so that nobody may write to one alone.
        return Err(Refusal::field("commentLevel", "You are not a member of that role or group."));
    }
    let id = world.comment(issue, author, text);
    let comment = world.comments(issue).iter().find(|comment| comment.id == id);
    let shown = comment.map(|comment| ask.shape(&world).comment(issue, comment));
    Ok((StatusCode::CREATED, Json(shown.into())))
}

/// The text of a comment, if Jira would take it.
pub(super) fn check(body: Option<&Value>) -> Result<&str, Refusal> {
    let text = body.and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Refusal::field("comment", "Comment body can not be empty!"));
    }
    if text.encode_utf16().count() > LONGEST {
        let message = "The entered text is too long. It exceeds the allowed limit of 32,767 characters.";
        return Err(Refusal::field("comment", message));
    }
    Ok(text)
}
