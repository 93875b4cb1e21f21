//! Files that nobody else can read, swap or leave half written.
//!
//! Sessions, locks, `config.toml` and the file of a rotated token are all read and replaced here, so that
//! each of them has what one of them needs: no link followed, its own place on the disk before it is
//! needed, old or new after a loss of power.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::secret::{fill_randomly, hex, random};

/// Nothing of ours comes near it; whoever puts a huge file there is not given our memory.
const LARGEST: u64 = 1 << 20;

/// A temporary file older than this is no longer being written by anybody, and is swept away.
const ABANDONED_SECONDS: u64 = 600;

/// What people other than the owner may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Nothing: there is a secret in it, or a lock.
    Nothing,
    /// Read it. The administrator may own it, too.
    MayRead,
}

/// Why a file is not trusted, whatever is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Somebody may have put it there to have another file read or overwritten.
    #[error("it is a symbolic link; put the file itself there")]
    Symlink,
    /// A directory, a pipe, a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// Where a directory should be.
    #[error("it is not a directory")]
    NotADirectory,
    /// Another user can change it at any time.
    #[error("it belongs to another user; jira uses only its own")]
    ForeignOwner,
    /// Others can read or change it.
    #[error("others have access to it (mode {0:04o}); make it its owner's alone: chmod go-rwx")]
    OpenToOthers(u32),
}

/// Why a file was not opened, read or replaced.
#[derive(Debug, Error)]
pub enum DiskError {
    /// What the system said.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is there, and is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is larger than anything that we write.
    #[error("it is larger than 1 MiB")]
    TooLarge,
}

impl From<DiskError> for io::Error {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::Io(error) => error,
            DiskError::Refused(why) => io::Error::new(io::ErrorKind::PermissionDenied, why),
            DiskError::TooLarge => io::Error::new(io::ErrorKind::FileTooLarge, error),
        }
    }
}

/// The whole file, if it is there and may be trusted.
pub fn read(path: &Path, others: Others) -> Result<Option<Vec<u8>>, DiskError> {
    // Below a file there is nothing either; that it cannot be written there is said when it is.
    let absent = |kind| matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    let file = match open(OpenOptions::new().read(true), path, others) {
        Ok(file) => file,
        Err(DiskError::Io(error)) if absent(error.kind()) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(DiskError::TooLarge);
    }
    Ok(Some(bytes))
}

/// Opens a file (or makes it, if `options` say so) unless it is a link, no file, another user's, or open
/// to others. Judged on the open file, so that it cannot be swapped in between.
pub fn open(options: &mut OpenOptions, path: &Path, others: Others) -> Result<File, DiskError> {
    // Without O_NOFOLLOW the best that can be done is to look first.
    #[cfg(not(unix))]
    if path.is_symlink() {
        return Err(Refusal::Symlink.into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // NONBLOCK: a pipe put in the file's place must not hang us.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed()).mode(0o600);
    }
    let file = options.open(path).map_err(|error| match path.is_symlink() {
        true => DiskError::Refused(Refusal::Symlink),
        false => DiskError::Io(error),
    })?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(Refusal::NotAFile.into());
    }
    judge(&meta, others)?;
    Ok(file)
}

#[cfg(unix)]
fn judge(meta: &fs::Metadata, others: Others) -> Result<(), Refusal> {
    use std::os::unix::fs::MetadataExt;
    let (forbidden, roots_too) = match others {
        Others::Nothing => (0o077, false),
        Others::MayRead => (0o022, true),
    };
    let own = meta.uid() == rustix::process::geteuid().as_raw() || (roots_too && meta.uid() == 0);
    if !own {
        return Err(Refusal::ForeignOwner);
    }
    match meta.mode() & 0o777 {
        mode if mode & forbidden != 0 => Err(Refusal::OpenToOthers(mode)),
        _ => Ok(()),
    }
}

/// On Windows a file in the user's profile is the user's by its inherited access list.
#[cfg(not(unix))]
fn judge(_: &fs::Metadata, _: Others) -> Result<(), Refusal> {
    Ok(())
}

