//! Who asks.

use std::sync::Arc;

/// One caller, by the strongest name that it has. The names of different kinds never meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller(Arc<str>);

impl Caller {
    /// Whoever showed a client certificate with this subject.
    pub fn certificate(subject: &str) -> Self {
        Caller(format!("certificate:{subject}").into())
    }

    /// Whoever sent the caller token of this name.
    pub fn token(name: &str) -> Self {
        Caller(format!("token:{name}").into())
    }

    /// Whoever is at this address.
    pub fn address(address: std::net::IpAddr) -> Self {
        Caller(format!("address:{address}").into())
    }

    /// The name with its kind.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
