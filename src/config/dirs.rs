//! Where our own files lie: XDG on Linux, the platform's places elsewhere; and whether a directory that
//! was named may be trusted. Written out here, because the crates for it ask the system by themselves.

use std::path::{Path, PathBuf};

use super::{ConfigError, Vars};
use crate::process::Env;

const OURS: &str = "jira-oauth";

/// Our directories; neither need exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// `config.toml` and the encrypted sessions.
    pub config: PathBuf,
    /// The locks. The same for every process of a user, whatever its configuration directory.
    pub state: PathBuf,
    /// What completion remembers.
    pub cache: PathBuf,
}

impl Dirs {
    /// Finds both; `JIRA_CONFIG_DIR` must be absolute, the user's own, writable by nobody else and not in
    /// a git work tree, so that a repository cannot bring a configuration.
    pub fn resolve(vars: &Vars, env: &Env) -> Result<Self, ConfigError> {
        let config = match vars.lookup(&["JIRA_CONFIG_DIR"])? {
            Some((path, _)) => named(PathBuf::from(path))?,
            None => default_config(env),
        };
        if config.exists() {
            unix::refuse_shared(&config)?;
        }
        let state = state(env, &config);
        Ok(Dirs { config, state, cache: cache(env).join(OURS) })
    }

    /// `config.toml`.
    pub fn sites_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}

fn named(path: PathBuf) -> Result<PathBuf, ConfigError> {
    let refuse = |reason: &str| {
        Err(ConfigError::BadDirectory { path: path.clone(), reason: format!("of JIRA_CONFIG_DIR {reason}") })
    };
    if !path.is_absolute() {
        return refuse("must be an absolute path");
    }
    // What exists is judged as what it is, not as the link that leads there.
    let real = match path.canonicalize() {
        Ok(real) if !real.is_dir() => return refuse("is no directory"),
        Ok(real) if !unix::is_own(&real) => return refuse("belongs to another user"),
        Ok(real) => real,
        Err(_) => existing_parent(&path),
    };
    if real.ancestors().any(|parent| parent.join(".git").exists()) {
        return refuse("is inside a git work tree");
    }
    Ok(path)
}

/// The nearest parent that exists, links resolved.
fn existing_parent(path: &Path) -> PathBuf {
    let mut parents = path.ancestors().skip(1);
    parents.find_map(|parent| parent.canonicalize().ok()).unwrap_or_else(|| path.to_owned())
}

/// An absolute path from a variable; XDG says that a relative one is to be passed over.
fn absolute(env: &Env, name: &str) -> Option<PathBuf> {
    env.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// A user without a home has no sites and no sessions; the path makes the error of a write readable.
fn home(env: &Env) -> PathBuf {
    absolute(env, "HOME").unwrap_or_else(|| PathBuf::from("/nonexistent"))
}

/// Where go-jira keeps its encrypted tokens: below what Go takes for the user's directory of
/// configurations, which differs from ours on macOS. None for a user without a home.
pub fn go_jira_archive(env: &Env) -> Option<PathBuf> {
    let home = || absolute(env, "HOME");
    let config = match std::env::consts::OS {
        "windows" => absolute(env, "APPDATA"),
        "macos" => home().map(|home| home.join("Library/Application Support")),
        _ => absolute(env, "XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config"))),
    };
    config.map(|config| config.join("go-jira").join("tokens.enc"))
}

#[cfg(windows)]
fn default_config(env: &Env) -> PathBuf {
    absolute(env, "APPDATA").unwrap_or_else(|| home(env)).join(OURS)
}

#[cfg(windows)]
fn default_state(env: &Env) -> Option<PathBuf> {
    absolute(env, "LOCALAPPDATA")
}

#[cfg(target_os = "macos")]
fn default_config(env: &Env) -> PathBuf {
    absolute(env, "XDG_CONFIG_HOME")
        .unwrap_or_else(|| home(env).join("Library/Application Support"))
        .join(OURS)
}

#[cfg(target_os = "macos")]
fn default_state(env: &Env) -> Option<PathBuf> {
    absolute(env, "HOME").map(|home| home.join("Library/Application Support"))
}

#[cfg(all(unix, not(target_os = "macos")))]
fn default_config(env: &Env) -> PathBuf {
    absolute(env, "XDG_CONFIG_HOME").unwrap_or_else(|| home(env).join(".config")).join(OURS)
}

#[cfg(all(unix, not(target_os = "macos")))]
fn default_state(env: &Env) -> Option<PathBuf> {
    absolute(env, "HOME").map(|home| home.join(".local/state"))
}

#[cfg(windows)]
fn cache(env: &Env) -> PathBuf {
    absolute(env, "LOCALAPPDATA").unwrap_or_else(|| home(env)).join("cache")
}

#[cfg(not(windows))]
fn cache(env: &Env) -> PathBuf {
    let usual = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    absolute(env, "XDG_CACHE_HOME").unwrap_or_else(|| home(env).join(usual))
}

