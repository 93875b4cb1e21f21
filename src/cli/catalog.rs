//! What clap cannot know of a command: what it needs, what it may do to Jira, what it prints. One row each;
//! `schema`, `man` and their tests read it. Of an operation, `ops` says most.

use serde_json::{Value, json};

use crate::error::Kind;
use crate::jira::AccessClass;
use crate::ops::{self, schema};

use super::{check, logout, schema as tree, session, site, version};

/// What a command works with. It decides how the command can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What was typed, and our own files.
    Local,
    /// The stored session.
    Session,
    /// Jira.
    Jira,
}

impl Reach {
    /// The exit codes besides 0.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            // The deadline can strike anywhere, and a file of ours can be locked.
            Reach::Local => &[Kind::Error, Kind::Usage, Kind::Unavailable],
            Reach::Session => {
                &[Kind::Error, Kind::Usage, Kind::Auth, Kind::RateLimit, Kind::Partial, Kind::Unavailable]
            }
            Reach::Jira => &Kind::ALL,
        }
    }
}

/// One command.
pub struct Entry {
    /// Its words, without `jira`.
    pub path: &'static str,
    /// What it belongs to.
    pub group: &'static str,
    /// What it works with.
    pub reach: Reach,
    /// What it may do to Jira's data at most; none if it never asks for any.
    pub access: Option<AccessClass>,
    /// The JSON Schema of its result.
    pub result: fn() -> Value,
    /// A line that works.
    pub example: &'static str,
}

const READ: Option<AccessClass> = Some(AccessClass::Read);

/// Every command that does something; groups only hold others. The access and the result of an operation
/// stand in [`ops::OPERATIONS`].
#[rustfmt::skip]
pub const ENTRIES: &[Entry] = &[
    entry("login", "authentication", Reach::Jira, READ, session::schema, "jira login --base-url https://jira.example.com"),
    entry("logout", "authentication", Reach::Session, None, logout::schema, "jira logout"),
    entry("whoami", "authentication", Reach::Jira, READ, session::schema, "jira whoami"),
    entry("token status", "authentication", Reach::Session, None, session::schema, "jira token status --check"),
    entry("token refresh", "authentication", Reach::Session, None, session::schema, "jira token refresh"),
    entry("token print", "authentication", Reach::Session, None, plain, "jira token print --confirm"),
    operation("search", "issues", "jira search 'project = GAIA ORDER BY key' --limit 5"),
    operation("get", "issues", "jira get GAIA-1 --comments 3"),
    operation("run", "automation", "jira run --ref 'GAIA-1: done' --to-transition Done --dry-run"),
    operation("create", "issues", "jira create --project GAIA --summary 'Ship it' --type Bug --field 'Story Points=3'"),
    operation("update", "issues", "jira update GAIA-1 --labels ready --assignee developer"),
    operation("delete", "issues", "jira delete GAIA-1 --confirm"),
    operation("link", "issues", "jira link --from GAIA-1 --to GAIA-2 --link-type blocks"),
    operation("boards", "agile", "jira boards --project GAIA"),
    operation("epics", "agile", "jira epics --board-id 1"),
    operation("sprints", "agile", "jira sprints --board-id 1"),
    entry("site list", "configuration", Reach::Local, None, site::list_schema, "jira site list"),
    entry("site use", "configuration", Reach::Local, None, site::schema, "jira site use work"),
    entry("site set", "configuration", Reach::Session, None, site::schema, "jira site set work epic-field customfield_10101"),
    entry("site remove", "configuration", Reach::Session, None, site::removed_schema, "jira site remove work"),
    entry("config show", "configuration", Reach::Local, None, config_show, "jira config show"),
    entry("config check", "configuration", Reach::Local, None, check::schema, "jira config check --exit-zero .github/workflows/ci.yml"),
    entry("schema", "configuration", Reach::Local, None, tree::schema, "jira schema search"),
    entry("completion", "configuration", Reach::Local, None, plain, "jira completion bash"),
    entry("man", "configuration", Reach::Local, None, plain, "jira man run"),
    entry("version", "configuration", Reach::Local, None, version::schema, "jira version --output json"),
    entry("broker serve", "broker", Reach::Local, None, broker_serve, "jira broker serve --tls-cert tls.crt --tls-key tls.key --listen :8443"),
    entry("sandbox serve", "sandbox", Reach::Local, None, sandbox_serve, "jira sandbox serve --auto-approve"),
    entry("sandbox demo", "sandbox", Reach::Local, None, plain, "jira sandbox demo"),
];

const fn entry(
    path: &'static str,
    group: &'static str,
    reach: Reach,
    access: Option<AccessClass>,
    result: fn() -> Value,
    example: &'static str,
) -> Entry {
    Entry { path, group, reach, access, result, example }
}

/// A row whose access and result `ops` knows.
const fn operation(path: &'static str, group: &'static str, example: &'static str) -> Entry {
    entry(path, group, Reach::Jira, None, plain, example)
}

impl Entry {
    /// The row of a command.
    pub fn of(path: &str) -> Option<&'static Entry> {
        ENTRIES.iter().find(|entry| entry.path == path)
    }

    /// What the command may do to Jira's data.
    pub fn access(&self) -> Option<AccessClass> {
        ops::operation(self.path).map(|operation| operation.access).or(self.access)
    }

    /// The JSON Schema of what it prints.
    pub fn result(&self) -> Value {
        ops::operation(self.path).map_or(self.result, |operation| operation.result)()
    }
}

/// What is no JSON.
fn plain() -> Value {
    json!({ "type": "string", "contentMediaType": "text/plain", "description": "plain text, no JSON" })
}

fn config_show() -> Value {
    json!({
        "description": "each value by its name, with its source; a secret is `(set)`",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": { "value": true, "source": { "type": "string" } },
            "required": ["value", "source"],
        },
    })
}

fn broker_serve() -> Value {
    let text = json!({ "type": "string" });
    let switch = json!({ "type": "boolean" });
    let texts = |or_null: bool| match or_null {
        true => json!({ "type": ["array", "null"], "items": text }),
        false => schema::list_of(text.clone()),
    };
    json!({
        "type": "object",
        "properties": {
            "listen": texts(false),
            "admin_listen": texts(true),
            "base_url": text,
            "client_id": text,
            "tls": switch,
            "certificate_ends": { "type": ["string", "null"], "format": "date-time" },
            "client_certificates": switch,
            "callers": texts(true),
            "exchange": switch,
            "coordination": { "enum": ["off", "redis"] },
            "replay_ttl": { "type": "number", "description": "seconds" },
            "rate_limit": { "type": "integer", "description": "requests a minute and caller" },
        },
        "required": [
            "listen", "admin_listen", "base_url", "client_id", "tls", "certificate_ends", "client_certificates",
            "callers", "exchange", "coordination", "replay_ttl", "rate_limit",
        ],
    })
}

fn sandbox_serve() -> Value {
    let text = json!({ "type": "string" });
    let texts = schema::list_of(text.clone());
    json!({
        "type": "object",
        "properties": {
            "base_url": text,
            "client_id": text,
            "client_secret": text,
            "redirect_uris": texts,
            "users": texts,
            "password": text,
            "config_dir": text,
            "ca_bundle": text,
        },
        "required": ["base_url", "client_id", "client_secret", "redirect_uris", "users", "password", "config_dir"],
    })
}
