//! What can be wrong with a configuration. A value is never repeated in a message: it may be a password
//! in the wrong place, or text made to be pasted into a shell (docs/security.md, row 33).

use std::path::{Path, PathBuf};

use super::Source;
use crate::error::{Code, Failure, Hint};
use crate::named::NamedError;

/// What can be wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that is not of the form its name asks for.
    #[error("{}{reason}", place(at))]
    BadValue {
        /// Where the value came from, once that is known.
        at: Option<Source>,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// A base URL of Jira Cloud.
    #[error(
        "{}this is a Jira Cloud address; Cloud is another product with another login, and this tool \
         speaks to Jira Data Center only",
        place(at)
    )]
    CloudUrl {
        /// Where the value came from, once that is known.
        at: Option<Source>,
    },
    /// A control character in a value.
    #[error("{at} contains a disallowed control character (0x{character:02x})")]
    ControlCharacter {
        /// The variable, flag or file.
        at: String,
        /// The character's number.
        character: u32,
    },
    /// A secret and its `_FILE` twin, both set.
    #[error("{name} and {twin} are both set; set one of them")]
    Twins {
        /// The variable.
        name: &'static str,
        /// The variable that names a file.
        twin: &'static str,
    },
    /// A file that a variable or a flag names and that cannot be used.
    #[error("{at}: {}: {reason}", path.display())]
    NamedFile {
        /// The flag or variable.
        at: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration directory cannot be trusted.
    #[error("the configuration directory {} {reason}", path.display())]
    BadDirectory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// `config.toml` cannot be trusted or understood.
    #[error("{} {reason}", path.display())]
    BadSitesFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `config.toml` cannot be written.
    #[error("{} cannot be written: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Another process kept the lock of `config.toml`.
    #[error("{} is being changed by another process; try again", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// There is no site of that name.
    #[error("there is no site {name}")]
    UnknownSite {
        /// The name.
        name: String,
    },
    /// `--site` and `--base-url` disagree.
    #[error("--site {site} is at {site_url}, and --base-url says {base_url}: give one of them")]
    SiteMismatch {
        /// The site that was named.
        site: String,
        /// Its base URL.
        site_url: String,
        /// The base URL that was typed.
        base_url: String,
    },
    /// Several sites have the base URL and none of them is the default.
    #[error("several sites are at {base_url}: {}; say which with --site", names.join(", "))]
    AmbiguousSite {
        /// The base URL.
        base_url: String,
        /// Their names.
        names: Vec<String>,
    },
}

impl ConfigError {
    /// A value that is not of the form its name asks for; where it came from is added with [`Self::at`].
    pub fn bad(reason: impl Into<String>) -> Self {
        ConfigError::BadValue { at: None, reason: reason.into() }
    }

    /// A file that cannot be used.
    pub(super) fn named(at: &Source, path: &Path, error: &NamedError) -> Self {
        ConfigError::NamedFile { at: at.to_string(), path: path.to_owned(), reason: error.to_string() }
    }

    /// Says where the value came from, unless that is known already.
    pub fn at(mut self, source: &Source) -> Self {
        if let ConfigError::BadValue { at, .. } | ConfigError::CloudUrl { at } = &mut self {
            at.get_or_insert_with(|| source.clone());
        }
        self
    }
}

fn place(at: &Option<Source>) -> String {
    at.as_ref().map(|source| format!("{source}: ")).unwrap_or_default()
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let message = error.to_string();
        match error {
            ConfigError::BadValue { .. } => Failure::new(Code::BadValue, message),
            ConfigError::CloudUrl { .. } => Failure::new(Code::CloudUrl, message),
            ConfigError::ControlCharacter { .. } => Failure::new(Code::ControlCharacter, message),
            ConfigError::Twins { .. } => Failure::new(Code::BadValue, message),
            ConfigError::NamedFile { .. } => Failure::new(Code::BadValue, message),
            ConfigError::BadDirectory { .. } => Failure::new(Code::BadValue, message),
            ConfigError::BadSitesFile { .. } => Failure::new(Code::StoreCorrupt, message),
            ConfigError::Unwritable { .. } => Failure::new(Code::StoreUnwritable, message),
            ConfigError::Locked { .. } => Failure::new(Code::SessionBusy, message),
            ConfigError::UnknownSite { .. } => Failure::new(Code::BadValue, message).hint(Hint::SiteList),
            ConfigError::SiteMismatch { .. } => Failure::new(Code::BadValue, message).hint(Hint::SiteList),
            ConfigError::AmbiguousSite { .. } => Failure::new(Code::BadValue, message).hint(Hint::SiteList),
        }
    }
}
