//! The sites of `config.toml`, read. The file holds no secret:
//!
//! ```toml
//! default = "jira.example.com"
//!
//! [sites."jira.example.com"]
//! base_url = "https://jira.example.com"
//! client_id = "…"
//! ```

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, TableLike};

use super::{BaseUrl, ClientId, ConfigError, Scope, SiteName, StorageKind, file};

/// One Jira, and how one logged in to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its name.
    pub name: SiteName,
    /// The Jira.
    pub base_url: BaseUrl,
    /// The client ID of the session.
    pub client_id: Option<ClientId>,
    /// The scope that the login asked for.
    pub scope: Option<Scope>,
    /// Where the session lies.
    pub storage: Option<StorageKind>,
    /// The exact registered redirect URI.
    pub redirect_uri: Option<String>,
    /// The port of the callback.
    pub callback_port: Option<u16>,
    /// The host of the callback.
    pub callback_host: Option<String>,
    /// Whether the callback speaks TLS.
    pub callback_https: Option<bool>,
    /// The broker.
    pub broker_url: Option<BaseUrl>,
    /// Roots to add to the system's.
    pub ca_bundle: Option<PathBuf>,
    /// The session was made with `--insecure`, which must be said again each time.
    pub insecure_login: bool,
    /// The id of the epic field.
    pub epic_field: Option<String>,
    /// The id of the sprint field.
    pub sprint_field: Option<String>,
    /// The session is stored under `sha256(baseURL:clientID:site)`, because another site has that pair.
    pub own_key: bool,
    /// `token print` is allowed without a person.
    pub allow_token_print: bool,
    /// The session is a personal access token.
    pub pat: bool,
}

impl Site {
    /// A site of which nothing more is known.
    pub fn new(name: SiteName, base_url: BaseUrl) -> Self {
        Site {
            name,
            base_url,
            client_id: None,
            scope: None,
            storage: None,
            redirect_uri: None,
            callback_port: None,
            callback_host: None,
            callback_https: None,
            broker_url: None,
            ca_bundle: None,
            insecure_login: false,
            epic_field: None,
            sprint_field: None,
            own_key: false,
            allow_token_print: false,
            pat: false,
        }
    }
}

/// The sites of one `config.toml`, as it was when it was read.
#[derive(Debug, Clone)]
pub struct Sites {
    pub(super) path: PathBuf,
    sites: Vec<Site>,
    default: Option<SiteName>,
    unknown: Vec<String>,
}

impl Sites {
    /// Reads the file; one that is absent holds no sites. A link, or a file that others may write, is
    /// refused: whoever writes it decides where the token goes.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Sites::parse(path, &file::read(path)?).map(|(sites, _)| sites)
    }

    /// The site of that name.
    pub fn get(&self, name: &SiteName) -> Option<&Site> {
        self.sites.iter().find(|site| site.name == *name)
    }

    /// The default site, if one is set and exists.
    pub fn default(&self) -> Option<&Site> {
        self.default.as_ref().and_then(|name| self.get(name))
    }

    /// The name that stands as default and that no site has.
    pub fn missing_default(&self) -> Option<&SiteName> {
        self.default.as_ref().filter(|name| self.get(name).is_none())
    }

    /// The one site with that base URL, or the default among several.
    pub fn for_base_url(&self, base_url: &BaseUrl) -> Result<Option<&Site>, ConfigError> {
        let found: Vec<&Site> = self.sites.iter().filter(|site| site.base_url == *base_url).collect();
        match found.as_slice() {
            [] => Ok(None),
            [site] => Ok(Some(site)),
            several => match self.default().filter(|default| default.base_url == *base_url) {
                Some(default) => Ok(Some(default)),
                None => Err(ConfigError::AmbiguousSite {
                    base_url: base_url.to_string(),
                    names: several.iter().map(|site| site.name.to_string()).collect(),
                }),
            },
        }
    }

    /// Every site, in the order of the file.
    pub fn list(&self) -> &[Site] {
        &self.sites
    }

    /// Settings of the file that this version does not know.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The name for a new site at that URL: the host, with a number where another site has it.
    pub fn new_name_for(&self, base_url: &BaseUrl) -> SiteName {
        let plain = SiteName::default_for(base_url);
        let numbered = (2..).map(|number| plain.numbered(number));
        let mut names = std::iter::once(plain.clone()).chain(numbered);
        names.find(|name| self.get(name).is_none()).expect("the numbers do not end")
    }

    /// Whether a session of that site needs a key of its own: another site has the plain key of the pair.
    pub fn needs_own_key(&self, name: &SiteName, base_url: &BaseUrl, client_id: &ClientId) -> bool {
        self.sites.iter().any(|site| {
            site.name != *name
                && !site.own_key
                && site.base_url == *base_url
                && site.client_id.as_ref() == Some(client_id)
        })
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<(Self, DocumentMut), ConfigError> {
        let wrong = |reason: String| ConfigError::BadSitesFile { path: path.to_owned(), reason };
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            let before = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..before].iter().filter(|byte| **byte == b'\n').count() + 1;
            wrong(format!("line {line}: {}", error.message()))
        })?;
        let mut unknown: Vec<String> = document
            .iter()
            .map(|(key, _)| key)
            .filter(|key| !matches!(*key, "default" | "sites"))
            .map(str::to_owned)
            .collect();
        let root = Fields { table: document.as_table(), place: "" };
        let default = root.parsed("default", SiteName::parse).map_err(wrong)?;
        let mut sites = Vec::new();
        if let Some(item) = document.get("sites") {
            let table = item.as_table_like().ok_or_else(|| wrong("sites must be a table".to_owned()))?;
            for (name, item) in table.iter() {
                let place = format!("sites.{name}");
                let table = item.as_table_like().ok_or_else(|| wrong(format!("{place} must be a table")))?;
                let name = SiteName::parse(name).map_err(|error| wrong(format!("{place}: {error}")))?;
                let unheard = table.iter().map(|(key, _)| key).filter(|key| !KEYS.contains(key));
                unknown.extend(unheard.map(|key| format!("{place}.{key}")));
                sites.push(read_site(name, &Fields { table, place: &place }).map_err(wrong)?);
            }
        }
        Ok((Sites { path: path.to_owned(), sites, default, unknown }, document))
    }
}

