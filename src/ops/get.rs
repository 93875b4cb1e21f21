//! `get`: one issue, or several.

use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::jira::issue;
use crate::jira::key::IssueRef;
use crate::jira::{Jira, JiraError, Request};
use crate::output::text::{Readable, Text};

use super::fields::select;
use super::{
    EPIC_FIELD, Flag, OpError, SPRINT_FIELD, flag, list, readable, row, schema as json_schema, selection,
};

/// What is returned unless fields are named; the epic's and the sprint's field come on top.
pub const FIELDS: &[&str] = &[
    "summary",
    "status",
    "issuetype",
    "priority",
    "resolution",
    "assignee",
    "reporter",
    "labels",
    "components",
    "fixVersions",
    "parent",
    "created",
    "updated",
    "description",
    "issuelinks",
];

/// Requests at a time; an issue whose comments are asked for takes two.
const AT_ONCE: usize = 16;

/// What is said of the flags beside their types.
pub const FLAGS: &[Flag] = &[
    Flag::required("key"),
    Flag::default("epic-field", EPIC_FIELD),
    Flag::default("sprint-field", SPRINT_FIELD),
];

/// Which issues to return.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct GetArgs {
    /// The key of the issue, or its numeric id
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub key: Option<String>,
    /// The keys of one or several issues, in the place of --key
    #[arg(value_name = "KEY", id = "key_pos", conflicts_with = "key")]
    pub keys: Vec<String>,
    /// Fields to return, by their ids or names, separated by commas; `*all` for all of them
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    pub fields: Option<String>,
    /// What to return besides, separated by commas: renderedFields, changelog, transitions and others
    #[arg(long, value_name = "PARTS")]
    pub expand: Option<String>,
    /// Return the newest N comments as well, the newest first
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub comments: Option<i64>,
    /// The id of the field that holds an issue's epic
    #[arg(long, value_name = "ID")]
    pub epic_field: Option<String>,
    /// The id of the field that holds an issue's sprints
    #[arg(long, value_name = "ID")]
    pub sprint_field: Option<String>,
}

impl GetArgs {
    /// Whether they make sense; nothing is sent.
    pub fn check(&self) -> Result<(), OpError> {
        parse(self.clone()).map(drop)
    }
}

/// What comes back: one issue, or the list of several.
pub fn schema() -> Value {
    json_schema::any_of(vec![json_schema::issue(), json_schema::list_of(json_schema::issue())])
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    view: View,
    names: readable::Names,
    /// Fields that were named as the epic's or the sprint's, and that no issue shows.
    unseen: Vec<String>,
}

/// One issue is an object, several are a list.
#[derive(Clone, Debug)]
enum View {
    One(Value),
    Several(Vec<Value>),
}

impl Found {
    /// Fields that were named as the epic's or the sprint's, and that this Jira does not have. Costs a request where no
    /// issue shows one, so it is asked when the answer is out.
    pub async fn unknown_fields(&self, jira: &Jira) -> Vec<String> {
        select::unknown(self.unseen.clone(), jira).await
    }

    /// The issues, in the order in which they were asked for.
    pub fn issues(&self) -> &[Value] {
        match &self.view {
            View::One(issue) => std::slice::from_ref(issue),
            View::Several(issues) => issues,
        }
    }
}

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.view {
            View::One(issue) => issue.serialize(serializer),
            View::Several(issues) => issues.serialize(serializer),
        }
    }
}

impl Text for Found {
    fn text(&self) -> Readable {
        match &self.view {
            View::One(issue) => Readable::Two {
                terminal: Box::new(readable::issue(issue, &self.names)),
                // As go-jira writes it: key, status, summary.
                piped: Box::new(row::rows(std::slice::from_ref(issue))),
            },
            View::Several(issues) => row::rows(issues),
        }
    }
}

/// What the arguments mean.
struct Wish {
    issues: Vec<IssueRef>,
    fields: Vec<String>,
    unseen: Vec<String>,
    expand: String,
    comments: Option<u64>,
}

/// Gets the issues. One that Jira does not show is the failure of all: whoever asked for several did not
/// ask for fewer.
pub async fn run(args: GetArgs, jira: &Jira) -> Result<Found, OpError> {
    let names = readable::Names::new(args.epic_field.as_deref(), args.sprint_field.as_deref());
    let asked = args.fields.is_some();
    let mut wish = parse(args)?;
    if asked {
        wish.fields = select::ids("get", wish.fields, jira).await?;
    }
    let at_once = if wish.comments.is_some() { AT_ONCE / 2 } else { AT_ONCE };
    let one = wish.issues.len() == 1;
    let fetching = wish.issues.iter().map(|issue| fetch(issue, &wish, jira));
    let mut issues: Vec<Value> = stream::iter(fetching).buffered(at_once).try_collect().await?;
    let mut unseen = std::mem::take(&mut wish.unseen);
    issues.iter().for_each(|issue| select::see(issue, &mut unseen));
    let view = match issues.pop() {
        Some(issue) if one => View::One(issue),
        last => {
            issues.extend(last);
            View::Several(issues)
        }
    };
    Ok(Found { view, names, unseen })
}

async fn fetch(key: &IssueRef, wish: &Wish, jira: &Jira) -> Result<Value, JiraError> {
    let mut request = issue::get(key).query("fields", wish.fields.join(","));
    if !wish.expand.is_empty() {
        request = request.query("expand", &wish.expand);
    }
    let Some(newest) = wish.comments else { return object(jira, &request).await };
    let comments = issue::comments(key, newest);
    let (mut issue, comments) = try_join(object(jira, &request), object(jira, &comments)).await?;
    if !issue["fields"].is_object() {
        issue["fields"] = Value::Object(Map::new());
    }
    issue["fields"]["comment"] = comments;
    Ok(issue)
}

async fn object(jira: &Jira, request: &Request) -> Result<Value, JiraError> {
    let answer = jira.send(request).await?.into_json();
    match answer.is_object() {
        true => Ok(answer),
        false => Err(JiraError::Unexpected { request: request.title(), missing: "issue" }),
    }
}

fn parse(args: GetArgs) -> Result<Wish, OpError> {
    let GetArgs { key, keys, fields: asked, expand, comments, epic_field, sprint_field } = args;
    let keys: Vec<String> = key.into_iter().chain(keys).collect();
    flag::require("get", &[("key", !keys.is_empty())])?;
    let issues = keys.iter().map(|key| key.parse()).collect::<Result<_, _>>()?;
    let comments = match comments.map(u64::try_from) {
        None => None,
        Some(Ok(newest)) if newest > 0 => Some(newest),
        Some(_) => {
            let message = "--comments must be 1 or more".to_owned();
            return Err(OpError::Value { command: "get", message });
        }
    };
    let chosen = selection("get", asked.as_deref(), FIELDS, epic_field, sprint_field)?;
    Ok(Wish {
        issues,
        fields: chosen.fields,
        unseen: chosen.unseen,
        expand: list(&expand.unwrap_or_default()).join(","),
        comments,
    })
}
