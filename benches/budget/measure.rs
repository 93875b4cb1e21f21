//! Times processes side by side: one of each, round after round, so that whatever else the machine does
//! strikes all of them alike; each round in another order, because who comes behind a request to the same server
//! finds it awake.

use std::process::{Command, Stdio};
use std::time::Instant;

/// How many rounds are made unless `BUDGET_ROUNDS` says otherwise.
const ROUNDS: usize = 41;

/// A process that is started again and again.
pub struct Runner<'a> {
    name: &'static str,
    before: Box<dyn FnMut() + 'a>,
    command: Command,
    milliseconds: Vec<f64>,
}

/// Processes that are measured together.
#[derive(Default)]
pub struct Race<'a>(Vec<Runner<'a>>);

impl<'a> Race<'a> {
    /// Adds a process.
    pub fn add(&mut self, name: &'static str, command: Command) {
        self.add_with(name, command, || {});
    }

    /// Adds a process, and what is to be done before each start, outside of the time.
    pub fn add_with(&mut self, name: &'static str, command: Command, before: impl FnMut() + 'a) {
        self.0.push(Runner { name, before: Box::new(before), command, milliseconds: Vec::new() });
    }

    /// Runs all of them; the first round is for the caches, and shows what a failure says.
    pub fn run(&mut self) {
        for runner in &mut self.0 {
            (runner.before)();
            let output = runner.command.stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{}: {} {said}", runner.name, output.status);
            runner.command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let rounds = std::env::var("BUDGET_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        let mut chance = fastrand::Rng::with_seed(1);
        for _ in 0..rounds {
            chance.shuffle(&mut order);
            for &at in &order {
                let runner = &mut self.0[at];
                (runner.before)();
                let start = Instant::now();
                let status = runner.command.status().unwrap();
                runner.milliseconds.push(start.elapsed().as_secs_f64() * 1000.0);
                assert!(status.success(), "{}: {status}", runner.name);
            }
        }
    }

    /// The median time of a process, in milliseconds; of one that took part.
    pub fn median(&self, name: &str) -> f64 {
        let times = self.0.iter().find(|runner| runner.name == name);
        let mut times = times.expect("it takes part").milliseconds.clone();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }
}
