//! `fields` and `update` of a request into changes: what create, edit and transitions share.

use serde_json::{Map, Value};

use super::ask::id_text;
use super::comments;
use super::extra;
use super::refusal::Refusal;
use crate::sandbox::world::extras::Extra;
use crate::sandbox::world::fields::{EPIC_LINK, EPIC_NAME, SPRINT, STORY_POINTS};
use crate::sandbox::world::issue::Issue;
use crate::sandbox::world::people::UserId;
use crate::sandbox::world::project::{Project, SprintState};
use crate::sandbox::world::vocabulary::{EPIC, PRIORITIES, RESOLUTIONS, Term, by_id};
use crate::sandbox::world::{Change, World};

/// What can be set on the screens for creating and editing.
pub(super) const EDIT_SCREEN: [&str; 12] = [
    "summary",
    "description",
    "assignee",
    "reporter",
    "priority",
    "labels",
    "components",
    "fixVersions",
    SPRINT,
    EPIC_LINK,
    EPIC_NAME,
    STORY_POINTS,
];

/// What a request asks to be changed, checked.
#[derive(Default)]
pub(super) struct Edit {
    pub changes: Vec<Change>,
    pub comments: Vec<String>,
}

impl Edit {
    /// Does it.
    pub(super) fn apply(self, world: &mut World, issue: u32, author: UserId) {
        for change in self.changes {
            world.change(issue, change);
        }
        for comment in self.comments {
            world.comment(issue, author, &comment);
        }
    }
}

/// Where the changes go.
pub(super) struct Target<'a> {
    pub world: &'a World,
    pub project: &'a Project,
    /// `None` while it is being created.
    pub issue: Option<&'a Issue>,
    pub screen: &'a [&'a str],
    /// Whether the project's own fields are on it.
    pub extras: bool,
}

