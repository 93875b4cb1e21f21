//! Projects with their components and versions, boards and sprints.

use super::issue::IssueId;
use super::vocabulary::{BUG, EPIC, STORY, SUB_TASK, TASK};
use super::workflow::Workflow;

/// An index into the list of projects.
pub type ProjectId = u8;

pub struct Component {
    pub id: u16,
    pub name: &'static str,
}

pub struct Version {
    pub id: u16,
    pub name: &'static str,
    pub released: bool,
    /// Days after (or before) today.
    pub due_in_days: i64,
}

pub struct Project {
    /// Jira's id, a string on the wire.
    pub id: u32,
    pub key: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub lead: &'static str,
    pub workflow: Workflow,
    pub issue_types: &'static [u16],
    pub components: Vec<Component>,
    pub versions: Vec<Version>,
    /// `numbers[n - 1]` is the issue that has, or once had, the number `n`.
    pub(super) numbers: Vec<Option<IssueId>>,
}

impl Project {
    pub fn component(&self, word: &str) -> Option<&Component> {
        self.components.iter().find(|it| it.name.eq_ignore_ascii_case(word) || it.id.to_string() == word)
    }

    pub fn version(&self, word: &str) -> Option<&Version> {
        self.versions.iter().find(|it| it.name.eq_ignore_ascii_case(word) || it.id.to_string() == word)
    }
}

fn components(first: u16, names: &[&'static str]) -> Vec<Component> {
    (first..).zip(names).map(|(id, name)| Component { id, name }).collect()
}

fn versions(first: u16, list: &[(&'static str, bool, i64)]) -> Vec<Version> {
    let version = |(id, &(name, released, due_in_days))| Version { id, name, released, due_in_days };
    (first..).zip(list).map(version).collect()
}

pub(super) const GAIA: usize = 0;
pub(super) const WEB: usize = 1;
pub(super) const OPS: usize = 2;

/// The three projects, without issues.
pub(super) fn projects() -> Vec<Project> {
    let project = |id, key, name, description, lead, workflow, issue_types| Project {
        id,
        key,
        name,
        description,
        lead,
        workflow,
        issue_types,
        components: Vec::new(),
        versions: Vec::new(),
        numbers: Vec::new(),
    };
    let types: &[u16] = &[EPIC, STORY, TASK, SUB_TASK, BUG];
    let software = Workflow::Software;
    vec![
        Project {
            components: components(10100, &["core", "storage", "api", "scheduler", "docs"]),
            versions: versions(
                10200,
                &[("1.0.0", true, -200), ("1.1.0", true, -60), ("1.2.0", false, 20), ("2.0.0", false, 120)],
            ),
            ..project(10000, "GAIA", "Gaia Platform", "The data platform.", "lead", software, types)
        },
        Project {
            components: components(10110, &["checkout", "search", "accounts", "Design System", "i18n"]),
            versions: versions(
                10210,
                &[("2026.1", true, -90), ("2026.2", false, 10), ("2026.3 \"Côte\"", false, 100)],
            ),
            ..project(10001, "WEB", "Web Shop", "What customers see.", "lead", software, types)
        },
        Project {
            components: components(10120, &["network", "database", "monitoring", "on-call"]),
            versions: versions(10220, &[("Q3", true, -45), ("Q4", false, 45)]),
            ..project(
                10002,
                "OPS",
                "Operations",
                "Support and operations.",
                "release-manager",
                Workflow::Support,
                &[TASK, SUB_TASK, BUG],
            )
        },
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardKind {
    Scrum,
    Kanban,
}

pub struct Board {
    pub id: u32,
    pub name: &'static str,
    pub kind: BoardKind,
    pub project: ProjectId,
}

pub(super) fn boards() -> Vec<Board> {
    let board = |id, name, kind, project: usize| Board { id, name, kind, project: project as ProjectId };
    vec![
        board(1, "GAIA board", BoardKind::Scrum, GAIA),
        board(2, "WEB board", BoardKind::Scrum, WEB),
        board(3, "OPS Kanban", BoardKind::Kanban, OPS),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SprintState {
    Closed,
    Active,
    Future,
}

impl SprintState {
    /// As the Agile API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            SprintState::Closed => "closed",
            SprintState::Active => "active",
            SprintState::Future => "future",
        }
    }
}

/// A sprint; times are milliseconds since the epoch.
pub struct Sprint {
    pub id: u32,
    pub board: u32,
    pub name: String,
    pub state: SprintState,
    pub goal: &'static str,
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub complete: Option<i64>,
}

pub const DAY: i64 = 24 * 60 * 60 * 1000;

/// Four closed sprints, an active one and two future ones for each scrum board.
pub(super) fn sprints(now: i64) -> Vec<Sprint> {
    let mut sprints = Vec::new();
    for (board, prefix) in [(1, "GAIA"), (2, "WEB")] {
        for step in 0..7_i64 {
            let state = match step {
                0..4 => SprintState::Closed,
                4 => SprintState::Active,
                _ => SprintState::Future,
            };
            let start = now - 5 * DAY + (step - 4) * 14 * DAY;
            let end = start + 14 * DAY;
            let dated = state != SprintState::Future;
            sprints.push(Sprint {
                id: 100 + board * 10 + u32::try_from(step).unwrap_or_default(),
                board,
                // The Java string form of a sprint does not escape these; a parser must cope.
                name: match step {
                    2 => format!("{prefix} Sprint 3, part=2 [hardening]"),
                    _ => format!("{prefix} Sprint {}", step + 1),
                },
                state,
                goal: if step == 4 { "Ship the release candidate" } else { "" },
                start: dated.then_some(start),
                end: dated.then_some(end),
                complete: (state == SprintState::Closed).then_some(end + 3_600_000),
            });
        }
    }
    sprints
}
