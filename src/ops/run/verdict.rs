//! What a report comes to: the exit code.

use serde_json::{Value, json};

use crate::error::{Code, Failure, Hint};

use super::report::{IssueReport, Outcome, Report};

/// Keys that a hint or a message names; more would be no help.
const NAMED: usize = 10;

impl Report {
    /// What the run failed with; none if everything that was asked for is done, or was so already.
    ///
    /// If nothing was changed and all failures are of one kind, it is that kind's; otherwise it is
    /// `partial`. A lenient run forgives issues that are not found and transitions that are not offered,
    /// but not that no issue was found at all.
    pub fn failure(&self) -> Option<Failure> {
        if let Some(abort) = &self.abort {
            return Some(abort.clone());
        }
        if self.issues.is_empty() {
            return self.require_key.then(|| Failure::new(Code::NoKey, self.no_key_message()));
        }
        let not_found = self.issues.iter().filter(|issue| issue.outcome() == Some(Outcome::NotFound));
        if not_found.count() == self.issues.len() {
            return Some(self.nothing_found());
        }
        let problems: Vec<_> = self.issues.iter().filter_map(|issue| problem(issue, self.lenient)).collect();
        let (_, first) = problems.first()?;
        let changed =
            self.issues.iter().flat_map(IssueReport::outcomes).any(|outcome| outcome == Outcome::Done);
        let one_kind = problems.iter().all(|(_, failure)| failure.code.kind() == first.code.kind());
        if changed || !one_kind {
            return Some(self.partial(&problems));
        }
        Some(match problems.len() {
            1 => first.clone(),
            many => together(first, many, self.issues.len(), &problems),
        })
    }

    /// What it did, for whoever cannot read the report: in words, its counts and the keys of what was changed or
    /// may have been, and how to look.
    pub fn in_short(&self) -> (String, Value, Option<Hint>) {
        let changed: Vec<_> = self.issues.iter().filter(|issue| may_have_changed(issue)).collect();
        let changed: Vec<_> = changed.into_iter().map(|issue| issue.key.to_string()).collect();
        let what = match changed.len() {
            0 => "the run changed nothing".to_owned(),
            some => format!("the run changed, or may have changed, {some} of {} issues", self.issues.len()),
        };
        let look = Hint::Look { keys: changed.iter().take(NAMED).cloned().collect() };
        let look = Some(look).filter(|_| !changed.is_empty());
        (what, json!({ "counts": self.counts(), "changed": changed }), look)
    }

    /// What it means that the run was cut short: if a change was made or may have been, the same command must
    /// not simply be run again. `written`: the report has gone out, as far as that can be known by now; the keys
    /// are named all the same, for nobody may read it.
    pub fn cut_short(&self, written: bool) -> Option<Failure> {
        let (_, details, look) = self.in_short();
        let says = match written {
            true => "the report says what is done",
            false => "its report could not be written, and details says what it has changed or may have",
        };
        let done = self.issues.iter().flat_map(IssueReport::outcomes).any(|outcome| outcome == Outcome::Done);
        let when = match done {
            true => "after it had changed something",
            // A change was sent and not answered.
            false => "when it may have changed something",
        };
        let text = format!("the run was cut short {when}; {says}");
        Some(Failure::new(Code::Partial, text).details(details).hint(look?))
    }

    /// What is worth a warning: code and message.
    pub fn warnings(&self) -> Vec<(&'static str, String)> {
        if self.issues.is_empty() {
            return if self.require_key { Vec::new() } else { vec![("no_key", self.no_key_message())] };
        }
        let asked = self.issues.iter().any(|issue| issue.outcomes().next().is_some());
        match asked {
            true => Vec::new(),
            // Everything that was asked for is done; but whoever set an empty variable should hear of it.
            false => vec![(
                "nothing_asked",
                "the issues were looked up and nothing else, for no --to-transition, --assignee or --comment was given"
                    .to_owned(),
            )],
        }
    }

