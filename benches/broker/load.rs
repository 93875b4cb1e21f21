//! wrk, and what it says.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::process::Server;
use super::stand_in::TOKEN_LENGTH;

/// What one run of wrk came to.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Requests a second.
    pub rate: f64,
    /// Milliseconds in which 99 of 100 were answered.
    pub p99: f64,
}

/// The same token in each request.
pub const REPLAYED: &str = "local number = function() return 1 end";
/// Another one each time; never one of an earlier run.
pub const DISTINCT: &str = "local n = os.time() * 1000000\nlocal number = function() n = n + 1; return n end";

/// Whether it is installed.
pub fn is_here() -> bool {
    Command::new("wrk").arg("-v").output().is_ok()
}

/// 64 connections for so many seconds. Every answer must be a grant.
pub fn run(server: &Server, tokens: &str, seconds: u32, dir: &Path) -> Load {
    let script = dir.join("load.lua");
    fs::write(&script, lua(tokens)).unwrap();
    let url = format!("http://{}/v1/refresh", server.listen);
    let duration = format!("{seconds}s");
    let mut command = Command::new("wrk");
    command.args(["-t", "1", "-c", "64", "-d", &duration, "--latency", "-s"]).arg(&script).arg(&url);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && !said.contains("Non-2xx") && !said.contains("Socket errors"),
        "{said}"
    );
    let after = |word: &str| said.lines().find_map(|line| line.trim().strip_prefix(word)).unwrap().trim();
    Load { rate: after("Requests/sec:").parse().unwrap(), p99: milliseconds(after("99%")) }
}

fn lua(tokens: &str) -> String {
    format!(
        r#"{tokens}
local headers = {{ ["Content-Type"] = "application/json" }}
request = function()
  local digits = string.format("%.0f", number())
  local token = string.rep("0", {TOKEN_LENGTH} - #digits) .. digits
  return wrk.format("POST", nil, headers, '{{"refresh_token":"' .. token .. '"}}')
end
"#
    )
}

/// `1.23ms`, `850.00us`, `1.02s`.
fn milliseconds(text: &str) -> f64 {
    let (number, factor) = match text {
        _ if text.ends_with("us") => (text.trim_end_matches("us"), 0.001),
        _ if text.ends_with("ms") => (text.trim_end_matches("ms"), 1.0),
        _ => (text.trim_end_matches('s'), 1000.0),
    };
    number.parse::<f64>().unwrap() * factor
}
