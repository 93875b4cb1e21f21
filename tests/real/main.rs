//! Tests against the real thing: a keyring service, a browser, another user, signals, terminals, files.
//!
//! They run with `JIRA_TEST_REAL=1` (`tests/run` sets it and installs what is missing); without it each says
//! that it was left out.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(missing_docs, reason = "the name of a test says what it is about")]
#![allow(dead_code, reason = "the support is larger than what each platform uses of it")]

#[cfg(target_os = "linux")]
mod bounds;
#[cfg(target_os = "linux")]
mod broker;
#[cfg(target_os = "linux")]
mod broker_client;
mod browser;
#[cfg(target_os = "linux")]
mod budget;
#[cfg(target_os = "linux")]
mod canaries;
#[cfg(target_os = "linux")]
mod ci_artefacts;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod keyring;
#[cfg(target_os = "linux")]
mod keyring_commands;
mod locks;
#[cfg(target_os = "linux")]
mod login;
#[cfg(target_os = "linux")]
mod modes;
#[cfg(target_os = "linux")]
mod opens;
#[cfg(target_os = "linux")]
mod parallel;
#[cfg(target_os = "linux")]
mod replicas;
#[cfg(target_os = "linux")]
mod shells;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod stalled;
mod support;
#[cfg(target_os = "linux")]
mod take_over;
#[cfg(target_os = "linux")]
mod terminal;
