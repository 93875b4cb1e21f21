//! What is made for CI, for installing and for operating: `action.yml`, `install.sh`, the image, the workflows, the
//! examples of docs/ci.md, and the broker's `deploy/`. They are YAML and shell, so what runs them is Python, in
//! `tests/ci`; here each of its modules is a test, given the binary that was built.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Real, runs};

/// Runs a module of `tests/ci` with the tools that `tests/run` has installed. Fails too if it left something out.
fn passes(module: &str) {
    if !runs(Real::CiTools) {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let python = target.join("ci-tools/bin/python");
    assert!(python.exists(), "{} is missing; tests/run installs it", python.display());
    let output = Command::new(python)
        .args(["-m", "unittest", module])
        .current_dir(root.join("tests/ci"))
        .env("JIRA_TEST_BINARY", env!("CARGO_BIN_EXE_jira"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().last().unwrap_or_default();
    assert!(output.status.success() && last == "OK" && !text.contains("Ran 0 tests"), "{module}: {text}");
}

#[test]
fn schemas_linters_and_our_own_rules_find_nothing_in_them() {
    passes("test_static");
}

#[test]
fn the_install_script_refuses_what_it_cannot_verify() {
    passes("test_install");
}

#[test]
fn a_commit_message_stays_text_in_the_action() {
    passes("test_action");
}

#[test]
fn the_examples_of_the_page_do_what_it_says() {
    passes("test_examples");
}

#[test]
fn the_manifests_the_dashboard_and_the_page_of_the_broker_fit_each_other_and_the_program() {
    passes("test_deploy");
}

#[test]
fn what_is_deployed_for_the_broker_runs() {
    passes("test_broker");
}
