//! What a command may cost and how it ends: memory, time, streams that are closed or never end, and what the
//! binary is linked to (threat 15).

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use jira_oauth::sandbox::{Action, Fault, Gate, Options};

use crate::support::jira::{Age, Home, Job, within};
use crate::support::served::Served;
use crate::support::{Real, runs};

const MYSELF: &str = "/rest/api/2/myself";

const MEBIBYTE: usize = 1024 * 1024;

/// The peak of memory, as GNU time and the kernel count it: of all children, so in a process of its own.
const MEASURE: &str = "import resource, subprocess, sys\n\
    code = subprocess.call(sys.argv[1:])\n\
    sys.stderr.write('\\npeak %d' % resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n\
    sys.exit(code)";

/// Runs `whoami` under a measure; exit code, error code, peak in MiB.
async fn measured(home: Home) -> (i32, String, usize) {
    let home = home.wrap(&["python3", "-c", MEASURE]);
    let done = home.run(&["whoami", "--timeout=120s"]).await;
    let (report, peak) = done.stderr.rsplit_once("\npeak ").unwrap_or_else(|| panic!("{done:?}"));
    let last = report.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
    let report: serde_json::Value = serde_json::from_str(last).unwrap_or_default();
    let code = report["error"]["code"].as_str().unwrap_or_default().to_owned();
    (done.code.unwrap(), code, peak.trim().parse::<usize>().unwrap() / 1024)
}

#[tokio::test]
async fn a_flood_is_cut_off_and_memory_stays_small() {
    if !runs(Real::Memory) {
        return;
    }
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let piece = Bytes::from(format!("{{\"name\":\"{}\"}}", "x".repeat(MEBIBYTE)));
    sandbox.faults().add(Fault::on(MYSELF, Action::Flood { headers, piece, times: 700 }));
    let (exit, code, peak) = measured(home).await;
    assert_eq!((exit, code.as_str()), (1, "too_large"));
    assert!(peak < 100, "{peak} MiB");
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_off_and_memory_stays_small() {
    if !runs(Real::Memory) {
        return;
    }
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    // A gigabyte of spaces in a megabyte.
    let mut gzip =
        Command::new("gzip").args(["-9c"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = gzip.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let spaces = vec![b' '; MEBIBYTE];
        (0..1024).for_each(|_| stdin.write_all(&spaces).unwrap());
    });
    let bomb = gzip.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    assert!(bomb.len() < 2 * MEBIBYTE);
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let respond = Action::Respond { status: axum::http::StatusCode::OK, headers, body: bomb.into() };
    sandbox.faults().add(Fault::on(MYSELF, respond));
    let (exit, code, peak) = measured(home).await;
    assert_eq!((exit, code.as_str()), (1, "too_large"));
    assert!(peak < 100, "{peak} MiB");
}

#[tokio::test]
async fn deep_json_is_an_error_and_no_crash() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    sandbox.faults().add(Fault::on(MYSELF, Action::respond(200, "application/json", deep)));
    let done = home.run(&["whoami"]).await;
    done.failed("not_jira", 1);
    assert!(done.stderr.len() < 2000, "{done:?}");
}

#[tokio::test]
async fn a_slow_drip_ends_with_the_timeout() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let drip = Action::Drip { bytes: 1, every: Duration::from_millis(100) };
    sandbox.faults().add(Fault::on(MYSELF, drip));
    let start = Instant::now();
    home.run(&["whoami", "--timeout=2s"]).await.failed("timeout", 7);
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_stdin_that_never_ends_does_not_keep_the_command() {
    let sandbox = Served::usual();
    let home = Home::new();
    let mut command =
        home.command(&["login", "--pat", "--storage=file", "--timeout=1s", "--base-url", sandbox.base_url()]);
    let mut job = Job::start(command.stdin(Stdio::piped()));
    let kept_open = job.child.stdin.take();
    let start = Instant::now();
    job.done().await.failed("timeout", 7);
    assert!(start.elapsed() < Duration::from_secs(10));
    drop(kept_open);
    assert!(home.session_files().is_empty());
}

#[tokio::test]
async fn a_closed_stdout_ends_quietly() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    for command in [["whoami"].as_slice(), &["--help"], &["site", "list"]] {
        let mut command = home.command(command);
        let mut job = Job::start(command.stdout(Stdio::piped()));
        drop(job.child.stdout.take());
        let done = job.done().await;
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{done:?}");
    }
}

