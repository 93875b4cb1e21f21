//! The cases, in the order of the table.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};

use super::client::{Caller, crowd};
use super::load::{self, DISTINCT, Load, REPLAYED};
use super::process::Server;
use super::stand_in::token;
use super::table::Table;

/// Runs of each load, in turns with the reference's.
const ROUNDS: usize = 5;
const SECONDS: u32 = 4;

/// What a token of this program's own begins with, so that it is none of wrk's.
const OURS: u64 = 7_000_000_000_000_000_000;

/// Measures everything and prints the table. Fails if something is over its budget.
pub fn run() -> ExitCode {
    if !load::is_here() {
        eprintln!("left out: wrk is not installed");
        return ExitCode::SUCCESS;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut table = Table::default();
    requests(&mut table, dir.path());
    memory(&mut table, dir.path());
    waiting(&mut table, dir.path());
    match table.print() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Requests a second, by turns with a bare handler.
fn requests(table: &mut Table, dir: &Path) {
    let bare = Server::stand_in(&["bare"]);
    let jira = Server::stand_in(&["jira", "0"]);
    let broker = Server::broker(&jira, &dir.join("broker.log"), &[]);
    let (mut reference, mut replayed, mut distinct) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        reference.push(load::run(&bare, REPLAYED, SECONDS, dir));
        replayed.push(load::run(&broker, REPLAYED, SECONDS, dir));
        distinct.push(load::run(&broker, DISTINCT, SECONDS, dir));
    }
    let [reference, replayed, distinct] = [reference, replayed, distinct].map(median);
    let rate = |load: Load| format!("{:.0} a second", load.rate);
    let p99 = |load: Load| format!("{:.2} ms", load.p99);
    let bare = |what: String| format!("{what} a bare handler");
    let share = |load: Load| 100.0 * load.rate / reference.rate;
    table.at_least(
        "a refresh that is replayed",
        (rate(replayed), bare(rate(reference))),
        share(replayed),
        60.0,
        "%",
    );
    table.add(
        "99 of 100 of them within",
        (p99(replayed), bare(p99(reference))),
        replayed.p99 / reference.p99,
        5.0,
        "×",
    );
    table.at_least(
        "a refresh of a token of its own",
        (rate(distinct), bare(rate(reference))),
        share(distinct),
        20.0,
        "%",
    );
}

fn median(mut loads: Vec<Load>) -> Load {
    let middle = loads.len() / 2;
    loads.sort_by(|one, other| one.p99.total_cmp(&other.p99));
    let p99 = loads[middle].p99;
    loads.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    Load { p99, ..loads[middle] }
}

/// What it holds when 100,000 results may be replayed.
fn memory(table: &mut Table, dir: &Path) {
    const TOKENS: u64 = 100_000;
    const CONNECTIONS: u64 = 64;
    let jira = Server::stand_in(&["jira", "0"]);
    let broker = Server::broker(&jira, &dir.join("memory.log"), &["--replay-ttl", "10m"]);
    runtime().block_on(async {
        let all: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                let host = broker.listen.clone();
                tokio::spawn(async move {
                    let mut caller = Caller::new(&host).await;
                    for number in (connection..TOKENS).step_by(CONNECTIONS as usize) {
                        caller.refresh(&token(OURS + number)).await;
                    }
                })
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
    });
    assert_eq!(calls(&jira), TOKENS, "each is a token of its own");
    let resident = broker.resident_kib() as f64 / 1024.0;
    let columns = (format!("{resident:.1} MiB"), String::new());
    table.add("100,000 results that may be replayed: memory", columns, resident, 100.0, "MiB");
}

/// How long 1,000 callers with one token wait for a Jira that takes 200 ms.
fn waiting(table: &mut Table, dir: &Path) {
    let jira = Server::stand_in(&["jira", "200"]);
    let broker = Server::broker(&jira, &dir.join("crowd.log"), &[]);
    let took: Vec<_> = (0..ROUNDS as u64)
        .map(|round| {
            let waited = runtime().block_on(crowd(&broker.listen, 1000, &token(OURS + round)));
            waited.as_secs_f64() * 1000.0
        })
        .collect();
    assert_eq!(calls(&jira), ROUNDS as u64, "one call for each crowd");
    let mut sorted = took.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[ROUNDS / 2];
    let columns = (format!("{median:.0} ms"), "200 ms Jira, one call".to_owned());
    table.add("1,000 callers with one token: the last answer", columns, median / 200.0, 1.6, "×");
}

/// How many grants a Jira has made.
fn calls(jira: &Server) -> u64 {
    let mut stream = TcpStream::connect(&jira.listen).unwrap();
    write!(stream, "GET /calls HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", jira.listen).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said.rsplit("\r\n").next().unwrap().trim().parse().unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
