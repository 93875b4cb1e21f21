//! Who may do what: the account's role cut down by the scope of its token, as Jira filters permission
//! keys during a request that carries one.

use super::World;
use super::issue::Issue;
use super::people::{Role, UserId};
use crate::sandbox::Scope;

/// Who asks, and with what scope.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// `None` is anonymous.
    pub user: Option<UserId>,
    pub scope: Scope,
}

/// What a permission takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    Browse,
    Work,
    ManageProject,
    Administer,
    SystemAdminister,
}

impl Right {
    fn needs(self) -> (Role, Scope) {
        match self {
            Right::Browse => (Role::Viewer, Scope::Read),
            Right::Work => (Role::Member, Scope::Write),
            Right::ManageProject => (Role::Lead, Scope::Admin),
            Right::Administer => (Role::Admin, Scope::Admin),
            Right::SystemAdminister => (Role::Admin, Scope::SystemAdmin),
        }
    }
}

impl World {
    pub(crate) fn actor(&self, user: Option<&str>, scope: Scope) -> Actor {
        Actor { user: user.and_then(|name| self.user_id(name)), scope }
    }

    pub(crate) fn may(&self, actor: Actor, right: Right) -> bool {
        let (role, scope) = right.needs();
        actor.user.is_some_and(|user| self.user_by_id(user).role >= role) && actor.scope >= scope
    }

    /// Whether the actor may see the issue at all.
    pub(crate) fn sees(&self, actor: Actor, issue: &Issue) -> bool {
        let role = actor.user.map(|user| self.user_by_id(user).role);
        role.is_some_and(|role| !issue.restricted || role >= Role::Lead)
    }

    /// Whether an issue may be assigned to this account.
    pub(crate) fn assignable(&self, user: UserId) -> bool {
        self.user_by_id(user).role >= Role::Member
    }
}

pub struct Permission {
    pub key: &'static str,
    pub name: &'static str,
    pub right: Right,
    pub global: bool,
    /// One of the names from before Jira 7.
    pub deprecated: bool,
}

const fn project(key: &'static str, name: &'static str, right: Right) -> Permission {
    Permission { key, name, right, global: false, deprecated: false }
}

const fn global(key: &'static str, name: &'static str, right: Right) -> Permission {
    Permission { key, name, right, global: true, deprecated: false }
}

const fn legacy(key: &'static str, name: &'static str, right: Right) -> Permission {
    Permission { key, name, right, global: false, deprecated: true }
}