    fn no_key_message(&self) -> String {
        match self.ignored.len() {
            0 => "there is no issue key in the text".to_owned(),
            _ => {
                let names: Vec<_> =
                    self.ignored.iter().take(NAMED).map(|ignored| ignored.key.as_str()).collect();
                format!("there is no issue key in the text; {} only looks like one", names.join(", "))
            }
        }
    }

    fn nothing_found(&self) -> Failure {
        let keys: Vec<_> =
            self.issues.iter().take(NAMED).map(|issue| issue.requested_key.to_string()).collect();
        let more = if self.issues.len() > NAMED { " and others" } else { "" };
        Failure::new(Code::NotFound, format!("Jira shows none of the issues: {}{more}", keys.join(", ")))
    }

    fn partial(&self, problems: &[(&IssueReport, Failure)]) -> Failure {
        let (_, first) = &problems[0];
        let message = format!(
            "{} of {} issues are not known to be done; the first: {}",
            problems.len(),
            self.issues.len(),
            first.message
        );
        Failure::new(Code::Partial, message).hint(look(problems)).details(json!({ "counts": self.counts() }))
    }
}

fn may_have_changed(issue: &IssueReport) -> bool {
    issue.outcomes().any(|outcome| matches!(outcome, Outcome::Done | Outcome::Unknown))
}

/// Several failures of one kind, in the words of the first.
fn together(first: &Failure, many: usize, of: usize, problems: &[(&IssueReport, Failure)]) -> Failure {
    let mut failure = first.clone();
    failure.message = format!("{many} of {of} issues failed; the first: {}", first.message);
    failure.retry_after = problems.iter().filter_map(|(_, failure)| failure.retry_after).max();
    failure
}

fn look(problems: &[(&IssueReport, Failure)]) -> Hint {
    let found = problems.iter().filter(|(issue, _)| issue.found);
    let keys: Vec<_> = found.take(NAMED).map(|(issue, _)| issue.key.to_string()).collect();
    match keys.is_empty() {
        true => Hint::Help("run"),
        false => Hint::Look { keys },
    }
}

/// What is wrong with an issue, if that is not forgiven.
fn problem(issue: &IssueReport, lenient: bool) -> Option<(&IssueReport, Failure)> {
    let key = &issue.key;
    let unfinished = |code, what: &str| Failure::new(code, format!("{key}: {what}"));
    let failure = match issue.outcome()? {
        Outcome::Done | Outcome::Already | Outcome::Planned => return None,
        Outcome::Skipped if issue.excluded => return None,
        Outcome::NotFound | Outcome::NotOffered if lenient => return None,
        Outcome::NotOffered => not_offered(issue),
        Outcome::Skipped => unfinished(Code::Partial, "it was not tried"),
        Outcome::Unknown => unfinished(Code::OutcomeUnknown, "a change was sent and not answered"),
        Outcome::Failed | Outcome::NotFound => unfinished(Code::Partial, "it is not done"),
    };
    Some((issue, issue.error.clone().unwrap_or(failure)))
}

fn not_offered(issue: &IssueReport) -> Failure {
    let offered = issue.transition.iter().flat_map(|transition| transition.offered.iter().flatten());
    let offered: Vec<_> = offered.map(|offer| format!("\"{}\"", offer.name)).collect();
    let name = issue.transition.as_ref().map(|transition| transition.name.as_str()).unwrap_or_default();
    let status = issue.status_before.as_deref().unwrap_or("its status");
    let message = match offered.is_empty() {
        true => format!("{}: no transition is offered from \"{status}\"", issue.key),
        false => {
            format!("{}: \"{name}\" is not offered from \"{status}\", but {}", issue.key, offered.join(", "))
        }
    };
    Failure::new(Code::Partial, message).hint(Hint::Look { keys: vec![issue.key.to_string()] })
}
