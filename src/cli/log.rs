//! `-v`: what happens, as lines on stderr. Only our own events: libraries log what they like, and what they
//! like may be a header. Nothing they say below `info` is even compiled (Cargo.toml), so our own is `info`.

use log::{LevelFilter, Log, Metadata, Record};

use crate::output::Output;

/// Logs from now on; nothing without `-v`. A process has one command, and so one log: the first.
pub fn start(verbose: u8, out: &Output) {
    if verbose > 0 && log::set_boxed_logger(Box::new(Lines(out.clone()))).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

struct Lines(Output);

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("jira_oauth")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_lowercase();
            self.0.log(&format!("{level}: {}", record.args()));
        }
    }

    fn flush(&self) {}
}
