//! The global flags, declared once; what they mean is decided in `config`.

use clap::{ArgAction, Args};

use crate::config::{Typed, parse_boolean};

/// What stands beside a command, or alone.
#[derive(Args, Clone, Debug)]
pub struct TopFlags {
    #[command(flatten)]
    pub global: GlobalFlags,
    /// Print the version
    #[arg(short = 'V', long)]
    pub version: bool,
}

/// Flags that every command takes. No defaults and no environment here: a flag that was not typed is
/// `None`, so that `config` can tell.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct GlobalFlags {
    /// Base URL of Jira, context path included
    #[arg(long, global = true, value_name = "URL")]
    pub base_url: Option<String>,
    /// Site of config.toml to use
    #[arg(long, global = true, value_name = "NAME")]
    pub site: Option<String>,
    /// How to write results: json, jsonl or text
    #[arg(long, global = true, value_name = "FORMAT")]
    pub output: Option<String>,
    /// How long the command may take, such as 30s or 5m
    #[arg(long, global = true, value_name = "DURATION")]
    pub timeout: Option<String>,
    /// How long to wait when Jira limits the rate; by default not at all
    #[arg(long, global = true, value_name = "DURATION")]
    pub max_wait: Option<String>,
    /// Never prompt
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = parse_boolean)]
    pub no_input: Option<bool>,
    /// Drop infos; warnings and errors stay
    #[arg(short, long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = parse_boolean)]
    pub quiet: Option<bool>,
    /// Tell what happens; twice for more
    #[arg(short, long, visible_alias = "debug", global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// No colour
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = parse_boolean)]
    pub no_color: Option<bool>,
    /// PEM file with roots to trust besides the system's
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_bundle: Option<String>,
    /// Allow plain http and do not check certificates
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = parse_boolean)]
    pub insecure: Option<bool>,
    /// Base URL of the refresh broker
    #[arg(long, global = true, value_name = "URL")]
    pub broker_url: Option<String>,
    /// File with variables; those already set win over it
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<String>,
    /// OAuth client ID of the application link
    #[arg(long, global = true, value_name = "ID")]
    pub client_id: Option<String>,
    /// Command that gets the successor of an injected refresh token on stdin
    #[arg(long, global = true, value_name = "COMMAND")]
    pub rotation_command: Option<String>,
    /// File for the successor of an injected refresh token, or none
    #[arg(long, global = true, value_name = "FILE")]
    pub refresh_token_output: Option<String>,
}

impl GlobalFlags {
    /// What was typed, for `config::resolve`.
    pub fn typed(&self) -> Typed {
        let GlobalFlags {
            base_url,
            site,
            output,
            timeout,
            max_wait,
            no_input,
            quiet,
            verbose,
            no_color,
            ca_bundle,
            insecure,
            broker_url,
            env_file,
            client_id,
            rotation_command,
            refresh_token_output,
        } = self.clone();
        Typed {
            base_url,
            site,
            output,
            timeout,
            max_wait,
            no_input,
            quiet,
            verbose,
            no_color,
            ca_bundle,
            insecure,
            broker_url,
            env_file,
            client_id,
            rotation_command,
            refresh_token_output,
            ..Typed::default()
        }
    }
}
