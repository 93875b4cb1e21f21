//! `search`: issues by JQL, as many as asked for, page by page.

use futures_util::future::{BoxFuture, try_join};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::{Value, json};

use crate::config::switch::parse_boolean;
use crate::error::Failure;
use crate::jira::Jira;
use crate::jira::paging::{self, Pages, Query};
use crate::output::text::{Readable, Text};

use super::fields::select;
use super::{EPIC_FIELD, Flag, OpError, SPRINT_FIELD, flag, row, schema as json_schema, selection};

/// What is returned unless fields are named; the epic's and the sprint's field come on top.
pub const FIELDS: &[&str] = &["summary", "status", "assignee", "labels", "components"];

/// How many issues are returned unless told otherwise.
pub const LIMIT: u64 = 20;

/// What is said of the flags beside their types.
pub const FLAGS: &[Flag] = &[
    Flag::required("jql"),
    Flag::default("limit", "20"),
    Flag::default("epic-field", EPIC_FIELD),
    Flag::default("sprint-field", SPRINT_FIELD),
];

/// What to search for.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct SearchArgs {
    /// The query, in Jira's query language (JQL)
    #[arg(long, value_name = "JQL", allow_hyphen_values = true)]
    pub jql: Option<String>,
    /// The query, in the place of --jql
    #[arg(value_name = "JQL", id = "jql_pos", conflicts_with = "jql")]
    pub jql_pos: Option<String>,
    /// Fields to return, by their ids or names, separated by commas; `*all` for all of them
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    pub fields: Option<String>,
    /// How many issues to return at most; 20 unless told otherwise
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub limit: Option<i64>,
    /// Return every issue there is
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub all: Option<bool>,
    /// Return only how many there are: {"total"}
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub count: Option<bool>,
    /// Wrap the issues: {"total","returned","truncated","items"}
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub meta: Option<bool>,
    /// The id of the field that holds an issue's epic
    #[arg(long, value_name = "ID")]
    pub epic_field: Option<String>,
    /// The id of the field that holds an issue's sprints
    #[arg(long, value_name = "ID")]
    pub sprint_field: Option<String>,
}

impl SearchArgs {
    /// The texts that may be `-`, by the name of their flag.
    pub fn texts(&mut self) -> Vec<(&'static str, &mut Option<String>)> {
        vec![("jql", &mut self.jql), ("jql", &mut self.jql_pos)]
    }

    /// Whether they make sense; nothing is sent.
    pub fn check(&self) -> Result<(), OpError> {
        parse(self.clone()).map(drop)
    }

    /// Whether the issues are to be handed out one by one, rather than counted or wrapped.
    pub fn streams(&self) -> bool {
        !self.count.unwrap_or(false) && !self.meta.unwrap_or(false)
    }
}

/// What comes back: the issues, with `--count` their number, with `--meta` both.
pub fn schema() -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    let issues = json_schema::list_of(json_schema::issue());
    let count = json!({ "type": "object", "properties": { "total": number }, "required": ["total"] });
    let meta = json!({
        "type": "object",
        "properties": {
            "total": number,
            "returned": number,
            "truncated": { "type": "boolean" },
            "items": issues,
        },
        "required": ["total", "returned", "truncated", "items"],
    });
    json_schema::any_of(vec![issues, count, meta])
}

/// Takes the issues one by one; says, when it can take another, whether it wants one.
pub type Sink<'s> = dyn FnMut(&Value) -> BoxFuture<'s, Result<bool, Failure>> + Send + 's;

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// How many issues there are.
    pub total: u64,
    /// How many of them were returned.
    pub returned: u64,
    /// Whether there are more than were returned: worth a warning, unless they were only counted.
    pub truncated: bool,
    /// What Jira says about the query.
    pub warnings: Vec<String>,
    /// Fields that were named as the epic's or the sprint's, and that no issue shows.
    unseen: Vec<String>,
    /// The result itself.
    pub view: View,
}

impl Found {
    /// Fields that were named as the epic's or the sprint's, and that this Jira does not have. Costs a request where no
    /// issue shows one, so it is asked when the answer is out.
    pub async fn unknown_fields(&self, jira: &Jira) -> Vec<String> {
        select::unknown(self.unseen.clone(), jira).await
    }
}

/// How the result looks.
#[derive(Clone, Debug)]
pub enum View {
    /// It was handed to the sink.
    Streamed,
    /// The issues.
    Issues(Vec<Value>),
    /// The issues, wrapped.
    Meta(Vec<Value>),
    /// How many there are.
    Count,
}

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.view {
            View::Streamed => serializer.serialize_unit(),
            View::Issues(issues) => issues.serialize(serializer),
            View::Count => {
                let mut count = serializer.serialize_struct("Count", 1)?;
                count.serialize_field("total", &self.total)?;
                count.end()
            }
            View::Meta(issues) => {
                let mut meta = serializer.serialize_struct("Meta", 4)?;
                meta.serialize_field("total", &self.total)?;
                meta.serialize_field("returned", &self.returned)?;
                meta.serialize_field("truncated", &self.truncated)?;
                meta.serialize_field("items", issues)?;
                meta.end()
            }
        }
    }
}

