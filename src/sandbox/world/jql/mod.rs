//! JQL: text to tokens to a query to a test, run over all issues. Errors are worded as Jira words them,
//! because clients read them.

mod ast;
mod compile;
mod dates;
mod field;
mod lexer;
mod order;
mod parser;
mod reserved;
mod text;
mod values;

#[cfg(test)]
mod tests;

use super::World;
use super::access::Actor;
use super::issue::{Issue, IssueId};

/// What a query found, in its order.
pub(crate) struct Found {
    pub ids: Vec<IssueId>,
    /// What was wrong with the query, if it was not to be validated.
    pub warnings: Vec<String>,
}

/// Runs a query as `actor`. With `validate`, unknown fields and values are errors; without, they are
/// warnings and match nothing. What cannot be parsed is an error always.
pub(crate) fn search(world: &World, actor: Actor, jql: &str, validate: bool) -> Result<Found, Vec<String>> {
    let query = parser::parse(jql).map_err(|error| vec![error])?;
    let mut compiler = compile::Compiler { world, actor, problems: Vec::new() };
    let test = query.clause.as_ref().map(|clause| compiler.clause(clause, false));
    let mut problems = compiler.problems;
    let order = order::compile(&query.order, &mut problems);
    if validate && !problems.is_empty() {
        return Err(problems);
    }
    let wanted =
        |issue: &&Issue| world.sees(actor, issue) && test.as_ref().is_none_or(|test| test(world, issue));
    // The newest first is Jira's order when nobody asks for one, and breaks ties in every other.
    let mut hits: Vec<&Issue> = world.issues().rev().filter(wanted).collect();
    if !order.is_empty() {
        hits.sort_by(|a, b| order::compare(world, &order, a, b));
    }
    Ok(Found { ids: hits.into_iter().map(|issue| issue.id).collect(), warnings: problems })
}
