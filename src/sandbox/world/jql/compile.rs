//! A parsed query into a test that runs over issues. Negation is pushed down to the operators first:
//! as in Jira, `NOT assignee = x` is `assignee != x`, and that leaves out issues with no assignee.

use crate::sandbox::world::World;
use crate::sandbox::world::access::Actor;
use crate::sandbox::world::issue::Issue;

use super::ast::{Clause, Operator, Terminal, Value};
use super::field::{Family, Field};
use super::text::Pattern;
use super::values::{self, Unknown};
use super::{dates, values::is_function};

pub(super) type Test = Box<dyn Fn(&World, &Issue) -> bool>;

pub(super) struct Compiler<'a> {
    pub world: &'a World,
    pub actor: Actor,
    /// What is wrong with the query, in Jira's words.
    pub problems: Vec<String>,
}

/// The operand of a comparison, resolved.
#[derive(Default)]
struct Set {
    /// Sorted.
    values: Vec<u64>,
    /// `EMPTY` is among them.
    empty: bool,
}

fn never() -> Test {
    Box::new(|_, _| false)
}

impl Compiler<'_> {
    pub(super) fn clause(&mut self, clause: &Clause, negate: bool) -> Test {
        match clause {
            Clause::Not(inner) => self.clause(inner, !negate),
            Clause::And(parts) | Clause::Or(parts) => {
                let tests: Vec<Test> = parts.iter().map(|part| self.clause(part, negate)).collect();
                // De Morgan: a negated AND is an OR of negated parts.
                match matches!(clause, Clause::And(_)) != negate {
                    true => Box::new(move |world, issue| tests.iter().all(|test| test(world, issue))),
                    false => Box::new(move |world, issue| tests.iter().any(|test| test(world, issue))),
                }
            }
            Clause::Terminal(terminal) => self.terminal(terminal, negate),
        }
    }

    fn terminal(&mut self, terminal: &Terminal, negate: bool) -> Test {
        let name = &terminal.field;
        let Some(field) = Field::named(name) else {
            self.problems
                .push(format!("Field '{name}' does not exist or you do not have permission to view it."));
            return never();
        };
        if !field.supports(terminal.operator) {
            self.problems.push(format!(
                "The operator '{}' is not supported by the '{name}' field.",
                terminal.operator.as_str()
            ));
            return never();
        }
        let operator = if negate { terminal.operator.negated() } else { terminal.operator };
        let empty = terminal.operand == [Value::Empty];
        match (field.family(), operator) {
            _ if field == Field::Unset && !empty => never(),
            (_, Operator::Is | Operator::IsNot | Operator::Equals | Operator::NotEquals) if empty => {
                let wanted = matches!(operator, Operator::Is | Operator::Equals);
                Box::new(move |world, issue| is_empty(field, world, issue) == wanted)
            }
            (Family::Text | Family::AllText, _) => self.text(field, terminal, operator),
            (Family::Date, _) => self.date(field, terminal, operator),
            (Family::Number, _) => self.number(field, terminal, operator),
            (Family::Set | Family::Ranked | Family::SortOnly, _) => self.members(field, terminal, operator),
        }
    }

    fn members(&mut self, field: Field, terminal: &Terminal, operator: Operator) -> Test {
        let set = self.set(field, terminal);
        match operator {
            Operator::Equals | Operator::In | Operator::Is | Operator::Like => {
                Box::new(move |world, issue| set.holds(field, world, issue))
            }
            Operator::NotEquals | Operator::NotIn | Operator::IsNot | Operator::NotLike => {
                Box::new(move |world, issue| {
                    !is_empty(field, world, issue) && !set.holds(field, world, issue)
                })
            }
            Operator::Less | Operator::Greater | Operator::LessEquals | Operator::GreaterEquals => {
                let Some(bound) = set.values.first().copied() else { return never() };
                Box::new(move |world, issue| ranked(field, world, issue, operator, bound))
            }
        }
    }

    /// What the operand stands for; what stands for nothing becomes a problem and is dropped.
    fn set(&mut self, field: Field, terminal: &Terminal) -> Set {
        let mut set = Set::default();
        let name = &terminal.field;
        for value in &terminal.operand {
            match value {
                Value::Empty => set.empty = true,
                Value::Text(word)
                    if field == Field::Resolution && word.eq_ignore_ascii_case("unresolved") =>
                {
                    set.empty = true;
                }
                Value::Text(word) => match values::word(self.world, self.actor, field, word) {
                    Ok(values) => set.values.extend(values),
                    Err(unknown) => self.problems.push(match unknown {
                        Unknown::Value => {
                            format!("The value '{word}' does not exist for the field '{name}'.")
                        }
                        Unknown::Key => {
                            format!("An issue with key '{word}' does not exist for field '{name}'.")
                        }
                        Unknown::KeyForm => {
                            format!("The issue key '{word}' for field '{name}' is invalid.")
                        }
                    }),
                },
                Value::Call(call, arguments) => {
                    match values::call(self.world, self.actor, field, call, arguments) {
                        Some(values) => set.values.extend(values),
                        None => self.no_function(name, call),
                    }
                }
            }
        }
        set.values.sort_unstable();
        set
    }

    fn no_function(&mut self, field: &str, call: &str) {
        self.problems.push(match is_function(call) || dates::is_function(call) {
            true => format!("A value provided by the function '{call}' is invalid for the field '{field}'."),
            false => format!("Unable to find JQL function '{call}()'."),
        });
    }

    fn text(&mut self, field: Field, terminal: &Terminal, operator: Operator) -> Test {
        let name = &terminal.field;
        let text = match terminal.operand.as_slice() {
            [Value::Text(text)] => text,
            [Value::Call(call, _)] => {
                self.no_function(name, call);
                return never();
            }
            _ => {
                self.problems
                    .push(format!("The field '{name}' does not support searching for EMPTY values."));
                return never();
            }
        };
        let pattern = match Pattern::new(text) {
            Ok(pattern) => pattern,
            Err(why) => {
                self.problems.push(format!("The text query '{text}' for field '{name}' {why}"));
                return never();
            }
        };
        match operator {
            Operator::NotLike if field == Field::Text => {
                Box::new(move |world, issue| !pattern.finds(world, issue, field))
            }
            Operator::NotLike => Box::new(move |world, issue| {
                !is_empty(field, world, issue) && !pattern.finds(world, issue, field)
            }),
            _ => Box::new(move |world, issue| pattern.finds(world, issue, field)),
        }
    }

    fn date(&mut self, field: Field, terminal: &Terminal, operator: Operator) -> Test {
        let (now, name) = (self.world.now(), &terminal.field);
        let mut bounds = Vec::new();
        for value in &terminal.operand {
            match value {
                Value::Text(text) => match dates::literal(text, now) {
                    Some(at) => bounds.push(at),
                    None => self.problems.push(format!(
                        "Date value '{text}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd \
                         HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. \
                         '-5d', '4w 2d'."
                    )),
                },
                Value::Call(call, arguments) => match dates::call(call, arguments, now) {
                    Some(at) => bounds.push(at),
                    None if dates::is_function(call) => self.problems.push(format!(
                        "The arguments of the function '{call}' are invalid."
                    )),
                    None => self.no_function(name, call),
                },
                Value::Empty => self
                    .problems
                    .push(format!("The field '{name}' does not support searching for EMPTY values.")),
            }
        }
        if bounds.is_empty() {
            return never();
        }
        Box::new(move |_, issue| field.moment(issue).is_some_and(|at| related(operator, &at, &bounds)))
    }

    fn number(&mut self, field: Field, terminal: &Terminal, operator: Operator) -> Test {
        // The set is checked for its problems; the comparison is of the numbers themselves.
        let set = self.set(field, terminal);
        let bounds: Vec<f32> =
            set.values.iter().filter_map(|bits| u32::try_from(*bits).ok()).map(f32::from_bits).collect();
        if bounds.is_empty() && !set.empty {
            return never();
        }
        Box::new(move |_, issue| match issue.points {
            Some(points) => related(operator, &points, &bounds),
            None => set.empty && operator == Operator::In,
        })
    }
}

