//! Who has an account: roles, not invented people.

/// What an account may do, from little to much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May browse and nothing else.
    Viewer,
    /// May work on issues.
    Member,
    /// May administer projects.
    Lead,
    /// May administer Jira.
    Admin,
}

/// An index into the list of users.
pub type UserId = u8;

/// An account; its password is its name.
#[derive(Clone, Debug)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Jira's user key: the name for accounts from before 8.4, `JIRAUSER…` for later ones.
    pub key: String,
    /// What the pages show.
    pub display_name: String,
    /// `NAME@sandbox.invalid`.
    pub email: String,
    /// What it may do.
    pub role: Role,
}

impl User {
    /// The groups the account is in.
    pub fn groups(&self) -> &'static [&'static str] {
        match self.role {
            Role::Viewer => &["jira-guests"],
            Role::Member => &["jira-software-users"],
            Role::Lead => &["jira-leads", "jira-software-users"],
            Role::Admin => &["jira-administrators", "jira-software-users"],
        }
    }
}

/// Everybody, in the order of their ids.
pub(super) fn everybody() -> Vec<User> {
    let people = [
        ("developer", "Sandbox Developer", "JIRAUSER10100", Role::Member),
        ("reviewer", "Sandbox Reviewer", "JIRAUSER10101", Role::Member),
        ("lead", "Sandbox Lead", "JIRAUSER10102", Role::Lead),
        ("release-manager", "Sandbox Release Manager", "JIRAUSER10103", Role::Lead),
        ("viewer", "Sandbox Viewer", "JIRAUSER10104", Role::Viewer),
        ("admin", "Sandbox Administrator", "admin", Role::Admin),
    ];
    let user = |(name, display_name, key, role): (&str, &str, &str, Role)| User {
        name: name.to_owned(),
        key: key.to_owned(),
        display_name: display_name.to_owned(),
        email: format!("{name}@sandbox.invalid"),
        role,
    };
    people.into_iter().map(user).collect()
}
