//! What completion may offer: keys and names that commands have seen of a Jira anyway, in one small file a site
//! below the cache directory. It holds no secret, but what a project is called may be nobody's business: the
//! file is the user's alone, `logout` removes it, `JIRA_NO_CACHE` keeps it from being written and read.
//!
//! The names come from Jira, and go into a shell: what is not a plain name is never offered.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::config::{BaseUrl, SiteName};
use crate::disk::{self, DiskError, Others};
use crate::jira::key::IssueKey;
use crate::secret::hex;

/// How many of a kind are kept.
const MOST: usize = 400;
/// How long something that is not seen again is kept: 30 days, in seconds.
const OLDEST: i64 = 30 * 24 * 60 * 60;
/// A file is not written again only because something was seen again within a day.
const FRESH: i64 = 24 * 60 * 60;
/// A longer name is no name that anybody completes.
const LONGEST: usize = 80;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Issue keys.
    Keys,
    /// Project keys.
    Projects,
    /// Names of transitions.
    Transitions,
    /// Names of statuses.
    Statuses,
    /// Names of link types.
    LinkTypes,
    /// Ids of boards.
    Boards,
}

/// Words by kind, each with when it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seen(BTreeMap<Kind, BTreeMap<String, i64>>);

impl Seen {
    /// The file of a site.
    pub fn path(cache: &Path, base_url: &BaseUrl, site: Option<&SiteName>) -> PathBuf {
        let site = site.map_or("", SiteName::as_str);
        let hash = Sha256::digest(format!("{}\n{site}", base_url.as_str()));
        cache.join(format!("seen-{}.json", &hex(&hash)[..32]))
    }

    /// What the file holds; nothing, if it cannot be read.
    pub fn load(path: &Path, now: Timestamp) -> Seen {
        let bytes = disk::read(path, Others::Nothing).ok().flatten();
        let seen = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut seen: Seen = seen.unwrap_or_default();
        seen.prune(now.as_second());
        seen
    }

    /// The words of a kind, those seen last first.
    pub fn words(&self, kind: Kind) -> Vec<String> {
        let mut words: Vec<_> = self.0.get(&kind).into_iter().flatten().collect();
        words.sort_by_key(|(_, at)| std::cmp::Reverse(**at));
        words.into_iter().map(|(word, _)| word.clone()).collect()
    }

    /// Removes the file.
    pub fn forget(path: &Path) {
        // It may not be there, and a cache is no reason to fail.
        let _ = fs::remove_file(path);
    }

    fn add(&mut self, kind: Kind, word: &str, now: i64) {
        let words = self.0.entry(kind).or_default();
        if words.len() < 2 * MOST && fits(kind, word) {
            words.insert(word.to_owned(), now);
        }
    }

    /// Drops what is too old, too much, or not what it should be: somebody else may have written the file.
    fn prune(&mut self, now: i64) {
        for (kind, words) in &mut self.0 {
            words.retain(|word, at| fits(*kind, word) && (0..OLDEST).contains(&(now - *at)));
            if words.len() > MOST {
                let mut times: Vec<i64> = words.values().copied().collect();
                times.sort_unstable();
                let oldest = times[times.len() - MOST];
                words.retain(|_, at| *at >= oldest);
                while words.len() > MOST {
                    words.pop_first();
                }
            }
        }
    }

    /// Takes over what another has seen; says whether that is worth a write.
    fn merge(&mut self, other: &Seen, now: i64) -> bool {
        let mut news = false;
        for (kind, words) in &other.0 {
            let own = self.0.entry(*kind).or_default();
            for word in words.keys() {
                let before = own.insert(word.clone(), now);
                news |= before.is_none_or(|before| now - before > FRESH);
            }
        }
        news
    }

    /// Writes the file whole, for its owner alone, and sweeps away those of sites that are gone.
    fn save(&self, path: &Path, now: i64) -> Result<(), DiskError> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
        disk::private_dir(directory)?;
        sweep(directory, now);
        // Not `disk::replace`: a cache that a loss of power takes is not worth waiting for the disk.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let temporary = directory.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        let bytes = serde_json::to_vec(self).map_err(io::Error::from)?;
        let mut file = options.open(&temporary)?;
        let written = file.write_all(&bytes).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            Seen::forget(&temporary);
        }
        Ok(written?)
    }
}

/// Removes files that nobody has written for long; a file is as old as its last word.
fn sweep(directory: &Path, now: i64) {
    let old = |path: &Path| {
        let written = path.metadata().and_then(|meta| meta.modified()).ok();
        let written = written.and_then(|at| Timestamp::try_from(at).ok());
        written.is_some_and(|at| now - at.as_second() > OLDEST)
    };
    let ours = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().trim_start_matches('.').starts_with("seen-"))
    };
    let files = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter(ours).filter(|path| old(path)).for_each(|path| Seen::forget(&path));
}