/// What `mypermissions` lists.
pub static PERMISSIONS: [Permission; 52] = [
    project("BROWSE_PROJECTS", "Browse Projects", Right::Browse),
    project("VIEW_VOTERS_AND_WATCHERS", "View Voters and Watchers", Right::Browse),
    project("VIEW_DEV_TOOLS", "View Development Tools", Right::Browse),
    project("VIEW_READONLY_WORKFLOW", "View Read-Only Workflow", Right::Browse),
    project("CREATE_ISSUES", "Create Issues", Right::Work),
    project("EDIT_ISSUES", "Edit Issues", Right::Work),
    project("ASSIGN_ISSUES", "Assign Issues", Right::Work),
    project("ASSIGNABLE_USER", "Assignable User", Right::Work),
    project("TRANSITION_ISSUES", "Transition Issues", Right::Work),
    project("RESOLVE_ISSUES", "Resolve Issues", Right::Work),
    project("CLOSE_ISSUES", "Close Issues", Right::Work),
    project("MOVE_ISSUES", "Move Issues", Right::Work),
    project("LINK_ISSUES", "Link Issues", Right::Work),
    project("DELETE_ISSUES", "Delete Issues", Right::Work),
    project("SCHEDULE_ISSUES", "Schedule Issues", Right::Work),
    project("MODIFY_REPORTER", "Modify Reporter", Right::ManageProject),
    project("SET_ISSUE_SECURITY", "Set Issue Security", Right::ManageProject),
    project("ADD_COMMENTS", "Add Comments", Right::Work),
    project("EDIT_ALL_COMMENTS", "Edit All Comments", Right::ManageProject),
    project("EDIT_OWN_COMMENTS", "Edit Own Comments", Right::Work),
    project("DELETE_ALL_COMMENTS", "Delete All Comments", Right::ManageProject),
    project("DELETE_OWN_COMMENTS", "Delete Own Comments", Right::Work),
    project("CREATE_ATTACHMENTS", "Create Attachments", Right::Work),
    project("DELETE_ALL_ATTACHMENTS", "Delete All Attachments", Right::ManageProject),
    project("DELETE_OWN_ATTACHMENTS", "Delete Own Attachments", Right::Work),
    project("WORK_ON_ISSUES", "Work On Issues", Right::Work),
    project("EDIT_OWN_WORKLOGS", "Edit Own Worklogs", Right::Work),
    project("EDIT_ALL_WORKLOGS", "Edit All Worklogs", Right::ManageProject),
    project("DELETE_OWN_WORKLOGS", "Delete Own Worklogs", Right::Work),
    project("DELETE_ALL_WORKLOGS", "Delete All Worklogs", Right::ManageProject),
    project("MANAGE_WATCHERS", "Manage Watchers", Right::Work),
    project("MANAGE_SPRINTS_PERMISSION", "Manage Sprints", Right::Work),
    project("ADMINISTER_PROJECTS", "Administer Projects", Right::ManageProject),
    global("BULK_CHANGE", "Bulk Change", Right::Work),
    global("CREATE_SHARED_OBJECTS", "Create Shared Objects", Right::Work),
    global("USER_PICKER", "Browse Users", Right::Work),
    global("MANAGE_GROUP_FILTER_SUBSCRIPTIONS", "Manage Group Filter Subscriptions", Right::Work),
    global("ADMINISTER", "Administer Jira", Right::Administer),
    global("SYSTEM_ADMIN", "Jira System Administrators", Right::SystemAdminister),
    legacy("BROWSE", "Browse Projects", Right::Browse),
    legacy("CREATE_ISSUE", "Create Issues", Right::Work),
    legacy("EDIT_ISSUE", "Edit Issues", Right::Work),
    legacy("ASSIGN_ISSUE", "Assign Issues", Right::Work),
    legacy("RESOLVE_ISSUE", "Resolve Issues", Right::Work),
    legacy("CLOSE_ISSUE", "Close Issues", Right::Work),
    legacy("MOVE_ISSUE", "Move Issues", Right::Work),
    legacy("LINK_ISSUE", "Link Issues", Right::Work),
    legacy("DELETE_ISSUE", "Delete Issues", Right::Work),
    legacy("COMMENT_ISSUE", "Add Comments", Right::Work),
    legacy("WORK_ISSUE", "Work On Issues", Right::Work),
    legacy("CREATE_ATTACHMENT", "Create Attachments", Right::Work),
    legacy("PROJECT_ADMIN", "Administer Projects", Right::ManageProject),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_cuts_the_role_down_and_never_lifts_it() {
        let world = World::new(30, "2026-03-10T12:00:00Z".parse().unwrap());
        let actor = |name, scope| world.actor(Some(name), scope);
        assert!(world.may(actor("developer", Scope::Write), Right::Work));
        assert!(!world.may(actor("developer", Scope::Read), Right::Work));
        assert!(!world.may(actor("viewer", Scope::SystemAdmin), Right::Work));
        assert!(!world.may(actor("lead", Scope::Write), Right::ManageProject));
        assert!(world.may(actor("lead", Scope::Admin), Right::ManageProject));
        assert!(!world.may(actor("admin", Scope::Admin), Right::SystemAdminister));
        assert!(!world.may(world.actor(None, Scope::SystemAdmin), Right::Browse));
    }

    #[test]
    fn the_restricted_issue_is_for_leads() {
        let world = World::new(30, "2026-03-10T12:00:00Z".parse().unwrap());
        let hidden = world.find(World::HIDDEN).unwrap();
        assert!(!world.sees(world.actor(Some("developer"), Scope::Write), hidden));
        assert!(world.sees(world.actor(Some("lead"), Scope::Read), hidden));
        assert!(!world.sees(world.actor(None, Scope::Read), world.find("GAIA-1").unwrap()));
    }
}
