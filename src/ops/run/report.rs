//! The report: what was asked of each issue, and what became of it. It is true at any time while the work
//! goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::error::{Code, Failure};
use crate::jira::issue::Issue;
use crate::jira::key::{Extracted, Ignored, IssueKey};
use crate::output::text::{Readable, Text};

use super::args::Plan;
use super::lookup::Lookup;
use super::same_name;

/// What became of one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Jira did it.
    Done,
    /// It was so before.
    Already,
    /// The issue's workflow does not offer the transition now.
    NotOffered,
    /// Jira refused, or could not be asked.
    Failed,
    /// Jira does not show the issue.
    NotFound,
    /// It was not tried.
    Skipped,
    /// It was sent, and whether Jira did it is not known.
    Unknown,
    /// A dry run: it would be tried.
    Planned,
}

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The issues, in the order of the text.
    pub issues: Vec<IssueReport>,
    /// What looks like a key and was left alone.
    pub ignored: Vec<Ignored>,
    /// Why nothing was tried at all.
    pub(super) abort: Option<Failure>,
    pub(super) lenient: bool,
    pub(super) require_key: bool,
}

/// What became of one issue. An action that was not asked for is absent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IssueReport {
    /// Its key in Jira; the one in the text, if Jira does not show it.
    #[schemars(with = "String")]
    pub key: IssueKey,
    /// The key in the text.
    #[schemars(with = "String")]
    pub requested_key: IssueKey,
    /// Its title.
    pub summary: Option<String>,
    /// The name of its status before.
    pub status_before: Option<String>,
    /// The name of its status after, as far as it is known.
    pub status_after: Option<String>,
    /// The transition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<TransitionReport>,
    /// The assignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<AssigneeReport>,
    /// The comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentReport>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "error_object")]
    #[schemars(schema_with = "error_schema")]
    pub error: Option<Failure>,
    /// Whether Jira has shown it.
    #[serde(skip)]
    pub(super) found: bool,
    /// Whether it was left alone because `--from-status` says so.
    #[serde(skip)]
    pub(super) excluded: bool,
    /// The entry that stands for the same issue under another key.
    #[serde(skip)]
    pub(super) same_as: Option<usize>,
}

/// What became of a transition.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TransitionReport {
    /// What became of it.
    pub result: Outcome,
    /// The name of the transition; what was asked for, if none was chosen.
    pub name: String,
    /// The name of the status that it leads to.
    pub to: Option<String>,
    /// With `not_offered`: what is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered: Option<Vec<Offer>>,
}

/// A transition that is offered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// The name of the status that it leads to.
    pub to: Option<String>,
}

/// What became of an assignment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AssigneeReport {
    /// What became of it.
    pub result: Outcome,
    /// The login name.
    pub name: String,
}

/// What became of a comment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CommentReport {
    /// What became of it.
    pub result: Outcome,
    /// Jira's id of it.
    pub id: Option<String>,
}

/// How many issues ended how, by the worst of what was asked of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the outcomes'")]
pub struct Counts {
    pub issues: usize,
    pub done: usize,
    pub already: usize,
    pub planned: usize,
    pub not_offered: usize,
    pub not_found: usize,
    pub failed: usize,
    pub unknown: usize,
    pub skipped: usize,
}

impl Report {
    /// How many issues ended how. An issue of which nothing was asked, and which was found, counts in
    /// `issues` alone.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { issues: self.issues.len(), ..Counts::default() };
        for issue in &self.issues {
            match issue.outcome() {
                None => {}
                Some(Outcome::Done) => counts.done += 1,
                Some(Outcome::Already) => counts.already += 1,
                Some(Outcome::Planned) => counts.planned += 1,
                Some(Outcome::NotOffered) => counts.not_offered += 1,
                Some(Outcome::NotFound) => counts.not_found += 1,
                Some(Outcome::Failed) => counts.failed += 1,
                Some(Outcome::Unknown) => counts.unknown += 1,
                Some(Outcome::Skipped) => counts.skipped += 1,
            }
        }
        counts
    }
}

