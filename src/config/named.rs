//! The files that flags and variables name: the env file, and the files of secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::env::VARIABLES;
use super::flags::ENV_FILE;
use super::vars::refuse_controls;
use super::{ConfigError, Source, Sourced, Typed};
use crate::named::{Pipes, read_text};
use crate::process::Env;
use crate::secret::Secret;

/// An env file or a secret's file is small; what is larger is the wrong file.
const LARGEST_FILE: u64 = 64 * 1024;

/// Whether [`super::resolve`] may read a file that somebody named. It may be a pipe, which is waited for, so
/// this is for a thread of its own.
pub fn names_files(typed: &Typed, env: &Env) -> bool {
    let set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty());
    typed.env_file.is_some()
        || ENV_FILE.1.iter().copied().any(set)
        || VARIABLES.iter().filter_map(|variable| variable.file_twin).any(set)
}

/// dotenvy's grammar. It also replaces `$NAME`, and asks the environment of the process for that: the one
/// exception to the rule that only `process` does; single quotes keep a dollar as it is.
pub(super) fn read_env_file(path: &Path, at: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let wrong = |reason: String| ConfigError::NamedFile { at: at.to_owned(), path: path.to_owned(), reason };
    if !path.exists() {
        return Err(wrong("env file not found".to_owned()));
    }
    let content = read_text(path, LARGEST_FILE, Pipes::Read).map_err(|error| wrong(error.to_string()))?;
    let content = content.strip_prefix('\u{feff}').unwrap_or(&content);
    let mut entries = BTreeMap::new();
    let mut last = None;
    for entry in dotenvy::from_read_iter(content.as_bytes()) {
        // The error itself holds the line, and a line of this file may hold a secret.
        let (name, value) = entry.map_err(|_| match &last {
            Some(name) => wrong(format!("cannot be read after {name}: NAME=value is expected")),
            None => wrong("cannot be read: NAME=value is expected".to_owned()),
        })?;
        last = Some(name.clone());
        entries.insert(name, value);
    }
    Ok(entries)
}

/// Where a secret is read: for whoever reads it again when it has changed.
#[derive(Clone, Debug)]
pub enum SecretPlace {
    /// A variable said it.
    Said(Sourced<Secret>),
    /// A file holds it. It is read again later, so it is no pipe.
    File(Sourced<PathBuf>),
}

impl SecretPlace {
    /// Which variable it is.
    pub fn source(&self) -> &Source {
        match self {
            SecretPlace::Said(said) => &said.source,
            SecretPlace::File(file) => &file.source,
        }
    }

    /// The secret as it is now. `one_line`: no line break or tab may be in it.
    pub fn read(&self, one_line: bool) -> Result<Secret, ConfigError> {
        let (secret, source) = match self {
            SecretPlace::Said(said) if said.value.is_blank() => {
                return Err(ConfigError::bad("is blank").at(&said.source));
            }
            SecretPlace::Said(said) => (said.value.clone(), &said.source),
            SecretPlace::File(file) => {
                (read_secret_file(&file.value, &file.source, Pipes::Refused)?, &file.source)
            }
        };
        refuse_controls(&source.to_string(), secret.expose(), one_line)?;
        Ok(secret)
    }
}

/// The path is not told: somebody may have put the secret itself there.
pub(super) fn read_secret_file(path: &Path, source: &Source, pipes: Pipes) -> Result<Secret, ConfigError> {
    let wrong = |reason: String| ConfigError::bad(format!("the file that it names {reason}")).at(source);
    let mut content = read_text(path, LARGEST_FILE, pipes).map_err(|error| wrong(error.to_string()))?;
    if content.ends_with('\n') {
        content.pop();
        if content.ends_with('\r') {
            content.pop();
        }
    }
    // Passing an empty file over would quietly use another identity. What is blank is no secret either, but a file
    // that something was to be written into.
    let secret = Secret::new(content);
    match secret.is_blank() {
        true => Err(wrong("is empty".to_owned())),
        false => Ok(secret),
    }
}
