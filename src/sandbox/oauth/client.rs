//! The one registered application, and the rules by which Jira lets a redirect URI be registered.

use url::Url;

use crate::sandbox::options::{Confidential, Options, SandboxError};
use crate::sandbox::{Scope, random};

/// What the administrator registered.
pub(in crate::sandbox) struct Client {
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) secret: String,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) redirect_uris: Vec<String>,
    pub(in crate::sandbox) max_scope: Scope,
    pub(in crate::sandbox) confidential: Confidential,
}

impl Client {
    pub(in crate::sandbox) fn register(options: &Options) -> Result<Client, SandboxError> {
        for uri in &options.redirect_uris {
            may_be_registered(uri)
                .map_err(|reason| SandboxError::RedirectUri { uri: uri.clone(), reason })?;
        }
        let random_secret = || random::hex(&random::bytes::<32>());
        Ok(Client {
            id: options.client_id.clone().unwrap_or_else(random::id),
            secret: options.client_secret.clone().unwrap_or_else(random_secret),
            name: options.client_name.clone(),
            redirect_uris: options.redirect_uris.clone(),
            max_scope: options.max_scope,
            confidential: options.confidential,
        })
    }

    /// Exact string equality: scheme, host, port, path, trailing slash. No "any loopback port".
    pub(super) fn has_redirect_uri(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| registered == uri)
    }
}

/// Absolute, no fragment, at most 450 characters; http only for the literal host `localhost`.
fn may_be_registered(uri: &str) -> Result<(), &'static str> {
    let url = Url::parse(uri).map_err(|_| "it is not absolute")?;
    if url.fragment().is_some() {
        return Err("it has a fragment");
    }
    if uri.len() > 450 {
        return Err("it is longer than 450 characters");
    }
    if url.scheme() == "http" && url.host_str() != Some("localhost") {
        return Err("http is for localhost alone, and 127.0.0.1 is not localhost to Jira");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jira_registers_http_for_localhost_alone() {
        for good in ["https://127.0.0.1:8085/callback", "http://localhost:1/x", "com.example.app:/back"] {
            assert_eq!(may_be_registered(good), Ok(()), "{good}");
        }
        let long = format!("https://a/{}", "x".repeat(450));
        for bad in ["/callback", "http://127.0.0.1:8085/callback", "http://a/", "https://a/#b", &long] {
            may_be_registered(bad).expect_err(bad);
        }
    }
}
