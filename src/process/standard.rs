//! The process's own stdout and stderr: what they take without waiting, and writing that waits.

#[cfg(unix)]
pub(super) use unix::Standard;
#[cfg(not(unix))]
pub(super) use windows::Standard;

#[cfg(unix)]
mod unix {
    use std::io::{self, Write};
    use std::os::fd::BorrowedFd;

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::fs::{FileType, fstat};
    use rustix::io::Errno;

    use crate::process::stream::{Taken, fill};

    /// Stdout or stderr.
    #[derive(Clone, Copy)]
    pub(in crate::process) struct Standard {
        fd: BorrowedFd<'static>,
        /// A file waits for nobody.
        file: bool,
    }

    impl Standard {
        pub(in crate::process) fn stdout() -> Self {
            Standard::of(rustix::stdio::stdout())
        }

        pub(in crate::process) fn stderr() -> Self {
            Standard::of(rustix::stdio::stderr())
        }

        fn of(fd: BorrowedFd<'static>) -> Self {
            let file = fstat(fd).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_file());
            Standard { fd, file }
        }

        /// Writes what it takes at once, perhaps nothing.
        pub(in crate::process) fn write_now(mut self, bytes: &[u8]) -> Taken {
            if self.file {
                return fill(&mut self, bytes);
            }
            match self.try_write(bytes) {
                Err(Errno::PIPE) => (0, Err(Errno::PIPE.into())),
                // Any other error is the thread's to meet: many kinds of files know no such writing.
                written => (written.unwrap_or(0), Ok(())),
            }
        }

        /// Linux writes to a pipe or a socket without waiting if it is asked to for this one call.
        /// `O_NONBLOCK` would do the same everywhere, but to everybody who has this pipe open.
        #[cfg(target_os = "linux")]
        fn try_write(self, bytes: &[u8]) -> rustix::io::Result<usize> {
            use rustix::io::{ReadWriteFlags, pwritev2};

            pwritev2(self.fd, &[io::IoSlice::new(bytes)], u64::MAX, ReadWriteFlags::NOWAIT)
        }

        #[cfg(not(target_os = "linux"))]
        fn try_write(self, _bytes: &[u8]) -> rustix::io::Result<usize> {
            Ok(0)
        }
    }

    impl Write for Standard {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            loop {
                match rustix::io::write(self.fd, bytes) {
                    // Whoever started us may have made it so, for all who share it.
                    Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&self.fd, PollFlags::OUT)], None)),
                    Err(Errno::INTR) => {}
                    // There is no such stream: nobody wants to read it.
                    Err(Errno::BADF) => return Ok(bytes.len()),
                    written => return Ok(written?),
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(not(unix))]
mod windows {
    use std::io::{self, Write};

    use crate::process::stream::Taken;

    /// Stdout or stderr.
    #[derive(Clone, Copy)]
    pub(in crate::process) enum Standard {
        Output,
        Error,
    }

    impl Standard {
        pub(in crate::process) fn stdout() -> Self {
            Standard::Output
        }

        pub(in crate::process) fn stderr() -> Self {
            Standard::Error
        }

        /// Nothing is known to be taken at once.
        pub(in crate::process) fn write_now(self, _bytes: &[u8]) -> Taken {
            (0, Ok(()))
        }
    }

    impl Write for Standard {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self {
                Standard::Output => io::stdout().write(bytes),
                Standard::Error => io::stderr().write(bytes),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            match self {
                Standard::Output => io::stdout().flush(),
                Standard::Error => io::stderr().flush(),
            }
        }
    }
}
