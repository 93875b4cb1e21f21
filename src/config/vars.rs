//! Looking variables up: the environment first, then the file that `--env-file` names.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::env::{VARIABLES, variable};
use super::flags::ENV_FILE;
use super::named::{SecretPlace, read_env_file, read_secret_file};
use super::switch::parse_boolean;
use super::{ConfigError, Source, Sourced};
use crate::named::Pipes;
use crate::process::Env;
use crate::secret::Secret;

/// The variables of the table in `env.rs` and every `INPUT_…`, from the environment and from the explicit
/// env file. `Debug` shows names only.
#[derive(Clone)]
pub struct Vars {
    environment: BTreeMap<String, OsString>,
    file: BTreeMap<String, OsString>,
    env_file: Option<Sourced<PathBuf>>,
}

/// One variable that is set, not yet judged.
struct Found<'a> {
    name: &'a str,
    value: &'a OsStr,
    source: Source,
}

impl Vars {
    /// Takes our variables out of the environment and reads the env file, if one is named by flag or by
    /// `JIRA_ENV_FILE`. Control characters in our own variables are refused here, before anything runs.
    pub fn new(typed_env_file: Option<&str>, env: &Env) -> Result<Self, ConfigError> {
        let environment = known(env.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let mut vars = Vars { environment, file: BTreeMap::new(), env_file: None };
        let named = match typed_env_file {
            Some("") => None,
            Some(path) => Some((path.to_owned(), Source::Flag(ENV_FILE.0))),
            None => vars.lookup(ENV_FILE.1)?,
        };
        if let Some((path, source)) = named {
            // Whoever reads the message may stand in another directory.
            let path = std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(path));
            let entries = read_env_file(&path, &source.to_string())?;
            vars.file = known(entries.into_iter().map(|(name, value)| (name, OsString::from(value))));
            vars.env_file = Some(Sourced::new(path, source));
        }
        vars.check_own()?;
        Ok(vars)
    }

    /// The env file that was read.
    pub fn env_file(&self) -> Option<&Path> {
        self.env_file.as_ref().map(|file| file.value.as_path())
    }

    /// What named the env file.
    pub(super) fn env_file_source(&self) -> Option<&Source> {
        self.env_file.as_ref().map(|file| &file.source)
    }

    /// The first of the names that is set: all of them in the environment, then all of them in the env
    /// file. An empty variable is an unset one. For a secret use [`Vars::secret`].
    pub fn lookup(&self, names: &[&str]) -> Result<Option<(String, Source)>, ConfigError> {
        self.found(names).next().map(|found| text(&found)).transpose()
    }

    /// All of the names that are set, the strongest first.
    pub(super) fn lookup_all(&self, names: &[&str]) -> Result<Vec<(String, Source)>, ConfigError> {
        self.found(names).map(|found| text(&found)).collect()
    }

