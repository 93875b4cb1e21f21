//! What Jira answers when it does not do what was asked.

use axum::Json;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An error response.
pub(super) struct Refusal {
    status: StatusCode,
    body: Body,
}

enum Body {
    Json(Value),
    Text(&'static str),
    /// 401 of a resource that is for accounts only.
    Unauthenticated,
}

impl Refusal {
    /// `{"errorMessages":[…],"errors":{}}`
    pub(super) fn new(status: StatusCode, messages: &[&str]) -> Self {
        Refusal { status, body: Body::Json(json!({"errorMessages": messages, "errors": {}})) }
    }

    /// 400 with these messages.
    pub(super) fn bad(messages: &[&str]) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, messages)
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Refusal::new(StatusCode::FORBIDDEN, &[message])
    }

    pub(super) fn not_found(message: &str) -> Self {
        Refusal::new(StatusCode::NOT_FOUND, &[message])
    }

    /// 400 with a message for each of these fields.
    pub(super) fn fields(errors: impl IntoIterator<Item = (String, String)>) -> Self {
        let errors: Map<String, Value> =
            errors.into_iter().map(|(field, message)| (field, message.into())).collect();
        Refusal {
            status: StatusCode::BAD_REQUEST,
            body: Body::Json(json!({"errorMessages": [], "errors": errors})),
        }
    }

    /// 400 with a message for one field.
    pub(super) fn field(field: &str, message: impl Into<String>) -> Self {
        Refusal::fields([(field.to_owned(), message.into())])
    }

    /// 400 of the JSON reader: `errors` is absent here.
    pub(super) fn unreadable(message: &str) -> Self {
        Refusal { status: StatusCode::BAD_REQUEST, body: Body::Json(json!({"errorMessages": [message]})) }
    }

    /// What the framework below Jira's own code answers.
    pub(super) fn framework(status: StatusCode, message: &str) -> Self {
        Refusal { status, body: Body::Json(json!({"message": message, "status-code": status.as_u16()})) }
    }

    /// 401: this resource is for accounts only.
    pub(super) fn unauthenticated() -> Self {
        Refusal { status: StatusCode::UNAUTHORIZED, body: Body::Unauthenticated }
    }

    /// 401: the issue is there, but not for somebody who is not logged in.
    pub(super) fn login_required() -> Self {
        let messages = ["You do not have the permission to see the specified issue.", "Login Required"];
        Refusal::new(StatusCode::UNAUTHORIZED, &messages)
    }

    /// 403 in plain text.
    pub(super) fn xsrf() -> Self {
        Refusal { status: StatusCode::FORBIDDEN, body: Body::Text("XSRF check failed") }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self.body {
            Body::Json(body) => (self.status, Json(body)).into_response(),
            Body::Text(text) => (self.status, text).into_response(),
            Body::Unauthenticated => {
                let body = json!({
                    "message": "Client must be authenticated to access this resource.",
                    "status-code": 401,
                });
                (self.status, [(header::WWW_AUTHENTICATE, "OAuth realm=\"sandbox\"")], Json(body))
                    .into_response()
            }
        }
    }
}

/// A path that Jira does not have.
pub(super) async fn no_such_path(uri: Uri) -> Refusal {
    Refusal::framework(StatusCode::NOT_FOUND, &format!("null for uri: {uri}"))
}

/// A path that Jira has, but not for this method.
pub(super) async fn no_such_method() -> Refusal {
    Refusal::framework(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
}
