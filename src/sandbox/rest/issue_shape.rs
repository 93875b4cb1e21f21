//! Jira's JSON for an issue.

use serde_json::{Map, Value, json};

use super::select::{Expand, Selection};
use super::shape::{Shape, stamp};
use crate::sandbox::world::access::Right;
use crate::sandbox::world::extras::Extra;
use crate::sandbox::world::fields::{self, Field, Schema};
use crate::sandbox::world::issue::{Issue, Link};
use crate::sandbox::world::project::{Sprint, SprintState};
use crate::sandbox::world::vocabulary::{LINK_TYPES, RESOLUTIONS, status};
use crate::sandbox::world::workflow::{Resolving, Transition};

/// What `expand` of an issue may name.
const EXPANDABLE: &str = "operations,versionedRepresentations,editmeta,changelog,renderedFields";

impl Shape<'_> {
    /// The issue with the selected fields.
    pub(super) fn issue(&self, issue: &Issue, selection: &Selection, expand: Expand) -> Value {
        let mut object = Map::new();
        object.insert("expand".to_owned(), EXPANDABLE.into());
        object.insert("id".to_owned(), issue.id.to_string().into());
        object.insert("self".to_owned(), self.api(&format!("issue/{}", issue.id)).into());
        object.insert("key".to_owned(), self.world.key(issue).into());
        let mut values = Map::new();
        for field in &selection.0 {
            if let Some(value) = self.field(issue, field.id) {
                values.insert(field.id.to_owned(), value);
            }
        }
        if expand.rendered {
            let rendered = values.iter().map(|(id, value)| (id.clone(), rendered(id, value))).collect();
            object.insert("renderedFields".to_owned(), Value::Object(rendered));
        }
        // An answer to which nothing was selected has no `fields` at all.
        if !values.is_empty() {
            object.insert("fields".to_owned(), Value::Object(values));
        }
        if expand.transitions {
            object.insert("transitions".to_owned(), self.transitions(issue, expand.transition_fields));
        }
        if expand.changelog {
            let empty = json!({"startAt": 0, "maxResults": 0, "total": 0, "histories": []});
            object.insert("changelog".to_owned(), empty);
        }
        Value::Object(object)
    }

    /// The value of a field; `None` where Jira leaves the field out.
    fn field(&self, issue: &Issue, id: &str) -> Option<Value> {
        let (world, project) = (self.world, self.world.project_of(issue));
        let list = |values: Vec<Value>| Value::Array(values);
        Some(match id {
            "summary" => Value::from(&*issue.summary),
            "issuetype" => self.issue_type(issue.kind),
            "status" => self.status(status(issue.status)),
            "priority" => self.priority(issue.priority),
            "resolution" => issue.resolution.map(|id| self.resolution(id)).into(),
            "assignee" => issue.assignee.map(|id| self.user(id)).into(),
            "reporter" | "creator" => self.user(issue.reporter),
            "project" => self.project(project),
            "labels" => {
                issue.labels.iter().filter_map(|id| world.labels().get(usize::from(*id))).cloned().collect()
            }
            "components" => {
                let here = project.components.iter().filter(|it| issue.components.contains(&it.id));
                here.map(|it| self.component(it)).collect()
            }
            "fixVersions" => {
                let here = project.versions.iter().filter(|it| issue.versions.contains(&it.id));
                here.map(|it| self.version(it)).collect()
            }
            "created" => stamp(issue.created).into(),
            "updated" => stamp(issue.updated).into(),
            "resolutiondate" => issue.resolved.map(stamp).into(),
            "description" => issue.description.as_ref().map(|text| text.render().into_owned()).into(),
            "parent" => self.reference(world.issue(issue.parent?)?),
            "subtasks" => world.subtasks(issue.id).map(|issue| self.reference(issue)).collect(),
            "issuelinks" => {
                let links = issue.links.iter().filter_map(|id| world.link(*id));
                links.filter_map(|link| self.link(issue, link)).collect()
            }
            "votes" => json!({
                "self": self.api(&format!("issue/{}/votes", world.key(issue))),
                "votes": 0,
                "hasVoted": false,
            }),
            "watches" => json!({
                "self": self.api(&format!("issue/{}/watchers", world.key(issue))),
                "watchCount": 1,
                "isWatching": self.actor.user == Some(issue.reporter),
            }),
            "comment" => {
                let comments = world.comments(issue.id);
                let shown: Value = comments.iter().map(|comment| self.comment(issue.id, comment)).collect();
                json!({
                    "comments": shown,
                    "maxResults": comments.len(),
                    "total": comments.len(),
                    "startAt": 0,
                })
            }
            "security" if issue.restricted => json!({
                "self": self.api("securitylevel/10000"),
                "id": "10000",
                "name": "Leads",
                "description": "For leads and administrators.",
            }),
            "worklog" => json!({"startAt": 0, "maxResults": 20, "total": 0, "worklogs": []}),
            "versions" | "attachment" => list(Vec::new()),
            fields::SPRINT => match issue.sprints.as_slice() {
                [] => Value::Null,
                ids => ids.iter().filter_map(|id| world.sprint(*id)).map(sprint_text).collect(),
            },
            fields::EPIC_LINK => issue.epic.and_then(|id| world.issue(id)).map(|epic| world.key(epic)).into(),
            fields::EPIC_NAME => issue.epic_name.as_deref().into(),
            fields::RANK => format!("0|i{:05x}:", issue.id).into(),
            fields::STORY_POINTS => issue.points.map(f64::from).into(),
            "issuekey" | "thumbnail" => return None,
            // Projects without the field leave it out.
            id if Extra::is_one(id) => {
                let extra = Extra::find(id, issue.project)?;
                let kept = issue.extras.iter().find(|(known, _)| *known == id);
                self.extra(extra, kept.map_or(&Value::Null, |(_, kept)| kept))
            }
            _ => Value::Null,
        })
    }

    /// Another issue, as it is shown inside one.
    fn reference(&self, issue: &Issue) -> Value {
        json!({
            "id": issue.id.to_string(),
            "key": self.world.key(issue),
            "self": self.api(&format!("issue/{}", issue.id)),
            "fields": {
                "summary": issue.summary,
                "status": self.status(status(issue.status)),
                "priority": self.priority(issue.priority),
                "issuetype": self.issue_type(issue.kind),
            },
        })
    }

    /// A link from this issue's side: it has either an outward or an inward issue. What the caller may
    /// not see is left out.
    fn link(&self, issue: &Issue, link: &Link) -> Option<Value> {
        let (side, other) = match link.from == issue.id {
            true => ("outwardIssue", link.to),
            false => ("inwardIssue", link.from),
        };
        let other = self.world.issue(other).filter(|other| self.world.sees(self.actor, other))?;
        let kind = LINK_TYPES.iter().find(|kind| kind.id == link.kind)?;
        Some(json!({
            "id": link.id.to_string(),
            "self": self.api(&format!("issueLink/{}", link.id)),
            "type": self.link_type(kind),
            side: self.reference(other),
        }))
    }

    /// The transitions offered to the caller: none without the permission to transition.
    pub(super) fn transitions(&self, issue: &Issue, with_fields: bool) -> Value {
        if !self.world.may(self.actor, Right::Work) {
            return Value::Array(Vec::new());
        }
        let offered = self.world.project_of(issue).workflow.from(issue.status);
        offered.map(|transition| self.transition(transition, with_fields)).collect()
    }

    fn transition(&self, transition: &Transition, with_fields: bool) -> Value {
        let mut object = json!({
            "id": transition.id.to_string(),
            "name": transition.name,
            "opsbarSequence": 10,
            "to": self.status(status(transition.to)),
        });
        if with_fields {
            object["fields"] = match transition.resolving {
                Resolving::Screen => self.resolution_screen(),
                Resolving::Keep | Resolving::Done | Resolving::Clear => json!({}),
            };
        }
        object
    }

    fn resolution_screen(&self) -> Value {
        let resolutions: Value = RESOLUTIONS.iter().map(|term| self.resolution(term.id)).collect();
        json!({
            "resolution": {
                "required": true,
                "schema": {"type": "resolution", "system": "resolution"},
                "name": "Resolution",
                "fieldId": "resolution",
                "hasDefaultValue": false,
                "operations": ["set"],
                "allowedValues": resolutions,
            },
            "assignee": {
                "required": false,
                "schema": {"type": "user", "system": "assignee"},
                "name": "Assignee",
                "fieldId": "assignee",
                "autoCompleteUrl": self.api("user/assignable/search?issueKey=null&username="),
                "hasDefaultValue": false,
                "operations": ["set"],
            },
        })
    }
}

