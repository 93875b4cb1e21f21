//! The Agile API: boards, sprints, epics, and planning issues into them.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::ask::{Ask, Payload, id_text};
use super::refusal::Refusal;
use super::select::{Expand, Selection};
use super::shape::{Shape, agile_stamp};
use crate::sandbox::world::issue::{Issue, IssueId};
use crate::sandbox::world::project::{Board, BoardKind, Sprint, SprintState};
use crate::sandbox::world::vocabulary::{Category, EPIC, status};
use crate::sandbox::world::{Change, World, jql};

/// No more issues than this in one planning call.
const BATCH: usize = 50;

impl Shape<'_> {
    fn agile(&self, path: &str) -> String {
        format!("{}/rest/agile/1.0/{path}", self.base)
    }

    fn board(&self, board: &Board) -> Value {
        let kind = match board.kind {
            BoardKind::Scrum => "scrum",
            BoardKind::Kanban => "kanban",
        };
        json!({
            "id": board.id,
            "self": self.agile(&format!("board/{}", board.id)),
            "name": board.name,
            "type": kind,
        })
    }

    fn sprint(&self, sprint: &Sprint) -> Value {
        let mut value = json!({
            "id": sprint.id,
            "self": self.agile(&format!("sprint/{}", sprint.id)),
            "state": sprint.state.as_str(),
            "name": sprint.name,
        });
        let times = [("startDate", sprint.start), ("endDate", sprint.end), ("completeDate", sprint.complete)];
        for (name, at) in times {
            if let Some(at) = at {
                value[name] = agile_stamp(at).into();
            }
        }
        value["originBoardId"] = sprint.board.into();
        value["goal"] = sprint.goal.into();
        value["synced"] = false.into();
        value["autoStartStop"] = false.into();
        value
    }

    fn epic(&self, epic: &Issue) -> Value {
        json!({
            "id": epic.id,
            "key": self.world.key(epic),
            "self": self.agile(&format!("epic/{}", epic.id)),
            "name": epic.epic_name.as_deref().unwrap_or_default(),
            "summary": epic.summary,
            "color": {"key": format!("color_{}", epic.id % 14 + 1)},
            "done": is_done(epic),
        })
    }
}

fn is_done(issue: &Issue) -> bool {
    status(issue.status).category == Category::Done
}

/// A page of values. Sprints come without a `total`.
fn page(ask: &Ask, values: Vec<Value>, with_total: bool) -> Result<Json<Value>, Refusal> {
    let (start, max) = ask.page(50)?;
    let total = values.len();
    let shown: Vec<Value> = values.into_iter().skip(start).take(max).collect();
    let last = start + shown.len() >= total;
    let mut answer = json!({"maxResults": max, "startAt": start});
    if with_total {
        answer["total"] = total.into();
    }
    answer["isLast"] = last.into();
    answer["values"] = shown.into();
    Ok(Json(answer))
}

pub(super) async fn boards(ask: Ask) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let shape = ask.shape(&world);
    let project = match ask.param("projectKeyOrId") {
        None => None,
        Some(word) => match world.project(word).filter(|_| shape.actor.user.is_some()) {
            Some((id, _)) => Some(id),
            None => {
                return Err(Refusal::bad(&[&format!("No project could be found with key or id '{word}'.")]));
            }
        },
    };
    let kinds = ask.list("type");
    if let Some(kind) = kinds.iter().find(|kind| !["scrum", "kanban"].contains(&kind.as_str())) {
        return Err(Refusal::bad(&[&format!("Invalid board type: {kind}")]));
    }
    let name = ask.param("name").unwrap_or_default().to_lowercase();
    let shown = world.boards().iter().filter(|_| shape.actor.user.is_some());
    let shown = shown.filter(|board| project.is_none_or(|id| id == board.project));
    let shown =
        shown.filter(|board| board.name.to_lowercase().contains(&name)).map(|board| shape.board(board));
    let of_kind = |board: &Value| kinds.is_empty() || kinds.iter().any(|kind| board["type"] == *kind);
    page(&ask, shown.filter(of_kind).collect(), true)
}

fn find_board<'a>(ask: &Ask, world: &'a World, id: &str) -> Result<&'a Board, Refusal> {
    let found = id.parse().ok().and_then(|id| world.board(id)).filter(|_| ask.actor(world).user.is_some());
    found.ok_or_else(|| {
        Refusal::not_found(
            "The requested board cannot be viewed because it either does not exist or you do not have \
             permission to view it.",
        )
    })
}

fn find_sprint<'a>(ask: &Ask, world: &'a World, id: &str) -> Result<&'a Sprint, Refusal> {
    let found = id.parse().ok().and_then(|id| world.sprint(id)).filter(|_| ask.actor(world).user.is_some());
    found.ok_or_else(|| Refusal::not_found("Sprint does not exist"))
}

pub(super) async fn board(ask: Ask, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let board = find_board(&ask, &world, &id)?;
    Ok(Json(ask.shape(&world).board(board)))
}

pub(super) async fn sprints(ask: Ask, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let board = find_board(&ask, &world, &id)?;
    if board.kind == BoardKind::Kanban {
        return Err(Refusal::bad(&["The board does not support sprints"]));
    }
    let states = ask.list("state");
    let all = [SprintState::Closed, SprintState::Active, SprintState::Future].map(SprintState::as_str);
    if let Some(state) = states.iter().find(|state| !all.contains(&state.as_str())) {
        return Err(Refusal::bad(&[&format!("Invalid sprint state: {state}")]));
    }
    let wanted = |sprint: &&Sprint| {
        sprint.board == board.id && (states.is_empty() || states.iter().any(|it| it == sprint.state.as_str()))
    };
    let shape = ask.shape(&world);
    page(&ask, world.sprints().iter().filter(wanted).map(|sprint| shape.sprint(sprint)).collect(), false)
}

