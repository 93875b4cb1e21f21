//! Requests to Jira and what their answers are worth.

mod answers;
mod bodies;
mod credentials;
mod limits;
mod proxies;
mod repeats;
