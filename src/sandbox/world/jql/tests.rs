//! Queries over the world of 240 issues, each against what the data itself says.

use crate::sandbox::Scope;
use crate::sandbox::world::World;
use crate::sandbox::world::access::Actor;
use crate::sandbox::world::issue::Issue;
use crate::sandbox::world::vocabulary::{BUG, Category, DONE, IN_PROGRESS, SUB_TASK, status};

use super::search;

struct Jira {
    world: World,
    actor: Actor,
}

impl Jira {
    fn new(user: Option<&str>) -> Jira {
        let world = World::new(240, "2026-03-10T12:00:00Z".parse().unwrap());
        let actor = world.actor(user, Scope::Read);
        Jira { world, actor }
    }

    fn keys(&self, jql: &str) -> Vec<String> {
        let found =
            search(&self.world, self.actor, jql, true).unwrap_or_else(|errors| panic!("{jql}: {errors:?}"));
        found.ids.iter().map(|id| self.world.key(self.world.issue(*id).unwrap())).collect()
    }

    fn error(&self, jql: &str) -> String {
        match search(&self.world, self.actor, jql, true) {
            Ok(found) => panic!("{jql} found {}", found.ids.len()),
            Err(errors) => errors.join(" | "),
        }
    }

    /// The query finds exactly what the condition holds for, and that is something.
    fn same(&self, jql: &str, condition: impl Fn(&Issue) -> bool) {
        let expected: Vec<String> = self
            .world
            .issues()
            .rev()
            .filter(|issue| self.world.sees(self.actor, issue) && condition(issue))
            .map(|issue| self.world.key(issue))
            .collect();
        assert!(!expected.is_empty(), "{jql}: the condition holds for nothing");
        assert_eq!(self.keys(jql), expected, "{jql}");
    }
}

#[test]
fn sets_and_their_negations() {
    let jira = Jira::new(Some("developer"));
    jira.same("", |_| true);
    jira.same("project = gaia", |issue| issue.project == 0);
    jira.same("project in (GAIA, \"Web Shop\")", |issue| issue.project < 2);
    jira.same("project not in (GAIA)", |issue| issue.project != 0);
    jira.same("status = 'In Progress' AND type = Bug", |it| it.status == IN_PROGRESS && it.kind == BUG);
    jira.same("statusCategory != Done", |it| status(it.status).category != Category::Done);
    jira.same("issuetype in subTaskIssueTypes()", |it| it.kind == SUB_TASK);
    jira.same("assignee = currentUser()", |it| it.assignee == Some(0));
    jira.same("assignee = developer OR reporter = lead", |it| it.assignee == Some(0) || it.reporter == 2);
    jira.same("resolution = Unresolved", |it| it.resolution.is_none());
    jira.same("resolution in (Unresolved, Done)", |it| it.resolution.is_none_or(|id| id == 10000));
    jira.same("resolution = \"Won't Fix\"", |it| it.resolution == Some(2));
    jira.same("labels in (backend, Frontend)", |it| it.labels.iter().any(|id| *id < 2));
    jira.same("labels is EMPTY", |it| it.labels.is_empty());
    jira.same("component = storage", |it| it.components.contains(&10101));
    jira.same("fixVersion in unreleasedVersions() and project = OPS", |it| it.versions.contains(&10221));
    jira.same("sprint in openSprints()", |it| it.sprints.iter().any(|id| [114, 124].contains(id)));
    jira.same("Sprint = 'GAIA Sprint 3, part=2 [hardening]'", |it| it.sprints.contains(&112));
    jira.same("\"Epic Link\" = GAIA-1", |it| it.epic == Some(10000));
    jira.same("cf[10101] is not empty", |it| it.epic.is_some());
    jira.same("'Story Points' >= 5", |it| it.points.is_some_and(|points| points >= 5.0));
}

#[test]
fn negations_leave_out_what_is_empty() {
    let jira = Jira::new(Some("developer"));
    let other = |it: &Issue| it.assignee.is_some_and(|id| id != 0);
    jira.same("assignee != developer", other);
    jira.same("assignee not in (developer)", other);
    jira.same("NOT assignee = developer", other);
    jira.same("! (assignee = developer AND project = GAIA)", |it| other(it) || it.project != 0);
    jira.same("labels != backend", |it| !it.labels.is_empty() && !it.labels.contains(&0));
    jira.same("resolution is not EMPTY", |it| it.resolution.is_some());
}

#[test]
fn keys_are_read_in_any_case_and_old_ones_too() {
    let jira = Jira::new(Some("developer"));
    assert_eq!(jira.keys("key in (gaia-12, WEB-9) order by key"), ["GAIA-12", "WEB-9"]);
    let moved = jira.keys("issue = OPS-4");
    assert!(moved[0].starts_with("WEB-"));
    assert_eq!(jira.keys("id = 10000"), ["GAIA-1"]);
    assert_eq!(
        jira.keys("key > GAIA-9 and key <= GAIA-12 order by key asc"),
        ["GAIA-10", "GAIA-11", "GAIA-12"]
    );
    let parent = jira.world.issues().find_map(|issue| issue.parent).unwrap();
    jira.same(&format!("parent = {parent}"), |it| it.parent == Some(parent));
}

