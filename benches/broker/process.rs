//! The processes: each says on its stdout where it listens, and ends with the value.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server that listens.
pub struct Server {
    child: Child,
    /// Host and port.
    pub listen: String,
}

impl Server {
    /// One of the stand-ins.
    pub fn stand_in(args: &[&str]) -> Server {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Server::start(command.arg("serve").args(args))
    }

    /// The broker, in front of a Jira, with its log on to a file. Whoever asks is known by its address, which is
    /// the same for all of them, so that no limit of a caller's may count.
    pub fn broker(jira: &Server, log: &Path, more: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jira"));
        let base_url = format!("http://{}", jira.listen);
        command
            .args([
                "broker",
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--rate-limit",
                "0",
                "--max-in-flight",
                "4096",
            ])
            .args(more)
            .env_clear()
            .env("HOME", log.parent().unwrap())
            .env("JIRA_BASE_URL", base_url)
            .env("JIRA_OAUTH_CLIENT_ID", "client")
            .env("JIRA_OAUTH_CLIENT_SECRET", "the secret of a benchmark")
            .stderr(File::create(log).unwrap());
        Server::start(&mut command)
    }

    fn start(command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut text = String::new();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        // One object, on one line or on several.
        while serde_json::from_str::<serde_json::Value>(&text).is_err() {
            assert!(reader.read_line(&mut text).unwrap() > 0, "it ended before it listened: {text}");
        }
        let said: serde_json::Value = serde_json::from_str(&text).unwrap();
        Server { child, listen: listen(&said["listen"]) }
    }

    /// The memory it has now, in KiB, as proc_pid_status(5) tells it.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix("kB").unwrap().trim().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first of several, or the one.
fn listen(said: &serde_json::Value) -> String {
    said.get(0).unwrap_or(said).as_str().unwrap().to_owned()
}
