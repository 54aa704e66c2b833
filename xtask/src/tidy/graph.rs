//! Which crate may know which. The graph is the architecture: the list here is the decision,
//! cargo's manifests are checked against it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Finding;
use super::files::{cargo, stdout_of};

/// Crates with the crates they may depend on; what those may use they may use too.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("weft-crypto", &[]),
    ("weft-protocol", &["weft-crypto"]),
    ("weft-state-tree", &["weft-protocol"]),
    ("weft-executor", &["weft-state-tree"]),
    ("weft-circuits", &["weft-protocol"]),
    ("weft-storage", &["weft-protocol"]),
    ("weft-prover", &["weft-circuits", "weft-state-tree"]),
    ("weft-aggregator", &["weft-prover", "weft-storage"]),
    ("weft-contract", &["weft-circuits"]),
    ("weft-api", &["weft-protocol"]),
];

/// Crates at the top: they may use all of [`ALLOWED`], and no crate of that list uses them.
const FREE: [&str; 3] = ["weft", "weft-tests", "xtask"];

/// Packages of others that these crates do without, however indirectly, so that they build and
/// are tested without them.
const WITHOUT: [(&str, &[&str]); 5] = [
    ("weft-crypto", &["plonky2", "revm", "rocksdb", "tokio"]),
    ("weft-protocol", &["plonky2", "revm", "rocksdb", "tokio"]),
    ("weft-state-tree", &["plonky2", "revm", "tokio"]),
    ("weft-executor", &["plonky2", "revm", "tokio"]),
    ("weft-api", &["plonky2", "revm", "rocksdb"]),
];

/// A crate of the workspace: its manifest and its normal dependencies inside of the workspace.
#[derive(Debug)]
struct Member {
    manifest: String,
    uses: BTreeSet<String>,
}

/// Asks cargo for the workspace below `root` and checks it.
pub(super) fn check_workspace(root: &Path) -> Result<Vec<Finding>> {
    let metadata = ["metadata", "--format-version", "1", "--no-deps"];
    let metadata = stdout_of(cargo().args(metadata).current_dir(root))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is no JSON")?;
    let members = members(&metadata, root)?;
    let mut findings = check_members(&members);
    for (name, unwanted) in WITHOUT {
        let tree = ["tree", "--edges", "normal", "--prefix", "none", "--package", name];
        let tree = stdout_of(cargo().args(tree).current_dir(root))?;
        let manifest = members.get(name).map_or("Cargo.toml", |member| &member.manifest);
        findings.extend(check_reach(manifest, name, unwanted, &tree));
    }
    Ok(findings)
}

fn members(metadata: &Value, root: &Path) -> Result<BTreeMap<String, Member>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("expected a string");
    let names: BTreeSet<String> = packages.iter().map(|package| text(&package["name"])).collect::<Result<_>>()?;
    let mut members = BTreeMap::new();
    for package in packages {
        let dependencies = package["dependencies"].as_array().context("no dependencies")?;
        // The kind is null for a normal dependency, else "dev" or "build".
        let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
        let uses = normal
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|&name| names.contains(name))
            .map(str::to_owned)
            .collect();
        let manifest = text(&package["manifest_path"])?;
        let manifest = Path::new(&manifest).strip_prefix(root).unwrap_or(Path::new(&manifest));
        let manifest = manifest.to_string_lossy().replace('\\', "/");
        members.insert(text(&package["name"])?, Member { manifest, uses });
    }
    Ok(members)
}

fn check_members(members: &BTreeMap<String, Member>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, Member { manifest, uses }) in members {
        let mut report = |message: String| {
            findings.push(Finding::error(manifest, 1, "crate-graph", message));
        };
        let Some(allowed) = allowed_for(name) else {
            report(format!("`{name}` has no place in the crate graph: add it to the list"));
            continue;
        };
        for used in uses.iter().filter(|used| !allowed.contains(used.as_str())) {
            report(format!("`{name}` must not depend on `{used}`"));
        }
    }
    findings
}

/// All crates that `name` may depend on; `None` if the lists do not know it.
fn allowed_for(name: &str) -> Option<BTreeSet<&'static str>> {
    if FREE.contains(&name) {
        let listed = ALLOWED.iter().map(|&(name, _)| name);
        return Some(listed.chain(FREE).collect());
    }
    let (_, direct) = ALLOWED.iter().find(|&&(listed, _)| listed == name)?;
    let mut allowed = BTreeSet::new();
    for &used in *direct {
        allowed.insert(used);
        allowed.extend(allowed_for(used).unwrap_or_default());
    }
    Some(allowed)
}

fn check_reach(manifest: &str, name: &str, unwanted: &[&str], tree: &str) -> Vec<Finding> {
    let reached: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let found = unwanted.iter().filter(|&package| reached.contains(package));
    found
        .map(|package| {
            let message =
                format!("`{name}` must do without `{package}`: see `cargo tree -e normal -p {name} -i {package}`");
            Finding::error(manifest, 1, "crate-graph", message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(name: &str, uses: &[&str]) -> Vec<String> {
        let uses = uses.iter().map(|&used| used.to_owned()).collect();
        let member = Member { manifest: format!("{name}/Cargo.toml"), uses };
        let members = BTreeMap::from([(name.to_owned(), member)]);
        check_members(&members).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn crates_may_use_what_is_below_them() {
        assert!(messages("weft-executor", &["weft-state-tree", "weft-crypto"]).is_empty());
        assert!(messages("weft-aggregator", &["weft-circuits", "weft-protocol"]).is_empty());
        assert!(messages("weft", &["weft-executor", "weft-aggregator"]).is_empty());
        assert!(messages("xtask", &["weft-contract"]).is_empty());
    }

    #[test]
    fn executor_and_circuits_do_not_know_each_other() {
        assert_eq!(messages("weft-executor", &["weft-circuits"]).len(), 1);
        assert_eq!(messages("weft-circuits", &["weft-executor"]).len(), 1);
        assert_eq!(messages("weft-api", &["weft-state-tree", "weft-prover"]).len(), 2);
        assert_eq!(messages("weft-crypto", &["weft"]).len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_place() {
        assert!(messages("weft-utils", &[])[0].contains("no place"));
    }

    #[test]
    fn only_normal_dependencies_inside_of_the_workspace_count() -> Result<()> {
        let metadata = r#"{"packages": [
            {"name": "a", "manifest_path": "/x/a/Cargo.toml", "dependencies": [
                {"name": "b", "kind": null}, {"name": "c", "kind": "dev"}, {"name": "log", "kind": null}]},
            {"name": "b", "manifest_path": "/x/b/Cargo.toml", "dependencies": []},
            {"name": "c", "manifest_path": "/x/c/Cargo.toml", "dependencies": []}]}"#;
        let members = members(&serde_json::from_str(metadata)?, Path::new("/x"))?;
        assert_eq!(members["a"].manifest, "a/Cargo.toml");
        assert_eq!(members["a"].uses, BTreeSet::from(["b".to_owned()]));
        Ok(())
    }

    #[test]
    fn indirect_packages_are_found_in_the_tree() {
        let tree = "weft-api v0.1.0 (api)\naxum v0.8.9\nplonky2_field v1.0.0\nplonky2 v1.1.0 (*)\n";
        assert_eq!(check_reach("api/Cargo.toml", "weft-api", &["plonky2", "revm"], tree).len(), 1);
    }
}
