//! JSON Schema of results: derived from our own types, written out for Jira's objects, which pass through
//! untouched and may hold anything besides.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema of one of our own types, as it is written.
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.meta_schema = None;
        // Each result stands for itself, wherever it is put.
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(object) = schema.as_object_mut() {
        // The name of a type of ours is of no use to anybody.
        object.remove("title");
    }
    schema
}

/// A list of them.
pub fn list_of(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// Any one of them.
pub fn any_of(schemas: Vec<Value>) -> Value {
    json!({ "anyOf": schemas })
}

/// An issue as Jira returns it: `fields` holds what was asked for.
pub fn issue() -> Value {
    json!({
        "description": "an issue, as Jira returns it",
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "key": { "type": "string" },
            "self": { "type": "string", "format": "uri" },
            "fields": { "type": "object", "additionalProperties": true },
        },
        "required": ["id", "key"],
        "additionalProperties": true,
    })
}

/// An issue that something was done to: `{key, status}`.
pub fn done(status: &str) -> Value {
    json!({
        "type": "object",
        "properties": { "key": { "type": "string" }, "status": { "const": status } },
        "required": ["key", "status"],
    })
}

/// A page of values, in Jira's envelope.
pub fn page(value: Value) -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    json!({
        "description": "a page, as Jira returns it; of several pages the first, with the values of all",
        "type": "object",
        "properties": {
            "maxResults": number,
            "startAt": number,
            "total": number,
            "isLast": { "type": "boolean" },
            "values": list_of(value),
        },
        "required": ["values"],
        "additionalProperties": true,
    })
}
