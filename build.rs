//! Tells the crate which compiler built it, for `jira version`, and the linker to be brief.
#![allow(clippy::disallowed_methods, reason = "this is how cargo speaks to a build script")]

use std::env::var;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=JIRA_BUILD_COMMIT");
    // `rustc 1.91.0 (f8297e351 2025-10-28)`
    let text = said(&var("RUSTC").unwrap_or_else(|_| "rustc".into()), &["--version"]);
    let version = text.split_whitespace().nth(1).unwrap_or("unknown");
    println!("cargo::rustc-env=JIRA_BUILD_RUST={version}");
    if loader_reads_relr() {
        println!("cargo::rustc-link-arg-bin=jira=-Wl,-z,pack-relative-relocs");
    }
    if linker_is_rusts_own() {
        println!("cargo::rustc-link-arg-bin=jira=-Wl,--icf=all");
    }
}

/// Whether the compiler links with the lld that it brings along, as it does on this one target. It keeps one of the
/// functions that came out the same, a hundredth of the program; other linkers may not know how.
fn linker_is_rusts_own() -> bool {
    let flags = var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let chosen = var("RUSTC_LINKER").is_ok() || ["linker", "fuse-ld"].iter().any(|name| flags.contains(name));
    let sysroot = said(&var("RUSTC").unwrap_or_else(|_| "rustc".into()), &["--print", "sysroot"]);
    let target = "x86_64-unknown-linux-gnu";
    let lld = Path::new(sysroot.trim()).join("lib/rustlib").join(target).join("bin/gcc-ld/ld.lld");
    var("PROFILE").is_ok_and(|profile| profile == "release")
        && [var("TARGET"), var("HOST")].iter().all(|here| here.as_deref() == Ok(target))
        && !chosen
        && lld.exists()
}

/// Whether the loader of this machine, for which we build, reads relative relocations in their short form
/// (`DT_RELR`), which is half a megabyte less: glibc's does from 2.36 on. On an older one a binary that was
/// linked with that glibc does not start anyway.
fn loader_reads_relr() -> bool {
    let target = |part: &str| var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    let is_here = var("TARGET").ok() == var("HOST").ok();
    if !is_here || target("OS") != "linux" || target("ENV") != "gnu" {
        return false;
    }
    // `glibc 2.36`
    let text = said("getconf", &["GNU_LIBC_VERSION"]);
    let minor = text.trim().strip_prefix("glibc 2.").and_then(|minor| minor.parse::<u32>().ok());
    minor.is_some_and(|minor| minor >= 36)
}

/// What a program prints; nothing if there is none.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
