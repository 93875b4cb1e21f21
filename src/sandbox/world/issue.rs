//! An issue and what hangs on it. 50,000 of them have to fit, so that prose which nobody wrote is kept
//! as the number it was made from.

use std::borrow::Cow;

use serde_json::Value;

use super::people::UserId;
use super::project::ProjectId;
use super::texts;

/// Jira's numeric id.
pub type IssueId = u32;

/// The id of the first issue.
pub(super) const FIRST_ID: IssueId = 10_000;

/// A text: made up from a number when it is asked for, or written by somebody.
#[derive(Clone, Debug)]
pub enum Text {
    Description(u32),
    Comment(u32),
    Written(Box<str>),
}

impl Text {
    pub fn render(&self) -> Cow<'_, str> {
        match self {
            Text::Description(seed) => Cow::Owned(texts::description(*seed)),
            Text::Comment(seed) => Cow::Owned(texts::comment(*seed)),
            Text::Written(text) => Cow::Borrowed(text),
        }
    }
}

/// An issue; ids of vocabulary, components and versions as Jira has them, times in milliseconds.
#[derive(Clone, Debug)]
pub struct Issue {
    pub id: IssueId,
    pub project: ProjectId,
    pub number: u32,
    pub kind: u16,
    pub status: u16,
    pub priority: u16,
    pub resolution: Option<u16>,
    pub assignee: Option<UserId>,
    pub reporter: UserId,
    pub summary: Box<str>,
    pub description: Option<Text>,
    /// Indices into the world's labels.
    pub labels: Vec<u16>,
    pub components: Vec<u16>,
    pub versions: Vec<u16>,
    pub parent: Option<IssueId>,
    pub epic: Option<IssueId>,
    pub epic_name: Option<Box<str>>,
    pub sprints: Vec<u32>,
    pub points: Option<f32>,
    pub created: i64,
    pub updated: i64,
    pub resolved: Option<i64>,
    /// Ids of links that have this issue at either end.
    pub links: Vec<u32>,
    /// Values of the custom fields that only some projects have.
    pub extras: Vec<(&'static str, Value)>,
    /// Behind a security level: for leads and administrators only.
    pub restricted: bool,
}

#[derive(Clone, Debug)]
pub struct Comment {
    pub id: u32,
    pub author: UserId,
    pub body: Text,
    pub created: i64,
    pub updated: i64,
}

/// "`from` *outward phrase* `to`".
#[derive(Clone, Debug)]
pub struct Link {
    pub id: u32,
    pub kind: u16,
    pub from: IssueId,
    pub to: IssueId,
}
