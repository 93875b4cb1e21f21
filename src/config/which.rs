//! Which site is meant. The first that is set decides: `--site`, `--base-url`, `JIRA_SITE`,
//! `INPUT_BASE_URL`, `JIRA_BASE_URL`, the default site.

use super::flags::{BASE_URL, SITE};
use super::{BaseUrl, ConfigError, Site, SiteName, Sites, Source, Sourced, Typed, Vars};

/// What was chosen.
pub(super) struct Choice {
    pub(super) site: Option<Site>,
    pub(super) named: bool,
    pub(super) wanted: Option<Sourced<SiteName>>,
    pub(super) base_url: Option<Sourced<BaseUrl>>,
    /// What decided.
    pub(super) source: Source,
}

pub(super) fn choose(
    typed: &Typed,
    vars: &Vars,
    sites: &Sites,
    insecure: bool,
) -> Result<Choice, ConfigError> {
    let flag = Source::Flag(BASE_URL.0);
    let typed_url = typed.base_url.as_deref().map(|text| parse_url(text, flag, insecure)).transpose()?;
    if let Some(name) = &typed.site {
        let source = Source::Flag(SITE.0);
        let name = SiteName::parse(name).map_err(|error| error.at(&source))?;
        return by_name(Sourced::new(name, source), typed_url, vars, sites, insecure);
    }
    if let Some(base_url) = typed_url {
        return by_url(base_url, sites);
    }
    // One look-up for both, so that the environment's base URL goes before the env file's site.
    let Some((text, source)) = vars.lookup(&[SITE.1, BASE_URL.1].concat())? else {
        return Ok(by_default(sites));
    };
    match &source {
        Source::Env(name) | Source::EnvFile(name) if SITE.1.contains(&name.as_str()) => {
            let name = SiteName::parse(&text).map_err(|error| error.at(&source))?;
            by_name(Sourced::new(name, source), None, vars, sites, insecure)
        }
        _ => by_url(parse_url(&text, source, insecure)?, sites),
    }
}

/// A site was named. If it exists, its base URL is meant, whatever variables say.
fn by_name(
    name: Sourced<SiteName>,
    typed_url: Option<Sourced<BaseUrl>>,
    vars: &Vars,
    sites: &Sites,
    insecure: bool,
) -> Result<Choice, ConfigError> {
    let Some(site) = sites.get(&name.value) else {
        let base_url = match (typed_url, vars.lookup(BASE_URL.1)?) {
            (None, Some((text, source))) => Some(parse_url(&text, source, insecure)?),
            (typed, _) => typed,
        };
        let source = name.source.clone();
        return Ok(Choice { site: None, named: true, wanted: Some(name), base_url, source });
    };
    if let Some(typed) = typed_url.as_ref().filter(|typed| typed.value != site.base_url) {
        return Err(ConfigError::SiteMismatch {
            site: site.name.to_string(),
            site_url: site.base_url.to_string(),
            base_url: typed.value.to_string(),
        });
    }
    let base_url = typed_url.unwrap_or_else(|| own_url(site));
    let (site, base_url) = (Some(site.clone()), Some(base_url));
    Ok(Choice { site, named: true, wanted: None, base_url, source: name.source })
}

/// A base URL means the site with that URL, or none.
fn by_url(base_url: Sourced<BaseUrl>, sites: &Sites) -> Result<Choice, ConfigError> {
    let site = sites.for_base_url(&base_url.value)?.cloned();
    let source = base_url.source.clone();
    Ok(Choice { site, named: false, wanted: None, base_url: Some(base_url), source })
}

fn by_default(sites: &Sites) -> Choice {
    let site = sites.default();
    let base_url = site.map(own_url);
    Choice { site: site.cloned(), named: false, wanted: None, base_url, source: Source::Default }
}

fn own_url(site: &Site) -> Sourced<BaseUrl> {
    Sourced::new(site.base_url.clone(), Source::Site(site.name.to_string()))
}

fn parse_url(text: &str, source: Source, insecure: bool) -> Result<Sourced<BaseUrl>, ConfigError> {
    match BaseUrl::parse(text, insecure) {
        Ok(value) => Ok(Sourced::new(value, source)),
        Err(error) => Err(error.at(&source)),
    }
}
