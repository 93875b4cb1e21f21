//! The base URL of a Jira or a broker: parsed once, and normalised before it is hashed, shown or compared.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Serialize, Serializer};
use url::{Host, Url};

use super::ConfigError;

/// `https://host[:port][/context]`, or http where that is allowed: lower-case host, no default port, no
/// trailing slash, no user, query or fragment, and no character that means something to a shell.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    text: String,
    host: Host<String>,
    origin: String,
    port: Option<u16>,
    plain_http: bool,
}

/// In bytes. What is put behind it has to fit into a request too.
const LONGEST: usize = 2048;

impl BaseUrl {
    /// Parses and normalises. Plain http is for loopback hosts, and for those who said `--insecure`.
    pub fn parse(text: &str, insecure: bool) -> Result<Self, ConfigError> {
        if text.len() > LONGEST {
            return Err(ConfigError::bad("the URL is longer than any server's"));
        }
        let authority_and_path = shape(text)?;
        let url = Url::parse(text).map_err(|error| ConfigError::bad(format!("not a URL: {error}")))?;
        if url.host_str().is_some_and(|host| host.ends_with('.')) {
            return Err(ConfigError::bad("the host name must not end in a dot"));
        }
        let host = url.host().ok_or_else(|| ConfigError::bad("the URL has no host"))?.to_owned();
        if let Host::Domain(name) = &host
            && !may_exist(name)
        {
            return Err(ConfigError::bad(
                "no host has this name: between the dots stand 1 to 63 characters, '-' is neither the first nor the last \
                 of them, and all of it is no longer than 253",
            ));
        }
        if is_cloud(&host) {
            return Err(ConfigError::CloudUrl { at: None });
        }
        if url.port() == Some(0) {
            return Err(ConfigError::bad("port 0 is no port"));
        }
        let context = authority_and_path.split_once('/').map_or("", |(_, path)| path).trim_end_matches('/');
        if context.split('/').any(|segment| matches!(segment, "." | "..") || segment.is_empty())
            && !context.is_empty()
        {
            return Err(ConfigError::bad("the context path must not hold empty or dotted segments"));
        }
        let plain_http = url.scheme() == "http";
        let origin = url.origin().ascii_serialization();
        let slash = if context.is_empty() { "" } else { "/" };
        let base =
            BaseUrl { text: format!("{origin}{slash}{context}"), host, origin, port: url.port(), plain_http };
        base.check_transport(insecure)?;
        Ok(base)
    }

    /// Refuses plain http to another machine unless `--insecure` was said: for a URL that was remembered.
    pub fn check_transport(&self, insecure: bool) -> Result<(), ConfigError> {
        if self.plain_http && !self.is_loopback() && !insecure {
            return Err(ConfigError::bad(
                "plain http sends the token readable over the network: use https, or say --insecure",
            ));
        }
        Ok(())
    }

    /// The normalised URL, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL of a path under this one, context path included.
    pub fn join(&self, path: &str) -> String {
        format!("{}/{}", self.text, path.trim_start_matches('/'))
    }

    /// The same, parsed.
    pub fn under(&self, path: &'static str) -> Url {
        Url::parse(&self.join(path)).expect("what was a URL is one with a path of ours behind it")
    }

    /// The host: a name in lower case or an address, IPv6 without brackets.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// The port where it is not the scheme's own.
    pub fn explicit_port(&self) -> Option<u16> {
        self.port
    }

    /// Scheme, host and port, as in the `Origin` header.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the host is this machine: 127.0.0.0/8, `::1` or `localhost`.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => Ipv4Addr::is_loopback(address),
            Host::Ipv6(address) => Ipv6Addr::is_loopback(address),
        }
    }

    /// Whether the scheme is http, on whatever host.
    pub fn is_plain_http(&self) -> bool {
        self.plain_http
    }
}

/// Refuses by form what the URL standard would quietly mend or decode (backslashes, line breaks, missing
/// slashes, encoded hosts), so that what was typed is what is asked. Returns what follows `scheme://`.
fn shape(text: &str) -> Result<&str, ConfigError> {
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| ConfigError::bad("must be a full URL, such as https://jira.example.com"))?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(ConfigError::bad("must use https"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(ConfigError::bad("the URL has no host"));
    }
    if authority.contains('@') {
        return Err(ConfigError::bad("must not hold a user name or password"));
    }
    if rest.contains(['?', '#']) {
        return Err(ConfigError::bad("must not hold a query or a fragment"));
    }
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    // That is what is looked up and shown anyway; names of other scripts may look alike.
    if !authority.is_ascii() {
        return Err(ConfigError::bad("an international host name is written in its ASCII form, xn--…"));
    }
    let in_authority = |c: char| unreserved(c) || ":[]".contains(c);
    if !authority.chars().all(in_authority) || authority.ends_with(':') {
        return Err(ConfigError::bad("the host holds a character that no host name has"));
    }
    if !rest[authority.len()..].chars().all(|c| unreserved(c) || c == '/') {
        return Err(ConfigError::bad(
            "the context path may hold letters, digits, '-', '.', '_', '~' and '/'",
        ));
    }
    Ok(rest)
}

/// Whether a name is within the limits of RFC 1035, 2.3.4, and is no name that resolvers refuse unasked: to look up any
/// other would be called a failure that may pass.
fn may_exist(name: &str) -> bool {
    let label =
        |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    name.len() <= 253 && name.split('.').all(label)
}

