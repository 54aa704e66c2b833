//! How long files and functions may be. Long ones are where readers get lost.

use super::Finding;
use super::files::TextFile;
use super::lexer::{Lexed, find_word, item_at, lex, line_of, test_items};

/// Lines of a file, without its tests, above which it should be split.
const FILE_LINES_SOFT: usize = 400;
/// Lines of a file, without its tests, above which it must be split.
const FILE_LINES_HARD: usize = 600;
/// Lines of code in a function's body, without blank lines and comments (as clippy counts).
const FUNCTION_LINES: usize = 70;

/// Checks Rust and Solidity files that are neither generated nor vectors.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !file.is_generated()) {
        if file.has_extension("rs") {
            let lexed = lex(&file.text);
            if !file.is_test() {
                findings.extend(check_file(file, lines_without_tests(&lexed)));
            }
            findings.extend(check_functions(file, &lexed));
        } else if file.has_extension("sol") {
            findings.extend(check_file(file, file.text.lines().count()));
        }
    }
    findings
}

fn check_file(file: &TextFile, lines: usize) -> Option<Finding> {
    let message = |limit| format!("{lines} lines without tests, the limit is {limit}: split it");
    if lines > FILE_LINES_HARD {
        return Some(Finding::error(&file.path, 1, "file-size", message(FILE_LINES_HARD)));
    }
    (lines > FILE_LINES_SOFT).then(|| Finding::warning(&file.path, 1, "file-size", message(FILE_LINES_SOFT)))
}

fn lines_without_tests(lexed: &Lexed) -> usize {
    let lines = |text: &str| text.bytes().filter(|&byte| byte == b'\n').count();
    let in_tests: usize = test_items(&lexed.code).into_iter().map(|item| lines(&lexed.code[item]) + 1).sum();
    lines(&lexed.code).saturating_sub(in_tests)
}

fn check_functions(file: &TextFile, lexed: &Lexed) -> Vec<Finding> {
    let code = &lexed.code;
    let mut findings = Vec::new();
    for start in find_word(code, "fn") {
        let signature = code[start + 2..].trim_start();
        let name: String = signature.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect();
        // No name: a function pointer's type.
        let (Some(body), false) = (item_at(code, start).0, name.is_empty()) else {
            continue;
        };
        let lines = code[body].lines().filter(|line| !line.trim().is_empty()).count();
        if lines > FUNCTION_LINES {
            let message = format!("`{name}` has {lines} lines, the limit is {FUNCTION_LINES}");
            let line = line_of(code, start);
            findings.push(Finding::error(&file.path, line, "function-size", message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn levels(path: &str, text: &str) -> Vec<(usize, Level)> {
        let findings = check(&[TextFile::new(path, text)]);
        findings.into_iter().map(|finding| (finding.line, finding.level)).collect()
    }

    #[test]
    fn files_are_warned_about_then_refused() {
        assert_eq!(levels("a.rs", &"//\n".repeat(400)), []);
        assert_eq!(levels("a.rs", &"//\n".repeat(401)), [(1, Level::Warning)]);
        assert_eq!(levels("a.sol", &"//\n".repeat(601)), [(1, Level::Error)]);
        assert_eq!(levels("src/generated/a.rs", &"//\n".repeat(601)), []);
        assert_eq!(levels("src/a/tests.rs", &"//\n".repeat(601)), []);
        assert_eq!(levels("a.md", &"\n".repeat(601)), []);
    }

    #[test]
    fn tests_do_not_count() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "//\n".repeat(500));
        assert_eq!(levels("a.rs", &format!("{}{tests}", "//\n".repeat(400))), []);
        assert_eq!(levels("a.rs", &format!("{}{tests}", "//\n".repeat(401))).len(), 1);
    }

    #[test]
    fn functions_count_lines_of_code() {
        let function = |lines| format!("\nfn f() {{\n// why\n\n{}}}\n", "g();\n".repeat(lines));
        assert_eq!(levels("a.rs", &function(70)), []);
        assert_eq!(levels("a.rs", &function(71)), [(2, Level::Error)]);
        let pointer = format!("const A: fn() = f;\nstruct B {{\n{}}}\n", "a: u8,\n".repeat(80));
        assert_eq!(levels("a.rs", &pointer), []);
    }
}
