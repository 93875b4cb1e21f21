//! What the sandbox's Jira knows: users, projects, workflows, issues, epics, sprints, boards, comments.
//! All in memory, the same every time for the same number of issues and the same moment.
//!
//! Some issues stand where a test or a tour can rely on them:
//!
//! | key | what it is |
//! |---|---|
//! | `GAIA-10` | open, nobody's |
//! | `GAIA-11` | has 60 comments |
//! | `GAIA-12` | in progress, the developer's, in the active sprint |
//! | [`HIDDEN`](World::HIDDEN) | only leads and administrators may see it |
//! | [`MOVED`](World::MOVED) | the old key of an issue that is in WEB now |
//! | [`HOSTILE`](World::HOSTILE) | its texts attack terminals, shells and agents |
//! | `WEB-9` | in review |
//! | `OPS-3` | open, resolving it takes a resolution |
//! | `OPS-5` | waiting for the customer |

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use jiff::Timestamp;

pub(crate) mod access;
mod change;
pub(crate) mod extras;
pub(crate) mod fields;
pub(crate) mod issue;
pub(crate) mod jql;
mod lcg;
pub(crate) mod people;
pub(crate) mod project;
mod seed;
mod texts;
pub(crate) mod vocabulary;
pub(crate) mod workflow;

pub use people::{Role, User};

pub(crate) use change::{Change, NewIssue};

use issue::{Comment, FIRST_ID, Issue, IssueId, Link};
use people::UserId;
use project::{Board, Project, ProjectId, Sprint};

/// The server's zone. Not UTC, so that a client which drops the offset of a time is found out.
pub(crate) const ZONE: jiff::tz::Offset = jiff::tz::offset(2);

/// Everything the sandbox's Jira knows.
pub struct World {
    started_at: Timestamp,
    started: Instant,
    users: Vec<User>,
    projects: Vec<Project>,
    /// By id, from [`FIRST_ID`] on; `None` where an issue has been deleted.
    issues: Vec<Option<Issue>>,
    comments: HashMap<IssueId, Vec<Comment>>,
    /// Sub-tasks by their parent.
    children: HashMap<IssueId, Vec<IssueId>>,
    links: BTreeMap<u32, Link>,
    labels: Vec<String>,
    boards: Vec<Board>,
    sprints: Vec<Sprint>,
    next_comment: u32,
    next_link: u32,
    /// No page of a search is longer, whatever was asked for: `jira.search.views.default.max`.
    pub page_cap: usize,
}

impl World {
    /// The key of an issue behind a security level.
    pub const HIDDEN: &'static str = "GAIA-7";
    /// The old key of a moved issue.
    pub const MOVED: &'static str = "OPS-4";
    /// The key of an issue whose texts attack whoever shows them.
    pub const HOSTILE: &'static str = "WEB-8";

    /// Makes the world with this many issues (30 at least, so that the special ones have room).
    pub fn new(issues: usize, now: Timestamp) -> World {
        let mut world = World {
            started_at: now,
            started: Instant::now(),
            users: people::everybody(),
            projects: project::projects(),
            issues: Vec::new(),
            comments: HashMap::new(),
            children: HashMap::new(),
            links: BTreeMap::new(),
            labels: Vec::new(),
            boards: project::boards(),
            sprints: project::sprints(now.as_millisecond()),
            next_comment: 10_000,
            next_link: 10_000,
            page_cap: 1000,
        };
        seed::populate(&mut world, issues.max(30));
        world
    }

    /// Now, in milliseconds: the moment given at the start and what has passed since.
    pub(crate) fn now(&self) -> i64 {
        let passed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.started_at.as_millisecond().saturating_add(passed)
    }

    /// Whether this is the account's password, which is its name.
    pub fn check_password(&self, user: &str, password: &str) -> bool {
        self.user(user).is_some_and(|user| user.name == password)
    }

