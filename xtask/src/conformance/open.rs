//! What is known to be missing, and why: a table that may only shrink.

use anyhow::{Context, Result};

use super::demands::cells;
use crate::command::root;

/// Where it is written.
pub const PAGE: &str = "docs/design/conformance-open.md";

/// A row or a clause that has no test yet, or a row that is no temperament.
pub struct Open {
    pub name: String,
    pub why: String,
}

pub fn read() -> Result<Vec<Open>> {
    let text = std::fs::read_to_string(root().join(PAGE)).context(PAGE)?;
    Ok(open(&text))
}

fn open(text: &str) -> Vec<Open> {
    let rows = text.lines().map(cells).filter(|cells| cells.len() == 2 && cells[0] != "open" && !cells[0].starts_with('-'));
    rows.map(|cells| Open { name: cells[0].to_owned(), why: cells[1].to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_the_table_is_no_row() {
        let open = open("| open | why |\n|---|---|\n| N7 | no streams yet |\n");
        assert_eq!(open.iter().map(|open| (open.name.as_str(), open.why.as_str())).collect::<Vec<_>>(), [("N7", "no streams yet")]);
    }
}