impl Set {
    fn holds(&self, field: Field, world: &World, issue: &Issue) -> bool {
        let (mut any, mut hit) = (false, false);
        field.visit(world, issue, |value| {
            any = true;
            hit = hit || self.values.binary_search(&value).is_ok();
        });
        hit || (self.empty && !any)
    }
}

fn is_empty(field: Field, world: &World, issue: &Issue) -> bool {
    let mut any = false;
    field.visit(world, issue, |_| any = true);
    !any
}

fn related<T: PartialOrd>(operator: Operator, value: &T, bounds: &[T]) -> bool {
    match operator {
        Operator::Equals | Operator::In | Operator::Is | Operator::Like => bounds.contains(value),
        Operator::NotEquals | Operator::NotIn | Operator::IsNot | Operator::NotLike => {
            !bounds.contains(value)
        }
        Operator::Less => bounds.iter().all(|bound| value < bound),
        Operator::Greater => bounds.iter().all(|bound| value > bound),
        Operator::LessEquals => bounds.iter().all(|bound| value <= bound),
        Operator::GreaterEquals => bounds.iter().all(|bound| value >= bound),
    }
}

/// Comparison along a field's own order: the numbers of one project's keys, the urgency of priorities,
/// the sequence of versions.
fn ranked(field: Field, world: &World, issue: &Issue, operator: Operator, bound: u64) -> bool {
    match field {
        Field::Key => {
            let other = u32::try_from(bound).ok().and_then(|id| world.issue(id));
            other.is_some_and(|other| {
                other.project == issue.project && related(operator, &issue.number, &[other.number])
            })
        }
        // The most urgent has the smallest id and is the greatest.
        Field::Priority => related(operator, &bound, &[u64::from(issue.priority)]),
        _ => {
            let mut hit = false;
            field.visit(world, issue, |value| hit = hit || related(operator, &value, &[bound]));
            hit
        }
    }
}
