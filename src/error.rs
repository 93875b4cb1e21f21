//! What can go wrong, in the words of the product's contract: a closed list of codes, each with its
//! exit code, whether the same command may simply be run again, and who can mend it.
//!
//! Every module has an error enum of its own and says beside it how that becomes a [`Failure`]; this is
//! the only type that reaches the report. It imports nothing from the rest of the crate.

pub mod schema;

use std::fmt;

use serde_json::Value;

/// The kind of a failure; it alone decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything that is not one of the below.
    Error,
    /// The invocation is wrong.
    Usage,
    /// No credential, or a refused one: somebody must act.
    Auth,
    /// Jira answered 429.
    RateLimit,
    /// There is no such thing, or not for this account.
    NotFound,
    /// Not everything asked for is known to be done.
    Partial,
    /// The same command may work later.
    Unavailable,
}

impl Kind {
    /// Every kind, in the order of the exit codes.
    pub const ALL: [Kind; 7] = [
        Kind::Error,
        Kind::Usage,
        Kind::Auth,
        Kind::RateLimit,
        Kind::NotFound,
        Kind::Partial,
        Kind::Unavailable,
    ];

    /// The exit code, 1 to 7.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Error => 1,
            Kind::Usage => 2,
            Kind::Auth => 3,
            Kind::RateLimit => 4,
            Kind::NotFound => 5,
            Kind::Partial => 6,
            Kind::Unavailable => 7,
        }
    }

    /// When it is so, in a line.
    pub fn meaning(self) -> &'static str {
        match self {
            Kind::Error => {
                "Jira refused the content, an untrusted certificate, not a Jira, a broken store, a bug"
            }
            Kind::Usage => "the invocation is wrong",
            Kind::Auth => "no credential, a refused one, a policy, a locked keyring: somebody must act",
            Kind::RateLimit => "wait for retry_after",
            Kind::NotFound => "there is no such thing, or not for this account",
            Kind::Partial => "not everything is known to be done; look before you repeat",
            Kind::Unavailable => "the same command may work later",
        }
    }

    /// The word that stands in the error object.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Error => "error",
            Kind::Usage => "usage",
            Kind::Auth => "auth",
            Kind::RateLimit => "rate_limit",
            Kind::NotFound => "not_found",
            Kind::Partial => "partial",
            Kind::Unavailable => "unavailable",
        }
    }
}

/// Who can mend a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Whoever wrote the command line.
    Caller,
    /// The person whose account it is.
    User,
    /// The administrator of Jira.
    Admin,
    /// Whoever runs the CI job or the broker.
    Operator,
    /// Nobody: time may.
    Nobody,
}

impl Actor {
    /// All of them.
    pub const ALL: [Actor; 5] = [Actor::Caller, Actor::User, Actor::Admin, Actor::Operator, Actor::Nobody];

    /// The word that stands in the error object.
    pub fn as_str(self) -> &'static str {
        match self {
            Actor::Caller => "caller",
            Actor::User => "user",
            Actor::Admin => "admin",
            Actor::Operator => "operator",
            Actor::Nobody => "nobody",
        }
    }
}

/// Declares [`Code`] as one table: word, kind, actor. `Unavailable` codes and `rate_limited` are the
/// retryable ones.
macro_rules! codes {
    ($($name:ident $word:literal $kind:ident $actor:ident,)*) => {
        /// The closed list of what can go wrong. One word each; scripts branch on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = concat!("`", $word, "`")] $name,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The word that stands in the error object.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $word,)* }
            }

            /// The kind, and with it the exit code.
            pub fn kind(self) -> Kind {
                match self { $(Code::$name => Kind::$kind,)* }
            }

            /// Who can mend it, unless the failure itself knows better.
            pub fn actor(self) -> Actor {
                match self { $(Code::$name => Actor::$actor,)* }
            }
        }
    };
}

