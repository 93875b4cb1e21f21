//! What the words and functions of a query mean for a field, as numbers that issues are compared with.

use crate::sandbox::world::World;
use crate::sandbox::world::access::Actor;
use crate::sandbox::world::people::UserId;
use crate::sandbox::world::project::SprintState;
use crate::sandbox::world::vocabulary::{
    Category, ISSUE_TYPES, PRIORITIES, RESOLUTIONS, STATUSES, SUB_TASK, by_word,
};

use super::field::{Field, is_standard};

/// Why a word means nothing.
pub(super) enum Unknown {
    /// No such value.
    Value,
    /// No such issue.
    Key,
    /// Not the form of an issue key.
    KeyForm,
}

/// The numbers that a word stands for; several where names are not unique.
pub(super) fn word(world: &World, actor: Actor, field: Field, word: &str) -> Result<Vec<u64>, Unknown> {
    let one = |id: Option<u64>| id.map(|id| vec![id]).ok_or(Unknown::Value);
    let term = |terms| one(by_word(terms, word).map(|term| u64::from(term.id)));
    let some = |ids: Vec<u64>| if ids.is_empty() { Err(Unknown::Value) } else { Ok(ids) };
    match field {
        // Whoever may browse nothing is told that there is nothing.
        Field::Project => one(actor.user.and_then(|_| {
            let by_name = || world.projects().iter().find(|project| project.name.eq_ignore_ascii_case(word));
            let key = world.project(word).map(|(_, project)| project).or_else(by_name)?.key;
            world.project(key).map(|(id, _)| u64::from(id))
        })),
        Field::Key | Field::EpicLink | Field::Parent => issue(world, actor, field, word),
        Field::Status => {
            let named = |status: &&crate::sandbox::world::vocabulary::Status| {
                status.name.eq_ignore_ascii_case(word) || status.id.to_string() == word
            };
            one(STATUSES.iter().find(named).map(|status| u64::from(status.id)))
        }
        Field::Category => {
            let named = |category: &Category| {
                let (id, key, name, _) = category.parts();
                [key, name].iter().any(|it| it.eq_ignore_ascii_case(word)) || id.to_string() == word
            };
            one(Category::ALL.into_iter().find(named).map(|category| category.parts().0))
        }
        Field::Type => term(&ISSUE_TYPES),
        Field::Priority => term(&PRIORITIES),
        Field::Resolution => term(&RESOLUTIONS),
        Field::Assignee | Field::Reporter => {
            let named = |user: &crate::sandbox::world::User| {
                let names = [&user.name, &user.key, &user.display_name, &user.email];
                names.iter().any(|name| name.eq_ignore_ascii_case(word))
            };
            one(world.users().iter().position(named).map(|id| id as u64))
        }
        // Any word can be a label, so that an unknown one is no mistake.
        Field::Labels => {
            let found = world.labels().iter().position(|label| label.to_lowercase() == word.to_lowercase());
            Ok(found.map(|id| id as u64).into_iter().collect())
        }
        Field::Component => {
            let found = world.projects().iter().filter_map(|project| project.component(word));
            some(found.map(|it| u64::from(it.id)).collect())
        }
        Field::FixVersion => {
            let found = world.projects().iter().filter_map(|project| project.version(word));
            some(found.map(|it| u64::from(it.id)).collect())
        }
        Field::Sprint => {
            let found = world
                .sprints()
                .iter()
                .filter(|sprint| sprint.name.eq_ignore_ascii_case(word) || sprint.id.to_string() == word);
            some(found.map(|it| u64::from(it.id)).collect())
        }
        Field::Points => one(word.parse::<f32>().ok().map(|points| u64::from(points.to_bits()))),
        Field::Created
        | Field::Updated
        | Field::Resolved
        | Field::Summary
        | Field::Description
        | Field::Comment
        | Field::Text
        | Field::EpicName
        | Field::Rank
        | Field::Unset => Err(Unknown::Value),
    }
}

/// An issue by key or id. What the actor may not see does not exist; an old key still finds its issue.
fn issue(world: &World, actor: Actor, field: Field, word: &str) -> Result<Vec<u64>, Unknown> {
    let form = match word.rsplit_once('-') {
        Some((project, number)) => {
            !project.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
        }
        None => !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()),
    };
    if !form {
        return Err(if field == Field::Key { Unknown::KeyForm } else { Unknown::Key });
    }
    let found = world.find(word).filter(|issue| world.sees(actor, issue));
    found.map(|issue| vec![u64::from(issue.id)]).ok_or(Unknown::Key)
}

/// The names of the functions that mean a set of values.
const FUNCTIONS: [&str; 9] = [
    "currentuser",
    "membersof",
    "opensprints",
    "closedsprints",
    "futuresprints",
    "releasedversions",
    "unreleasedversions",
    "standardissuetypes",
    "subtaskissuetypes",
];

/// Whether there is a function of this name at all.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name.to_ascii_lowercase().as_str())
}

/// The values of a function for a field; `None` if it has none for this one.
pub(super) fn call(
    world: &World,
    actor: Actor,
    field: Field,
    name: &str,
    arguments: &[String],
) -> Option<Vec<u64>> {
    let sprints = |state: SprintState| -> Vec<u64> {
        world.sprints().iter().filter(|it| it.state == state).map(|it| u64::from(it.id)).collect()
    };
    let versions = |released: bool| -> Vec<u64> {
        let all = world.projects().iter().flat_map(|project| &project.versions);
        all.filter(|it| it.released == released).map(|it| u64::from(it.id)).collect()
    };
    let types = |standard: bool| -> Vec<u64> {
        let wanted = |id: &u16| if standard { is_standard(*id) } else { *id == SUB_TASK };
        ISSUE_TYPES.iter().map(|it| it.id).filter(wanted).map(u64::from).collect()
    };
    match (field, name.to_ascii_lowercase().as_str(), arguments) {
        (Field::Assignee | Field::Reporter, "currentuser", []) => {
            Some(actor.user.map(u64::from).into_iter().collect())
        }
        (Field::Assignee | Field::Reporter, "membersof", [group]) => {
            let is_member = |id: &UserId| world.user_by_id(*id).groups().contains(&group.as_str());
            let ids = 0..u8::try_from(world.users().len()).unwrap_or(u8::MAX);
            Some(ids.filter(is_member).map(u64::from).collect())
        }
        (Field::Sprint, "opensprints", []) => Some(sprints(SprintState::Active)),
        (Field::Sprint, "closedsprints", []) => Some(sprints(SprintState::Closed)),
        (Field::Sprint, "futuresprints", []) => Some(sprints(SprintState::Future)),
        (Field::FixVersion, "releasedversions", _) => Some(versions(true)),
        (Field::FixVersion, "unreleasedversions", _) => Some(versions(false)),
        (Field::Type, "standardissuetypes", []) => Some(types(true)),
        (Field::Type, "subtaskissuetypes", []) => Some(types(false)),
        _ => None,
    }
}