    /// The text that was typed for a flag, else the first of the names that is set.
    pub fn text(
        &self,
        typed: Option<&str>,
        flag: &'static str,
        names: &[&'static str],
    ) -> Result<Option<Sourced<String>>, ConfigError> {
        match typed {
            Some(text) => Ok(Some(Sourced::new(text.to_owned(), Source::Flag(flag)))),
            None => Ok(self.lookup(names)?.map(|(text, source)| Sourced::new(text, source))),
        }
    }

    /// The switch that was typed for a flag, else the first of the names that is set.
    pub fn boolean(
        &self,
        typed: Option<bool>,
        flag: &'static str,
        names: &[&'static str],
    ) -> Result<Option<Sourced<bool>>, ConfigError> {
        if let Some(value) = typed {
            return Ok(Some(Sourced::new(value, Source::Flag(flag))));
        }
        let Some((text, source)) = self.lookup(names)? else { return Ok(None) };
        let value = parse_boolean(&text).map_err(|error| error.at(&source))?;
        Ok(Some(Sourced::new(value, source)))
    }

    /// The first of the names that is set, or the content of the file that its `_FILE` twin names, less
    /// one trailing newline. `one_line`: no line break or tab may be in it, since it goes into a header.
    pub fn secret(
        &self,
        names: &[&'static str],
        one_line: bool,
    ) -> Result<Option<Sourced<Secret>>, ConfigError> {
        let with_twins: Vec<&'static str> = names
            .iter()
            .flat_map(|name| std::iter::once(*name).chain(variable(name).and_then(|v| v.file_twin)))
            .collect();
        for name in names {
            let twin = variable(name).and_then(|variable| variable.file_twin);
            if let Some(twin) = twin
                && self.found(&[name]).next().is_some()
                && self.found(&[twin]).next().is_some()
            {
                return Err(ConfigError::Twins { name, twin });
            }
        }
        let Some(found) = self.found(&with_twins).next() else { return Ok(None) };
        let at = found.source.to_string();
        let secret = if names.contains(&found.name) {
            Secret::new(checked(&found)?)
        } else {
            read_secret_file(Path::new(found.value), &found.source, Pipes::Read)?
        };
        refuse_controls(&at, secret.expose(), one_line)?;
        Ok(Some(Sourced::new(secret, found.source)))
    }

    /// Where a secret stands: in the variable, or in the file that its twin names.
    pub fn secret_place(&self, name: &'static str) -> Result<Option<SecretPlace>, ConfigError> {
        let twin = variable(name).and_then(|variable| variable.file_twin).unwrap_or(name);
        let names = ([name], [twin]);
        let said = self.found(&names.0).next();
        let file = self.found(&names.1).next().filter(|_| twin != name);
        Ok(match (said, file) {
            (Some(_), Some(_)) => return Err(ConfigError::Twins { name, twin }),
            (Some(said), None) => {
                let secret = Secret::new(checked(&said)?);
                Some(SecretPlace::Said(Sourced::new(secret, said.source)))
            }
            (None, Some(file)) => {
                Some(SecretPlace::File(Sourced::new(PathBuf::from(file.value), file.source)))
            }
            (None, None) => None,
        })
    }

    /// Every variable of ours in either layer; the bare names belong to others too, and are judged only
    /// when a command asks for them.
    fn check_own(&self) -> Result<(), ConfigError> {
        let names = self.environment.keys().chain(self.file.keys()).map(String::as_str);
        let mut own = names.filter(|name| name.starts_with("JIRA_") || is_input(name));
        own.try_for_each(|name| self.found(&[name]).try_for_each(|found| checked(&found).map(drop)))
    }

    fn found<'a>(&'a self, names: &'a [&'a str]) -> impl Iterator<Item = Found<'a>> {
        let known = |name: &&str| in_table(name) || is_input(name);
        debug_assert!(names.iter().all(known), "{names:?}: not in the table of variables");
        let environment = names.iter().filter_map(|name| {
            let value = self.environment.get(*name)?;
            Some(Found { name, value, source: Source::Env((*name).to_owned()) })
        });
        let file = names.iter().filter_map(|name| {
            let value = self.file.get(*name)?;
            Some(Found { name, value, source: Source::EnvFile((*name).to_owned()) })
        });
        environment.chain(file)
    }
}

impl fmt::Debug for Vars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vars")
            .field("environment", &self.environment.keys())
            .field("file", &self.file.keys())
            .field("env_file", &self.env_file)
            .finish()
    }
}

/// The variables of the table, the twins and what stands in for a flag, where they are set and not empty.
fn known(all: impl Iterator<Item = (String, OsString)>) -> BTreeMap<String, OsString> {
    all.filter(|(name, value)| !value.is_empty() && (is_input(name) || in_table(name))).collect()
}

/// Whether a variable stands in for the flag that it is named after: `INPUT_<FLAG>`.
fn is_input(name: &str) -> bool {
    name.starts_with("INPUT_")
}

fn in_table(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name || variable.file_twin == Some(name))
}

fn text(found: &Found<'_>) -> Result<(String, Source), ConfigError> {
    Ok((checked(found)?.to_owned(), found.source.clone()))
}

/// The value where it lies, since a copy of a secret would not be wiped.
fn checked<'a>(found: &Found<'a>) -> Result<&'a str, ConfigError> {
    let Some(value) = found.value.to_str() else {
        return Err(ConfigError::bad("is not UTF-8").at(&found.source));
    };
    refuse_controls(&found.source.to_string(), value, false)?;
    Ok(value)
}

