//! The lock of a session: of all processes that want to refresh it, one does (threat 1).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::disk::{self, Others};
use crate::secret::random;

use super::{LockError, StoreKey};

/// The directory of the lock files, one a session, for every kind of store.
#[derive(Debug, Clone)]
pub struct LockDir(PathBuf);

impl LockDir {
    /// A directory for locks alone; it is made when it is needed, for its owner alone.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        LockDir(path.into())
    }

    /// Takes the lock, waiting for it for at most `wait`.
    ///
    /// The kernel's lock, which goes with the process that holds it however it ends. The file is never
    /// deleted: a lock on a deleted file keeps nobody out.
    pub async fn acquire(&self, key: &StoreKey, wait: Duration) -> Result<Lock, LockError> {
        let path = self.0.join(format!("{key}.lock"));
        let file = open(&self.0, &path)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { file, path }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(unusable(&path, error)),
            }
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(LockError::Busy(wait));
            }
            sleep(jitter().min(left)).await;
        }
    }
}

fn open(dir: &Path, path: &Path) -> Result<File, LockError> {
    disk::private_dir(dir).map_err(|error| unusable(dir, error.into()))?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    disk::open(&mut options, path, Others::Nothing).map_err(|error| unusable(path, error.into()))
}

fn unusable(path: &Path, error: io::Error) -> LockError {
    LockError::Unusable(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// 2 to 25 ms, so that those who wait do not all come back at once: 50 processes are through in a third
/// of a second.
fn jitter() -> Duration {
    let [byte] = random().unwrap_or([128]);
    Duration::from_micros(2_000 + u64::from(byte) * 90)
}

/// A session's lock, held. Dropped, it is free.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// What is in a lock file while a refresh is on its way, and what stays there if it is killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// SHA-256 of the refresh token that is being spent.
    pub refresh_fingerprint: String,
    /// When.
    pub at: Timestamp,
    /// By which process.
    pub pid: u32,
}

impl Lock {
    /// The mark that a process before us left. What cannot be read as one is none: a mark is on the disk
    /// before its request is sent, so half a mark is that of a request that was not.
    pub fn mark(&self) -> Option<Mark> {
        let mut text = String::new();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).ok()?;
        file.take(4096).read_to_string(&mut text).ok()?;
        // The line alone: behind it may be the end of a longer one.
        serde_json::from_str(text.lines().next()?).ok()
    }

    /// Writes the mark; when this returns it is on the disk.
    pub fn set_mark(&self, mark: &Mark) -> Result<(), LockError> {
        let text = serde_json::to_string(mark).map_err(io::Error::other);
        text.and_then(|text| self.write(&format!("{text}\n"))).map_err(|error| unusable(&self.path, error))
    }

    /// Takes the mark away; when this returns it is gone from the disk.
    pub fn clear_mark(&self) -> Result<(), LockError> {
        self.write("").map_err(|error| unusable(&self.path, error))
    }

    /// In place: the file that is locked must stay the file that has the name.
    fn write(&self, text: &str) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn key() -> StoreKey {
        StoreKey::new("https://jira.example.com", "abc", None)
    }

    fn mark() -> Mark {
        Mark { refresh_fingerprint: "ab".repeat(32), at: "2026-01-02T03:04:05Z".parse().unwrap(), pid: 4711 }
    }

    #[test]
    fn fifty_threads_are_in_one_after_another() {
        let dir = tempfile::tempdir().unwrap();
        let locks = LockDir::new(dir.path().join("locks"));
        let inside = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..50)
            .map(|_| {
                let (locks, inside) = (locks.clone(), inside.clone());
                std::thread::spawn(move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                    runtime.block_on(async {
                        let lock = locks.acquire(&key(), LONG).await.unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        tokio::task::yield_now().await;
                        // What one leaves, the next one finds.
                        let done = lock.mark().map_or(0, |mark| mark.pid) + 1;
                        lock.set_mark(&Mark { pid: done, ..mark() }).unwrap();
                        assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                        drop(lock);
                        done
                    })
                })
            })
            .collect();
        let mut seen: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (1..=50).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let locks = LockDir::new(dir.path().join("locks"));
        let held = locks.acquire(&key(), LONG).await.unwrap();
        let start = Instant::now();
        let error = locks.acquire(&key(), Duration::from_secs(40)).await.unwrap_err();
        assert!(matches!(error, LockError::Busy(after) if after == Duration::from_secs(40)));
        assert_eq!(start.elapsed().as_secs(), 40);
        let other = StoreKey::new("https://jira.example.com", "abc", Some("agent"));
        locks.acquire(&other, Duration::ZERO).await.unwrap();
        drop(held);
        locks.acquire(&key(), Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn a_mark_survives_its_lock_until_it_is_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let locks = LockDir::new(dir.path().join("locks"));
        let lock = locks.acquire(&key(), LONG).await.unwrap();
        assert_eq!(lock.mark(), None);
        lock.set_mark(&mark()).unwrap();
        assert_eq!(lock.mark(), Some(mark()));
        drop(lock);
        let lock = locks.acquire(&key(), LONG).await.unwrap();
        assert_eq!(lock.mark(), Some(mark()));
        let shorter = Mark { refresh_fingerprint: "a".to_owned(), pid: 1, ..mark() };
        lock.set_mark(&shorter).unwrap();
        assert_eq!(lock.mark(), Some(shorter));
        lock.clear_mark().unwrap();
        drop(lock);
        assert_eq!(locks.acquire(&key(), LONG).await.unwrap().mark(), None);
    }

    #[tokio::test]
    async fn garbage_is_no_mark() {
        let dir = tempfile::tempdir().unwrap();
        let locks = LockDir::new(dir.path().join("locks"));
        drop(locks.acquire(&key(), LONG).await.unwrap());
        let path = dir.path().join("locks").join(format!("{}.lock", key()));
        let whole = serde_json::to_string(&mark()).unwrap();
        for garbage in [b"".as_slice(), b"\n", b"{}", b"\xff\xfe", &[b'x'; 100_000], &whole.as_bytes()[..40]]
        {
            fs::write(&path, garbage).unwrap();
            assert_eq!(locks.acquire(&key(), LONG).await.unwrap().mark(), None);
        }
        // A shorter mark over a longer one, cut off before the file was.
        fs::write(&path, format!("{whole}\nhe end of a longer one\"}}\n")).unwrap();
        assert_eq!(locks.acquire(&key(), LONG).await.unwrap().mark(), Some(mark()));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_or_a_file_open_to_others_is_no_lock() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let locks = LockDir::new(dir.path().join("locks"));
        drop(locks.acquire(&key(), LONG).await.unwrap());
        let path = dir.path().join("locks").join(format!("{}.lock", key()));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(locks.acquire(&key(), LONG).await, Err(LockError::Unusable(_))));
        fs::remove_file(&path).unwrap();
        symlink(dir.path().join("elsewhere"), &path).unwrap();
        let error = locks.acquire(&key(), LONG).await.unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert!(!dir.path().join("elsewhere").exists());
        let under_a_file = LockDir::new(dir.path().join("locks").join("x").join("y"));
        fs::write(dir.path().join("locks").join("x"), "").unwrap();
        assert!(matches!(under_a_file.acquire(&key(), LONG).await, Err(LockError::Unusable(_))));
    }
}
