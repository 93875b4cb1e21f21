//! Sessions: how one comes to be, where it lies, how it is kept usable, and what it trusts.
//!
//! A command asks [`resolve`] for its [`Credential`]; a stored one goes through [`refresh`], the only place
//! that spends a refresh token. This module knows nothing of Jira's REST API.

pub mod session;
pub mod trust;

pub mod authorize;
pub mod endpoint;
pub mod exchange;
pub mod go_jira;
pub mod login;
pub mod logout;
pub mod loopback;
pub mod redirect;

pub mod broker_client;
pub mod broker_fault;
pub mod injected;
pub mod place;
pub mod refresh;
pub mod saving;
pub mod store;
pub mod wire;

pub mod chosen;
pub mod credential;
pub mod error;
pub mod resolve;

pub use chosen::Chosen;
pub use credential::{AuthMode, Authorization, Credential};
pub use error::AuthError;
pub use resolve::{Access, World};
