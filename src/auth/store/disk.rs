//! Files that nobody else can read, swap or leave half written.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::secret::hex;

use super::cipher::{fill_randomly, random};
use super::{Refusal, StoreError};

/// No record comes near it; whoever puts a huge file there is not given our memory.
const LARGEST: u64 = 1 << 20;

/// A temporary file older than this is no longer being written by anybody, and is swept away.
const ABANDONED_SECONDS: u64 = 600;

/// The whole file, if it is there and its owner's alone.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let unreadable = |source| StoreError::Unreadable { path: path.to_owned(), source };
    // Below a file there is nothing either; that it cannot be written there is said when it is.
    let absent = |kind| matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    let file = match open_existing(OpenOptions::new().read(true), path) {
        Ok(file) => file,
        Err(Untrusted::Io(error)) if absent(error.kind()) => return Ok(None),
        Err(Untrusted::Io(error)) => return Err(unreadable(error)),
        Err(Untrusted::Refused(why)) => return Err(StoreError::Refused { path: path.to_owned(), why }),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(StoreError::Damaged(path.to_owned()));
    }
    Ok(Some(bytes))
}

/// Why a file was not opened.
#[derive(Debug)]
pub(super) enum Untrusted {
    Io(io::Error),
    Refused(Refusal),
}

impl From<Untrusted> for io::Error {
    fn from(error: Untrusted) -> Self {
        match error {
            Untrusted::Io(error) => error,
            Untrusted::Refused(why) => io::Error::new(io::ErrorKind::PermissionDenied, why),
        }
    }
}

/// Opens a file (or makes it, if `options` say so) unless it is a link, no file, another user's, or open
/// to others. Judged on the open file, so that it cannot be swapped in between.
pub(super) fn open_existing(options: &mut OpenOptions, path: &Path) -> Result<File, Untrusted> {
    // Without O_NOFOLLOW the best that can be done is to look first.
    #[cfg(not(unix))]
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
        return Err(Untrusted::Refused(Refusal::Symlink));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // NONBLOCK: a pipe put in the file's place must not hang us.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed()).mode(0o600);
    }
    let file = options.open(path).map_err(|error| {
        if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
            Untrusted::Refused(Refusal::Symlink)
        } else {
            Untrusted::Io(error)
        }
    })?;
    let meta = file.metadata().map_err(Untrusted::Io)?;
    if !meta.is_file() {
        return Err(Untrusted::Refused(Refusal::NotAFile));
    }
    private(&meta).map_err(Untrusted::Refused)?;
    Ok(file)
}

#[cfg(unix)]
fn private(meta: &fs::Metadata) -> Result<(), Refusal> {
    use std::os::unix::fs::MetadataExt;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(Refusal::ForeignOwner);
    }
    match meta.mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(Refusal::OpenToOthers(mode)),
        _ => Ok(()),
    }
}

/// On Windows a file in the user's profile is the user's by its inherited access list.
#[cfg(not(unix))]
fn private(_: &fs::Metadata) -> Result<(), Refusal> {
    Ok(())
}

/// Makes a directory, with those above it, for its owner alone; one that is there must be so already.
pub(super) fn private_dir(path: &Path) -> Result<(), Untrusted> {
    make_dir(path).map_err(Untrusted::Io)?;
    let meta = fs::symlink_metadata(path).map_err(Untrusted::Io)?;
    if meta.is_symlink() {
        return Err(Untrusted::Refused(Refusal::Symlink));
    }
    if !meta.is_dir() {
        return Err(Untrusted::Refused(Refusal::NotADirectory));
    }
    private(&meta).map_err(Untrusted::Refused)
}

/// Makes a directory, with those above it, for its owner alone; one that is there is left as it is.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A temporary file beside its target that has all the room it needs. Dropped, it goes.
#[derive(Debug)]
pub(super) struct Prepared {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    renamed: bool,
}

impl Prepared {
    /// Makes the file and takes `room` bytes of disk with it, for certain: everything that can fail
    /// (no space, no permission, a quota, a limit on file size) fails here and not in `commit`.
    pub(super) fn new(target: &Path, room: usize) -> io::Result<Self> {
        let name = target.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidFilename)?;
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
    pub(super) fn commit(mut self, bytes: &[u8]) -> io::Result<()> {
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

/// Removes the target, and temporary files of it that a killed process left; `false` if it was not there.
/// A link is removed itself, not what it points to.
pub(super) fn remove(target: &Path) -> io::Result<bool> {
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
    let (Some(dir), Some(name)) = (target.parent(), target.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    let prefix = format!(".{name}.");
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
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
    let dir = file.parent().ok_or(io::ErrorKind::InvalidFilename)?;
    match File::open(dir)?.sync_all() {
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
