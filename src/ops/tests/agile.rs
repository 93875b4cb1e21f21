use serde_json::json;

use super::*;
use crate::error::Code;
use crate::ops::boards::{self, BoardsArgs};
use crate::ops::epics::{self, EpicsArgs};
use crate::ops::sprints::{self, SprintsArgs};

fn of_board(board: u64) -> SprintsArgs {
    SprintsArgs { board_id: Some(board), ..SprintsArgs::default() }
}

#[tokio::test]
async fn boards_come_in_jiras_own_envelope() {
    let site = site().await;
    let found = boards::run(BoardsArgs::default(), &site.jira).await.unwrap();
    assert_eq!(site.sandbox.log()[0].path, "/rest/agile/1.0/board?maxResults=10");
    let json = serde_json::to_value(&found).unwrap();
    let members: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["maxResults", "startAt", "total", "isLast", "values"]);
    assert_eq!((&json["total"], &json["maxResults"], &json["isLast"]), (&json!(3), &json!(10), &json!(true)));
    assert_eq!(piped(&found), "1\tscrum\tGAIA board\n2\tscrum\tWEB board\n3\tkanban\tOPS Kanban\n");
    assert_eq!(found.items().count(), 3);
}

#[tokio::test]
async fn boards_are_narrowed_by_project_type_and_name() {
    let site = site().await;
    let narrow = |project: Option<&str>, kind: Option<&str>, name: Option<&str>| BoardsArgs {
        project: project.map(str::to_owned),
        kind: kind.map(str::to_owned),
        name: name.map(str::to_owned),
        ..BoardsArgs::default()
    };
    for (args, row) in [
        (narrow(Some("gaia"), None, None), "1\tscrum\tGAIA board\n"),
        (narrow(None, Some("kanban"), None), "3\tkanban\tOPS Kanban\n"),
        (narrow(None, None, Some("web")), "2\tscrum\tWEB board\n"),
    ] {
        assert_eq!(piped(&boards::run(args, &site.jira).await.unwrap()), row);
    }
    site.sandbox.clear_log();
    let wrong = failure(boards::run(narrow(Some("GAIA&type=x"), None, None), &site.jira).await);
    assert_eq!((wrong.code, site.requests().len()), (Code::BadKey, 0));
    let unknown = failure(boards::run(narrow(Some("NOPE"), None, None), &site.jira).await);
    assert_eq!((unknown.code, unknown.exit_code()), (Code::NotFound, 5));
    assert!(unknown.message.starts_with("there is no project NOPE that this account may see"), "{unknown}");
    // What Jira refuses for another reason is told in its words.
    site.answer("/rest/agile/1.0/board", 400, json!({"errorMessages": ["No."], "errors": {}}));
    let refused = failure(boards::run(narrow(Some("GAIA"), None, None), &site.jira).await);
    assert_eq!((refused.code, refused.exit_code()), (Code::BadRequest, 1), "{refused}");
}

