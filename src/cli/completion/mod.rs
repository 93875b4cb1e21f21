//! `completion`: a script for each shell. The scripts ask `jira __complete` at each tab, so that they know the
//! flags of the program that is there, and what it has seen of Jira; nothing of that costs a shell's start.

mod answer;
mod offer;

use clap::{Args, ValueEnum};

use crate::error::Failure;
use crate::output::Output;

pub use answer::{COMPLETE, answer};

use super::itself;

/// `jira completion`
#[derive(Args, Clone, Debug)]
pub struct CompletionArgs {
    /// The shell
    pub shell: Shell,
}

/// The shells that are known.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// source <(jira completion bash)
    Bash,
    /// source <(jira completion zsh)
    Zsh,
    /// jira completion fish | source
    Fish,
    /// jira completion powershell | Out-String | Invoke-Expression
    Powershell,
    /// eval (jira completion elvish | slurp)
    Elvish,
}

impl Shell {
    fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("jira.bash"),
            Shell::Zsh => include_str!("jira.zsh"),
            Shell::Fish => include_str!("jira.fish"),
            Shell::Powershell => include_str!("jira.ps1"),
            Shell::Elvish => include_str!("jira.elv"),
        }
    }
}

/// Writes the script.
pub fn run(CompletionArgs { shell }: &CompletionArgs, json: bool, out: &Output) -> Result<(), Failure> {
    itself::page(shell.script(), json, out)
}
