//! The log: one JSON line an event, never a token. Lines are gathered for a moment and written together by a
//! thread of their own: neither a slow reader nor a write a line holds up whoever has something to say.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::metrics::Metrics;
use crate::process::{Clock, Stream, own_thread};

/// How long lines are gathered.
const GATHER: Duration = Duration::from_millis(10);
/// What may wait while the reader has what came before. Beyond it lines are lost, and counted: the broker does not stop for a log.
const BACKLOG: usize = 4 * 1024 * 1024;

/// Where the lines go. Clones write to the same place.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

struct Shared {
    clock: Clock,
    lines: Mutex<Lines>,
    filled: Condvar,
    stream: Stream,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Lines that nobody will see, and that the metrics do not have yet.
    lost: u64,
    /// Those of which the log does not say so yet.
    unsaid: u64,
    ended: bool,
    thread: Option<oneshot::Receiver<()>>,
}

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What happens.
    Info,
    /// Somebody should look at it.
    Warn,
}

impl Log {
    /// A log on this stream.
    pub fn start(stream: Stream, clock: Clock) -> std::io::Result<Self> {
        let lines = Mutex::new(Lines::default());
        let shared = Arc::new(Shared { clock, lines, filled: Condvar::new(), stream });
        let writer = Arc::clone(&shared);
        let thread = own_thread(move || writer.write_until_ended())?;
        lock(&shared.lines).thread = Some(thread);
        Ok(Log(shared))
    }

    /// Begins a line.
    pub fn line(&self, level: Level, event: &str) -> Line {
        self.0.line(level, event)
    }

    /// Takes a finished line.
    pub fn write(&self, line: Line) {
        let text = line.end();
        let mut lines = lock(&self.0.lines);
        if lines.bytes.len() + text.len() > BACKLOG {
            lines.lose(1);
            return;
        }
        let first = lines.bytes.is_empty();
        lines.bytes.extend_from_slice(text.as_bytes());
        drop(lines);
        if first {
            self.0.filled.notify_one();
        }
    }

    /// Moves the count of lost lines to the metrics.
    pub fn count_lost(&self, metrics: &Metrics) {
        metrics.log_lost.inc_by(std::mem::take(&mut lock(&self.0.lines).lost));
    }

    /// Ends the log: what was said is handed to the stream.
    pub async fn end(&self) {
        let thread = {
            let mut lines = lock(&self.0.lines);
            lines.ended = true;
            lines.thread.take()
        };
        self.0.filled.notify_one();
        if let Some(thread) = thread {
            // It ends without a word if it panicked.
            let _ = thread.await;
        }
    }
}

impl Lines {
    fn lose(&mut self, lines: u64) {
        self.lost += lines;
        self.unsaid += lines;
    }
}

impl Shared {
    fn line(&self, level: Level, event: &str) -> Line {
        let mut text = String::with_capacity(384);
        text.push_str("{\"ts\":\"");
        {
            use std::fmt::Write;
            // Writing to a string cannot fail.
            let _ = write!(text, "{:.3}", self.clock.exact());
        }
        text.push_str(match level {
            Level::Info => "\",\"level\":\"info\",\"event\":\"",
            Level::Warn => "\",\"level\":\"warn\",\"event\":\"",
        });
        text.push_str(event);
        text.push('"');
        Line(text)
    }

    fn write_until_ended(&self) {
        let mut lines = lock(&self.lines);
        // Whether the last thing that was written is half a line.
        let mut cut = false;
        loop {
            while lines.bytes.is_empty() && !lines.ended {
                lines = self.filled.wait(lines).unwrap_or_else(PoisonError::into_inner);
            }
            if !lines.ended {
                lines = self.gather(lines);
            }
            let mut bytes = std::mem::take(&mut lines.bytes);
            let unsaid = std::mem::take(&mut lines.unsaid);
            drop(lines);
            if unsaid > 0 {
                let line = self.line(Level::Warn, "log_lost").number("lines", unsaid);
                bytes.extend_from_slice(line.end().as_bytes());
            }
            if cut {
                bytes.insert(0, b'\n');
            }
            // What becomes of it is looked at below.
            let _ = self.stream.write(&bytes);
            lines = lock(&self.lines);
            while self.stream.waiting() > 0 && !lines.ended {
                lines = self.gather(lines);
            }
            // A full disk has room again some day, and a pipe another reader.
            let taken = bytes.len().saturating_sub(self.stream.take_lost());
            if taken < bytes.len() {
                // The end of half a line and the line of those that were lost are not among those that may be.
                let own = usize::from(cut && taken == 0) + usize::from(unsaid > 0);
                let ends = bytes[taken..].iter().filter(|byte| **byte == b'\n').count();
                lines.lose(ends.saturating_sub(own) as u64);
                lines.unsaid += unsaid;
            }
            cut = if taken > 0 { bytes[taken - 1] != b'\n' } else { cut };
            if lines.ended && lines.bytes.is_empty() {
                return;
            }
        }
    }

