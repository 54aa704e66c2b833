//! Manifests of the crates: each takes the lints of the workspace.

use super::Finding;
use super::files::TextFile;

/// Checks every manifest of a crate.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let manifests = files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let crates = manifests.filter(|file| file.text.lines().any(|line| line.trim() == "[package]"));
    crates
        .filter(|file| !takes_workspace_lints(&file.text))
        .map(|file| {
            let message = "the manifest has no `[lints]` with `workspace = true`";
            Finding::error(&file.path, 1, "lints", message)
        })
        .collect()
}

fn takes_workspace_lints(manifest: &str) -> bool {
    let lines = manifest.lines().map(str::trim).skip_while(|&line| line != "[lints]").skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .any(|line| line.split_whitespace().collect::<String>() == "workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_come_from_the_workspace() {
        let check_text = |text: &str| check(&[TextFile::new("a/Cargo.toml", text)]).len();
        assert_eq!(check_text("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"), 0);
        assert_eq!(check_text("[package]\nedition.workspace = true\n"), 1);
        assert_eq!(check_text("[package]\n[lints]\n[other]\nworkspace = true\n"), 1);
        assert_eq!(check_text("[workspace]\nmembers = []\n"), 0);
    }
}
