//! The broker, seen from outside: what it answers, what it asks Jira, what it refuses and what it never says.

mod answers;
mod callers;
mod certificates;
mod house;
mod refusals;
mod start;
mod together;
mod upkeep;
