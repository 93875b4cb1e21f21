//! Fills the world with issues.

use super::World;
use super::issue::{Comment, FIRST_ID, Issue, IssueId, Link, Text};
use super::lcg::Lcg;
use super::people::UserId;
use super::project::{DAY, GAIA, OPS, SprintState, WEB};
use super::texts;
use super::vocabulary::{
    BUG, CLOSED, DONE, EPIC, IN_PROGRESS, IN_REVIEW, OPEN, RESOLUTION_DONE, RESOLVED, STORY, SUB_TASK, TASK,
    WAITING,
};

/// Which project the issues of each block of twenty go to. Fixed, so that small numbers are the same
/// issues in every world.
const PATTERN: [usize; 20] = [
    GAIA, WEB, OPS, GAIA, WEB, GAIA, WEB, OPS, GAIA, WEB, GAIA, WEB, OPS, GAIA, GAIA, WEB, OPS, GAIA, WEB,
    OPS,
];
const LABELS: [&str; 12] = [
    "backend",
    "frontend",
    "quick-win",
    "needs-info",
    "regression",
    "security",
    "ux",
    "flaky-test",
    "i18n",
    "über-wichtig",
    "tech-debt",
    "customer",
];
const DEVELOPER: UserId = 0;

/// What the making of one issue needs to know of those before.
struct Past {
    lcg: Lcg,
    /// Per project: epics, and issues that may have sub-tasks.
    epics: [Vec<IssueId>; 3],
    parents: [Vec<IssueId>; 3],
}

pub(super) fn populate(world: &mut World, count: usize) {
    for label in LABELS {
        world.label(label);
    }
    let now = world.started_at.as_millisecond();
    let span = 400 * DAY;
    let step = (span / i64::try_from(count).unwrap_or(span)).max(1);
    let mut past = Past { lcg: Lcg::new(2026), epics: Default::default(), parents: Default::default() };
    world.issues.reserve_exact(count);
    for index in 0..count {
        let created = now - span + step * i64::try_from(index).unwrap_or_default();
        let age = Age { created, now, percent: index * 100 / count };
        let issue = make(world, &mut past, index, &age);
        comment(world, &mut past.lcg, &issue, now);
        world.projects[usize::from(issue.project)].numbers.push(Some(issue.id));
        if let Some(parent) = issue.parent {
            world.children.entry(parent).or_default().push(issue.id);
        }
        world.issues.push(Some(issue));
    }
    link(world, &mut past.lcg);
    single_out(world, now);
}

/// Where in time an issue stands: `percent` of all issues are older.
struct Age {
    created: i64,
    now: i64,
    percent: usize,
}

fn make(world: &World, past: &mut Past, index: usize, age: &Age) -> Issue {
    let project = PATTERN[index % PATTERN.len()];
    let id = FIRST_ID + u32::try_from(index).unwrap_or_default();
    let number = u32::try_from(world.projects[project].numbers.len() + 1).unwrap_or_default();
    let kind = kind(past, project, index);
    let lcg = &mut past.lcg;
    let (status, resolution) = progress(lcg, project, age.percent);
    let some = |lcg: &mut Lcg, percent, ids: &[u16]| match lcg.chance(percent) {
        true => vec![*lcg.pick(ids)],
        false => Vec::new(),
    };
    let components: Vec<u16> = world.projects[project].components.iter().map(|it| it.id).collect();
    let versions: Vec<u16> = world.projects[project].versions.iter().map(|it| it.id).collect();
    let parent = (kind == SUB_TASK).then(|| *lcg.pick(&past.parents[project]));
    let epic = (kind != EPIC && kind != SUB_TASK && !past.epics[project].is_empty() && lcg.chance(60))
        .then(|| *lcg.pick(&past.epics[project]));
    let touched = age.created + (age.now - age.created) / 100 * i64::from(lcg.next() % 90);
    match kind {
        EPIC => past.epics[project].push(id),
        SUB_TASK => {}
        // A child would give the restricted one away, and stay behind when the other moves.
        _ if special(world, project, number) => {}
        _ => past.parents[project].push(id),
    }
    Issue {
        id,
        project: u8::try_from(project).unwrap_or_default(),
        number,
        kind,
        status,
        priority: *lcg.pick(&[1, 2, 2, 3, 3, 3, 3, 4, 5]),
        resolution,
        assignee: lcg.chance(80).then(|| lcg.below(4) as UserId),
        reporter: lcg.below(6) as UserId,
        summary: texts::summary(lcg).into(),
        description: lcg.chance(85).then(|| Text::Description(lcg.next())),
        labels: (0..LABELS.len() as u16).filter(|_| lcg.chance(8)).collect(),
        components: some(lcg, 70, &components),
        versions: some(lcg, 50, &versions),
        parent,
        epic,
        epic_name: (kind == EPIC).then(|| texts::epic_name(lcg).into()),
        sprints: match project {
            OPS => Vec::new(),
            _ if kind == EPIC || kind == SUB_TASK => Vec::new(),
            _ => sprints(world, lcg, project, status),
        },
        points: (kind == STORY && lcg.chance(70)).then(|| *lcg.pick(&[0.5, 1.0, 2.0, 3.0, 5.0, 8.0])),
        created: age.created,
        updated: touched,
        resolved: resolution.map(|_| touched),
        links: Vec::new(),
        extras: Vec::new(),
        restricted: false,
    }
}

