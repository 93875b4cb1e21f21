//! Who asks: the subject of the client certificate, else the name of the caller token, else the address.
//!
//! A replay is for those who waited for the result, so a caller's name must be hard to take: an address is
//! believed from a proxy only if the proxy was named.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderMap, header};
use ipnet::IpNet;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::secret::Secret;
use crate::serve::{self, PeerCertificate};

/// One caller, by the strongest name that it has. The names of different kinds never meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller(Name);

/// An address is kept as one: a hundred thousand results are kept with the name of their caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Said(Arc<str>),
    Address(IpAddr),
}

impl Caller {
    /// Whoever showed a client certificate with this subject.
    pub fn certificate(subject: &str) -> Self {
        Caller(Name::Said(format!("certificate:{subject}").into()))
    }

    /// Whoever sent the caller token of this name.
    pub fn token(name: &str) -> Self {
        Caller(Name::Said(format!("token:{name}").into()))
    }

    /// Whoever is at this address.
    pub fn address(address: IpAddr) -> Self {
        Caller(Name::Address(address))
    }

    /// Whether it has a certificate or a token.
    pub fn is_named(&self) -> bool {
        matches!(self.0, Name::Said(_))
    }

    /// What shares a limit: of IPv6, whoever has one address has 2^64 of them.
    pub fn block(&self) -> Self {
        match &self.0 {
            Name::Said(_) => self.clone(),
            Name::Address(address) => Caller::address(serve::block(*address)),
        }
    }

    /// The name with its kind.
    pub fn as_str(&self) -> Cow<'_, str> {
        match &self.0 {
            Name::Said(name) => Cow::Borrowed(name),
            Name::Address(address) => Cow::Owned(format!("address:{address}")),
        }
    }
}

/// The tokens of the callers, each with its caller. One caller may have two, while one replaces the other.
#[derive(Clone, Default)]
pub struct Callers(Vec<(Secret, Caller)>);

/// Why a list of callers is none. No token is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallersError {
    /// A line that is no `name=token`.
    #[error(
        "line {0} is no name=token: a name is letters, digits, '.', '_' and '-', a token 8 or more visible characters; \
         a token alone stands in JIRA_BROKER_TOKEN"
    )]
    Line(usize),
    /// A token that stands there twice.
    #[error("line {0} repeats the token of a line before it")]
    Repeated(usize),
    /// A name that has two already.
    #[error("line {0} is a third token of one name: a name has two at most, while one replaces the other")]
    Third(usize),
    /// The one token of a variable.
    #[error("it is no token: 8 or more visible characters")]
    Token,
    /// Nothing in it.
    #[error("no caller stands in it")]
    Empty,
}

/// The name of the caller whose token stands alone.
const ALONE: &str = "caller";
/// A token that is shorter can be guessed, or is half of a line that was taken apart.
const SHORTEST: usize = 8;
/// A name has one token, and another one while that is replaced. A third one is one that was forgotten there.
const MOST: usize = 2;

impl Callers {
    /// The one token that a variable says.
    pub fn one(token: Secret) -> Result<Self, CallersError> {
        match is_token(&token) {
            true => Ok(Callers(vec![(token, Caller::token(ALONE))])),
            false => Err(CallersError::Token),
        }
    }

    /// The lines `name=token` of a file, with blank lines and `#` comments between.
    pub fn parse(text: &Secret) -> Result<Self, CallersError> {
        let mut callers: Vec<(Secret, Caller)> = Vec::new();
        let lines = text.expose().lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        for (at, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let (name, token) = line.split_once('=').ok_or(CallersError::Line(at))?;
            let (name, token) = (name.trim(), Secret::new(token.trim()));
            let in_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if name.is_empty() || !name.chars().all(in_name) || !is_token(&token) {
                return Err(CallersError::Line(at));
            }
            if callers.iter().any(|(known, _)| *known == token) {
                return Err(CallersError::Repeated(at));
            }
            let caller = Caller::token(name);
            if callers.iter().filter(|(_, known)| *known == caller).count() == MOST {
                return Err(CallersError::Third(at));
            }
            callers.push((token, caller));
        }
        match callers.is_empty() {
            true => Err(CallersError::Empty),
            false => Ok(Callers(callers)),
        }
    }

    /// Their names, each once.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (_, caller) in &self.0 {
            let name = caller.as_str()["token:".len()..].to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Whose token it is. Every token is looked at, each in constant time: how long it takes says nothing of
    /// which one it was, or how near.
    fn find(&self, token: &Secret) -> Option<&Caller> {
        self.0.iter().fold(None, |found, (known, caller)| if known == token { Some(caller) } else { found })
    }
}

