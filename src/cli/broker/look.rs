//! What a broker finds before it stands: said at the start, and by `--check`, which looks at everything and ends.

use serde_json::{Value, json};

use crate::auth::trust::Trust;
use crate::broker::Parts;
use crate::broker::material::{Material, Standing, TlsFiles};
use crate::error::{Actor, Code, Failure};

use super::told::Told;
use super::{OwnRuntime, bind, unreachable};
use crate::cli::context::Context;

/// `--check`: everything was read; the addresses and the siblings' Redis are what is left to try.
pub async fn look_only(runtime: &OwnRuntime, told: Told, parts: Parts, ctx: &Context) -> Result<(), Failure> {
    warn(&told, &parts.material, ctx);
    if let Some((words, Standing::Over | Standing::NotYet)) = certificate(&told, &parts.material, ctx) {
        return Err(Failure::new(Code::BadValue, words).actor(Actor::Operator));
    }
    try_addresses(runtime, &told, ctx)?;
    let mut answer = found(&told, &parts.material);
    let Parts { coordination, log, .. } = parts;
    let reached = runtime.get().spawn(async move { coordination.reach().await }).await;
    log.end().await;
    match reached {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(unreachable(&error)),
        Err(error) => return Err(Failure::new(Code::Bug, error.to_string())),
    }
    answer["listen"] = told.listen.iter().map(ToString::to_string).collect::<Vec<_>>().into();
    answer["admin_listen"] = told.admin_listen.map(|at| vec![at.to_string()]).into();
    ctx.out.value(&answer)
}

/// Takes the addresses as the start does, and gives them back. One that is taken is no fault of the settings: whoever
/// checks them beside the broker that they are for would always be told so. Nor does it say anything of the others.
fn try_addresses(runtime: &OwnRuntime, told: &Told, ctx: &Context) -> Result<(), Failure> {
    let _inside = runtime.enter();
    // The start holds one while it takes the next, so all are kept until the last was tried.
    let tried: Vec<_> = told.listen.iter().copied().chain(told.admin_listen).map(bind).collect();
    for one in &tried {
        match one {
            Ok(_) => {}
            Err(taken) if taken.code == Code::PortBusy => {
                let text =
                    format!("{}; if that is this broker, all is well, else it does not start", taken.message);
                ctx.out.warning("port_busy", &text, None);
            }
            Err(failure) => return Err(failure.clone()),
        }
    }
    Ok(())
}

/// At the start: what an operator may not have meant, and a certificate that nobody will take. That is no reason not to
/// start: a clock may be wrong, and the file is read again.
pub fn warn_at_start(told: &Told, material: &Material, ctx: &Context) {
    warn(told, material, ctx);
    if let Some((words, Standing::Over | Standing::NotYet)) = certificate(told, material, ctx) {
        ctx.out.warning("certificate_invalid", &words, None);
    }
}

/// What an operator may not have meant.
fn warn(told: &Told, material: &Material, ctx: &Context) {
    if Trust::of(&ctx.settings, &told.settings.base_url).insecure {
        let text = "--insecure: the client secret and all tokens go to whatever answers in Jira's place";
        ctx.out.warning("insecure", text, None);
    }
    warn_if_open(told, material, ctx);
    if let Some((words, Standing::EndsSoon)) = certificate(told, material, ctx) {
        ctx.out.warning("certificate_ends", &words, None);
    }
}

/// How it stands with the certificate now, and that in words.
fn certificate(told: &Told, material: &Material, ctx: &Context) -> Option<(String, Standing)> {
    let (files, validity) = (told.sources.tls.as_ref()?, material.certificate()?);
    let standing = validity.at(ctx.process.clock.now());
    let words = validity.words(standing);
    Some((format!("{}: the certificate {words}", files.certificate.display()), standing))
}

/// A caller that nobody named is one that a variable was forgotten for, as often as not.
fn warn_if_open(told: &Told, material: &Material, ctx: &Context) {
    let is_known_by_name = material.known().callers.is_some() || material.has_client_ca();
    if is_known_by_name || told.listen.iter().all(|address| address.ip().is_loopback()) {
        return;
    }
    let text =
        "whoever reaches this broker may use it: neither JIRA_BROKER_TOKEN nor --tls-client-ca names callers";
    ctx.out.warning("open_to_all", text, None);
}

/// What was found, without a secret in it.
pub fn found(told: &Told, material: &Material) -> Value {
    let settings = &told.settings;
    let callers = material.known().callers.as_ref().map(|callers| json!(callers.names()));
    let clients = told.sources.tls.as_ref().and_then(|TlsFiles { client_ca, .. }| client_ca.as_ref());
    json!({
        "listen": null,
        "admin_listen": null,
        "base_url": settings.base_url.as_str(),
        "client_id": settings.client_id.as_str(),
        "tls": told.sources.tls.is_some(),
        "certificate_ends": material.certificate().map(|validity| validity.ends.to_string()),
        "client_certificates": clients.is_some(),
        "callers": callers,
        "exchange": settings.allow_exchange,
        "coordination": if told.sources.redis.is_some() { "redis" } else { "off" },
        "replay_ttl": settings.replay_ttl.as_secs_f64(),
        "rate_limit": settings.rate.per_minute,
    })
}