#[test]
fn dates_texts_and_numbers() {
    let jira = Jira::new(Some("developer"));
    let now = jira.world.now();
    let week = 7 * 24 * 3_600_000;
    jira.same("created >= -7d", |it| it.created >= now - week);
    jira.same("updated < '2026-01-01'", |it| it.updated < 1_767_218_400_000);
    jira.same("created >= startOfYear()", |it| it.created >= 1_767_218_400_000);
    jira.same("summary ~ 'webhook delivery'", |it| it.summary.contains("webhook delivery"));
    jira.same("summary !~ fix AND status = Done", |it| {
        !it.summary.to_lowercase().contains("fix") && it.status == DONE
    });
    assert!(!jira.keys("text ~ \"release notes\"").is_empty());
    assert!(!jira.keys("text ~ 'größe' or description ~ '\"nothing gets\"'").is_empty());
    jira.same("description is empty", |it| it.description.is_none());
}

#[test]
fn the_order_is_the_one_asked_for_and_stable() {
    let jira = Jira::new(Some("developer"));
    let keys = jira.keys("project = WEB ORDER BY key");
    assert_eq!(&keys[..2], ["WEB-1", "WEB-2"]);
    let priorities: Vec<u16> = jira
        .keys("order by priority desc, created asc")
        .iter()
        .map(|key| jira.world.find(key).unwrap().priority)
        .collect();
    assert!(priorities.is_sorted() && priorities[0] == 1);
    let created: Vec<i64> =
        jira.keys("order by created").iter().map(|key| jira.world.find(key).unwrap().created).collect();
    assert!(created.iter().rev().is_sorted());
    let assigned = jira.keys("order by assignee asc");
    assert!(jira.world.find(&assigned[0]).unwrap().assignee.is_some());
    assert!(jira.world.find(assigned.last().unwrap()).unwrap().assignee.is_none());
}

#[test]
fn mistakes_are_errors_in_jiras_words() {
    let jira = Jira::new(Some("developer"));
    for (jql, message) in [
        ("foo = 1", "Field 'foo' does not exist or you do not have permission to view it."),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("status in (Open, Opne)", "The value 'Opne' does not exist for the field 'status'."),
        ("key = X-1", "An issue with key 'X-1' does not exist for field 'key'."),
        ("key = GAIA-7", "An issue with key 'GAIA-7' does not exist for field 'key'."),
        ("key = hello", "The issue key 'hello' for field 'key' is invalid."),
        ("project ~ GAIA", "The operator '~' is not supported by the 'project' field."),
        ("text = hello", "The operator '=' is not supported by the 'text' field."),
        ("not text !~ hello", "The operator '!~' is not supported by the 'text' field."),
        ("assignee = nobody()", "Unable to find JQL function 'nobody()'."),
        (
            "project = currentUser()",
            "A value provided by the function 'currentUser' is invalid for the field 'project'.",
        ),
        ("order by foo", "Field 'foo' does not exist or you do not have permission to view it."),
        ("order by text", "Not able to sort using field 'text'."),
        ("summary ~ '*x'", "The text query '*x' for field 'summary' is not allowed to start with '*'"),
    ] {
        assert_eq!(jira.error(jql), message, "{jql}");
    }
    assert!(
        jira.error("created > yesterday")
            .starts_with("Date value 'yesterday' for field 'created' is invalid.")
    );
    assert!(jira.error("a = b and project = NOPE").contains(" | "));
}

#[test]
fn a_field_that_is_empty_everywhere_is_still_a_field() {
    let jira = Jira::new(Some("developer"));
    assert!(jira.keys("due <= endOfWeek() or watcher = currentUser() or environment !~ linux").is_empty());
    jira.same("duedate is EMPTY", |_| true);
}

#[test]
fn without_validation_what_is_unknown_is_dropped_and_reported() {
    let jira = Jira::new(Some("developer"));
    let found = search(&jira.world, jira.actor, "key in (GAIA-1, NOPE-9, GAIA-99999)", false).unwrap();
    assert_eq!(found.ids, [10000]);
    assert_eq!(found.warnings.len(), 2);
    let found = search(&jira.world, jira.actor, "foo = 1 OR key = GAIA-1", false).unwrap();
    assert_eq!((found.ids.len(), found.warnings.len()), (1, 1));
    assert!(search(&jira.world, jira.actor, "key in (", false).is_err());
}

#[test]
fn anonymous_sees_nothing_and_is_told_that_projects_do_not_exist() {
    let jira = Jira::new(None);
    assert!(jira.keys("").is_empty());
    assert!(jira.keys("assignee = currentUser()").is_empty());
    assert_eq!(jira.error("project = GAIA"), "The value 'GAIA' does not exist for the field 'project'.");
}

#[test]
fn what_is_restricted_is_found_by_leads_alone() {
    assert!(!Jira::new(Some("developer")).keys("project = GAIA").contains(&"GAIA-7".to_owned()));
    assert!(Jira::new(Some("lead")).keys("project = GAIA").contains(&"GAIA-7".to_owned()));
}
