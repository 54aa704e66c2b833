//! Clauses of the protocol: each row of PROTOCOL.md's clause tables is constrained by a circuit
//! and named by a test that violates it.
//!
//! A clause table is one whose first column is headed `id` or `clause`; its rows begin with an id
//! such as `TR-1`. A row that says `(native)` or `(contract)` has no half in a circuit. In the
//! circuits an id is a string literal.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Finding;
use super::files::TextFile;
use super::lexer::{lex, line_of, test_items};

const PROTOCOL: &str = "PROTOCOL.md";
const MARKERS: [&str; 2] = ["(native)", "(contract)"];

/// A row of a clause table.
#[derive(Debug)]
struct Row {
    id: String,
    line: usize,
    in_circuit: bool,
}

/// Ids of clauses found as string literals in Rust files.
#[derive(Debug, Default)]
struct Mentions {
    /// In the circuits' own code, with one place each.
    in_circuits: BTreeMap<String, (String, usize)>,
    /// In tests of the circuits, or in the package of end-to-end tests.
    in_tests: BTreeSet<String>,
}

/// Checks PROTOCOL.md against the circuits and their tests.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let text = files.iter().find(|file| file.path == PROTOCOL).map_or("", |file| &file.text);
    let rows = rows(text);
    let mut findings = Vec::new();
    if rows.is_empty() {
        findings.push(Finding::error(PROTOCOL, 1, "clause", "there is no clause table"));
    }
    let mentions = mentions(files);
    let mut known = BTreeSet::new();
    for Row { id, line, in_circuit } in &rows {
        let mut report = |message: String| {
            findings.push(Finding::error(PROTOCOL, *line, "clause", message));
        };
        if !known.insert(id.as_str()) {
            report(format!("{id} has a row already"));
        } else if *in_circuit {
            if !mentions.in_circuits.contains_key(id) {
                report(format!("{id} is in no circuit"));
            }
            if !mentions.in_tests.contains(id) {
                report(format!("{id} is named by no test"));
            }
        }
    }
    for (id, (path, line)) in &mentions.in_circuits {
        if !known.contains(id.as_str()) {
            let message = format!("{id} has no row in {PROTOCOL}");
            findings.push(Finding::error(path, *line, "clause", message));
        }
    }
    findings
}

fn rows(protocol: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    // Whether the table that the line stands in is one of clauses; `None` outside of tables.
    let mut table = None;
    let mut fenced = false;
    for (index, line) in protocol.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        let cells = line.trim().strip_prefix('|').filter(|_| !fenced);
        let Some(first) = cells.and_then(|cells| cells.split('|').next()) else {
            table = None;
            continue;
        };
        let first = first.trim_matches(|c: char| c.is_whitespace() || matches!(c, '`' | '*'));
        let heading = first.to_lowercase();
        let of_clauses = *table.get_or_insert(heading == "id" || heading == "clause");
        if of_clauses && is_id(first) {
            let in_circuit = !MARKERS.iter().any(|marker| line.contains(marker));
            rows.push(Row { id: first.to_owned(), line: index + 1, in_circuit });
        }
    }
    rows
}

/// Capital letters, a hyphen, a number: `TR-1`.
fn is_id(text: &str) -> bool {
    let Some((statement, number)) = text.split_once('-') else {
        return false;
    };
    let digits = number.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(number);
    (1..=4).contains(&statement.len())
        && statement.bytes().all(|byte| byte.is_ascii_uppercase())
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn mentions(files: &[TextFile]) -> Mentions {
    let mut mentions = Mentions::default();
    for file in files.iter().filter(|file| file.has_extension("rs")) {
        let in_circuits = file.path.starts_with("circuits/");
        if !in_circuits && !file.path.starts_with("tests/") {
            continue;
        }
        let lexed = lex(&file.text);
        let test_code =
            if file.is_test() { vec![Range { start: 0, end: file.text.len() }] } else { test_items(&lexed.code) };
        for literal in lexed.literals.into_iter().filter(|literal| is_id(&literal.text)) {
            if test_code.iter().any(|range| range.contains(&literal.offset)) {
                mentions.in_tests.insert(literal.text);
            } else if in_circuits {
                let line = line_of(&file.text, literal.offset);
                mentions.in_circuits.entry(literal.text).or_insert((file.path.clone(), line));
            }
        }
    }
    mentions
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "\
| id | claim |\n|---|---|\n| TR-1 | a |\n| `TR-2` | b |\n| TR-3 | c (native) |\n\n\
| kind | id |\n|---|---|\n| WD-1 | x |\n";

    fn messages(protocol: &str, circuit: &str) -> Vec<String> {
        let files = [
            TextFile::new(PROTOCOL, protocol),
            TextFile::new("circuits/src/transfer.rs", circuit),
            TextFile::new("executor/src/lib.rs", "const A: &str = \"ZZ-9\";"),
        ];
        check(&files).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn constrained_and_tested_clauses_pass() {
        let circuit = "fn f() { clause(\"TR-1\"); clause(\"TR-2\"); }\n\
                       #[cfg(test)] mod tests { const A: [&str; 2] = [\"TR-1\", \"TR-2\"]; }";
        assert_eq!(messages(TABLES, circuit), [""; 0]);
    }

    #[test]
    fn a_clause_without_circuit_or_test_is_named() {
        let circuit = "fn f() { clause(\"TR-1\"); /* \"TR-2\" */ clause(\"TR-9\"); }\n\
                       #[cfg(test)] mod tests { const A: &str = \"TR-2\"; }";
        let expected = [
            "PROTOCOL.md:3: error [clause] TR-1 is named by no test",
            "PROTOCOL.md:4: error [clause] TR-2 is in no circuit",
            "circuits/src/transfer.rs:1: error [clause] TR-9 has no row in PROTOCOL.md",
        ];
        assert_eq!(messages(TABLES, circuit), expected);
    }

    #[test]
    fn a_second_row_and_an_empty_protocol_are_errors() {
        let twice = "| id |\n|---|\n| AB-1 (native) |\n| AB-2 | (native) |\n| AB-2 | (contract) |\n";
        assert_eq!(messages(twice, ""), ["PROTOCOL.md:5: error [clause] AB-2 has a row already"]);
        assert_eq!(messages("", "").len(), 1);
        assert_eq!(messages("```\n| id |\n| AB-1 |\n```\n", "").len(), 1);
    }

    #[test]
    fn tests_in_their_own_file_count() {
        let files = [
            TextFile::new(PROTOCOL, "| id |\n|---|\n| AB-1 |\n"),
            TextFile::new("circuits/src/a.rs", "const A: &str = \"AB-1\";"),
            TextFile::new("circuits/src/a/tests.rs", "const A: &str = \"AB-1\";"),
        ];
        assert_eq!(check(&files), []);
        assert_eq!(check(&files[..2]).len(), 1);
    }

    #[test]
    fn ids_are_letters_and_a_number() {
        assert!(is_id("TR-1") && is_id("A-10b") && is_id("SEAL-12"));
        assert!(!is_id("tr-1") && !is_id("TR-") && !is_id("-1") && !is_id("TR-1-2"));
        assert!(!is_id("ABCDE-1") && !is_id("TR"));
    }
}
