//! What a login is about: which Jira, which site, which client, and whether it may be without a person.

use crate::auth::Chosen;
use crate::auth::go_jira::Found;
use crate::auth::redirect::Redirect;
use crate::auth::session::PAT_CLIENT_ID;
use crate::config::{BaseUrl, ClientId, Scope, Site, SiteName, Sites};
use crate::error::{Code, Failure, Hint};

use super::Context;

/// What is to be logged in to, and as which client.
pub struct Wish {
    /// The Jira.
    pub base_url: BaseUrl,
    /// The site that will remember it.
    pub name: SiteName,
    /// The OAuth client, or `pat`.
    pub client_id: ClientId,
    /// The scope to ask for.
    pub scope: Scope,
    /// The site as it is remembered now.
    pub known: Option<Site>,
    /// Whether there are sites of this Jira, and none of them has this client and a scope as wide.
    exceeds: bool,
    /// Whether the session needs a key of its own, because another site has the plain one.
    own_key: bool,
    /// A personal access token instead of OAuth.
    pub pat: bool,
}

impl Wish {
    /// From the settings and the sites that there are.
    pub fn new(ctx: &Context, sites: &Sites, pat: bool) -> Result<Self, Failure> {
        let base_url = base_url(ctx)?;
        let client_id = match pat {
            true => ClientId::parse(PAT_CLIENT_ID)?,
            false => client_id(ctx, &base_url)?,
        };
        let scope = ctx.settings.scope.as_ref().map_or(Scope::Write, |scope| scope.value);
        Wish::of(ctx, sites, base_url, client_id, scope, pat)
    }

    /// From a session that was found elsewhere.
    pub fn of_found(ctx: &Context, sites: &Sites, found: &Found) -> Result<Self, Failure> {
        let scope = found.scope.unwrap_or(Scope::Write);
        Wish::of(ctx, sites, found.base_url.clone(), found.client_id.clone(), scope, false)
    }

    fn of(
        ctx: &Context,
        sites: &Sites,
        base_url: BaseUrl,
        client_id: ClientId,
        scope: Scope,
        pat: bool,
    ) -> Result<Self, Failure> {
        let name = site_name(ctx, sites, &base_url);
        let known = sites.get(&name).cloned();
        let own_key = sites.needs_own_key(&name, &base_url, &client_id)
            || known.as_ref().is_some_and(|site| site.own_key);
        let mut here = sites.list().iter().filter(|site| site.base_url == base_url).peekable();
        let as_wide = |site: &Site| {
            site.client_id.as_ref() == Some(&client_id) && (pat || site.scope.is_some_and(|had| had >= scope))
        };
        let exceeds = here.peek().is_some() && !here.any(as_wide);
        Ok(Wish { base_url, name, client_id, scope, known, exceeds, own_key, pat })
    }

    /// The site as it will be, as far as it is known before the login.
    pub fn site(&self) -> Site {
        let old = self.known.clone();
        Site {
            base_url: self.base_url.clone(),
            client_id: Some(self.client_id.clone()),
            scope: (!self.pat).then_some(self.scope),
            own_key: self.own_key,
            pat: self.pat,
            ..old.unwrap_or_else(|| Site::new(self.name.clone(), self.base_url.clone()))
        }
    }

    /// Fails if this login needs a person and there is none.
    ///
    /// Without a person a login renews what there is: never another host, client or a wider scope. At a Jira on
    /// loopback a first login has nothing to lose; but it may be a real one at the end of a tunnel, so whoever
    /// has a session there widens it with a person alone, under another name too.
    pub fn needs_a_person(&self, ctx: &Context) -> Result<(), Failure> {
        if ctx.person() {
            return Ok(());
        }
        let (what, hint) = match &self.known {
            None if self.base_url.is_loopback() && !self.exceeds => return Ok(()),
            None if self.base_url.is_loopback() => {
                ("another client ID or a wider scope than the sites of this Jira have", Hint::SiteList)
            }
            None => ("a first login at a Jira", Hint::Help("login")),
            // What a site had it may have again: `--site` alone means its own client ID and scope.
            Some(site) if site.client_id.as_ref() != Some(&self.client_id) => {
                ("another client ID", self.as_it_was(site))
            }
            Some(site) if site.scope.is_none_or(|scope| scope < self.scope) && !self.pat => {
                ("a wider scope than the site has", self.as_it_was(site))
            }
            Some(_) => return Ok(()),
        };
        let text =
            format!("{what} needs a person at a terminal, and there is none: have the person log in there");
        Err(Failure::new(Code::NeedsPerson, text).hint(hint))
    }

    /// The login that renews what the site has, which needs nobody.
    fn as_it_was(&self, site: &Site) -> Hint {
        let name = Some(site.name.as_str().to_owned());
        match site.scope {
            Some(scope) => Hint::LoginScope { site: name, scope: scope.as_str().to_owned() },
            None => Hint::LoginPat { site: name },
        }
    }
}

/// With a credential in the environment, the session would be passed over by every later command.
pub fn refuse_credentials_of_the_environment(ctx: &Context) -> Result<(), Failure> {
    let chosen = Chosen::of(&ctx.settings)?;
    chosen.source().map_or(Ok(()), |source| {
        let text = format!(
            "there is a credential in the environment ({source}), which every command would use instead of the \
             session: unset it, or name a site with --site"
        );
        Err(Failure::new(Code::BadValue, text))
    })
}

fn base_url(ctx: &Context) -> Result<BaseUrl, Failure> {
    let url = ctx.settings.base_url.as_ref().map(|url| url.value.clone());
    url.ok_or_else(|| {
        let text = "no Jira is named: say `jira login --base-url https://jira.example.com`";
        Failure::new(Code::NoBaseUrl, text).hint(Hint::Help("login"))
    })
}

fn site_name(ctx: &Context, sites: &Sites, base_url: &BaseUrl) -> SiteName {
    let wanted = ctx.settings.site_name_wanted.as_ref().map(|wanted| wanted.value.clone());
    let found = ctx.settings.site.as_ref().map(|site| site.name.clone());
    wanted.or(found).unwrap_or_else(|| sites.new_name_for(base_url))
}

/// Without a client ID there is nothing to log in as; the message is what to ask the administrator for.
fn client_id(ctx: &Context, base_url: &BaseUrl) -> Result<ClientId, Failure> {
    if let Some(client_id) = &ctx.settings.client_id
        // A site that holds a personal access token remembers no client.
        && client_id.value.as_str() != PAT_CLIENT_ID
    {
        return Ok(client_id.value.clone());
    }
    let redirect = Redirect::new(&ctx.settings.callback).map_err(Failure::from)?;
    let text = format!(
        "no client ID: have the administrator of {} create an incoming application link (Administration, \
         Applications, Application links, Create link, External application, Incoming) with the redirect URL \
         {} exactly so and the permission Write, and send you its client ID; then say it with --client-id. \
         A personal access token needs none: jira login --pat",
        base_url.as_str(),
        redirect.uri
    );
    Err(Failure::new(Code::NoClientId, text).hint(Hint::Help("login")))
}
