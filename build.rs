//! Tells the crate which compiler built it, for `jira version`.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=JIRA_BUILD_COMMIT");
    #[allow(clippy::disallowed_methods, reason = "this is how cargo names the compiler to a build script")]
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(compiler).arg("--version").output();
    // `rustc 1.91.0 (f8297e351 2025-10-28)`
    let text = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
    let version = text.split_whitespace().nth(1).unwrap_or("unknown");
    println!("cargo::rustc-env=JIRA_BUILD_RUST={version}");
}
