//! `fields` and `expand`.

use crate::sandbox::world::fields::{FIELDS, Field};

/// The fields that an answer shows.
pub(super) struct Selection(pub(super) Vec<&'static Field>);

impl Selection {
    /// Reads `*all`, `*navigable`, ids and `-id`. Unknown ones are passed over, as Jira does. Only
    /// exclusions mean everything but them; `everything` says what that is.
    pub(super) fn new(wanted: &[String], everything: &str) -> Selection {
        let excluded = |field: &Field| wanted.iter().any(|it| it.strip_prefix('-') == Some(field.id));
        let only_exclusions = wanted.iter().all(|it| it.starts_with('-'));
        let included = |field: &Field| {
            let by_default = only_exclusions.then_some(everything);
            wanted.iter().map(String::as_str).chain(by_default).any(|it| match it {
                "*all" => true,
                "*navigable" => field.navigable,
                id => id == field.id,
            })
        };
        Selection(FIELDS.iter().filter(|field| included(field) && !excluded(field)).collect())
    }
}

/// What is to be expanded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expand {
    pub names: bool,
    pub schema: bool,
    pub rendered: bool,
    pub changelog: bool,
    pub transitions: bool,
    pub transition_fields: bool,
}

impl Expand {
    /// Reads the elements of `expand`; unknown ones are passed over.
    pub(super) fn new(elements: &[String]) -> Expand {
        let has = |name: &str| elements.iter().any(|element| element == name);
        Expand {
            names: has("names"),
            schema: has("schema"),
            rendered: has("renderedFields"),
            changelog: has("changelog"),
            transitions: has("transitions") || has("transitions.fields"),
            transition_fields: has("transitions.fields"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(wanted: &[&str], everything: &str) -> Vec<&'static str> {
        let wanted: Vec<String> = wanted.iter().map(|it| (*it).to_owned()).collect();
        Selection::new(&wanted, everything).0.iter().map(|field| field.id).collect()
    }

    #[test]
    fn fields_are_named_excluded_and_taken_together() {
        assert_eq!(ids(&["summary", "status", "nonsense"], "*all"), ["summary", "status"]);
        assert!(ids(&[], "*all").contains(&"comment"));
        assert!(!ids(&[], "*navigable").contains(&"comment"));
        assert!(!ids(&["-summary"], "*all").contains(&"summary"));
        assert!(ids(&["*navigable", "comment", "-status"], "*all").contains(&"comment"));
        assert!(!ids(&["*navigable", "comment", "-status"], "*all").contains(&"status"));
        assert!(ids(&["key"], "*all").is_empty());
    }
}
