//! N: the time that a command has.

use std::time::Duration;

use tokio::time::Instant;

use jira_oauth::sandbox::{Action, Fault};

use crate::support::World;

const MYSELF: &str = "/rest/api/2/myself";

/// Holds the time that a command waits for a Jira that does not answer against what it has, on a clock that runs on
/// while nothing happens. A request ends a little before the command does, so that it can be reported.
async fn waits(args: &[&str], seconds: u64) {
    let world = World::new().await;
    let gate = world.jira.faults().hold(MYSELF);
    let (_, ran) = world.with_token(&[&["whoami"], args].concat()).start();
    let began = Instant::now();
    let (ran, ()) = tokio::join!(ran, async {
        gate.arrived(1).await;
        tokio::time::pause();
    });
    let (time, expected) = (began.elapsed(), Duration::from_secs(seconds));
    tokio::time::resume();
    ran.failed(7, "timeout");
    assert!(expected.abs_diff(time) < Duration::from_secs(1), "{args:?}: {time:?}");
}

/// Item 250, changed: a time of nothing, or less, is a typing error and no way to say "as usual".
#[tokio::test]
async fn without_a_timeout_a_command_has_its_usual_minute() {
    waits(&[], 60).await;
    let world = World::new().await;
    for none in ["0", "0s", "-5s"] {
        world.with_token(&["whoami", &format!("--timeout={none}")]).run().await.failed(2, "bad_value");
    }
    assert_eq!(world.requests(), [""; 0]);
}

/// Item 251.
#[tokio::test]
async fn a_timeout_takes_the_place_of_the_usual_time() {
    waits(&["--timeout", "7s"], 7).await;
    waits(&["--timeout=1m20s"], 80).await;
}

/// Item 252, changed: the same command may work later, so it is exit 7.
#[tokio::test]
async fn a_command_whose_time_is_up_says_what_it_waited_for() {
    let world = World::new().await;
    world.jira.faults().add(Fault::on(MYSELF, Action::Hang));
    let ran = world.with_token(&["whoami", "--timeout", "1s"]).run().await.failed(7, "timeout");
    assert_eq!(ran.error()["message"], "127.0.0.1 did not answer in time");
    assert_eq!(ran.error()["retryable"], true);
}
