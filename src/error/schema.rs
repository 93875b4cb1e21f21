//! JSON Schema of the error object.

use serde_json::{Value, json};

use super::{Actor, Code, Kind};

/// What [`Failure::to_json`](super::Failure::to_json) writes.
pub fn object() -> Value {
    let exit_codes = Kind::ALL.map(Kind::exit_code);
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
