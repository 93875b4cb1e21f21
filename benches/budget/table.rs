//! The one table that comes out.

/// A line of the table.
pub struct Row {
    what: String,
    jira: String,
    reference: String,
    measured: f64,
    budget: f64,
    unit: &'static str,
}

/// The lines so far.
#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// Adds a line. `measured` must not exceed `budget`; both are in `unit`.
    pub fn add(
        &mut self,
        what: &str,
        (jira, reference): (String, String),
        measured: f64,
        budget: f64,
        unit: &'static str,
    ) {
        self.0.push(Row { what: what.to_owned(), jira, reference, measured, budget, unit });
    }

    /// Prints it, and says whether every line is within its budget.
    pub fn print(&self) -> bool {
        println!("| what | jira | reference | measured | budget | |");
        println!("|---|---|---|---|---|---|");
        for Row { what, jira, reference, measured, budget, unit } in &self.0 {
            let digits = if measured.fract() == 0.0 { 0 } else { 2 };
            let word = if measured <= budget { "ok" } else { "OVER" };
            println!(
                "| {what} | {jira} | {reference} | {measured:.digits$} {unit} | {budget} {unit} | {word} |"
            );
        }
        self.0.iter().all(|row| row.measured <= row.budget)
    }
}
