//! What can go wrong when Jira is asked, and what each of it is to the caller.

use serde_json::{Value, json};
use thiserror::Error;

use crate::auth::refresh::RefreshError;
use crate::auth::{AuthError, AuthMode};
use crate::error::{Actor, Code, Failure, Hint};
use crate::http::HttpError;

/// Why a request to Jira has no result.
#[derive(Debug, Error)]
pub enum JiraError {
    /// The policy; nothing was sent.
    #[error("{request} changes something, and JIRA_READ_ONLY forbids that; nothing was sent")]
    ReadOnly {
        /// Method and path.
        request: String,
    },
    /// No credential.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// No answer, to a request that changes nothing or never left.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A change that was sent and not answered.
    #[error(
        "{request} was sent and not answered ({reason}): it may have been done; look before you repeat it"
    )]
    OutcomeUnknown {
        /// Method and path.
        request: String,
        /// What happened.
        reason: String,
    },
    /// A change that Jira made, as nobody.
    #[error(
        "Jira accepted {request} without recognising the credential: it was made as anonymous; look before you repeat it"
    )]
    AnonymousWrite {
        /// Method and path.
        request: String,
    },
    /// Jira does not accept the credential, a newer one included.
    #[error("Jira does not accept the credential ({source_name}): it has ended, was revoked, or is wrong")]
    TokenRejected {
        /// Which kind it is.
        mode: AuthMode,
        /// Where it comes from.
        source_name: String,
        /// The status of the last answer.
        status: u16,
    },
    /// Jira wants a person to solve a captcha.
    #[error("{host} wants a captcha solved after failed logins: log in there once with the browser")]
    Captcha {
        /// The host.
        host: String,
    },
    /// 429.
    #[error("Jira limits the rate of requests; wait {wait} s")]
    RateLimited {
        /// Whole seconds.
        wait: u64,
        /// Jira's name for the request.
        request_id: Option<String>,
    },
    /// A redirect to the same path elsewhere.
    #[error("{host} says that this Jira has moved to {target}; change the base URL if that is right")]
    Moved {
        /// The host asked.
        host: String,
        /// The host it points to.
        target: String,
    },
    /// Another redirect.
    #[error(
        "{host} redirects to {target} ({status}) instead of answering: a login page or a proxy is in between"
    )]
    Redirected {
        /// The host asked.
        host: String,
        /// The host it points to.
        target: String,
        /// The status.
        status: u16,
    },
    /// A page where JSON belongs, with a status that Jira would not give it.
    #[error("{host} answered {status} with a page instead of JSON: a login page or a proxy is in between")]
    Intercepted {
        /// The host asked.
        host: String,
        /// The status.
        status: u16,
    },
    /// Something that is no Jira.
    #[error("{host} answered {status} with something that is not Jira's: is the base URL's path right?")]
    NotJira {
        /// The host asked.
        host: String,
        /// The status.
        status: u16,
    },
    /// Boards were asked for, and there are none.
    #[error(
        "{host} has no Jira Software (its Agile API answered 404): boards, sprints and epics are part of that"
    )]
    NoSoftware {
        /// The host asked.
        host: String,
    },
    /// 5xx.
    #[error("{host} answered {status}")]
    Server {
        /// The host asked.
        host: String,
        /// The status.
        status: u16,
        /// Jira's name for the request.
        request_id: Option<String>,
        /// Its words, if it had any.
        body: Option<Value>,
    },
    /// 403 for a change made with a session that may only read.
    #[error("{request} needs the scope WRITE, and this session was granted READ")]
    ScopeMissing {
        /// Which kind of credential it is.
        mode: AuthMode,
        /// Method and path.
        request: String,
        /// Jira's name for the request.
        request_id: Option<String>,
    },
    /// Another refusal, in Jira's own words.
    #[error("{request}: {}", words(*.status, .message))]
    Refused {
        /// Method and path.
        request: String,
        /// The status.
        status: u16,
        /// Jira's words.
        message: String,
        /// Jira's name for the request.
        request_id: Option<String>,
        /// `errorMessages` and `errors` as they came.
        details: Value,
    },
    /// JSON that is not what this request is answered with.
    #[error("{request}: Jira's answer has no {missing}")]
    Unexpected {
        /// Method and path.
        request: String,
        /// What should be there.
        missing: &'static str,
    },
}

