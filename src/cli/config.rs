//! `config show`: every value and where it comes from; no network, no secret. `config check` is in `check`.

use clap::Subcommand;
use serde::Serialize;
use serde_json::Value;

use crate::error::Failure;
use crate::output::{Readable, Text};

use super::check::{self, CheckArgs};
use super::context::Context;

/// `jira config …`
#[derive(Subcommand, Clone, Debug)]
pub enum ConfigCommand {
    /// Show every value with its source; secrets as (set)
    Show,
    /// Find what behaves differently than with go-jira, in workflow files and scripts
    ///
    /// Reads files of any kind and lists each go-jira command line and setting that would behave differently
    /// here, with the reason and what to write instead. Nothing is run, and no value is repeated. Exits 1 with
    /// code findings if there are any, so that a CI job can hold on to it; --exit-zero exits 0.
    Check(CheckArgs),
}

/// Name → value and source.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Value);

impl Text for Shown {
    fn text(&self) -> Readable {
        let rows = self.0.as_object().into_iter().flatten().map(|(name, entry)| {
            let value = match &entry["value"] {
                Value::Null => "(unset)".to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            vec![name.clone(), value, entry["source"].as_str().unwrap_or("-").to_owned()]
        });
        Readable::Rows { header: vec!["FIELD", "VALUE", "SOURCE"], rows: rows.collect() }
    }
}

/// Runs it.
pub async fn run(command: ConfigCommand, ctx: &Context) -> Result<(), Failure> {
    match command {
        ConfigCommand::Show => ctx.out.value(&Shown(ctx.settings.show())),
        ConfigCommand::Check(args) => check::run(args, ctx).await,
    }
}
