//! The session object: the same shape wherever a command says who it is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::auth::session::{Session, State};
use crate::auth::{Access, AuthMode, Credential};
use crate::ops::schema::of;
use crate::output::{Readable, Text};

use super::context::Context;

/// Who a command is, and by what; what does not apply is `null`. Holds no token.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionObject {
    /// The site's name.
    pub site: Option<String>,
    /// The Jira.
    pub base_url: Option<String>,
    /// The OAuth client, or `pat`.
    pub client_id: Option<String>,
    /// `oauth-env`, `bearer`, `basic`, `oauth-storage` or `pat-storage`.
    pub auth_mode: Option<&'static str>,
    /// Which variable or site it comes from.
    pub source: Option<String>,
    /// `name` and `displayName`, or Jira's whole user where Jira was asked.
    #[schemars(with = "Option<Account>")]
    pub user: Value,
    /// The granted scope.
    pub scope: Option<String>,
    /// `ok`, `stale`, `ended` or `none`.
    pub session: State,
    /// When the access token ends.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub refreshed_at: Option<Timestamp>,
    /// Days until the refresh token ends unused.
    pub idle_days_left: Option<i64>,
    /// `keyring`, `file`, `sealed` or `memory`.
    pub storage: Option<&'static str>,
    /// Who refreshes, if not Jira itself.
    pub broker_url: Option<String>,
}

/// The account: Jira's whole user where Jira was asked.
#[derive(JsonSchema)]
#[schemars(extend("additionalProperties" = true))]
#[allow(dead_code, reason = "only its schema is of use")]
struct Account {
    name: String,
    #[schemars(rename = "displayName")]
    display_name: String,
}

/// The JSON Schema of the session object.
pub fn schema() -> Value {
    of::<SessionObject>()
}

impl SessionObject {
    /// Of a session as it lies in a store.
    pub fn of_session(ctx: &Context, session: &Session, mode: AuthMode, storage: &'static str) -> Self {
        let now = ctx.process.clock.now();
        let site = ctx.settings.site.as_ref().map(|site| &site.name).or(session.site.as_ref());
        SessionObject {
            site: site.map(|name| name.as_str().to_owned()),
            base_url: Some(session.base_url.as_str().to_owned()),
            client_id: Some(session.client_id.as_str().to_owned()),
            auth_mode: Some(mode.as_str()),
            source: Some(site.map_or("stored session".to_owned(), |name| format!("site {name}"))),
            user: session.user.as_ref().map_or(Value::Null, |user| serde_json::json!(user)),
            scope: session.scope.clone(),
            session: session.state(now),
            expires_at: session.expires_at,
            refreshed_at: Some(session.refreshed_at).filter(|at| *at > Timestamp::UNIX_EPOCH),
            idle_days_left: session.idle_days_left(now),
            storage: Some(storage),
            broker_url: session.trust.broker_url.clone(),
        }
    }

    /// Of whatever a command has just used.
    pub async fn of_access(ctx: &Context, access: &Access) -> Self {
        if let Credential::Session(refresher) = &access.credential {
            let session = refresher.session().await;
            let storage = access.storage.unwrap_or("memory");
            let own = SessionObject::of_session(ctx, &session, access.mode, storage);
            let source = Some(access.source.clone());
            return SessionObject { source, ..own };
        }
        SessionObject {
            base_url: Some(access.base_url.as_str().to_owned()),
            auth_mode: Some(access.mode.as_str()),
            source: Some(access.source.clone()),
            session: State::Ok,
            ..SessionObject::none(ctx)
        }
    }

    /// Of nothing.
    pub fn none(ctx: &Context) -> Self {
        SessionObject {
            site: ctx.settings.site.as_ref().map(|site| site.name.as_str().to_owned()),
            base_url: ctx.settings.base_url.as_ref().map(|url| url.value.as_str().to_owned()),
            client_id: ctx.settings.client_id.as_ref().map(|id| id.value.as_str().to_owned()),
            auth_mode: None,
            source: None,
            user: Value::Null,
            scope: None,
            session: State::None,
            expires_at: None,
            refreshed_at: None,
            idle_days_left: None,
            storage: None,
            broker_url: None,
        }
    }
}

impl Text for SessionObject {
    fn text(&self) -> Readable {
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let user = match (self.user["displayName"].as_str(), self.user["name"].as_str()) {
            (Some(display_name), Some(name)) => format!("{display_name} ({name})"),
            (None, Some(name)) => name.to_owned(),
            _ => "-".to_owned(),
        };
        let state = serde_json::json!(self.session);
        Readable::Fields(vec![
            ("site", word(&self.site)),
            ("base_url", word(&self.base_url)),
            ("user", user),
            ("auth_mode", self.auth_mode.unwrap_or("-").to_owned()),
            ("source", word(&self.source)),
            ("scope", word(&self.scope)),
            ("session", state.as_str().unwrap_or_default().to_owned()),
            ("refreshed_at", self.refreshed_at.map_or("-".to_owned(), |at| at.to_string())),
            ("expires_at", self.expires_at.map_or("-".to_owned(), |at| at.to_string())),
            ("idle_days_left", self.idle_days_left.map_or("-".to_owned(), |days| days.to_string())),
            ("storage", self.storage.unwrap_or("-").to_owned()),
            ("broker_url", word(&self.broker_url)),
        ])
    }
}