/// Whether a word is what its kind says, and harmless in a shell once it is quoted.
fn fits(kind: Kind, word: &str) -> bool {
    match kind {
        Kind::Keys => is_key(word),
        Kind::Projects => is_key(&format!("{word}-1")),
        Kind::Boards => {
            word.len() <= 10 && !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
        }
        Kind::Transitions | Kind::Statuses | Kind::LinkTypes => is_name(word),
    }
}

fn is_key(word: &str) -> bool {
    word.len() <= LONGEST && word.parse::<IssueKey>().is_ok_and(|key| key.to_string() == word)
}

/// Letters, digits, single spaces and a few marks: no control, direction or zero-width character, nothing that
/// a shell expands. Not first a dash, which would be a flag.
fn is_name(word: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " -_.,/&+()':#".contains(c);
    (1..=LONGEST).contains(&word.chars().count())
        && word.chars().all(plain)
        && word.trim() == word
        && !word.starts_with('-')
}

/// What one command has seen. Empty until it is known that it may be kept.
#[derive(Debug, Default)]
pub struct Notes(Mutex<Option<Seen>>);

impl Notes {
    /// From now on what is seen counts.
    pub fn begin(&self) {
        self.with(|seen| {
            seen.get_or_insert_default();
        });
    }

    /// An issue as Jira returns it.
    pub fn issue(&self, issue: &Value) {
        self.key(issue["key"].as_str().unwrap_or_default());
        if let Some(status) = issue["fields"]["status"]["name"].as_str() {
            self.name(Kind::Statuses, status);
        }
        for transition in issue["transitions"].as_array().into_iter().flatten() {
            self.name(Kind::Transitions, transition["name"].as_str().unwrap_or_default());
        }
    }

    /// The key of an issue, and with it a project.
    pub fn key(&self, key: &str) {
        self.name(Kind::Keys, key);
        if let Some((project, _)) = key.rsplit_once('-') {
            self.name(Kind::Projects, project);
        }
    }

    /// Any other word.
    pub fn name(&self, kind: Kind, word: &str) {
        self.with(|seen| {
            if let Some(seen) = seen {
                seen.add(kind, word, 0);
            }
        });
    }

    /// Adds them to the file. A cache that cannot be written fails no command.
    pub fn keep(&self, path: &Path, now: Timestamp) {
        let Some(noted) = self.with(Option::take).filter(|noted| !noted.0.is_empty()) else { return };
        let mut seen = Seen::load(path, now);
        if seen.merge(&noted, now.as_second()) {
            seen.prune(now.as_second());
            let _ = seen.save(path, now.as_second());
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Option<Seen>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_kept() {
        for good in ["In Progress", "Done", "Erledigt (später)", "Won't do", "設計中"] {
            assert!(fits(Kind::Transitions, good), "{good}");
        }
        let long = "x".repeat(81);
        for bad in [
            "",
            " x",
            "-x",
            "a\nb",
            "a\tb",
            "\x1b[2J",
            "$(id)",
            "`id`",
            "a;b",
            "a\"b",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{85}",
            "a\\",
            &long,
        ] {
            assert!(!fits(Kind::Transitions, bad), "{bad:?}");
        }
        assert!(fits(Kind::Keys, "GAIA-1") && fits(Kind::Projects, "GAIA") && fits(Kind::Boards, "12"));
        for bad in ["gaia-1", "GAIA-0", "GAIA", "12", "GAIA-1 ", "../x-1"] {
            assert!(!fits(Kind::Keys, bad), "{bad:?}");
        }
        assert!(!fits(Kind::Projects, "gaia") && !fits(Kind::Boards, "1x") && !fits(Kind::Boards, ""));
    }

    #[test]
    fn what_is_old_or_too_much_goes() {
        let now = 10 * OLDEST;
        let words = |count: usize| (0..count).map(|at| (format!("GAIA-{}", at + 1), now - at as i64));
        let mut seen = Seen(BTreeMap::from([(Kind::Keys, words(2 * MOST).collect())]));
        seen.prune(now);
        let kept = seen.words(Kind::Keys);
        assert_eq!((kept.len(), kept[0].as_str()), (MOST, "GAIA-1"));
        seen.prune(now + OLDEST - 1);
        assert_eq!(seen.words(Kind::Keys), ["GAIA-1"]);
        seen.prune(now + OLDEST);
        assert!(seen.words(Kind::Keys).is_empty());
    }

    #[test]
    fn a_write_needs_a_reason() {
        let mut noted = Seen::default();
        noted.add(Kind::Keys, "GAIA-1", 0);
        let mut seen = Seen::default();
        assert!(seen.merge(&noted, 1_000_000));
        assert!(!seen.merge(&noted, 1_000_000 + FRESH));
        assert!(seen.merge(&noted, 1_000_001 + 2 * FRESH));
    }
}
