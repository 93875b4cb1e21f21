//! What can be set on an issue: the fields of this Jira, and those on the screen for creating or editing one,
//! with what each of them takes.
//!
//! The screens are asked for issue type by issue type: the call that described all projects at once is gone
//! since Jira 9, and was the slowest one there was.

use serde_json::Value;

use super::issue::identifier;
use super::key::{IssueRef, ProjectRef};
use super::{Jira, JiraError, Request};

/// The marks by which Jira Software's own fields are known, whatever their ids and names are.
pub const EPIC_LINK: &str = "com.pyxis.greenhopper.jira:gh-epic-link";
/// The same for the sprint.
pub const SPRINT: &str = "com.pyxis.greenhopper.jira:gh-sprint";
/// The same for the rank, which only dragging sets.
pub const RANK: &str = "com.pyxis.greenhopper.jira:gh-lexo-rank";

/// The most fields or types that are asked for at once; Jira gives fewer where it has a lower cap.
const PAGE: u64 = 200;

/// A field, and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// `summary`, `customfield_10101`.
    pub id: String,
    /// What people call it; not unique.
    pub name: String,
    /// What it holds.
    pub schema: Schema,
    /// The values it takes, where they are a list; only a screen knows.
    pub allowed: Option<Vec<Value>>,
    /// Whether it must hold something; only a screen knows.
    pub required: bool,
}

/// What a field holds, in Jira's words. Some fields have none of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// `string`, `number`, `option`, `array` and so on.
    pub kind: String,
    /// What an array holds.
    pub items: String,
    /// The type of a custom field.
    pub custom: String,
}

/// A type of issues in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueType {
    /// What Jira is told: digits.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether its issues need a parent.
    pub subtask: bool,
}

/// Every field of this Jira.
pub async fn fields(jira: &Jira) -> Result<Vec<Field>, JiraError> {
    let request = Request::get("/rest/api/2/field");
    match jira.send(&request).await?.into_json() {
        Value::Array(fields) => Ok(fields.iter().filter_map(|field| parse(field, "id")).collect()),
        _ => Err(JiraError::Unexpected { request: request.title(), missing: "fields" }),
    }
}

/// The types of issues that this account may create in a project: none if it may not, or if there is no such
/// project.
pub async fn issue_types(jira: &Jira, project: &ProjectRef) -> Result<Vec<IssueType>, JiraError> {
    let path = format!("/rest/api/2/issue/createmeta/{project}/issuetypes");
    let types = pages(jira, &path).await?;
    let parse = |value: &Value| {
        // It goes into a path.
        let id = identifier(&value["id"]).filter(|id| is_number(id))?;
        let subtask = value["subtask"].as_bool().unwrap_or(false);
        Some(IssueType { id, name: value["name"].as_str()?.to_owned(), subtask })
    };
    Ok(types.iter().filter_map(parse).collect())
}

/// What can be set on a new issue of a type.
pub async fn create_screen(
    jira: &Jira,
    project: &ProjectRef,
    kind: &IssueType,
) -> Result<Vec<Field>, JiraError> {
    let path = format!("/rest/api/2/issue/createmeta/{project}/issuetypes/{}", kind.id);
    let fields = pages(jira, &path).await?;
    Ok(fields.iter().filter_map(|field| parse(field, "fieldId")).collect())
}

/// What can be changed on an issue.
pub async fn edit_screen(jira: &Jira, issue: &IssueRef) -> Result<Vec<Field>, JiraError> {
    let request = Request::get(format!("/rest/api/2/issue/{issue}/editmeta"));
    let answer = jira.send(&request).await?.into_json();
    let Some(fields) = answer["fields"].as_object() else {
        return Err(JiraError::Unexpected { request: request.title(), missing: "fields" });
    };
    let named = fields.iter().map(|(id, field)| {
        let mut field = field.clone();
        field["fieldId"] = id.as_str().into();
        field
    });
    Ok(named.filter_map(|field| parse(&field, "fieldId")).collect())
}

/// All values of a list that comes in pages.
async fn pages(jira: &Jira, path: &str) -> Result<Vec<Value>, JiraError> {
    let mut values: Vec<Value> = Vec::new();
    loop {
        let request = Request::get(path)
            .query("startAt", values.len().to_string())
            .query("maxResults", PAGE.to_string());
        let mut page = jira.send(&request).await?.into_json();
        let Value::Array(mut came) = page["values"].take() else {
            return Err(JiraError::Unexpected { request: request.title(), missing: "values" });
        };
        let empty = came.is_empty();
        values.append(&mut came);
        let all = page["total"].as_u64().is_some_and(|total| values.len() as u64 >= total);
        if empty || all || page["isLast"] == true {
            return Ok(values);
        }
    }
}

fn parse(field: &Value, id: &str) -> Option<Field> {
    let word = |name: &str| field["schema"][name].as_str().unwrap_or_default().to_owned();
    Some(Field {
        id: field[id].as_str()?.to_owned(),
        name: field["name"].as_str()?.to_owned(),
        schema: Schema { kind: word("type"), items: word("items"), custom: word("custom") },
        allowed: field["allowedValues"].as_array().cloned(),
        required: field["required"].as_bool().unwrap_or(false),
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
