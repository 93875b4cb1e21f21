//! The two workflows. The software one sets the resolution by itself; the support one asks for it on a
//! screen, as Jira's classic workflow does. Some transitions are named after their target, some are
//! not, and in one place two lead to the same status: a client has to cope with all of it.

use super::vocabulary::{CLOSED, DONE, IN_PROGRESS, IN_REVIEW, OPEN, RESOLVED, WAITING};

/// What a transition does to the resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolving {
    /// Leaves it alone.
    Keep,
    /// Sets "Done" without asking.
    Done,
    /// Has it on its screen, required.
    Screen,
    /// Takes it away.
    Clear,
}

pub struct Transition {
    pub id: u16,
    pub name: &'static str,
    pub from: &'static [u16],
    pub to: u16,
    pub resolving: Resolving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workflow {
    Software,
    Support,
}

impl Workflow {
    /// Every transition, in the order in which Jira offers them.
    pub fn transitions(self) -> &'static [Transition] {
        match self {
            Workflow::Software => &SOFTWARE,
            Workflow::Support => &SUPPORT,
        }
    }

    /// The statuses, in the order of the workflow.
    pub fn statuses(self) -> &'static [u16] {
        match self {
            Workflow::Software => &[OPEN, IN_PROGRESS, IN_REVIEW, DONE],
            Workflow::Support => &[OPEN, IN_PROGRESS, WAITING, RESOLVED, CLOSED],
        }
    }

    /// What leads out of this status.
    pub fn from(self, status: u16) -> impl Iterator<Item = &'static Transition> {
        self.transitions().iter().filter(move |transition| transition.from.contains(&status))
    }
}

static SOFTWARE: [Transition; 8] = [
    Transition { id: 11, name: "Start Progress", from: &[OPEN], to: IN_PROGRESS, resolving: Resolving::Keep },
    Transition { id: 12, name: "Stop Progress", from: &[IN_PROGRESS], to: OPEN, resolving: Resolving::Keep },
    Transition {
        id: 21,
        name: "Ready for Review",
        from: &[IN_PROGRESS],
        to: IN_REVIEW,
        resolving: Resolving::Keep,
    },
    Transition {
        id: 22,
        name: "Request Changes",
        from: &[IN_REVIEW],
        to: IN_PROGRESS,
        resolving: Resolving::Keep,
    },
    Transition { id: 31, name: "Approve", from: &[IN_REVIEW], to: DONE, resolving: Resolving::Done },
    Transition {
        id: 41,
        name: "Done",
        from: &[IN_PROGRESS, IN_REVIEW],
        to: DONE,
        resolving: Resolving::Done,
    },
    Transition { id: 51, name: "Reopen", from: &[DONE], to: OPEN, resolving: Resolving::Clear },
    Transition { id: 61, name: "In Review", from: &[DONE], to: IN_REVIEW, resolving: Resolving::Clear },
];

static SUPPORT: [Transition; 8] = [
    Transition { id: 4, name: "Start Progress", from: &[OPEN], to: IN_PROGRESS, resolving: Resolving::Keep },
    Transition { id: 301, name: "Stop Progress", from: &[IN_PROGRESS], to: OPEN, resolving: Resolving::Keep },
    Transition {
        id: 711,
        name: "Ask the customer",
        from: &[OPEN, IN_PROGRESS],
        to: WAITING,
        resolving: Resolving::Keep,
    },
    Transition {
        id: 721,
        name: "Customer replied",
        from: &[WAITING],
        to: IN_PROGRESS,
        resolving: Resolving::Keep,
    },
    Transition {
        id: 5,
        name: "Resolve Issue",
        from: &[OPEN, IN_PROGRESS, WAITING],
        to: RESOLVED,
        resolving: Resolving::Screen,
    },
    Transition {
        id: 2,
        name: "Close Issue",
        from: &[OPEN, IN_PROGRESS, WAITING],
        to: CLOSED,
        resolving: Resolving::Screen,
    },
    Transition { id: 701, name: "Close", from: &[RESOLVED], to: CLOSED, resolving: Resolving::Keep },
    Transition {
        id: 3,
        name: "Reopen Issue",
        from: &[RESOLVED, CLOSED],
        to: OPEN,
        resolving: Resolving::Clear,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_status_is_a_dead_end_and_every_transition_stays_inside() {
        for workflow in [Workflow::Software, Workflow::Support] {
            for status in workflow.statuses() {
                assert!(workflow.from(*status).count() > 0, "{workflow:?} {status}");
            }
            for transition in workflow.transitions() {
                assert!(workflow.statuses().contains(&transition.to), "{}", transition.name);
                assert!(transition.from.iter().all(|from| workflow.statuses().contains(from)));
            }
        }
    }

    #[test]
    fn two_transitions_lead_from_review_to_done() {
        let names: Vec<_> =
            Workflow::Software.from(IN_REVIEW).filter(|way| way.to == DONE).map(|way| way.name).collect();
        assert_eq!(names, ["Approve", "Done"]);
    }
}