/// Makes a directory, with those above it, for its owner alone; one that is there must be so already.
pub fn private_dir(path: &Path) -> Result<(), DiskError> {
    make_dir(path)?;
    let meta = fs::symlink_metadata(path)?;
    if meta.is_symlink() {
        return Err(Refusal::Symlink.into());
    }
    if !meta.is_dir() {
        return Err(Refusal::NotADirectory.into());
    }
    Ok(judge(&meta, Others::Nothing)?)
}

/// Makes a directory, with those above it, for its owner alone; one that is there is left as it is.
pub fn make_dir(path: &Path) -> io::Result<()> {
    own_dir().recursive(true).create(path)
}

/// Makes a directory for its owner alone, where there was none.
pub fn new_dir(path: &Path) -> io::Result<()> {
    own_dir().create(path)
}

fn own_dir() -> DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// The directory of a file, which may be named relative to the working directory.
pub fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A temporary file beside its target that has all the room it needs. Dropped, it goes.
#[derive(Debug)]
pub struct Prepared {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    renamed: bool,
}

impl Prepared {
    /// Makes the file and takes `room` bytes of disk with it, for certain: everything that can fail
    /// (no space, no permission, a quota, a limit on file size) fails here and not in `commit`.
    pub fn new(target: &Path, room: usize) -> Result<Self, DiskError> {
        // A link may lead to a file that is not ours to replace; renaming over it would at least remove it.
        match target.symlink_metadata() {
            Ok(found) if found.is_symlink() => return Err(Refusal::Symlink.into()),
            Ok(found) if !found.is_file() => return Err(Refusal::NotAFile.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let name = target
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or(io::Error::from(io::ErrorKind::InvalidFilename))?;
        let temporary = target.with_file_name(format!(".{name}.{}.tmp", hex(&random::<8>()?)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&temporary)?;
        let mut prepared = Prepared { file, temporary, target: target.to_owned(), renamed: false };

        // Random, since a file system may store zeros without taking space for them.
        let mut filling = vec![0; room];
        fill_randomly(&mut filling)?;
        prepared.file.write_all(&filling)?;
        prepared.file.sync_data()?;
        // Those of processes that were killed between the two halves of a write.
        let young = prepared.file.metadata()?.modified()?;
        for_each_temporary(target, |path, meta| {
            let age = meta.modified().ok().and_then(|at| young.duration_since(at).ok());
            if age.is_some_and(|age| age.as_secs() > ABANDONED_SECONDS) {
                let _ = fs::remove_file(path);
            }
        });
        Ok(prepared)
    }

    /// Puts `bytes` in the place of the target. After a loss of power there is the old file or the new
    /// one, whole.
    pub fn commit(mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(bytes)?;
        self.file.set_len(bytes.len() as u64)?;
        self.file.sync_data()?;
        fs::rename(&self.temporary, &self.target)?;
        self.renamed = true;
        // The record is in place. If its directory cannot be flushed, a loss of power may bring the old
        // one back, and an error here would say that it was not saved, which is wrong.
        let _ = sync_dir(&self.target);
        Ok(())
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Replaces a file at once.
pub fn replace(target: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    Ok(Prepared::new(target, bytes.len())?.commit(bytes)?)
}

/// Removes the target, and temporary files of it that a killed process left; `false` if it was not there.
/// A link is removed itself, not what it points to.
pub fn remove(target: &Path) -> io::Result<bool> {
    for_each_temporary(target, |path, _| {
        let _ = fs::remove_file(path);
    });
    match fs::remove_file(target) {
        Ok(()) => sync_dir(target).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn for_each_temporary(target: &Path, mut each: impl FnMut(&Path, &fs::Metadata)) {
    let Some(name) = target.file_name().and_then(|name| name.to_str()) else { return };
    let prefix = format!(".{name}.");
    for entry in fs::read_dir(parent(target)).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let ours = found.to_str().is_some_and(|found| found.starts_with(&prefix) && found.ends_with(".tmp"));
        if let (true, Ok(meta)) = (ours, entry.metadata()) {
            each(&entry.path(), &meta);
        }
    }
}

/// A rename is on the disk when its directory is.
#[cfg(unix)]
fn sync_dir(file: &Path) -> io::Result<()> {
    match File::open(parent(file))?.sync_all() {
        // Some network and FUSE file systems cannot, and say so.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        result => result,
    }
}

/// Windows has no such call for directories; NTFS keeps renames in its journal.
#[cfg(not(unix))]
fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}
