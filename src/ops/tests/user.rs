use serde_json::json;

use super::*;
use crate::error::Code;
use crate::jira::user::{by_name, myself};

#[tokio::test]
async fn myself_is_jiras_own_object() {
    let site = site().await;
    let me = myself(&site.jira).await.unwrap();
    assert_eq!((&me["name"], &me["displayName"]), (&json!("developer"), &json!("Sandbox Developer")));
    assert!(me["groups"].is_object());
}

#[tokio::test]
async fn a_user_is_known_by_the_name_that_jira_spells() {
    let site = site().await;
    assert_eq!(by_name(&site.jira, "LEAD").await.unwrap().as_deref(), Some("lead"));
    assert_eq!(by_name(&site.jira, "nobody at all").await.unwrap(), None);
}

#[tokio::test]
async fn something_that_is_no_user_is_no_jira() {
    let site = site().await;
    site.answer("/rest/api/2/myself", 200, json!({"hello": "world"}));
    let failed = Failure::from(myself(&site.jira).await.unwrap_err());
    assert_eq!(failed.code, Code::NotJira);
}