impl IssueReport {
    fn new(key: &IssueKey, plan: &Plan) -> Self {
        let result = Outcome::Skipped;
        let transition =
            |name: &String| TransitionReport { result, name: name.clone(), to: None, offered: None };
        IssueReport {
            key: key.clone(),
            requested_key: key.clone(),
            summary: None,
            status_before: None,
            status_after: None,
            transition: plan.transition.as_ref().map(transition),
            assignee: plan.assignee.as_ref().map(|name| AssigneeReport { result, name: name.clone() }),
            comment: plan.comment.as_ref().map(|_| CommentReport { result, id: None }),
            error: None,
            found: false,
            excluded: false,
            same_as: None,
        }
    }

    /// The outcomes of what was asked for.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = Outcome> {
        let transition = self.transition.as_ref().map(|transition| transition.result);
        let assignee = self.assignee.as_ref().map(|assignee| assignee.result);
        let comment = self.comment.as_ref().map(|comment| comment.result);
        [transition, assignee, comment].into_iter().flatten()
    }

    /// The worst of its outcomes; none if nothing was asked of an issue that was found.
    pub fn outcome(&self) -> Option<Outcome> {
        const WORST_FIRST: [Outcome; 8] = [
            Outcome::Failed,
            Outcome::Unknown,
            Outcome::NotFound,
            Outcome::NotOffered,
            Outcome::Skipped,
            Outcome::Planned,
            Outcome::Done,
            Outcome::Already,
        ];
        let worst = WORST_FIRST.into_iter().find(|worst| self.outcomes().any(|outcome| outcome == *worst));
        match (&worst, &self.error) {
            (None, Some(error)) if error.code == Code::NotFound => Some(Outcome::NotFound),
            (None, Some(_)) => Some(Outcome::Failed),
            (None, None) if !self.found => Some(Outcome::Skipped),
            _ => worst,
        }
    }

    /// Sets the same outcome for everything that was asked for.
    fn all(&mut self, outcome: Outcome) {
        self.change_all(|_| outcome);
    }

    fn change_all(&mut self, change: impl Fn(Outcome) -> Outcome) {
        let transition = self.transition.iter_mut().map(|transition| &mut transition.result);
        let assignee = self.assignee.iter_mut().map(|assignee| &mut assignee.result);
        let comment = self.comment.iter_mut().map(|comment| &mut comment.result);
        transition.chain(assignee).chain(comment).for_each(|result| *result = change(*result));
    }
}

fn error_object<S: Serializer>(error: &Option<Failure>, serializer: S) -> Result<S::Ok, S::Error> {
    error.as_ref().map(Failure::to_json).serialize(serializer)
}

/// The report as it is written.
#[derive(Serialize, JsonSchema)]
struct Shape<'a> {
    issues: &'a [IssueReport],
    ignored: &'a [Ignored],
    counts: Counts,
}

fn error_schema(_: &mut SchemaGenerator) -> Schema {
    crate::error::schema::object().try_into().unwrap_or_default()
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shape { issues: &self.issues, ignored: &self.ignored, counts: self.counts() }.serialize(serializer)
    }
}

impl JsonSchema for Report {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Report".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Shape::json_schema(generator)
    }
}

impl Text for Report {
    fn text(&self) -> Readable {
        Readable::Rows {
            header: vec!["KEY", "STATUS", "TRANSITION", "ASSIGNEE", "COMMENT", "SUMMARY"],
            rows: self.issues.iter().map(IssueReport::row).collect(),
        }
    }
}

impl IssueReport {
    fn row(&self) -> Vec<String> {
        let status = match (&self.status_before, &self.status_after) {
            (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
            (before, _) => before.clone().unwrap_or_default(),
        };
        let word = |result: Option<Outcome>| result.map(Outcome::words).unwrap_or_default().to_owned();
        // Where no action is there to say it.
        let nothing_asked = self.outcomes().next().is_none();
        let summary = match (&self.summary, self.outcome()) {
            (None, Some(outcome)) if nothing_asked => outcome.words().to_owned(),
            (summary, _) => summary.clone().unwrap_or_default(),
        };
        vec![
            self.key.to_string(),
            status,
            word(self.transition.as_ref().map(|transition| transition.result)),
            word(self.assignee.as_ref().map(|assignee| assignee.result)),
            word(self.comment.as_ref().map(|comment| comment.result)),
            summary,
        ]
    }
}

impl Outcome {
    /// As people say it.
    fn words(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Already => "already",
            Outcome::NotOffered => "not offered",
            Outcome::Failed => "failed",
            Outcome::NotFound => "not found",
            Outcome::Skipped => "skipped",
            Outcome::Unknown => "unknown",
            Outcome::Planned => "planned",
        }
    }
}

