//! From what was typed to what it means.

use std::path::PathBuf;
use std::time::Duration;

use super::duration::parse_duration;
use super::env::AGENT_MARKS;
use super::flags::{
    BROKER_URL, CA_BUNDLE, CERT, CLIENT_ID, DISABLED_TOOLS, ENABLED_TOOLS, EPIC_FIELD, FORMATS, HOST, HTTPS,
    INSECURE, KEY, KEYRING_TIMEOUT, MAX_WAIT, NO_CACHE, NO_COLOR, NO_INPUT, Names, OUTPUT, PORT, QUIET,
    READ_ONLY, REDIRECT_URI, ROTATION_COMMAND, ROTATION_OUTPUT, RUNNER_TEMP, SCOPE, SPRINT_FIELD,
    SSL_CERT_DIR, SSL_CERT_FILE, STORAGE, TIMEOUT, VERBOSE,
};
use super::site::{parse_callback_host, parse_field_id, parse_port, parse_redirect_uri};
use super::switch::parse_boolean;
use super::which::{self, Choice};
use super::{
    BaseUrl, Callback, ClientId, ConfigError, Dirs, Proxies, RotationOutput, Scope, Settings, Site, Sites,
    Source, Sourced, StorageKind, Typed, Vars,
};
use crate::named::{self, LARGEST_PEM};
use crate::process::Env;

/// The client ID that was baked in when the binary was built.
const BAKED_CLIENT_ID: Option<&str> = option_env!("JIRA_OAUTH_CLIENT_ID");

/// Finds every value in its one order, each with its source. Reads the env file that is named, the secrets'
/// files that are named, and `config.toml`; asks no network.
pub fn resolve(typed: &Typed, env: &Env) -> Result<Settings, ConfigError> {
    let vars = Vars::new(typed.env_file.as_deref(), env)?;
    let dirs = Dirs::resolve(&vars, env)?;
    let sites = Sites::load(&dirs.sites_file())?;
    let insecure = vars.boolean(typed.insecure, INSECURE.0, INSECURE.1)?;
    let insecure = insecure.unwrap_or(Sourced::new(false, Source::Default));
    let choice = which::choose(typed, &vars, &sites, insecure.value)?;
    let mut find = Finder { vars: &vars, choice: &choice, sources: Vec::new(), warnings: Vec::new() };
    find.warn_of_file(&sites);
    find.note_named()?;
    Ok(Settings {
        scope: find.value(&typed.scope, SCOPE, |site| site.scope, Scope::parse)?,
        storage: find.value(&typed.storage, STORAGE, |site| site.storage, StorageKind::parse)?,
        client_id: find.client_id(typed)?,
        callback: find.callback(typed)?,
        broker_url: find.broker_url(typed, insecure.value)?,
        broker_token: match typed.is_broker {
            true => None,
            false => vars.secret(&["INPUT_BROKER_TOKEN", "JIRA_BROKER_TOKEN"], true)?,
        },
        ca_bundle: find.bundle(typed)?,
        ssl_cert_file: find.plain(&None, SSL_CERT_FILE, path)?,
        ssl_cert_dir: find.plain(&None, SSL_CERT_DIR, path)?,
        proxies: find.proxies(env)?,
        refresh_token: find.credential(vars.secret(&["JIRA_OAUTH_REFRESH_TOKEN"], true)?),
        rotation_output: find.plain(&typed.refresh_token_output, ROTATION_OUTPUT, rotation_output)?,
        rotation_command: find.plain(&typed.rotation_command, ROTATION_COMMAND, text)?,
        runner_temp: find.plain(&None, RUNNER_TEMP, path)?,
        token: find.credential(vars.secret(&["INPUT_TOKEN", "JIRA_TOKEN"], true)?),
        username: find.credential(vars.text(None, "", &["INPUT_USERNAME", "JIRA_USERNAME"])?),
        password: find.credential(vars.secret(&["INPUT_PASSWORD", "JIRA_PASSWORD"], false)?),
        master_password: vars.secret(&["JIRA_MASTER_PASSWORD"], false)?,
        keyring_timeout: find.plain(&None, KEYRING_TIMEOUT, parse_duration)?,
        read_only: find.switch(None, READ_ONLY)?,
        no_cache: find.switch(None, NO_CACHE)?,
        disabled_tools: find.plain(&None, DISABLED_TOOLS, list)?.unwrap_or_default(),
        enabled_tools: find.plain(&None, ENABLED_TOOLS, list)?,
        epic_field: find.value(&None, EPIC_FIELD, |site| site.epic_field.clone(), parse_field_id)?,
        sprint_field: find.value(&None, SPRINT_FIELD, |site| site.sprint_field.clone(), parse_field_id)?,
        output: find.output(typed)?,
        no_input: find.switch(typed.no_input, NO_INPUT)?,
        agent: agent(env),
        timeout: find.duration(&typed.timeout, TIMEOUT)?,
        max_wait: find.duration(&typed.max_wait, MAX_WAIT)?,
        no_color: find.no_color(typed)?,
        quiet: find.switch(typed.quiet, QUIET)?,
        verbose: find.verbose(typed)?,
        warnings: std::mem::take(&mut find.warnings),
        sources: std::mem::take(&mut find.sources),
        site_named: choice.named,
        site: choice.site,
        site_name_wanted: choice.wanted,
        base_url: choice.base_url,
        insecure,
        dirs,
        vars,
    })
}

