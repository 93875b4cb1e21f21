//! `run`: text in, changes out. Finds issue keys in a text, looks them up with as few requests as possible,
//! then transitions, assigns and comments.
//!
//! The report is kept up to date while the work goes on ([`RunProgress`]), so that it can be printed
//! whatever happens: an action whose request is on its way stands as `unknown` in it, one that has not
//! begun as `skipped`.

mod act;
mod args;
mod lookup;
mod report;
mod verdict;

use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use crate::error::Failure;
use crate::jira::error::scope_missing;
use crate::jira::{AccessClass, Answer, Jira, JiraError, Note, Request, issue, user};

use super::fields::nearest;
use super::{OpError, same_name};
use act::Actor;
use args::Plan;
use lookup::Found;

pub use args::{FLAGS, RunArgs};
pub use report::{
    AssigneeReport, CommentReport, Counts, IssueReport, Offer, Outcome, Report, RunProgress, TransitionReport,
};

/// The most requests at a time.
const AT_ONCE: usize = 16;

/// Sends to Jira, never more than [`AT_ONCE`] requests at a time.
struct Gate<'a> {
    jira: &'a Jira,
    places: Semaphore,
}

impl<'a> Gate<'a> {
    fn new(jira: &'a Jira) -> Self {
        Gate { jira, places: Semaphore::new(AT_ONCE) }
    }

    /// Waits for a place and sends; `note` is told where the request is.
    async fn send_noting(&self, request: &Request, note: &Note<'_>) -> Result<Answer, JiraError> {
        self.with(|jira| jira.send_noting(request, note)).await
    }

    async fn send(&self, request: &Request) -> Result<Answer, JiraError> {
        self.with(|jira| jira.send(request)).await
    }

    /// Does something that sends one request at a time.
    async fn with<T, F: Future<Output = T>>(&self, ask: impl FnOnce(&'a Jira) -> F) -> T {
        let _place = self.places.acquire().await.expect("the semaphore is never closed");
        ask(self.jira).await
    }
}

/// What was found out before anything is changed.
#[derive(Default)]
struct Facts {
    /// The login name of the caller.
    me: Option<String>,
    /// The login name of whom to assign to, as Jira spells it.
    assignee: Option<String>,
    /// The id of the resolution.
    resolution: Option<String>,
}

/// Does what the arguments ask for. The error is about the arguments themselves: then nothing was sent and
/// there is no report. Everything else is in the report; [`Report::failure`] is what it comes to.
pub async fn run(args: RunArgs, jira: &Jira, progress: &RunProgress) -> Result<Report, OpError> {
    let writes = args.access() != AccessClass::Read;
    let (plan, extracted) = Plan::new(args)?;
    progress.begin(&plan, extracted);
    let keys = progress.keys();
    if keys.is_empty() {
        return Ok(progress.report());
    }
    // A dry run has to see the transitions.
    if (writes || plan.transition.is_some())
        && let Some(failure) = hindrance(jira).await
    {
        progress.abort(failure);
        return Ok(progress.report());
    }
    let gate = Gate::new(jira);
    let lookup = lookup::lookup(&gate, &keys, |at, found| progress.looked_up(at, found, &plan));
    let (facts, found) = tokio::join!(find_out(&plan, &gate), lookup);
    match facts {
        Err(error) => progress.abort(Failure::from(error)),
        Ok(facts) => {
            let found = claim(found, progress);
            let actor = Actor { plan: &plan, facts: &facts, gate: &gate, progress };
            let acting = found.into_iter().map(|(at, issue)| actor.act(at, issue));
            stream::iter(acting).buffer_unordered(AT_ONCE).collect::<()>().await;
            if let Some(from) = plan.from_status.as_ref().filter(|_| progress.all_excluded())
                && let Some(error) = no_such_status(from, &gate).await
            {
                progress.abort(error.into());
            }
        }
    }
    Ok(progress.report())
}

/// What keeps a run from changing anything: a session that may only read. Jira offers it no transitions, which
/// would look as if there were none.
async fn hindrance(jira: &Jira) -> Option<Failure> {
    match jira.may_only_read().await {
        Ok(false) => None,
        Ok(true) => {
            let text = "this run needs the scope WRITE, and the session was granted READ; nothing was sent";
            Some(scope_missing(text, jira.access().mode))
        }
        Err(error) => Some(error.into()),
    }
}

/// That no issue is in a status is nothing to fail of, unless there is no such status: then it was mistyped, and
/// nothing would ever be done. A Jira that does not say which there are is believed.
async fn no_such_status(wanted: &str, gate: &Gate<'_>) -> Option<OpError> {
    let list = match gate.send(&Request::get("/rest/api/2/status")).await {
        Ok(answer) => answer.into_json(),
        Err(error) => {
            log::info!("the statuses are not known: {error}");
            return None;
        }
    };
    let names: Vec<&str> = list.as_array()?.iter().filter_map(|status| status["name"].as_str()).collect();
    if names.is_empty() || names.iter().any(|name| same_name(name, wanted)) {
        return None;
    }
    let nearest = nearest(wanted, names.into_iter());
    Some(OpError::NoSuchStatus { name: wanted.to_owned(), nearest })
}

/// Leaves out issues that were found twice, under an old key and the new one: they are changed once.
fn claim(found: Vec<Found>, progress: &RunProgress) -> Vec<(usize, issue::Issue)> {
    let mut first = std::collections::HashMap::new();
    let mut claimed = Vec::new();
    for Found { at, issue } in found {
        match first.get(&issue.id) {
            Some(same) => progress.same_as(at, *same),
            None => {
                first.insert(issue.id.clone(), at);
                claimed.push((at, issue));
            }
        }
    }
    claimed
}

/// Asks for what the actions need, once: a name that Jira does not know must not be noticed at the
/// hundredth issue.
async fn find_out(plan: &Plan, gate: &Gate<'_>) -> Result<Facts, OpError> {
    let me = async {
        match plan.comment_once {
            true => Ok::<_, OpError>(Some(myself(gate).await?)),
            false => Ok(None),
        }
    };
    let assignee = async {
        let Some(login) = &plan.assignee else { return Ok(None) };
        match gate.with(|jira| user::by_name(jira, login)).await? {
            Some(name) => Ok(Some(name)),
            None => Err(OpError::NoSuchUser(login.clone())),
        }
    };
    let resolution = async {
        let Some(name) = &plan.resolution else { return Ok(None) };
        resolution(gate, name).await.map(Some)
    };
    let (me, assignee, resolution) = tokio::join!(me, assignee, resolution);
    Ok(Facts { me: me?, assignee: assignee?, resolution: resolution? })
}

/// The login name of the caller.
async fn myself(gate: &Gate<'_>) -> Result<String, JiraError> {
    let myself = gate.with(user::myself).await?;
    Ok(user::name(&myself).unwrap_or_default().to_owned())
}

async fn resolution(gate: &Gate<'_>, name: &str) -> Result<String, OpError> {
    let list = gate.send(&Request::get("/rest/api/2/resolution")).await?.into_json();
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let named =
        list.iter().filter_map(|entry| Some((entry["name"].as_str()?, issue::identifier(&entry["id"])?)));
    let named: Vec<_> = named.collect();
    match named.iter().find(|(known, _)| same_name(known, name)) {
        Some((_, id)) => Ok(id.clone()),
        None => Err(OpError::NoSuch {
            place: "Jira".to_owned(),
            what: "resolution",
            field: Some("resolution"),
            name: name.to_owned(),
            offered: named.into_iter().map(|(name, _)| name.to_owned()).collect(),
        }),
    }
}
