//! What a broker and its callers say to each other: JSON objects over HTTP. Both sides use these types, so that
//! a word means the same at both ends.
//!
//! An answer may have members that are not known here, from a newer broker. A request may not: a member that
//! the broker passed over could be the one that mattered.

use serde::{Deserialize, Serialize, Serializer};

use crate::secret::Secret;

use super::endpoint::Revocation;
use super::session::Tokens;

/// Where a refresh token is spent.
pub const REFRESH_PATH: &str = "/v1/refresh";
/// Where an authorization code is redeemed.
pub const EXCHANGE_PATH: &str = "/v1/exchange";
/// Where a token is forgotten.
pub const REVOKE_PATH: &str = "/v1/revoke";

/// A message on its way: its text may be read by the other side alone.
pub fn body(message: &impl Serialize) -> Secret {
    // The buffer does not grow while secrets are written, so no copy of it stays behind.
    let mut text = Vec::with_capacity(16 * 1024);
    serde_json::to_writer(&mut text, message).expect("strings and numbers are always JSON");
    Secret::from_utf8_lossy(text)
}

/// Asks for the pair that follows a refresh token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The token to spend.
    #[serde(serialize_with = "exposed")]
    pub refresh_token: Secret,
    /// Whose it is; the broker's own client if absent, and no other if present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The registered redirect URI, which some versions of Jira check on a refresh too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

/// Asks for the first pair of a login.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The authorization code.
    #[serde(serialize_with = "exposed")]
    pub code: Secret,
    /// What the code's challenge was made from (RFC 7636).
    #[serde(serialize_with = "exposed")]
    pub code_verifier: Secret,
    /// Where the code was sent to.
    pub redirect_uri: String,
    /// As in [`Refresh`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// Asks that a session be forgotten.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Its refresh token.
    #[serde(serialize_with = "exposed")]
    pub refresh_token: Secret,
    /// As in [`Refresh`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// The answer to [`Refresh`] and [`Exchange`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pair {
    /// The new access token.
    #[serde(serialize_with = "exposed")]
    pub access_token: Secret,
    /// The new refresh token.
    #[serde(serialize_with = "exposed")]
    pub refresh_token: Secret,
    /// Seconds that the access token lives from now on.
    pub expires_in: u64,
    /// The granted scope, where Jira said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Always `Bearer`.
    #[serde(skip_deserializing, default = "bearer")]
    pub token_type: &'static str,
}

/// The answer to [`Revoke`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// What became of it.
    pub revocation: Revocation,
}

/// The answer to what was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, in one word.
    pub error: ErrorCode,
    /// Why, for a person.
    #[serde(default)]
    pub error_description: String,
    /// What the broker's log calls this request.
    #[serde(default)]
    pub request_id: String,
}

impl Refresh {
    /// Whose token it is, if that was said.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }
}

impl Exchange {
    /// Whose code it is, if that was said.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }
}

impl Revoke {
    /// Whose token it is, if that was said.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }
}

impl Pair {
    /// The tokens, if they are such as can be sent; otherwise the answer is no broker's.
    pub fn tokens(self) -> Option<Tokens> {
        let Pair { access_token, refresh_token, expires_in, scope, token_type: _ } = self;
        let sendable = access_token.is_visible_ascii() && refresh_token.is_visible_ascii();
        sendable.then_some(Tokens { access_token, refresh_token, expires_in, scope })
    }
}

impl From<Tokens> for Pair {
    fn from(tokens: Tokens) -> Self {
        let Tokens { access_token, refresh_token, expires_in, scope } = tokens;
        Pair { access_token, refresh_token, expires_in, scope, token_type: bearer() }
    }
}

fn bearer() -> &'static str {
    "Bearer"
}

/// The one way of a secret onto the wire.
fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// Declares the closed list: variant, word, status, seconds of `Retry-After`, meaning.
macro_rules! error_codes {
    ($($variant:ident $word:literal $status:literal $retry_after:expr, $meaning:literal;)*) => {
        /// Why a broker refuses, in one word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $(#[doc = $meaning] #[serde(rename = $word)] $variant,)*
        }

        impl ErrorCode {
            /// All of them.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $word,)* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }

            /// The seconds to wait if nobody knows better; `None` where waiting changes nothing.
            pub fn retry_after(self) -> Option<u64> {
                match self { $(ErrorCode::$variant => $retry_after,)* }
            }

            /// What it says, where there is nothing more to say.
            pub fn meaning(self) -> &'static str {
                match self { $(ErrorCode::$variant => $meaning,)* }
            }
        }
    };
}