codes! {
    BadFlag "bad_flag" Usage Caller,
    BadValue "bad_value" Usage Caller,
    BadKey "bad_key" Usage Caller,
    ControlCharacter "control_character" Usage Caller,
    NothingToDo "nothing_to_do" Usage Caller,
    ConfirmMissing "confirm_missing" Usage Caller,
    SecretAsArgument "secret_as_argument" Usage Caller,
    NoBaseUrl "no_base_url" Usage User,
    NoClientId "no_client_id" Usage User,
    CloudUrl "cloud_url" Usage User,
    RotationTargetMissing "rotation_target_missing" Usage User,
    NotLoggedIn "not_logged_in" Auth User,
    SessionEnded "session_ended" Auth User,
    TokenRejected "token_rejected" Auth User,
    RefreshTokenSpent "refresh_token_spent" Auth Operator,
    BrokerRefused "broker_refused" Auth Operator,
    Pinned "pinned" Auth User,
    Policy "policy" Auth User,
    KeyringLocked "keyring_locked" Auth User,
    KeyringDenied "keyring_denied" Auth User,
    KeyringAbsent "keyring_absent" Auth User,
    MasterPassword "master_password" Auth User,
    NeedsPerson "needs_person" Auth User,
    ScopeMissing "scope_missing" Auth User,
    Captcha "captcha" Auth User,
    SsoIntercepted "sso_intercepted" Auth User,
    Moved "moved" Auth User,
    Forbidden "forbidden" Auth Admin,
    RateLimited "rate_limited" RateLimit Nobody,
    BlockedByAdmin "blocked_by_admin" RateLimit Admin,
    NotFound "not_found" NotFound Caller,
    NoKey "no_key" NotFound Caller,
    Partial "partial" Partial Caller,
    OutcomeUnknown "outcome_unknown" Partial Caller,
    RotationPending "rotation_pending" Partial Caller,
    Dns "dns" Unavailable Nobody,
    Connect "connect" Unavailable Nobody,
    Timeout "timeout" Unavailable Nobody,
    ServerError "server_error" Unavailable Nobody,
    BrokerDown "broker_down" Unavailable Nobody,
    KeyringSilent "keyring_silent" Unavailable Nobody,
    SessionBusy "session_busy" Unavailable Nobody,
    RefreshInterrupted "refresh_interrupted" Unavailable Nobody,
    BadRequest "bad_request" Error Caller,
    Conflict "conflict" Error Caller,
    TooLarge "too_large" Error Caller,
    NotJira "not_jira" Error User,
    TlsUntrusted "tls_untrusted" Error User,
    BrokerMisconfigured "broker_misconfigured" Error Operator,
    BrokerProtocol "broker_protocol" Error Operator,
    StoreUnwritable "store_unwritable" Error User,
    StoreCorrupt "store_corrupt" Error User,
    PortBusy "port_busy" Error User,
    LoginDenied "login_denied" Error User,
    OutputUnwritable "output_unwritable" Error Caller,
    Findings "findings" Error Caller,
    Bug "bug" Error Nobody,
}

impl Code {
    /// Whether the same command may simply be run again.
    pub fn retryable(self) -> bool {
        self.kind() == Kind::Unavailable || self == Code::RateLimited
    }
}

