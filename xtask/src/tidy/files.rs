//! The files of the repository, as git knows them.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A text file, tracked by git or new and not ignored.
#[derive(Clone, Debug)]
pub(super) struct TextFile {
    /// Relative to the root of the repository, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl TextFile {
    #[cfg(test)]
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether the file's name ends in `.extension`.
    pub(super) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// Whether a folder of the path has this name.
    pub(super) fn is_below(&self, folder: &str) -> bool {
        let folders = self.path.rsplit_once('/').map_or("", |(folders, _)| folders);
        folders.split('/').any(|name| name == folder)
    }

    /// Whether all of the file is compiled for tests only: a module of tests or of what they share.
    pub(super) fn is_test(&self) -> bool {
        let names = ["tests.rs", "testing.rs"];
        let name = self.path.rsplit('/').next().unwrap_or_default();
        names.contains(&name) || self.is_below("tests") || self.is_below("testing")
    }

    /// Whether nobody wrote the file by hand: output of a generator, or test vectors.
    pub(super) fn is_generated(&self) -> bool {
        self.is_below("generated") || self.is_below("vectors") || self.is_below("snapshots")
    }
}

/// Folder of the workspace's manifest.
pub(super) fn repository_root() -> Result<PathBuf> {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Ok(manifest.parent().context("the manifest of xtask has no parent folder")?.to_owned())
}

/// Reads all text files below `root` that git tracks or would track. Binary files are left out.
pub(super) fn load(root: &Path) -> Result<Vec<TextFile>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let names = stdout_of(Command::new("git").args(list).current_dir(root))?;
    let mut names: Vec<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let path = root.join(name);
        // Deleted but not yet committed, or a link to a folder: nothing to read.
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {name}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(TextFile { path: name.to_owned(), text });
        }
    }
    Ok(files)
}

/// The cargo that runs this task.
pub(super) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// Runs `command` to its end and returns what it printed.
pub(super) fn stdout_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} printed no UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_extensions_are_taken_from_the_path() {
        let file = TextFile::new("circuits/src/generated/table.rs", "");
        assert!(file.is_generated() && file.has_extension("rs") && file.is_below("src"));
        let file = TextFile::new("circuits/src/generated.rs", "");
        assert!(!file.is_generated() && !file.has_extension("sol") && !file.is_test());
        for path in ["a/src/b/tests.rs", "tests/src/lib.rs", "a/src/testing/check.rs"] {
            assert!(TextFile::new(path, "").is_test(), "{path}");
        }
    }
}
