//! The changes of one issue: transition, assignee, comment, one after the other. One that fails skips the
//! rest of that issue, and of no other.

use jiff::Timestamp;
use serde_json::Value;

use crate::error::Failure;
use crate::jira::issue::{self, Issue, Transition};
use crate::jira::key::IssueRef;
use crate::jira::{Flight, JiraError, Note, Request, user};

use super::args::Plan;
use super::report::{IssueReport, Offer, Outcome, RunProgress};
use super::{Facts, Gate, myself, same_name};

/// How many of the newest comments are looked through for one that is there already.
const NEWEST: u64 = 20;

/// Changes issues, and says in the report what became of it.
pub(super) struct Actor<'a> {
    pub plan: &'a Plan,
    pub facts: &'a Facts,
    pub gate: &'a Gate<'a>,
    pub progress: &'a RunProgress,
}

/// The rest of the issue is skipped; why is in the report.
struct Skip;

/// What became of a change that was sent.
enum Sent {
    Done(Value),
    /// Jira may have done it.
    Unknown(Failure),
    /// It may have done it as nobody; there is no use in looking.
    Anonymous(Failure),
    Failed(Failure),
}

impl Actor<'_> {
    /// Does to one issue what is asked for.
    pub async fn act(&self, at: usize, issue: Issue) {
        if self.progress.excluded(at) {
            return;
        }
        let all = async {
            if let Some(wanted) = &self.plan.transition {
                self.transition(at, &issue, wanted).await?;
            }
            if let Some(login) = &self.facts.assignee {
                self.assign(at, &issue, login).await?;
            }
            if let Some(body) = &self.plan.comment {
                self.comment(at, &issue, body).await?;
            }
            Ok::<(), Skip>(())
        };
        // What stopped it stands in the report.
        let _ = all.await;
    }

    async fn transition(&self, at: usize, issue: &Issue, wanted: &str) -> Result<(), Skip> {
        if let Some(status) = issue.status.as_ref().filter(|status| same_name(status, wanted)) {
            self.set_transition(at, Outcome::Already, None, Some(status.clone()));
            return Ok(());
        }
        let offered = match &issue.transitions {
            Some(offered) if !offered.is_empty() => offered.clone(),
            _ => match self.gate.send(&issue::offered(&issue.key)).await {
                Ok(answer) => issue::transitions(answer.json()).unwrap_or_default(),
                Err(error) => {
                    self.set_transition(at, Outcome::Failed, None, None);
                    return self.fail(at, error.into());
                }
            },
        };
        let Some(chosen) = choose(&offered, wanted) else {
            self.set_transition(at, Outcome::NotOffered, None, None);
            self.offer(at, offered);
            // Forgiven, it is no failure: the rest is done, as go-jira does it.
            return if self.plan.lenient { Ok(()) } else { Err(Skip) };
        };
        let (name, to) = (Some(chosen.name.clone()), chosen.to.clone());
        if self.plan.dry_run {
            self.set_transition(at, Outcome::Planned, name, to);
            return Ok(());
        }
        let request = issue::transit(&issue.key, &chosen.id, self.facts.resolution.as_deref());
        let note = |flight| {
            self.set_transition(at, in_flight(flight), name.clone(), to.clone());
            let status = issue.status.clone().filter(|_| flight == Flight::Back);
            self.progress.update(at, |entry| entry.status_after = status);
        };
        let (outcome, status, failure) = match self.send(&request, &note).await {
            Sent::Done(_) => (Outcome::Done, to.clone(), None),
            Sent::Failed(failure) => (Outcome::Failed, issue.status.clone(), Some(failure)),
            Sent::Anonymous(failure) => (Outcome::Unknown, None, Some(failure)),
            Sent::Unknown(failure) => match self.status_now(issue).await {
                Some(now) if to.as_ref() == Some(&now) && issue.status.as_ref() != Some(&now) => {
                    (Outcome::Done, Some(now), None)
                }
                now => (Outcome::Unknown, now, Some(failure)),
            },
        };
        self.progress.update(at, |entry| {
            set_transition(entry, outcome);
            entry.status_after = status;
        });
        failure.map_or(Ok(()), |failure| self.fail(at, failure))
    }

    async fn assign(&self, at: usize, issue: &Issue, login: &str) -> Result<(), Skip> {
        let set = |outcome| {
            self.progress.update(at, |entry| {
                if let Some(assignee) = &mut entry.assignee {
                    assignee.result = outcome;
                    assignee.name = login.to_owned();
                }
            });
        };
        if issue.assignee.as_deref() == Some(login) {
            set(Outcome::Already);
            return Ok(());
        }
        if self.plan.dry_run {
            set(Outcome::Planned);
            return Ok(());
        }
        let sent = self.send(&issue::assign(&issue.key, login), &|flight| set(in_flight(flight))).await;
        let (outcome, failure) = match sent {
            Sent::Done(_) => (Outcome::Done, None),
            Sent::Failed(failure) => (Outcome::Failed, Some(failure)),
            Sent::Anonymous(failure) => (Outcome::Unknown, Some(failure)),
            Sent::Unknown(failure) => match self.look(issue, "assignee").await {
                Some(now) if now.assignee.as_deref() == Some(login) => (Outcome::Done, None),
                _ => (Outcome::Unknown, Some(failure)),
            },
        };
        set(outcome);
        failure.map_or(Ok(()), |failure| self.fail(at, failure))
    }

    async fn comment(&self, at: usize, issue: &Issue, body: &str) -> Result<(), Skip> {
        let set = |outcome, id: Option<String>| {
            self.progress.update(at, |entry| {
                if let Some(comment) = &mut entry.comment {
                    comment.result = outcome;
                    comment.id = id;
                }
            });
        };
        if let Some(me) = self.facts.me.as_ref().filter(|_| self.plan.comment_once) {
            match self.newest_comments(issue).await {
                Err(error) => {
                    set(Outcome::Failed, None);
                    return self.fail(at, error.into());
                }
                Ok(comments) => {
                    if let Some(same) = comments.iter().find(|comment| is_ours(comment, me, body)) {
                        set(Outcome::Already, issue::identifier(&same["id"]));
                        return Ok(());
                    }
                }
            }
        }
        if self.plan.dry_run {
            set(Outcome::Planned, None);
            return Ok(());
        }
        let note = |flight| set(in_flight(flight), None);
        let sent = self.send(&issue::comment(&issue.key, body), &note).await;
        let (outcome, id, failure) = match sent {
            Sent::Done(comment) => (Outcome::Done, issue::identifier(&comment["id"]), None),
            Sent::Failed(failure) => (Outcome::Failed, None, Some(failure)),
            Sent::Anonymous(failure) => (Outcome::Unknown, None, Some(failure)),
            Sent::Unknown(failure) => match self.find_comment(issue, body).await {
                Some(comment) => (Outcome::Done, issue::identifier(&comment["id"]), None),
                None => (Outcome::Unknown, None, Some(failure)),
            },
        };
        set(outcome, id);
        failure.map_or(Ok(()), |failure| self.fail(at, failure))
    }

    /// Sends a change; `note` is told where it is.
    async fn send(&self, request: &Request, note: &Note<'_>) -> Sent {
        match self.gate.send_noting(request, note).await {
            Ok(answer) => Sent::Done(answer.into_json()),
            Err(error @ JiraError::OutcomeUnknown { .. }) => Sent::Unknown(error.into()),
            Err(error @ JiraError::AnonymousWrite { .. }) => Sent::Anonymous(error.into()),
            Err(error) => Sent::Failed(error.into()),
        }
    }

    /// Looks what has become of an issue; none if that cannot be seen.
    async fn look(&self, issue: &Issue, field: &str) -> Option<Issue> {
        let request = issue::get(&IssueRef::Key(issue.key.clone())).query("fields", field);
        let answer = self.gate.send(&request).await.ok()?;
        Issue::parse(answer.json()).filter(|now| now.id == issue.id)
    }

    async fn status_now(&self, issue: &Issue) -> Option<String> {
        self.look(issue, "status").await?.status
    }

    async fn newest_comments(&self, issue: &Issue) -> Result<Vec<Value>, JiraError> {
        let request = issue::comments(&IssueRef::Key(issue.key.clone()), NEWEST);
        let mut page = self.gate.send(&request).await?.into_json();
        match page["comments"].take() {
            Value::Array(comments) => Ok(comments),
            _ => Err(JiraError::Unexpected { request: request.title(), missing: "comments" }),
        }
    }

    /// Looks for a comment that was sent and not answered. Whoever did not look before it was sent goes by
    /// time: a comment that is younger than the issue's last change then was made since.
    async fn find_comment(&self, issue: &Issue, body: &str) -> Option<Value> {
        let me = match &self.facts.me {
            Some(me) => me.clone(),
            None => myself(self.gate).await.ok()?,
        };
        let before = issue.updated.as_deref().and_then(timestamp);
        let made_since = |comment: &Value| {
            let created = comment["created"].as_str().and_then(timestamp);
            matches!((before, created), (Some(before), Some(created)) if created > before)
        };
        let comments = self.newest_comments(issue).await.ok()?;
        comments
            .into_iter()
            .find(|comment| is_ours(comment, &me, body) && (self.plan.comment_once || made_since(comment)))
    }

    fn set_transition(&self, at: usize, outcome: Outcome, name: Option<String>, to: Option<String>) {
        self.progress.update(at, |entry| {
            set_transition(entry, outcome);
            if let Some(transition) = &mut entry.transition {
                transition.to = to;
                if let Some(name) = name {
                    transition.name = name;
                }
            }
        });
    }

    fn offer(&self, at: usize, offered: Vec<Transition>) {
        let offered: Vec<_> =
            offered.into_iter().map(|Transition { name, to, .. }| Offer { name, to }).collect();
        self.progress.update(at, |entry| {
            if let Some(transition) = &mut entry.transition {
                transition.offered = Some(offered);
            }
        });
    }

    fn fail(&self, at: usize, failure: Failure) -> Result<(), Skip> {
        self.progress.update(at, |entry| entry.error = Some(failure));
        Err(Skip)
    }
}

