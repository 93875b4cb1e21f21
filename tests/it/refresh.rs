//! The refresh: when it happens, how often, what is kept when it does not work, and through whom it goes.

mod broker;
mod ends;
mod once;
mod trouble;