impl Text for Found {
    fn text(&self) -> Readable {
        match &self.view {
            View::Streamed => Readable::Lines(Vec::new()),
            View::Issues(issues) | View::Meta(issues) => row::rows(issues),
            View::Count => Readable::Lines(vec![self.total.to_string()]),
        }
    }
}

/// Searches. With a sink the issues go there, while the next page is fetched, and are not kept.
pub async fn run(args: SearchArgs, jira: &Jira, sink: Option<&mut Sink<'_>>) -> Result<Found, OpError> {
    let asked = args.fields.is_some();
    let (mut query, mut unseen, shape) = parse(args)?;
    if asked {
        query.fields = select::ids("search", query.fields, jira).await?;
    }
    let wanted = match shape {
        Shape::Count => return count(&query, jira).await,
        Shape::Issues(wanted) | Shape::Meta(wanted) => wanted,
    };
    let mut issues = Vec::new();
    let mut sink = sink.filter(|_| matches!(shape, Shape::Issues(_)));
    let streamed = sink.is_some();
    let mut pages = Pages::new(jira, query, wanted);
    let mut warnings = Vec::new();
    let mut returned = 0;
    let mut next = pages.next().await?;
    while let Some(page) = next.take() {
        for warning in page.warnings {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        page.issues.iter().for_each(|issue| select::see(issue, &mut unseen));
        let fetching = async { Ok(pages.next().await) };
        let handing_out = async {
            match &mut sink {
                Some(sink) => hand_out(page.issues, *sink).await,
                None => Ok(keep(page.issues, &mut issues)),
            }
        };
        match try_join(fetching, handing_out).await {
            Ok((fetched, handed_out)) => {
                returned += handed_out;
                next = fetched?;
            }
            Err(Stop::Failed(failure)) => return Err(OpError::Sink(failure)),
            Err(Stop::Enough(handed_out)) => {
                returned += handed_out;
                break;
            }
        }
    }
    let view = match shape {
        _ if streamed => View::Streamed,
        Shape::Meta(_) => View::Meta(issues),
        _ => View::Issues(issues),
    };
    if returned == 0 {
        unseen.clear();
    }
    let (total, truncated) = (pages.total(), pages.truncated());
    Ok(Found { total, returned, truncated, warnings, unseen, view })
}

/// Why no more issues are handed out.
enum Stop {
    Failed(Failure),
    Enough(u64),
}

/// Hands out a page, dropping each issue behind it. A sink whose reader is fast has always room: now and
/// then the runtime must get its turn, or the request for the next page would not even be sent meanwhile.
async fn hand_out(issues: Vec<Value>, sink: &mut Sink<'_>) -> Result<u64, Stop> {
    const TURN: u64 = 16;
    let mut handed_out = 0;
    for issue in issues {
        let go_on = sink(&issue).await.map_err(Stop::Failed)?;
        handed_out += 1;
        if !go_on {
            return Err(Stop::Enough(handed_out));
        }
        if handed_out % TURN == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(handed_out)
}

fn keep(page: Vec<Value>, issues: &mut Vec<Value>) -> u64 {
    let kept = page.len() as u64;
    issues.extend(page);
    kept
}

async fn count(query: &Query, jira: &Jira) -> Result<Found, OpError> {
    let page = paging::page(jira, query, 0, 0).await?;
    Ok(Found {
        total: page.total,
        returned: 0,
        truncated: false,
        warnings: page.warnings,
        unseen: Vec::new(),
        view: View::Count,
    })
}

/// What the arguments mean.
enum Shape {
    Issues(u64),
    Meta(u64),
    Count,
}

fn parse(args: SearchArgs) -> Result<(Query, Vec<String>, Shape), OpError> {
    let SearchArgs { jql, jql_pos, fields: asked, limit, all, count, meta, epic_field, sprint_field } = args;
    let clash = |message| OpError::Flag { command: "search", message };
    let value = |message: &str| OpError::Value { command: "search", message: message.to_owned() };
    let jql = jql.or(jql_pos);
    flag::require("search", &[("jql", jql.is_some())])?;
    let jql = jql.unwrap_or_default();
    if jql.trim().is_empty() {
        return Err(value("the query is empty; a query that finds everything is `ORDER BY key`"));
    }
    let (all, count, meta) = (all.unwrap_or(false), count.unwrap_or(false), meta.unwrap_or(false));
    if all && limit.is_some() {
        return Err(clash("--all and --limit exclude each other"));
    }
    if count && (all || meta || limit.is_some() || asked.is_some()) {
        return Err(clash(
            "--count returns no issues: it goes with none of --all, --limit, --meta, --fields",
        ));
    }
    let limit = match limit.map(u64::try_from) {
        None => LIMIT,
        Some(Ok(limit)) if limit > 0 => limit,
        Some(_) => return Err(value("--limit must be 1 or more; --count returns only the number")),
    };
    let wanted = if all { u64::MAX } else { limit };
    let chosen = selection("search", asked.as_deref(), FIELDS, epic_field, sprint_field)?;
    let fields = if count { Vec::new() } else { chosen.fields };
    let shape = match (count, meta) {
        (true, _) => Shape::Count,
        (false, true) => Shape::Meta(wanted),
        (false, false) => Shape::Issues(wanted),
    };
    Ok((Query { jql, fields, ..Query::default() }, chosen.unseen, shape))
}