/// The report while it is being made. Clones are the same one; whoever ends the command keeps one.
#[derive(Clone, Debug, Default)]
pub struct RunProgress(Arc<Mutex<Report>>);

impl RunProgress {
    /// Nothing has begun.
    pub fn new() -> Self {
        RunProgress::default()
    }

    /// The report as it stands.
    pub fn report(&self) -> Report {
        let mut report = self.lock().clone();
        for at in 0..report.issues.len() {
            if let Some(same) = report.issues[at].same_as {
                let mut entry = report.issues[same].clone();
                entry.requested_key = report.issues[at].requested_key.clone();
                // It was done once, for the key that came first.
                entry.change_all(|outcome| if outcome == Outcome::Done { Outcome::Already } else { outcome });
                report.issues[at] = entry;
            }
        }
        report
    }

    pub(super) fn begin(&self, plan: &Plan, extracted: Extracted) {
        let Extracted { keys, ignored } = extracted;
        let mut report = self.lock();
        report.issues = keys.iter().map(|key| IssueReport::new(key, plan)).collect();
        report.ignored = ignored;
        report.lenient = plan.lenient;
        report.require_key = plan.require_key;
    }

    pub(super) fn keys(&self) -> Vec<IssueKey> {
        self.lock().issues.iter().map(|issue| issue.requested_key.clone()).collect()
    }

    pub(super) fn abort(&self, failure: Failure) {
        self.lock().abort = Some(failure);
    }

    /// Notes what Jira says of a key, and hands the issue on if it was found.
    pub(super) fn looked_up(&self, at: usize, lookup: Lookup, plan: &Plan) -> Option<Issue> {
        self.update(at, |entry| match &lookup {
            Lookup::Found(issue) => entry.show(issue, plan),
            Lookup::NotFound => {
                let message = format!("Jira shows no issue {}", entry.requested_key);
                entry.all(Outcome::NotFound);
                entry.error = Some(Failure::new(Code::NotFound, message));
            }
            Lookup::Failed(failure) => {
                entry.all(Outcome::Failed);
                entry.error = Some(failure.clone());
            }
        });
        match lookup {
            Lookup::Found(issue) => Some(issue),
            Lookup::NotFound | Lookup::Failed(_) => None,
        }
    }

    pub(super) fn same_as(&self, at: usize, same: usize) {
        self.update(at, |entry| entry.same_as = Some(same));
    }

    pub(super) fn update(&self, at: usize, change: impl FnOnce(&mut IssueReport)) {
        if let Some(entry) = self.lock().issues.get_mut(at) {
            change(entry);
        }
    }

    /// Whether issues were found, and none of them is in the status that `--from-status` names.
    pub(super) fn all_excluded(&self) -> bool {
        let report = self.lock();
        let mut found = report.issues.iter().filter(|entry| entry.found).peekable();
        found.peek().is_some() && found.all(|entry| entry.excluded)
    }

    pub(super) fn excluded(&self, at: usize) -> bool {
        self.lock().issues.get(at).is_some_and(|entry| entry.excluded)
    }

    /// A change of the report is one assignment after the other; there is none that a panic could leave
    /// half done and that would matter.
    fn lock(&self) -> MutexGuard<'_, Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IssueReport {
    fn show(&mut self, issue: &Issue, plan: &Plan) {
        self.found = true;
        self.key = issue.key.clone();
        self.summary.clone_from(&issue.summary);
        self.status_before.clone_from(&issue.status);
        self.status_after.clone_from(&issue.status);
        self.excluded = plan
            .from_status
            .as_ref()
            .is_some_and(|from| issue.status.as_ref().is_none_or(|status| !same_name(status, from)));
    }
}
