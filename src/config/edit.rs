//! The sites of `config.toml`, changed: under a lock of its own, so that two logins lose nothing, keeping
//! the comments, and replaced in one step, so that nobody reads half a file.

use std::path::PathBuf;

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use crate::disk::{self, Prepared};

use super::site::{self, KEYS};
use super::switch::parse_boolean;
use super::{BaseUrl, ConfigError, Site, SiteName, Sites, file};

/// More than a site takes.
const ROOM: usize = 4096;

/// A setting of a site that `site set` changes. What a session is stored under or was made with (base URL,
/// client ID, scope, storage) is changed by `login` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name; the flag's, where there is one.
    pub name: &'static str,
    /// Whether it decides where a token may go, so that a person must confirm it.
    pub trust: bool,
    /// What it is for.
    pub help: &'static str,
}

/// Every setting that `site set` changes.
pub const SETTINGS: &[Setting] = &[
    Setting { name: "broker-url", trust: true, help: "base URL of the refresh broker" },
    Setting { name: "ca-bundle", trust: true, help: "PEM file with roots to trust besides the system's" },
    Setting { name: "allow-token-print", trust: true, help: "let `token print` work without a person" },
    Setting { name: "redirect-uri", trust: false, help: "the exact registered redirect URI" },
    Setting { name: "callback-port", trust: false, help: "port of the login's callback server" },
    Setting { name: "callback-host", trust: false, help: "127.0.0.1 or localhost" },
    Setting { name: "callback-https", trust: false, help: "whether the callback speaks TLS" },
    Setting { name: "epic-field", trust: false, help: "id of the epic field" },
    Setting { name: "sprint-field", trust: false, help: "id of the sprint field" },
];

impl Setting {
    /// The setting of that name; `_` is as good as `-`.
    pub fn parse(name: &str) -> Result<&'static Setting, ConfigError> {
        let name = name.replace('_', "-");
        SETTINGS.iter().find(|setting| setting.name == name).ok_or_else(|| {
            let names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
            ConfigError::bad(format!("the settings of a site are {}", names.join(", ")))
        })
    }
}

impl Sites {
    /// Writes a site, over the one of that name if there is one, and makes it the default if asked.
    pub async fn upsert(&self, site: &Site, make_default: bool) -> Result<Sites, ConfigError> {
        self.edit(|document, _| {
            write_site(document, site)?;
            if make_default {
                write_default(document, &site.name);
            }
            Ok(())
        })
        .await
    }

    /// Makes an existing site the default.
    pub async fn set_default(&self, name: &SiteName) -> Result<Sites, ConfigError> {
        self.edit(|document, sites| {
            known(sites, name)?;
            write_default(document, name);
            Ok(())
        })
        .await
    }

    /// Takes a site out; if it was the default, there is none afterwards.
    pub async fn remove(&self, name: &SiteName) -> Result<Sites, ConfigError> {
        self.edit(|document, sites| {
            known(sites, name)?;
            if sites.default().is_some_and(|site| site.name == *name) {
                document.remove("default");
            }
            if let Some(table) = document.get_mut("sites").and_then(Item::as_table_like_mut) {
                table.remove(name.as_str());
            }
            Ok(())
        })
        .await
    }

    /// Changes one setting of a site; an empty value takes it out. A broker over plain http is for the
    /// login that says `--insecure`.
    pub async fn set(&self, name: &SiteName, setting: &str, value: &str) -> Result<Sites, ConfigError> {
        let setting = Setting::parse(setting)?;
        self.edit(|document, sites| {
            let mut site = known(sites, name)?.clone();
            apply(&mut site, setting, value)?;
            write_site(document, &site)
        })
        .await
    }

    /// The site as [`Sites::set`] would make it; nothing is written.
    pub fn preview(&self, name: &SiteName, setting: &str, value: &str) -> Result<Site, ConfigError> {
        let setting = Setting::parse(setting)?;
        let mut site = known(self, name)?.clone();
        apply(&mut site, setting, value)?;
        Ok(site)
    }

    /// Tries, before a login, whether the file can be changed at all: the directory, the lock and a
    /// temporary file with room for one site more are made, and nothing is changed.
    pub async fn check_writable(&self) -> Result<(), ConfigError> {
        let _lock = file::lock(&self.path).await?;
        let room = ROOM + file::read(&self.path)?.len();
        Prepared::new(&self.path, room).map(drop).map_err(|error| file::unwritable(&self.path, error))
    }

    async fn edit(
        &self,
        change: impl FnOnce(&mut DocumentMut, &Sites) -> Result<(), ConfigError>,
    ) -> Result<Sites, ConfigError> {
        let _lock = file::lock(&self.path).await?;
        // Read again under the lock: what this process read before may be old.
        let before = file::read(&self.path)?;
        let (sites, mut document) = Sites::parse(&self.path, &before)?;
        change(&mut document, &sites)?;
        let after = keep_head(&before, document.to_string());
        let (sites, _) = Sites::parse(&self.path, &after)?;
        if after != before {
            let replaced = disk::replace(&self.path, after.as_bytes());
            replaced.map_err(|error| file::unwritable(&self.path, error))?;
        }
        Ok(sites)
    }
}

