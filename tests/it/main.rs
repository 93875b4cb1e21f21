//! Tests that run on any machine, in one binary; a module a behaviour. What needs a real keyring, browser or
//! another user is in `tests/real/`.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(missing_docs, reason = "the name of a test says what it is about")]
mod broker;
mod ci;
mod client;
mod completion;
mod config;
mod config_check;
mod conventions;
mod go_jira;
mod inputs;
mod login;
mod logout;
mod operations;
mod refresh;
mod schema;
mod support;
mod tidy;
mod trust;
