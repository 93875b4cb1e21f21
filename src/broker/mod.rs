//! The broker: it holds the client secret of a confidential client, and adds it to the calls that Jira wants it
//! on. Its callers hold the tokens; it stores none.

pub mod caller;
pub mod coordination;
pub mod granted;
pub mod replicas;