    /// Lets lines come for a moment.
    fn gather<'l>(&self, lines: MutexGuard<'l, Lines>) -> MutexGuard<'l, Lines> {
        self.filled.wait_timeout(lines, GATHER).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A line that is being written: members in the order in which they are added.
pub struct Line(String);

impl Line {
    /// A word of ours, which needs no escaping.
    pub fn word(mut self, name: &str, word: &str) -> Self {
        self.name(name);
        self.0.push('"');
        self.0.push_str(word);
        self.0.push('"');
        self
    }

    /// Text from elsewhere. What could fool a terminal is escaped as well (docs/security.md, row 14).
    pub fn text(mut self, name: &str, text: &str) -> Self {
        use std::fmt::Write;

        self.name(name);
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => {
                    self.0.push('\\');
                    self.0.push(c);
                }
                ' '..='~' => self.0.push(c),
                c => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        // Writing to a string cannot fail.
                        let _ = write!(self.0, "\\u{unit:04x}");
                    }
                }
            }
        }
        self.0.push('"');
        self
    }

    /// A number.
    pub fn number(mut self, name: &str, number: u64) -> Self {
        use std::fmt::Write;

        self.name(name);
        let _ = write!(self.0, "{number}");
        self
    }

    /// Milliseconds, to the tenth.
    pub fn millis(mut self, name: &str, time: Duration) -> Self {
        use std::fmt::Write;

        self.name(name);
        let _ = write!(self.0, "{:.1}", time.as_secs_f64() * 1e3);
        self
    }

    fn end(self) -> String {
        self.0 + "}\n"
    }

    fn name(&mut self, name: &str) {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}

fn lock(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{self, Write};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Where a test reads what was logged.
    #[derive(Clone, Default)]
    pub(in crate::broker) struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Sink {
        pub(in crate::broker) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn lines_are_json_and_all_of_them_are_written() {
        let sink = Sink::default();
        let stream = Stream::new(sink.clone(), false, None);
        let clock = Clock::from_fn(|| "2026-03-04T05:06:07.089Z".parse().unwrap());
        let log = Log::start(stream, clock).unwrap();
        let line =
            log.line(Level::Warn, "request").word("route", "refresh").text("caller", "a\"\\\n\u{202e}😀");
        log.write(line.number("status", 503).millis("ms", Duration::from_micros(1250)));
        for _ in 0..1000 {
            log.write(log.line(Level::Info, "more"));
        }
        log.end().await;
        let text = sink.text();
        assert_eq!(text.lines().count(), 1001);
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        let expected = serde_json::json!({
            "ts": "2026-03-04T05:06:07.089Z", "level": "warn", "event": "request", "route": "refresh",
            "caller": "a\"\\\n\u{202e}😀", "status": 503, "ms": 1.2,
        });
        assert_eq!(first.to_string(), expected.to_string());
        assert!(text.is_ascii());
    }

    /// A disk with so much room.
    #[derive(Clone, Default)]
    struct Disk {
        written: Sink,
        room: Arc<AtomicUsize>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room.load(Ordering::Relaxed));
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room.fetch_sub(taken, Ordering::Relaxed);
            self.written.write(&bytes[..taken])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn lines_that_a_full_disk_does_not_take_are_counted_and_said_when_it_has_room() {
        for stream in [Stream::new, Stream::slow] {
            let disk = Disk::default();
            lines_are_lost_and_said(stream(disk.clone(), false, None), &disk).await;
        }
    }

    async fn lines_are_lost_and_said(stream: Stream, disk: &Disk) {
        let clock = Clock::from_fn(|| jiff::Timestamp::UNIX_EPOCH);
        let log = Log::start(stream.clone(), clock).unwrap();
        let metrics = Metrics::new(0.0, false, None);
        let until = async |lines: u64| {
            let counted = async {
                while metrics.log_lost.get() < lines {
                    tokio::task::yield_now().await;
                    log.count_lost(&metrics);
                }
            };
            tokio::time::timeout(Duration::from_secs(60), counted).await.expect("they are counted");
        };
        // It ends in the middle of a line, behind a whole one.
        let length = log.line(Level::Info, "first").end().len();
        disk.room.store(length + 20, Ordering::Relaxed);
        log.write(log.line(Level::Info, "first"));
        for lost in 1..=2 {
            log.write(log.line(Level::Info, "lost"));
            until(lost).await;
        }
        disk.room.store(usize::MAX, Ordering::Relaxed);
        log.write(log.line(Level::Info, "whole"));
        log.end().await;
        stream.written().await.unwrap();
        let text = disk.written.text();
        let whole = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let said: Vec<_> = whole.map(|line| (line["event"].clone(), line["lines"].as_u64())).collect();
        assert_eq!(
            said,
            [("first".into(), None), ("whole".into(), None), ("log_lost".into(), Some(2))],
            "{text}"
        );
        assert!(!text.contains("\n\n"), "{text}");
        assert_eq!(metrics.log_lost.get(), 2);
    }
}