/// What completion needs to know: no secret is read for it.
#[derive(Debug)]
pub struct Meant {
    /// Our directories.
    pub dirs: Dirs,
    /// Every site.
    pub sites: Sites,
    /// The site that is meant.
    pub site: Option<Site>,
    /// The Jira that is meant.
    pub base_url: Option<BaseUrl>,
    /// `JIRA_NO_CACHE`
    pub no_cache: bool,
}

/// Which site is meant.
pub fn meant(typed: &Typed, env: &Env) -> Result<Meant, ConfigError> {
    let vars = Vars::new(typed.env_file.as_deref(), env)?;
    let dirs = Dirs::resolve(&vars, env)?;
    let sites = Sites::load(&dirs.sites_file())?;
    // Nothing is sent anywhere, so that plain http does no harm here.
    let choice = which::choose(typed, &vars, &sites, true)?;
    let no_cache = vars.boolean(None, NO_CACHE.0, NO_CACHE.1)?.is_some_and(|found| found.value);
    let base_url = choice.base_url.map(|found| found.value);
    Ok(Meant { dirs, sites, site: choice.site, base_url, no_cache })
}

/// Where values come from, and what is learnt on the way.
struct Finder<'a> {
    vars: &'a Vars,
    choice: &'a Choice,
    sources: Vec<(&'static str, Source)>,
    warnings: Vec<(String, String)>,
}

