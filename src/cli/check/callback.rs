//! The redirect URI that a login asks for, there and here: worked out from the same flags and variables.

use super::hits::Hit;
use super::invocation::Invocation;
use super::script::Script;

/// The logins whose redirect URI would be another.
pub fn hits(script: &Script) -> Vec<Hit> {
    let logins =
        script.invocations.iter().filter(|one| one.command == "login" && one.flag("redirect-uri").is_none());
    logins
        .filter_map(|one| {
            let (theirs, ours) = (theirs(one, script)?, ours(one, script)?);
            let instead = match theirs.strip_prefix("https://") {
                Some(_) => format!("--redirect-uri {theirs}, or register {ours}"),
                // Jira takes http for the word localhost alone, and only some versions took more.
                None => format!("register {ours} instead of {theirs}"),
            };
            (theirs != ours).then(|| Hit { instead: Some(instead), ..Hit::command(one) })
        })
        .collect()
}

/// None where a value is an expansion.
fn port<'a>(one: &'a Invocation, script: &'a Script, usual: &'a str) -> Option<&'a str> {
    let number = |port: &&str| port.parse::<u16>().is_ok();
    match one.flag("callback-port") {
        Some(_) => one.literal("callback-port").filter(number),
        None => match script.given_to(one, "JIRA_OAUTH_CALLBACK_PORT") {
            Some(set) => set.value.as_deref().filter(number),
            None => Some(usual),
        },
    }
}

fn https(one: &Invocation, script: &Script) -> Option<bool> {
    let set = script.given_to(one, "JIRA_OAUTH_CALLBACK_HTTPS").and_then(|set| set.value.as_deref());
    match (one.flag("callback-https"), set) {
        (Some(_), _) => Some(one.on("callback-https")),
        (None, Some(set)) => Some(matches!(set.to_ascii_lowercase().as_str(), "1" | "true")),
        (None, None) => None,
    }
}

fn theirs(one: &Invocation, script: &Script) -> Option<String> {
    let pair =
        one.flag("callback-cert").is_some() || script.given_to(one, "JIRA_OAUTH_CALLBACK_CERT").is_some();
    let scheme = if pair || https(one, script).unwrap_or(false) { "https" } else { "http" };
    Some(format!("{scheme}://127.0.0.1:{}/callback", port(one, script, "8765")?))
}

fn ours(one: &Invocation, script: &Script) -> Option<String> {
    let (scheme, host) =
        if https(one, script).unwrap_or(true) { ("https", "127.0.0.1") } else { ("http", "localhost") };
    Some(format!("{scheme}://{host}:{}/callback", port(one, script, "8085")?))
}
