//! What `config show` shows: every value with its source, and of a secret only that it is set.

use std::fmt::Display;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{RotationOutput, Settings, Source, Sourced, broker_flags, flag_facts};
use crate::secret::Secret;

impl Settings {
    /// Every value with its source: `{"NAME": {"value", "source"}}`.
    pub fn show(&self) -> Value {
        let mut rows = Rows { settings: self, rows: Map::new() };
        rows.site();
        rows.connection();
        rows.credentials();
        rows.behaviour();
        rows.broker();
        Value::Object(rows.rows)
    }
}

struct Rows<'a> {
    settings: &'a Settings,
    rows: Map<String, Value>,
}

impl Rows<'_> {
    fn site(&mut self) {
        let settings = self.settings;
        let wanted = settings.site_name_wanted.as_ref();
        let name = settings.site.as_ref().map(|site| site.name.to_string());
        let name = name.or_else(|| wanted.map(|wanted| wanted.value.to_string()));
        match name {
            Some(name) => self.noted("site", name.into(), &["JIRA_SITE"]),
            // A base URL that is none of a site's decides that there is none, and names nothing.
            None => self.put("site", Value::Null, Source::Default.to_string()),
        }
        self.text("base_url", &settings.base_url);
        self.text("client_id", &settings.client_id);
        self.text("scope", &settings.scope);
        self.text("storage", &settings.storage);
        self.text("epic_field", &settings.epic_field);
        self.text("sprint_field", &settings.sprint_field);
        self.path("config_dir", Some(&settings.dirs.config), &["JIRA_CONFIG_DIR"]);
        self.path("state_dir", Some(&settings.dirs.state), &[]);
        self.path("env_file", settings.vars.env_file(), &["JIRA_ENV_FILE"]);
    }

    fn connection(&mut self) {
        let settings = self.settings;
        self.put("insecure", settings.insecure.value.into(), settings.insecure.source.to_string());
        let ca_bundle = settings.ca_bundle.as_ref();
        let ca_bundle = ca_bundle
            .map(|found| Sourced::new(found.value.to_string_lossy().into_owned(), found.source.clone()));
        self.text("ca_bundle", &ca_bundle);
        self.path("ssl_cert_file", settings.ssl_cert_file.as_deref(), &["SSL_CERT_FILE"]);
        self.path("ssl_cert_dir", settings.ssl_cert_dir.as_deref(), &["SSL_CERT_DIR"]);
        let proxies = &settings.proxies;
        let redacted = |proxy: &Option<String>| proxy.as_deref().map(redact_url).into();
        self.noted("http_proxy", redacted(&proxies.http), &["HTTP_PROXY", "http_proxy"]);
        self.noted("https_proxy", redacted(&proxies.https), &["HTTPS_PROXY"]);
        self.noted("all_proxy", redacted(&proxies.all), &["ALL_PROXY"]);
        self.noted("no_proxy", proxies.no_proxy.clone().into(), &["NO_PROXY"]);
        self.text("broker_url", &settings.broker_url);
        self.secret("broker_token", &settings.broker_token);
        let callback = &settings.callback;
        self.put("callback_port", callback.port.value.into(), callback.port.source.to_string());
        self.put("callback_host", callback.host.value.clone().into(), callback.host.source.to_string());
        self.put("callback_https", callback.https.value.into(), callback.https.source.to_string());
        self.path("callback_cert", callback.cert.as_deref(), &["JIRA_OAUTH_CALLBACK_CERT"]);
        self.path("callback_key", callback.key.as_deref(), &["JIRA_OAUTH_CALLBACK_KEY"]);
        self.text("redirect_uri", &callback.redirect_uri);
    }

    fn credentials(&mut self) {
        let settings = self.settings;
        self.secret("refresh_token", &settings.refresh_token);
        let output = settings.rotation_output.as_ref().map(|output| match output {
            RotationOutput::Discard => "none".to_owned(),
            RotationOutput::File(path) => path.to_string_lossy().into_owned(),
        });
        self.noted("refresh_token_output", output.into(), &["JIRA_OAUTH_REFRESH_TOKEN_OUTPUT"]);
        let command = settings.rotation_command.clone().into();
        self.noted("rotation_command", command, &["JIRA_OAUTH_ROTATION_COMMAND"]);
        self.path("runner_temp", settings.runner_temp.as_deref(), &["RUNNER_TEMP"]);
        self.secret("token", &settings.token);
        self.text("username", &settings.username);
        self.secret("password", &settings.password);
        self.secret("master_password", &settings.master_password);
        self.duration("keyring_timeout", settings.keyring_timeout, &["JIRA_KEYRING_TIMEOUT"]);
    }

    fn behaviour(&mut self) {
        let settings = self.settings;
        self.noted("read_only", settings.read_only.into(), &["JIRA_READ_ONLY"]);
        self.noted("no_cache", settings.no_cache.into(), &["JIRA_NO_CACHE"]);
        let disabled = json!(settings.disabled_tools);
        self.noted("disabled_tools", disabled, &["JIRA_DISABLED_TOOLS"]);
        self.noted("enabled_tools", json!(settings.enabled_tools), &["JIRA_ENABLED_TOOLS"]);
        self.text("output", &settings.output);
        self.noted("no_input", settings.no_input.into(), &["JIRA_NO_INPUT"]);
        let source = settings.agent.map_or_else(|| Source::Default.to_string(), |mark| format!("env {mark}"));
        self.put("agent", settings.agent.into(), source);
        self.duration("timeout", settings.timeout, &["INPUT_TIMEOUT"]);
        self.duration("max_wait", settings.max_wait, &["INPUT_MAX_WAIT"]);
        self.noted("no_color", settings.no_color.into(), &["NO_COLOR"]);
        self.noted("quiet", settings.quiet.into(), &["INPUT_QUIET"]);
        self.noted("verbose", settings.verbose.into(), &["INPUT_VERBOSE"]);
    }

    /// What a broker on this machine would be told; most machines have none, so only what is set.
    fn broker(&mut self) {
        let vars = &self.settings.vars;
        let flags = broker_flags().filter_map(flag_facts);
        let set = flags.filter_map(|flag| Some((flag.name, vars.lookup(flag.variables).ok()??)));
        for (name, (value, source)) in set.collect::<Vec<_>>() {
            self.put(&format!("broker_{}", name.replace('-', "_")), value.into(), source.to_string());
        }
        for (name, variable) in
            [("client_secret", "JIRA_OAUTH_CLIENT_SECRET"), ("broker_redis_url", "JIRA_BROKER_REDIS_URL")]
        {
            if let Ok(Some(place)) = vars.secret_place(variable) {
                self.put(name, "(set)".into(), place.source().to_string());
            }
        }
    }

    fn put(&mut self, name: &str, value: Value, source: String) {
        self.rows.insert(name.to_owned(), json!({ "value": value, "source": source }));
    }

    fn text<T: Display>(&mut self, name: &str, value: &Option<Sourced<T>>) {
        let source = value.as_ref().map_or(&Source::Default, |value| &value.source);
        self.put(name, value.as_ref().map(|value| value.value.to_string()).into(), source.to_string());
    }

    fn secret(&mut self, name: &str, value: &Option<Sourced<Secret>>) {
        let source = value.as_ref().map_or(&Source::Default, |value| &value.source);
        self.put(name, value.as_ref().map(|_| "(set)").into(), source.to_string());
    }

    fn path(&mut self, name: &str, value: Option<&Path>, noted_as: &[&str]) {
        self.noted(name, value.map(|path| path.to_string_lossy().into_owned()).into(), noted_as);
    }

    fn duration(&mut self, name: &str, value: Option<std::time::Duration>, noted_as: &[&str]) {
        self.noted(name, value.map(|value| format!("{value:?}")).into(), noted_as);
    }

    /// A value whose source was noted beside it.
    fn noted(&mut self, name: &str, value: Value, noted_as: &[&str]) {
        let noted = self.settings.sources.iter().find(|(noted, _)| noted_as.contains(noted));
        let source = noted.map_or(&Source::Default, |(_, source)| source).to_string();
        self.put(name, value, source);
    }
}

/// A proxy's URL without the user and password it may hold.
pub(super) fn redact_url(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, host)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://***@{host}"),
            None => format!("***@{host}"),
        },
        None => text.to_owned(),
    }
}