fn set_transition(entry: &mut IssueReport, outcome: Outcome) {
    if let Some(transition) = &mut entry.transition {
        transition.result = outcome;
    }
}

/// What a change counts as if the run were cut short now.
fn in_flight(flight: Flight) -> Outcome {
    match flight {
        Flight::Out => Outcome::Unknown,
        Flight::Back => Outcome::Skipped,
    }
}

/// By its name, else by the status that it leads to; of several the first that is offered.
fn choose<'a>(offered: &'a [Transition], wanted: &str) -> Option<&'a Transition> {
    let by_name = offered.iter().find(|transition| same_name(&transition.name, wanted));
    let leads_there =
        |transition: &&Transition| transition.to.as_ref().is_some_and(|status| same_name(status, wanted));
    by_name.or_else(|| offered.iter().find(leads_there))
}

/// Whether a comment is this text by this author. Jira may store other line ends.
fn is_ours(comment: &Value, me: &str, body: &str) -> bool {
    let plain = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    let same = comment["body"].as_str().is_some_and(|text| plain(text) == plain(body));
    same && user::name(&comment["author"]) == Some(me)
}

/// `2023-12-19T12:14:34.524+0000`: Jira's offsets have no colon.
fn timestamp(text: &str) -> Option<Timestamp> {
    Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn way(id: &str, name: &str, to: &str) -> Transition {
        Transition { id: id.to_owned(), name: name.to_owned(), to: Some(to.to_owned()) }
    }

    #[test]
    fn a_transition_is_chosen_by_name_before_status_and_without_regard_to_case() {
        let offered =
            [way("1", "Approve", "Done"), way("2", "Done", "Closed"), way("3", "ÜBERGEBEN", "Done")];
        let chosen = |wanted: &str| choose(&offered, wanted).map(|way| way.id.as_str());
        assert_eq!(chosen("done"), Some("2"), "a name comes before a status");
        assert_eq!(chosen("CLOSED"), Some("2"));
        assert_eq!(chosen("übergeben"), Some("3"));
        assert_eq!(chosen("Reopen"), None);
        assert_eq!(choose(&[way("1", "a", "Done"), way("2", "b", "Done")], "done").unwrap().id, "1");
    }

    #[test]
    fn a_comment_is_ours_by_text_and_author() {
        let comment = json!({"author": {"name": "developer"}, "body": "a\r\nb\r\n"});
        assert!(is_ours(&comment, "developer", "a\nb"));
        assert!(!is_ours(&comment, "lead", "a\nb"));
        assert!(!is_ours(&json!({"body": "a\nb"}), "developer", "a\nb"), "anonymous comments have no author");
    }

    #[test]
    fn jiras_times_are_read_whatever_their_offset() {
        let (early, late) = ("2026-09-04T16:07:42.487-0700", "2026-09-04T23:07:42.488+0000");
        assert!(timestamp(early).unwrap() < timestamp(late).unwrap());
        assert!(timestamp("yesterday").is_none());
    }
}