/// A next step that can be pasted into a POSIX shell: our words and parsed values, quoted, and nothing
/// from Jira, a file or the environment that has not been parsed. The words stand here alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variant's line names its fields")]
pub enum Hint {
    /// `jira COMMAND --help`; the command path is ours.
    Help(&'static str),
    /// `jira login`, for a site by name if one is known.
    Login { site: Option<String> },
    /// `jira login --base-url URL`: there is no site yet.
    LoginAt { base_url: String },
    /// `jira login --pat`: where OAuth cannot work.
    LoginPat { site: Option<String> },
    /// `jira login --scope SCOPE`: the session's scope is too narrow.
    LoginScope { site: Option<String>, scope: String },
    /// `jira login --from-go-jira --site NAME`.
    TakeOver { site: String },
    /// `jira site set SITE NAME VALUE`: changes what a session trusts, and asks.
    SiteSet { site: String, setting: &'static str, value: String },
    /// `jira site list`.
    SiteList,
    /// `jira config show`.
    ConfigShow,
    /// Has the caller token of a broker read without echo and set: it is neither an argument nor in the history.
    BrokerToken,
    /// `jira token status`.
    TokenStatus { site: Option<String> },
    /// `jira get KEY`: look before you repeat a change.
    Look { keys: Vec<String> },
    /// `jira search JQL`: the newest issues of a project by this account, the project by its parsed key.
    LookForNew { project: String },
    /// `jira COMMAND`, when a word was mistyped; the suggestion is one of our own names.
    DidYouMean(String),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = |site: &Option<String>| match site {
            Some(name) => format!(" --site {}", shell_quote(name)),
            None => String::new(),
        };
        match self {
            Hint::Help("") => write!(f, "jira --help"),
            Hint::Help(command) => write!(f, "jira {command} --help"),
            Hint::Login { site: name } => write!(f, "jira login{}", site(name)),
            Hint::LoginAt { base_url } => write!(f, "jira login --base-url {}", shell_quote(base_url)),
            Hint::LoginPat { site: name } => write!(f, "jira login --pat{}", site(name)),
            Hint::LoginScope { site: name, scope } => {
                write!(f, "jira login{} --scope {}", site(name), shell_quote(scope))
            }
            Hint::TakeOver { site } => write!(f, "jira login --from-go-jira --site {}", shell_quote(site)),
            Hint::SiteSet { site, setting, value } => {
                write!(f, "jira site set {} {setting} {}", shell_quote(site), shell_quote(value))
            }
            Hint::SiteList => write!(f, "jira site list"),
            Hint::ConfigShow => write!(f, "jira config show"),
            Hint::BrokerToken => {
                write!(f, "stty -echo; read -r JIRA_BROKER_TOKEN; stty echo; export JIRA_BROKER_TOKEN")
            }
            Hint::TokenStatus { site: name } => write!(f, "jira token status{}", site(name)),
            Hint::Look { keys } => {
                write!(f, "jira get")?;
                keys.iter().try_for_each(|key| write!(f, " {}", shell_quote(key)))
            }
            Hint::LookForNew { project } => {
                // In quotes: a project may be called as a word of the query language.
                let jql = format!(
                    "project = \"{project}\" AND creator = currentUser() AND created >= -15m ORDER BY created DESC"
                );
                write!(f, "jira search {}", shell_quote(&jql))
            }
            Hint::DidYouMean(command) => write!(f, "jira {command}"),
        }
    }
}

/// Quotes a word for a POSIX shell (XCU 2.2.2): bare if it is made of harmless characters, else in
/// single quotes.
fn shell_quote(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// One failure, as it is reported: the last line on stderr, and the exit code.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it is.
    pub code: Code,
    /// What failed, on what, and what to do: one sentence or two. It may hold text from Jira; the
    /// writer escapes it.
    pub message: String,
    /// The next step, if there is one.
    pub hint: Option<Hint>,
    /// Who can mend it, where that is not the code's own answer.
    pub actor: Option<Actor>,
    /// The HTTP status that decided, if one did.
    pub status_code: Option<u16>,
    /// Whole seconds to wait, if the other side said so.
    pub retry_after: Option<u64>,
    /// Jira's `X-AREQUESTID`, or what a broker's log calls the request.
    pub request_id: Option<String>,
    /// Jira's `errorMessages` and `errors` as they came, or what else the reader needs.
    pub details: Option<Value>,
    /// The exit code of the signal that ended the command, if one did.
    pub signal: Option<u8>,
}

impl Failure {
    /// A failure with nothing but its code and message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Failure {
            code,
            message: message.into(),
            hint: None,
            actor: None,
            status_code: None,
            retry_after: None,
            request_id: None,
            details: None,
            signal: None,
        }
    }

    /// Adds the next step.
    pub fn hint(mut self, hint: Hint) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Names who can mend it, where that differs from the code's own answer.
    pub fn actor(mut self, actor: Actor) -> Self {
        self.actor = Some(actor);
        self
    }

    /// Adds the HTTP status that decided.
    pub fn status(mut self, status: u16) -> Self {
        self.status_code = Some(status);
        self
    }

    /// Adds `details`.
    pub fn details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Says that a signal ended the command: its exit code is that signal's.
    pub fn ended_by(mut self, signal: u8) -> Self {
        self.signal = Some(signal);
        self
    }

    /// The exit code: 1 to 7, or that of a signal.
    pub fn exit_code(&self) -> u8 {
        self.signal.unwrap_or_else(|| self.code.kind().exit_code())
    }

    /// The error object of the contract, without its `error` wrapper; absent keys are left out.
    pub fn to_json(&self) -> Value {
        let mut object = serde_json::Map::new();
        let mut put = |key: &str, value: Value| {
            if !value.is_null() {
                object.insert(key.to_owned(), value);
            }
        };
        put("kind", self.code.kind().as_str().into());
        put("code", self.code.as_str().into());
        put("message", self.message.clone().into());
        put("hint", self.hint.as_ref().map(Hint::to_string).into());
        put("exit_code", self.exit_code().into());
        put("retryable", self.code.retryable().into());
        put("actor", self.actor.unwrap_or_else(|| self.code.actor()).as_str().into());
        put("status_code", self.status_code.into());
        put("retry_after", self.retry_after.into());
        put("request_id", self.request_id.clone().into());
        put("details", self.details.clone().unwrap_or_default());
        Value::Object(object)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_survives_a_shell() {
        let hint = Hint::Login { site: Some("it's $(id)".to_owned()) };
        assert_eq!(hint.to_string(), r"jira login --site 'it'\''s $(id)'");
        let hint = Hint::LoginAt { base_url: "https://jira.example.com/ctx".to_owned() };
        assert_eq!(hint.to_string(), "jira login --base-url https://jira.example.com/ctx");
    }

    #[test]
    fn every_code_is_one_distinct_word() {
        let mut words: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(words.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
    }

    #[test]
    fn absent_keys_are_left_out() {
        let json = Failure::new(Code::NotFound, "no such issue").to_json();
        assert_eq!(
            json.to_string(),
            r#"{"kind":"not_found","code":"not_found","message":"no such issue","exit_code":5,"retryable":false,"actor":"caller"}"#
        );
    }
}
