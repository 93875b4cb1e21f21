//! The fields that a query can name, and what an issue holds in each.

use crate::sandbox::world::World;
use crate::sandbox::world::fields::FIELDS;
use crate::sandbox::world::issue::Issue;
use crate::sandbox::world::vocabulary::{BUG, EPIC, status};

use super::ast::Operator;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Project,
    Key,
    Status,
    Category,
    Type,
    Priority,
    Resolution,
    Assignee,
    Reporter,
    Labels,
    Component,
    FixVersion,
    Sprint,
    EpicLink,
    Parent,
    Created,
    Updated,
    Resolved,
    Summary,
    Description,
    Comment,
    Text,
    EpicName,
    Points,
    Rank,
    /// A field that Jira has and that is empty on every issue here.
    Unset,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// A set of known values.
    Set,
    /// A set of known values that have an order.
    Ranked,
    Date,
    Number,
    Text,
    /// `text` itself: `~` and nothing else.
    AllText,
    SortOnly,
}

impl Field {
    /// The field of this clause name, in any case.
    pub(super) fn named(name: &str) -> Option<Field> {
        Some(match name.to_lowercase().as_str() {
            "project" => Field::Project,
            "key" | "issuekey" | "issue" | "id" => Field::Key,
            "status" => Field::Status,
            "statuscategory" => Field::Category,
            "issuetype" | "type" => Field::Type,
            "priority" => Field::Priority,
            "resolution" => Field::Resolution,
            "assignee" => Field::Assignee,
            "reporter" | "creator" => Field::Reporter,
            "labels" => Field::Labels,
            "component" => Field::Component,
            "fixversion" => Field::FixVersion,
            "sprint" | "cf[10100]" => Field::Sprint,
            "epic link" | "cf[10101]" => Field::EpicLink,
            "epic name" | "cf[10102]" => Field::EpicName,
            "parent" => Field::Parent,
            "created" | "createddate" => Field::Created,
            "updated" | "updateddate" => Field::Updated,
            "resolved" | "resolutiondate" => Field::Resolved,
            "summary" => Field::Summary,
            "description" => Field::Description,
            "comment" => Field::Comment,
            "text" => Field::Text,
            "story points" | "cf[10106]" => Field::Points,
            "rank" | "cf[10105]" => Field::Rank,
            other => {
                let known = |clause: &&&str| clause.eq_ignore_ascii_case(other);
                FIELDS.iter().flat_map(|field| field.clauses).find(known)?;
                Field::Unset
            }
        })
    }

    pub(super) fn family(self) -> Family {
        match self {
            Field::Key | Field::Priority | Field::FixVersion => Family::Ranked,
            Field::Created | Field::Updated | Field::Resolved => Family::Date,
            Field::Points => Family::Number,
            Field::Summary | Field::Description | Field::Comment | Field::EpicName => Family::Text,
            Field::Text => Family::AllText,
            Field::Rank => Family::SortOnly,
            Field::Project
            | Field::Status
            | Field::Category
            | Field::Type
            | Field::Resolution
            | Field::Assignee
            | Field::Reporter
            | Field::Labels
            | Field::Component
            | Field::Sprint
            | Field::EpicLink
            | Field::Parent
            | Field::Unset => Family::Set,
        }
    }

    pub(super) fn supports(self, operator: Operator) -> bool {
        use Operator::{Is, IsNot, Like, NotLike};
        match (self.family(), operator) {
            _ if self == Field::Unset => true,
            (Family::SortOnly, _) => false,
            (Family::AllText, operator) => operator == Like,
            (Family::Text, operator) => matches!(operator, Like | NotLike | Is | IsNot),
            (_, Like | NotLike) => false,
            (
                Family::Set,
                Operator::Less | Operator::Greater | Operator::LessEquals | Operator::GreaterEquals,
            ) => false,
            (Family::Set | Family::Ranked | Family::Date | Family::Number, _) => true,
        }
    }

    /// Hands every value of the field to `visit`, as the numbers that [`super::values`] makes of words.
    pub(super) fn visit(self, world: &World, issue: &Issue, mut visit: impl FnMut(u64)) {
        match self {
            Field::Project => visit(u64::from(issue.project)),
            Field::Key => visit(u64::from(issue.id)),
            Field::Status => visit(u64::from(issue.status)),
            Field::Category => visit(status(issue.status).category.parts().0),
            Field::Type => visit(u64::from(issue.kind)),
            Field::Priority => visit(u64::from(issue.priority)),
            Field::Resolution => issue.resolution.into_iter().for_each(|id| visit(u64::from(id))),
            Field::Assignee => issue.assignee.into_iter().for_each(|id| visit(u64::from(id))),
            Field::Reporter => visit(u64::from(issue.reporter)),
            Field::Labels => issue.labels.iter().for_each(|id| visit(u64::from(*id))),
            Field::Component => issue.components.iter().for_each(|id| visit(u64::from(*id))),
            Field::FixVersion => issue.versions.iter().for_each(|id| visit(u64::from(*id))),
            Field::Sprint => issue.sprints.iter().for_each(|id| visit(u64::from(*id))),
            Field::EpicLink => issue.epic.into_iter().for_each(|id| visit(u64::from(id))),
            Field::Parent => issue.parent.into_iter().for_each(|id| visit(u64::from(id))),
            Field::Created | Field::Updated | Field::Resolved => {
                self.moment(issue).into_iter().for_each(|at| visit(at.unsigned_abs()));
            }
            Field::Points => issue.points.into_iter().for_each(|points| visit(u64::from(points.to_bits()))),
            Field::Summary => visit(0),
            Field::Description => issue.description.iter().for_each(|_| visit(0)),
            Field::EpicName => issue.epic_name.iter().for_each(|_| visit(0)),
            Field::Comment if !world.comments(issue.id).is_empty() => visit(0),
            Field::Comment | Field::Text | Field::Rank | Field::Unset => {}
        }
    }

    /// The time in a date field.
    pub(super) fn moment(self, issue: &Issue) -> Option<i64> {
        match self {
            Field::Created => Some(issue.created),
            Field::Updated => Some(issue.updated),
            Field::Resolved => issue.resolved,
            _ => None,
        }
    }

    /// Whether the first press on a column's head sorts it downwards, as Jira does for dates and
    /// priorities; that is what `ORDER BY` does without a direction.
    pub(super) fn descends(self) -> bool {
        self.family() == Family::Date || self == Field::Priority
    }
}

/// The issue types that `parent` and the standard types' function go by.
pub(super) fn is_standard(kind: u16) -> bool {
    matches!(kind, EPIC..=BUG) && kind != crate::sandbox::world::vocabulary::SUB_TASK
}
