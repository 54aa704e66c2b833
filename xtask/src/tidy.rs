//! `cargo xtask tidy`: the rules of the repository that no compiler checks.
//!
//! Every check is a pure function from the text of files to [`Finding`]s, so that it is tested on
//! small inputs; only this module and [`files`] touch the disk, git and cargo.

mod clauses;
mod features;
mod files;
mod graph;
mod lexer;
mod links;
mod manifests;
mod metrics;
mod sizes;
mod words;

use std::fmt;

use anyhow::{Result, bail};

/// Whether a finding fails the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Reported only.
    Warning,
    /// Fails the run.
    Error,
}

/// A rule that a line of a file does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    level: Level,
    /// Relative to the root of the repository.
    path: String,
    /// From 1.
    line: usize,
    /// Short name of the rule.
    rule: &'static str,
    message: String,
}

impl Finding {
    fn error(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Error, path: path.to_owned(), line, rule, message: message.into() }
    }

    fn warning(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(path, line, rule, message) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, path, line, rule, message } = self;
        let level = match level {
            Level::Warning => "warning",
            Level::Error => "error",
        };
        write!(f, "{path}:{line}: {level} [{rule}] {message}")
    }
}

/// Runs every check on the files git knows, prints the findings.
///
/// # Errors
/// If a rule is broken, or git or cargo cannot be asked.
pub(crate) fn run() -> Result<()> {
    let root = files::repository_root()?;
    let files = files::load(&root)?;
    let mut findings = graph::check_workspace(&root)?;
    findings.extend(features::check_workspace(&root)?);
    findings.extend(manifests::check(&files));
    findings.extend(sizes::check(&files));
    findings.extend(clauses::check(&files));
    findings.extend(links::check(&files));
    findings.extend(words::check(&files));
    findings.extend(metrics::check(&files));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    let warnings = findings.len() - errors;
    println!("tidy: {} files, {errors} errors, {warnings} warnings", files.len());
    if errors > 0 {
        bail!("tidy found {errors} broken rules");
    }
    Ok(())
}
