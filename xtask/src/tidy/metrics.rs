//! Metrics: whatever dashboard, alerts and guide of the operators name is counted by the code, and the guide names all that
//! is counted.

use std::collections::BTreeSet;

use super::Finding;
use super::files::TextFile;

/// Folder of what operators use.
const FOLDER: &str = "docs/operations/";
/// The guide: it explains every metric.
const GUIDE: &str = "docs/operations/README.md";
/// How names begin.
const PREFIXES: [&str; 2] = ["weft_", "fleet_"];
/// What Prometheus adds to the name of a summary.
const SUFFIXES: [&str; 2] = ["_sum", "_count"];
/// Files that use a metric name the crate, or hold the names.
const MARKS: [&str; 2] = ["metrics::", "describe_counter!"];

pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let counted: BTreeSet<&str> =
        files.iter().filter(|file| counts(file)).flat_map(|file| literals(&file.text)).collect();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with(FOLDER)) {
        for (number, line) in (1..).zip(file.text.lines()) {
            for name in names(line).filter(|name| !counted.contains(base(name, &counted))) {
                let message = format!("no code counts `{name}`");
                findings.push(Finding::error(&file.path, number, "metrics", message));
            }
        }
    }
    if let Some(guide) = files.iter().find(|file| file.path == GUIDE) {
        let told: BTreeSet<&str> = names(&guide.text).collect();
        for name in counted.difference(&told) {
            findings.push(Finding::error(GUIDE, 1, "metrics", format!("the metric `{name}` is not explained")));
        }
    }
    findings
}

fn counts(file: &TextFile) -> bool {
    let is_product = file.has_extension("rs") && !file.is_test() && !file.path.starts_with("xtask/");
    is_product && MARKS.iter().any(|mark| file.text.contains(mark))
}

/// The metric that a series of this name belongs to.
fn base<'a>(name: &'a str, counted: &BTreeSet<&str>) -> &'a str {
    let stem = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
    stem.filter(|stem| counted.contains(stem)).unwrap_or(name)
}

/// String literals that are names of metrics.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|part| is_name(part))
}

/// Words that are names of metrics.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_letter(c)).filter(|word| is_name(word))
}

fn is_name(word: &str) -> bool {
    let rest = PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix));
    rest.is_some_and(|rest| !rest.is_empty()) && word.chars().all(is_letter)
}

fn is_letter(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> TextFile {
        TextFile::new("node/src/a.rs", text)
    }

    fn messages(files: &[TextFile]) -> Vec<String> {
        check(files).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn names_that_nobody_counts_are_found() {
        let code = code(r#"metrics::counter!("weft_a_total").increment(1); metrics::histogram!("fleet_b_seconds")"#);
        let guide = TextFile::new(GUIDE, "`weft_a_total`, `fleet_b_seconds`");
        let good =
            TextFile::new("docs/operations/alerts.yml", "rate(weft_a_total[5m]) / fleet_b_seconds_count{a=\"b\"}");
        assert!(messages(&[code.clone(), guide.clone(), good]).is_empty());
        let bad = TextFile::new("docs/operations/alerts.yml", "ok\nweft_a_totals > weft_a_total_sum + weft_b");
        assert_eq!(
            messages(&[code, guide, bad]),
            [
                "docs/operations/alerts.yml:2: error [metrics] no code counts `weft_a_totals`",
                "docs/operations/alerts.yml:2: error [metrics] no code counts `weft_b`",
            ]
        );
    }

    #[test]
    fn metrics_that_the_guide_does_not_explain_are_found() {
        let named = code(r#"pub const A: &str = "weft_a_total"; metrics::describe_counter!(A, "weft_ is a prefix");"#);
        let guide = TextFile::new(GUIDE, "weft_node is no metric of this file");
        assert_eq!(messages(&[named, guide]).len(), 2, "one that is not counted, one that is not explained");
        let elsewhere = TextFile::new("docs/other.md", "weft_nothing");
        let without_metrics = code(r#"let directive = "weft_node";"#);
        assert!(messages(&[elsewhere, without_metrics]).is_empty());
    }
}
