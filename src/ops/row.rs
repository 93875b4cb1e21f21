//! An issue as one row of text: key, status, summary.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::output::text::{Readable, Text};

/// An issue in a list. Its JSON is Jira's own.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a>(pub &'a Value);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Text for Row<'_> {
    fn text(&self) -> Readable {
        rows(std::slice::from_ref(self.0))
    }
}

/// A list of issues.
pub(super) fn rows(issues: &[Value]) -> Readable {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |issue: &Value| {
        let fields = &issue["fields"];
        vec![text(&issue["key"]), text(&fields["status"]["name"]), text(&fields["summary"])]
    };
    Readable::Rows { header: vec!["KEY", "STATUS", "SUMMARY"], rows: issues.iter().map(row).collect() }
}