fn special(world: &World, project: usize, number: u32) -> bool {
    let key = format!("{}-{number}", world.projects[project].key);
    key == World::HIDDEN || key == World::MOVED
}

/// An epic opens each software project, and every hundredth issue or so is another one.
fn kind(past: &mut Past, project: usize, index: usize) -> u16 {
    let fixed = index < 30;
    if project != OPS && (past.epics[project].is_empty() || !fixed && past.lcg.chance(2)) {
        return EPIC;
    }
    // The first thirty keep their kinds whatever is made special among them.
    if !fixed && past.lcg.chance(12) {
        return SUB_TASK;
    }
    match project {
        OPS => *past.lcg.pick(&[BUG, BUG, TASK]),
        _ => *past.lcg.pick(&[STORY, STORY, BUG, TASK]),
    }
}

/// Status and resolution: the older, the more likely it is done.
fn progress(lcg: &mut Lcg, project: usize, percent: usize) -> (u16, Option<u16>) {
    let done = match percent {
        0..60 => 85,
        60..90 => 40,
        _ => 5,
    };
    match (project == OPS, lcg.chance(done)) {
        (false, true) => {
            (DONE, Some(*lcg.pick(&[RESOLUTION_DONE, RESOLUTION_DONE, RESOLUTION_DONE, 3, 10001])))
        }
        (false, false) => (*lcg.pick(&[OPEN, OPEN, IN_PROGRESS, IN_REVIEW]), None),
        (true, true) => (*lcg.pick(&[RESOLVED, CLOSED, CLOSED]), Some(*lcg.pick(&[1, 1, 1, 2, 3, 5]))),
        (true, false) => (*lcg.pick(&[OPEN, OPEN, IN_PROGRESS, WAITING]), None),
    }
}

/// Done issues were in a closed sprint, current ones are in the active one (some carried over), and a
/// part of the open ones is planned.
fn sprints(world: &World, lcg: &mut Lcg, project: usize, status: u16) -> Vec<u32> {
    let board = u32::try_from(project + 1).unwrap_or_default();
    let of = |state| -> Vec<u32> {
        let here = world.sprints.iter().filter(|it| it.board == board && it.state == state);
        here.map(|it| it.id).collect()
    };
    let (closed, active, future) =
        (of(SprintState::Closed), of(SprintState::Active), of(SprintState::Future));
    match status {
        DONE if lcg.chance(80) => vec![*lcg.pick(&closed)],
        IN_PROGRESS | IN_REVIEW if lcg.chance(30) => vec![closed[closed.len() - 1], active[0]],
        IN_PROGRESS | IN_REVIEW => active,
        OPEN if lcg.chance(30) => active,
        OPEN if lcg.chance(40) => vec![*lcg.pick(&future)],
        _ => Vec::new(),
    }
}

