//! `ORDER BY`.

use std::cmp::Ordering;

use crate::sandbox::world::World;
use crate::sandbox::world::issue::Issue;
use crate::sandbox::world::people::UserId;
use crate::sandbox::world::vocabulary::{ISSUE_TYPES, RESOLUTIONS, by_id, status};

use super::ast::Sort;
use super::field::Field;

/// Fields and whether they go downwards.
pub(super) fn compile(order: &[Sort], problems: &mut Vec<String>) -> Vec<(Field, bool)> {
    let mut fields = Vec::new();
    for sort in order {
        match Field::named(&sort.field) {
            Some(Field::Text | Field::Comment | Field::Parent) => {
                problems.push(format!("Not able to sort using field '{}'.", sort.field));
            }
            Some(field) => fields.push((field, sort.descending.unwrap_or(field.descends()))),
            None => problems.push(format!(
                "Field '{}' does not exist or you do not have permission to view it.",
                sort.field
            )),
        }
    }
    fields
}

pub(super) fn compare(world: &World, order: &[(Field, bool)], a: &Issue, b: &Issue) -> Ordering {
    order
        .iter()
        .map(|(field, down)| {
            let ordering = by_field(world, *field, a, b);
            if *down { ordering.reverse() } else { ordering }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn by_field(world: &World, field: Field, a: &Issue, b: &Issue) -> Ordering {
    let user = |id: Option<UserId>| id.map(|id| world.user_by_id(id).display_name.as_str());
    let epic = |id: Option<u32>| id.and_then(|id| world.issue(id)).map(|issue| (issue.project, issue.number));
    match field {
        Field::Project => world.project_of(a).name.cmp(world.project_of(b).name),
        Field::Key => world.project_of(a).key.cmp(world.project_of(b).key).then(a.number.cmp(&b.number)),
        Field::Status => rank(world, a).cmp(&rank(world, b)),
        Field::Category => category(a).cmp(&category(b)),
        Field::Type => name(&ISSUE_TYPES, a.kind).cmp(name(&ISSUE_TYPES, b.kind)),
        // Upwards is from the lowest to the highest, and the highest has the smallest id.
        Field::Priority => b.priority.cmp(&a.priority),
        Field::Resolution => {
            last(a.resolution.map(|id| name(&RESOLUTIONS, id)), b.resolution.map(|id| name(&RESOLUTIONS, id)))
        }
        Field::Assignee => last(user(a.assignee), user(b.assignee)),
        Field::Reporter => user(Some(a.reporter)).cmp(&user(Some(b.reporter))),
        Field::Labels => last(first(&a.labels), first(&b.labels)),
        Field::Component => last(first(&a.components), first(&b.components)),
        Field::FixVersion => last(first(&a.versions), first(&b.versions)),
        Field::Sprint => last(a.sprints.last().copied(), b.sprints.last().copied()),
        Field::EpicLink => last(epic(a.epic), epic(b.epic)),
        Field::Created | Field::Updated | Field::Resolved => last(field.moment(a), field.moment(b)),
        Field::Summary => a.summary.to_lowercase().cmp(&b.summary.to_lowercase()),
        Field::Description => {
            let text = |issue: &Issue| issue.description.as_ref().map(|text| text.render().into_owned());
            last(text(a), text(b))
        }
        Field::EpicName => last(a.epic_name.as_ref(), b.epic_name.as_ref()),
        Field::Points => match (a.points, b.points) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        },
        Field::Rank => a.id.cmp(&b.id),
        Field::Parent | Field::Comment | Field::Text | Field::Unset => Ordering::Equal,
    }
}

/// What is empty stands behind everything else.
fn last<T: Ord>(a: Option<T>, b: Option<T>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn first(ids: &[u16]) -> Option<u16> {
    ids.first().copied()
}

fn name(terms: &'static [crate::sandbox::world::vocabulary::Term], id: u16) -> &'static str {
    by_id(terms, id).map_or("", |term| term.name)
}

fn category(issue: &Issue) -> u64 {
    // New, in progress, done; Jira's ids are in another order.
    match status(issue.status).category.parts().0 {
        2 => 0,
        4 => 1,
        _ => 2,
    }
}

fn rank(world: &World, issue: &Issue) -> Option<usize> {
    world.project_of(issue).workflow.statuses().iter().position(|id| *id == issue.status)
}
