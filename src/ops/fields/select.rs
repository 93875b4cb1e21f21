//! The fields that are to be returned, by id or by name. Jira takes ids alone, and says nothing of a word that is
//! none: whoever mistyped one would be told that the field is empty.

use serde_json::Value;

use crate::jira::Jira;
use crate::jira::screen::{self, Field};
use crate::ops::OpError;

use super::find::{matching, nearest};
use super::{By, is_custom_id};

/// Words that need no looking up: what Jira calls its own fields, and what every issue has beside its fields. A
/// field of this list that a Jira does not have is merely absent from its answer.
const KNOWN: &[&str] = &[
    "aggregateprogress",
    "aggregatetimeestimate",
    "aggregatetimeoriginalestimate",
    "aggregatetimespent",
    "archivedby",
    "archiveddate",
    "assignee",
    "attachment",
    "comment",
    "components",
    "created",
    "creator",
    "description",
    "duedate",
    "environment",
    "fixVersions",
    "id",
    "issuekey",
    "issuelinks",
    "issuetype",
    "key",
    "labels",
    "lastViewed",
    "parent",
    "priority",
    "progress",
    "project",
    "reporter",
    "resolution",
    "resolutiondate",
    "security",
    "self",
    "status",
    "subtasks",
    "summary",
    "thumbnail",
    "timeestimate",
    "timeoriginalestimate",
    "timespent",
    "timetracking",
    "updated",
    "versions",
    "votes",
    "watches",
    "worklog",
    "workratio",
];

/// The ids, in the order of the words. One request, if a word is none that Jira is known to take.
pub(in crate::ops) async fn ids(
    command: &'static str,
    words: Vec<String>,
    jira: &Jira,
) -> Result<Vec<String>, OpError> {
    if words.iter().all(|word| is_plain(word)) {
        return Ok(words);
    }
    let all = screen::fields(jira).await?;
    words.into_iter().map(|word| id(command, word, &all)).collect()
}

/// Those of the fields that this Jira does not have. It passes over an id that it does not know, so one that no
/// issue has shown is worth a request; the answer there is already is worth more than that one.
pub(in crate::ops) async fn unknown(unseen: Vec<String>, jira: &Jira) -> Vec<String> {
    if unseen.is_empty() {
        return unseen;
    }
    let Ok(all) = screen::fields(jira).await else { return Vec::new() };
    unseen.into_iter().filter(|id| all.iter().all(|field| field.id != *id)).collect()
}

/// Takes out what an issue shows.
pub(in crate::ops) fn see(issue: &Value, unseen: &mut Vec<String>) {
    unseen.retain(|id| issue["fields"].get(id).is_none());
}

/// `-summary` leaves a field out.
fn is_plain(word: &str) -> bool {
    let field = word.strip_prefix('-').unwrap_or(word);
    matches!(word, "*all" | "*navigable") || KNOWN.contains(&field) || is_custom_id(field)
}

fn id(command: &'static str, word: String, all: &[Field]) -> Result<String, OpError> {
    if is_plain(&word) {
        return Ok(word);
    }
    let (minus, name) = word.strip_prefix('-').map_or(("", word.as_str()), |name| ("-", name.trim_start()));
    let found = matching(all, &By::Word(name.to_owned()));
    match found.as_slice() {
        [field] => Ok(format!("{minus}{}", field.id)),
        [] => Err(OpError::NoSuchField {
            command,
            message: format!("Jira has no field \"{name}\""),
            nearest: nearest(name, all.iter().map(|field| field.name.as_str())),
        }),
        several => {
            let ids: Vec<_> = several.iter().map(|field| field.id.clone()).collect();
            let message =
                format!("several fields are called \"{name}\": name one by its id, {}", ids.join(" or "));
            Err(OpError::SeveralFields { command, message, ids })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plainly_an_id_is_not_looked_up() {
        for word in
            ["summary", "-description", "customfield_10101", "-customfield_1", "*all", "*navigable", "key"]
        {
            assert!(is_plain(word), "{word}");
        }
        for word in
            ["Summary", "Story Points", "customfield_", "customfield_x", "-*all", "*", "", "-", "sprint"]
        {
            assert!(!is_plain(word), "{word}");
        }
    }
}
