//! The environment as it was at the start.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// The environment. Names that are not UTF-8 are none of ours and are left out.
#[derive(Clone, Debug, Default)]
pub struct Env(BTreeMap<String, OsString>);

impl Env {
    /// The value of a variable as it was set, empty or not.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// The same without some variables.
    pub fn without(&self, names: &[&str]) -> Env {
        self.iter().filter(|(name, _)| !names.contains(name)).collect()
    }

    /// All variables, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_os_str()))
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Env {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(iter: T) -> Self {
        Env(iter.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
