//! Accounts: who asks, and whom a name stands for.

use serde_json::Value;

use super::{Jira, JiraError, Request};

/// The account that Jira sees behind the credential, as Jira describes it.
pub async fn myself(jira: &Jira) -> Result<Value, JiraError> {
    let request = Request::get("/rest/api/2/myself");
    let user = jira.send(&request).await?.into_json();
    if name(&user).is_none() {
        return Err(JiraError::Unexpected { request: request.title(), missing: "name" });
    }
    Ok(user)
}

/// The account with this login name, as Jira spells the name; none if there is no such account.
pub async fn by_name(jira: &Jira, login: &str) -> Result<Option<String>, JiraError> {
    let request = Request::get("/rest/api/2/user").query("username", login);
    let user = match jira.send(&request).await {
        Err(JiraError::Refused { status: 404, .. }) => return Ok(None),
        answer => answer?.into_json(),
    };
    match name(&user) {
        Some(name) => Ok(Some(name.to_owned())),
        None => Err(JiraError::Unexpected { request: request.title(), missing: "name" }),
    }
}

/// The login name of a user object.
pub fn name(user: &Value) -> Option<&str> {
    user["name"].as_str()
}
