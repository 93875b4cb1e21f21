//! Tells the crate which compiler built it, for `jira version`, and the linker to be brief.
#![allow(clippy::disallowed_methods, reason = "this is how cargo speaks to a build script")]

use std::env::var;
use std::fs;
use std::process::Command;

/// To the linker, by way of the C compiler: of functions that came out the same one is kept, as lld does, which rustc
/// brings along for its main target, and mold. It is a hundredth of the program.
const FOLD: &str = "-Wl,--icf=all";
/// What unwinds the stack of a panic becomes part of the program: a library less to load at each start, and to have.
const UNWIND: &str = "-Wl,--push-state,--whole-archive,-Bstatic,-lgcc_eh,--pop-state";

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
    for argument in [FOLD, UNWIND] {
        if linker_takes(argument) {
            println!("cargo::rustc-link-arg-bin=jira={argument}");
        }
    }
}

/// Whether the linker takes this argument, for the program as it is installed. Which linker it will be nobody says: so
/// one is tried.
fn linker_takes(argument: &str) -> bool {
    let target = |part: &str| var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    // A static program has its own way to unwind.
    let is_static = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    let fits = target("OS") == "linux" && (argument != UNWIND || target("ENV") == "gnu" && !is_static);
    if var("PROFILE").as_deref() != Ok("release") || !fits {
        return false;
    }
    let out = var("OUT_DIR").unwrap_or_default();
    let source = format!("{out}/probe.rs");
    let mut link = Command::new(var("RUSTC").unwrap_or_else(|_| "rustc".into()));
    link.args([
        "--target",
        &var("TARGET").unwrap_or_default(),
        "--out-dir",
        &out,
        "--crate-name",
        "probe",
        &source,
    ]);
    link.args(
        var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default().split('\x1f').filter(|flag| !flag.is_empty()),
    );
    link.args(var("RUSTC_LINKER").map(|linker| format!("-Clinker={linker}")));
    link.arg(format!("-Clink-arg={argument}"));
    let linked = fs::write(&source, "fn main() {}").is_ok()
        && link.output().is_ok_and(|output| output.status.success());
    linked
        && (argument != UNWIND || fs::read(format!("{out}/probe")).is_ok_and(|probe| !needs_libgcc(&probe)))
}

/// GNU's linker has made up its mind about the library before it comes to the argument, and would keep both.
fn needs_libgcc(program: &[u8]) -> bool {
    let name = b"libgcc_s.so";
    program.windows(name.len()).any(|bytes| bytes == name)
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
