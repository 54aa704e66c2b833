//! Mutants that were noticed, on disk: a campaign can be stopped and continued.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use anyhow::{Context as _, Result};

use super::Fate;

/// The tests by the mutants that they noticed.
#[derive(Default)]
pub(super) struct Known {
    killers: BTreeMap<String, String>,
    file: Option<Mutex<File>>,
}

impl Known {
    /// What a file holds, a mutant and its test on a line with a tab between; nothing without a file.
    pub(super) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        let killers = lines.map(|(site, test)| (site.to_owned(), test.to_owned())).collect();
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { killers, file: Some(Mutex::new(file)) })
    }

    /// The test that noticed this mutant in an earlier run.
    pub(super) fn killer(&self, site: &str) -> Option<&str> {
        self.killers.get(site).map(String::as_str)
    }

    /// Adds what was noticed now.
    pub(super) fn add(&self, site: &str, fate: &Fate) -> Result<()> {
        if let (Fate::Killed(test), Some(file), None) = (fate, &self.file, self.killer(site)) {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            writeln!(file, "{site}\t{test}").context("cannot add to the known mutants")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noticed_mutants_are_known_to_the_next_run() {
        let path = std::env::temp_dir().join(format!("weft-known-{}", std::process::id()));
        let first = Known::read(Some(&path)).unwrap();
        first.add("A: equal 0", &Fate::Killed("a::test".to_owned())).unwrap();
        first.add("A: equal 1", &Fate::Survived(3)).unwrap();
        let second = Known::read(Some(&path)).unwrap();
        second.add("A: equal 0", &Fate::Killed("a::test".to_owned())).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!((second.killer("A: equal 0"), second.killer("A: equal 1")), (Some("a::test"), None));
        assert_eq!(text, "A: equal 0\ta::test\n");
    }
}
