//! The words that all projects share: statuses, priorities, resolutions, issue types, link types.

/// One of Jira's three status categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    New,
    Indeterminate,
    Done,
}

impl Category {
    pub const ALL: [Category; 3] = [Category::New, Category::Indeterminate, Category::Done];

    /// Jira's id, key, name and colour.
    pub fn parts(self) -> (u64, &'static str, &'static str, &'static str) {
        match self {
            Category::New => (2, "new", "To Do", "default"),
            Category::Indeterminate => (4, "indeterminate", "In Progress", "inprogress"),
            Category::Done => (3, "done", "Done", "success"),
        }
    }
}

pub struct Status {
    pub id: u16,
    pub name: &'static str,
    pub category: Category,
    pub description: &'static str,
}

pub const OPEN: u16 = 1;
pub const IN_PROGRESS: u16 = 3;
pub const RESOLVED: u16 = 5;
pub const CLOSED: u16 = 6;
pub const IN_REVIEW: u16 = 10001;
pub const DONE: u16 = 10002;
pub const WAITING: u16 = 10003;

pub static STATUSES: [Status; 7] = [
    Status {
        id: OPEN,
        name: "Open",
        category: Category::New,
        description: "The issue is open and ready for the assignee to start work on it.",
    },
    Status {
        id: IN_PROGRESS,
        name: "In Progress",
        category: Category::Indeterminate,
        description: "This issue is being actively worked on at the moment by the assignee.",
    },
    Status {
        id: RESOLVED,
        name: "Resolved",
        category: Category::Done,
        description: "A resolution has been taken, and it is awaiting verification by reporter.",
    },
    Status {
        id: CLOSED,
        name: "Closed",
        category: Category::Done,
        description: "The issue is considered finished, the resolution is correct.",
    },
    Status { id: IN_REVIEW, name: "In Review", category: Category::Indeterminate, description: "" },
    Status { id: DONE, name: "Done", category: Category::Done, description: "" },
    Status {
        id: WAITING,
        name: "Waiting for customer",
        category: Category::Indeterminate,
        description: "An answer is awaited.",
    },
];

/// The status with this id; every id in an issue comes from the table.
pub fn status(id: u16) -> &'static Status {
    STATUSES.iter().find(|status| status.id == id).unwrap_or(&STATUSES[0])
}

/// Something with an id, a name and a description.
pub struct Term {
    pub id: u16,
    pub name: &'static str,
    pub description: &'static str,
}

const fn term(id: u16, name: &'static str, description: &'static str) -> Term {
    Term { id, name, description }
}

/// From the most to the least urgent; the position is the rank.
pub static PRIORITIES: [Term; 5] = [
    term(1, "Highest", "This problem will block progress."),
    term(2, "High", "Serious problem that could block progress."),
    term(3, "Medium", "Has the potential to affect progress."),
    term(4, "Low", "Minor problem or easily worked around."),
    term(5, "Lowest", "Trivial problem with little or no impact on progress."),
];

pub static RESOLUTIONS: [Term; 7] = [
    term(1, "Fixed", "A fix for this issue is checked into the tree and tested."),
    term(2, "Won't Fix", "The problem described is an issue which will never be fixed."),
    term(3, "Duplicate", "The problem is a duplicate of an existing issue."),
    term(4, "Incomplete", "The problem is not completely described."),
    term(5, "Cannot Reproduce", "All attempts at reproducing this issue failed."),
    term(10000, "Done", "Work has been completed on this issue."),
    term(10001, "Won't Do", "This issue won't be actioned."),
];

/// The resolution that the software workflow sets by itself.
pub const RESOLUTION_DONE: u16 = 10000;

pub const EPIC: u16 = 10000;
pub const STORY: u16 = 10001;
pub const TASK: u16 = 10002;
pub const SUB_TASK: u16 = 10003;
pub const BUG: u16 = 10004;

pub static ISSUE_TYPES: [Term; 5] = [
    term(EPIC, "Epic", "A big user story that needs to be broken down."),
    term(STORY, "Story", "A user story."),
    term(TASK, "Task", "A task that needs to be done."),
    term(SUB_TASK, "Sub-task", "The sub-task of the issue."),
    term(BUG, "Bug", "A problem which impairs or prevents the functions of the product."),
];

/// Finds a term by its id.
pub fn by_id(terms: &'static [Term], id: u16) -> Option<&'static Term> {
    terms.iter().find(|term| term.id == id)
}

/// Finds a term by its name, without regard to case, or by its id in digits, as JQL does.
pub fn by_word(terms: &'static [Term], word: &str) -> Option<&'static Term> {
    let named = terms.iter().find(|term| term.name.eq_ignore_ascii_case(word));
    named.or_else(|| word.parse().ok().and_then(|id| by_id(terms, id)))
}

pub struct LinkType {
    pub id: u16,
    pub name: &'static str,
    pub inward: &'static str,
    pub outward: &'static str,
}

pub static LINK_TYPES: [LinkType; 4] = [
    LinkType { id: 10000, name: "Blocks", inward: "is blocked by", outward: "blocks" },
    LinkType { id: 10001, name: "Cloners", inward: "is cloned by", outward: "clones" },
    LinkType { id: 10002, name: "Duplicate", inward: "is duplicated by", outward: "duplicates" },
    LinkType { id: 10003, name: "Relates", inward: "relates to", outward: "relates to" },
];
