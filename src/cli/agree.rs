//! A change of trust: shows old and new and wants the host's name typed, because a habit of pressing enter
//! must not be enough to send tokens somewhere else.

use crate::config::BaseUrl;
use crate::error::{Code, Failure};
use crate::output::sanitize;
use crate::process::on_own_thread;

use super::context::Context;

/// One value that decides where tokens may go.
pub struct Change {
    /// What it is.
    pub what: &'static str,
    /// As it was.
    pub old: String,
    /// As it is to be.
    pub new: String,
}

/// Has a person agree to the changes; without changes there is nothing to ask.
pub async fn agree(ctx: &Context, base_url: &BaseUrl, changes: &[Change]) -> Result<(), Failure> {
    if changes.is_empty() {
        return Ok(());
    }
    let list: Vec<_> =
        changes.iter().map(|change| format!("{}: {} → {}", change.what, change.old, change.new)).collect();
    if !ctx.person() {
        let text = format!(
            "this changes what the session for {} trusts ({}); only a person at a terminal may do that",
            base_url.as_str(),
            list.join("; ")
        );
        return Err(Failure::new(Code::Pinned, text));
    }
    let host = base_url.host();
    let mut question = format!("This changes what the session for {} trusts:\n", base_url.as_str());
    for line in &list {
        question.push_str(&format!("  {}\n", sanitize(line)));
    }
    question.push_str(&format!("Type the host name ({host}) to go on: "));
    let prompt = ctx.process.prompt.clone();
    let answer = on_own_thread(move || prompt.line(&question)).await.flatten();
    match answer {
        Ok(answer) if answer.trim() == host => Ok(()),
        _ => {
            let text = "the host name was not typed, so nothing was changed";
            Err(Failure::new(Code::Pinned, text))
        }
    }
}
