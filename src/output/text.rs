//! How a result reads when a person asked for text: aligned and coloured on a terminal, tab-separated
//! rows without a header for a program.

use std::borrow::Cow;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};
use serde_json::Value;

use super::sanitize::{sanitize, sanitize_cell, sanitize_lines};
use super::style::{Style, paint};

/// What has a readable form besides its JSON.
pub trait Text {
    /// The readable form; the writer escapes and lays out.
    fn text(&self) -> Readable;
}

/// The shapes of readable text. The values may hold anything: the writer escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readable {
    /// A list; the header appears on a terminal only.
    Rows {
        /// One word a column.
        header: Vec<&'static str>,
        /// The values, as many in a row as there are columns.
        rows: Vec<Vec<String>>,
    },
    /// One thing, a line for each of its properties.
    Fields(Vec<(&'static str, String)>),
    /// As [`Readable::Fields`], where the names come from the data.
    Pairs(Vec<(String, String)>),
    /// Sentences.
    Lines(Vec<String>),
    /// One shape for a person and another for a program that cuts fields.
    Two {
        /// On a terminal.
        terminal: Box<Readable>,
        /// Everywhere else.
        piped: Box<Readable>,
    },
}

/// What the writer knows about where the text goes.
#[derive(Debug, Clone, Copy)]
pub struct Surface {
    /// Whether a person reads it.
    pub terminal: bool,
    /// Whether it may be coloured; only looked at on a terminal.
    pub color: bool,
    /// Columns, if known.
    pub width: Option<u16>,
}

/// Lays the text out, each line ended by a line feed.
pub fn render(readable: &Readable, surface: Surface) -> String {
    let lines = match (readable, surface.terminal) {
        (Readable::Rows { header, rows }, true) => table(header, rows, surface),
        (Readable::Rows { rows, .. }, false) => rows.iter().map(|row| tabbed(row)).collect(),
        (Readable::Fields(fields), terminal) => {
            pairs(fields.iter().map(|(name, value)| (*name, value.as_str())), terminal, surface.color)
        }
        (Readable::Pairs(fields), terminal) => {
            pairs(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())), terminal, surface.color)
        }
        (Readable::Two { terminal, .. }, true) => return render(terminal, surface),
        (Readable::Two { piped, .. }, false) => return render(piped, surface),
        (Readable::Lines(lines), true) => lines.iter().map(|line| sanitize_lines(line)).collect(),
        (Readable::Lines(lines), false) => {
            lines.iter().map(|line| sanitize_cell(line).into_owned()).collect()
        }
    };
    lines.into_iter().map(|line| line + "\n").collect()
}

fn tabbed(row: &[String]) -> String {
    row.iter().map(|value| sanitize_cell(value)).collect::<Vec<_>>().join("\t")
}

fn table(header: &[&'static str], rows: &[Vec<String>], surface: Surface) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    // Without the terminal's own width nothing is wrapped: asking the system is not this module's job.
    if let Some(width) = surface.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    if !header.is_empty() {
        table.set_header(header);
    }
    for row in rows {
        table.add_row(row.iter().map(|value| sanitize(value)));
    }
    let first_width = usize::from(table.column_max_content_widths().first().copied().unwrap_or(0));
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding(if at == 0 { (0, 1) } else { (1, 1) });
        // A key that is broken over two lines cannot be copied; a heading that is, cannot be read.
        let heading = header.get(at).map_or(0, |word| word.len() + 2);
        column.set_constraint(match at {
            0 => ColumnConstraint::ContentWidth,
            _ => ColumnConstraint::LowerBoundary(Width::Fixed(u16::try_from(heading).unwrap_or(0))),
        });
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let styled = |(at, line): (usize, String)| match at {
        0 if !header.is_empty() => paint(Style::Heading, &line, surface.color),
        // Bytes are columns as long as they are ASCII, as keys and ids are.
        _ => match line.split_at_checked(first_width.min(line.len())) {
            Some((key, rest)) if key.is_ascii() => paint(Style::Key, key, surface.color) + rest,
            _ => line,
        },
    };
    lines.into_iter().enumerate().map(styled).collect()
}

fn pairs<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>, terminal: bool, color: bool) -> Vec<String> {
    if !terminal {
        return fields
            .map(|(name, value)| format!("{}\t{}", sanitize_cell(name), sanitize_cell(value)))
            .collect();
    }
    let fields: Vec<_> = fields.map(|(name, value)| (sanitize(name), sanitize_lines(value))).collect();
    let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let indent = format!("\n{}", " ".repeat(width + 2));
    let line = |(name, value): (Cow<'_, str>, String)| {
        let gap = " ".repeat(width - name.chars().count() + 2);
        let line = format!("{}{gap}{}", paint(Style::Key, &name, color), value.replace('\n', &indent));
        line.trim_end().to_owned()
    };
    fields.into_iter().map(line).collect()
}

