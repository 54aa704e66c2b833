//! `cargo xtask codegen`: writes the generated sources of the contracts.
//!
//! * `src/generated/Poseidon.sol`: the hash library, from the field library's constants;
//! * `circuits/digests.txt`: size and identity of the circuits of a deployment;
//! * `src/generated/*.yul`: the verifier of these circuits;
//! * `tests/testbed/*.yul`: the verifier of the small test circuit;
//! * `tests/testbed/rare/Gates.yul`: the gates that this circuit does not have.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use weft_contract::codegen::{self, GeneratedFile};
use weft_contract::testbed::{self, TestBed};
use weft_prover::{CircuitSet, CircuitSizes};

/// Directory of the contracts, relative to the root of the repository.
const CONTRACTS: &str = "verifier-contract";

/// What to do with the generated text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Write it.
    Write,
    /// Compare it with the committed files.
    Check,
}

/// Generates all files.
///
/// # Errors
/// If a circuit has a gate without template, a file cannot be written, or with [`Action::Check`] differs.
pub(crate) fn run(root: &Path, action: Action) -> Result<()> {
    let contracts = root.join(CONTRACTS);
    let poseidon = codegen::generate_poseidon()?;
    emit(&contracts.join("src/generated"), &[poseidon], action)?;

    let circuits = production_circuits();
    emit(&root.join("circuits"), &[digests(&circuits)], action)?;
    let wrap = circuits.family().wrap.layer.verifier();
    let files = codegen::generate(&wrap.common, &wrap.verifier_only)?;
    emit(&contracts.join("src/generated"), &files, action)?;

    let bed = TestBed::new();
    let files = codegen::generate(&bed.wrap.common, &bed.wrap.verifier_only)?;
    emit(&contracts.join("tests/testbed"), &files, action)?;

    let rare = testbed::rare_gates();
    let mut files = codegen::generate(&rare.common, &rare.verifier_only)?;
    files.retain(|file| file.name == "Gates.yul");
    emit(&contracts.join("tests/testbed/rare"), &files, action)
}

/// The circuits of a deployment, from the cache that the launcher names if it is set.
fn production_circuits() -> CircuitSet {
    let cache = std::env::var_os("WEFT_CIRCUIT_CACHE").map(PathBuf::from);
    CircuitSet::load_or_build(CircuitSizes::PRODUCTION, cache.as_deref(), |progress| eprintln!("{progress:?}"))
}

/// Size and identity of each circuit, a line each: what a reader of a change compares.
fn digests(circuits: &CircuitSet) -> GeneratedFile {
    let mut text = String::from("# written by `cargo xtask codegen`\n");
    for summary in circuits.summaries() {
        text.push_str(&format!("{summary}\n"));
    }
    GeneratedFile { name: "digests.txt", text }
}

fn emit(directory: &Path, files: &[GeneratedFile], action: Action) -> Result<()> {
    for GeneratedFile { name, text } in files {
        let path = directory.join(name);
        match action {
            Action::Write => {
                std::fs::create_dir_all(directory).with_context(|| format!("create {}", directory.display()))?;
                std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
            }
            Action::Check => {
                let committed = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
                ensure!(committed == *text, "{} is not what codegen writes: run `cargo xtask codegen`", path.display());
            }
        }
    }
    Ok(())
}
