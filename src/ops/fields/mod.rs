//! The fields of `create` and `update`: from what was typed to what Jira takes.
//!
//! Most flags name a field that every Jira has, and need nothing to be asked. Fields by name, values that
//! have to be shaped, and the epic's and the sprint's field where nobody says which they are, need the screen
//! on which they are to be set; it is asked for then, and only then.

mod find;
mod refused;
pub(super) mod select;
mod shape;

use serde_json::{Map, Value, json};

use crate::jira::Jira;
use crate::jira::key::IssueKey;
use crate::jira::markup::to_wiki;
use crate::jira::screen::{self, Field, Schema};

use super::{OpError, filled, list};
pub use find::distance;
pub(super) use find::nearest;
use find::{Place, find};
use refused::Referent;
pub(super) use refused::{Sent, explain};
use shape::shape;

/// Values for fields, as they were typed.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    pub command: &'static str,
    pub summary: Option<String>,
    pub description: Option<String>,
    pub markdown: bool,
    pub assignee: Option<String>,
    pub priority: Option<String>,
    pub components: Option<String>,
    pub labels: Option<String>,
    pub epic: Option<String>,
    /// Its number; none, if it is to be in no sprint.
    pub sprint: Option<Option<u64>>,
    pub epic_field: Option<String>,
    pub sprint_field: Option<String>,
    pub field: Vec<String>,
    pub field_json: Vec<String>,
}

/// What is to be set.
#[derive(Debug)]
pub(super) struct Wanted {
    command: &'static str,
    /// Ready for Jira.
    known: Map<String, Value>,
    /// Which of that was typed as one of the values that the field offers.
    offered: Vec<Offered>,
    /// What of it names something that only Jira can tell whether it is there, by the field's id.
    referents: Vec<(String, Referent)>,
    /// The fields that somebody says hold epics and sprints.
    marked: Vec<Marked>,
    /// What a screen has to say first.
    open: Vec<Open>,
}

/// A field that is said to be the epic's or the sprint's.
#[derive(Debug)]
pub(super) struct Marked {
    id: String,
    /// The type that such a field has, and what people call it.
    mark: &'static str,
    name: &'static str,
}

/// A value of a flag whose field every Jira has, and which offers its values: Jira is sent it as it was typed, for
/// that costs no request where it is right. What there is instead is looked up once Jira has said no.
#[derive(Clone, Debug)]
pub(super) struct Offered {
    id: &'static str,
    text: String,
}

/// What Jira is sent, and what there is to know of it where Jira refuses it.
pub(super) struct Ready {
    pub fields: Map<String, Value>,
    pub sent: Sent,
}

/// A field that is yet to be found.
#[derive(Debug)]
struct Open {
    by: By,
    value: Setting,
}

/// How a field is named.
#[derive(Debug)]
enum By {
    /// By its id or name, as typed.
    Word(String),
    /// By what it is, and what people call that.
    Mark(&'static str, &'static str),
}

/// What it is to hold.
#[derive(Debug)]
enum Setting {
    /// A text that the field's type gives a shape.
    Text(String),
    /// What Jira is sent as it is.
    Json(Value),
}

impl Typed {
    /// Reads what was typed. `clears`: an empty value takes what the field holds away; otherwise it says
    /// nothing.
    pub fn read(self, clears: bool) -> Result<Wanted, OpError> {
        let Typed {
            command,
            summary,
            description,
            markdown,
            assignee,
            priority,
            components,
            labels,
            epic,
            sprint,
            epic_field,
            sprint_field,
            field,
            field_json,
        } = self;
        let value = |message: String| OpError::Value { command, message };
        let given = |text: Option<String>| if clears { text } else { filled(text) };
        let mut wanted = Wanted {
            command,
            known: Map::new(),
            offered: vec![],
            referents: vec![],
            marked: vec![],
            open: vec![],
        };
        if let Some(summary) = summary {
            if summary.trim().is_empty() {
                return Err(value("--summary is empty: an issue needs one".to_owned()));
            }
            wanted.set("summary", summary.into());
        }
        if let Some(text) = given(description) {
            wanted.set("description", if markdown { to_wiki(&text) } else { text }.into());
        }
        if let Some(login) = given(assignee) {
            // An empty name would be taken for a user who does not exist by some versions.
            let login = login.trim();
            wanted.set("assignee", json!({ "name": Some(login).filter(|login| !login.is_empty()) }));
        }
        if let Some(priority) = given(priority) {
            if priority.trim().is_empty() {
                // Whether it may be taken away is for the screen to say.
                let by = By::Word("priority".to_owned());
                wanted.open.push(Open { by, value: Setting::Text(priority) });
            } else {
                wanted.set("priority", named(&priority));
                wanted.offered.push(Offered { id: "priority", text: priority });
            }
        }
        if let Some(names) = given(components) {
            wanted.set("components", list(&names).iter().map(|name| json!({ "name": name })).collect());
            wanted.offered.push(Offered { id: "components", text: names });
        }
        if let Some(labels) = given(labels) {
            let labels = list(&labels);
            if let Some(label) = labels.iter().find(|label| label.contains(char::is_whitespace)) {
                return Err(value(format!(
                    "the label \"{label}\" has a blank in it, which Jira does not take"
                )));
            }
            wanted.set("labels", labels.into());
        }
        if let Some(epic) = given(epic) {
            let epic = match epic.trim() {
                "" => Value::Null,
                key => key.parse::<IssueKey>()?.to_string().into(),
            };
            wanted.marked(("--epic-field", epic_field), (screen::EPIC_LINK, "Epic Link"), epic)?;
        }
        if let Some(sprint) = sprint {
            wanted.marked(("--sprint-field", sprint_field), (screen::SPRINT, "Sprint"), sprint.into())?;
        }
        for typed in field {
            let (name, text) = split(&typed, "--field", command)?;
            wanted.open.push(Open { by: By::Word(name), value: Setting::Text(text) });
        }
        for typed in field_json {
            let (name, text) = split(&typed, "--field-json", command)?;
            let json = serde_json::from_str(&text)
                .map_err(|error| value(format!("--field-json {name}: that is no JSON: {error}")))?;
            match is_custom_id(&name) {
                true => wanted.put(&name, json)?,
                false => wanted.open.push(Open { by: By::Word(name), value: Setting::Json(json) }),
            }
        }
        Ok(wanted)
    }
}