impl Finder<'_> {
    /// Flag, variables, site.
    fn value<T>(
        &self,
        typed: &Option<String>,
        Names(flag, vars): Names,
        field: impl Fn(&Site) -> Option<T>,
        parse: impl Fn(&str) -> Result<T, ConfigError>,
    ) -> Result<Option<Sourced<T>>, ConfigError> {
        let Some(Sourced { value: text, source }) = self.vars.text(typed.as_deref(), flag, vars)? else {
            return Ok(self.of_site(field));
        };
        if text.is_empty() {
            return Err(ConfigError::bad("must not be empty").at(&source));
        }
        match parse(&text) {
            Ok(value) => Ok(Some(Sourced::new(value, source))),
            Err(error) => Err(error.at(&source)),
        }
    }

    fn of_site<T>(&self, field: impl Fn(&Site) -> Option<T>) -> Option<Sourced<T>> {
        let site = self.choice.site.as_ref()?;
        Some(Sourced::new(field(site)?, Source::Site(site.name.to_string())))
    }

    /// What is no file would be met in the handshake only, where nobody knows any more who named it.
    fn bundle(&self, typed: &Typed) -> Result<Option<Sourced<PathBuf>>, ConfigError> {
        let found = self.value(&typed.ca_bundle, CA_BUNDLE, |site| site.ca_bundle.clone(), path)?;
        if let Some(Sourced { value: path, source }) = &found {
            let named = named::check(path, LARGEST_PEM);
            named.map_err(|error| ConfigError::named(source, path, &error))?;
        }
        Ok(found)
    }

    /// Flag, variables; for a value that does not say itself where it came from.
    fn plain<T>(
        &mut self,
        typed: &Option<String>,
        names: Names,
        parse: impl Fn(&str) -> Result<T, ConfigError>,
    ) -> Result<Option<T>, ConfigError> {
        let found = self.value(typed, names, |_| None, parse)?;
        Ok(found.map(|found| self.note(names, found)))
    }

    fn duration(&mut self, typed: &Option<String>, names: Names) -> Result<Option<Duration>, ConfigError> {
        self.plain(typed, names, parse_duration)
    }

    fn switch(&mut self, typed: Option<bool>, names: Names) -> Result<bool, ConfigError> {
        let found = self.vars.boolean(typed, names.0, names.1)?;
        Ok(found.is_some_and(|found| self.note(names, found)))
    }

    /// Keeps the source of a value for `config show`.
    fn note<T>(&mut self, Names(_, vars): Names, found: Sourced<T>) -> T {
        self.sources.extend(vars.last().map(|name| (*name, found.source)));
        found.value
    }

    /// What was found before there was a finder.
    fn note_named(&mut self) -> Result<(), ConfigError> {
        self.sources.push(("JIRA_SITE", self.choice.source.clone()));
        self.sources.extend(self.vars.env_file_source().map(|source| ("JIRA_ENV_FILE", source.clone())));
        let config_dir = self.vars.lookup(&["JIRA_CONFIG_DIR"])?;
        self.sources.extend(config_dir.map(|(_, source)| ("JIRA_CONFIG_DIR", source)));
        Ok(())
    }

    /// A remembered URL was read without the rule about plain http, since that must be said each time.
    fn broker_url(&self, typed: &Typed, insecure: bool) -> Result<Option<Sourced<BaseUrl>>, ConfigError> {
        let url = |text: &str| BaseUrl::parse(text, insecure);
        let broker = self.value(&typed.broker_url, BROKER_URL, |site| site.broker_url.clone(), url)?;
        for remembered in self.choice.base_url.iter().chain(&broker) {
            remembered.value.check_transport(insecure).map_err(|error| error.at(&remembered.source))?;
        }
        Ok(broker)
    }

    /// Naming a site means its session, and a session belongs to a client ID: so a named site's own goes
    /// before the environment's, though not before the flag.
    fn client_id(&mut self, typed: &Typed) -> Result<Option<Sourced<ClientId>>, ConfigError> {
        let found =
            self.value(&typed.client_id, CLIENT_ID, |site| site.client_id.clone(), ClientId::parse)?;
        let own = self.of_site(|site| site.client_id.clone());
        if let Some(own) = own.filter(|_| self.choice.named && typed.client_id.is_none()) {
            if let Some(found) = found.filter(|found| found.value != own.value) {
                let message =
                    format!("a site was named, so its client ID is used: {} is passed over", found.source);
                self.warnings.push(("client_id_passed_over".to_owned(), message));
            }
            return Ok(Some(own));
        }
        let baked = BAKED_CLIENT_ID.filter(|text| found.is_none() && !text.is_empty());
        let baked = baked.map(ClientId::parse).transpose().map_err(|error| error.at(&Source::Baked))?;
        Ok(found.or_else(|| baked.map(|id| Sourced::new(id, Source::Baked))))
    }

    fn callback(&mut self, typed: &Typed) -> Result<Callback, ConfigError> {
        let port = self.value(&typed.callback_port, PORT, |site| site.callback_port, parse_port)?;
        let own = |site: &Site| site.callback_host.clone();
        let host = self.value(&typed.callback_host, HOST, own, parse_callback_host)?;
        let https = self.vars.boolean(typed.callback_https, HTTPS.0, HTTPS.1)?;
        let https = https.or_else(|| self.of_site(|site| site.callback_https));
        let https = https.unwrap_or(Sourced::new(true, Source::Default));
        // Jira refuses http on 127.0.0.1.
        let default_host = if https.value { "127.0.0.1" } else { "localhost" };
        let cert = self.plain(&typed.callback_cert, CERT, path)?;
        let key = self.plain(&typed.callback_key, KEY, path)?;
        if cert.is_some() != key.is_some() {
            return Err(ConfigError::bad("--callback-cert and --callback-key go together"));
        }
        if cert.is_some() && !https.value {
            let error = ConfigError::bad("a callback certificate is of no use without https");
            return Err(error.at(&https.source));
        }
        let own = |site: &Site| site.redirect_uri.clone();
        Ok(Callback {
            port: port.unwrap_or(Sourced::new(8085, Source::Default)),
            host: host.unwrap_or(Sourced::new(default_host.to_owned(), Source::Default)),
            https,
            cert,
            key,
            redirect_uri: self.value(&typed.redirect_uri, REDIRECT_URI, own, parse_redirect_uri)?,
        })
    }

    /// `JIRA_OUTPUT` is ours and must be right; `OUTPUT` and `INPUT_OUTPUT` belong to others as well.
    fn output(&mut self, typed: &Typed) -> Result<Option<Sourced<String>>, ConfigError> {
        let typed = typed.output.clone().map(|text| (text, Source::Flag(OUTPUT.0)));
        for (text, source) in typed.into_iter().chain(self.vars.lookup_all(OUTPUT.1)?) {
            if FORMATS.contains(&text.as_str()) {
                return Ok(Some(Sourced::new(text, source)));
            }
            match &source {
                Source::Env(name) | Source::EnvFile(name)
                    if matches!(name.as_str(), "OUTPUT" | "INPUT_OUTPUT") =>
                {
                    let message = format!("{source} is passed over: it is none of json, jsonl and text");
                    self.warnings.push(("output_passed_over".to_owned(), message));
                }
                _ => return Err(ConfigError::bad("must be json, jsonl or text").at(&source)),
            }
        }
        Ok(None)
    }

    fn proxies(&mut self, env: &Env) -> Result<Proxies, ConfigError> {
        // Inside a CGI script HTTP_PROXY is the request's `Proxy:` header ("httpoxy").
        let http: &[_] = match env.get("REQUEST_METHOD") {
            Some(_) => &["http_proxy"],
            None => &["http_proxy", "HTTP_PROXY"],
        };
        let mut proxy = |vars| self.plain(&None, Names("", vars), text);
        Ok(Proxies {
            http: proxy(http)?,
            https: proxy(&["https_proxy", "HTTPS_PROXY"])?,
            all: proxy(&["all_proxy", "ALL_PROXY"])?,
            no_proxy: proxy(&["no_proxy", "NO_PROXY"])?,
        })
    }

    /// `NO_COLOR` counts with any value but none.
    fn no_color(&mut self, typed: &Typed) -> Result<bool, ConfigError> {
        let Names(flag, vars) = NO_COLOR;
        let (own, other) = vars.split_at(1);
        match self.vars.boolean(typed.no_color, flag, own)? {
            Some(said) => Ok(self.note(NO_COLOR, said)),
            None => Ok(self.plain(&None, Names("", other), text)?.is_some()),
        }
    }

    fn verbose(&mut self, typed: &Typed) -> Result<u8, ConfigError> {
        let level = |text: &str| match text {
            "2" => Ok(2),
            text => parse_boolean(text).map(u8::from),
        };
        match typed.verbose {
            0 => Ok(self.plain(&None, VERBOSE, level)?.unwrap_or_default()),
            level => Ok(self.note(VERBOSE, Sourced::new(level, Source::Flag(VERBOSE.0)))),
        }
    }

    /// Passes a credential on, with a warning where a site was named and its session is meant.
    fn credential<T>(&mut self, found: Option<Sourced<T>>) -> Option<Sourced<T>> {
        if let Some(found) = found.as_ref().filter(|_| self.choice.named) {
            let message =
                format!("a site was named, so its session is used: {} is passed over", found.source);
            self.warnings.push(("credential_passed_over".to_owned(), message));
        }
        found
    }

    fn warn_of_file(&mut self, sites: &Sites) {
        if let Some(name) = sites.missing_default() {
            let message = format!("config.toml names {name} as the default site, and there is no such site");
            self.warnings.push(("default_site_missing".to_owned(), message));
        }
        if !sites.unknown().is_empty() {
            let unknown = sites.unknown().join(", ");
            let message = format!("config.toml holds what this version does not know: {unknown}");
            self.warnings.push(("unknown_setting".to_owned(), message));
        }
    }
}

/// A path is kept as it was typed: whoever types a relative one means the working directory.
fn path(text: &str) -> Result<PathBuf, ConfigError> {
    Ok(PathBuf::from(text))
}

fn text(text: &str) -> Result<String, ConfigError> {
    Ok(text.to_owned())
}

fn rotation_output(text: &str) -> Result<RotationOutput, ConfigError> {
    Ok(match text {
        "none" => RotationOutput::Discard,
        path => RotationOutput::File(PathBuf::from(path)),
    })
}

fn list(text: &str) -> Result<Vec<String>, ConfigError> {
    Ok(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// The mark that shows that no person sits here; a mark that says no is none.
fn agent(env: &Env) -> Option<&'static str> {
    let set = |name: &&&str| {
        let value = env.get(name).filter(|value| !value.is_empty());
        value.is_some_and(|value| value.to_str().is_none_or(|text| parse_boolean(text) != Ok(false)))
    };
    AGENT_MARKS.iter().find(set).copied()
}
