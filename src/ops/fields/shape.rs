//! A text in the shape that a field takes, by the field's schema; refused where it cannot be right, before
//! anything is sent.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Number, Value, json};

use crate::jira::key::IssueKey;
use crate::jira::screen::{EPIC_LINK, Field, RANK, SPRINT};
use crate::ops::{same_name, spoken};

/// Why a text does not fit, and what would.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Misfit {
    pub message: String,
    /// The values that the field takes, where they are a list.
    pub allowed: Vec<String>,
}

fn misfit(message: impl Into<String>) -> Misfit {
    Misfit { message: message.into(), allowed: Vec::new() }
}

/// The value. An empty text takes away what the field holds.
pub(super) fn shape(field: &Field, text: &str) -> Result<Value, Misfit> {
    let schema = &field.schema;
    if field.required && text.trim().is_empty() {
        return Err(misfit("it cannot be empty"));
    }
    match (schema.kind.as_str(), schema.custom.as_str()) {
        // Read as texts, set as a number.
        (_, SPRINT) if text.trim().is_empty() => Ok(Value::Null),
        (_, SPRINT) => match text.trim().parse::<u64>() {
            Ok(id) => Ok(id.into()),
            Err(_) => Err(misfit(format!("\"{text}\" is no number of a sprint; `jira sprints` lists them"))),
        },
        (_, RANK) => Err(misfit("nothing but ranking on a board sets it")),
        ("array", _) => match text.trim() {
            "" => Ok(Value::Array(Vec::new())),
            _ => several(field, text).into_iter().map(|item| element(field, &schema.items, item)).collect(),
        },
        _ if text.trim().is_empty() => Ok(Value::Null),
        ("any", EPIC_LINK) => key(text),
        // A text field of a plug-in, as most of these are.
        ("any", _) => Ok(text.into()),
        (kind, _) => element(field, kind, text),
    }
}

/// The parts of a list. A value that holds a comma itself is taken whole where the field knows it.
fn several<'a>(field: &Field, text: &'a str) -> Vec<&'a str> {
    match &field.allowed {
        Some(allowed) if allowed.iter().any(|value| is_called(value, text)) => vec![text],
        _ => text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect(),
    }
}

/// One value of a type.
fn element(field: &Field, kind: &str, text: &str) -> Result<Value, Misfit> {
    let word = text.trim();
    match kind {
        "string" if field.schema.kind == "array" && word.contains(char::is_whitespace) => {
            Err(misfit(format!("\"{word}\" has a blank in it, which a label has not")))
        }
        "string" => Ok(text.into()),
        "number" => number(word),
        "date" => match word.parse::<Date>() {
            Ok(date) => Ok(date.to_string().into()),
            Err(_) => Err(misfit(format!("\"{word}\" is no date such as 2026-03-31"))),
        },
        "datetime" => datetime(word),
        "option" => Ok(json!({ "value": one_of(field, word, "value")? })),
        "option-with-child" => cascade(field, word),
        "user" | "group" => Ok(json!({ "name": word })),
        "priority" | "version" | "component" | "resolution" | "issuetype" | "securitylevel" => {
            Ok(json!({ "name": one_of(field, word, "name")? }))
        }
        "issuelink" => Ok(json!({ "key": key(word)? })),
        "timetracking" => tracking(word),
        "project" => Err(misfit("an issue is not moved by setting its project")),
        _ => Err(misfit(format!("nobody can type a value of the type {kind}: give it with --field-json"))),
    }
}

/// The name of a value as Jira spells it; whatever was typed where Jira does not say which there are.
fn one_of(field: &Field, word: &str, member: &str) -> Result<String, Misfit> {
    let Some(allowed) = &field.allowed else { return Ok(word.to_owned()) };
    match allowed.iter().find(|value| is_called(value, word)) {
        Some(value) => Ok(value[member].as_str().unwrap_or(word).to_owned()),
        None => Err(not_among(word, allowed)),
    }
}

