//! One feature set for the binary and for the tests. Cargo compiles a package once for each set of
//! features, and everything above it too; a feature that only tests ask for doubles that work.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use super::Finding;
use super::files::{cargo, stdout_of};

/// The manifest that can ask for more features.
const MANIFEST: &str = "node/Cargo.toml";

/// Packages, each with the feature sets it is compiled with (one for build scripts and macros,
/// one for the rest, which may be the same).
type Features<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Compares the dependencies of the binary with those of all targets of the workspace.
pub(super) fn check_workspace(root: &Path) -> Result<Vec<Finding>> {
    let tree = |scope: &[&str]| {
        let format = ["tree", "--prefix", "none", "--format", "{p};{f}"];
        stdout_of(cargo().args(format).args(scope).current_dir(root))
    };
    let binary = tree(&["--package", "weft", "--edges", "normal,build"])?;
    let all = tree(&["--workspace", "--edges", "normal,build,dev"])?;
    Ok(check(&binary, &all))
}

fn check(binary: &str, all: &str) -> Vec<Finding> {
    let all = features(all);
    let mut findings = Vec::new();
    for (package, sets) in features(binary) {
        let in_tests = all.get(package).cloned().unwrap_or_default();
        for set in sets.difference(&in_tests) {
            let tests: Vec<&str> = in_tests.iter().copied().collect();
            let tests = tests.join("] or [");
            let message = format!("{package} is [{set}] in the binary, [{tests}] in the tests");
            findings.push(Finding::error(MANIFEST, 1, "features", message));
        }
    }
    findings
}

fn features(tree: &str) -> Features<'_> {
    let mut features = Features::new();
    for line in tree.lines() {
        // A package that was printed before is marked with a star.
        if let Some((package, set)) = line.trim_end_matches(" (*)").split_once(';') {
            // Our own crates are printed with their folder.
            if !package.contains('(') {
                features.entry(package).or_default().insert(set);
            }
        }
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_the_binary_must_be_those_of_the_tests() {
        let all = "a v1;std\nb v2;\nonly-tests v1;x\nb v2; (*)\nb v2;std\n";
        assert_eq!(check("a v1;std\n\nb v2; (*)\n", all), []);
        assert_eq!(check("own v1 (folder);\n", "own v1 (folder);testing\n"), []);
        let found = check("a v1;\n", all);
        assert_eq!(found[0].message, "a v1 is [] in the binary, [std] in the tests");
    }
}
