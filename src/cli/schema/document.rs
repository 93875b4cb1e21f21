//! The document: commands from clap's tree, errors, variables and lists from the tables that hold them.

use clap::Command;
use serde_json::{Map, Value, json};

use crate::cli::catalog::Entry;
use crate::cli::version::Version;
use crate::config::{AGENT_MARKS, Scope, VARIABLES};
use crate::error::{self, Code, Kind};
use crate::jira::key::LOOK_ALIKES;
use crate::ops;
use crate::process::Signal;

use super::flags::{Owner, flag};

/// An object without what is absent, empty or false.
pub(super) struct Lean(Map<String, Value>);

impl Lean {
    pub(super) fn new() -> Self {
        Lean(Map::new())
    }

    /// Puts a member in, unless there is nothing to it.
    pub(super) fn put(mut self, key: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let empty = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !empty {
            self.0.insert(key.to_owned(), value);
        }
        self
    }

    /// Puts a member in, whatever it is.
    pub(super) fn always(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// The whole of it.
pub(super) fn root(mut tree: Command) -> Value {
    tree.build();
    let version = Version::new();
    let own = |global: bool| -> Vec<Value> {
        let args = tree.get_arguments().filter(|arg| arg.is_global_set() == global && !arg.is_hide_set());
        args.map(|arg| flag(arg, &tree, Owner::Everybody)).collect()
    };
    let commands: Vec<Value> =
        tree.get_subcommands().filter(|command| shown(command)).map(|one| command(one, "")).collect();
    Lean::new()
        .always("name", version.name)
        .always("version", version.version)
        .put("commit", version.commit)
        .put("short", text(tree.get_about()))
        .put("long", text(tree.get_long_about()))
        .always("global_flags", own(true))
        .always("flags", own(false))
        .always("commands", commands)
        .always("exit_codes", exit_codes())
        .always("error_codes", error_codes())
        .always("error", json!({ "type": "object", "properties": { "error": error::schema::object() }, "required": ["error"] }))
        .always("warning", warning())
        .always("variables", variables())
        .always("agent_marks", AGENT_MARKS)
        .always("scopes", Scope::ALL.map(Scope::as_str).to_vec())
        .always("look_alikes", LOOK_ALIKES)
        .done()
}

/// What clap adds by itself explains itself.
fn shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn command(command_: &Command, above: &str) -> Value {
    let name = command_.get_name();
    let path = [above, name].join(" ").trim().to_owned();
    let entry = Entry::of(&path);
    let owner = match ops::operation(&path) {
        Some(operation) => Owner::Operation(operation.flags),
        None => Owner::Command,
    };
    let own = command_.get_arguments().filter(|arg| !arg.is_global_set() && !arg.is_hide_set());
    let flags: Vec<Value> = own
        .filter(|arg| !stands_for_another(arg.get_id().as_str()) && arg.get_id() != "help")
        .map(|arg| flag(arg, command_, owner))
        .collect();
    let below: Vec<Value> =
        command_.get_subcommands().filter(|one| shown(one)).map(|one| command(one, &path)).collect();
    let short = text(command_.get_about());
    let long = text(command_.get_long_about()).filter(|long| Some(long) != short.as_ref());
    let lean = Lean::new()
        .always("name", name)
        .always("path", format!("jira {path}"))
        .put("short", short)
        .put("long", long)
        .put("example", entry.map(|entry| entry.example))
        .put("group", entry.map(|entry| entry.group))
        .put("access", entry.and_then(Entry::access).map(|access| access.as_str()))
        .always("flags", flags)
        .put("subcommands", below);
    let Some(entry) = entry else { return lean.done() };
    let exit_codes: Vec<u8> =
        std::iter::once(0).chain(entry.reach.kinds().iter().map(|kind| kind.exit_code())).collect();
    lean.put("exit_codes", exit_codes).put("result", entry.result()).done()
}

/// A position that is another way to give a flag: `key_pos` for `--key`.
pub(super) fn stands_for_another(id: &str) -> bool {
    id.ends_with("_pos")
}

fn text(styled: Option<&clap::builder::StyledStr>) -> Option<String> {
    styled.map(|text| text.to_string())
}

fn exit_codes() -> Vec<Value> {
    let kinds = Kind::ALL
        .map(|kind| json!({ "code": kind.exit_code(), "kind": kind.as_str(), "meaning": kind.meaning() }));
    let signals = [(Signal::HangUp, "SIGHUP"), (Signal::Interrupt, "SIGINT"), (Signal::Terminate, "SIGTERM")];
    let signals = signals
        .map(|(signal, name)| json!({ "code": signal.exit_code(), "meaning": format!("ended by {name}") }));
    std::iter::once(json!({ "code": 0, "meaning": "done" })).chain(kinds).chain(signals).collect()
}

fn error_codes() -> Vec<Value> {
    let codes = Code::ALL.iter().map(|code| {
        json!({
            "code": code.as_str(),
            "exit_code": code.kind().exit_code(),
            "kind": code.kind().as_str(),
            "retryable": code.retryable(),
            "actor": code.actor().as_str(),
        })
    });
    codes.collect()
}

/// A line of stderr that is no failure. What stands beside `code` and `message` depends on the code.
fn warning() -> Value {
    json!({
        "type": "object",
        "properties": {
            "warning": {
                "type": "object",
                "properties": { "code": { "type": "string" }, "message": { "type": "string" } },
                "required": ["code", "message"],
                "additionalProperties": true,
            },
        },
        "required": ["warning"],
    })
}

fn variables() -> Vec<Value> {
    let rows = VARIABLES.iter().map(|variable| {
        Lean::new()
            .always("name", variable.name)
            .put("secret", variable.secret)
            .put("file", variable.file_twin)
            .always("usage", variable.help)
            .done()
    });
    rows.collect()
}

/// What `schema` itself prints: the parts that a reader relies on.
pub fn schema() -> Value {
    let text = json!({ "type": "string" });
    let objects = json!({ "type": "array", "items": { "type": "object", "additionalProperties": true } });
    let whole = json!({
        "type": "object",
        "properties": {
            "name": text,
            "version": text,
            "global_flags": objects,
            "commands": objects,
            "exit_codes": objects,
            "error_codes": objects,
            "variables": objects,
        },
        "required": ["name", "version", "global_flags", "commands"],
        "additionalProperties": true,
    });
    let one = json!({
        "type": "object",
        "properties": { "name": text, "path": text, "flags": objects, "subcommands": objects },
        "required": ["name", "path", "flags"],
        "additionalProperties": true,
    });
    ops::schema::any_of(vec![whole, one])
}
