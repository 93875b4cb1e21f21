//! Changes to issues. What comes in has been checked by the REST layer against permissions and screens;
//! here it is only done.

use serde_json::Value;

use super::World;
use super::issue::{Comment, FIRST_ID, Issue, IssueId, Link, Text};
use super::people::UserId;
use super::project::ProjectId;
use super::vocabulary::{OPEN, RESOLUTION_DONE};
use super::workflow::{Resolving, Transition};

/// A new value for one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    Summary(String),
    Description(Option<String>),
    Assignee(Option<UserId>),
    Reporter(UserId),
    Priority(u16),
    Resolution(Option<u16>),
    Labels(Vec<String>),
    Components(Vec<u16>),
    Versions(Vec<u16>),
    Epic(Option<IssueId>),
    EpicName(Option<String>),
    Sprint(Option<u32>),
    Points(Option<f32>),
    Extra(&'static str, Value),
}

/// What a new issue cannot be without.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewIssue {
    pub project: ProjectId,
    pub kind: u16,
    pub parent: Option<IssueId>,
    pub reporter: UserId,
}

impl World {
    /// Makes an issue, open and without a summary yet.
    pub(crate) fn create(&mut self, new: NewIssue) -> IssueId {
        let now = self.now();
        let id = FIRST_ID + u32::try_from(self.issues.len()).unwrap_or_default();
        let numbers = &mut self.projects[usize::from(new.project)].numbers;
        numbers.push(Some(id));
        let number = u32::try_from(numbers.len()).unwrap_or_default();
        if let Some(parent) = new.parent {
            self.children.entry(parent).or_default().push(id);
        }
        self.issues.push(Some(Issue {
            id,
            project: new.project,
            number,
            kind: new.kind,
            status: OPEN,
            priority: 3,
            resolution: None,
            assignee: None,
            reporter: new.reporter,
            summary: "".into(),
            description: None,
            labels: Vec::new(),
            components: Vec::new(),
            versions: Vec::new(),
            parent: new.parent,
            epic: None,
            epic_name: None,
            sprints: Vec::new(),
            points: None,
            created: now,
            updated: now,
            resolved: None,
            links: Vec::new(),
            extras: Vec::new(),
            restricted: false,
        }));
        id
    }

    /// Gives one field a new value.
    pub(crate) fn change(&mut self, id: IssueId, change: Change) {
        let now = self.now();
        let labels = match &change {
            Change::Labels(labels) => labels.iter().map(|label| self.label(label)).collect(),
            _ => Vec::new(),
        };
        let Some(issue) = self.issue_mut(id) else { return };
        issue.updated = now;
        match change {
            Change::Summary(text) => issue.summary = text.into(),
            Change::Description(text) => issue.description = text.map(|text| Text::Written(text.into())),
            Change::Assignee(user) => issue.assignee = user,
            Change::Reporter(user) => issue.reporter = user,
            Change::Priority(priority) => issue.priority = priority,
            Change::Resolution(resolution) => {
                issue.resolution = resolution;
                issue.resolved = resolution.map(|_| now);
            }
            Change::Labels(_) => issue.labels = labels,
            Change::Components(ids) => issue.components = ids,
            Change::Versions(ids) => issue.versions = ids,
            Change::Epic(epic) => issue.epic = epic,
            Change::EpicName(name) => issue.epic_name = name.map(Into::into),
            Change::Sprint(sprint) => self.plan(id, sprint),
            Change::Points(points) => issue.points = points,
            Change::Extra(id, value) => {
                issue.extras.retain(|(known, _)| *known != id);
                issue.extras.push((id, value));
            }
        }
    }

    /// Puts an issue into a sprint, or into the backlog. Closed sprints stay: they are its history.
    fn plan(&mut self, id: IssueId, sprint: Option<u32>) {
        let closed = |sprint: &super::Sprint| sprint.state == super::project::SprintState::Closed;
        let past: Vec<u32> = self.sprints.iter().filter(|it| closed(it)).map(|it| it.id).collect();
        if let Some(issue) = self.issue_mut(id) {
            issue.sprints.retain(|id| past.contains(id));
            issue.sprints.extend(sprint);
        }
    }

    /// Takes an issue along a transition; what its screen asks for comes as changes of its own.
    pub(crate) fn follow(&mut self, id: IssueId, transition: &Transition) {
        let now = self.now();
        let Some(issue) = self.issue_mut(id) else { return };
        issue.status = transition.to;
        issue.updated = now;
        match transition.resolving {
            Resolving::Keep | Resolving::Screen => {}
            Resolving::Done => (issue.resolution, issue.resolved) = (Some(RESOLUTION_DONE), Some(now)),
            Resolving::Clear => (issue.resolution, issue.resolved) = (None, None),
        }
    }

    /// Adds a comment and says its id.
    pub(crate) fn comment(&mut self, issue: IssueId, author: UserId, body: &str) -> u32 {
        let now = self.now();
        let id = self.next_comment;
        self.next_comment += 1;
        let comment = Comment { id, author, body: Text::Written(body.into()), created: now, updated: now };
        self.comments.entry(issue).or_default().push(comment);
        if let Some(issue) = self.issue_mut(issue) {
            issue.updated = now;
        }
        id
    }

    /// Links two issues: "`from` *outward phrase* `to`".
    pub(crate) fn connect(&mut self, kind: u16, from: IssueId, to: IssueId) -> u32 {
        let id = self.next_link;
        self.next_link += 1;
        self.links.insert(id, Link { id, kind, from, to });
        for end in [from, to] {
            if let Some(issue) = self.issue_mut(end) {
                issue.links.push(id);
            }
        }
        id
    }

    /// Takes a link away; false if there is none.
    pub(crate) fn disconnect(&mut self, id: u32) -> bool {
        let Some(link) = self.links.remove(&id) else { return false };
        for end in [link.from, link.to] {
            if let Some(issue) = self.issue_mut(end) {
                issue.links.retain(|it| *it != id);
            }
        }
        true
    }

    /// Deletes an issue with its sub-tasks, comments and links.
    pub(crate) fn delete(&mut self, id: IssueId) {
        let subtasks: Vec<IssueId> = self.subtasks(id).map(|issue| issue.id).collect();
        for id in subtasks.into_iter().chain([id]) {
            let links = self.issue(id).map(|issue| issue.links.clone()).unwrap_or_default();
            for link in links {
                self.disconnect(link);
            }
            self.comments.remove(&id);
            self.children.remove(&id);
            if let Some(siblings) =
                self.issue(id).and_then(|it| it.parent).and_then(|it| self.children.get_mut(&it))
            {
                siblings.retain(|it| *it != id);
            }
            if let Some(slot) = self.issues.get_mut((id - FIRST_ID) as usize) {
                *slot = None;
            }
        }
        for issue in self.issues.iter_mut().flatten().filter(|issue| issue.epic == Some(id)) {
            issue.epic = None;
        }
    }
}
