//! Tokens into a query.

use super::ast::{Clause, Operator, Query, Sort, Terminal, Value};
use super::lexer::{Kind, Token, tokens};
use super::reserved::reserved;

/// Nested deeper than this is refused, so that no query can exhaust the stack.
const DEPTH: usize = 64;

const KEYWORDS: [&str; 8] = ["and", "or", "not", "in", "is", "order", "was", "changed"];

/// Reads a query; the error is one of Jira's messages.
pub(super) fn parse(jql: &str) -> Result<Query, String> {
    let mut parser = Parser { tokens: tokens(jql)?, at: 0, depth: 0 };
    let query = parser.query().map_err(|what| format!("Error in the JQL Query: {what}"))?;
    Ok(query)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn skip(&mut self, keyword: &str) -> bool {
        let found = self.peek().is(keyword);
        if found {
            self.at += 1;
        }
        found
    }

    fn skip_kind(&mut self, kind: &Kind) -> bool {
        let found = self.peek().kind == *kind;
        if found {
            self.at += 1;
        }
        found
    }

    fn query(&mut self) -> Result<Query, String> {
        let none = self.peek().kind == Kind::End || self.peek().is("order");
        let clause = if none { None } else { Some(self.either()?) };
        let order = if self.skip("order") { self.order()? } else { Vec::new() };
        let rest = self.peek();
        match rest.kind {
            Kind::End => Ok(Query { clause, order }),
            _ if !order.is_empty() => {
                Err(format!("Expecting ',' but got '{}'. {}", rest.text(), rest.place()))
            }
            _ => Err(format!("Expecting either 'OR' or 'AND' but got '{}'. {}", rest.text(), rest.place())),
        }
    }

    fn either(&mut self) -> Result<Clause, String> {
        let mut clauses = vec![self.both()?];
        while self.skip("or") || self.skip_kind(&Kind::Or) {
            clauses.push(self.both()?);
        }
        Ok(if clauses.len() == 1 { clauses.remove(0) } else { Clause::Or(clauses) })
    }

    fn both(&mut self) -> Result<Clause, String> {
        let mut clauses = vec![self.one()?];
        while self.skip("and") || self.skip_kind(&Kind::And) {
            clauses.push(self.one()?);
        }
        Ok(if clauses.len() == 1 { clauses.remove(0) } else { Clause::And(clauses) })
    }

    fn one(&mut self) -> Result<Clause, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("The query is nested too deeply. {}", self.peek().place()));
        }
        let clause = if self.skip("not") || self.skip_kind(&Kind::Not) {
            Clause::Not(Box::new(self.one()?))
        } else if self.skip_kind(&Kind::Open) {
            let clause = self.either()?;
            let close = self.take();
            match close.kind {
                Kind::Close => clause,
                Kind::End => return Err("Expecting ')' before the end of the query.".to_owned()),
                _ => return Err(format!("Expecting ')' but got '{}'. {}", close.text(), close.place())),
            }
        } else {
            Clause::Terminal(self.terminal()?)
        };
        self.depth -= 1;
        Ok(clause)
    }

    fn terminal(&mut self) -> Result<Terminal, String> {
        let field = self.field()?;
        let operator = self.operator()?;
        let list = matches!(operator, Operator::In | Operator::NotIn);
        let operand = match self.peek().kind {
            Kind::Open => self.list()?,
            _ => vec![self.value()?],
        };
        let single = operand.len() == 1 && !matches!(self.tokens[self.at - 1].kind, Kind::Close);
        if list && single {
            return Err(format!(
                "Operator '{}' does not support the non-list value for field '{field}'.",
                operator.as_str()
            ));
        }
        if !list && operand.len() > 1 {
            return Err(format!(
                "Operator '{}' does not support a list of values for field '{field}'.",
                operator.as_str()
            ));
        }
        let emptiness = matches!(operator, Operator::Is | Operator::IsNot);
        if emptiness && operand != [Value::Empty] {
            return Err(format!(
                "The operator '{}' only supports the values EMPTY and NULL for field '{field}'.",
                operator.as_str()
            ));
        }
        Ok(Terminal { field, operator, operand })
    }

    fn field(&mut self) -> Result<String, String> {
        let token = self.take();
        match &token.kind {
            Kind::Quoted(name) => Ok(name.clone()),
            Kind::Word(name) if reserved(name) => Err(reserved_error(&token)),
            Kind::Word(name) => Ok(name.clone()),
            Kind::End => Err("Expecting a field name at the end of the query.".to_owned()),
            _ => Err(format!(
                "Expecting a field name but got '{0}'. You must surround '{0}' in quotation marks to use it as \
                 a field name. {1}",
                token.text(),
                token.place()
            )),
        }
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let token = self.take();
        if let Kind::Sign(sign) = token.kind {
            return Ok(match sign {
                "=" => Operator::Equals,
                "!=" => Operator::NotEquals,
                "<" => Operator::Less,
                ">" => Operator::Greater,
                "<=" => Operator::LessEquals,
                ">=" => Operator::GreaterEquals,
                "~" => Operator::Like,
                _ => Operator::NotLike,
            });
        }
        if token.is("in") {
            return Ok(Operator::In);
        }
        if token.is("not") && self.skip("in") {
            return Ok(Operator::NotIn);
        }
        if token.is("is") {
            return Ok(if self.skip("not") { Operator::IsNot } else { Operator::Is });
        }
        let valid = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' \
                     and 'IS NOT'.";
        match token.kind {
            Kind::End => Err(format!("Expecting operator before the end of the query. {valid}")),
            _ => Err(format!("Expecting operator but got '{}'. {valid} {}", token.text(), token.place())),
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, String> {
        self.take();
        let mut values = Vec::new();
        loop {
            values.push(self.value()?);
            let next = self.take();
            match next.kind {
                Kind::Comma => {}
                Kind::Close => return Ok(values),
                Kind::End => return Err("Expecting ')' before the end of the query.".to_owned()),
                _ => {
                    return Err(format!(
                        "Expecting either ',' or ')' but got '{}'. {}",
                        next.text(),
                        next.place()
                    ));
                }
            }
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        let token = self.take();
        match &token.kind {
            Kind::Quoted(text) => Ok(Value::Text(text.clone())),
            Kind::Word(word) if word.eq_ignore_ascii_case("empty") || word.eq_ignore_ascii_case("null") => {
                Ok(Value::Empty)
            }
            Kind::Word(word) if KEYWORDS.contains(&word.to_ascii_lowercase().as_str()) => {
                Err(no_value(&token))
            }
            Kind::Word(word) if self.peek().kind == Kind::Open => self.call(word.clone()),
            Kind::Word(word) if reserved(word) => Err(reserved_error(&token)),
            Kind::Word(word) => Ok(Value::Text(word.clone())),
            Kind::End => {
                Err("Expecting either a value, list or function before the end of the query.".to_owned())
            }
            _ => Err(no_value(&token)),
        }
    }

    fn call(&mut self, name: String) -> Result<Value, String> {
        self.take();
        let mut arguments = Vec::new();
        if self.skip_kind(&Kind::Close) {
            return Ok(Value::Call(name, arguments));
        }
        loop {
            let token = self.take();
            match &token.kind {
                Kind::Word(text) | Kind::Quoted(text) => arguments.push(text.clone()),
                _ => {
                    return Err(format!(
                        "Expecting a function argument but got '{}'. {}",
                        token.text(),
                        token.place()
                    ));
                }
            }
            let next = self.take();
            match next.kind {
                Kind::Comma => {}
                Kind::Close => return Ok(Value::Call(name, arguments)),
                Kind::End => return Err("Expecting ')' before the end of the query.".to_owned()),
                _ => {
                    return Err(format!(
                        "Expecting either ',' or ')' but got '{}'. {}",
                        next.text(),
                        next.place()
                    ));
                }
            }
        }
    }

    fn order(&mut self) -> Result<Vec<Sort>, String> {
        let by = self.take();
        if !by.is("by") {
            return Err(match by.kind {
                Kind::End => "Expecting 'by' before the end of the query.".to_owned(),
                _ => format!("Expecting 'by' but got '{}'. {}", by.text(), by.place()),
            });
        }
        let mut order = Vec::new();
        loop {
            let field = self.field()?;
            let descending = if self.skip("desc") { Some(true) } else { self.skip("asc").then_some(false) };
            order.push(Sort { field, descending });
            if !self.skip_kind(&Kind::Comma) {
                return Ok(order);
            }
        }
    }
}

fn reserved_error(token: &Token) -> String {
    format!(
        "'{}' is a reserved JQL word. You must surround it in quotation marks to use it in a query. {}",
        token.text(),
        token.place()
    )
}

fn no_value(token: &Token) -> String {
    format!(
        "Expecting either a value, list or function but got '{0}'. You must surround '{0}' in quotation marks \
         to use it as a value. {1}",
        token.text(),
        token.place()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(jql: &str) -> String {
        let error = parse(jql).unwrap_err();
        error.strip_prefix("Error in the JQL Query: ").expect("Jira's prefix").to_owned()
    }

    #[test]
    fn and_binds_closer_than_or() {
        let Some(Clause::Or(sides)) = parse("a = 1 OR b = 2 and NOT (c = 3)").unwrap().clause else {
            panic!()
        };
        assert!(matches!(&sides[1], Clause::And(parts) if matches!(parts[1], Clause::Not(_))));
    }

    #[test]
    fn every_operator_and_the_order_are_read() {
        let query = parse(
            "a not in (x, \"y z\", f(1)) and b is not EMPTY && c !~ d || e >= -7d \
             order by f desc, 'g h', i asc",
        )
        .unwrap();
        let directions: Vec<_> = query.order.iter().map(|sort| sort.descending).collect();
        assert_eq!(directions, [Some(true), None, Some(false)]);
        assert!(parse("").unwrap().clause.is_none());
        assert!(parse("ORDER BY key").unwrap().clause.is_none());
    }

    #[test]
    fn mistakes_are_named_in_jiras_words() {
        assert_eq!(
            error("project ="),
            "Expecting either a value, list or function before the end of the query."
        );
        assert_eq!(
            error("status = In Progress"),
            "Expecting either a value, list or function but got 'In'. You must surround 'In' in quotation marks \
             to use it as a value. (line 1, character 10)"
        );
        assert_eq!(
            error("project = A B = c"),
            "Expecting either 'OR' or 'AND' but got 'B'. (line 1, character 13)"
        );
        assert!(
            error("project GAIA").starts_with("Expecting operator but got 'GAIA'. The valid operators are")
        );
        assert!(error("(a = b").contains("Expecting ')' before the end"));
        assert!(error("project = order").contains("Expecting either a value"));
        for word in ["abort", "Select", "with"] {
            assert!(error(&format!("project = {word}")).contains("is a reserved JQL word"));
        }
        assert!(error("a is b").contains("only supports the values EMPTY and NULL"));
        assert!(error("a in b").contains("non-list value"));
        assert!(error("a = (b, c)").contains("a list of values"));
        assert!(error("a = b order key").contains("Expecting 'by'"));
        assert!(error(&"(".repeat(100_000)).contains("nested too deeply"));
        assert!(error(&"not ".repeat(100_000)).contains("nested too deeply"));
    }
}
