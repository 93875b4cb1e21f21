//! Searching page by page: Jira caps the size of a page silently, so what came decides where the next one
//! begins (decisions 20).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::issue::identifier;
use super::{Jira, JiraError, Request};

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// In Jira's query language.
    pub jql: String,
    /// The fields to be returned.
    pub fields: Vec<String>,
    /// What else is to be returned.
    pub expand: Vec<&'static str>,
    /// Whether clauses that cannot be (a key that does not exist) are left out instead of refused.
    pub forgiving: bool,
}

/// One page of issues.
#[derive(Clone, Debug)]
pub struct Page {
    /// How many issues there are on all pages.
    pub total: u64,
    /// As Jira describes them.
    pub issues: Vec<Value>,
    /// What Jira says about the query.
    pub warnings: Vec<String>,
}

/// Asks for one page.
pub async fn page(jira: &Jira, query: &Query, start_at: u64, size: u64) -> Result<Page, JiraError> {
    let mut body = json!({
        "jql": query.jql,
        "startAt": start_at,
        "maxResults": size,
        "fields": query.fields,
        "validateQuery": !query.forgiving,
    });
    if !query.expand.is_empty() {
        body["expand"] = json!(query.expand);
    }
    let request = Request::ask("/rest/api/2/search", body);
    let mut answer = jira.send(&request).await?.into_json();
    let missing = |missing| JiraError::Unexpected { request: request.title(), missing };
    let total = answer["total"].as_u64().ok_or_else(|| missing("total"))?;
    let Value::Array(issues) = answer["issues"].take() else { return Err(missing("issues")) };
    let warnings = answer["warningMessages"].as_array().into_iter().flatten();
    let warnings = warnings.filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Page { total, issues, warnings })
}

/// The most issues that are asked for at once. A page is held in memory whole, and the one before it while
/// it is written.
const PAGE: u64 = 1000;

/// The same where an issue may have hundreds of fields.
const WIDE_PAGE: u64 = 100;

/// A walk over the pages of a query.
#[derive(Debug)]
pub struct Pages<'a> {
    jira: &'a Jira,
    query: Query,
    size: u64,
    wanted: u64,
    returned: u64,
    position: u64,
    total: u64,
    page_before: HashSet<String>,
    ordered: bool,
    ended: bool,
}

impl<'a> Pages<'a> {
    /// Begins a walk over at most `wanted` issues.
    pub fn new(jira: &'a Jira, mut query: Query, wanted: u64) -> Self {
        let wide = !query.expand.is_empty() || query.fields.iter().any(|field| field.starts_with('*'));
        let size = if wide { WIDE_PAGE } else { PAGE };
        let ordered = wanted > size || has_order(&query.jql);
        if ordered {
            query.jql = in_order(query.jql);
        }
        Pages {
            jira,
            query,
            size,
            wanted,
            returned: 0,
            position: 0,
            total: 0,
            page_before: HashSet::new(),
            ordered,
            ended: false,
        }
    }

    /// How many issues there are, by the last page.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether there are issues behind the last page.
    pub fn truncated(&self) -> bool {
        self.position < self.total
    }

    /// Whether there is nothing more to ask for.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// The next page; none when what was wanted has come, or there is no more.
    pub async fn next(&mut self) -> Result<Option<Page>, JiraError> {
        if self.ended {
            return Ok(None);
        }
        let size = self.size.min(self.wanted - self.returned);
        let mut found = page(self.jira, &self.query, self.position, size).await?;
        found.issues.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let came = found.issues.len() as u64;
        if self.position == 0 && came < self.wanted.min(found.total) && !self.ordered {
            // The server's page is smaller than what was asked for: several pages need an order.
            self.ordered = true;
            self.query.jql = in_order(std::mem::take(&mut self.query.jql));
            return Box::pin(self.next()).await;
        }
        self.position += came;
        self.total = found.total;
        self.drop_repeated(&mut found.issues);
        self.returned += found.issues.len() as u64;
        self.ended = came == 0 || self.position >= self.total || self.returned >= self.wanted;
        Ok(Some(found))
    }

    /// An issue that was made or moved meanwhile shifts the others: the last of the page before come again.
    fn drop_repeated(&mut self, issues: &mut Vec<Value>) {
        let ids: HashSet<String> = issues.iter().filter_map(|issue| identifier(&issue["id"])).collect();
        issues.retain(|issue| identifier(&issue["id"]).is_none_or(|id| !self.page_before.contains(&id)));
        self.page_before = ids;
    }
}

/// The query with an order, without which the pages of a search may overlap and leave out.
fn in_order(jql: String) -> String {
    if has_order(&jql) { jql } else { format!("{jql} ORDER BY key") }
}

/// Whether `ORDER BY` stands in the query, outside of quotes.
fn has_order(jql: &str) -> bool {
    let words = words(jql);
    words.windows(2).any(|pair| pair[0].eq_ignore_ascii_case("order") && pair[1].eq_ignore_ascii_case("by"))
}

/// The bare words of a query. A quoted text is a word of its own, and is left empty here.
fn words(jql: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = jql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => quoted(rest, first),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        match first {
            '"' | '\'' => words.push(""),
            c if is_word(c) => words.push(&rest[..length]),
            c if c.is_whitespace() => {}
            _ => words.push(""),
        }
        rest = &rest[length..];
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']')
}

/// The length of a quoted text, quotes included; a backslash takes the next character along.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_order_is_seen_in_any_case_and_spacing() {
        for jql in ["project = A ORDER BY key", "order by created", "a = b Order\n\tBy x", "(a=b)ORDER BY x"]
        {
            assert!(has_order(jql), "{jql}");
            assert_eq!(in_order(jql.to_owned()), jql);
        }
    }

    #[test]
    fn quoted_words_are_no_order() {
        for jql in [
            r#"text ~ "order by""#,
            "summary ~ 'x ORDER BY y'",
            r#"text ~ "say \"hi\" ORDER BY x""#,
            r#"text ~ 'it\'s ORDER BY'"#,
            "reorder = by",
            "order = \"by\"",
            "order != by",
            r#"text ~ "ORDER" AND by = 1"#,
            "",
            r#"text ~ "unfinished ORDER BY"#,
        ] {
            assert!(!has_order(jql), "{jql}");
        }
        assert_eq!(in_order("text ~ \"order by\"".to_owned()), "text ~ \"order by\" ORDER BY key");
    }

    proptest! {
        #[test]
        fn any_text_is_tokenised(jql in "(\\PC|[\"'\\\\ ]|ORDER BY){0,30}") {
            has_order(&jql);
        }
    }
}
