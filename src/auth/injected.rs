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
use crate::process::{Env, Group, apart, on_own_thread};
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
    /// The file that keeps the successor for the job's next command.
    sealed: PathBuf,
    /// The environment of the command: everything but our own secrets.
    env: Env,
}

/// Why a successor could not get where it belongs; the token was not spent.
#[derive(Clone, Debug, Error)]
pub enum HandoverError {
    /// Nobody said where.
    #[error(
        "an injected refresh token is spent by its first use, and nothing says where its successor goes: set \
         JIRA_OAUTH_REFRESH_TOKEN_OUTPUT to a file, or JIRA_OAUTH_ROTATION_COMMAND, or \
         JIRA_OAUTH_REFRESH_TOKEN_OUTPUT=none if it may be lost"
    )]
    NoTarget,
    /// The file cannot be written.
    #[error("the new refresh token could not be written to {}: {reason}; the injected one was not spent", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A successor that is not, or not everywhere, where it belongs. Its predecessor is spent, and it is kept sealed.
#[derive(Clone, Debug, Error)]
#[error(
    "the refresh token was rotated, and {fault}; the successor is {}kept sealed in {}, and the next command with the \
     same injected token hands it over again",
    written_words(.written),
    .sealed.display()
)]
pub struct Undelivered {
    /// Why.
    pub fault: Fault,
    /// The file that does hold the successor, if one was written.
    pub written: Option<PathBuf>,
    /// The file from which the next command takes it.
    pub sealed: PathBuf,
}

/// What kept a successor from where it belongs.
#[derive(Clone, Debug, Error)]
pub enum Fault {
    /// The file was not written.
    #[error("writing the successor to {} failed: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The command failed.
    #[error("the rotation command {0}")]
    Command(String),
    /// The program ended before it was known whether the command took it.
    #[error("the rotation command had not ended when this one did")]
    CommandCut,
    /// The program ended before the file was written.
    #[error("this command ended before the successor was written to {}", .0.display())]
    FileCut(PathBuf),
}

fn written_words(path: &Option<PathBuf>) -> String {
    path.as_ref().map_or(String::new(), |path| format!("in {}, and ", path.display()))
}

impl Handover {
    /// From the settings. `env` is the environment without our secrets, `sealed` the file that keeps the successor
    /// for the job's next command.
    pub fn new(settings: &Settings, env: Env, sealed: PathBuf) -> Result<Self, HandoverError> {
        let command = settings.rotation_command.clone();
        let output = match &settings.rotation_output {
            Some(RotationOutput::File(path)) => Some(path.clone()),
            Some(RotationOutput::Discard) => None,
            None if command.is_none() => return Err(HandoverError::NoTarget),
            None => None,
        };
        Ok(Handover { output, command, sealed, env })
    }

    /// Whether the file can be written; asked before the token is spent.
    pub async fn check(&self) -> Result<(), HandoverError> {
        let Some(path) = self.output.clone() else { return Ok(()) };
        let target = path.clone();
        let ready = on_own_thread(move || make_ready(&target).map(drop)).await.flatten();
        ready.map_err(|error| HandoverError::NotWritable { path, reason: error.to_string() })
    }

    /// Delivers a successor to the file, then to the command. `tell` hears what would be owed if it were cut off.
    pub async fn deliver(&self, successor: &Secret, tell: impl Fn(Undelivered)) -> Result<(), Undelivered> {
        let owed = |fault, written: Option<&PathBuf>| {
            let (written, sealed) = (written.cloned(), self.sealed.clone());
            Undelivered { fault, written, sealed }
        };
        if let Some(path) = &self.output {
            tell(owed(Fault::FileCut(path.clone()), None));
            let (target, successor) = (path.clone(), successor.clone());
            let written = on_own_thread(move || make_ready(&target)?.commit(successor.expose().as_bytes()))
                .await
                .flatten();
            written
                .map_err(|error| owed(Fault::File { path: path.clone(), reason: error.to_string() }, None))?;
        }
        if let Some(command) = &self.command {
            let written = self.output.as_ref();
            tell(owed(Fault::CommandCut, written));
            let run = tokio::time::timeout(COMMAND_TIMEOUT, self.run(command, successor)).await;
            let reason = match run {
                Ok(Ok(status)) if status.success() => return Ok(()),
                Ok(Ok(status)) => format!("ended with {status}"),
                Ok(Err(error)) => format!("could not be run: {error}"),
                Err(_) => format!("did not end within {} s", COMMAND_TIMEOUT.as_secs()),
            };
            return Err(owed(Fault::Command(reason), written));
        }
        Ok(())
    }

    async fn run(&self, command: &str, successor: &Secret) -> io::Result<std::process::ExitStatus> {
        let mut sh = tokio::process::Command::new("sh");
        sh.arg("-c").arg(command).env_clear().envs(self.env.iter()).stdin(Stdio::piped());
        // Our stdout is the command's result; what the rotation command says goes to the log.
        sh.stdout(Stdio::null());
        // It may hang in a child of its own, which would hold on to our stderr, and to the step that reads it.
        let mut child = apart(&mut sh).spawn()?;
        let group = Group::of(&child);
        let mut stdin = child.stdin.take().expect("stdin is piped");
        match stdin.write_all(successor.expose().as_bytes()).await {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => drop(stdin),
        }
        let status = child.wait().await?;
        group.ended();
        Ok(status)
    }
}

/// The temporary file beside the output file, with room for any token.
fn make_ready(path: &Path) -> io::Result<Prepared> {
    disk::make_dir(disk::parent(path))?;
    Ok(Prepared::new(path, ROOM)?)
}
