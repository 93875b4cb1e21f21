//! CI: a refresh token that the job was given is a session too, refreshed by the same steps.
//!
//! The first command spends it and keeps the pair in a file sealed with a key derived from the injected
//! token, so that every later command of the job, which is given the same dead token, finds the living
//! pair. Each successor is handed over to whoever injects the next one.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncWriteExt;

use crate::config::{RotationOutput, Settings};
use crate::disk::{self, Prepared};
use crate::process::{Env, on_own_thread};
use crate::secret::Secret;

/// How long the rotation command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// More than any token takes.
const ROOM: usize = 4096;

/// Where a successor goes.
#[derive(Clone, Debug)]
pub struct Handover {
    output: Option<PathBuf>,
    command: Option<String>,
    /// The environment of the command: everything but our own secrets.
    env: Env,
}

/// Why a successor did not, or could not, get where it belongs.
#[derive(Clone, Debug, Error)]
pub enum HandoverError {
    /// Nobody said where; the token was not spent.
    #[error(
        "an injected refresh token is spent by its first use, and nothing says where its successor goes: set \
         JIRA_OAUTH_REFRESH_TOKEN_OUTPUT to a file, or JIRA_OAUTH_ROTATION_COMMAND, or \
         JIRA_OAUTH_REFRESH_TOKEN_OUTPUT=none if it may be lost"
    )]
    NoTarget,
    /// The file cannot be written; the token was not spent.
    #[error("the new refresh token could not be written to {}: {reason}; the injected one was not spent", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The token was spent, and the file was not written.
    #[error(
        "the refresh token was rotated, and its successor could not be written to {}: {reason}; it is kept sealed, and \
         the next command with the same injected token hands it over",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The token was spent, and the command failed.
    #[error("the refresh token was rotated, and the rotation command {reason}{}", written(.output))]
    Command {
        /// Why.
        reason: String,
        /// The file that does hold the successor, if one was written.
        output: Option<PathBuf>,
    },
}

fn written(output: &Option<PathBuf>) -> String {
    output.as_ref().map_or(String::new(), |path| format!("; the successor is in {}", path.display()))
}

impl Handover {
    /// From the settings. `env` is the environment without our secrets.
    pub fn new(settings: &Settings, env: Env) -> Result<Self, HandoverError> {
        let command = settings.rotation_command.clone();
        let output = match &settings.rotation_output {
            Some(RotationOutput::File(path)) => Some(path.clone()),
            Some(RotationOutput::Discard) => None,
            None if command.is_none() => return Err(HandoverError::NoTarget),
            None => None,
        };
        Ok(Handover { output, command, env })
    }

    /// The directory beside the output file, where the sealed session goes.
    pub fn directory(&self) -> Option<PathBuf> {
        self.output.as_deref().map(|path| disk::parent(path).to_owned())
    }

    /// Whether the file can be written; asked before the token is spent.
    pub async fn check(&self) -> Result<(), HandoverError> {
        let Some(path) = self.output.clone() else { return Ok(()) };
        let target = path.clone();
        let ready = on_own_thread(move || make_ready(&target).map(drop)).await.flatten();
        ready.map_err(|error| HandoverError::NotWritable { path, reason: error.to_string() })
    }

    /// Delivers a successor to the file, then to the command.
    pub async fn deliver(&self, successor: &Secret) -> Result<(), HandoverError> {
        if let Some(path) = self.output.clone() {
            let (target, successor) = (path.clone(), successor.clone());
            let written = on_own_thread(move || make_ready(&target)?.commit(successor.expose().as_bytes()))
                .await
                .flatten();
            written.map_err(|error| HandoverError::File { path, reason: error.to_string() })?;
        }
        if let Some(command) = &self.command {
            let run = tokio::time::timeout(COMMAND_TIMEOUT, self.run(command, successor)).await;
            let reason = match run {
                Ok(Ok(status)) if status.success() => return Ok(()),
                Ok(Ok(status)) => format!("ended with {status}"),
                Ok(Err(error)) => format!("could not be run: {error}"),
                Err(_) => format!("did not end within {} s", COMMAND_TIMEOUT.as_secs()),
            };
            return Err(HandoverError::Command { reason, output: self.output.clone() });
        }
        Ok(())
    }

    async fn run(&self, command: &str, successor: &Secret) -> io::Result<std::process::ExitStatus> {
        let mut child = tokio::process::Command::new("sh")
            .arg("-c")
            .arg(command)
            .env_clear()
            .envs(self.env.iter())
            .stdin(Stdio::piped())
            // Our stdout is the command's result; what the rotation command says goes to the log.
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        match stdin.write_all(successor.expose().as_bytes()).await {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => drop(stdin),
        }
        child.wait().await
    }
}

/// The temporary file beside the output file, with room for any token.
fn make_ready(path: &Path) -> io::Result<Prepared> {
    disk::make_dir(disk::parent(path))?;
    Ok(Prepared::new(path, ROOM)?)
}
