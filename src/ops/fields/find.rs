//! Finding a field on a screen by its id, its name or what it is; and saying exactly why not, if not.

use crate::jira::Jira;
use crate::jira::screen::{self, Field};
use crate::ops::{OpError, same_name};

use super::By;

/// Where a field is looked for.
pub(super) struct Place<'a> {
    pub command: &'static str,
    pub fields: &'a [Field],
    /// `the screen for creating a Bug in OPS`.
    pub name: String,
    pub jira: &'a Jira,
}

/// The most names that are offered in the place of an unknown one.
const NEAREST: usize = 3;

/// The field. A name that several fields have means the one that is on the screen, if only one is.
pub(super) async fn find<'a>(by: &By, place: &Place<'a>) -> Result<&'a Field, OpError> {
    let here = matching(place.fields, by);
    match here.as_slice() {
        [field] => Ok(field),
        [] => Err(absent(by, place).await),
        several => Err(ambiguous(by, several, place)),
    }
}

/// By id, else by name.
pub(super) fn matching<'a>(fields: &'a [Field], by: &By) -> Vec<&'a Field> {
    match by {
        By::Mark(mark, _) => fields.iter().filter(|field| field.schema.custom == *mark).collect(),
        By::Word(word) => match fields.iter().find(|field| field.id == *word) {
            Some(field) => vec![field],
            None => fields.iter().filter(|field| same_name(&field.name, word)).collect(),
        },
    }
}

/// Why a field is not on the screen: because it is elsewhere, or because there is none.
async fn absent(by: &By, place: &Place<'_>) -> OpError {
    let all = match screen::fields(place.jira).await {
        Ok(all) => all,
        Err(error) => return error.into(),
    };
    let known = matching(&all, by);
    if let [field, ..] = known.as_slice() {
        let ids: Vec<_> = known.iter().map(|field| field.id.as_str()).collect();
        let message = format!("the field {} ({}) is not on {}", field.name, ids.join(", "), place.name);
        let fields = known.iter().map(|field| (field.id.clone(), field.name.clone())).collect();
        let here = place.fields.iter().map(|field| field.name.as_str());
        let nearest = nearest(&field.name, here);
        return OpError::NotOnScreen { command: place.command, message, fields, nearest };
    }
    let (message, nearest) = match by {
        By::Mark(_, name) => {
            (format!("this Jira has no field of the kind {name}, which is Jira Software's"), Vec::new())
        }
        By::Word(word) => {
            // Those on the screen are first among equals.
            let names = place.fields.iter().chain(&all).map(|field| field.name.as_str());
            (format!("Jira has no field \"{word}\""), nearest(word, names))
        }
    };
    let message = format!("{message}; nothing was changed");
    OpError::NoSuchField { command: place.command, message, nearest }
}

fn ambiguous(by: &By, several: &[&Field], place: &Place<'_>) -> OpError {
    let ids: Vec<_> = several.iter().map(|field| field.id.clone()).collect();
    let what = match by {
        By::Word(word) => format!("several fields are called \"{word}\""),
        By::Mark(_, name) => format!("several fields are of the kind {name}"),
    };
    let message = format!("{what} on {}: name one by its id, {}", place.name, ids.join(" or "));
    OpError::SeveralFields { command: place.command, message, ids }
}

/// The names that are closest to what was typed, in their own order among equals.
pub(in crate::ops) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let wanted = word.trim().to_lowercase();
    let mut ranked: Vec<(usize, &str)> = Vec::new();
    for known in names {
        if ranked.iter().all(|(_, ranked)| *ranked != known) {
            let name = known.to_lowercase();
            // A part of a name is as good as a slip of the finger.
            let part = wanted.chars().count() > 2 && (name.contains(&wanted) || wanted.contains(&name));
            ranked.push((if part { 1 } else { distance(&wanted, &name) }, known));
        }
    }
    let bound = (wanted.chars().count() / 2).max(1);
    ranked.retain(|(distance, _)| *distance <= bound);
    ranked.sort_by_key(|(distance, _)| *distance);
    ranked.into_iter().take(NEAREST).map(|(_, name)| name.to_owned()).collect()
}

/// How many characters must be put in, taken out or replaced (Levenshtein).
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, c) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (to, d) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(c != *d);
            diagonal = row[to + 1];
            row[to + 1] = replaced.min(diagonal + 1).min(row[to] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jira::screen::Schema;

    fn field(id: &str, name: &str) -> Field {
        Field {
            id: id.to_owned(),
            name: name.to_owned(),
            schema: Schema::default(),
            allowed: None,
            required: false,
        }
    }

    #[test]
    fn an_id_goes_before_a_name_and_case_does_not_matter_in_names() {
        let fields = [field("a", "b"), field("b", "Story Points"), field("c", "STORY points")];
        let ids = |word: &str| -> Vec<String> {
            matching(&fields, &By::Word(word.to_owned())).iter().map(|field| field.id.clone()).collect()
        };
        assert_eq!(ids("b"), ["b"]);
        assert_eq!(ids("B"), ["a"]);
        assert_eq!(ids("story points"), ["b", "c"]);
        assert!(ids("nothing").is_empty());
    }

    #[test]
    fn the_nearest_names_are_offered_and_far_ones_are_not() {
        let names = ["Severity", "Story Points", "Story", "Summary", "Sprint", "Story"];
        let nearest = |word: &str| nearest(word, names.into_iter());
        assert_eq!(nearest("severty"), ["Severity"]);
        assert_eq!(nearest("points"), ["Story Points", "Sprint"]);
        assert_eq!(nearest("Stroy"), ["Story"]);
        assert!(nearest("xyzzy").is_empty());
        assert!(nearest("").is_empty());
    }

    #[test]
    fn distances_are_levenshteins() {
        for (one, other, expected) in
            [("", "", 0), ("", "ab", 2), ("kitten", "sitting", 3), ("über", "uber", 1), ("ab", "ba", 2)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }
}
