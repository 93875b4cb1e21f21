//! An issue as a person reads it: a line for each field that has a value, in a sensible order.

use serde_json::Value;

use crate::output::text::Readable;

use super::{EPIC_FIELD, SPRINT_FIELD};

/// How fields are called whose id says nothing.
#[derive(Clone, Debug)]
pub(super) struct Names {
    epic: String,
    sprint: String,
}

impl Names {
    /// From the ids that the configuration names.
    pub fn new(epic_field: Option<&str>, sprint_field: Option<&str>) -> Self {
        Names {
            epic: epic_field.unwrap_or(EPIC_FIELD).to_owned(),
            sprint: sprint_field.unwrap_or(SPRINT_FIELD).to_owned(),
        }
    }
}

/// Field ids in the order of reading, and what they are called.
const ORDER: [(&str, &str); 17] = [
    ("summary", "summary"),
    ("status", "status"),
    ("issuetype", "type"),
    ("priority", "priority"),
    ("resolution", "resolution"),
    ("assignee", "assignee"),
    ("reporter", "reporter"),
    ("labels", "labels"),
    ("components", "components"),
    ("fixVersions", "fix versions"),
    ("parent", "parent"),
    ("epic", "epic"),
    ("sprint", "sprint"),
    ("created", "created"),
    ("updated", "updated"),
    ("issuelinks", "links"),
    ("description", "description"),
];

/// The readable form of one issue.
pub(super) fn issue(issue: &Value, names: &Names) -> Readable {
    let mut lines = vec![("key".to_owned(), words(&issue["key"]))];
    let fields = issue["fields"].as_object();
    let id = |name: &'static str| match name {
        "epic" => names.epic.clone(),
        "sprint" => names.sprint.clone(),
        name => name.to_owned(),
    };
    let known: Vec<(String, &str)> = ORDER.iter().map(|(field, name)| (id(field), *name)).collect();
    let value = |field: &str| fields.and_then(|fields| fields.get(field));
    for (field, name) in &known {
        let text = value(field).map(words).unwrap_or_default();
        if !text.is_empty() {
            lines.push(((*name).to_owned(), text));
        }
    }
    let others = fields
        .into_iter()
        .flatten()
        .filter(|(field, _)| field.as_str() != "comment" && known.iter().all(|(known, _)| known != *field));
    for (field, value) in others {
        let text = words(value);
        if !text.is_empty() {
            lines.push((field.clone(), text));
        }
    }
    if let Some(comments) = value("comment") {
        lines.extend(comments["comments"].as_array().into_iter().flatten().map(comment));
    }
    Readable::Pairs(lines)
}

fn comment(comment: &Value) -> (String, String) {
    // A comment that was made anonymously has no author.
    let author = words(&comment["author"]);
    let author = if author.is_empty() { "anonymous" } else { &author };
    let text = format!("{author}, {}\n{}", words(&comment["created"]), words(&comment["body"]));
    ("comment".to_owned(), text)
}

/// A value in words: what people call it.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => sprint_name(text).unwrap_or(text).to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(words).filter(|text| !text.is_empty()).collect();
            items.join(", ")
        }
        Value::Object(object) => {
            if let Some(link) = link(value) {
                return link;
            }
            let key = object.get("key").filter(|_| object.contains_key("fields"));
            let named = ["displayName", "name", "value", "key"].iter().find_map(|name| object.get(*name));
            key.or(named).map(words).unwrap_or_default()
        }
    }
}

/// `blocks GAIA-2`: which phrase holds depends on which end this issue is.
fn link(link: &Value) -> Option<String> {
    let end = |phrase: &str, other: &str| {
        let other = link[other]["key"].as_str()?;
        Some(format!("{} {other}", words(&link["type"][phrase])))
    };
    end("outward", "outwardIssue").or_else(|| end("inward", "inwardIssue"))
}

/// The name in `com.atlassian.greenhopper.service.sprint.Sprint@1fdd4900[id=5820,…,name=…,startDate=…]`:
/// what Jira's own REST API calls a sprint. A name may hold commas and brackets, so it ends where the next
/// attribute begins that is known.
fn sprint_name(text: &str) -> Option<&str> {
    const AFTER: [&str; 10] = [
        ",startDate=",
        ",endDate=",
        ",completeDate=",
        ",activatedDate=",
        ",sequence=",
        ",goal=",
        ",state=",
        ",synced=",
        ",autoStartStop=",
        ",rapidViewId=",
    ];
    let (class, attributes) = text.split_once('[')?;
    if !class.contains(".sprint.Sprint@") {
        return None;
    }
    let (_, name) = attributes.strip_suffix(']')?.split_once(",name=")?;
    let end = AFTER.iter().filter_map(|after| name.find(after)).min().unwrap_or(name.len());
    Some(&name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_issue_reads_in_the_order_of_reading() {
        let value = json!({"id": "1", "key": "GAIA-1", "fields": {
            "description": "first\nsecond",
            "customfield_10200": {"value": "High"},
            "labels": ["a", "b"],
            "assignee": {"name": "developer", "displayName": "Sandbox Developer"},
            "resolution": null,
            "components": [],
            "customfield_1": "GAIA-9",
            "parent": {"id": "2", "key": "GAIA-2", "fields": {"summary": "x"}},
            "issuelinks": [
                {"type": {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}, "outwardIssue": {"key": "GAIA-3"}},
                {"type": {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}, "inwardIssue": {"key": "GAIA-4"}},
            ],
            "status": {"name": "To Do"},
            "summary": "Title",
            "comment": {"comments": [{"body": "hi", "created": "2026-01-01"}]},
        }});
        let Readable::Pairs(pairs) = issue(&value, &Names::new(Some("customfield_1"), None)) else {
            panic!()
        };
        let pairs: Vec<_> = pairs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let expected = [
            ("key", "GAIA-1"),
            ("summary", "Title"),
            ("status", "To Do"),
            ("assignee", "Sandbox Developer"),
            ("labels", "a, b"),
            ("parent", "GAIA-2"),
            ("epic", "GAIA-9"),
            ("links", "blocks GAIA-3, is blocked by GAIA-4"),
            ("description", "first\nsecond"),
            ("customfield_10200", "High"),
            ("comment", "anonymous, 2026-01-01\nhi"),
        ];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn a_sprint_is_known_by_its_name() {
        let sprint = |name: &str| {
            format!(
                "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=5,rapidViewId=3,state=CLOSED,name={name},\
                 startDate=<null>,goal=]"
            )
        };
        for name in ["Sprint 3, part=2 [hardening]", "a", "]["] {
            assert_eq!(words(&json!([sprint(name)])), name);
        }
        assert_eq!(words(&json!("not[a,name=sprint]")), "not[a,name=sprint]");
    }
}