#[tokio::test]
async fn pages_beyond_the_first_are_fetched_as_far_as_wanted() {
    let site = site().await;
    let page = |start: u64, ids: &[u64], last: bool| {
        let values: Vec<_> = ids.iter().map(|id| json!({"id": id, "name": format!("b{id}")})).collect();
        json!({"maxResults": 2, "startAt": start, "isLast": last, "values": values})
    };
    let pages = || {
        for (start, ids, last) in [(0, &[1, 2][..], false), (2, &[3, 4], false), (4, &[5], true)] {
            site.answer("/rest/agile/1.0/board", 200, page(start, ids, last));
        }
    };
    pages();
    let all = BoardsArgs { all: Some(true), ..BoardsArgs::default() };
    let found = boards::run(all, &site.jira).await.unwrap();
    let json = serde_json::to_value(&found).unwrap();
    let ids: Vec<_> = json["values"].as_array().unwrap().iter().map(|value| value["id"].clone()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    assert_eq!(
        (&json["isLast"], &json["maxResults"], &json["startAt"]),
        (&json!(true), &json!(5), &json!(0))
    );
    assert!(!found.list().truncated && found.list().total.is_none());
    let starts: Vec<_> = site.sandbox.log().iter().map(|request| request.path.clone()).collect();
    assert_eq!(
        starts,
        [
            "/rest/agile/1.0/board?maxResults=50",
            "/rest/agile/1.0/board?maxResults=50&startAt=2",
            "/rest/agile/1.0/board?maxResults=50&startAt=4"
        ]
    );
    site.sandbox.faults().clear();
    pages();
    let three = BoardsArgs { limit: Some(3), ..BoardsArgs::default() };
    let found = boards::run(three, &site.jira).await.unwrap();
    assert_eq!((found.list().values().len(), found.list().truncated), (3, true));
    assert_eq!(serde_json::to_value(&found).unwrap()["isLast"], false);
}

#[tokio::test]
async fn an_empty_page_ends_the_walk_whatever_it_says() {
    let site = site().await;
    let page = |ids: &[u64]| json!({"values": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()});
    site.answer("/rest/agile/1.0/board", 200, page(&[1]));
    site.answer("/rest/agile/1.0/board", 200, page(&[]));
    let all = BoardsArgs { all: Some(true), ..BoardsArgs::default() };
    let found = boards::run(all, &site.jira).await.unwrap();
    assert_eq!((found.list().values().len(), found.list().truncated), (1, false));
}

#[tokio::test]
async fn active_sprints_are_listed_unless_states_are_named() {
    let site = site().await;
    let found = sprints::run(of_board(1), &site.jira).await.unwrap();
    assert_eq!(site.sandbox.log()[0].path, "/rest/agile/1.0/board/1/sprint?state=active&maxResults=10");
    assert_eq!(piped(&found), "114\tactive\tGAIA Sprint 5\n");
    let json = serde_json::to_value(&found).unwrap();
    assert!(json.get("total").is_none(), "Jira has none for sprints, and none is made up");
    assert!(json["values"][0].get("completeDate").is_none(), "nor a date");
    let every = SprintsArgs { state: some(""), ..of_board(1) };
    assert_eq!(sprints::run(every, &site.jira).await.unwrap().list().values().len(), 7);
    let two = SprintsArgs { state: some("future,closed"), limit: Some(2), ..of_board(1) };
    let found = sprints::run(two, &site.jira).await.unwrap();
    assert_eq!((found.list().values().len(), found.list().truncated), (2, true));
}

#[tokio::test]
async fn a_kanban_board_has_no_sprints_and_a_missing_one_is_not_found() {
    let site = site().await;
    let kanban = failure(sprints::run(of_board(3), &site.jira).await);
    assert_eq!((kanban.code, kanban.exit_code()), (Code::BadRequest, 1));
    assert!(kanban.message.contains("does not support sprints"), "{kanban}");
    let missing = failure(sprints::run(of_board(99), &site.jira).await);
    assert_eq!((missing.code, missing.exit_code()), (Code::NotFound, 5));
    assert!(missing.message.contains("board cannot be viewed"), "{missing}");
}

#[tokio::test]
async fn epics_are_open_ones_or_done_ones() {
    let site = site().await;
    let args = |done| EpicsArgs { board_id: Some(1), done, ..EpicsArgs::default() };
    let open = epics::run(args(None), &site.jira).await.unwrap();
    assert_eq!(site.sandbox.log()[0].path, "/rest/agile/1.0/board/1/epic?done=false&maxResults=50");
    assert!(open.list().values().iter().all(|epic| epic["done"] == false));
    let done = epics::run(args(Some(true)), &site.jira).await.unwrap();
    assert!(!done.list().values().is_empty());
    for row in piped(&done).lines() {
        let cells: Vec<_> = row.split('\t').collect();
        assert!(cells[0].starts_with("GAIA-") && cells[1] == "true" && !cells[2].is_empty(), "{row}");
    }
    assert!(done.list().values().iter().all(|epic| epic["color"]["key"].is_string()), "untouched");
}

#[tokio::test]
async fn a_jira_without_jira_software_is_told_from_a_wrong_base_url() {
    let site = site().await;
    let html = || Action::respond(404, "text/html", "<html>dead link</html>");
    site.fault(Fault::on("/rest/agile", html()));
    let failed = failure(boards::run(BoardsArgs::default(), &site.jira).await);
    assert_eq!((failed.code, failed.exit_code()), (Code::NotFound, 5));
    assert!(failed.message.contains("no Jira Software"), "{failed}");
    site.fault(Fault::on("/rest/agile", html()));
    site.fault(Fault::on("/rest/api/2/serverInfo", html()));
    assert_eq!(failure(boards::run(BoardsArgs::default(), &site.jira).await).code, Code::NotJira);
    site.answer(
        "/rest/agile",
        404,
        json!({"message": "null for uri: /rest/agile/1.0/board", "status-code": 404}),
    );
    let failed = failure(sprints::run(of_board(1), &site.jira).await);
    assert!(failed.message.contains("no Jira Software"), "{failed}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let site = site().await;
    let both = BoardsArgs { all: Some(true), limit: Some(1), ..BoardsArgs::default() };
    assert_eq!(failure(boards::run(both, &site.jira).await).code, Code::BadFlag);
    for limit in [0, -1] {
        let none = SprintsArgs { limit: Some(limit), ..of_board(1) };
        assert_eq!(failure(sprints::run(none, &site.jira).await).code, Code::BadValue);
    }
    assert_eq!(failure(epics::run(EpicsArgs::default(), &site.jira).await).code, Code::BadFlag);
    assert_eq!(site.requests(), [""; 0]);
}
