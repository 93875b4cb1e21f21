//! The labels of the metrics: closed lists of words, and which of them a metric has.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::auth::wire::ErrorCode;

/// Declares a label: a closed list of words.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$said:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$said])* $variant,)* }

        impl $name {
            /// All of them.
            #[allow(dead_code, reason = "not every list is counted from zero")]
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                EncodeLabelValue::encode(&self.as_str(), encoder)
            }
        }
    };
}

label! {
    /// What was asked for.
    Route {
        /// `/v1/refresh`
        Refresh "refresh",
        /// `/v1/exchange`
        Exchange "exchange",
        /// `/v1/revoke`
        Revoke "revoke",
        /// Anything else.
        Other "other",
    }
}

label! {
    /// Whose fault it was, if it was one.
    Verdict {
        /// Nobody's.
        Ok "ok",
        /// The caller's (4xx).
        Refused "refused",
        /// The broker's or Jira's (5xx).
        Failed "failed",
    }
}

label! {
    /// What Jira was asked.
    Grant {
        /// For the pair that follows a refresh token.
        Refresh "refresh",
        /// For the first pair of a login.
        Exchange "exchange",
        /// To forget a token.
        Revoke "revoke",
    }
}

label! {
    /// What Jira said.
    Upstream {
        /// What it was asked for.
        Ok "ok",
        /// The token or code is dead.
        InvalidGrant "invalid_grant",
        /// Our secret is wrong; with a code it may be the caller's redirect URI.
        InvalidClient "invalid_client",
        /// 429.
        RateLimited "rate_limited",
        /// Something else, or it was not reached.
        Unavailable "unavailable",
        /// Nothing, after the request had left.
        Interrupted "interrupted",
    }
}

label! {
    /// Where a replay came from.
    Origin {
        /// Our own.
        Memory "memory",
        /// A sibling's.
        Redis "redis",
    }
}

label! {
    /// Why something was turned away.
    Shed {
        /// Too many calls to Jira under way.
        InFlight "in_flight",
        /// One caller asks too often.
        Rate "rate",
        /// Too many connections.
        Connections "connections",
        /// Too many connections from one address.
        Address "address",
    }
}

label! {
    /// Why a connection came to nothing.
    Trouble {
        /// What came is no HTTP: 400.
        Malformed "malformed",
        /// A header or a target over the cap: 431, 414.
        TooLarge "too_large",
        /// It could not be accepted: no descriptors, no memory.
        Accept "accept",
        /// The TLS handshake failed, or was not over in time.
        Handshake "handshake",
        /// Half a header, and the rest not in time.
        Header "header",
        /// Not a byte of a request in time.
        Idle "idle",
        /// The peer went away in the middle of a request.
        CutOff "cut_off",
    }
}

label! {
    /// What is read again.
    What {
        /// The client's secret.
        Secret "secret",
        /// The callers' tokens.
        Callers "callers",
        /// The URL of the replicas' Redis.
        Redis "redis_url",
        /// Certificate and key.
        Certificate "certificate",
        /// The clients' authorities.
        ClientCa "client_ca",
    }
}

label! {
    /// Whether what was read again is in use now.
    Reloaded {
        /// It is.
        Ok "ok",
        /// The old one stays.
        Failed "failed",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Code(pub(super) Option<ErrorCode>);

impl EncodeLabelValue for Code {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&self.0.map_or("ok", ErrorCode::as_str), encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Answered {
    pub(super) route: Route,
    pub(super) result: Verdict,
    pub(super) code: Code,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByRoute {
    pub(super) route: Route,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Asked {
    pub(super) grant: Grant,
    pub(super) outcome: Upstream,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByFrom {
    pub(super) from: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByShed {
    pub(super) reason: Shed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByTrouble {
    pub(super) reason: Trouble,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByReload {
    pub(super) what: What,
    pub(super) result: Reloaded,
}