pub(super) async fn epics(ask: Ask, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let board = find_board(&ask, &world, &id)?;
    let done = ask.param("done").map(|word| word == "true");
    let shape = ask.shape(&world);
    let wanted = |issue: &&Issue| {
        issue.kind == EPIC
            && issue.project == board.project
            && world.sees(shape.actor, issue)
            && done.is_none_or(|done| is_done(issue) == done)
    };
    page(&ask, world.issues().filter(wanted).map(|epic| shape.epic(epic)).collect(), false)
}

pub(super) async fn sprint(ask: Ask, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let sprint = find_sprint(&ask, &world, &id)?;
    Ok(Json(ask.shape(&world).sprint(sprint)))
}

/// The issues of a sprint, as a search; epic and sprints come as objects here.
pub(super) async fn sprint_issues(ask: Ask, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let world = ask.world();
    let sprint = find_sprint(&ask, &world, &id)?;
    let shape = ask.shape(&world);
    let jql = ask.param("jql").unwrap_or("ORDER BY Rank ASC");
    let validate = ask.param("validateQuery").is_none_or(|word| word.eq_ignore_ascii_case("true"));
    let found = jql::search(&world, shape.actor, jql, validate)
        .map_err(|errors| Refusal::bad(&errors.iter().map(String::as_str).collect::<Vec<_>>()))?;
    let issues: Vec<&Issue> = found.ids.iter().filter_map(|id| world.issue(*id)).collect();
    let issues: Vec<&Issue> = issues.into_iter().filter(|it| it.sprints.contains(&sprint.id)).collect();
    let (start, max) = ask.page(50)?;
    let max = max.min(world.page_cap);
    let fields = ask.list("fields");
    let selection = Selection::new(&fields, "*navigable");
    let wants = |name: &str| fields.is_empty() || fields.iter().any(|it| it == name || it.starts_with('*'));
    let show = |issue: &&Issue| {
        let mut value = shape.issue(issue, &selection, Expand::default());
        let (closed, open): (Vec<&Sprint>, Vec<&Sprint>) = issue
            .sprints
            .iter()
            .filter_map(|id| world.sprint(*id))
            .partition(|sprint| sprint.state == SprintState::Closed);
        if wants("sprint") {
            value["fields"]["sprint"] = open.first().map(|sprint| shape.sprint(sprint)).into();
        }
        if wants("closedSprints") && !closed.is_empty() {
            value["fields"]["closedSprints"] =
                closed.into_iter().map(|sprint| shape.sprint(sprint)).collect();
        }
        if wants("epic") {
            let epic = issue.epic.and_then(|id| world.issue(id));
            value["fields"]["epic"] = epic.map(|epic| shape.epic(epic)).into();
        }
        if wants("flagged") {
            value["fields"]["flagged"] = false.into();
        }
        value
    };
    Ok(Json(json!({
        "expand": "schema,names",
        "startAt": start,
        "maxResults": max,
        "total": issues.len(),
        "issues": issues.iter().skip(start).take(max).map(show).collect::<Value>(),
    })))
}

/// The issues that a planning call names.
fn named(ask: &Ask, world: &World, body: &Payload) -> Result<Vec<IssueId>, Refusal> {
    body.only(&["issues", "rankBeforeIssue", "rankAfterIssue", "rankCustomFieldId"])?;
    ask.worker(world, "schedule issues in this project")?;
    let words = body.0.get("issues").and_then(Value::as_array);
    let words = words.ok_or_else(|| Refusal::field("issues", "Issues must be specified."))?;
    if words.len() > BATCH {
        return Err(Refusal::bad(&["The number of issues must not exceed 50."]));
    }
    let id = |word: &Value| {
        let word = id_text(word).unwrap_or_default();
        let found = world.find(&word).filter(|issue| world.sees(ask.actor(world), issue));
        let missing = || {
            Refusal::bad(&[&format!("Issue does not exist or you do not have permission to see it: {word}")])
        };
        found.map(|issue| issue.id).ok_or_else(missing)
    };
    words.iter().map(id).collect()
}

pub(super) async fn plan(ask: Ask, Path(id): Path<String>, body: Payload) -> Result<StatusCode, Refusal> {
    let mut world = ask.world();
    let sprint = find_sprint(&ask, &world, &id)?;
    if sprint.state == SprintState::Closed {
        return Err(Refusal::bad(&["You must specify a sprint which has not been completed."]));
    }
    let sprint = sprint.id;
    for issue in named(&ask, &world, &body)? {
        world.change(issue, Change::Sprint(Some(sprint)));
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn backlog(ask: Ask, body: Payload) -> Result<StatusCode, Refusal> {
    let mut world = ask.world();
    for issue in named(&ask, &world, &body)? {
        world.change(issue, Change::Sprint(None));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Puts issues under an epic, or under none.
pub(super) async fn link_epic(
    ask: Ask,
    Path(epic): Path<String>,
    body: Payload,
) -> Result<StatusCode, Refusal> {
    let mut world = ask.world();
    let epic = match epic.as_str() {
        "none" => None,
        key => match ask.issue(&world, key)? {
            issue if issue.kind == EPIC => Some(issue.id),
            _ => return Err(Refusal::bad(&[&format!("The issue with key '{key}' is not an epic.")])),
        },
    };
    for issue in named(&ask, &world, &body)? {
        world.change(issue, Change::Epic(epic));
    }
    Ok(StatusCode::NO_CONTENT)
}
