//! The operations that change issues, and the lists of Jira Software: whole commands, with bad input of every
//! kind.

mod agile;
mod create;
mod cut;
mod delete;
mod link;
mod update;