fn comment(world: &mut World, lcg: &mut Lcg, issue: &Issue, now: i64) {
    let many = issue.project == GAIA as u8 && issue.number == 11;
    let count = if many { 60 } else { lcg.below(4) };
    if count == 0 {
        return;
    }
    let step = (now - issue.created) / 100;
    let comments = (1..=count).map(|nth| {
        let at = issue.created + step * i64::try_from(nth).unwrap_or_default();
        let id = world.next_comment;
        world.next_comment += 1;
        let (author, seed) = (lcg.below(4) as UserId, lcg.next());
        Comment { id, author, body: Text::Comment(seed), created: at, updated: at }
    });
    let comments = comments.collect();
    world.comments.insert(issue.id, comments);
}

fn link(world: &mut World, lcg: &mut Lcg) {
    let kinds = [10000, 10000, 10003, 10003, 10002, 10001];
    for index in (14..world.issues.len()).step_by(15) {
        let (from, to) = (index, lcg.below(index));
        let id = world.next_link;
        world.next_link += 1;
        let ids = [from, to].map(|at| FIRST_ID + u32::try_from(at).unwrap_or_default());
        world.links.insert(id, Link { id, kind: *lcg.pick(&kinds), from: ids[0], to: ids[1] });
        for at in [from, to] {
            if let Some(issue) = &mut world.issues[at] {
                issue.links.push(id);
            }
        }
    }
}

/// Makes the issues that tests and the tour rely on what the table in `mod.rs` says.
fn single_out(world: &mut World, now: i64) {
    let active = |board| {
        let found = world.sprints.iter().find(|it| it.board == board && it.state == SprintState::Active);
        found.map(|sprint| sprint.id)
    };
    let (gaia, web): (Vec<u32>, Vec<u32>) =
        (active(1).into_iter().collect(), active(2).into_iter().collect());
    let mut adjust = |key: &str, change: &dyn Fn(&mut Issue)| {
        let id = world.find(key).map(|issue| issue.id);
        if let Some(issue) = id.and_then(|id| world.issue_mut(id)) {
            (issue.resolution, issue.resolved) = (None, None);
            change(issue);
        }
    };
    adjust("GAIA-10", &|issue| (issue.status, issue.assignee, issue.sprints) = (OPEN, None, Vec::new()));
    adjust("GAIA-12", &|issue| {
        (issue.kind, issue.status, issue.assignee) = (STORY, IN_PROGRESS, Some(DEVELOPER));
        issue.sprints.clone_from(&gaia);
    });
    adjust("WEB-9", &|issue| {
        (issue.status, issue.assignee) = (IN_REVIEW, Some(DEVELOPER));
        issue.sprints.clone_from(&web);
    });
    adjust("OPS-3", &|issue| (issue.status, issue.assignee) = (OPEN, Some(DEVELOPER)));
    adjust("OPS-5", &|issue| issue.status = WAITING);
    adjust(World::HIDDEN, &|issue| {
        (issue.status, issue.restricted) = (OPEN, true);
        issue.summary = "Rotate the signing keys after the incident".into();
    });
    adjust(World::HOSTILE, &|issue| {
        issue.status = OPEN;
        issue.summary = texts::HOSTILE_SUMMARY.into();
        issue.description = Some(Text::Written(texts::HOSTILE_DESCRIPTION.into()));
    });
    let number = u32::try_from(world.projects[WEB].numbers.len() + 1).unwrap_or_default();
    let moved = world.find(World::MOVED).map(|issue| issue.id);
    world.projects[WEB].numbers.push(moved);
    if let Some(issue) = moved.and_then(|id| world.issue_mut(id)) {
        (issue.project, issue.number, issue.kind) = (WEB as u8, number, BUG);
        (issue.status, issue.resolution, issue.resolved) = (OPEN, None, None);
        (issue.components, issue.versions) = (Vec::new(), Vec::new());
        issue.updated = issue.updated.max(now - DAY);
    }
}