impl Wanted {
    /// Whether there is nothing to set.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.open.is_empty()
    }

    /// Whether a screen must be asked for.
    pub fn needs_screen(&self) -> bool {
        !self.open.is_empty()
    }

    /// Sets one more field, by an id that every Jira has.
    pub fn set(&mut self, id: &str, value: Value) {
        self.known.insert(id.to_owned(), value);
    }

    /// What Jira takes, where no screen was needed.
    pub fn known(self) -> Ready {
        let sent = Sent::new(&self.known, self.offered, self.referents, self.marked);
        Ready { fields: self.known, sent }
    }

    /// What Jira takes, by a screen: `place` says whose it is.
    pub async fn on(self, fields: &[Field], place: String, jira: &Jira) -> Result<Ready, OpError> {
        let Wanted { command, known, offered, referents, marked, open } = self;
        let mut ready = Wanted { command, known, offered: vec![], referents, marked, open: vec![] };
        let place = Place { command, fields, name: place, jira };
        // The screen is at hand, and knows.
        for Offered { id, text } in offered {
            ready.set(id, shaped(&By::Word(id.to_owned()), &text, &place).await?.1);
        }
        for Open { by, value } in open {
            let (field, value) = match value {
                Setting::Json(json) => (find(&by, &place).await?, json),
                Setting::Text(text) => shaped(&by, &text, &place).await?,
            };
            ready.refer(&field.id, &field.schema, &value);
            ready.put(&field.id, value)?;
        }
        Ok(ready.known())
    }

    /// The epic's or sprint's field: the one that is named, else the one that is marked as such.
    fn marked(
        &mut self,
        (flag, field): (&str, Option<String>),
        (mark, name): (&'static str, &'static str),
        value: Value,
    ) -> Result<(), OpError> {
        match field_id(self.command, flag, field)? {
            Some(id) => {
                self.refer(&id, &Schema { custom: mark.to_owned(), ..Schema::default() }, &value);
                self.set(&id, value);
                self.marked.push(Marked { id, mark, name });
            }
            None => self.open.push(Open { by: By::Mark(mark, name), value: Setting::Json(value) }),
        }
        Ok(())
    }

    fn refer(&mut self, id: &str, schema: &Schema, value: &Value) {
        self.referents.extend(Referent::of(schema, value).map(|referent| (id.to_owned(), referent)));
    }

    fn put(&mut self, id: &str, value: Value) -> Result<(), OpError> {
        match self.known.insert(id.to_owned(), value) {
            None => Ok(()),
            Some(_) => {
                let message = format!("the field {id} is given twice");
                Err(OpError::Value { command: self.command, message })
            }
        }
    }
}

/// The field, and the text in the shape that it takes.
async fn shaped<'a>(by: &By, text: &str, place: &Place<'a>) -> Result<(&'a Field, Value), OpError> {
    let field = find(by, place).await?;
    let value = shape(field, text).map_err(|misfit| OpError::Misfit {
        command: place.command,
        field: field.id.clone(),
        message: format!("{} ({}): {}", field.name, field.id, misfit.message),
        allowed: misfit.allowed,
    })?;
    Ok((field, value))
}

/// The number that a sprint is named by on the command line.
pub(super) fn sprint_number(text: &str) -> Result<u64, &'static str> {
    text.trim().parse().map_err(|_| "a sprint is named by its number, which `jira sprints` lists")
}

/// `{"name"}`, or `{"id"}` for what is a number.
pub(super) fn named(word: &str) -> Value {
    let word = word.trim();
    let member = if word.bytes().all(|byte| byte.is_ascii_digit()) { "id" } else { "name" };
    json!({ member: word })
}

/// `NAME=VALUE`; a name may not hold an equals sign, a value may.
fn split(typed: &str, flag: &str, command: &'static str) -> Result<(String, String), OpError> {
    match typed.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => {
            let message = format!("{flag} takes NAME=VALUE, and \"{typed}\" is not that");
            Err(OpError::Value { command, message })
        }
    }
}

/// The id that a flag names, if it names one.
pub(super) fn field_id(
    command: &'static str,
    flag: &str,
    typed: Option<String>,
) -> Result<Option<String>, OpError> {
    let Some(typed) = filled(typed) else { return Ok(None) };
    let id = typed.trim();
    if is_custom_id(id) {
        return Ok(Some(id.to_owned()));
    }
    let message = format!("{flag} takes the id of a field, such as customfield_10101, and \"{id}\" is none");
    Err(OpError::Value { command, message })
}

/// `customfield_10101` is no name, so nothing has to be looked up for it.
fn is_custom_id(word: &str) -> bool {
    let number = word.strip_prefix("customfield_").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}
