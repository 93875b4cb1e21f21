//! `/search`, by GET and by POST.

use axum::Json;
use serde_json::{Value, json};

use super::ask::{Ask, Payload};
use super::issue_shape::{names, schemas};
use super::refusal::Refusal;
use super::select::{Expand, Selection};
use crate::sandbox::world::jql;

/// What is searched for, from whichever of the two forms.
struct Search {
    jql: String,
    start: usize,
    max: i64,
    fields: Vec<String>,
    expand: Vec<String>,
    validate: bool,
}

pub(super) async fn get(ask: Ask) -> Result<Json<Value>, Refusal> {
    let search = Search {
        jql: ask.param("jql").unwrap_or_default().to_owned(),
        start: usize::try_from(ask.number("startAt", 0)?).unwrap_or_default(),
        max: ask.number("maxResults", 50)?,
        fields: ask.list("fields"),
        expand: ask.list("expand"),
        // A Java boolean: every other word than "true" is false.
        validate: ask.param("validateQuery").is_none_or(|word| word.eq_ignore_ascii_case("true")),
    };
    run(&ask, &search)
}

pub(super) async fn post(ask: Ask, body: Payload) -> Result<Json<Value>, Refusal> {
    body.only(&[
        "jql",
        "startAt",
        "maxResults",
        "fields",
        "expand",
        "validateQuery",
        "properties",
        "fieldsByKeys",
    ])?;
    let wrong = |name: &str| Refusal::unreadable(&format!("Can not deserialize the property \"{name}\""));
    let number = |name: &str, default: i64| match body.0.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value.as_i64().ok_or_else(|| wrong(name)),
    };
    let list = |name: &str| -> Result<Vec<String>, Refusal> {
        match body.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(elements)) => {
                elements.iter().map(|it| it.as_str().map(str::to_owned).ok_or_else(|| wrong(name))).collect()
            }
            Some(_) => Err(wrong(name)),
        }
    };
    let search = Search {
        jql: match body.0.get("jql") {
            None | Some(Value::Null) => String::new(),
            Some(value) => value.as_str().ok_or_else(|| wrong("jql"))?.to_owned(),
        },
        start: usize::try_from(number("startAt", 0)?).unwrap_or_default(),
        max: number("maxResults", 50)?,
        fields: list("fields")?,
        expand: list("expand")?,
        validate: match body.0.get("validateQuery") {
            None | Some(Value::Null) => true,
            Some(value) => value.as_bool().ok_or_else(|| wrong("validateQuery"))?,
        },
    };
    run(&ask, &search)
}

fn run(ask: &Ask, search: &Search) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let shape = ask.shape(&world);
    let found = jql::search(&world, shape.actor, &search.jql, search.validate)
        .map_err(|errors| Refusal::bad(&errors.iter().map(String::as_str).collect::<Vec<_>>()))?;
    // Silently: who asks for more is told only by `maxResults` in the answer.
    let max = usize::try_from(search.max).unwrap_or(world.page_cap).min(world.page_cap);
    let selection = Selection::new(&search.fields, "*navigable");
    let expand = Expand::new(&search.expand);
    let page = found.ids.iter().skip(search.start).take(max).filter_map(|id| world.issue(*id));
    let issues: Value = page.map(|issue| shape.issue(issue, &selection, expand)).collect();
    let mut answer = json!({
        "expand": "names,schema",
        "startAt": search.start,
        "maxResults": max,
        "total": found.ids.len(),
        "issues": issues,
    });
    if !found.warnings.is_empty() {
        answer["warningMessages"] = found.warnings.into();
    }
    if expand.names {
        answer["names"] = names(&selection);
    }
    if expand.schema {
        answer["schema"] = schemas(&selection);
    }
    Ok(Json(answer))
}
