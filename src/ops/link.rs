//! `link`: one issue to another, by the type of the link or by what it says: "blocks", "is blocked by".

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::switch::parse_boolean;
use crate::error::Hint;
use crate::jira::Jira;
use crate::jira::key::IssueRef;
use crate::jira::link::{self, LinkType};
use crate::jira::markup::to_wiki;
use crate::output::text::{Readable, Text};

use super::{Change, Flag, OpError, filled, flag, same_name, spoken};

/// The type of the link unless one is named.
const LINK_TYPE: &str = "Relates";

/// What is said of the flags beside their types.
pub const FLAGS: &[Flag] =
    &[Flag::required("from"), Flag::required("to"), Flag::default("link-type", LINK_TYPE)];

/// What to link to what.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct LinkArgs {
    /// The issue that the link is said of: with the type Blocks, the one that blocks
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// The other issue: with the type Blocks, the one that is blocked
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// The type of the link by its name, or what it says: `is blocked by` turns the direction; Relates unless
    /// told otherwise
    #[arg(long, value_name = "TYPE", allow_hyphen_values = true)]
    pub link_type: Option<String>,
    /// A comment to add with the link
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub comment: Option<String>,
    /// The comment is Markdown, to be turned into Jira's wiki markup
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub markdown: Option<bool>,
}

impl LinkArgs {
    /// The text flags that may be `-`.
    pub fn texts(&mut self) -> Vec<(&'static str, &mut Option<String>)> {
        vec![("comment", &mut self.comment)]
    }

    /// Whether they make sense; nothing is sent.
    pub fn check(&self) -> Result<(), OpError> {
        parse(self.clone()).map(drop)
    }
}

/// What comes back.
pub fn schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "properties": {
            "from": text,
            "to": text,
            "type": text,
            "status": { "const": "linked" },
            "direction": { "type": "string", "description": "what the link says: `GAIA-1 blocks GAIA-2`" },
        },
        "required": ["from", "to", "type", "status", "direction"],
    })
}

/// The link that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Linked {
    /// As it was named.
    pub from: IssueRef,
    /// As it was named.
    pub to: IssueRef,
    /// The type, as Jira calls it.
    #[serde(rename = "type")]
    pub kind: String,
    /// `linked`.
    pub status: &'static str,
    /// What it says, in Jira's words: `GAIA-1 blocks GAIA-2`.
    pub direction: String,
    /// Whether the type was named by what it says of the other end.
    #[serde(skip)]
    turned: bool,
}

impl Linked {
    /// How to look at it.
    pub fn look(&self) -> Option<Hint> {
        Some(Hint::Look { keys: vec![self.from.to_string()] })
    }
}

impl Text for Linked {
    fn text(&self) -> Readable {
        let Linked { from, to, kind, direction, turned, status: _ } = self;
        let (from, to) = if *turned { (to, from) } else { (from, to) };
        Readable::Two {
            terminal: Box::new(Readable::Lines(vec![format!("linked: {direction} ({kind})")])),
            // As go-jira writes it.
            piped: Box::new(Readable::Lines(vec![format!("linked {from} -> {to} ({kind})")])),
        }
    }
}

/// What the arguments mean.
struct Wish {
    from: IssueRef,
    to: IssueRef,
    kind: String,
    comment: Option<String>,
}

/// Links the issues.
pub async fn run(args: LinkArgs, jira: &Jira, change: &Change) -> Result<Linked, OpError> {
    let Wish { from, to, kind, comment } = parse(args)?;
    let types = link::types(jira).await?;
    let chosen = choose(&types, &kind)?;
    let (inward, outward, phrase) = match &chosen {
        Chosen { kind, turned: false } => (&from, &to, &kind.outward),
        Chosen { kind, turned: true } => (&to, &from, &kind.inward),
    };
    let request = link::link(chosen.kind, inward, outward, comment.as_deref());
    let look = || Hint::Look { keys: vec![from.to_string()] };
    change.send(jira, &request, look).await?;
    let direction = format!("{from} {phrase} {to}");
    let Chosen { kind, turned } = chosen;
    Ok(Linked { kind: kind.name.clone(), status: "linked", direction, from, to, turned })
}

