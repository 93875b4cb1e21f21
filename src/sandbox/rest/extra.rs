//! The custom fields of one project: what a request may set them to, and how they are shown.
//!
//! They are kept as what decides: a choice by its id, a person by the login name.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::ask::id_text;
use super::shape::{Shape, stamp};
use crate::sandbox::world::World;
use crate::sandbox::world::extras::{Choice, Extra, Kind};

/// The value that is kept, or Jira's words for why not.
pub(super) fn check(extra: &Extra, value: &Value, world: &World) -> Result<Value, String> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let text = || value.as_str().ok_or_else(|| "Operation value must be a string".to_owned());
    match extra.kind {
        Kind::Text => Ok(text()?.into()),
        Kind::Number if value.is_number() => Ok(value.clone()),
        Kind::Number => Err("Operation value must be a number".to_owned()),
        Kind::Date => match text()?.parse::<Date>() {
            Ok(date) => Ok(date.to_string().into()),
            Err(_) => Err(format!("Error parsing date string: {}", text()?)),
        },
        Kind::Time => match Timestamp::strptime("%Y-%m-%dT%H:%M:%S.%f%z", text()?) {
            Ok(at) => Ok(at.as_millisecond().into()),
            Err(_) => Err(format!("Error parsing time: {}", text()?)),
        },
        Kind::User => {
            let name = value.get("name").and_then(Value::as_str);
            let name = name.ok_or("expected Object containing a 'name' property")?;
            match world.user(name) {
                Some(user) => Ok(user.name.as_str().into()),
                None => Err(format!("User '{name}' does not exist.")),
            }
        }
        Kind::Tracking => tracking(value),
        Kind::One(choices) => Ok(choose(choices, value)?.id.into()),
        Kind::Any(choices) => {
            let values = value.as_array().ok_or("data was not an array")?;
            values.iter().map(|value| Ok(Value::from(choose(choices, value)?.id))).collect()
        }
        Kind::Cascade(choices) => {
            let parent = choose(choices, value)?;
            match value.get("child").filter(|child| !child.is_null()) {
                None => Ok(json!([parent.id])),
                Some(child) => Ok(json!([parent.id, choose(parent.children, child)?.id])),
            }
        }
    }
}

/// Minutes in each unit: a day of eight hours, a week of five days.
const UNITS: [(char, f64); 4] = [('w', 2400.0), ('d', 480.0), ('h', 60.0), ('m', 1.0)];

/// The estimates that were given; the remaining one is the original until it is said to be another.
fn tracking(value: &Value) -> Result<Value, String> {
    let mut kept = json!({});
    for (name, other) in
        [("originalEstimate", "remainingEstimate"), ("remainingEstimate", "originalEstimate")]
    {
        let text = value.get(name).or_else(|| value.get(other));
        let text = text.and_then(Value::as_str).ok_or("expected Object containing an 'originalEstimate'")?;
        let minutes = text.split_whitespace().map(|part| {
            let unit = UNITS.into_iter().find(|(unit, _)| part.ends_with(*unit));
            let number = unit.map_or(part, |(unit, _)| part.trim_end_matches(unit)).parse::<f64>().ok()?;
            Some(number * unit.map_or(1.0, |(_, minutes)| minutes))
        });
        let minutes: Option<f64> = minutes.sum();
        let minutes = minutes.filter(|minutes| *minutes >= 0.0);
        let minutes = minutes.ok_or_else(|| format!("'{text}' is not a valid estimate."))?;
        kept[name] = text.into();
        kept[format!("{name}Seconds")] = json!((minutes * 60.0) as u64);
    }
    Ok(kept)
}

/// By id, else by value; Jira regards case here.
fn choose<'a>(choices: &'a [Choice], value: &Value) -> Result<&'a Choice, String> {
    if let Some(id) = value.get("id").and_then(id_text) {
        let found = choices.iter().find(|choice| choice.id.to_string() == id);
        return found.ok_or_else(|| format!("Option id '{id}' is not valid"));
    }
    let Some(word) = value.get("value").and_then(Value::as_str) else {
        return Err("Specify a valid 'id' or 'name' for the option".to_owned());
    };
    let found = choices.iter().find(|choice| choice.value == word);
    found.ok_or_else(|| format!("Option value '{word}' is not valid"))
}

impl Shape<'_> {
    /// A kept value as Jira shows it.
    pub(super) fn extra(&self, extra: &Extra, kept: &Value) -> Value {
        let find = |choices: &'static [Choice], id: &Value| {
            choices.iter().find(|choice| id.as_u64() == Some(choice.id.into()))
        };
        let shown = |choice: Option<&'static Choice>| choice.map(|it| self.choice(it)).into();
        match extra.kind {
            Kind::Tracking if kept.is_null() => json!({}),
            _ if kept.is_null() => Value::Null,
            Kind::Text | Kind::Number | Kind::Date | Kind::Tracking => kept.clone(),
            Kind::Time => kept.as_i64().map(stamp).into(),
            Kind::User => kept.as_str().and_then(|it| self.world.user_id(it)).map(|it| self.user(it)).into(),
            Kind::One(choices) => shown(find(choices, kept)),
            Kind::Any(choices) => {
                kept.as_array().into_iter().flatten().map(|id| shown(find(choices, id))).collect()
            }
            Kind::Cascade(choices) => {
                let Some(parent) = find(choices, &kept[0]) else { return Value::Null };
                let mut value = self.choice(parent);
                if let Some(child) = find(parent.children, &kept[1]) {
                    value["child"] = self.choice(child);
                }
                value
            }
        }
    }

    fn choice(&self, choice: &Choice) -> Value {
        json!({
            "self": self.api(&format!("customFieldOption/{}", choice.id)),
            "value": choice.value,
            "id": choice.id.to_string(),
            "disabled": false,
        })
    }

    /// What can be chosen, with what is below it.
    pub(super) fn choices(&self, choices: &[Choice]) -> Value {
        let one = |choice: &Choice| {
            let mut value = self.choice(choice);
            if !choice.children.is_empty() {
                value["children"] = self.choices(choice.children);
            }
            value
        };
        choices.iter().map(one).collect()
    }
}