fn known<'a>(sites: &'a Sites, name: &SiteName) -> Result<&'a Site, ConfigError> {
    sites.get(name).ok_or_else(|| ConfigError::UnknownSite { name: name.to_string() })
}

fn apply(site: &mut Site, setting: &Setting, value: &str) -> Result<(), ConfigError> {
    let value = Some(value).filter(|value| !value.is_empty());
    let url = |text| BaseUrl::parse(text, false);
    match setting.name {
        "broker-url" => site.broker_url = value.map(url).transpose()?,
        "ca-bundle" => site.ca_bundle = value.map(parse_path).transpose()?,
        "allow-token-print" => {
            site.allow_token_print = value.map(parse_boolean).transpose()?.unwrap_or_default();
        }
        "redirect-uri" => site.redirect_uri = value.map(site::parse_redirect_uri).transpose()?,
        "callback-port" => site.callback_port = value.map(site::parse_port).transpose()?,
        "callback-host" => site.callback_host = value.map(site::parse_callback_host).transpose()?,
        "callback-https" => site.callback_https = value.map(parse_boolean).transpose()?,
        "epic-field" => site.epic_field = value.map(site::parse_field_id).transpose()?,
        "sprint-field" => site.sprint_field = value.map(site::parse_field_id).transpose()?,
        other => unreachable!("{other} stands in SETTINGS without a field"),
    }
    Ok(())
}

/// A path in the file is used from any working directory.
fn parse_path(text: &str) -> Result<PathBuf, ConfigError> {
    let path = PathBuf::from(text);
    match path.is_absolute() {
        true => Ok(path),
        false => Err(ConfigError::bad("must be an absolute path")),
    }
}

fn write_site(document: &mut DocumentMut, site: &Site) -> Result<(), ConfigError> {
    let mut implicit = Table::new();
    implicit.set_implicit(true);
    let sites = document.entry("sites").or_insert(Item::Table(implicit));
    let sites = sites.as_table_like_mut().expect("the reader has refused anything else");
    if !sites.contains_key(site.name.as_str()) {
        sites.insert(site.name.as_str(), Item::Table(Table::new()));
    }
    let table = sites.get_mut(site.name.as_str()).and_then(Item::as_table_like_mut);
    let table = table.expect("the reader has refused anything else");
    for (key, value) in KEYS.into_iter().zip(values(site)?) {
        put(table, key, value);
    }
    Ok(())
}

/// The values in the order of [`KEYS`].
fn values(site: &Site) -> Result<[Option<Value>; KEYS.len()], ConfigError> {
    let text = |text: &str| Some(Value::from(text));
    let switch = |on: bool| on.then(|| Value::from(true));
    let path = |path: &PathBuf| match path.to_str() {
        Some(path) => Ok(Value::from(path)),
        None => Err(ConfigError::bad("a path in config.toml must be UTF-8")),
    };
    Ok([
        text(site.base_url.as_str()),
        site.client_id.as_ref().and_then(|id| text(id.as_str())),
        site.scope.and_then(|scope| text(scope.as_str())),
        site.storage.and_then(|storage| text(storage.as_str())),
        site.redirect_uri.as_deref().and_then(text),
        site.callback_port.map(|port| Value::from(i64::from(port))),
        site.callback_host.as_deref().and_then(text),
        site.callback_https.map(Value::from),
        site.broker_url.as_ref().and_then(|url| text(url.as_str())),
        site.ca_bundle.as_ref().map(path).transpose()?,
        switch(site.insecure_login),
        site.epic_field.as_deref().and_then(text),
        site.sprint_field.as_deref().and_then(text),
        switch(site.own_key),
        switch(site.allow_token_print),
        switch(site.pat),
    ])
}

fn write_default(document: &mut DocumentMut, name: &SiteName) {
    put(document.as_table_mut(), "default", Some(Value::from(name.as_str())));
}

/// Sets or takes out a value; the comment behind it stays, and what says the same already as it is.
fn put(table: &mut dyn TableLike, key: &str, value: Option<Value>) {
    match (value, table.get_mut(key)) {
        (None, _) => drop(table.remove(key)),
        (Some(new), Some(Item::Value(old))) if same(&new, old) => {}
        (Some(mut new), Some(Item::Value(old))) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        (Some(new), _) => drop(table.insert(key, Item::Value(new))),
    }
}

fn same(new: &Value, old: &Value) -> bool {
    let parts = |value: &Value| {
        (value.as_str().map(str::to_owned), value.as_bool(), value.as_integer(), value.type_name())
    };
    parts(new) == parts(old)
}

/// Comments at the head of the file, up to the last blank line among them, belong to the file, though TOML
/// hangs them on the first entry, which may be the one that was taken out.
fn keep_head(before: &str, after: String) -> String {
    let comment = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let lines: Vec<&str> = before.split_inclusive('\n').take_while(comment).collect();
    let Some(blank) = lines.iter().rposition(|line| line.trim().is_empty()) else { return after };
    let head = lines[..=blank].concat();
    match head.trim().is_empty() || after.contains(head.trim()) {
        true => after,
        false => head + &after,
    }
}

#[cfg(test)]
mod tests;