fn is_cloud(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "atlassian.net" || name.ends_with(".atlassian.net"),
        Host::Ipv4(_) | Host::Ipv6(_) => false,
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for BaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised() {
        for (typed, normal) in [
            ("https://jira.example.com", "https://jira.example.com"),
            ("HTTPS://Jira.Example.COM/", "https://jira.example.com"),
            ("https://jira.example.com:443//", "https://jira.example.com"),
            ("https://jira.example.com:8443", "https://jira.example.com:8443"),
            ("https://jira.example.com/Jira/", "https://jira.example.com/Jira"),
            ("https://h/a/b///", "https://h/a/b"),
            ("https://XN--jir-sla.example.com", "https://xn--jir-sla.example.com"),
            ("https://[2001:DB8::1]:8443/ctx", "https://[2001:db8::1]:8443/ctx"),
            ("https://10.0.0.7", "https://10.0.0.7"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("http://LOCALHOST:80", "http://localhost"),
            ("http://127.0.0.1:2990/jira", "http://127.0.0.1:2990/jira"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://atlassian.net.example.com", "https://atlassian.net.example.com"),
            ("https://notatlassian.net", "https://notatlassian.net"),
            ("https://my_jira--1:8443", "https://my_jira--1:8443"),
            (&format!("https://{}.com", "a".repeat(63)), &format!("https://{}.com", "a".repeat(63))),
        ] {
            let url = BaseUrl::parse(typed, false).unwrap_or_else(|error| panic!("{typed}: {error}"));
            assert_eq!(url.as_str(), normal, "{typed}");
            assert_eq!(BaseUrl::parse(normal, false).unwrap(), url, "normalising twice changes nothing");
        }
    }

    #[test]
    fn refused() {
        for typed in [
            "",
            " ",
            "jira.example.com",
            "//jira.example.com",
            "https:jira.example.com",
            "https:/jira.example.com",
            "https:///jira.example.com",
            "https:\\\\jira.example.com",
            "https://",
            "https://:8443",
            "ftp://jira.example.com",
            "file:///etc/passwd",
            "javascript://x",
            "http://jira.example.com",
            "http://localhost.example.com",
            "http://[::ffff:127.0.0.1]",
            "https://jira.example.com/$(id)",
            "https://$(id).example.com",
            "https://jira.example.com/`id`",
            "https://jira.example.com/'",
            "https://jira.example.com/\"",
            "https://jira.example.com/;id",
            "https://jira.example.com/a b",
            "https://jira.example.com ",
            " https://jira.example.com",
            "https://jira.example.com\n",
            "https://jira.example.com/\nx",
            "https://jira.exa\tmple.com",
            "https://jira.example.com/\u{202e}",
            "https://jira.example.com/\u{1b}[31m",
            "https://user@jira.example.com",
            "https://user:hunter2@jira.example.com",
            "https://jira.example.com@evil.example.com",
            "https://jira.example.com\\@evil.example.com",
            "https://jira%2eexample.com",
            "https://jira.example.com?x=1",
            "https://jira.example.com/#x",
            "https://jira.example.com/a//b",
            "https://jira.example.com//b",
            "https://jira.example.com/../b",
            "https://jira.example.com/./b",
            "https://jira.example.com/%2e%2e",
            "https://jira.example.com:0",
            "https://jira.example.com:",
            "https://jira.example.com:99999",
            "https://jira.example.com:80x",
            "https://jira.example.com.",
            "https://jira..example.com",
            "https://.example.com",
            "https://-jira.example.com",
            "https://jira-.example.com",
            &format!("https://{}.example.com", "a".repeat(64)),
            &format!("https://{}com", "abc.".repeat(63)),
            "https://[::1",
        ] {
            let error = BaseUrl::parse(typed, false).expect_err(typed);
            assert!(matches!(error, ConfigError::BadValue { .. }), "{typed}: {error:?}");
            assert!(!error.to_string().contains("hunter2"), "a password stands in a message");
        }
    }

    #[test]
    fn cloud_is_another_product() {
        for typed in [
            "https://acme.atlassian.net",
            "https://ACME.Atlassian.NET/jira",
            "https://atlassian.net",
            "http://acme.atlassian.net",
        ] {
            assert_eq!(BaseUrl::parse(typed, false), Err(ConfigError::CloudUrl { at: None }), "{typed}");
        }
    }

    #[test]
    fn plain_http_must_be_asked_for() {
        let url = BaseUrl::parse("http://jira.example.com/ctx", true).unwrap();
        assert!(url.is_plain_http() && !url.is_loopback());
        assert!(url.check_transport(false).is_err());
        assert!(url.check_transport(true).is_ok());
        let url = BaseUrl::parse("http://localhost:1", false).unwrap();
        assert!(url.is_plain_http() && url.is_loopback());
    }

    #[test]
    fn parts() {
        let url = BaseUrl::parse("https://[::1]:8443/ctx/", false).unwrap();
        assert_eq!(url.join("/rest/api/2/myself"), "https://[::1]:8443/ctx/rest/api/2/myself");
        assert_eq!(url.host(), "::1");
        assert_eq!(url.origin(), "https://[::1]:8443");
        assert_eq!(url.explicit_port(), Some(8443));
        let url = BaseUrl::parse("https://jira.example.com:443", false).unwrap();
        assert_eq!(url.join("rest"), "https://jira.example.com/rest");
        assert_eq!(url.origin(), "https://jira.example.com");
        assert_eq!(url.explicit_port(), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_accepted_is_harmless_and_stable(text in "https?://[ -~äß]{0,40}") {
            if let Ok(url) = BaseUrl::parse(&text, true) {
                let harmless = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]".contains(c);
                proptest::prop_assert!(url.as_str().chars().all(harmless));
                let again = BaseUrl::parse(url.as_str(), true);
                proptest::prop_assert_eq!(again, Ok(url));
            }
        }
    }
}