/// Any JSON: a value by itself is a line, everything else a line for each leaf, named by its path.
impl Text for Value {
    fn text(&self) -> Readable {
        match self {
            Value::Array(items) if items.iter().all(|item| leaf(item).is_some()) => {
                Readable::Lines(items.iter().filter_map(leaf).collect())
            }
            Value::Array(_) | Value::Object(_) => {
                let mut pairs = Vec::new();
                flatten("", self, &mut pairs);
                Readable::Pairs(pairs)
            }
            value => Readable::Lines(leaf(value).into_iter().collect()),
        }
    }
}

/// A value without parts; `null` is empty, as is an empty list.
fn leaf(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.is_empty() => Some(String::new()),
        Value::Object(members) if members.is_empty() => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn flatten(path: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if let Some(text) = leaf(value) {
        return pairs.push((path.to_owned(), text));
    }
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                flatten(&join(&at.to_string()), item, pairs);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                flatten(&join(name), member, pairs);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PIPE: Surface = Surface { terminal: false, color: true, width: None };
    const TERMINAL: Surface = Surface { terminal: true, color: false, width: Some(60) };
    const COLORED: Surface = Surface { terminal: true, color: true, width: Some(60) };

    fn issues() -> Readable {
        let row = |key: &str, status: &str, summary: &str| vec![key.into(), status.into(), summary.into()];
        Readable::Rows {
            header: vec!["KEY", "STATUS", "SUMMARY"],
            rows: vec![
                row("GAIA-1", "In Progress", "a\tb\nc \\ \x1b[31m"),
                row("GAIA-120", "To Do", "漢字 and a summary that is too long for a line of sixty columns"),
            ],
        }
    }

    #[test]
    fn rows_for_a_program_are_tab_separated_and_escaped() {
        assert_eq!(
            render(&issues(), PIPE),
            "GAIA-1\tIn Progress\ta\\tb\\nc \\\\ \\x1b[31m\n\
             GAIA-120\tTo Do\t漢字 and a summary that is too long for a line of sixty columns\n"
        );
    }

    #[test]
    fn rows_on_a_terminal_are_aligned_under_a_header() {
        assert_eq!(
            render(&issues(), TERMINAL),
            "KEY       STATUS       SUMMARY\n\
             GAIA-1    In Progress  a\\tb\\nc \\ \\x1b[31m\n\
             GAIA-120  To Do        漢字 and a summary that is too long\n\
             \x20                      for a line of sixty columns\n"
        );
    }

    #[test]
    fn only_our_own_escapes_reach_a_terminal() {
        let text = render(&issues(), COLORED);
        assert!(
            text.starts_with("\x1b[1mKEY       STATUS       SUMMARY\x1b[0m\n\x1b[36mGAIA-1\x1b[0m   "),
            "{text:?}"
        );
        assert_eq!(text.matches('\x1b').count(), 6, "{text:?}");
    }

    #[test]
    fn a_narrow_terminal_breaks_neither_keys_nor_headings() {
        let text = render(&issues(), Surface { width: Some(30), ..TERMINAL });
        assert!(text.starts_with("KEY "), "{text}");
        assert!(text.lines().next().unwrap().ends_with("SUMMARY"), "{text}");
        assert!(text.contains("\nGAIA-120 "), "{text}");
    }

    #[test]
    fn no_rows_are_no_text() {
        let none = Readable::Rows { header: vec!["KEY"], rows: Vec::new() };
        assert_eq!(render(&none, TERMINAL), "");
        assert_eq!(render(&none, PIPE), "");
    }

    #[test]
    fn fields_read_as_two_columns() {
        let fields = Readable::Fields(vec![
            ("key", "GAIA-1".to_owned()),
            ("description", "first\nsecond\u{202e}".to_owned()),
            ("epic", String::new()),
        ]);
        assert_eq!(
            render(&fields, TERMINAL),
            "key          GAIA-1\ndescription  first\n             second\\u{202e}\nepic\n"
        );
        assert_eq!(render(&fields, PIPE), "key\tGAIA-1\ndescription\tfirst\\nsecond\\u{202e}\nepic\t\n");
    }

    #[test]
    fn any_json_has_a_readable_form() {
        let value = json!({"a": {"b": [1, "x"]}, "n": null, "t\t": true, "none": {}});
        assert_eq!(render(&value.text(), PIPE), "a.b.0\t1\na.b.1\tx\nn\t\nt\\t\ttrue\nnone\t\n");
        assert_eq!(render(&json!(["a", "b"]).text(), PIPE), "a\nb\n");
        assert_eq!(render(&json!("a\nb").text(), PIPE), "a\\nb\n");
        assert_eq!(render(&json!("a\nb").text(), TERMINAL), "a\nb\n");
        assert_eq!(render(&json!([]).text(), PIPE), "");
    }
}
