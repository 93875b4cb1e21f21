//! Looks the keys up: one search for up to 50 of them, and a single question for each key that it leaves
//! open.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};

use crate::error::Failure;
use crate::jira::JiraError;
use crate::jira::issue::{self, Issue};
use crate::jira::key::{IssueKey, IssueRef};
use crate::jira::paging::{self, Query};

use super::{AT_ONCE, Gate};

/// Keys in one search. One key that does not exist makes the whole search a refusal, unless it is asked
/// not to validate.
const CHUNK: usize = 50;

/// What must be known of an issue. `updated` tells a comment of ours from an older one.
const FIELDS: [&str; 4] = ["summary", "status", "assignee", "updated"];

/// What Jira says of one key.
pub(super) enum Lookup {
    Found(Issue),
    NotFound,
    Failed(Failure),
}

/// An issue that was found, and the place of its key in the text.
pub(super) struct Found {
    pub at: usize,
    pub issue: Issue,
}

/// Looks all keys up, tells of each as soon as it is known, and returns what was found in the order of the
/// text.
pub(super) async fn lookup(
    gate: &Gate<'_>,
    keys: &[IssueKey],
    tell: impl Fn(usize, Lookup) -> Option<Issue>,
) -> Vec<Found> {
    let chunks = keys.chunks(CHUNK).enumerate().map(|(number, chunk)| {
        let tell = &tell;
        async move {
            let looked_up = search(gate, chunk).await.into_iter().enumerate();
            let told = looked_up.map(|(at, lookup)| (number * CHUNK + at, lookup));
            told.filter_map(|(at, lookup)| Some(Found { at, issue: tell(at, lookup)? })).collect::<Vec<_>>()
        }
    });
    stream::iter(chunks).buffered(AT_ONCE).concat().await
}

async fn search(gate: &Gate<'_>, keys: &[IssueKey]) -> Vec<Lookup> {
    // In quotes: a project may be called as a word of the query language.
    let quoted: Vec<_> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    let query = Query {
        jql: format!("key in ({})", quoted.join(", ")),
        fields: FIELDS.map(str::to_owned).to_vec(),
        expand: vec!["transitions"],
        forgiving: true,
    };
    let page =
        match gate.with(|jira| async move { paging::page(jira, &query, 0, keys.len() as u64).await }).await {
            Ok(page) => page,
            Err(error) => {
                let failure = Failure::from(error);
                return keys.iter().map(|_| Lookup::Failed(failure.clone())).collect();
            }
        };
    let issues = page.issues.iter().filter_map(Issue::parse);
    let mut by_key: HashMap<IssueKey, Issue> = issues.map(|issue| (issue.key.clone(), issue)).collect();
    // Nothing that nobody asked for is believed: it may be what is left of the query when Jira drops a clause
    // that it does not understand. A key that is missing is asked for by itself: the issue may have moved,
    // or be too young for Jira's index. That costs no more than its change would have.
    let settle = keys.iter().map(|key| (key, by_key.remove(key))).map(|(key, issue)| async move {
        match issue {
            Some(issue) => Lookup::Found(issue),
            None => ask(gate, key).await,
        }
    });
    stream::iter(settle).buffered(AT_ONCE).collect().await
}

/// Asks for one key. Jira knows the old keys of an issue that has moved.
async fn ask(gate: &Gate<'_>, key: &IssueKey) -> Lookup {
    let request = issue::get(&IssueRef::Key(key.clone()))
        .query("fields", FIELDS.join(","))
        .query("expand", "transitions");
    match gate.send(&request).await {
        Ok(answer) => match Issue::parse(answer.json()) {
            Some(issue) => Lookup::Found(issue),
            None => {
                let error = JiraError::Unexpected { request: request.title(), missing: "key" };
                Lookup::Failed(error.into())
            }
        },
        // Jira does not tell "no such project" from "not for you" either.
        Err(JiraError::Refused { status: 403 | 404, .. }) => Lookup::NotFound,
        Err(error) => Lookup::Failed(error.into()),
    }
}
