//! What is said of an operation's flags beside their types, once for the command line, its help and `schema`.

use super::OpError;

/// One flag of an operation. Every flag may also be set by `INPUT_<FLAG>`, in capitals and with
/// underscores; a flag that has nothing more to be said of needs no entry.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Its name without the dashes.
    pub name: &'static str,
    /// The variables that may set it, besides `INPUT_<FLAG>`, the strongest first.
    pub variables: &'static [&'static str],
    /// Whether the operation needs it.
    pub required: bool,
    /// What holds when nobody says anything.
    pub default: Option<&'static str>,
}

impl Flag {
    const fn new(name: &'static str) -> Self {
        Flag { name, variables: &[], required: false, default: None }
    }

    /// One that the operation needs.
    pub const fn required(name: &'static str) -> Self {
        Flag { required: true, ..Flag::new(name) }
    }

    /// One that has a default.
    pub const fn default(name: &'static str, value: &'static str) -> Self {
        Flag { default: Some(value), ..Flag::new(name) }
    }

    /// One that other variables set as well.
    pub const fn from(name: &'static str, variables: &'static [&'static str]) -> Self {
        Flag { variables, ..Flag::new(name) }
    }

    /// The same, set by other variables as well.
    pub const fn or_from(self, variables: &'static [&'static str]) -> Self {
        Flag { variables, ..self }
    }
}

/// Refuses a call without the flags that `command` needs, all of them in one message; `given` says of each
/// required flag whether it is there.
pub fn require(command: &'static str, given: &[(&'static str, bool)]) -> Result<(), OpError> {
    let missing: Vec<_> = given.iter().filter(|(_, given)| !given).map(|(name, _)| *name).collect();
    if missing.is_empty() { Ok(()) } else { Err(OpError::Missing { command, flags: missing }) }
}