/// `jira search --all --output jsonl | head -1`: the rest is not even asked for.
#[tokio::test]
async fn a_reader_that_has_enough_ends_the_search() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let sandbox = Served::start(Options { page_cap: 10, ..Options::default() });
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let gate = Gate::new();
    sandbox.faults().add(Fault::on("/rest/api/2/search", Action::Hold(gate.clone())).skip(1));
    let mut job = home.spawn(&["search", "--all", "--output=jsonl", "--jql", "order by key"]);
    let mut lines = BufReader::new(job.child.stdout.take().unwrap()).lines();
    let first = within("the first line", lines.next_line()).await.unwrap().unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&first).unwrap()["key"].is_string());
    within("the second page", gate.arrived(1)).await;
    drop(lines);
    gate.release();
    let done = job.done().await;
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let pages = sandbox.log().iter().filter(|request| request.path.starts_with("/rest/api/2/search")).count();
    assert_eq!(pages, 2);
}

/// Constant memory: nothing is kept of what was written.
#[tokio::test]
async fn a_long_search_streams() {
    if !runs(Real::Memory) {
        return;
    }
    let sandbox = Served::start(Options { issues: 6000, ..Options::default() });
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let home = home.wrap(&["python3", "-c", MEASURE]);
    let search =
        ["search", "--all", "--fields=*all", "--output=jsonl", "--jql", "order by key", "--timeout=170s"];
    let done = home.run(&search).await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let bytes = done.stdout.len() / MEBIBYTE;
    let peak: usize = done.stderr.rsplit_once("peak ").unwrap().1.trim().parse().unwrap();
    let peak = peak / 1024;
    assert!(bytes > 12 && peak < 40, "{bytes} MiB written, peak {peak} MiB");
}

/// A full disk is no closed pipe: somebody wants the result.
#[tokio::test]
async fn a_stdout_that_takes_nothing_is_a_failure() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = home.command(&["whoami"]);
    let job = Job::start(command.stdout(full));
    job.done().await.failed("output_unwritable", 1);
    let mut tour = home.command(&["sandbox", "demo"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    Job::start(tour.stdout(full)).done().await.failed("output_unwritable", 1);
}

#[tokio::test]
async fn exit_codes_are_what_the_help_says() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    home.run(&["whoami"]).await.json();
    home.run(&["whoami", "--no-such-flag"]).await.failed("bad_flag", 2);
    home.run(&["whoami", "--site", "elsewhere"]).await.failed("no_base_url", 2);
    let respond = |status, kind: &str, body: &'static str| {
        sandbox.faults().add(Fault::on(MYSELF, Action::respond(status, kind, body)).times(3));
    };
    respond(429, "text/html", "<h1>slow down</h1>");
    home.run(&["whoami"]).await.failed("rate_limited", 4);
    sandbox.faults().clear();
    respond(404, "application/json", "{}");
    home.run(&["whoami"]).await.failed("not_found", 5);
    sandbox.faults().clear();
    respond(503, "text/html", "<h1>down</h1>");
    home.run(&["whoami", "--timeout=20s"]).await.failed("server_error", 7);
    sandbox.faults().clear();
    sandbox.revoke_all();
    home.run(&["whoami"]).await.failed("session_ended", 3);
}

/// `jira sandbox serve` ends with a signal, and that is no failure.
#[tokio::test]
async fn the_sandbox_ends_with_a_signal() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let home = Home::new();
        let mut job = home.spawn(&["sandbox", "serve", "--output=jsonl"]);
        let mut lines = BufReader::new(job.child.stdout.take().unwrap()).lines();
        let ready = within("the ready line", lines.next_line()).await.unwrap().unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        assert!(ready["base_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
        job.signal(signal);
        assert_eq!(job.done().await.code, Some(0));
    }
}

#[test]
fn the_binary_is_linked_to_the_c_library_alone() {
    let output = Command::new("ldd").arg(env!("CARGO_BIN_EXE_jira")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if text.contains("statically linked") || text.contains("not a dynamic executable") {
        return;
    }
    let allowed =
        ["linux-vdso.so", "libc.so", "libm.so", "libgcc_s.so", "ld-linux", "ld64.so", "libpthread", "libdl"];
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert!(allowed.iter().any(|name| line.contains(name)), "{line}");
    }
}