/// What a site's table may hold.
pub(super) const KEYS: [&str; 16] = [
    "base_url",
    "client_id",
    "scope",
    "storage",
    "redirect_uri",
    "callback_port",
    "callback_host",
    "callback_https",
    "broker_url",
    "ca_bundle",
    "insecure_login",
    "epic_field",
    "sprint_field",
    "own_key",
    "allow_token_print",
    "pat",
];

fn read_site(name: SiteName, fields: &Fields<'_>) -> Result<Site, String> {
    // Plain http is judged when the site is used, since it needs `--insecure` each time.
    let url = |text: &str| BaseUrl::parse(text, true);
    let base_url = fields.parsed("base_url", url)?;
    let base_url = base_url.ok_or_else(|| format!("{}: base_url is missing", fields.place))?;
    Ok(Site {
        name,
        base_url,
        client_id: fields.parsed("client_id", ClientId::parse)?,
        scope: fields.parsed("scope", Scope::parse)?,
        storage: fields.parsed("storage", StorageKind::parse)?,
        redirect_uri: fields.parsed("redirect_uri", parse_redirect_uri)?,
        callback_port: fields.port("callback_port")?,
        callback_host: fields.parsed("callback_host", parse_callback_host)?,
        callback_https: fields.boolean("callback_https")?,
        broker_url: fields.parsed("broker_url", url)?,
        ca_bundle: fields.text("ca_bundle")?.map(PathBuf::from),
        insecure_login: fields.boolean("insecure_login")?.unwrap_or_default(),
        epic_field: fields.parsed("epic_field", parse_field_id)?,
        sprint_field: fields.parsed("sprint_field", parse_field_id)?,
        own_key: fields.boolean("own_key")?.unwrap_or_default(),
        allow_token_print: fields.boolean("allow_token_print")?.unwrap_or_default(),
        pat: fields.boolean("pat")?.unwrap_or_default(),
    })
}

/// A table whose fields have types.
struct Fields<'a> {
    table: &'a dyn TableLike,
    place: &'a str,
}

impl Fields<'_> {
    fn wrong(&self, key: &str, reason: impl std::fmt::Display) -> String {
        let dot = if self.place.is_empty() { "" } else { "." };
        format!("{}{dot}{key}: {reason}", self.place)
    }

    fn text(&self, key: &str) -> Result<Option<&str>, String> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let text = item.as_str().ok_or_else(|| self.wrong(key, "must be a text in quotes"))?;
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(self.wrong(key, "must not be empty or hold control characters"));
        }
        Ok(Some(text))
    }

    fn parsed<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, ConfigError>,
    ) -> Result<Option<T>, String> {
        self.text(key)?.map(|text| parse(text).map_err(|error| self.wrong(key, error))).transpose()
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, String> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        item.as_bool().map(Some).ok_or_else(|| self.wrong(key, "must be true or false"))
    }

    fn port(&self, key: &str) -> Result<Option<u16>, String> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let port = item.as_integer().and_then(|number| u16::try_from(number).ok()).filter(|port| *port != 0);
        port.map(Some).ok_or_else(|| self.wrong(key, "must be a port, 1 to 65535"))
    }
}

/// Parses the port of the callback.
pub(super) fn parse_port(text: &str) -> Result<u16, ConfigError> {
    let port = text.parse().ok().filter(|port| *port != 0 && text.bytes().all(|byte| byte.is_ascii_digit()));
    port.ok_or_else(|| ConfigError::bad("must be a port, 1 to 65535"))
}

/// Parses the host of the callback.
pub(super) fn parse_callback_host(text: &str) -> Result<String, ConfigError> {
    match text {
        "127.0.0.1" | "localhost" => Ok(text.to_owned()),
        _ => Err(ConfigError::bad("must be 127.0.0.1 or localhost")),
    }
}

/// Parses a redirect URI as far as its form goes. It is kept as it is typed, since Jira compares letters.
pub(super) fn parse_redirect_uri(text: &str) -> Result<String, ConfigError> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]".contains(c);
    let scheme = text.starts_with("https://") || text.starts_with("http://");
    let url = ::url::Url::parse(text).ok().filter(|url| url.has_host() && url.username().is_empty());
    // Port 0 is any port to whoever listens, and none to the browser that is sent there.
    let url = url.filter(|url| url.port() != Some(0));
    if !scheme || url.is_none() || !text.chars().all(harmless) {
        return Err(ConfigError::bad(
            "must be the registered redirect URI, such as https://127.0.0.1:8085/callback",
        ));
    }
    Ok(text.to_owned())
}

/// Parses the id of a custom field, which an issue's epic and its sprints are in every Jira.
pub(super) fn parse_field_id(text: &str) -> Result<String, ConfigError> {
    let number = text.strip_prefix("customfield_").unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ConfigError::bad("must be a field id, such as customfield_10101"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
