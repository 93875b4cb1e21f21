//! `-v`: what happens, as lines on stderr. Only our own events: libraries log what they like, and what they
//! like may be a header. Nothing they say below `info` is even compiled (Cargo.toml), so our own is `info`.

use std::fmt::Write;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{self, DefaultGuard};
use tracing::{Event, Metadata, Subscriber};

use crate::output::Output;

/// Logs on this thread for as long as the guard lives; nothing without `-v`.
pub fn start(verbose: u8, out: &Output) -> Option<DefaultGuard> {
    (verbose > 0).then(|| subscriber::set_default(Lines(out.clone())))
}

struct Lines(Output);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("jira_oauth")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().as_str().to_lowercase());
        event.record(&mut line);
        self.0.log(&line.0);
    }

    // There are no spans of ours.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, ": {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
