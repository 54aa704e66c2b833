//! Relative links of the documents: the file exists, and so does the heading.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use super::Finding;
use super::files::TextFile;
use super::lexer::line_of;

/// Checks every link of every Markdown file.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let paths = known_paths(files);
    let documents = || files.iter().filter(|file| file.has_extension("md"));
    let anchors: BTreeMap<&str, BTreeSet<String>> =
        documents().map(|file| (file.path.as_str(), anchors(&file.text))).collect();
    let mut findings = Vec::new();
    for file in documents() {
        for (offset, target) in targets(&prose(&file.text)) {
            let problem = match resolve(&file.path, &target) {
                None => continue,
                Some((path, _)) if !paths.contains(&path) => format!("`{target}` does not exist"),
                Some((path, anchor)) => match anchors.get(path.as_str()) {
                    Some(known) if !anchor.is_empty() && !known.contains(&anchor) => {
                        format!("`{path}` has no heading `#{anchor}`")
                    }
                    _ => continue,
                },
            };
            findings.push(Finding::error(&file.path, line_of(&file.text, offset), "link", problem));
        }
    }
    findings
}

/// Files, and the folders that hold them.
fn known_paths(files: &[TextFile]) -> BTreeSet<String> {
    let with_folders = files.iter().flat_map(|file| Path::new(&file.path).ancestors());
    with_folders.map(|path| path.to_string_lossy().into_owned()).collect()
}

/// The document with fenced code and code spans blanked out, byte for byte.
fn prose(text: &str) -> String {
    let mut prose = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        fenced ^= fence;
        let mut in_span = fence || fenced;
        for c in line.chars() {
            if c == '`' && !fence && !fenced {
                in_span = !in_span;
            }
            if in_span && c != '\n' {
                prose.extend(std::iter::repeat_n(' ', c.len_utf8()));
            } else {
                prose.push(c);
            }
        }
    }
    prose
}

/// Targets of `[text](target)` and `[name]: target`, with their offsets.
fn targets(prose: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    for (open, _) in prose.match_indices("](") {
        let start = open + 2;
        let target: String = prose[start..].chars().take_while(|&c| c != ')' && c != '\n').collect();
        // What follows a space is the title.
        if let Some(target) = target.split_whitespace().next() {
            targets.push((start, target.to_owned()));
        }
    }
    let mut offset = 0;
    for line in prose.split_inclusive('\n') {
        if let Some((name, target)) = line.split_once("]: ")
            && name.starts_with('[')
            && !name.contains(']')
        {
            targets.push((offset + name.len(), target.trim().to_owned()));
        }
        offset += line.len();
    }
    targets
}

/// Path from the root and anchor of a relative link; `None` for a link to elsewhere.
fn resolve(document: &str, target: &str) -> Option<(String, String)> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    if path.is_empty() {
        return Some((document.to_owned(), anchor.to_owned()));
    }
    let folder = Path::new(document).parent().unwrap_or(Path::new(""));
    let mut parts: Vec<String> = Vec::new();
    for component in folder.join(path).components() {
        match component {
            Component::ParentDir if parts.pop().is_none() => parts.push("..".to_owned()),
            Component::ParentDir | Component::CurDir => {}
            other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    Some((parts.join("/"), anchor.to_owned()))
}

/// Anchors of the headings, as the usual Markdown viewers make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    // The prose tells which lines are headings; code spans in a heading belong to its anchor.
    for (line, prose) in text.lines().zip(prose(text).lines()) {
        if !prose.starts_with('#') {
            continue;
        }
        let slug = slug(line.trim_start_matches('#').trim());
        let numbered = (1..).map(|number| format!("{slug}-{number}"));
        let free = std::iter::once(slug.clone()).chain(numbered).find(|a| !anchors.contains(a));
        anchors.extend(free);
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(usize, String)> {
        let files = [
            TextFile::new("docs/a.md", text),
            TextFile::new("docs/b/c.md", "# One thing: `x` first\n\n## Twice\n## Twice\n"),
            TextFile::new("src/lib.rs", ""),
        ];
        check(&files).into_iter().map(|finding| (finding.line, finding.message)).collect()
    }

    #[test]
    fn links_to_files_folders_and_headings_resolve() {
        let text = "# Top\n[a](b/c.md) [b](./b/) [c](../src/lib.rs#L3 \"title\") [d](#top)\n\
                    [e](b/c.md#twice-1) [f](https://example.org/x) [g](mailto:a@b.c)\n[h]: ../src\n";
        assert_eq!(problems(text), []);
    }

    #[test]
    fn headings_with_code_have_anchors() {
        assert_eq!(problems("[a](b/c.md#one-thing-x-first)"), []);
    }

    #[test]
    fn broken_links_are_named_with_their_line() {
        let found = problems("\n[a](c.md) [b](b/c.md#three)\n\n[c]: ../../up.md\n");
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 2, 4]);
        assert_eq!(found[1].1, "`docs/b/c.md` has no heading `#three`");
    }

    #[test]
    fn code_holds_no_links() {
        assert_eq!(problems("`a[0](x)`\n```rust\nb[1](y)\n```\n"), []);
    }
}