#[rustfmt::skip]
error_codes! {
    InvalidRequest          "invalid_request"          400 None, "The request is not what this path takes.";
    InvalidGrant            "invalid_grant"            400 None, "Jira refused the token or the code for good.";
    InvalidClientId         "invalid_client_id"        400 None, "This broker stands for another client ID.";
    Unauthorized            "unauthorized"             401 None, "The caller token is missing or not known here.";
    OriginRefused           "origin_refused"           403 None, "A page in a browser has no business here.";
    ExchangeDisabled        "exchange_disabled"        403 None, "This broker does not redeem codes: it was started without --allow-exchange.";
    NotFound                "not_found"                404 None, "There is nothing at this path.";
    MethodNotAllowed        "method_not_allowed"       405 None, "This path takes another method.";
    RequestTimeout          "request_timeout"          408 None, "The body did not arrive in time.";
    LengthRequired          "length_required"          411 None, "The request needs a Content-Length.";
    TooLarge                "too_large"                413 None, "The body is too large.";
    UnsupportedMediaType    "unsupported_media_type"   415 None, "The body must be application/json.";
    RateLimited             "rate_limited"             429 Some(1), "This caller asks too often.";
    ServerError             "server_error"             500 None, "The broker failed; its log says more.";
    InvalidClient           "invalid_client"           502 None, "Jira refused the broker's client ID or secret.";
    UpstreamRefused         "upstream_refused"         502 None, "Jira refused the request.";
    UpstreamUnavailable     "upstream_unavailable"     503 Some(5), "Jira cannot be reached or is in trouble.";
    UpstreamRateLimited     "upstream_rate_limited"    503 Some(5), "Jira limits the rate of token requests.";
    RefreshInterrupted      "refresh_interrupted"      503 Some(5), "An earlier refresh with this token did not come to its end; what became of the token is not known.";
    CoordinationUnavailable "coordination_unavailable" 503 Some(2), "The replicas cannot agree who may spend the token.";
    Overloaded              "overloaded"               503 Some(1), "More calls to Jira are under way than this broker makes.";
    Draining                "draining"                 503 Some(1), "This broker is about to end.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let asked = Refresh { refresh_token: Secret::new("r\"1"), client_id: None, redirect_uri: None };
        let text = body(&asked);
        assert_eq!(text.expose(), r#"{"refresh_token":"r\"1"}"#);
        let read: Refresh = serde_json::from_str(text.expose()).unwrap();
        assert_eq!(read.refresh_token, asked.refresh_token);
        assert!(!format!("{read:?}").contains("r\""), "{read:?}");
        let misspelt = r#"{"refresh_token":"r","redirect_url":"https://127.0.0.1/"}"#;
        assert!(serde_json::from_str::<Refresh>(misspelt).is_err());
        assert!(serde_json::from_str::<Refresh>(r#"{"refresh_token":"a","refresh_token":"b"}"#).is_err());
    }

    #[test]
    fn a_pair_is_read_whatever_else_stands_in_it() {
        let text =
            r#"{"access_token":"a","refresh_token":"r","expires_in":3600,"token_type":"bearer","new":[1]}"#;
        let pair: Pair = serde_json::from_str(text).unwrap();
        assert_eq!(
            body(&pair).expose(),
            r#"{"access_token":"a","refresh_token":"r","expires_in":3600,"token_type":"Bearer"}"#
        );
        assert!(pair.tokens().is_some());
        let empty: Pair = serde_json::from_str(&text.replace("\"r\"", "\"\"")).unwrap();
        assert!(empty.tokens().is_none());
    }

    #[test]
    fn a_code_is_its_word() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            // Whoever is told to come back later is told when.
            assert_eq!(code.retry_after().is_some(), matches!(code.status(), 429 | 503), "{code:?}");
        }
        let foreign = r#"{"error":"bad_gateway"}"#;
        assert!(serde_json::from_str::<Refusal>(foreign).is_err(), "a proxy's word is not ours");
        let short: Refusal = serde_json::from_str(r#"{"error":"invalid_grant"}"#).unwrap();
        assert_eq!((short.error, short.request_id.as_str()), (ErrorCode::InvalidGrant, ""));
    }
}
