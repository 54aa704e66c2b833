//! What commands print: on stdout the result, as text or as one JSON object a line; everything else on stderr.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Output {
    /// Whether programs read it.
    pub(super) const fn is_json(self) -> bool {
        matches!(self, Self::Json)
    }

    /// Prints a result, in either form.
    pub(super) fn result(self, value: &impl Serialize, text: impl FnOnce() -> String) {
        match self {
            Self::Json => line(&serde_json::to_string(value).unwrap_or_else(|error| unwritable(&error))),
            Self::Text => line(text().trim_end_matches('\n')),
        }
    }

    /// Tells people what is going on; programs wait for the result.
    pub(super) fn note(self, text: &str) {
        if self == Self::Text {
            eprintln!("{text}");
        }
    }
}

fn unwritable(error: &serde_json::Error) -> String {
    Value::from(error.to_string()).to_string()
}

/// Prints a line. A reader that has gone away need not be told.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Columns, filled up with spaces; the last one is not.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let row_text = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(row_text).collect::<Vec<_>>().join("\n")
}

/// A row of a table.
macro_rules! row {
    ($($cell:expr),+ $(,)?) => { vec![$($cell.to_string()),+] };
}
pub(super) use row;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [row!["a", "long", "x"], row!["longer", 1, ""]];
        assert_eq!(table(&rows), "a       long  x\nlonger  1");
    }
}
