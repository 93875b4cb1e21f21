//! Brings the person's browser to the login, or says how to get there.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use crate::auth::redirect::Redirect;

use super::context::Context;
use super::login::LoginArgs;

/// Prints the URL, and opens it where there is a browser to open it in.
pub fn open(
    ctx: &Context,
    args: &LoginArgs,
    redirect: &Redirect,
    url: &str,
    authorize_url: &str,
    patience: Duration,
) {
    let here = args.browser || (!args.no_browser && has_display(ctx));
    let opened = here && ctx.process.browser.open(url, &ctx.child_env()).is_ok();
    let seconds = patience.as_secs();
    if !ctx.person() {
        let object =
            json!({ "url": url, "authorize_url": authorize_url, "expires_in": seconds, "opened": opened });
        ctx.out.event("login", object, &format!("open {url} within {seconds} s"));
        return;
    }
    let mut lines = Vec::new();
    if opened {
        lines.push("Your browser opens the login page. If it does not, open this address:".to_owned());
    } else {
        lines.push("Open this address in your browser:".to_owned());
    }
    lines.push(format!("\n  {url}\n"));
    if url != authorize_url && opened {
        lines.push(
            "It warns about a certificate once: that is this program's own, for the way back. Go on."
                .to_owned(),
        );
    }
    if let (false, Some(listen)) = (opened, &redirect.listen) {
        let port = listen.port;
        lines.push("If that browser runs on another machine, make a tunnel there first:".to_owned());
        lines.push(format!("\n  ssh -L {port}:127.0.0.1:{port} {}\n", destination(ctx)));
        lines.push(
            "or open this address instead, and paste here what the address bar shows in the end:".to_owned(),
        );
        lines.push(format!("\n  {authorize_url}\n"));
    }
    ctx.out.event("login", json!({ "url": url, "expires_in": seconds }), &lines.join("\n"));
}

/// Whether a browser started here would be seen: not over SSH without a display, not in a container.
fn has_display(ctx: &Context) -> bool {
    let set = |name: &str| ctx.process.env.get(name).is_some_and(|value| !value.is_empty());
    if set("BROWSER") {
        return true;
    }
    let display = set("DISPLAY") || set("WAYLAND_DISPLAY");
    let remote = set("SSH_CONNECTION") || set("SSH_TTY");
    let container =
        ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| std::path::Path::new(mark).exists());
    if container || (remote && !display) {
        return false;
    }
    cfg!(any(target_os = "macos", windows)) || display
}

/// `user@host` of this machine as the SSH client reached it (`SSH_CONNECTION`: client, port, server, port),
/// every part parsed, because it is a command to paste.
fn destination(ctx: &Context) -> String {
    let text = |name: &str| ctx.process.env.get(name).and_then(|value| value.to_str()).unwrap_or_default();
    let connection: Vec<_> = text("SSH_CONNECTION").split(' ').collect();
    let user = text("USER");
    let user = Some(user).filter(|user| {
        !user.is_empty() && user.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    });
    let user = user.map_or(String::new(), |user| format!("{user}@"));
    match connection.as_slice() {
        [_, _, server, port] => match (server.parse::<IpAddr>(), port.parse::<u16>()) {
            (Ok(server), Ok(22)) => format!("{user}{server}"),
            (Ok(server), Ok(port)) => format!("-p {port} {user}{server}"),
            _ => format!("{user}THIS-MACHINE"),
        },
        _ => format!("{user}THIS-MACHINE"),
    }
}
