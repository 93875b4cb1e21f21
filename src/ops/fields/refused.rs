//! Why Jira refused a change: found out afterwards, so that what is right costs no request.

use serde_json::{Map, Value};

use crate::jira::key::IssueRef;
use crate::jira::screen::{EPIC_LINK, Field, SPRINT, Schema};
use crate::jira::{Jira, JiraError, agile, issue};
use crate::ops::OpError;

use super::find::Place;
use super::{By, Marked, Offered, shaped};

/// What was sent, for whoever has to say why Jira refused it.
pub(in crate::ops) struct Sent {
    /// What was typed of it as one of the values that a field offers.
    offered: Vec<Offered>,
    /// What names something that only Jira can tell whether it is there.
    referents: Vec<(String, Referent)>,
    /// The fields that somebody says hold epics and sprints.
    marked: Vec<Marked>,
    /// The fields that were to be emptied.
    emptied: Vec<String>,
}

/// What a value names, other than one of the values that its field offers.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::ops) enum Referent {
    User,
    Issue(IssueRef),
    Sprint(u64),
}

impl Referent {
    /// By what the field holds.
    pub(super) fn of(schema: &Schema, value: &Value) -> Option<Referent> {
        let issue = |key: &Value| key.as_str()?.parse().ok().map(Referent::Issue);
        match (schema.custom.as_str(), schema.kind.as_str(), schema.items.as_str()) {
            (SPRINT, ..) => value.as_u64().map(Referent::Sprint),
            (EPIC_LINK, ..) => issue(value),
            (_, "issuelink", _) => issue(&value["key"]),
            (_, "user", _) | (_, _, "user") => Some(Referent::User),
            _ => None,
        }
    }

    /// What it is in words, if Jira does not show it.
    async fn missing(&self, jira: &Jira) -> Option<String> {
        let (request, what) = match self {
            Referent::User => return None,
            Referent::Issue(key) => (issue::get(key).query("fields", "issuetype"), format!("issue {key}")),
            Referent::Sprint(id) => (agile::sprint(*id), format!("sprint {id}")),
        };
        match jira.send(&request).await {
            Err(JiraError::Refused { status: 404, .. }) => Some(what),
            _ => None,
        }
    }
}

impl Sent {
    pub(super) fn new(
        fields: &Map<String, Value>,
        offered: Vec<Offered>,
        mut referents: Vec<(String, Referent)>,
        marked: Vec<Marked>,
    ) -> Self {
        // Where nobody was named, the project wants somebody, which no value is to blame for.
        if fields.contains_key("assignee") {
            referents.push(("assignee".to_owned(), Referent::User));
        }
        let emptied = fields.iter().filter(|(_, value)| is_empty(value)).map(|(id, _)| id.clone()).collect();
        Sent { offered, referents, marked, emptied }
    }

    /// The parent, which was sent as well.
    pub fn with_parent(mut self, parent: Option<IssueRef>) -> Self {
        self.referents.extend(parent.map(|key| ("parent".to_owned(), Referent::Issue(key))));
        self
    }
}

/// What takes away what a field holds.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.get("name").is_some_and(Value::is_null),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Why Jira refused the change. A value that a field does not offer is said to be that, in the words that the
/// same value has with `--field`, with Jira's beside them; so is a user, an issue or a sprint that is not there,
/// an empty value where there must be one, and a field that is said to be the epic's or the sprint's and is another.
/// Anything else is in Jira's own words. `screen` is asked only for values of the first kind, for empty ones and for
/// such a field.
pub(in crate::ops) async fn explain(
    error: JiraError,
    sent: Sent,
    command: &'static str,
    screen: impl Future<Output = Result<(Vec<Field>, String), OpError>>,
    jira: &Jira,
) -> OpError {
    let JiraError::Refused { status: 400, details, .. } = &error else { return error.into() };
    let refused = |id: &str| details["errors"].get(id).is_some();
    let offered: Vec<_> = sent.offered.into_iter().filter(|offered| refused(offered.id)).collect();
    let emptied: Vec<_> = sent.emptied.into_iter().filter(|id| refused(id)).collect();
    let marked: Vec<_> = sent.marked.into_iter().filter(|marked| refused(&marked.id)).collect();
    // Without a screen Jira's own words are all there is.
    let asks = !offered.is_empty() || !emptied.is_empty() || !marked.is_empty();
    let (fields, name) = if asks { screen.await.unwrap_or_default() } else { Default::default() };
    let place = Place { command, fields: &fields, name, jira };
    for Offered { id, text } in offered.into_iter().filter(|_| !fields.is_empty()) {
        match shaped(&By::Word(id.to_owned()), &text, &place).await {
            Ok(_) | Err(OpError::Jira(_)) => {}
            Err(misfit) => return misfit.told_by(error),
        }
    }
    // What is said to be the epic's field and is another takes none, and nothing in the place of one.
    let another = |emptied_ones: bool| {
        let mut marked = marked.iter().filter(|marked| emptied.contains(&marked.id) == emptied_ones);
        marked.find_map(|Marked { id, mark, name }| {
            let field = fields.iter().find(|field| field.id == *id && field.schema.custom != *mark)?;
            let message = format!("{} ({id}) is another field than {name}", field.name);
            Some(OpError::Misfit { command, field: id.clone(), message, allowed: vec![] })
        })
    };
    if let Some(misfit) = another(true) {
        return misfit.told_by(error);
    }
    // What is not on the screen is refused whatever its value.
    if emptied.iter().any(|id| fields.iter().any(|field| field.id == *id)) {
        return OpError::Emptied(error);
    }
    let referents: Vec<_> = sent.referents.into_iter().filter(|(id, _)| refused(id)).collect();
    if referents.iter().any(|(_, referent)| *referent == Referent::User) {
        return OpError::User(error);
    }
    for (field, referent) in referents {
        if let Some(what) = referent.missing(jira).await {
            return OpError::Nowhere { field, what }.told_by(error);
        }
    }
    if let Some(misfit) = another(false) {
        return misfit.told_by(error);
    }
    error.into()
}
