//! How a command ends: by itself, at its deadline or by a signal; and what is written before the program does.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::error::{Code, Failure};
use crate::output::Output;
use crate::process::{Signal, Signals};

/// What a command gets beyond its deadline to end by itself: requests end at the deadline, and the command
/// then still knows what they were.
const GRACE: Duration = Duration::from_millis(500);
/// How long whoever stopped reading is waited for when the time is up or a signal came.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Signals that come closer together are one: `timeout` tells its command and then the whole group.
const DOUBLED: Duration = Duration::from_secs(1);

/// How a piece of work ended.
pub enum End<T> {
    /// By itself.
    Done(T),
    /// By a signal.
    Signal(Signal),
    /// Its time was up.
    Deadline,
}

/// Does the work until it is done, a signal comes or its time is up.
pub async fn within<T>(work: impl Future<Output = T>, mut signals: Signals, deadline: Instant) -> End<T> {
    tokio::select! {
        done = work => End::Done(done),
        signal = signals.arrived() => End::Signal(signal),
        () = sleep_until(deadline + GRACE) => End::Deadline,
    }
}

/// Resolves when somebody asks once more that the program ends. `first` is when they did so before, if they did.
///
/// A terminal that goes away never asks again: the kernel says it, then the shell, and neither of them knows that it
/// has been heard.
pub async fn asked_again(mut signals: Signals, mut first: Option<Instant>) {
    loop {
        let signal = signals.next().await;
        let now = Instant::now();
        let first = *first.get_or_insert(now);
        if signal != Signal::HangUp && now.duration_since(first) >= DOUBLED {
            return;
        }
    }
}

/// Whether the result of a command that is done was written, which is known if it ended by itself; one that was
/// cut short then gives its reader a second, and nothing is said if that was not enough.
pub async fn last_second(written: Option<Result<(), Failure>>, out: &Output) -> Option<Result<(), Failure>> {
    match written {
        Some(written) => Some(written),
        None => timeout(LAST_WORDS, out.written()).await.ok(),
    }
}

/// What a command came to.
#[derive(Default)]
pub struct Outcome {
    /// The signal that ended it, if one did.
    pub signal: Option<Signal>,
    /// What it failed with, or what a signal left undone.
    pub failure: Option<Failure>,
}

impl From<Result<(), Failure>> for Outcome {
    fn from(result: Result<(), Failure>) -> Self {
        Outcome { signal: None, failure: result.err() }
    }
}

/// Writes the failure, if there is one, waits until everything is written, and says the exit code.
pub async fn conclude(
    out: &Output,
    Outcome { signal, failure }: Outcome,
    signals: Signals,
    deadline: Instant,
) -> u8 {
    let signal = signal.map(Signal::exit_code);
    let failure = match signal {
        Some(code) => failure.map(|failure| failure.ended_by(code)),
        None => failure,
    };
    if let Some(failure) = &failure {
        out.failure(failure);
    }
    last_words(out, signals, deadline).await;
    signal.or(failure.map(|failure| failure.exit_code())).unwrap_or(0)
}

/// Everything that was said is written before the end, unless its reader has stopped reading.
pub async fn last_words(out: &Output, mut signals: Signals, deadline: Instant) {
    let written = async {
        // Whatever went wrong has been reported.
        let _ = out.written().await;
        out.said().await;
    };
    let given_up = async {
        tokio::select! {
            _ = signals.arrived() => {}
            () = sleep_until(deadline + GRACE) => {}
        }
        sleep(LAST_WORDS).await;
    };
    tokio::select! {
        biased;
        () = written => {}
        () = given_up => {}
    }
}

/// The time is up.
pub fn too_late(timeout: Option<Duration>) -> Failure {
    let text = match timeout {
        Some(time) => format!("the command did not end within its --timeout of {} s", time.as_secs_f64()),
        None => "the command did not end within its time; --timeout gives it more".to_owned(),
    };
    Failure::new(Code::Timeout, text)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_signal_asks_again_if_it_is_a_second_behind_the_first_and_no_hang_up() {
        for first in [Some(Instant::now()), None] {
            let (sender, signals) = Signals::channel();
            let mut again = Box::pin(asked_again(signals, first));
            let mut asks = |signal| {
                sender.send_replace(Some(signal));
                (&mut again).now_or_never().is_some()
            };
            // Whoever was not asked before has the first one here.
            assert!(!asks(Signal::Terminate) && !asks(Signal::Terminate) && !asks(Signal::Interrupt));
            advance(DOUBLED).await;
            assert!(!asks(Signal::HangUp) && !asks(Signal::HangUp));
            assert!(asks(Signal::Terminate), "{first:?}");
        }
    }
}
