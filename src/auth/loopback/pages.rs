//! What the browser shows at the end: fixed texts, no script, nothing from outside.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// How a login ended, for the person who looks at the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The session is saved.
    Done,
    /// Jira or the person said no.
    Denied,
    /// Something else went wrong; the terminal says what.
    Failed,
    /// A request that this login did not cause.
    NotThisLogin,
    /// Any other path, method or host.
    NotHere,
}

/// The pages' only style; its hash stands in the policy.
const STYLE: &str = include_str!("page.css");

/// SHA-256 of `STYLE`, so that the policy allows this style and no other.
fn style_hash() -> String {
    use base64::Engine;
    use sha2::Digest;
    base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(STYLE.as_bytes()))
}

impl Page {
    /// Class of the mark, heading, text.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Page::Done => (
                "good",
                "You are logged in",
                "The session is saved. You can close this tab and go back to the terminal.",
            ),
            Page::Denied => {
                ("bad", "Access was not granted", "Nothing was saved. The terminal says what to do next.")
            }
            Page::Failed => (
                "bad",
                "The login did not work",
                "Nothing was saved. The terminal says what happened and what to do next.",
            ),
            Page::NotThisLogin => (
                "bad",
                "This is not the login that is waiting",
                "Start again from the terminal, and use the newest tab.",
            ),
            Page::NotHere => {
                ("bad", "There is nothing here", "This address only waits for a login to come back.")
            }
        }
    }

    /// The page as an answer, with headers that keep it to itself.
    pub fn answer(self, status: StatusCode) -> Response {
        let (class, heading, text) = self.words();
        let mark = if class == "good" { "✓" } else { "!" };
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{heading} · jira</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <div class=\"mark {class}\" aria-hidden=\"true\">{mark}</div>\n<h1>{heading}</h1>\n<p>{text}</p>\n\
             </main>\n</body>\n</html>\n"
        );
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            style_hash()
        );
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        (status, headers, html).into_response()
    }
}
