//! Links between issues: which types there are, and which of two issues stands at which end.
//!
//! A type has two phrases, and a link reads from its inward to its outward issue: with `inwardIssue` A,
//! `outwardIssue` B and the type Blocks, "A blocks B". Jira shows A's page "blocks B" and B's "is blocked by A".

use http::Method;
use serde_json::{Value, json};

use super::issue::identifier;
use super::key::IssueRef;
use super::{Jira, JiraError, Request};

/// A type of links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkType {
    /// What Jira is told.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What the outward issue is to the inward one: "is blocked by".
    pub inward: String,
    /// What the inward issue is to the outward one: "blocks".
    pub outward: String,
}

/// The types of this Jira.
pub async fn types(jira: &Jira) -> Result<Vec<LinkType>, JiraError> {
    let request = Request::get("/rest/api/2/issueLinkType");
    let answer = jira.send(&request).await?.into_json();
    let Some(types) = answer["issueLinkTypes"].as_array() else {
        return Err(JiraError::Unexpected { request: request.title(), missing: "issueLinkTypes" });
    };
    Ok(types.iter().filter_map(parse).collect())
}

fn parse(value: &Value) -> Option<LinkType> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Some(LinkType {
        id: identifier(&value["id"])?,
        name: text("name")?,
        inward: text("inward")?,
        outward: text("outward")?,
    })
}

/// Links two issues, so that "`inward` *outward phrase* `outward`" holds; the comment goes to one of them.
pub fn link(kind: &LinkType, inward: &IssueRef, outward: &IssueRef, comment: Option<&str>) -> Request {
    let mut body = json!({
        "type": { "name": kind.name },
        "inwardIssue": inward.object(),
        "outwardIssue": outward.object(),
    });
    if let Some(text) = comment {
        body["comment"] = json!({ "body": text });
    }
    Request::change(Method::POST, "/rest/api/2/issueLink", body)
}
