//! Templates: `{{name}}` in a page of ours is filled with text that is escaped, or with HTML that was made
//! the same way. What is filled in is never looked at for names again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");

/// HTML that is safe to put into a page.
pub(super) struct Html(String);

impl Html {
    /// Text from anywhere, escaped for content and for attributes in double quotes.
    pub(super) fn text(text: &str) -> Html {
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                c => escaped.push(c),
            }
        }
        Html(escaped)
    }

    pub(super) fn empty() -> Html {
        Html(String::new())
    }

    pub(super) fn join(parts: impl IntoIterator<Item = Html>) -> Html {
        Html(parts.into_iter().map(Html::into_string).collect())
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// Our own style sheet.
pub(super) fn style() -> Html {
    Html(STYLE.to_owned())
}

/// Its hash, by which the policy of the page lets it in and nothing else.
pub(super) fn style_hash() -> String {
    STANDARD.encode(Sha256::digest(STYLE.as_bytes()))
}

/// Fills a template. A name without a value is a mistake of ours and stays visible.
pub(super) fn fill(template: &'static str, parts: &[(&str, Html)]) -> Html {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, from)| Some((before, from.split_once("}}")?)))
    {
        filled.push_str(before);
        match parts.iter().find(|(part, _)| *part == name) {
            Some((_, html)) => filled.push_str(&html.0),
            None => filled.push_str(&format!("{{{{{name}}}}}")),
        }
        rest = after;
    }
    filled.push_str(rest);
    Html(filled)
}
