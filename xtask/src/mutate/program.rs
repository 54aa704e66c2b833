//! The test program of the circuits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Variable with the site that is mutated.
const MUTANT: &str = "WEFT_MUTANT";
/// Variable with the file that receives the names of all sites.
const SITES: &str = "WEFT_MUTATION_SITES";
/// Tests that compare with a recording, that test the tools, or that are about the form of gates and not their meaning.
const SILENT: [&str; 7] = ["recorded_one", "rows", "fingerprint", "conforms", "cache::", "testing::", "the_degree"];

/// A test and what it comes across.
pub(super) struct Test {
    pub(super) name: String,
    pub(super) time: Duration,
    pub(super) sites: BTreeSet<String>,
}

/// The program, built: a copy, so that later builds do not change it under a campaign.
pub(super) struct Program {
    path: PathBuf,
    folder: PathBuf,
}

impl Drop for Program {
    fn drop(&mut self) {
        // Whatever stays behind lies in a folder for temporary files.
        let _ = fs::remove_file(&self.path);
    }
}

impl Program {
    /// Lets cargo build it.
    pub(super) fn build(root: &Path) -> Result<Self> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["test", "--package", "weft-circuits", "--lib", "--no-run", "--message-format=json"]);
        let output = cargo.current_dir(root).stderr(Stdio::inherit()).output().context("cannot run cargo")?;
        ensure!(output.status.success(), "the tests of the circuits do not build");
        let text = String::from_utf8(output.stdout).context("cargo prints UTF-8")?;
        let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let path = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
        let copy = env::temp_dir().join(format!("weft-mutated-{}", process::id()));
        fs::copy(path.context("cargo names no test program")?, &copy).context("cannot copy the test program")?;
        Ok(Self { path: copy, folder: root.join("circuits") })
    }

    /// The tests that count.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let output = Command::new(&self.path).args(["--list", "--format=terse"]).output()?;
        let text = String::from_utf8(output.stdout).context("names are UTF-8")?;
        let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
        let names = names.filter(|name| !SILENT.iter().any(|silent| name.contains(silent)));
        Ok(names.map(str::to_owned).collect())
    }

    /// Runs a test without any mutation.
    pub(super) fn record(&self, name: &str) -> Result<Test> {
        let file = env::temp_dir().join(format!("weft-sites-{}-{name}", process::id()));
        let start = Instant::now();
        let status = self.command(name).env(SITES, &file).status()?;
        let time = start.elapsed();
        ensure!(status.success(), "{name} fails without any mutation");
        // A test without constraints writes no file.
        let sites = fs::read_to_string(&file).unwrap_or_default();
        if !sites.is_empty() {
            fs::remove_file(&file)?;
        }
        eprintln!("{:8.1} s  {name}", time.as_secs_f64());
        Ok(Test { name: name.to_owned(), time, sites: sites.lines().map(str::to_owned).collect() })
    }

    /// Whether a test passes though this site is mutated.
    pub(super) fn passes(&self, name: &str, site: &str) -> Result<bool> {
        Ok(self.command(name).env(MUTANT, site).status()?.success())
    }

    /// Circuits come from their source, snapshots always agree, and a test uses one core.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.path);
        command.args(["--exact", name, "--test-threads=1"]).current_dir(&self.folder);
        command.env_remove("WEFT_CIRCUIT_CACHE").env("RAYON_NUM_THREADS", "1");
        command.envs([("INSTA_FORCE_PASS", "1"), ("INSTA_UPDATE", "no")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}
