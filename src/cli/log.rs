//! `-v`: what happens, as lines on stderr. Only our own events: libraries log what they like, and what they
//! like may be a header.

use std::fmt::Write;

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::output::Output;

/// Logs on this thread for as long as the guard lives; nothing without `-v`.
pub fn start(verbose: u8, out: &Output) -> Option<DefaultGuard> {
    let level = match verbose {
        0 => return None,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let layer = Lines { level, out: out.clone() };
    Some(tracing::subscriber::set_default(tracing_subscriber::registry().with(layer)))
}

struct Lines {
    level: Level,
    out: Output,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("jira_oauth") && *metadata.level() <= self.level
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(event.metadata().level().as_str().to_lowercase());
        event.record(&mut line);
        self.out.log(&line.0);
    }
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
