//! Issues: the few of their parts that must be understood, and the requests about one of them.
//!
//! Only parsed keys and ids are put into a path, those that Jira names included (threats 8 and 9).

use http::Method;
use serde_json::{Map, Value, json};

use super::Request;
use super::key::{IssueKey, IssueRef};

/// An issue, as far as a change needs to know it. Everything but id and key may be missing: whoever asks
/// says which fields they want, and Jira leaves out what the account may not see.
#[derive(Clone, Debug)]
pub struct Issue {
    /// Stays the same when the issue moves.
    pub id: String,
    /// The key that it has now.
    pub key: IssueKey,
    /// Its title.
    pub summary: Option<String>,
    /// The name of its status.
    pub status: Option<String>,
    /// The login name of whom it is assigned to.
    pub assignee: Option<String>,
    /// When it was last changed, in Jira's own spelling.
    pub updated: Option<String>,
    /// What can be done to it now; none if Jira was not asked or did not say.
    pub transitions: Option<Vec<Transition>>,
}

/// A way from the current status to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// What Jira is told.
    pub id: String,
    /// What people see; not unique.
    pub name: String,
    /// The name of the status that it leads to.
    pub to: Option<String>,
}

impl Issue {
    /// Reads Jira's object; none if it has no id or no key that is one.
    pub fn parse(issue: &Value) -> Option<Issue> {
        let fields = &issue["fields"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Issue {
            id: identifier(&issue["id"])?,
            key: issue["key"].as_str()?.parse().ok()?,
            summary: text(&fields["summary"]),
            status: text(&fields["status"]["name"]),
            assignee: text(&fields["assignee"]["name"]),
            updated: text(&fields["updated"]),
            transitions: transitions(issue),
        })
    }
}

/// The list of transitions in an issue, or in the answer to [`offered`].
pub fn transitions(object: &Value) -> Option<Vec<Transition>> {
    let parse = |transition: &Value| {
        Some(Transition {
            id: identifier(&transition["id"])?,
            name: transition["name"].as_str()?.to_owned(),
            to: transition["to"]["name"].as_str().map(str::to_owned),
        })
    };
    Some(object["transitions"].as_array()?.iter().filter_map(parse).collect())
}

/// Ids are strings, but numbers have been seen.
pub fn identifier(id: &Value) -> Option<String> {
    match id {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The issue. An old key of a moved issue is answered with the issue under its new key.
pub fn get(issue: &IssueRef) -> Request {
    Request::get(format!("/rest/api/2/issue/{issue}"))
}

/// Its newest comments, the newest first.
pub fn comments(issue: &IssueRef, newest: u64) -> Request {
    Request::get(format!("/rest/api/2/issue/{issue}/comment"))
        .query("orderBy", "-created")
        .query("maxResults", newest.to_string())
}

/// What can be done to it now.
pub fn offered(key: &IssueKey) -> Request {
    Request::get(format!("/rest/api/2/issue/{key}/transitions"))
}

/// Takes a transition. The resolution goes along only when it was asked for: Jira refuses it where it is
/// not on the transition's screen.
pub fn transit(key: &IssueKey, transition: &str, resolution: Option<&str>) -> Request {
    let mut body = Map::from_iter([("transition".to_owned(), json!({ "id": transition }))]);
    if let Some(id) = resolution {
        body.insert("fields".to_owned(), json!({ "resolution": { "id": id } }));
    }
    change(Method::POST, key, "transitions", Value::Object(body))
}

/// Assigns it to the account with this login name.
pub fn assign(key: &IssueKey, login: &str) -> Request {
    change(Method::PUT, key, "assignee", json!({ "name": login }))
}

/// Adds a comment, in wiki markup.
pub fn comment(key: &IssueKey, body: &str) -> Request {
    change(Method::POST, key, "comment", json!({ "body": body }))
}

/// Makes an issue of these fields.
pub fn create(fields: Map<String, Value>) -> Request {
    Request::change(Method::POST, "/rest/api/2/issue", json!({ "fields": fields }))
}

/// Gives these fields new values; the others stay as they are.
pub fn edit(issue: &IssueRef, fields: Map<String, Value>) -> Request {
    Request::change(Method::PUT, format!("/rest/api/2/issue/{issue}"), json!({ "fields": fields }))
}

/// Deletes it; Jira refuses that while it has sub-tasks, unless they are to go too.
pub fn delete(issue: &IssueRef, with_subtasks: bool) -> Request {
    let request = Request::delete(format!("/rest/api/2/issue/{issue}"));
    if with_subtasks { request.query("deleteSubtasks", "true") } else { request }
}

fn change(method: Method, key: &IssueKey, part: &str, body: Value) -> Request {
    Request::change(method, format!("/rest/api/2/issue/{key}/{part}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_without_fields_is_still_an_issue() {
        let issue = Issue::parse(&json!({"id": 10012, "key": "gaia-12"})).unwrap();
        assert_eq!((issue.id.as_str(), issue.key.to_string().as_str()), ("10012", "GAIA-12"));
        assert!(issue.status.is_none() && issue.transitions.is_none());
    }

    #[test]
    fn a_key_that_is_none_is_never_put_into_a_path() {
        for key in ["../../user", "GAIA-1?x=1", "", "GAIA-0"] {
            assert!(Issue::parse(&json!({"id": "1", "key": key})).is_none(), "{key}");
        }
    }

    #[test]
    fn a_transition_without_a_target_is_kept() {
        let object = json!({"transitions": [
            {"id": "11", "name": "Start", "to": {"name": "In Progress"}},
            {"id": 21, "name": "Old"},
            {"name": "no id"},
        ]});
        let list = transitions(&object).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!((list[1].id.as_str(), &list[1].to), ("21", &None));
    }
}