/// Where the locks are. Not where `XDG_RUNTIME_DIR` or `XDG_STATE_HOME`
/// say: a cron job has neither, and two processes of one user that
/// look for the lock of one session in two places would both refresh it.
fn state(env: &Env, config: &Path) -> PathBuf {
    let state = default_state(env).or_else(|| absolute(env, "XDG_STATE_HOME"));
    state.map_or_else(|| config.to_owned(), |state| state.join(OURS))
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::ConfigError;

    const WRITABLE_BY_OTHERS: u32 = 0o022;

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    pub(super) fn is_own(path: &Path) -> bool {
        path.metadata().is_ok_and(|found| found.uid() == me())
    }

    /// Whoever may write the directory may put another `config.toml` there.
    pub(super) fn refuse_shared(path: &Path) -> Result<(), ConfigError> {
        let mode = path.metadata().map_or(0, |found| found.mode());
        if mode & WRITABLE_BY_OTHERS == 0 {
            return Ok(());
        }
        let reason = "can be written by other users: chmod go-w it".to_owned();
        Err(ConfigError::BadDirectory { path: path.to_owned(), reason })
    }
}

#[cfg(not(unix))]
mod unix {
    use std::path::Path;

    use super::ConfigError;

    pub(super) fn is_own(_: &Path) -> bool {
        true
    }

    pub(super) fn refuse_shared(_: &Path) -> Result<(), ConfigError> {
        Ok(())
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn dirs(pairs: &[(&str, &Path)]) -> Result<Dirs, ConfigError> {
        let env: Env = pairs.iter().map(|(name, path)| ((*name).to_owned(), path.as_os_str())).collect();
        Dirs::resolve(&Vars::new(None, &env)?, &env)
    }

    fn made(path: PathBuf, mode: u32) -> PathBuf {
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn refusal(path: &Path) -> String {
        dirs(&[("JIRA_CONFIG_DIR", path)]).expect_err("this must be refused").to_string()
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn xdg_and_home() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().to_owned();
        let found = dirs(&[("HOME", &home)]).unwrap();
        assert_eq!(found.config, home.join(".config/jira-oauth"));
        assert_eq!(found.state, home.join(".local/state/jira-oauth"));
        assert_eq!(found.cache, home.join(".cache/jira-oauth"));
        let moved = dirs(&[("HOME", &home), ("XDG_CACHE_HOME", &home.join("x"))]).unwrap();
        assert_eq!(moved.cache, home.join("x/jira-oauth"));
        assert_eq!(found.sites_file(), home.join(".config/jira-oauth/config.toml"));
        let (config, state) = (home.join("c"), home.join("s"));
        let xdg = [("HOME", &*home), ("XDG_CONFIG_HOME", &config), ("XDG_STATE_HOME", &state)];
        let found = dirs(&xdg).unwrap();
        let locks = home.join(".local/state").join(OURS);
        assert_eq!(
            found,
            Dirs { config: config.join(OURS), state: locks, cache: home.join(".cache").join(OURS) }
        );
    }

    #[test]
    fn a_user_without_a_home_is_no_error() {
        assert!(dirs(&[]).unwrap().config.is_absolute());
        assert!(dirs(&[("HOME", Path::new("relative"))]).unwrap().config.is_absolute());
    }

    #[test]
    fn a_named_directory_must_be_ones_own() {
        let root = tempfile::tempdir().unwrap();
        let own = made(root.path().join("own"), 0o700);
        assert_eq!(dirs(&[("JIRA_CONFIG_DIR", &own)]).unwrap().config, own);
        let absent = root.path().join("a/b/c");
        assert_eq!(dirs(&[("JIRA_CONFIG_DIR", &absent)]).unwrap().config, absent);
        assert!(refusal(Path::new("relative")).contains("absolute"));
        for mode in [0o770, 0o702, 0o777] {
            let shared = made(root.path().join(format!("{mode:o}")), mode);
            assert!(refusal(&shared).contains("written by other users"), "{mode:o}");
        }
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(refusal(&file).contains("no directory"));
        // Another's: root's for us, or, for root, one that was given away.
        let others = if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&own, Some(65_534), None).unwrap();
            own
        } else {
            PathBuf::from("/etc")
        };
        assert!(refusal(&others).contains("another user"));
    }

    #[test]
    fn a_named_directory_must_not_come_with_a_repository() {
        let root = tempfile::tempdir().unwrap();
        let inside = made(root.path().join("repo/deep/config"), 0o700);
        fs::create_dir(root.path().join("repo/.git")).unwrap();
        assert!(refusal(&inside).contains("git work tree"));
        assert!(refusal(&root.path().join("repo/not/yet")).contains("git work tree"));
        let link = root.path().join("link");
        symlink(&inside, &link).unwrap();
        assert!(refusal(&link).contains("git work tree"));
        // A linked work tree has a file of that name.
        let linked = made(root.path().join("linked/config"), 0o700);
        fs::write(root.path().join("linked/.git"), "gitdir: elsewhere").unwrap();
        assert!(refusal(&linked).contains("git work tree"));
    }

    #[test]
    fn a_default_directory_that_others_may_write_is_refused() {
        let root = tempfile::tempdir().unwrap();
        made(root.path().join("jira-oauth"), 0o777);
        let error = dirs(&[("XDG_CONFIG_HOME", root.path())]).unwrap_err();
        assert!(matches!(error, ConfigError::BadDirectory { .. }), "{error}");
    }
}
