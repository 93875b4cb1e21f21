//! Requests to Jira and what their answers are worth.

mod answers;
mod credentials;
mod limits;
mod repeats;