fn not_among(word: &str, allowed: &[Value]) -> Misfit {
    let names: Vec<String> = allowed.iter().filter_map(name).map(str::to_owned).collect();
    Misfit { message: format!("\"{word}\" is not one of its values: {}", spoken(&names)), allowed: names }
}

/// What people call a value.
fn name(value: &Value) -> Option<&str> {
    value["value"].as_str().or_else(|| value["name"].as_str())
}

/// By its name or its id.
fn is_called(value: &Value, word: &str) -> bool {
    name(value).is_some_and(|name| same_name(name, word)) || value["id"].as_str() == Some(word.trim())
}

/// `Parent / Child`, or a parent alone; either may hold a slash itself.
fn cascade(field: &Field, word: &str) -> Result<Value, Misfit> {
    let Some(allowed) = &field.allowed else {
        return Ok(match word.split_once('/') {
            None => json!({ "value": word }),
            Some((parent, child)) => json!({ "value": parent.trim(), "child": { "value": child.trim() } }),
        });
    };
    if let Some(parent) = allowed.iter().find(|value| is_called(value, word)) {
        return Ok(json!({ "value": parent["value"] }));
    }
    let mut parent_alone = None;
    for (slash, _) in word.match_indices('/') {
        let (left, right) = (&word[..slash], &word[slash + 1..]);
        let Some(parent) = allowed.iter().find(|value| is_called(value, left)) else { continue };
        let children = parent["children"].as_array().map_or(&[][..], Vec::as_slice);
        if let Some(child) = children.iter().find(|value| is_called(value, right)) {
            return Ok(json!({ "value": parent["value"], "child": { "value": child["value"] } }));
        }
        parent_alone = Some(not_among(right.trim(), children));
    }
    Err(parent_alone.unwrap_or_else(|| not_among(word, allowed)))
}

fn number(word: &str) -> Result<Value, Misfit> {
    // As it was typed: 0.1 stays 0.1.
    let parsed = word.trim_start_matches('+').parse::<Number>().ok();
    let parsed = parsed.filter(|number| number.as_f64().is_some_and(f64::is_finite));
    parsed.map(Value::Number).ok_or_else(|| misfit(format!("\"{word}\" is no number such as 3 or 2.5")))
}

/// Jira takes exactly this form: milliseconds, and an offset without a colon.
fn datetime(word: &str) -> Result<Value, Misfit> {
    let jiras = || Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", word);
    match word.parse::<Timestamp>().or_else(|_| jiras()) {
        Ok(at) => Ok(at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string().into()),
        Err(_) => Err(misfit(format!(
            "\"{word}\" is no time such as 2026-03-31T17:00:00+02:00; its offset is needed"
        ))),
    }
}

fn key(word: &str) -> Result<Value, Misfit> {
    let key = word.trim().parse::<IssueKey>().map_err(|error| misfit(error.to_string()))?;
    Ok(key.to_string().into())
}

/// `2d`, or `2d / 4h`: the original and the remaining estimate, in Jira's own units.
fn tracking(word: &str) -> Result<Value, Misfit> {
    let is_estimate = |text: &str| {
        let mut parts = text.split_whitespace().peekable();
        let is_part = |part: &str| {
            let number = part.strip_suffix(['w', 'd', 'h', 'm']).unwrap_or(part);
            number.parse::<f64>().is_ok_and(|number| number.is_finite() && number >= 0.0)
        };
        parts.peek().is_some() && parts.all(is_part)
    };
    let (original, remaining) = match word.split_once('/') {
        None => (word, None),
        Some((original, remaining)) => (original.trim(), Some(remaining.trim())),
    };
    if !is_estimate(original) || remaining.is_some_and(|remaining| !is_estimate(remaining)) {
        return Err(misfit(format!("\"{word}\" is no estimate such as 2d or 1w 4h / 3d")));
    }
    let mut value = json!({ "originalEstimate": original });
    if let Some(remaining) = remaining {
        value["remainingEstimate"] = remaining.into();
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
