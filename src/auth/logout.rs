//! The logout: forgets a session here, and asks Jira to forget it too.

use crate::config::Settings;

use super::endpoint::TokenEndpoint;
use super::error::AuthError;
use super::place::Place;
use super::resolve;
use super::session::Session;

pub use super::endpoint::Revocation;

/// What became of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// Whether there was one.
    pub removed: bool,
    /// Whether Jira has forgotten it.
    pub revocation: Revocation,
}

/// Removes the session, then asks Jira: whether Jira can be reached must not decide whether the token
/// leaves this machine.
pub async fn forget(settings: &Settings, place: &Place) -> Result<Forgotten, AuthError> {
    let (removed, session) = place.remove().await?;
    let revocation = match session {
        Some(session) => revoke(settings, &session).await,
        // It was there and could not be read: its token lives on at Jira.
        None if removed => Revocation::Failed,
        None => Revocation::Unsupported,
    };
    Ok(Forgotten { removed, revocation })
}

/// Under what the session trusts; where the environment says otherwise Jira is not asked.
async fn revoke(settings: &Settings, session: &Session) -> Revocation {
    let Some(token) = &session.refresh_token else { return Revocation::Unsupported };
    if session.trust.admit(settings, &session.base_url).is_err() {
        return Revocation::Failed;
    }
    match resolve::client(settings, &session.trust, &session.base_url) {
        Ok(client) => {
            let endpoint = TokenEndpoint::new(client, session.base_url.clone());
            endpoint.revoke(&session.client_id, token).await
        }
        Err(_) => Revocation::Failed,
    }
}
