//! Figures, on their way into `docs/proofs/`.

use std::fmt::Write as _;

/// A page of tables; written to the file that `TRUNKLINE_FIGURES` names when it ends.
#[derive(Default)]
pub struct Figures {
    text: String,
}

impl Figures {
    /// Begins a table.
    pub fn section(&mut self, title: &str) {
        writeln!(self.text, "\n## {title}\n\n| what | figure |\n|---|---|").expect("text");
    }

    /// Adds a row.
    pub fn row(&mut self, what: &str, figure: impl std::fmt::Display) {
        writeln!(self.text, "| {what} | {figure} |").expect("text");
        eprintln!("  {what}: {figure}");
    }

    /// Keeps what was found so far.
    pub fn keep(&self) {
        if let Some(file) = std::env::var_os("TRUNKLINE_FIGURES") {
            std::fs::write(file, &self.text).expect("figures");
        }
    }
}