impl Target<'_> {
    /// Reads both maps. All mistakes are reported together, each at its field.
    pub(super) fn read(&self, fields: Option<&Value>, update: Option<&Value>) -> Result<Edit, Refusal> {
        let (fields, update) = (object("fields", fields)?, object("update", update)?);
        let mut edit = Edit::default();
        let mut errors = Vec::new();
        for (id, value) in fields.iter().flat_map(|fields| fields.iter()) {
            if update.is_some_and(|update| update.contains_key(id)) {
                errors.push((id.clone(), format!("Field '{id}' is in both 'fields' and 'update'.")));
                continue;
            }
            match self.change(id, value) {
                Ok(change) => edit.changes.push(change),
                Err(message) => errors.push((id.clone(), message)),
            }
        }
        for (id, operations) in update.iter().flat_map(|update| update.iter()) {
            let Some(operations) = operations.as_array() else {
                errors.push((id.clone(), "data was not an array".to_owned()));
                continue;
            };
            if id == "comment" {
                for operation in operations {
                    edit.comments.push(comments::check(operation.pointer("/add/body"))?.to_owned());
                }
                continue;
            }
            match self.operations(id, operations).and_then(|value| self.change(id, &value)) {
                Ok(change) => edit.changes.push(change),
                Err(message) => errors.push((id.clone(), message)),
            }
        }
        if errors.is_empty() { Ok(edit) } else { Err(Refusal::fields(errors)) }
    }

    fn change(&self, id: &str, value: &Value) -> Result<Change, String> {
        if let Some(extra) = self.extra(id) {
            return extra::check(extra, value, self.world).map(|value| Change::Extra(extra.id, value));
        }
        if !self.screen.contains(&id) {
            return Err(format!(
                "Field '{id}' cannot be set. It is not on the appropriate screen, or unknown."
            ));
        }
        match id {
            "summary" => summary(value).map(Change::Summary),
            "description" => optional_text(value).map(Change::Description),
            "assignee" => assignee(self.world, self.project, value).map(Change::Assignee),
            "reporter" => match user(self.world, value)? {
                Some(id) => Ok(Change::Reporter(id)),
                None => Err("Reporter is required.".to_owned()),
            },
            "priority" => term(&PRIORITIES, "priority", value).map(Change::Priority),
            "resolution" => match value {
                Value::Null => Err("Resolution is required.".to_owned()),
                value => term(&RESOLUTIONS, "resolution", value).map(|id| Change::Resolution(Some(id))),
            },
            "labels" => labels(value).map(Change::Labels),
            "components" => {
                let find = |word: &str| self.project.component(word).map(|it| it.id);
                ids("Component", value, find).map(Change::Components)
            }
            "fixVersions" => {
                let find = |word: &str| self.project.version(word).map(|it| it.id);
                ids("Version", value, find).map(Change::Versions)
            }
            SPRINT => self.sprint(value).map(Change::Sprint),
            EPIC_LINK => self.epic(value).map(Change::Epic),
            EPIC_NAME => optional_text(value).map(Change::EpicName),
            _ => match value {
                Value::Null => Ok(Change::Points(None)),
                value => {
                    let points = value.as_f64().ok_or("Operation value must be a number")?;
                    Ok(Change::Points(Some(points as f32)))
                }
            },
        }
    }

    /// A field of the project's own that is on the screen.
    fn extra(&self, id: &str) -> Option<&'static Extra> {
        let (project, _) = self.world.project(self.project.key)?;
        let here = |extra: &&Extra| self.extras && (extra.create || self.issue.is_some());
        Extra::find(id, project).filter(here)
    }

    /// A sprint is set by its number, although it is read as a text.
    fn sprint(&self, value: &Value) -> Result<Option<u32>, String> {
        if value.is_null() {
            return Ok(None);
        }
        let number = value.as_u64().ok_or("Number value expected as the Sprint id.")?;
        let found = u32::try_from(number).ok().and_then(|id| self.world.sprint(id));
        match found {
            Some(sprint) if sprint.state == SprintState::Closed => {
                Err("You must specify a sprint which has not been completed.".to_owned())
            }
            Some(sprint) => Ok(Some(sprint.id)),
            None => Err(format!(
                "Sprint with id '{number}' does not exist, or you do not have permission to view it."
            )),
        }
    }

    fn epic(&self, value: &Value) -> Result<Option<u32>, String> {
        let Some(key) = optional_text(value)?.filter(|key| !key.is_empty()) else { return Ok(None) };
        let epic = self.world.find(&key).filter(|issue| issue.kind == EPIC);
        epic.map(|epic| Some(epic.id))
            .ok_or_else(|| format!("Issue '{key}' is not an epic, or it does not exist."))
    }

    /// What a field holds after `add`, `remove` and `set`.
    fn operations(&self, id: &str, operations: &[Value]) -> Result<Value, String> {
        let mut value = self.current(id);
        for operation in operations {
            let Some((verb, operand)) = operation.as_object().and_then(|it| it.iter().next()) else {
                return Err("An operation is an object with one member.".to_owned());
            };
            match (verb.as_str(), &mut value) {
                ("set", _) => value = operand.clone(),
                ("add", Value::Array(elements)) => elements.push(operand.clone()),
                ("remove", Value::Array(elements)) => {
                    let gone = self.canonical(id, operand);
                    elements.retain(|element| self.canonical(id, element) != gone);
                }
                _ => return Err(format!("Field with id '{id}' and operation '{verb}' is not supported")),
            }
        }
        Ok(value)
    }

    /// A list field as it is now, for operations on it; `null` for the others.
    fn current(&self, id: &str) -> Value {
        let ids = |ids: Option<&Vec<u16>>| -> Value {
            ids.into_iter().flatten().map(|id| serde_json::json!({"id": id.to_string()})).collect()
        };
        match id {
            "labels" => {
                let labels = self.issue.into_iter().flat_map(|issue| &issue.labels);
                labels.filter_map(|id| self.world.labels().get(usize::from(*id))).cloned().collect()
            }
            "components" => ids(self.issue.map(|issue| &issue.components)),
            "fixVersions" => ids(self.issue.map(|issue| &issue.versions)),
            _ => Value::Null,
        }
    }

    /// One name for one element, whether it came by name or by id.
    fn canonical(&self, id: &str, element: &Value) -> Option<String> {
        let word = word(element)?;
        match id {
            "components" => self.project.component(&word).map(|it| it.id.to_string()),
            "fixVersions" => self.project.version(&word).map(|it| it.id.to_string()),
            _ => Some(word),
        }
    }
}

