//! `jira`: Jira Data Center for people, CI jobs and AI agents, without a long-lived secret lying around.
//!
//! The modules stand in the order in which a command passes through them. Arrows point down: a module
//! names only what `docs/ARCHITECTURE.md` allows it, and `tests/it/tidy.rs` holds that line.

pub mod error;
pub mod named;
pub mod secret;

pub mod disk;
pub mod process;

pub mod http;
pub mod serve;

pub mod config;
pub mod output;

pub mod auth;

pub mod jira;

pub mod ops;

pub mod broker;

pub mod sandbox;

pub mod cli;
