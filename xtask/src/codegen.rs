//! `cargo xtask codegen`: writes the generated sources of the contracts.
//!
//! * `src/generated/Poseidon.sol`: the hash library, from the field library's constants;
//! * `tests/testbed/*.yul`: the verifier of the small test circuit;
//! * `tests/testbed/rare/Gates.yul`: the gates that this circuit does not have.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use weft_contract::codegen::{self, GeneratedFile};
use weft_contract::testbed::{self, TestBed};

/// Directory of the contracts, relative to the root of the repository.
const CONTRACTS: &str = "verifier-contract";

/// What to do with the generated text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write it.
    Write,
    /// Compare it with the committed files.
    Check,
}

/// Generates all files.
///
/// # Errors
/// If a circuit has a gate without template, a file cannot be written, or with [`Action::Check`] differs.
pub fn run(root: &Path, action: Action) -> Result<()> {
    let contracts = root.join(CONTRACTS);
    let poseidon = codegen::generate_poseidon()?;
    emit(&contracts.join("src/generated"), &[poseidon], action)?;

    let bed = TestBed::new();
    let files = codegen::generate(&bed.wrap.common, &bed.wrap.verifier_only)?;
    emit(&contracts.join("tests/testbed"), &files, action)?;

    let rare = testbed::rare_gates();
    let mut files = codegen::generate(&rare.common, &rare.verifier_only)?;
    files.retain(|file| file.name == "Gates.yul");
    emit(&contracts.join("tests/testbed/rare"), &files, action)
}

fn emit(directory: &Path, files: &[GeneratedFile], action: Action) -> Result<()> {
    for GeneratedFile { name, text } in files {
        let path = directory.join(name);
        match action {
            Action::Write => {
                std::fs::create_dir_all(directory)
                    .with_context(|| format!("create {}", directory.display()))?;
                std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
            }
            Action::Check => {
                let committed = std::fs::read_to_string(&path)
                    .with_context(|| format!("read {}", path.display()))?;
                ensure!(
                    committed == *text,
                    "{} is not what codegen writes: run `cargo xtask codegen`",
                    path.display()
                );
            }
        }
    }
    Ok(())
}
