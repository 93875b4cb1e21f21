use super::*;
use crate::jira::screen::Schema;

fn field(kind: &str, items: &str, allowed: Option<Value>) -> Field {
    let schema = Schema { kind: kind.to_owned(), items: items.to_owned(), custom: String::new() };
    let allowed = allowed.map(|allowed| allowed.as_array().unwrap().clone());
    Field { id: "customfield_1".to_owned(), name: "Field".to_owned(), schema, allowed, required: false }
}

fn options() -> Option<Value> {
    Some(json!([{"id": "1", "value": "High"}, {"id": "2", "value": "Low, or lower"}]))
}

fn shaped(kind: &str, text: &str) -> Result<Value, Misfit> {
    shape(&field(kind, "", None), text)
}

#[test]
fn texts_numbers_and_users() {
    assert_eq!(shaped("string", " a, b\n").unwrap(), json!(" a, b\n"));
    assert_eq!(shaped("number", " 2.50 ").unwrap().to_string(), "2.50");
    assert_eq!(shaped("number", "-3").unwrap(), json!(-3));
    assert_eq!(shaped("user", "developer").unwrap(), json!({"name": "developer"}));
    assert_eq!(shaped("group", "jira-users").unwrap(), json!({"name": "jira-users"}));
    assert_eq!(shaped("issuelink", "gaia-1").unwrap(), json!({"key": "GAIA-1"}));
    for text in ["many", "1,5", "0x10", "NaN", "1e999", "1 2"] {
        assert!(shaped("number", text).unwrap_err().message.contains("is no number"), "{text}");
    }
    assert!(shaped("issuelink", "../x").is_err());
}

#[test]
fn dates_and_times() {
    assert_eq!(shaped("date", "2026-03-31").unwrap(), json!("2026-03-31"));
    for (text, at) in [
        ("2026-03-31T17:00:00+02:00", "2026-03-31T15:00:00.000+0000"),
        ("2026-03-31T17:00:00.25Z", "2026-03-31T17:00:00.250+0000"),
        ("2026-03-31T17:00:00.000+0200", "2026-03-31T15:00:00.000+0000"),
    ] {
        assert_eq!(shaped("datetime", text).unwrap(), json!(at), "{text}");
    }
    for (kind, text) in [
        ("date", "31.03.2026"),
        ("date", "2026-02-30"),
        ("date", "tomorrow"),
        ("datetime", "2026-03-31T17:00:00"),
        ("datetime", "2026-03-31"),
    ] {
        assert!(shaped(kind, text).is_err(), "{text}");
    }
}

#[test]
fn an_option_is_one_of_those_there_are() {
    let field = field("option", "", options());
    assert_eq!(shape(&field, "high").unwrap(), json!({"value": "High"}));
    assert_eq!(shape(&field, "2").unwrap(), json!({"value": "Low, or lower"}));
    let misfit = shape(&field, "Medium").unwrap_err();
    assert_eq!(misfit.message, "\"Medium\" is not one of its values: High, \"Low, or lower\"");
    assert_eq!(misfit.allowed, ["High", "Low, or lower"]);
    assert_eq!(shaped("option", "Medium").unwrap(), json!({"value": "Medium"}), "Jira does not say which");
}

#[test]
fn lists_are_taken_apart_at_commas_unless_a_value_has_one() {
    let list = |items: &str, allowed: Option<Value>, text: &str| shape(&field("array", items, allowed), text);
    assert_eq!(list("string", None, "a, b,,").unwrap(), json!(["a", "b"]));
    assert_eq!(list("option", options(), "low, or lower").unwrap(), json!([{"value": "Low, or lower"}]));
    assert_eq!(list("option", options(), "High,1").unwrap(), json!([{"value": "High"}, {"value": "High"}]));
    let versions = Some(json!([{"id": "10", "name": "1.0.0"}]));
    assert_eq!(list("version", versions.clone(), "10").unwrap(), json!([{"name": "1.0.0"}]));
    assert!(list("component", versions, "2.0.0").is_err());
    assert_eq!(list("user", None, "a,b").unwrap(), json!([{"name": "a"}, {"name": "b"}]));
    assert_eq!(list("option", options(), " ").unwrap(), json!([]));
    assert!(list("string", None, "two words").is_err());
    assert!(list("attachment", None, "x").unwrap_err().message.contains("--field-json"));
}

#[test]
fn a_cascade_is_a_parent_and_its_child_whatever_their_names_hold() {
    let allowed = json!([
        {"id": "1", "value": "Europe", "children": [{"id": "11", "value": "Berlin"}]},
        {"id": "2", "value": "Asia / Pacific", "children": [{"id": "21", "value": "Tokyo / Chiyoda"}]},
    ]);
    let field = field("option-with-child", "", Some(allowed));
    assert_eq!(shape(&field, "europe").unwrap(), json!({"value": "Europe"}));
    assert_eq!(
        shape(&field, "Europe/berlin").unwrap(),
        json!({"value": "Europe", "child": {"value": "Berlin"}})
    );
    assert_eq!(shape(&field, "Asia / Pacific").unwrap(), json!({"value": "Asia / Pacific"}));
    assert_eq!(
        shape(&field, "Asia / Pacific / Tokyo / Chiyoda").unwrap(),
        json!({"value": "Asia / Pacific", "child": {"value": "Tokyo / Chiyoda"}})
    );
    assert_eq!(shape(&field, "Europe / Rome").unwrap_err().allowed, ["Berlin"]);
    assert_eq!(shape(&field, "Africa / Rome").unwrap_err().allowed, ["Europe", "Asia / Pacific"]);
    assert_eq!(shaped("option-with-child", "A / B").unwrap(), json!({"value": "A", "child": {"value": "B"}}));
}

#[test]
fn estimates() {
    assert_eq!(shaped("timetracking", "1w 2d").unwrap(), json!({"originalEstimate": "1w 2d"}));
    assert_eq!(
        shaped("timetracking", "2d / 4h").unwrap(),
        json!({"originalEstimate": "2d", "remainingEstimate": "4h"})
    );
    for text in ["soon", "2x", "2d /", "/ 2d", "2d / 1h / 1m"] {
        assert!(shaped("timetracking", text).is_err(), "{text}");
    }
}

#[test]
fn jira_softwares_fields_and_those_of_plug_ins() {
    let marked = |kind: &str, custom: &str, text: &str| {
        let mut field = field(kind, "string", None);
        field.schema.custom = custom.to_owned();
        shape(&field, text)
    };
    assert_eq!(marked("array", SPRINT, "114").unwrap(), json!(114));
    assert_eq!(marked("array", SPRINT, "").unwrap(), Value::Null);
    assert!(marked("array", SPRINT, "Sprint 5").unwrap_err().message.contains("jira sprints"));
    assert_eq!(marked("any", EPIC_LINK, "gaia-1").unwrap(), json!("GAIA-1"));
    assert!(marked("any", EPIC_LINK, "an epic").is_err());
    assert!(marked("any", RANK, "0|i0:").is_err());
    assert_eq!(marked("any", "com.example:thing", "x").unwrap(), json!("x"));
}

#[test]
fn an_empty_text_takes_away_what_a_field_holds() {
    for kind in ["string", "number", "date", "option", "user", "option-with-child", "any"] {
        assert_eq!(shaped(kind, "").unwrap(), Value::Null, "{kind}");
    }
    assert!(shaped("project", "GAIA").is_err() && shaped("votes", "3").is_err());
}
