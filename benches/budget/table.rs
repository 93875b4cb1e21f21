//! The one table that comes out.

/// A line of the table.
pub struct Row {
    what: String,
    jira: String,
    reference: String,
    measured: f64,
    bound: Bound,
    unit: &'static str,
}

/// What a measured value must not cross.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    fn holds(self, measured: f64) -> bool {
        match self {
            Bound::AtMost(most) => measured <= most,
            Bound::AtLeast(least) => measured >= least,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bound::AtMost(most) => write!(f, "{most}"),
            Bound::AtLeast(least) => write!(f, "at least {least}"),
        }
    }
}

/// The lines so far.
#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// Adds a line. `measured` must not exceed `budget`; both are in `unit`.
    pub fn add(
        &mut self,
        what: &str,
        columns: (String, String),
        measured: f64,
        budget: f64,
        unit: &'static str,
    ) {
        self.push(what, columns, measured, Bound::AtMost(budget), unit);
    }

    /// Adds a line whose measured value must reach the budget.
    pub fn at_least(
        &mut self,
        what: &str,
        columns: (String, String),
        measured: f64,
        budget: f64,
        unit: &'static str,
    ) {
        self.push(what, columns, measured, Bound::AtLeast(budget), unit);
    }

    fn push(
        &mut self,
        what: &str,
        (jira, reference): (String, String),
        measured: f64,
        bound: Bound,
        unit: &'static str,
    ) {
        self.0.push(Row { what: what.to_owned(), jira, reference, measured, bound, unit });
    }

    /// Prints it, and says whether every line is within its budget.
    pub fn print(&self) -> bool {
        println!("| what | jira | reference | measured | budget | |");
        println!("|---|---|---|---|---|---|");
        for Row { what, jira, reference, measured, bound, unit } in &self.0 {
            let digits = if measured.fract() == 0.0 { 0 } else { 2 };
            let word = if bound.holds(*measured) { "ok" } else { "OVER" };
            println!(
                "| {what} | {jira} | {reference} | {measured:.digits$} {unit} | {bound} {unit} | {word} |"
            );
        }
        self.0.iter().all(|row| row.bound.holds(row.measured))
    }
}
