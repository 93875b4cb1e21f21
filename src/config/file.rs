//! `config.toml` as a file: read without following where others lead, locked, and replaced in one step.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::ConfigError;

const LARGEST_FILE: u64 = 1024 * 1024;

/// A change takes milliseconds; whoever holds the lock longer is stuck.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The text of the file, or nothing where there is none.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let wrong = |reason: String| ConfigError::BadSitesFile { path: path.to_owned(), reason };
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if absent(&error) => return Ok(String::new()),
        Err(_) if path.is_symlink() => {
            return Err(wrong("is a symbolic link; put the file itself there".into()));
        }
        Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
    };
    let found = file.metadata().map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if !found.is_file() {
        return Err(wrong("is not a file".to_owned()));
    }
    if writable_by_others(&found) {
        return Err(wrong("can be written by other users: chmod go-w it".to_owned()));
    }
    let mut text = String::new();
    let read = file.take(LARGEST_FILE + 1).read_to_string(&mut text);
    match read.map_err(|error| wrong(format!("cannot be read: {error}")))? {
        length if length as u64 > LARGEST_FILE => Err(wrong("is larger than 1 MiB".to_owned())),
        _ => Ok(text),
    }
}

/// A directory that is absent, or that is no directory, holds no file either.
fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    // No link is followed, and a pipe in the file's place does not make us wait.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    if path.is_symlink() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    File::open(path)
}

#[cfg(unix)]
fn writable_by_others(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    let me = rustix::process::geteuid().as_raw();
    found.mode() & 0o022 != 0 || (found.uid() != me && found.uid() != 0)
}

#[cfg(not(unix))]
fn writable_by_others(_: &std::fs::Metadata) -> bool {
    false
}

/// Takes the lock beside the file, until the returned handle goes. The lock file is never deleted: that
/// would let two processes hold two locks.
pub(super) fn lock(path: &Path) -> Result<File, ConfigError> {
    let unwritable = |error| unwritable(path, &error);
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options);
    let file = options.open(beside(path, ".lock")).map_err(unwritable)?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => return Err(ConfigError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
    }
}

/// What the system said when a file was to be written.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> ConfigError {
    ConfigError::Unwritable { path: path.to_owned(), reason: error.to_string() }
}

/// The directory of a file, ours alone where it is made.
pub(super) fn make_directory(file: &Path) -> io::Result<()> {
    let Some(directory) = file.parent() else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Writes a file beside the target and moves it there; both are on the disk when this returns.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = temporary(path);
    write_new(&temporary, text).and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })?;
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// One name is enough, since it is used under the lock only; a leftover, or a link planted there, goes.
pub(super) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    private(&mut options);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn private(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Where the new content is written first.
pub(super) fn temporary(path: &Path) -> PathBuf {
    beside(path, ".tmp")
}

fn beside(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    PathBuf::from(name)
}