/// A type, and whether it was named by what the other issue is to this one.
#[derive(Debug)]
struct Chosen<'a> {
    kind: &'a LinkType,
    turned: bool,
}

/// By its name, else by what it says. What several types say decides nothing.
fn choose<'a>(types: &'a [LinkType], wanted: &str) -> Result<Chosen<'a>, OpError> {
    if let Some(kind) = types.iter().find(|kind| same_name(&kind.name, wanted)) {
        return Ok(Chosen { kind, turned: false });
    }
    let outward = types.iter().filter(|kind| same_name(&kind.outward, wanted));
    let inward =
        types.iter().filter(|kind| same_name(&kind.inward, wanted) && !same_name(&kind.outward, wanted));
    let outward = outward.map(|kind| Chosen { kind, turned: false });
    let mut said: Vec<_> = outward.chain(inward.map(|kind| Chosen { kind, turned: true })).collect();
    if said.len() > 1 {
        let names: Vec<_> = said.iter().map(|chosen| chosen.kind.name.clone()).collect();
        let message = format!("several types of links say \"{wanted}\": name one of {}", spoken(&names));
        return Err(OpError::Value { command: "link", message });
    }
    said.pop().ok_or_else(|| OpError::NoSuch {
        place: "Jira".to_owned(),
        what: "link type",
        field: None,
        name: wanted.to_owned(),
        offered: types
            .iter()
            .map(|kind| format!("{} ({} / {})", kind.name, kind.outward, kind.inward))
            .collect(),
    })
}

fn parse(args: LinkArgs) -> Result<Wish, OpError> {
    let LinkArgs { from, to, link_type, comment, markdown } = args;
    flag::require("link", &[("from", from.is_some()), ("to", to.is_some())])?;
    let from: IssueRef = from.unwrap_or_default().parse()?;
    let to: IssueRef = to.unwrap_or_default().parse()?;
    if from == to {
        let message = format!("--from and --to are both {from}: an issue is not linked to itself");
        return Err(OpError::Value { command: "link", message });
    }
    let comment = filled(comment).map(|text| if markdown == Some(true) { to_wiki(&text) } else { text });
    let kind = filled(link_type).unwrap_or_else(|| LINK_TYPE.to_owned());
    Ok(Wish { from, to, kind, comment })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Failure};

    fn types() -> Vec<LinkType> {
        let kind = |name: &str, inward: &str, outward: &str| LinkType {
            id: name.to_owned(),
            name: name.to_owned(),
            inward: inward.to_owned(),
            outward: outward.to_owned(),
        };
        vec![
            kind("Blocks", "is blocked by", "blocks"),
            kind("Relates", "relates to", "relates to"),
            kind("Cause", "is caused by", "causes"),
            kind("Problem", "is caused by", "provokes"),
        ]
    }

    #[test]
    fn a_type_is_known_by_its_name_and_by_what_it_says_on_either_side() {
        let types = types();
        for (wanted, name, turned) in [
            ("blocks", "Blocks", false),
            (" Is Blocked By ", "Blocks", true),
            ("relates TO", "Relates", false),
            ("provokes", "Problem", false),
        ] {
            let chosen = choose(&types, wanted).unwrap();
            assert_eq!((chosen.kind.name.as_str(), chosen.turned), (name, turned), "{wanted}");
        }
    }

    #[test]
    fn what_several_types_say_is_refused_and_what_none_says_names_them_all() {
        let several = Failure::from(choose(&types(), "is caused by").unwrap_err());
        assert_eq!((several.code, several.exit_code()), (Code::BadValue, 2));
        assert!(several.message.ends_with("name one of Cause, Problem"), "{several}");
        let none = Failure::from(choose(&types(), "eats").unwrap_err());
        assert_eq!((none.code, none.exit_code()), (Code::BadValue, 2));
        assert!(none.message.contains("Blocks (blocks / is blocked by)"), "{none}");
    }
}