/// Refuses what is below 0x20 except tab, LF and CR, DEL and C1; with `one_line` those three as well.
pub(super) fn refuse_controls(at: &str, text: &str, one_line: bool) -> Result<(), ConfigError> {
    let refused = |c: &char| c.is_control() && (one_line || !matches!(c, '\t' | '\n' | '\r'));
    match text.chars().find(refused) {
        Some(c) => Err(ConfigError::ControlCharacter { at: at.to_owned(), character: c.into() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn vars(pairs: &[(&str, &str)]) -> Vars {
        Vars::new(None, &env(pairs)).unwrap()
    }

    fn file(content: &[u8]) -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, content).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (dir, path)
    }

    #[test]
    fn operations_ask_for_text_and_switches() {
        let vars = vars(&[("COMMENT", "bare"), ("INPUT_REF", "input"), ("REF", "bare"), ("LENIENT", "yes")]);
        let comment = vars.text(None, "comment", &["INPUT_COMMENT", "COMMENT"]).unwrap().unwrap();
        assert_eq!(comment, Sourced::new("bare".to_owned(), Source::Env("COMMENT".into())));
        let comment = vars.text(Some(""), "comment", &["INPUT_COMMENT", "COMMENT"]).unwrap().unwrap();
        assert_eq!(comment, Sourced::new(String::new(), Source::Flag("comment")));
        let reference = vars.text(None, "ref", &["INPUT_REF", "REF"]).unwrap().unwrap();
        assert_eq!(reference.source, Source::Env("INPUT_REF".into()));
        let lenient = |typed| vars.boolean(typed, "lenient", &["INPUT_LENIENT", "LENIENT"]).unwrap();
        assert_eq!(lenient(None), Some(Sourced::new(true, Source::Env("LENIENT".into()))));
        assert_eq!(lenient(Some(false)), Some(Sourced::new(false, Source::Flag("lenient"))));
        assert_eq!(vars.boolean(None, "dry-run", &["INPUT_DRY_RUN", "DRY_RUN"]).unwrap(), None);
    }

    #[test]
    fn a_secret_comes_from_a_variable_or_a_file() {
        for (content, secret) in [
            (&b"s3cret"[..], "s3cret"),
            (b"s3cret\n", "s3cret"),
            (b"s3cret\r\n", "s3cret"),
            (b" s3cret ", " s3cret "),
        ] {
            let (_dir, path) = file(content);
            let found = vars(&[("JIRA_TOKEN_FILE", &path)]).secret(&["INPUT_TOKEN", "JIRA_TOKEN"], true);
            let expected = Sourced::new(Secret::new(secret), Source::Env("JIRA_TOKEN_FILE".into()));
            assert_eq!(found.unwrap(), Some(expected));
        }
        let found = vars(&[("JIRA_TOKEN", "b"), ("INPUT_TOKEN", "a")]);
        let found = found.secret(&["INPUT_TOKEN", "JIRA_TOKEN"], true).unwrap().unwrap();
        assert_eq!((found.value.expose(), found.source), ("a", Source::Env("INPUT_TOKEN".into())));
    }

    #[test]
    fn a_bad_secret_file_is_refused_and_its_path_not_told() {
        for content in
            [&b""[..], b"\n", b"  \t ", b" \n", b"a\n\n", b"a\nb", b"a\x1bb", b"\xff\xfe", &[b'a'; 70_000]]
        {
            let (_dir, path) = file(content);
            let error = vars(&[("JIRA_TOKEN_FILE", &path)]).secret(&["JIRA_TOKEN"], true).unwrap_err();
            assert!(error.to_string().starts_with("env JIRA_TOKEN_FILE"), "{error}");
        }
        for path in ["/nonexistent-canary", "canary", "/"] {
            let error = vars(&[("JIRA_TOKEN_FILE", path)]).secret(&["JIRA_TOKEN"], true).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        let (_dir, path) = file(b"two\nlines\n");
        let found = vars(&[("JIRA_PASSWORD_FILE", &path)]).secret(&["JIRA_PASSWORD"], false).unwrap();
        assert_eq!(found.unwrap().value.expose(), "two\nlines");
    }

    #[test]
    fn a_secret_and_its_twin_are_too_much() {
        let (_dir, path) = file(b"x");
        let twins = Err(ConfigError::Twins { name: "JIRA_TOKEN", twin: "JIRA_TOKEN_FILE" });
        let names: &[&'static str] = &["INPUT_TOKEN", "JIRA_TOKEN"];
        let both = vars(&[("JIRA_TOKEN", "a"), ("JIRA_TOKEN_FILE", &path)]);
        assert_eq!(both.secret(names, true), twins);
        let (_other, env_file) = file(format!("JIRA_TOKEN_FILE={path}\n").as_bytes());
        let across = Vars::new(Some(&env_file), &env(&[("JIRA_TOKEN", "a")])).unwrap();
        assert_eq!(across.secret(names, true), twins);
        let (_empty, env_file) = file(b"JIRA_TOKEN_FILE=\n");
        let unset = Vars::new(Some(&env_file), &env(&[("JIRA_TOKEN", "a")])).unwrap();
        assert_eq!(unset.secret(names, true).unwrap().unwrap().value.expose(), "a");
    }

    #[test]
    fn the_env_file_is_weaker_than_the_environment() {
        let (_dir, path) = file(
            b"\xef\xbb\xbf# a comment\nexport JIRA_SITE=file\nJIRA_OUTPUT='text'\n\
              INPUT_SITE=\"input\"\nJIRA_PASSWORD='pa$$word'\nHOME=/evil\nTYPO_X=1\n",
        );
        let vars = Vars::new(Some(&path), &env(&[("JIRA_SITE", "environment")])).unwrap();
        let site = vars.lookup(&["INPUT_SITE", "JIRA_SITE"]).unwrap().unwrap();
        assert_eq!(site, ("environment".to_owned(), Source::Env("JIRA_SITE".into())));
        let output = vars.lookup(&["JIRA_OUTPUT"]).unwrap().unwrap();
        assert_eq!(output, ("text".to_owned(), Source::EnvFile("JIRA_OUTPUT".into())));
        let password = vars.secret(&["JIRA_PASSWORD"], false).unwrap().unwrap();
        assert_eq!(password.value.expose(), "pa$$word");
        assert!(!format!("{vars:?}").contains("pa$$"));
    }

    #[test]
    fn the_env_file_is_named_by_flag_or_variable() {
        let (_dir, path) = file(b"JIRA_SITE=file\n");
        let named = env(&[("JIRA_ENV_FILE", &path)]);
        let site = |vars: Vars| vars.lookup(&["JIRA_SITE"]).unwrap().map(|(site, _)| site);
        assert_eq!(site(Vars::new(None, &named).unwrap()).as_deref(), Some("file"));
        assert_eq!(site(Vars::new(Some(""), &named).unwrap()), None, "an empty flag means none");
        assert!(matches!(Vars::new(Some("/nonexistent"), &named), Err(ConfigError::NamedFile { .. })));
    }

    #[test]
    fn a_bad_env_file_is_refused_without_its_text() {
        let directory = tempfile::tempdir().unwrap();
        let missing = [
            ("/nonexistent/x.env", "env file not found"),
            (directory.path().to_str().unwrap(), "is a directory, not a file"),
        ];
        for (path, why) in missing {
            let error = Vars::new(Some(path), &env(&[])).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(path), "{error}");
        }
        for bad in [&b"JIRA_SITE=a\nJIRA_TOKEN canary\n"[..], b"JIRA_TOKEN='canary\n", b"JIRA_SITE=\xff"] {
            let (_dir, path) = file(bad);
            let error = Vars::new(Some(&path), &env(&[])).unwrap_err();
            assert!(matches!(error, ConfigError::NamedFile { .. }), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let (_dir, path) = file(b"JIRA_SITE=\"a\x1bb\"\n");
        let error = Vars::new(Some(&path), &env(&[])).unwrap_err();
        assert!(matches!(error, ConfigError::ControlCharacter { character: 0x1b, .. }), "{error:?}");
    }

    #[test]
    #[cfg(unix)]
    fn what_is_not_utf8_is_refused_where_it_is_ours() {
        use std::os::unix::ffi::OsStringExt;

        let env =
            |name: &str| -> Env { [(name, OsString::from_vec(vec![b'a', 0xff]))].into_iter().collect() };
        let error = Vars::new(None, &env("JIRA_SITE")).unwrap_err().to_string();
        assert_eq!(error, "env JIRA_SITE: is not UTF-8");
        let vars = Vars::new(None, &env("COMMENT")).unwrap();
        assert!(vars.lookup(&["COMMENT"]).is_err());
        assert!(Vars::new(None, &env("LS_COLORS")).is_ok());
    }
}
