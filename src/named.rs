//! A small file that a person named in a flag or a variable: a certificate, a secret, an env file. What is no
//! file would be waited for (a FIFO) or never end (`/dev/zero`), and what is large is the wrong file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// What a reader wants to have free when it looks for the end.
const SPARE: usize = 64;

/// The most that a file of certificates holds; a system's own is a quarter of a megabyte.
pub const LARGEST_PEM: u64 = 16 * 1024 * 1024;

/// Whether the name may be that of an open pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pipes {
    /// `/dev/stdin`, and `/dev/fd/N`, which is what a shell's `<(…)` becomes. Reading one waits for whoever
    /// writes: not on the runtime's thread.
    Read,
    /// Files only: what is read again later, or while others wait.
    Refused,
}

/// Why a file that was named is not used.
#[derive(Debug, thiserror::Error)]
pub enum NamedError {
    /// The system does not let it be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// A directory, a FIFO, a device, a socket.
    #[error("is {0}, not a file")]
    NoFile(&'static str),
    /// Larger than anything that is meant.
    #[error("is larger than {} KiB", .0 / 1024)]
    TooLarge(u64),
    /// Text was wanted.
    #[error("is not UTF-8")]
    NotText,
}

/// Opens a file for whoever reads it piece by piece, up to a cap of its own.
pub fn open(path: &Path, pipes: Pipes) -> Result<File, NamedError> {
    let file = open_any(path, pipes)?;
    let found = file.metadata()?;
    let pipe = pipes == Pipes::Read && is_descriptor(path) && kind(&found) == Some("a pipe");
    match kind(&found) {
        Some(kind) if !pipe => Err(NamedError::NoFile(kind)),
        _ => Ok(file),
    }
}

/// The content of a file, at most `cap` bytes. It may be a secret: what is not handed out is wiped.
pub fn read(path: &Path, cap: u64, pipes: Pipes) -> Result<Vec<u8>, NamedError> {
    let file = open(path, pipes)?;
    let length = file.metadata()?.len().min(cap);
    // With room for one look beyond its end: a buffer that grew would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::<u8>::with_capacity(usize::try_from(length).unwrap_or(0) + SPARE));
    file.take(cap + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > cap {
        true => Err(NamedError::TooLarge(cap)),
        false => Ok(std::mem::take(&mut *bytes)),
    }
}

/// The same, as text.
pub fn read_text(path: &Path, cap: u64, pipes: Pipes) -> Result<String, NamedError> {
    String::from_utf8(read(path, cap, pipes)?).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        NamedError::NotText
    })
}

/// Whether [`read`] would refuse what is there for what it is; that it is not there is found out later.
pub fn check(path: &Path, cap: u64) -> Result<(), NamedError> {
    match path.metadata() {
        Ok(found) if let Some(kind) = kind(&found) => Err(NamedError::NoFile(kind)),
        Ok(found) if found.len() > cap => Err(NamedError::TooLarge(cap)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A name for something that this process has open already.
fn is_descriptor(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

#[cfg(unix)]
fn open_any(path: &Path, pipes: Pipes) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    let mut options = File::options();
    options.read(true);
    if pipes == Pipes::Refused || !is_descriptor(path) {
        // Opening a FIFO that nobody writes to would wait. Reading a file does not care.
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    options.open(path)
}

#[cfg(not(unix))]
fn open_any(path: &Path, _pipes: Pipes) -> io::Result<File> {
    File::open(path)
}

/// What it is instead of a file.
fn kind(found: &std::fs::Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a directory");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
    }
    Some("something else")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: u64 = 2048;

    #[test]
    fn a_file_is_read_up_to_its_cap() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for (length, fits) in [(0, true), (2048, true), (2049, false), (1_000_000, false)] {
            std::fs::write(&path, vec![b'x'; length]).unwrap();
            for pipes in [Pipes::Read, Pipes::Refused] {
                assert_eq!(check(&path, CAP).is_ok(), fits);
                match read(&path, CAP, pipes) {
                    Ok(bytes) => assert_eq!((bytes.len(), fits), (length, true)),
                    Err(error) => {
                        assert_eq!((error.to_string().as_str(), fits), ("is larger than 2 KiB", false))
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_file_is_said_to_be_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path(), CAP, Pipes::Read).unwrap_err().to_string(), "is a directory, not a file");
        let absent = read(&dir.path().join("absent"), CAP, Pipes::Read).unwrap_err();
        assert!(matches!(absent, NamedError::Unreadable(_)), "{absent}");
        std::fs::write(dir.path().join("bytes"), b"\xff").unwrap();
        let bytes = read_text(&dir.path().join("bytes"), CAP, Pipes::Read).unwrap_err();
        assert!(matches!(bytes, NamedError::NotText), "{bytes}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_fifo_and_a_device_are_refused_at_once() {
        use rustix::fs::{CWD, Mode, mkfifoat};

        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        mkfifoat(CWD, &fifo, Mode::from_raw_mode(0o600)).unwrap();
        for pipes in [Pipes::Read, Pipes::Refused] {
            assert_eq!(read(&fifo, CAP, pipes).unwrap_err().to_string(), "is a pipe, not a file");
            let zero = read(Path::new("/dev/zero"), CAP, pipes).unwrap_err();
            assert_eq!(zero.to_string(), "is a device, not a file");
        }
        assert_eq!(check(&fifo, CAP).unwrap_err().to_string(), "is a pipe, not a file");
        check(&dir.path().join("absent"), CAP).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_open_pipe_is_read_where_that_is_meant() {
        use std::io::Write;
        use std::os::fd::AsRawFd;

        let (reader, mut writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        assert!(matches!(read(Path::new(&path), CAP, Pipes::Refused), Err(NamedError::NoFile("a pipe"))));
        writer.write_all(b"secret\n").unwrap();
        drop(writer);
        assert_eq!(read_text(Path::new(&path), CAP, Pipes::Read).unwrap(), "secret\n");
        let (reader, mut writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        writer.write_all(&[b'x'; 4096]).unwrap();
        // Its end is not waited for.
        assert!(matches!(read(Path::new(&path), CAP, Pipes::Read), Err(NamedError::TooLarge(CAP))));
    }
}
