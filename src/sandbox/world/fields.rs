//! The fields of an issue, as `GET /field` lists them, `*navigable` selects them and JQL names them.

/// What a field holds, for its `schema`.
#[derive(Clone, Copy)]
pub enum Schema {
    /// Some entries of `GET /field` have none.
    None,
    One(&'static str),
    ListOf(&'static str),
}

pub struct Field {
    pub id: &'static str,
    pub name: &'static str,
    pub navigable: bool,
    pub orderable: bool,
    pub searchable: bool,
    pub clauses: &'static [&'static str],
    pub schema: Schema,
    /// Type and number of a custom field.
    pub custom: Option<(&'static str, u64)>,
}

const fn system(
    id: &'static str,
    name: &'static str,
    schema: Schema,
    clauses: &'static [&'static str],
    orderable: bool,
    navigable: bool,
) -> Field {
    Field { id, name, navigable, orderable, searchable: !clauses.is_empty(), clauses, schema, custom: None }
}

const fn custom(
    id: &'static str,
    number: u64,
    name: &'static str,
    kind: &'static str,
    schema: Schema,
    clauses: &'static [&'static str],
) -> Field {
    Field {
        id,
        name,
        navigable: true,
        orderable: true,
        searchable: true,
        clauses,
        schema,
        custom: Some((kind, number)),
    }
}

pub const TIME_TRACKING: &str = "timetracking";
pub const SPRINT: &str = "customfield_10100";
pub const EPIC_LINK: &str = "customfield_10101";
pub const EPIC_NAME: &str = "customfield_10102";
pub const RANK: &str = "customfield_10105";
pub const STORY_POINTS: &str = "customfield_10106";