fn words(status: u16, message: &str) -> String {
    if message.is_empty() { format!("Jira answered {status}") } else { message.to_owned() }
}

impl From<RefreshError> for JiraError {
    fn from(error: RefreshError) -> Self {
        JiraError::Auth(error.into())
    }
}

impl From<JiraError> for Failure {
    fn from(error: JiraError) -> Self {
        let text = error.to_string();
        match error {
            JiraError::ReadOnly { .. } => Failure::new(Code::Policy, text),
            JiraError::Auth(error) => error.into(),
            JiraError::Http(error) => error.into(),
            JiraError::OutcomeUnknown { request, reason } => Failure::new(Code::OutcomeUnknown, text)
                .details(json!({ "request": request, "reason": reason })),
            JiraError::AnonymousWrite { request } => {
                Failure::new(Code::OutcomeUnknown, text).details(json!({ "request": request }))
            }
            JiraError::TokenRejected { mode, status, .. } => {
                let failure = Failure::new(Code::TokenRejected, text).status(status);
                match mode {
                    AuthMode::OauthStorage => failure.hint(Hint::Login { site: None }),
                    AuthMode::PatStorage => failure.hint(Hint::LoginPat { site: None }),
                    AuthMode::OauthEnv | AuthMode::Bearer | AuthMode::Basic => failure.actor(Actor::Operator),
                }
            }
            JiraError::Captcha { .. } => Failure::new(Code::Captcha, text),
            JiraError::RateLimited { wait, request_id } => rate_limited(text, wait, request_id),
            JiraError::Moved { .. } => Failure::new(Code::Moved, text).hint(Hint::SiteList),
            JiraError::Redirected { status, .. } | JiraError::Intercepted { status, .. } => {
                Failure::new(Code::SsoIntercepted, text).status(status)
            }
            JiraError::NotJira { status, .. } => Failure::new(Code::NotJira, text).status(status),
            JiraError::NoSoftware { .. } => Failure::new(Code::NotFound, text).status(404),
            JiraError::Server { status, request_id, body, .. } => {
                let mut failure = Failure::new(Code::ServerError, text).status(status);
                failure.request_id = request_id;
                failure.details = body;
                failure
            }
            JiraError::ScopeMissing { mode, request_id, .. } => {
                let mut failure = scope_missing(text, mode).status(403);
                failure.request_id = request_id;
                failure
            }
            JiraError::Refused { status, request_id, details, .. } => {
                let mut failure = Failure::new(refusal(status), text).status(status).details(details);
                failure.request_id = request_id;
                failure
            }
            JiraError::Unexpected { .. } => Failure::new(Code::NotJira, text),
        }
    }
}

/// The failure of a session that may only read. No login changes the token that a job was given: that is for
/// whoever gives it one.
pub fn scope_missing(text: impl Into<String>, mode: AuthMode) -> Failure {
    let failure = Failure::new(Code::ScopeMissing, text);
    match mode {
        AuthMode::OauthStorage | AuthMode::PatStorage => {
            failure.hint(Hint::LoginScope { site: None, scope: "WRITE".to_owned() })
        }
        AuthMode::OauthEnv | AuthMode::Bearer | AuthMode::Basic => failure.actor(Actor::Operator),
    }
}

/// The code for a refusal in Jira's own form.
fn refusal(status: u16) -> Code {
    match status {
        401 => Code::TokenRejected,
        403 => Code::Forbidden,
        404 => Code::NotFound,
        409 => Code::Conflict,
        413 => Code::TooLarge,
        _ => Code::BadRequest,
    }
}

/// An administrator's "block all" says the largest number there is; nobody waits for that.
fn rate_limited(text: String, wait: u64, request_id: Option<String>) -> Failure {
    let mut failure = if wait > 3600 {
        Failure::new(
            Code::BlockedByAdmin,
            "Jira's administrator has blocked requests of this account".to_owned(),
        )
    } else {
        let mut failure = Failure::new(Code::RateLimited, text);
        failure.retry_after = Some(wait);
        failure
    };
    failure.status_code = Some(429);
    failure.request_id = request_id;
    failure
}