fn is_token(token: &Secret) -> bool {
    token.is_visible_ascii() && token.expose().len() >= SHORTEST
}

/// What is known of the ways to have a name.
pub struct Door<'a> {
    /// The callers' tokens, if there are any.
    pub callers: Option<&'a Callers>,
    /// Whether clients have certificates.
    pub certificates: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: &'a [IpNet],
}

/// Somebody without a name that this broker asks for.
pub struct Stranger(pub Caller);

impl Door<'_> {
    /// Who sent this request. A stranger has its address at least.
    pub fn admit(&self, request: &Parts) -> Result<Caller, Stranger> {
        if let Some(PeerCertificate(certificate)) = request.extensions.get()
            && let Some(subject) = subject(certificate)
        {
            return Ok(Caller::certificate(&subject));
        }
        let address = || Caller::address(self.address(request));
        let Some(callers) = self.callers else {
            return if self.certificates { Err(Stranger(address())) } else { Ok(address()) };
        };
        let token = bearer(&request.headers);
        let caller = token.and_then(|token| callers.find(&token).cloned());
        caller.ok_or_else(|| Stranger(address()))
    }

    /// The last hop that is not one of the trusted proxies. What stands further left in the header, anybody
    /// may have written.
    fn address(&self, request: &Parts) -> IpAddr {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let mut last = peer.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(peer)| peer.ip().to_canonical());
        let trusted = |address: &IpAddr| self.trusted_proxies.iter().any(|net| net.contains(address));
        if self.trusted_proxies.is_empty() || !trusted(&last) {
            return last;
        }
        let headers: Vec<_> = request.headers.get_all("x-forwarded-for").iter().collect();
        for header in headers.iter().rev() {
            for hop in header.as_bytes().rsplit(|byte| *byte == b',') {
                let hop = std::str::from_utf8(hop).ok().and_then(hop_address);
                // A hop that is no address was not written by a proxy of ours.
                let Some(hop) = hop else { return last };
                last = hop.to_canonical();
                if !trusted(&last) {
                    return last;
                }
            }
        }
        last
    }
}

/// The address of a hop. Some proxies write its port behind it (RFC 7239 6), and IPv6 in brackets.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let with_port = || hop.parse::<SocketAddr>().ok().map(|hop| hop.ip());
    hop.parse().ok().or_else(with_port).or_else(bracketed)
}

/// RFC 6750 2.1; the scheme without regard to case (RFC 9110 11.1).
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}

