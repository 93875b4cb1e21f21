//! Where the browser comes: the authorize request, and the consent page that follows it.
//!
//! What is wrong with the client, the redirect URI or PKCE is shown on a page of Jira's own and never
//! redirected: a client on a loopback listener hears nothing of it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::response::Response;
use http::HeaderMap;
use url::form_urlencoded;

use crate::sandbox::browser::Session;
use crate::sandbox::pages::{self, see_other};
use crate::sandbox::{Scope, State};

use super::form::Params;
use super::pkce::Challenge;
use super::provider::Consent;
use super::{AUTHORIZE, CONSENT, Provider};

type Shared = axum::extract::State<Arc<State>>;

/// An authorize request in which everything is right.
#[derive(Clone)]
pub(in crate::sandbox) struct AuthorizeRequest {
    pub(in crate::sandbox) redirect_uri: String,
    /// As they were asked for.
    pub(in crate::sandbox) scopes: Vec<Scope>,
    state: Option<String>,
    challenge: Option<Challenge>,
    /// The query it came with, to come back to after a log-in as somebody else.
    pub(in crate::sandbox) query: String,
}

/// Why there is no consent to be asked for.
enum Wrong {
    /// It is shown to the person: where to redirect to is in doubt, or the client is.
    Shown(String),
    /// It is sent to the client.
    Redirected(String),
}

/// `GET /rest/oauth2/latest/authorize`
pub(super) async fn authorize(
    axum::extract::State(state): Shared,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let request = match parse(query.as_deref().unwrap_or_default(), &state.provider) {
        Ok(request) => request,
        Err(Wrong::Shown(reason)) => return pages::authorization_error(&reason),
        Err(Wrong::Redirected(location)) => return see_other(&location),
    };
    if let Some(user) = state.options.auto_approve.clone() {
        return see_other(&approved(&state, request, user));
    }
    match state.browsers.find(&headers) {
        Some(session) if session.user.is_some() => {
            let id = state.browsers.ask(&session.id, request);
            see_other(&format!("{}{CONSENT}?request={id}", state.context))
        }
        _ => see_other(&pages::login_location(&state, &format!("{AUTHORIZE}?{}", request.query))),
    }
}

/// `GET /plugins/servlet/oauth2/consent`
pub(super) async fn consent_page(
    axum::extract::State(state): Shared,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    let asked = logged_in(&state, &headers).and_then(|(session, user)| {
        let id = params.required("request").ok()?;
        let request = state.browsers.asked(&session.id, id)?;
        Some(pages::consent(&state, &session, &user, id, &request))
    });
    asked.unwrap_or_else(|| pages::authorization_error(NOTHING_ASKED))
}

/// `POST /plugins/servlet/oauth2/consent`: the decision, once for each request.
pub(super) async fn consent(
    axum::extract::State(state): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::parse(&body);
    let Some((session, user)) = logged_in(&state, &headers) else {
        return pages::authorization_error(NOTHING_ASKED);
    };
    if params.required("atl_token") != Ok(session.xsrf.as_str()) {
        return pages::xsrf_error();
    }
    let decision = params.required("decision").unwrap_or_default();
    let request = match (decision, params.required("request")) {
        ("allow" | "deny", Ok(id)) => state.browsers.answer(&session.id, id),
        _ => None,
    };
    match request {
        None => pages::authorization_error(NOTHING_ASKED),
        Some(request) if decision == "allow" => see_other(&approved(&state, request, user)),
        Some(request) => {
            see_other(&request.location(&[
                ("error", "access_denied"),
                ("error_description", "The user denied the request."),
            ]))
        }
    }
}

const NOTHING_ASKED: &str =
    "There is no request for access here, or it has been answered. Start again from the application.";

fn logged_in(state: &State, headers: &HeaderMap) -> Option<(Session, String)> {
    let session = state.browsers.find(headers)?;
    let user = session.user.clone()?;
    Some((session, user))
}

/// Where the browser goes with a new code.
fn approved(state: &State, request: AuthorizeRequest, user: String) -> String {
    let scope = request.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
    let consent = Consent {
        user,
        redirect_uri: request.redirect_uri.clone(),
        scope,
        challenge: request.challenge.clone(),
    };
    let code = state.provider.issue_code(consent, state.clock.now());
    request.location(&[("code", &code)])
}

impl AuthorizeRequest {
    fn location(&self, params: &[(&str, &str)]) -> String {
        location(&self.redirect_uri, params, self.state.as_deref())
    }
}

/// In Jira's order: the four mandatory parameters, the client, the redirect URI, PKCE; only then is the
/// redirect URI trusted with what else is wrong.
fn parse(query: &str, provider: &Provider) -> Result<AuthorizeRequest, Wrong> {
    let params = Params::parse(query.as_bytes());
    let required = |name| params.required(name).map_err(Wrong::Shown);
    let optional = |name| params.optional(name).map_err(Wrong::Shown);
    let client_id = required("client_id")?;
    let redirect_uri = required("redirect_uri")?;
    let response_type = required("response_type")?;
    let scope = required("scope")?;
    let state = optional("state")?.map(str::to_owned);
    if client_id != provider.client.id {
        return Err(Wrong::Shown("There is no application with this client_id.".to_owned()));
    }
    if !provider.client.has_redirect_uri(redirect_uri) {
        return Err(Wrong::Shown(
            "The redirect_uri is not one of those registered for the application. It must be equal to one of them \
             in every character."
                .to_owned(),
        ));
    }
    let challenge = Challenge::parse(optional("code_challenge")?, optional("code_challenge_method")?)
        .map_err(|reason| Wrong::Shown(reason.to_owned()))?;
    if challenge.is_none() && provider.rules.require_pkce {
        return Err(Wrong::Shown("The parameter code_challenge is missing.".to_owned()));
    }
    let refuse = |error: &str, description: &str| {
        let params = [("error", error), ("error_description", description)];
        Wrong::Redirected(location(redirect_uri, &params, state.as_deref()))
    };
    if response_type != "code" {
        return Err(refuse("unsupported_response_type", "The response_type must be code."));
    }
    let scopes: Option<Vec<Scope>> = scope.split(' ').map(Scope::parse).collect();
    let Some(scopes) = scopes.filter(|scopes| scopes.iter().all(|scope| *scope <= provider.client.max_scope))
    else {
        return Err(refuse("invalid_scope", "A scope is unknown, or wider than the application may have."));
    };
    let (redirect_uri, query) = (redirect_uri.to_owned(), query.to_owned());
    Ok(AuthorizeRequest { redirect_uri, scopes, state, challenge, query })
}

/// The redirect URI as it is registered, with parameters added to those that it may have.
fn location(redirect_uri: &str, params: &[(&str, &str)], state: Option<&str>) -> String {
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let mut added = form_urlencoded::Serializer::new(String::new());
    added.extend_pairs(params);
    added.extend_pairs(state.map(|state| ("state", state)));
    format!("{redirect_uri}{separator}{}", added.finish())
}