/// A sprint as the REST API of Data Center gives it: the string form of a Java object, nothing escaped.
fn sprint_text(sprint: &Sprint) -> Value {
    let time = |at: Option<i64>| at.map_or_else(|| "<null>".to_owned(), super::shape::agile_stamp);
    let state = match sprint.state {
        SprintState::Closed => "CLOSED",
        SprintState::Active => "ACTIVE",
        SprintState::Future => "FUTURE",
    };
    format!(
        "com.atlassian.greenhopper.service.sprint.Sprint@{:x}[id={id},rapidViewId={board},state={state},\
         name={name},startDate={start},endDate={end},completeDate={complete},activatedDate={start},\
         sequence={id},goal={goal},autoStartStop=false,synced=false]",
        sprint.id * 7919,
        id = sprint.id,
        board = sprint.board,
        name = sprint.name,
        start = time(sprint.start),
        end = time(sprint.end),
        complete = time(sprint.complete),
        goal = sprint.goal,
    )
    .into()
}

/// What `renderedFields` has for a field: HTML for texts, `null` for what has no other form.
fn rendered(id: &str, value: &Value) -> Value {
    match (id, value) {
        ("description", Value::String(text)) => html(text).into(),
        ("comment", Value::Object(page)) => {
            let mut page = page.clone();
            if let Some(Value::Array(comments)) = page.get_mut("comments") {
                for comment in comments {
                    comment["body"] = html(comment["body"].as_str().unwrap_or_default()).into();
                }
            }
            Value::Object(page)
        }
        _ => Value::Null,
    }
}

/// Paragraphs, without the rest of wiki markup.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let paragraphs =
        escaped.split("\r\n\r\n").map(|part| format!("<p>{}</p>", part.replace("\r\n", "<br/>\n")));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// `names` of an answer.
pub(super) fn names(selection: &Selection) -> Value {
    selection
        .0
        .iter()
        .map(|field| (field.id.to_owned(), Value::from(field.name)))
        .collect::<Map<_, _>>()
        .into()
}

/// `schema` of an answer.
pub(super) fn schemas(selection: &Selection) -> Value {
    let known = selection.0.iter().filter_map(|field| Some((field.id.to_owned(), schema(field)?)));
    known.collect::<Map<_, _>>().into()
}

/// The schema of a field, if it has one.
pub(super) fn schema(field: &Field) -> Option<Value> {
    let mut schema = match field.schema {
        Schema::None => return None,
        Schema::One(kind) => json!({"type": kind}),
        Schema::ListOf(items) => json!({"type": "array", "items": items}),
    };
    match field.custom {
        Some((kind, id)) => {
            schema["custom"] = kind.into();
            schema["customId"] = id.into();
        }
        None => schema["system"] = field.id.into(),
    }
    Some(schema)
}
