//! The small words of the configuration, each parsed once: site names, scopes, storages, client IDs.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{BaseUrl, ConfigError};

/// The name of a site in `config.toml`: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteName(String);

impl SiteName {
    const LONGEST: usize = 64;

    /// Parses a name; it is kept as it is typed.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let in_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !starts_well || text.len() > Self::LONGEST || !text.chars().all(in_name) {
            return Err(ConfigError::bad(
                "a site name is 1 to 64 letters, digits, '.', '_' and '-', and starts with a letter or digit",
            ));
        }
        Ok(SiteName(text.to_owned()))
    }

    /// The name that a login gives when nobody chose one: the host, and the port if it is not the
    /// scheme's own.
    pub fn default_for(base_url: &BaseUrl) -> Self {
        let port = base_url.explicit_port().map(|port| format!("-{port}")).unwrap_or_default();
        // An IPv6 address has colons, and may start with one.
        let host = match base_url.host() {
            host if host.contains(':') => format!("ipv6-{}", host.replace(':', "-")),
            host => host,
        };
        let host: String = host.chars().skip_while(|c| !c.is_ascii_alphanumeric()).collect();
        let room = Self::LONGEST - port.len();
        SiteName(format!("{}{port}", &host[..host.len().min(room)]))
    }

    /// The name with a number behind it, for a name that is taken.
    pub(super) fn numbered(&self, number: usize) -> Self {
        let tail = format!("-{number}");
        let room = Self::LONGEST - tail.len();
        SiteName(format!("{}{tail}", &self.0[..self.0.len().min(room)]))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a token may do, in Jira's words; each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `READ`
    Read,
    /// `WRITE`
    Write,
    /// `ADMIN`
    Admin,
    /// `SYSTEM_ADMIN`
    SystemAdmin,
}

impl Scope {
    /// Every scope, the narrowest first.
    pub const ALL: [Scope; 4] = [Scope::Read, Scope::Write, Scope::Admin, Scope::SystemAdmin];

    /// Parses Jira's upper-case word.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Scope::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| ConfigError::bad("must be one of READ, WRITE, ADMIN, SYSTEM_ADMIN"))
    }

    /// Jira's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "READ",
            Scope::Write => "WRITE",
            Scope::Admin => "ADMIN",
            Scope::SystemAdmin => "SYSTEM_ADMIN",
        }
    }
}

/// Where the session of a site lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StorageKind {
    /// The keyring of the operating system.
    Keyring,
    /// The encrypted file.
    File,
}

impl StorageKind {
    /// Every storage.
    pub const ALL: [StorageKind; 2] = [StorageKind::Keyring, StorageKind::File];

    /// Parses `keyring` or `file`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        StorageKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| ConfigError::bad("must be keyring or file"))
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            StorageKind::Keyring => "keyring",
            StorageKind::File => "file",
        }
    }
}

/// The client ID that Jira gave to the registered application; public.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// Parses a client ID: `[A-Za-z0-9._~-]+`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let in_id = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
        if text.is_empty() || !text.chars().all(in_id) {
            return Err(ConfigError::bad(
                "a client ID is letters, digits, '.', '_', '~' and '-': copy it from the application link \
                 in Jira's administration",
            ));
        }
        Ok(ClientId(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Words are shown, written and read as their text.
macro_rules! words {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    )*};
}

words!(SiteName, Scope, StorageKind, ClientId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_names() {
        for good in ["a", "0", "jira.example.com", "jira.example.com-8443", "My_Site", &"x".repeat(64)] {
            assert_eq!(SiteName::parse(good).unwrap().as_str(), good);
        }
        for bad in
            ["", ".a", "-a", "_a", "a b", "a/b", "$(id)", "it's", "a\n", "ä", "a\u{200b}", &"x".repeat(65)]
        {
            assert!(SiteName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_default_name_is_the_host() {
        let long = format!("https://{}.{}.example.com:8443", "a".repeat(60), "b".repeat(60));
        let shortened = format!("{}-8443", &format!("{}.{}", "a".repeat(60), "b".repeat(60))[..59]);
        for (url, name) in [
            ("https://Jira.example.com/ctx", "jira.example.com"),
            ("https://jira.example.com:8443", "jira.example.com-8443"),
            ("http://localhost:2990/jira", "localhost-2990"),
            ("http://127.0.0.1:8080", "127.0.0.1-8080"),
            ("https://[::1]:8443", "ipv6---1-8443"),
            ("https://_jira.example.com", "jira.example.com"),
            (&long, &shortened),
        ] {
            let made = SiteName::default_for(&BaseUrl::parse(url, false).unwrap());
            assert_eq!(made.as_str(), name);
            assert_eq!(SiteName::parse(name).unwrap(), made);
        }
    }

    #[test]
    fn scopes_are_ordered() {
        assert!(Scope::ALL.is_sorted());
        assert_eq!(Scope::ALL.map(|scope| Scope::parse(scope.as_str()).unwrap()), Scope::ALL);
        for bad in ["", "write", "WRITE ", "ROOT", "READ WRITE"] {
            assert!(Scope::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn storages_and_client_ids() {
        assert_eq!(StorageKind::parse("file").unwrap(), StorageKind::File);
        assert!(StorageKind::parse("plaintext").is_err());
        assert_eq!(ClientId::parse("abc-123_~.Z").unwrap().as_str(), "abc-123_~.Z");
        for bad in ["", "a b", "a:b", "$(id)", "a\n", "é"] {
            assert!(ClientId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