    /// The account with this login name; Jira does not regard case.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.user_id(name).map(|id| self.user_by_id(id))
    }

    /// All accounts.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    pub(crate) fn user_id(&self, name: &str) -> Option<UserId> {
        let position = self.users.iter().position(|user| user.name.eq_ignore_ascii_case(name))?;
        UserId::try_from(position).ok()
    }

    pub(crate) fn user_by_id(&self, id: UserId) -> &User {
        &self.users[usize::from(id)]
    }

    pub(crate) fn projects(&self) -> &[Project] {
        &self.projects
    }

    /// Finds a project by key, without regard to case, or by id.
    pub(crate) fn project(&self, word: &str) -> Option<(ProjectId, &Project)> {
        let found =
            |project: &Project| project.key.eq_ignore_ascii_case(word) || project.id.to_string() == word;
        let position = self.projects.iter().position(found)?;
        Some((ProjectId::try_from(position).ok()?, &self.projects[position]))
    }

    pub(crate) fn project_of(&self, issue: &Issue) -> &Project {
        &self.projects[usize::from(issue.project)]
    }

    pub(crate) fn key(&self, issue: &Issue) -> String {
        format!("{}-{}", self.project_of(issue).key, issue.number)
    }

    /// All issues, from the oldest to the newest.
    pub(crate) fn issues(&self) -> impl DoubleEndedIterator<Item = &Issue> {
        self.issues.iter().flatten()
    }

    pub(crate) fn issue(&self, id: IssueId) -> Option<&Issue> {
        self.issues.get(id.checked_sub(FIRST_ID)? as usize)?.as_ref()
    }

    fn issue_mut(&mut self, id: IssueId) -> Option<&mut Issue> {
        self.issues.get_mut(id.checked_sub(FIRST_ID)? as usize)?.as_mut()
    }

    /// Finds an issue by id or key, in any case; an old key finds a moved issue.
    pub(crate) fn find(&self, id_or_key: &str) -> Option<&Issue> {
        if let Ok(id) = id_or_key.parse() {
            return self.issue(id);
        }
        let (project, number) = id_or_key.rsplit_once('-')?;
        let project = self.projects.iter().find(|it| it.key.eq_ignore_ascii_case(project))?;
        let index = number.parse::<usize>().ok()?.checked_sub(1)?;
        self.issue((*project.numbers.get(index)?)?)
    }

    pub(crate) fn comments(&self, issue: IssueId) -> &[Comment] {
        self.comments.get(&issue).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn link(&self, id: u32) -> Option<&Link> {
        self.links.get(&id)
    }

    pub(crate) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The index of a label, which is added if it is new.
    fn label(&mut self, text: &str) -> u16 {
        let position = self.labels.iter().position(|label| label == text).unwrap_or_else(|| {
            self.labels.push(text.to_owned());
            self.labels.len() - 1
        });
        u16::try_from(position).unwrap_or(u16::MAX)
    }

    pub(crate) fn boards(&self) -> &[Board] {
        &self.boards
    }

    pub(crate) fn board(&self, id: u32) -> Option<&Board> {
        self.boards.iter().find(|board| board.id == id)
    }

    pub(crate) fn sprints(&self) -> &[Sprint] {
        &self.sprints
    }

    pub(crate) fn sprint(&self, id: u32) -> Option<&Sprint> {
        self.sprints.iter().find(|sprint| sprint.id == id)
    }

    /// The sub-tasks of an issue, the oldest first.
    pub(crate) fn subtasks(&self, parent: IssueId) -> impl Iterator<Item = &Issue> {
        let children = self.children.get(&parent).map_or(&[] as &[IssueId], Vec::as_slice);
        children.iter().filter_map(|id| self.issue(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(issues: usize) -> World {
        World::new(issues, "2026-03-10T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn the_same_numbers_make_the_same_world() {
        let (one, two) = (world(240), world(240));
        let text = |world: &World| -> Vec<String> {
            world.issues().map(|issue| format!("{} {:?}", world.key(issue), issue)).collect()
        };
        assert_eq!(text(&one), text(&two));
        assert_eq!(one.issues().count(), 240);
        assert_eq!(world(3).issues().count(), 30);
    }

    #[test]
    fn the_special_issues_stand_where_they_are_said_to_be() {
        for size in [30, 240, 1000] {
            let world = world(size);
            let moved = world.find(World::MOVED).unwrap();
            assert!(world.key(moved).starts_with("WEB-"));
            assert_eq!(world.find(&world.key(moved)).unwrap().id, moved.id);
            assert!(world.find(World::HIDDEN).unwrap().restricted);
            assert!(world.find(World::HOSTILE).unwrap().summary.contains('\u{1b}'));
            assert_eq!(world.comments(world.find("gaia-11").unwrap().id).len(), 60);
            assert_eq!(world.find("GAIA-12").unwrap().status, vocabulary::IN_PROGRESS);
            assert_eq!(world.find("OPS-3").unwrap().status, vocabulary::OPEN);
            assert!(world.find("GAIA-0").is_none() && world.find("GAIA-99999").is_none());
        }
    }

    #[test]
    fn parents_epics_and_times_make_sense() {
        let world = world(1000);
        let now = world.started_at.as_millisecond();
        for issue in world.issues() {
            assert!(issue.created <= issue.updated && issue.updated <= now, "{issue:?}");
            assert_eq!(issue.kind == vocabulary::SUB_TASK, issue.parent.is_some(), "{issue:?}");
            if let Some(parent) = issue.parent.and_then(|id| world.issue(id)) {
                assert_eq!(parent.project, issue.project);
                assert_ne!(parent.kind, vocabulary::SUB_TASK);
            }
            let done = vocabulary::status(issue.status).category == vocabulary::Category::Done;
            assert_eq!(done, issue.resolution.is_some(), "{issue:?}");
            assert!(world.project_of(issue).workflow.statuses().contains(&issue.status));
        }
    }

    #[test]
    fn a_password_is_the_name_of_its_own_account_alone() {
        let world = world(30);
        assert!(world.check_password("developer", "developer"));
        assert!(!world.check_password("developer", "lead"));
        assert!(!world.check_password("nobody", "nobody"));
    }
}
