//! JSON Schema of the error object.

use serde_json::{Value, json};

use super::{Actor, Code, Kind};

/// What [`Failure::to_json`](super::Failure::to_json) writes.
pub fn object() -> Value {
    // What was cut short by a signal ends with that signal's code.
    let exit_codes: Vec<u8> = Kind::ALL.into_iter().map(Kind::exit_code).chain([129, 130, 143]).collect();
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "properties": {
            "kind": { "enum": Kind::ALL.map(Kind::as_str) },
            "code": { "enum": codes },
            "message": { "type": "string" },
            "hint": { "type": "string", "description": "a command that can be pasted into a POSIX shell" },
            "exit_code": { "enum": exit_codes },
            "retryable": { "type": "boolean", "description": "the same command may simply be run again" },
            "actor": { "enum": Actor::ALL.map(Actor::as_str), "description": "who can mend it" },
            "status_code": { "type": "integer", "description": "the HTTP status that decided" },
            "retry_after": { "type": "integer", "description": "whole seconds to wait" },
            "request_id": { "type": "string", "description": "Jira's X-AREQUESTID, or what a broker's log calls the request" },
            "details": { "description": "Jira's errorMessages and errors as they came, or what else there is to say" },
        },
        "required": ["kind", "code", "message", "exit_code", "retryable", "actor"],
    })
}
