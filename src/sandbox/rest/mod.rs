//! Jira's REST calls, with Jira's shapes and error bodies. The caller has been found out before: an
//! `Extension<Caller>` rides on every request; without one the request is anonymous.

mod agile;
mod ask;
mod catalogue;
mod comments;
mod edit;
mod extra;
mod guard;
mod issue_shape;
mod issues;
mod meta;
mod people;
mod permissions;
mod refusal;
mod search;
mod select;
mod shape;
mod transitions;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{any, delete, get, post, put};

use super::State;

/// Everything below `/rest/api/2` and `/rest/agile/1.0`.
pub fn routes() -> Router<Arc<State>> {
    let api = Router::new()
        .route("/myself", get(people::myself))
        .route("/serverInfo", get(catalogue::server_info))
        .route("/search", get(search::get).post(search::post))
        .route("/issue", post(issues::create))
        .route("/issue/createmeta/{project}/issuetypes", get(meta::issue_types))
        .route("/issue/createmeta/{project}/issuetypes/{kind}", get(meta::create))
        .route("/issue/{issue}/editmeta", get(meta::edit))
        .route("/issue/{issue}", get(issues::get).put(issues::update).delete(issues::delete))
        .route("/issue/{issue}/transitions", get(transitions::list).post(transitions::follow))
        .route("/issue/{issue}/assignee", put(issues::assign))
        .route("/issue/{issue}/comment", get(comments::list).post(comments::add))
        .route("/issue/{issue}/comment/{comment}", get(comments::get))
        .route("/issueLink", post(issues::link))
        .route("/issueLink/{link}", delete(issues::unlink))
        .route("/issueLinkType", get(catalogue::link_types))
        .route("/user", get(people::user))
        .route("/user/search", get(people::search))
        .route("/user/assignable/search", get(people::assignable))
        .route("/project", get(catalogue::projects))
        .route("/project/{project}", get(catalogue::project))
        .route("/project/{project}/statuses", get(catalogue::project_statuses))
        .route("/project/{project}/versions", get(catalogue::project_versions))
        .route("/project/{project}/components", get(catalogue::project_components))
        .route("/resolution", get(catalogue::resolutions))
        .route("/priority", get(catalogue::priorities))
        .route("/status", get(catalogue::statuses))
        .route("/issuetype", get(catalogue::issue_types))
        .route("/field", get(catalogue::fields))
        .route("/mypermissions", get(permissions::mine))
        .route("/{*nothing}", any(refusal::no_such_path));
    let agile = Router::new()
        .route("/board", get(agile::boards))
        .route("/board/{board}", get(agile::board))
        .route("/board/{board}/sprint", get(agile::sprints))
        .route("/board/{board}/epic", get(agile::epics))
        .route("/sprint/{sprint}", get(agile::sprint))
        .route("/sprint/{sprint}/issue", get(agile::sprint_issues).post(agile::plan))
        .route("/backlog/issue", post(agile::backlog))
        .route("/epic/{epic}/issue", post(agile::link_epic))
        .route("/{*nothing}", any(refusal::no_such_path));
    let api = api.method_not_allowed_fallback(refusal::no_such_method);
    let agile = agile.method_not_allowed_fallback(refusal::no_such_method);
    Router::new().nest("/rest/api/2", api).nest("/rest/agile/1.0", agile).layer(from_fn(guard::writes))
}
