//! CI: a refresh token that the job was given is a session too, refreshed by the same steps.
//!
//! The first command spends it and keeps the pair in a file sealed with a key derived from the injected
//! token, so that every later command of the job, which is given the same dead token, finds the living
//! pair. Each successor is handed over to whoever injects the next one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncWriteExt;

use crate::config::{RotationOutput, Settings};
use crate::process::Env;
use crate::secret::{Secret, hex};

/// How long the rotation command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

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
        self.output.as_deref().map(parent)
    }

    /// Whether the file can be written; asked before the token is spent.
    pub fn check(&self) -> Result<(), HandoverError> {
        let Some(path) = &self.output else { return Ok(()) };
        let attempt = Staged::new(path).and_then(Staged::fill);
        attempt.map_err(|error| HandoverError::NotWritable { path: path.clone(), reason: error.to_string() })
    }

    /// Delivers a successor to the file, then to the command.
    pub async fn deliver(&self, successor: &Secret) -> Result<(), HandoverError> {
        if let Some(path) = &self.output {
            let written = Staged::new(path).and_then(|staged| staged.commit(successor.expose().as_bytes()));
            written.map_err(|error| HandoverError::File { path: path.clone(), reason: error.to_string() })?;
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

/// The directory of a file that may be named relative to the working directory.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A file beside its target that will replace it in one step: whoever reads the target finds the old token
/// or the new one, whole. Removed again if it is not committed.
struct Staged {
    file: std::fs::File,
    staged: PathBuf,
    target: PathBuf,
}

impl Staged {
    fn new(target: &Path) -> io::Result<Self> {
        let directory = parent(target);
        private_directory(&directory)?;
        // A link may lead to a file that is not ours to replace; renaming over it would at least remove it.
        match target.symlink_metadata() {
            Ok(found) if found.is_symlink() => return Err(io::Error::other("it is a symbolic link")),
            Ok(found) if !found.is_file() => return Err(io::Error::other("it is not a regular file")),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let staged = directory.join(format!(".jira-oauth-rotate-{}", hex(&random)));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&staged)?;
        Ok(Staged { file, staged, target: target.to_owned() })
    }

    /// Proves that there is room for a token, and takes it away again.
    fn fill(mut self) -> io::Result<()> {
        self.file.write_all(&[b' '; 4096])?;
        self.file.sync_all()
    }

    fn commit(mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        std::fs::rename(&self.staged, &self.target)?;
        #[cfg(unix)]
        std::fs::File::open(parent(&self.target))?.sync_all()?;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a commit there is nothing left to remove.
        let _ = std::fs::remove_file(&self.staged);
    }
}

fn private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
