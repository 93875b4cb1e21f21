//! What a query is made of.

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    /// `None` finds everything.
    pub clause: Option<Clause>,
    pub order: Vec<Sort>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Clause {
    And(Vec<Clause>),
    Or(Vec<Clause>),
    Not(Box<Clause>),
    Terminal(Terminal),
}

/// `field operator operand`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Terminal {
    pub field: String,
    pub operator: Operator,
    pub operand: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equals,
    NotEquals,
    Less,
    Greater,
    LessEquals,
    GreaterEquals,
    Like,
    NotLike,
    In,
    NotIn,
    Is,
    IsNot,
}

impl Operator {
    /// As Jira writes it in its messages.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Operator::Equals => "=",
            Operator::NotEquals => "!=",
            Operator::Less => "<",
            Operator::Greater => ">",
            Operator::LessEquals => "<=",
            Operator::GreaterEquals => ">=",
            Operator::Like => "~",
            Operator::NotLike => "!~",
            Operator::In => "in",
            Operator::NotIn => "not in",
            Operator::Is => "is",
            Operator::IsNot => "is not",
        }
    }

    /// What `NOT` makes of it.
    pub(super) fn negated(self) -> Operator {
        match self {
            Operator::Equals => Operator::NotEquals,
            Operator::NotEquals => Operator::Equals,
            Operator::Less => Operator::GreaterEquals,
            Operator::GreaterEquals => Operator::Less,
            Operator::Greater => Operator::LessEquals,
            Operator::LessEquals => Operator::Greater,
            Operator::Like => Operator::NotLike,
            Operator::NotLike => Operator::Like,
            Operator::In => Operator::NotIn,
            Operator::NotIn => Operator::In,
            Operator::Is => Operator::IsNot,
            Operator::IsNot => Operator::Is,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Empty,
    Call(String, Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sort {
    pub field: String,
    /// `None`: as the field likes it.
    pub descending: Option<bool>,
}
