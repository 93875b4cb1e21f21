//! A world for tests: a sandbox of its own, a home of its own, streams, a clock, a person and a browser. A
//! command line runs in it as in a process, but can be waited for.

mod command;
mod evil;
mod fake_broker;
mod person;
mod ran;
mod shape;
mod streams;
mod world;

pub use command::{Command, Live, wait};
pub use evil::Evil;
pub use fake_broker::{FakeBroker, Plan};
pub use person::{Conduct, Step, authorize_of, callback_of, follow, visit, web};
pub use ran::Ran;
pub use shape::misfits;
pub use streams::Sink;
pub use world::{PASSWORD, SITE, World, free_port};