/// The subject of a certificate as RFC 4514 writes it; what is not plain ASCII in it is escaped, since it gets
/// into a log. A certificate without a subject names nobody.
fn subject(certificate: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let name = certificate.tbs_certificate().subject();
    let text: String = name.to_string().chars().flat_map(escaped).collect();
    (!name.is_empty()).then_some(text)
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let plain = c.is_ascii_graphic() || c == ' ';
    let escape = (!plain).then(|| c.escape_unicode());
    plain.then_some(c).into_iter().chain(escape.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(peer: &str, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = http::Request::builder().uri("/v1/refresh");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer: SocketAddr = peer.parse().unwrap();
        request.extension(ConnectInfo(peer)).body(()).unwrap().into_parts().0
    }

    fn callers(text: &str) -> Callers {
        Callers::parse(&Secret::new(text)).unwrap()
    }

    fn named(caller: Result<Caller, Stranger>) -> String {
        match caller {
            Ok(caller) => caller.as_str().into_owned(),
            Err(Stranger(caller)) => format!("stranger {}", caller.as_str()),
        }
    }

    #[test]
    fn only_the_last_untrusted_hop_counts() {
        let nets = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        let door = Door { callers: None, certificates: false, trusted_proxies: &nets };
        let forwarded = "x-forwarded-for";
        for (peer, headers, expected) in [
            ("192.0.2.1:5", &[][..], "192.0.2.1"),
            ("192.0.2.1:5", &[(forwarded, "203.0.113.9")], "192.0.2.1"),
            ("10.0.0.1:5", &[], "10.0.0.1"),
            ("10.0.0.1:5", &[(forwarded, "203.0.113.9")], "203.0.113.9"),
            ("10.0.0.1:5", &[(forwarded, "198.51.100.7, 203.0.113.9")], "203.0.113.9"),
            ("10.0.0.1:5", &[(forwarded, "198.51.100.7, 203.0.113.9,10.2.3.4")], "203.0.113.9"),
            ("10.0.0.1:5", &[(forwarded, "198.51.100.7"), (forwarded, "203.0.113.9")], "203.0.113.9"),
            ("10.0.0.1:5", &[(forwarded, "10.9.9.9, 10.2.3.4")], "10.9.9.9"),
            ("10.0.0.1:5", &[(forwarded, "203.0.113.9, nonsense")], "10.0.0.1"),
            ("10.0.0.1:5", &[(forwarded, "203.0.113.9, nonsense, 10.2.3.4")], "10.2.3.4"),
            ("[fd00::1]:5", &[(forwarded, "2001:db8::7")], "2001:db8::7"),
            ("10.0.0.1:5", &[(forwarded, "198.51.100.7:80, 203.0.113.9:5555, 10.2.3.4:80")], "203.0.113.9"),
            ("10.0.0.1:5", &[(forwarded, "[2001:db8::7]:5555")], "2001:db8::7"),
            ("10.0.0.1:5", &[(forwarded, "[2001:db8::7],[fd00::2]")], "2001:db8::7"),
            ("10.0.0.1:5", &[(forwarded, "203.0.113.9:port")], "10.0.0.1"),
            ("10.0.0.1:5", &[(forwarded, "[203.0.113.9]:5555")], "10.0.0.1"),
            ("[::ffff:10.0.0.1]:5", &[(forwarded, "::ffff:203.0.113.9")], "203.0.113.9"),
        ] {
            let admitted = named(door.admit(&request(peer, headers)));
            assert_eq!(admitted, format!("address:{expected}"), "{peer} {headers:?}");
        }
    }

    #[test]
    fn a_token_names_its_caller() {
        let callers = callers("# who\nci = token-of-ci\n\nagent=token-of-agent\nci=new-token-of-ci==\n");
        assert_eq!(callers.names(), ["ci", "agent"]);
        let door = Door { callers: Some(&callers), certificates: false, trusted_proxies: &[] };
        for (header, expected) in [
            (Some("Bearer token-of-ci"), "token:ci"),
            (Some("bearer token-of-agent"), "token:agent"),
            (Some("Bearer new-token-of-ci=="), "token:ci"),
            (Some("Bearer token-of-c"), "stranger address:192.0.2.1"),
            (Some("Bearer token-of-cii"), "stranger address:192.0.2.1"),
            (Some("Basic token-of-ci"), "stranger address:192.0.2.1"),
            (Some("Bearer"), "stranger address:192.0.2.1"),
            (None, "stranger address:192.0.2.1"),
        ] {
            let headers: Vec<_> = header.map(|value| ("authorization", value)).into_iter().collect();
            assert_eq!(named(door.admit(&request("192.0.2.1:5", &headers))), expected, "{header:?}");
        }
        let twice = [("authorization", "Bearer token-of-ci"), ("authorization", "Bearer token-of-ci")];
        assert_eq!(named(door.admit(&request("192.0.2.1:5", &twice))), "stranger address:192.0.2.1");
    }

    #[test]
    fn a_bad_list_of_callers_is_refused_without_its_text() {
        assert_eq!(Callers::one(Secret::new("only-a-token")).unwrap().names(), ["caller"]);
        assert_eq!(Callers::one(Secret::new("short")).err(), Some(CallersError::Token));
        for (text, expected) in [
            ("", CallersError::Empty),
            ("# nothing\n", CallersError::Empty),
            ("short\n", CallersError::Line(1)),
            ("# ours\nonly-a-token-canary\n", CallersError::Line(2)),
            ("a=12345671\nb=12345672\na=12345673\na=canary-of-a\n", CallersError::Third(4)),
            ("a=12345678\na=12345678\n", CallersError::Repeated(2)),
            ("a=12345678\nb c=12345678\n", CallersError::Line(2)),
            ("a=12345678\n\n=12345678\n", CallersError::Line(3)),
            ("a=1234 5678\n", CallersError::Line(1)),
            ("a=12345678\nnonsense-canary\n", CallersError::Line(2)),
            ("a=12345678\nb=12345678\n", CallersError::Repeated(2)),
        ] {
            let error = Callers::parse(&Secret::new(text)).err().expect("refused");
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("canary"));
        }
    }

    #[test]
    fn the_subject_of_a_certificate_is_plain_text() {
        let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "ci\u{202e}runner");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(subject(certificate.der()).as_deref(), Some("CN=ci\\u{202e}runner"));
        params.distinguished_name = rcgen::DistinguishedName::new();
        assert_eq!(subject(params.self_signed(&key).unwrap().der()), None);
        assert_eq!(subject(b"no certificate"), None);
    }
}
