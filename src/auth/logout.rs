//! The logout: forgets a session here, and has Jira forget it too.

use crate::config::Settings;
use crate::error::{Code, Failure};

use super::endpoint::TokenEndpoint;
use super::error::AuthError;
use super::place::Place;
use super::resolve;
use super::session::Session;

pub use super::endpoint::Revocation;

/// What became of a session.
#[derive(Clone, Debug)]
pub struct Forgotten {
    /// Whether there was one.
    pub removed: bool,
    /// Whether Jira has forgotten it.
    pub revocation: Revocation,
    /// Why that failed, if it did.
    pub why: Option<Failure>,
}

/// Removes the session, then asks Jira: whether Jira can be reached must not decide whether the token
/// leaves this machine.
pub async fn forget(settings: &Settings, place: &Place) -> Result<Forgotten, AuthError> {
    let (removed, session) = place.remove().await?;
    let revoked = match session {
        Some(session) => revoke(settings, &session).await,
        // It was there and could not be read: its token lives on at Jira.
        None if removed => Err(Failure::new(Code::StoreCorrupt, "what was stored could not be read")),
        None => Ok(Revocation::Unsupported),
    };
    Ok(match revoked {
        Ok(revocation) => Forgotten { removed, revocation, why: None },
        Err(why) => Forgotten { removed, revocation: Revocation::Failed, why: Some(why) },
    })
}

/// Under what the session trusts; where the environment says otherwise nobody is asked. Jira wants the client's
/// secret for it, so a broker that has it is the one to ask.
async fn revoke(settings: &Settings, session: &Session) -> Result<Revocation, Failure> {
    let Some(token) = &session.refresh_token else { return Ok(Revocation::Unsupported) };
    session
        .trust
        .admit(settings, &session.base_url)
        .map_err(|error| AuthError::Pinned { error, site: None })?;
    let revocation = match resolve::broker(settings, &session.trust)? {
        Some(broker) => broker.revoke(&session.client_id, token).await?,
        None => {
            let client = resolve::client(settings, &session.trust, &session.base_url)?;
            let endpoint = TokenEndpoint::new(client, &session.base_url);
            endpoint.revoke(&session.client_id, token).await
        }
    };
    match revocation {
        Revocation::Failed => Err(Failure::new(Code::ServerError, "Jira was asked, and did not do it")),
        done => Ok(done),
    }
}
