//! Words that must not be committed: paths of one machine, unfinished work, skipped tests.

use super::Finding;
use super::files::TextFile;
use super::lexer::{find_word, lex, line_of};

/// Folders that exist on the machine of whoever wrote the line. Spelled in pieces, so that this
/// file does not break its own rule.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/tmp/", "weft"),
];

/// In Rust code outside of comments and literals.
const RUST_WORDS: [(&str, &str); 4] = [
    ("todo!", "write it or leave it out"),
    ("unimplemented!", "write it or leave it out"),
    ("dbg!", "remove it"),
    ("#[ignore", "a test runs or does not exist"),
];

/// In sources, comments included.
const NOTES: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const NOTED_EXTENSIONS: [&str; 7] = ["rs", "sol", "toml", "js", "mjs", "ts", "sh"];

/// Focused tests hide all others.
const FOCUSED: &str = ".only(";
const SCRIPT_EXTENSIONS: [&str; 3] = ["js", "mjs", "ts"];

/// Checks every file.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let mut report = |offset, rule, message: String| {
            let line = line_of(&file.text, offset);
            findings.push(Finding::error(&file.path, line, rule, message));
        };
        for (offset, path) in machine_paths(&file.text) {
            report(offset, "machine-path", format!("`{path}` exists on one machine only"));
        }
        let has_any = |extensions: &[&str]| extensions.iter().any(|name| file.has_extension(name));
        if has_any(&NOTED_EXTENSIONS) {
            for note in NOTES {
                for offset in find_word(&file.text, note) {
                    report(offset, "note", format!("`{note}`: do it or leave it out"));
                }
            }
        }
        if has_any(&SCRIPT_EXTENSIONS) {
            for (offset, _) in file.text.match_indices(FOCUSED) {
                report(offset, "focused-test", format!("`{FOCUSED}` hides the other tests"));
            }
        }
        if file.has_extension("rs") {
            let code = lex(&file.text).code;
            for (word, advice) in RUST_WORDS {
                for offset in find_word(&code, word) {
                    report(offset, "word", format!("`{word}`: {advice}"));
                }
            }
        }
    }
    findings
}

/// Absolute paths only: not a folder `home` inside of a longer path or of an address.
fn machine_paths(text: &str) -> impl Iterator<Item = (usize, &'static str)> + '_ {
    let found =
        MACHINE_PATHS.into_iter().flat_map(|path| text.match_indices(path).map(move |(offset, _)| (offset, path)));
    found.filter(|&(offset, _)| {
        let before = text[..offset].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '~' | '}'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&[TextFile::new(path, text)]).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn machine_paths_are_found_everywhere_but_in_addresses() {
        let [first, ..] = MACHINE_PATHS;
        assert_eq!(rules("a.md", &format!("see {first}x")), ["machine-path"]);
        assert_eq!(rules("a.json", &format!("\"{first}x\"")), ["machine-path"]);
        assert_eq!(rules("a.md", &format!("https://example.org{first}x and $dir/{first}")).len(), 1);
        assert_eq!(rules("a.md", &format!("https://example.org{first}x")).len(), 0);
    }

    #[test]
    fn unfinished_code_is_found_outside_of_literals() {
        assert_eq!(rules("a.rs", "fn f() { todo!() }"), ["word"]);
        assert_eq!(rules("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"), ["word"]);
        assert_eq!(rules("a.rs", "const A: &str = \"dbg!\"; // unimplemented!"), [""; 0]);
        assert_eq!(rules("a.md", "never write todo!() or dbg!()"), [""; 0]);
    }

    #[test]
    fn notes_and_focused_tests_are_found() {
        let [note, _] = NOTES;
        assert_eq!(rules("a.sol", &format!("// {note}: later")), ["note"]);
        assert_eq!(rules("a.sol", &format!("// {note}S_COUNT")), [""; 0]);
        assert_eq!(rules("a.ts", "it.only(1)"), ["focused-test"]);
        assert_eq!(rules("a.rs", "x.only(1)"), [""; 0]);
    }
}
