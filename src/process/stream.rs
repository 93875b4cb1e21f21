//! Standard output and standard error, written without ever waiting for whoever reads them: the one thread
//! of the runtime also keeps the deadline, the signals and the session that is being saved.
//!
//! What a stream takes at once is written by the caller. The rest goes to a thread, in order; who has more to
//! say than fits into memory waits for it with [`Stream::room`], and the end of the program with
//! [`Stream::written`].

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::standard::Standard;

/// How many bytes may wait for their reader before [`Stream::room`] does: enough that a reader who stops for
/// a moment stops nobody.
const ROOM: usize = 256 * 1024;

/// Standard output or standard error: what one call of [`Stream::write`] brings reaches it as one piece.
#[derive(Clone)]
pub struct Stream {
    pen: Arc<Mutex<Pen>>,
    shared: Arc<Shared>,
    terminal: bool,
    width: Option<u16>,
}

/// How many bytes were taken, and why it was not more if something is wrong.
pub(super) type Taken = (usize, io::Result<()>);

/// Writes what can be written at once.
type Now = Box<dyn FnMut(&[u8]) -> Taken + Send>;

/// Held by the one who writes.
struct Pen {
    now: Now,
    /// Where the thread writes, until there is one.
    sink: Option<Box<dyn Write + Send>>,
    thread: Option<mpsc::Sender<Order>>,
}

/// What the thread is to do.
enum Order {
    /// The bytes may be a token's.
    Write(Zeroizing<Vec<u8>>),
    /// To say that everything before is done.
    Tell(oneshot::Sender<()>),
}

#[derive(Default)]
struct Shared {
    /// Bytes that the thread has yet to write.
    waiting: AtomicUsize,
    /// Why it writes no more. What follows a piece that was lost is not written: it would look whole.
    broken: Mutex<Option<io::Error>>,
    /// Bytes that were not written since, and never will be.
    lost: AtomicUsize,
}

impl Stream {
    /// A writer that never waits; `terminal` says whether a person reads it, `width` how many columns they see.
    pub fn new(mut sink: impl Write + Send + 'static, terminal: bool, width: Option<u16>) -> Self {
        Stream::of(Box::new(move |bytes| fill(&mut sink, bytes)), None, terminal, width)
    }

    /// A writer that may wait for its reader.
    pub fn slow(sink: impl Write + Send + 'static, terminal: bool, width: Option<u16>) -> Self {
        Stream::of(Box::new(|_| (0, Ok(()))), Some(Box::new(sink)), terminal, width)
    }

    /// One of the process's own.
    pub(super) fn os(standard: Standard, terminal: bool, width: Option<u16>) -> Self {
        let now = move |bytes: &[u8]| standard.write_now(bytes);
        Stream::of(Box::new(now), Some(Box::new(standard)), terminal, width)
    }

    fn of(now: Now, sink: Option<Box<dyn Write + Send>>, terminal: bool, width: Option<u16>) -> Self {
        let pen = Pen { now, sink, thread: None };
        Stream { pen: Arc::new(Mutex::new(pen)), shared: Arc::default(), terminal, width }
    }

    /// Whether a person reads it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Columns, if it is a terminal that says so.
    pub fn width(&self) -> Option<u16> {
        self.width
    }

