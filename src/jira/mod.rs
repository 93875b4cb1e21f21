//! Jira's REST API as far as the operations need it: requests that survive a dead bearer, answers that are
//! Jira's, and the few objects whose insides we must know.

pub mod client;
pub mod error;
pub mod judge;

pub mod agile;
pub mod issue;
pub mod link;
pub mod paging;
pub mod screen;
pub mod user;

pub mod key;
pub mod markup;

pub use client::{AccessClass, Bounds, Flight, Jira, Note, Request};
pub use error::JiraError;
pub use judge::Answer;