pub static FIELDS: [Field; 46] = [
    system("issuekey", "Key", Schema::None, &["id", "issue", "issuekey", "key"], false, true),
    system("summary", "Summary", Schema::One("string"), &["summary"], true, true),
    system("issuetype", "Issue Type", Schema::One("issuetype"), &["issuetype", "type"], true, true),
    system("status", "Status", Schema::One("status"), &["status"], false, true),
    system("priority", "Priority", Schema::One("priority"), &["priority"], true, true),
    system("resolution", "Resolution", Schema::One("resolution"), &["resolution"], true, true),
    system("assignee", "Assignee", Schema::One("user"), &["assignee"], true, true),
    system("reporter", "Reporter", Schema::One("user"), &["reporter"], true, true),
    system("creator", "Creator", Schema::One("user"), &["creator"], false, true),
    system("project", "Project", Schema::One("project"), &["project"], false, true),
    system("labels", "Labels", Schema::ListOf("string"), &["labels"], true, true),
    system("components", "Component/s", Schema::ListOf("component"), &["component"], true, true),
    system("fixVersions", "Fix Version/s", Schema::ListOf("version"), &["fixVersion"], true, true),
    system("versions", "Affects Version/s", Schema::ListOf("version"), &["affectedVersion"], true, true),
    system("created", "Created", Schema::One("datetime"), &["created", "createdDate"], false, true),
    system("updated", "Updated", Schema::One("datetime"), &["updated", "updatedDate"], false, true),
    system(
        "resolutiondate",
        "Resolved",
        Schema::One("datetime"),
        &["resolutiondate", "resolved"],
        false,
        true,
    ),
    system("duedate", "Due Date", Schema::One("date"), &["due", "duedate"], true, true),
    system("description", "Description", Schema::One("string"), &["description"], true, true),
    system("environment", "Environment", Schema::One("string"), &["environment"], true, true),
    system("parent", "Parent", Schema::None, &["parent"], false, true),
    system("subtasks", "Sub-Tasks", Schema::ListOf("issuelinks"), &["subtasks"], false, true),
    system("issuelinks", "Linked Issues", Schema::ListOf("issuelinks"), &[], true, true),
    system("security", "Security Level", Schema::One("securitylevel"), &["level"], true, true),
    system("votes", "Votes", Schema::One("votes"), &["votes"], false, true),
    system("watches", "Watchers", Schema::One("watches"), &["watcher", "watchers"], false, true),
    system("comment", "Comment", Schema::One("comments-page"), &["comment"], true, false),
    system("attachment", "Attachment", Schema::ListOf("attachment"), &["attachments"], true, false),
    system(TIME_TRACKING, "Time Tracking", Schema::One("timetracking"), &[], true, false),
    system("worklog", "Log Work", Schema::ListOf("worklog"), &[], true, false),
    custom(
        SPRINT,
        10100,
        "Sprint",
        "com.pyxis.greenhopper.jira:gh-sprint",
        Schema::ListOf("string"),
        &["cf[10100]", "Sprint"],
    ),
    custom(
        EPIC_LINK,
        10101,
        "Epic Link",
        "com.pyxis.greenhopper.jira:gh-epic-link",
        Schema::One("any"),
        &["cf[10101]", "Epic Link"],
    ),
    custom(
        EPIC_NAME,
        10102,
        "Epic Name",
        "com.pyxis.greenhopper.jira:gh-epic-label",
        Schema::One("string"),
        &["cf[10102]", "Epic Name"],
    ),
    custom(
        RANK,
        10105,
        "Rank",
        "com.pyxis.greenhopper.jira:gh-lexo-rank",
        Schema::One("any"),
        &["cf[10105]", "Rank"],
    ),
    custom(
        STORY_POINTS,
        10106,
        "Story Points",
        "com.atlassian.jira.plugin.system.customfieldtypes:float",
        Schema::One("number"),
        &["cf[10106]", "Story Points"],
    ),
    custom(
        "customfield_10200",
        10200,
        "Severity",
        "com.atlassian.jira.plugin.system.customfieldtypes:select",
        Schema::One("option"),
        &["cf[10200]", "Severity"],
    ),
    custom(
        "customfield_10201",
        10201,
        "Location",
        "com.atlassian.jira.plugin.system.customfieldtypes:cascadingselect",
        Schema::One("option-with-child"),
        &["cf[10201]", "Location"],
    ),
    custom(
        "customfield_10202",
        10202,
        "Effort",
        "com.atlassian.jira.plugin.system.customfieldtypes:float",
        Schema::One("number"),
        &["cf[10202]", "Effort"],
    ),
    custom(
        "customfield_10203",
        10203,
        "Go-live",
        "com.atlassian.jira.plugin.system.customfieldtypes:datepicker",
        Schema::One("date"),
        &["cf[10203]", "Go-live"],
    ),
    custom(
        "customfield_10204",
        10204,
        "Approver",
        "com.atlassian.jira.plugin.system.customfieldtypes:userpicker",
        Schema::One("user"),
        &["cf[10204]", "Approver"],
    ),
    custom(
        "customfield_10205",
        10205,
        "Affected Systems",
        "com.atlassian.jira.plugin.system.customfieldtypes:multiselect",
        Schema::ListOf("option"),
        &["cf[10205]", "Affected Systems"],
    ),
    custom(
        "customfield_10206",
        10206,
        "Maintenance Window",
        "com.atlassian.jira.plugin.system.customfieldtypes:datetime",
        Schema::One("datetime"),
        &["cf[10206]", "Maintenance Window"],
    ),
    custom(
        "customfield_10207",
        10207,
        "Team",
        "com.atlassian.jira.plugin.system.customfieldtypes:textfield",
        Schema::One("string"),
        &["cf[10207]", "Team"],
    ),
    custom(
        "customfield_10208",
        10208,
        "Team",
        "com.atlassian.jira.plugin.system.customfieldtypes:select",
        Schema::One("option"),
        &["cf[10208]", "Team"],
    ),
    custom(
        "customfield_10209",
        10209,
        "Root Cause",
        "com.atlassian.jira.plugin.system.customfieldtypes:textarea",
        Schema::One("string"),
        &["cf[10209]", "Root Cause"],
    ),
    system("thumbnail", "Images", Schema::None, &[], false, true),
];
