//! What can be counted rather than timed: the memory of a long search, the requests of a long run. The
//! budget prints it, and `tests/real/budget.rs` holds it with the binary as it is debugged.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdout, Stdio};
use std::time::Duration;

use jira_oauth::sandbox::Options;
use serde_json::Value;

use super::place::Place;

const SEARCH: &str = "/rest/api/2/search";

/// What a search over everything took.
#[derive(Debug)]
pub struct Stream {
    /// The most memory it held, in KiB.
    pub peak_kib: u64,
    /// How many issues it wrote.
    pub issues: usize,
    /// How many pages it asked for.
    pub pages: usize,
    /// Of how many pages the successor was asked for while no more than their first issue had been read.
    pub ahead: usize,
}

/// `search --all --output jsonl` over so many issues, by a reader so slow that after the first issue of each
/// page it waits for the next page to be asked for. Only the pipe and one buffer lie between the two, and a
/// page is many times larger: a command that wrote a page to its end first would never ask.
pub fn stream(issues: usize) -> Stream {
    // One of them is behind a security level.
    let place = Place::new(Options { issues: issues + 1, ..Options::default() });
    let mut command = place.jira(&["search", "--all", "--output", "jsonl", "project is not EMPTY"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut stream = Stream { peak_kib: 0, issues: 0, pages: 0, ahead: 0 };
    let mut page = 0;
    while let Some(issue) = next_issue(&mut reader) {
        assert!(issue["key"].is_string(), "an issue, not {issue}");
        if stream.issues == page {
            stream.pages += 1;
            page += page_size(&place);
            stream.ahead += usize::from(page < issues && place.arrived(SEARCH, stream.pages + 1));
        }
        stream.issues += 1;
        if stream.issues.is_multiple_of(50) {
            stream.peak_kib = peak_kib(child.id()).unwrap_or(0).max(stream.peak_kib);
        }
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(place.sandbox.log().len(), stream.pages, "one request a page");
    stream
}

fn next_issue(reader: &mut BufReader<ChildStdout>) -> Option<Value> {
    let mut line = String::new();
    (reader.read_line(&mut line).unwrap() > 0).then(|| serde_json::from_str(&line).unwrap())
}

/// As many issues as the first request asked for.
fn page_size(place: &Place) -> usize {
    let request: Value = serde_json::from_str(&place.sandbox.log()[0].body).unwrap();
    usize::try_from(request["maxResults"].as_u64().unwrap()).unwrap()
}

/// The most memory that a process has held so far, as proc_pid_status(5) tells it; none when it has ended.
/// It is asked for as long as there is something to read: what is not read yet, the process still writes.
fn peak_kib(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// What a run over many keys took.
#[derive(Debug)]
pub struct Run {
    /// How many issues were changed.
    pub done: u64,
    /// How many requests that took.
    pub requests: usize,
    /// How many of them were lookups.
    pub lookups: usize,
    /// The most requests at one moment.
    pub at_once: usize,
}

/// `run` with a transition on so many keys. Every answer takes a moment, as it does in a network: otherwise
/// there would never be two requests at one time.
pub fn run(keys: usize) -> Run {
    let latency = Duration::from_millis(10);
    let place = Place::new(Options { issues: keys * 30, latency, ..Options::default() });
    let limit = keys.to_string();
    let query = "project in (GAIA, WEB) AND status = Open ORDER BY key";
    let found = place.jira(&["search", "--output", "jsonl", "--limit", &limit, query]).output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let found = String::from_utf8(found.stdout).unwrap();
    let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), keys, "there are so many open issues");
    let text: Vec<&str> = found.iter().map(|issue| issue["key"].as_str().unwrap()).collect();

    place.sandbox.clear_log();
    let mut command = place.jira(&["run", "--ref", "-", "--to-transition", "Start Progress"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.join(" ").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let log = place.sandbox.log();
    Run {
        done: report["counts"]["done"].as_u64().unwrap(),
        requests: log.len(),
        lookups: log.iter().filter(|request| request.path.starts_with(SEARCH)).count(),
        at_once: place.sandbox.max_in_flight(),
    }
}
