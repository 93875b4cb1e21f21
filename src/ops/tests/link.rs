use serde_json::json;

use super::*;
use crate::error::Code;
use crate::ops::Change;
use crate::ops::link::{self, LinkArgs, Linked};

async fn run(args: LinkArgs, jira: &Jira) -> Result<Linked, OpError> {
    link::run(args, jira, &Change::default()).await
}

fn args(from: &str, to: &str) -> LinkArgs {
    LinkArgs { from: some(from), to: some(to), ..LinkArgs::default() }
}

fn typed(from: &str, kind: &str, to: &str) -> LinkArgs {
    LinkArgs { link_type: some(kind), ..args(from, to) }
}

/// What Jira shows on an issue's page: the phrases and the other issues.
async fn page(site: &Site, key: &str) -> Vec<String> {
    let issue = site.issue(key).await;
    let links = issue["fields"]["issuelinks"].as_array().unwrap().clone();
    let line = |link: &Value| match link.get("outwardIssue") {
        Some(other) => format!("{} {}", link["type"]["outward"], other["key"]),
        None => format!("{} {}", link["type"]["inward"], link["inwardIssue"]["key"]),
    };
    links.iter().map(|link| line(link).replace('"', "")).collect()
}

#[tokio::test]
async fn the_result_says_what_jiras_page_says() {
    let site = site().await;
    let linked = run(typed("gaia-12", "blocks", "web-9"), &site.jira).await.unwrap();
    assert_eq!(
        serde_json::to_string(&linked).unwrap(),
        r#"{"from":"GAIA-12","to":"WEB-9","type":"Blocks","status":"linked","direction":"GAIA-12 blocks WEB-9"}"#
    );
    assert_eq!(piped(&linked), "linked GAIA-12 -> WEB-9 (Blocks)\n");
    assert_eq!(shown(&linked), ["linked: GAIA-12 blocks WEB-9 (Blocks)"]);
    let bodies = site.bodies();
    assert_eq!(
        bodies[1],
        json!({"type": {"name": "Blocks"}, "inwardIssue": {"key": "GAIA-12"}, "outwardIssue": {"key": "WEB-9"}})
    );
    assert_eq!(page(&site, "GAIA-12").await.last().unwrap(), "blocks WEB-9");
    assert_eq!(page(&site, "WEB-9").await.last().unwrap(), "is blocked by GAIA-12");
}

#[tokio::test]
async fn the_inward_phrase_turns_the_direction() {
    let site = site().await;
    let linked = run(typed("GAIA-12", "Is Blocked By", "WEB-9"), &site.jira).await.unwrap();
    assert_eq!((linked.kind.as_str(), linked.direction.as_str()), ("Blocks", "GAIA-12 is blocked by WEB-9"));
    assert_eq!(page(&site, "GAIA-12").await.last().unwrap(), "is blocked by WEB-9");
    assert_eq!(page(&site, "WEB-9").await.last().unwrap(), "blocks GAIA-12");
}

#[tokio::test]
async fn issues_relate_unless_something_else_is_said() {
    let site = site().await;
    let linked = run(args("GAIA-12", "WEB-9"), &site.jira).await.unwrap();
    assert_eq!((linked.kind.as_str(), linked.direction.as_str()), ("Relates", "GAIA-12 relates to WEB-9"));
    assert_eq!(site.requests(), ["GET /issueLinkType", "POST /issueLink"]);
}

#[tokio::test]
async fn a_comment_goes_along() {
    let site = site().await;
    let with = LinkArgs { comment: some("See **there**"), markdown: Some(true), ..args("GAIA-12", "WEB-9") };
    run(with, &site.jira).await.unwrap();
    let comments = site.issue("GAIA-12").await["fields"]["comment"]["comments"].clone();
    assert_eq!(comments.as_array().unwrap().last().unwrap()["body"], "See *there*");
}

#[tokio::test]
async fn a_link_that_cannot_be_is_refused_before_it_is_sent() {
    let site = site().await;
    for (wrong, code) in [
        (args("GAIA-12", "gaia-12"), Code::BadValue),
        (args("GAIA-12", "../x"), Code::BadKey),
        (args("", "GAIA-12"), Code::BadKey),
        (LinkArgs { to: None, ..args("GAIA-12", "") }, Code::BadFlag),
    ] {
        let failed = failure(run(wrong, &site.jira).await);
        assert_eq!((failed.code, failed.exit_code()), (code, 2), "{failed}");
    }
    assert_eq!(site.requests(), [""; 0]);
    let unknown = failure(run(typed("GAIA-12", "Eats", "WEB-9"), &site.jira).await);
    assert_eq!((unknown.code, unknown.exit_code()), (Code::BadValue, 2));
    assert_eq!(unknown.details.unwrap()["allowed"][0], "Blocks (blocks / is blocked by)");
    assert_eq!(site.requests(), ["GET /issueLinkType"]);
}

#[tokio::test]
async fn an_issue_that_is_not_there_is_told_in_jiras_words() {
    let site = site().await;
    let failed = failure(run(args("GAIA-12", "GAIA-99999"), &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::NotFound, 5));
    assert_eq!(failed.details.unwrap()["errorMessages"], json!(["Issue Does Not Exist"]));
}

#[tokio::test]
async fn a_link_without_an_answer_says_how_to_look() {
    let site = site().await;
    // Of two paths that begin alike the second is the write.
    site.fault(Fault::on("/rest/api/2/issueLink", Action::ProcessThenDrop).method(http::Method::POST));
    let failed = failure(run(args("GAIA-12", "WEB-9"), &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::OutcomeUnknown, 6));
    assert_eq!(failed.hint.unwrap().to_string(), "jira get GAIA-12");
}
