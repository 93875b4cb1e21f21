//! The one change that an operation sends, and what is known of it while it is on its way.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Failure, Hint};
use crate::jira::{Answer, Flight, Jira, JiraError, Request};

use super::OpError;

/// Where the change is, for whoever cuts the command short. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Change(Arc<Mutex<Option<Out>>>);

/// A change that has left the machine and is not answered.
#[derive(Clone, Debug)]
struct Out {
    /// Method and path.
    request: String,
    /// How to look whether it was made.
    look: Hint,
}

impl Change {
    /// What it means that the command is cut short now; nothing, unless the change is out.
    pub fn cut_short(&self) -> Option<Failure> {
        let Out { request, look } = self.lock().clone()?;
        let reason = "the command was ended first".to_owned();
        Some(OpError::Unanswered { error: JiraError::OutcomeUnknown { request, reason }, look }.into())
    }

    /// Sends it. Where it is not known whether Jira made it, the failure says how to look.
    pub(super) async fn send(
        &self,
        jira: &Jira,
        request: &Request,
        look: impl Fn() -> Hint + Send + Sync,
    ) -> Result<Answer, OpError> {
        let note = |flight| {
            *self.lock() = match flight {
                Flight::Out => Some(Out { request: request.title(), look: look() }),
                Flight::Back => None,
            };
        };
        let answer = jira.send_noting(request, &note).await;
        // Whatever came of it is said from here on.
        *self.lock() = None;
        match answer {
            Err(error @ (JiraError::OutcomeUnknown { .. } | JiraError::AnonymousWrite { .. })) => {
                Err(OpError::Unanswered { error, look: look() })
            }
            answer => Ok(answer?),
        }
    }

    /// One assignment, which no panic leaves half done.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Out>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
