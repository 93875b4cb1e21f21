//! Holds a value against a JSON Schema, strictly: a member that the schema does not name is a lie of the
//! schema, unless it says that there may be others. Knows the words that our schemas use, and no others.

use serde_json::Value;

const KNOWN: &[&str] = &[
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "contentMediaType",
    "description",
    "enum",
    "format",
    "items",
    "minimum",
    "oneOf",
    "properties",
    "required",
    "type",
];

/// What does not fit; empty: it does.
pub fn misfits(value: &Value, schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(value, schema, "$", &mut found);
    found
}

fn check(value: &Value, schema: &Value, at: &str, found: &mut Vec<String>) {
    let object = match schema {
        Value::Bool(true) => return,
        Value::Object(object) => object,
        other => return found.push(format!("{at}: {other} is no schema")),
    };
    for word in object.keys().filter(|word| !KNOWN.contains(&word.as_str())) {
        found.push(format!("{at}: the schema says `{word}`, which nobody checks"));
    }
    for several in ["anyOf", "oneOf"].iter().filter_map(|word| object.get(*word)) {
        let tries: Vec<_> = several.as_array().unwrap().iter().map(|one| misfits(value, one)).collect();
        if !tries.iter().any(Vec::is_empty) {
            found.push(format!("{at}: none of the shapes fits: {tries:?}"));
        }
    }
    if object.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: {value} is not {}", object["const"]));
    }
    if let Some(values) = object.get("enum").and_then(Value::as_array)
        && !values.contains(value)
    {
        found.push(format!("{at}: {value} is none of {values:?}"));
    }
    let types: Vec<&str> = match object.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => vec![],
    };
    if !types.is_empty() && !types.iter().any(|one| is(value, one)) {
        found.push(format!("{at}: {value} is none of {types:?}"));
    }
    match value {
        Value::Object(members) => check_members(members, object, at, found),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                match object.get("items") {
                    Some(schema) => check(item, schema, &format!("{at}[{index}]"), found),
                    None if object.contains_key("type") => found.push(format!("{at}: of what is the list?")),
                    None => {}
                }
            }
        }
        _ => {}
    }
}

fn check_members(
    members: &serde_json::Map<String, Value>,
    schema: &serde_json::Map<String, Value>,
    at: &str,
    found: &mut Vec<String>,
) {
    let named = schema.get("properties").and_then(Value::as_object);
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    if named.is_none() && !schema.contains_key("additionalProperties") {
        return;
    }
    for (name, member) in members {
        let at = format!("{at}.{name}");
        match (named.and_then(|named| named.get(name)), schema.get("additionalProperties")) {
            (Some(schema), _) | (None, Some(schema)) => check(member, schema, &at, found),
            (None, None) => found.push(format!("{at} is not in the schema")),
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_i64().is_some() || value.as_u64().is_some(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