fn object<'a>(name: &str, value: Option<&'a Value>) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(Refusal::unreadable(&format!("Can not deserialize the property \"{name}\""))),
    }
}

/// An element by what names it: itself, or its `id`, or its `name`. Empty members count as absent.
fn word(value: &Value) -> Option<String> {
    let member = |name| value.get(name).and_then(id_text).filter(|text| !text.is_empty());
    let found = id_text(value).or_else(|| member("id")).or_else(|| member("name"))?;
    Some(found.into_owned())
}

fn optional_text(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err("Operation value must be a string".to_owned()),
    }
}

fn summary(value: &Value) -> Result<String, String> {
    let text = optional_text(value)?.unwrap_or_default();
    match text.trim() {
        "" => Err("You must specify a summary of the issue.".to_owned()),
        line if line.contains(['\n', '\r']) => {
            Err("The summary is invalid because it contains newline characters.".to_owned())
        }
        line if line.chars().count() > 255 => Err("Summary must be less than 255 characters.".to_owned()),
        line => Ok(line.to_owned()),
    }
}

fn labels(value: &Value) -> Result<Vec<String>, String> {
    let mut labels = Vec::new();
    for label in value.as_array().ok_or("data was not an array")? {
        let label = label.as_str().ok_or("string expected at index 0")?;
        if label.is_empty() || label.contains(char::is_whitespace) {
            return Err(format!("The label '{label}' contains spaces which is invalid."));
        }
        if !labels.iter().any(|it| it == label) {
            labels.push(label.to_owned());
        }
    }
    Ok(labels)
}

fn ids(what: &str, value: &Value, find: impl Fn(&str) -> Option<u16>) -> Result<Vec<u16>, String> {
    let mut ids = Vec::new();
    for element in value.as_array().ok_or("data was not an array")? {
        let word = word(element).unwrap_or_default();
        let id = find(&word).ok_or_else(|| format!("{what} name '{word}' is not valid"))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// A priority or resolution by id or, failing that, by name.
fn term(terms: &'static [Term], what: &str, value: &Value) -> Result<u16, String> {
    let text = |name| value.get(name).and_then(id_text).filter(|text| !text.is_empty());
    let by_name = |name: &str| terms.iter().find(|term| term.name.eq_ignore_ascii_case(name));
    let found = match text("id") {
        Some(id) => id.parse().ok().and_then(|id| by_id(terms, id)),
        None => text("name").and_then(|name| by_name(&name)),
    };
    found.map(|term| term.id).ok_or_else(|| format!("Could not find valid 'id' or 'name' in {what} object."))
}

/// `{"name":"login"}`; `null` and an empty name are nobody.
fn user(world: &World, value: &Value) -> Result<Option<UserId>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let Some(name) = value.get("name") else {
        return Err("expected Object containing a 'name' property".to_owned());
    };
    match name.as_str().filter(|name| !name.is_empty()) {
        None => Ok(None),
        Some(name) => match world.user_id(name) {
            Some(id) => Ok(Some(id)),
            None => Err(format!("User '{name}' does not exist.")),
        },
    }
}

/// Somebody who may be assigned; `-1` is the project's own choice, its lead.
pub(super) fn assignee(world: &World, project: &Project, value: &Value) -> Result<Option<UserId>, String> {
    if value.get("name").and_then(Value::as_str) == Some("-1") {
        return Ok(world.user_id(project.lead));
    }
    match user(world, value)? {
        Some(id) if !world.assignable(id) => {
            Err(format!("User '{}' cannot be assigned issues.", world.user_by_id(id).name))
        }
        user => Ok(user),
    }
}