    /// Writes all of it, now or soon. An error may be that of an earlier call.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut pen = lock(&self.pen);
        if let Err(error) = self.shared.check() {
            self.shared.lose(bytes.len());
            return Err(error);
        }
        // With nothing waiting the thread is idle, and stays so while the pen is held.
        let (taken, result) = if self.waiting() == 0 { (pen.now)(bytes) } else { (0, Ok(())) };
        let rest = &bytes[taken..];
        if let Err(error) = result {
            self.shared.fail(copy(&error), rest.len());
            return Err(error);
        }
        if rest.is_empty() { Ok(()) } else { pen.hand_over(rest, &self.shared) }
    }

    /// How many bytes were lost; what comes next is tried again. For who has nothing else waiting, and says things that
    /// stand by themselves.
    pub fn take_lost(&self) -> usize {
        let lost = self.shared.lost.swap(0, Ordering::AcqRel);
        if lost > 0 {
            *lock(&self.shared.broken) = None;
        }
        lost
    }

    /// How many bytes have not reached it yet.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Acquire)
    }

    /// Waits until there is room for more.
    pub async fn room(&self) -> io::Result<()> {
        match self.waiting() {
            ..=ROOM => self.shared.check(),
            _ => self.written().await,
        }
    }

    /// Waits until everything so far is written.
    pub async fn written(&self) -> io::Result<()> {
        if let Some(done) = self.told() {
            // The thread lives as long as the stream.
            let _ = done.await;
        }
        self.shared.check()
    }

    /// The same for a thread that may block.
    pub(super) fn block_until_written(&self) {
        if let Some(done) = self.told() {
            let _ = done.blocking_recv();
        }
    }

    fn told(&self) -> Option<oneshot::Receiver<()>> {
        let pen = lock(&self.pen);
        let (tell, told) = oneshot::channel();
        let thread = pen.thread.as_ref().filter(|_| self.waiting() > 0)?;
        thread.send(Order::Tell(tell)).ok().map(|()| told)
    }
}

impl Pen {
    fn hand_over(&mut self, bytes: &[u8], shared: &Arc<Shared>) -> io::Result<()> {
        if let Some(mut sink) = self.sink.take() {
            let (orders, taken) = mpsc::channel();
            let done = shared.clone();
            let thread = std::thread::Builder::new().name("output".to_owned());
            thread.spawn(move || obey(&taken, sink.as_mut(), &done))?;
            self.thread = Some(orders);
        }
        let gone = || io::Error::other("the thread that writes has ended");
        let thread = self.thread.as_ref().ok_or_else(gone)?;
        shared.waiting.fetch_add(bytes.len(), Ordering::AcqRel);
        thread.send(Order::Write(Zeroizing::new(bytes.to_vec()))).map_err(|_| gone())
    }
}

/// The thread. It ends with the stream, or with the process.
fn obey(orders: &mpsc::Receiver<Order>, sink: &mut dyn Write, shared: &Shared) {
    for order in orders {
        match order {
            Order::Write(bytes) => {
                if lock(&shared.broken).is_some() {
                    shared.lose(bytes.len());
                } else if let (taken, Err(error)) = fill(sink, &bytes) {
                    shared.fail(error, bytes.len() - taken);
                }
                shared.waiting.fetch_sub(bytes.len(), Ordering::AcqRel);
            }
            // Whoever asked may have been cut short.
            Order::Tell(tell) => drop(tell.send(())),
        }
    }
}

impl Shared {
    fn fail(&self, error: io::Error, lost: usize) {
        *lock(&self.broken) = Some(error);
        self.lose(lost);
    }

    fn lose(&self, bytes: usize) {
        self.lost.fetch_add(bytes, Ordering::AcqRel);
    }

    fn check(&self) -> io::Result<()> {
        match lock(&self.broken).as_ref() {
            None => Ok(()),
            Some(error) => Err(copy(error)),
        }
    }
}

/// Writes all of it, or as much as is taken.
pub(super) fn fill(sink: &mut dyn Write, bytes: &[u8]) -> Taken {
    let mut taken = 0;
    while taken < bytes.len() {
        match sink.write(&bytes[taken..]) {
            Ok(0) => return (taken, Err(io::ErrorKind::WriteZero.into())),
            Ok(more) => taken += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (taken, Err(error)),
        }
    }
    (taken, sink.flush())
}

fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Columns of the terminal on stdout or stderr.
#[cfg(unix)]
pub(super) fn terminal_width() -> Option<u16> {
    let size =
        rustix::termios::tcgetwinsize(io::stdout()).or_else(|_| rustix::termios::tcgetwinsize(io::stderr()));
    size.ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
pub(super) fn terminal_width() -> Option<u16> {
    None
}
