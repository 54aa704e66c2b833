//! `cargo xtask contracts`: compiles the contracts with the pinned compiler into committed artifacts.
//!
//! The compiler and the libraries come from `verifier-contract/package-lock.json`. Its input is one JSON object with
//! every source in it, so the artifacts depend on nothing but the committed files.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::codegen::Action;

/// Directory of the contracts, relative to the root of the repository.
const CONTRACTS: &str = "verifier-contract";

/// The compiler's version, the one in `package.json`.
const SOLC_VERSION: &str = "0.8.37";

/// How often the code is expected to run: far above any real number, so that it is laid out for gas. It fits.
const RUNS: u32 = 4_000_000_000;

/// Largest code that a chain deploys (EIP-170), in bytes.
const CODE_BYTES_MAX: usize = 24_576;

/// Language and settings of a contract's source.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// A contract in Solidity.
    Solidity,
    /// A Yul object; its interface is that of this Solidity interface, if any.
    Yul(Option<&'static str>),
}

/// A contract with an artifact.
#[derive(Clone, Copy, Debug)]
struct Contract {
    name: &'static str,
    /// Path of the source in the directory of the contracts.
    path: &'static str,
    source: Source,
    /// Directory of the artifact.
    artifacts: &'static str,
}

/// All contracts with an artifact.
const ALL: [Contract; 8] = [
    Contract { name: "Rollup", path: "src/Rollup.sol", source: Source::Solidity, artifacts: "artifacts" },
    Contract { name: "TestToken", path: "src/TestToken.sol", source: Source::Solidity, artifacts: "artifacts" },
    Contract {
        name: "Verifier",
        path: "src/generated/Verifier.yul",
        source: Source::Yul(Some("src/interfaces/IVerifier.sol")),
        artifacts: "artifacts",
    },
    Contract { name: "Gates", path: "src/generated/Gates.yul", source: Source::Yul(None), artifacts: "artifacts" },
    Contract {
        name: "PoseidonHarness",
        path: "tests/contracts/PoseidonHarness.sol",
        source: Source::Solidity,
        artifacts: "tests/testbed",
    },
    Contract {
        name: "Verifier",
        path: "tests/testbed/Verifier.yul",
        source: Source::Yul(Some("src/interfaces/IVerifier.sol")),
        artifacts: "tests/testbed",
    },
    Contract { name: "Gates", path: "tests/testbed/Gates.yul", source: Source::Yul(None), artifacts: "tests/testbed" },
    Contract {
        name: "Gates",
        path: "tests/testbed/rare/Gates.yul",
        source: Source::Yul(None),
        artifacts: "tests/testbed/rare",
    },
];

/// Compiles all contracts and writes or compares their artifacts.
///
/// # Errors
/// If the compiler cannot be installed, a contract does not compile or is too large, or with [`Action::Check`] an
/// artifact differs.
pub(crate) fn run(root: &Path, action: Action) -> Result<()> {
    let directory = root.join(CONTRACTS);
    install(&directory)?;
    let solidity = compile_solidity(&directory)?;
    let mut differing = Vec::new();
    for contract in ALL {
        let artifact = artifact(&directory, contract, &solidity)?;
        let path = directory.join(contract.artifacts).join(format!("{}.json", contract.name));
        match action {
            Action::Write => {
                std::fs::create_dir_all(directory.join(contract.artifacts))?;
                std::fs::write(&path, artifact).with_context(|| format!("write {}", path.display()))?;
            }
            Action::Check => {
                if std::fs::read_to_string(&path).unwrap_or_default() != artifact {
                    differing.push(path.display().to_string());
                }
            }
        }
    }
    ensure!(
        differing.is_empty(),
        "not what the sources compile to, run `cargo xtask contracts` and commit: {}",
        differing.join(", ")
    );
    Ok(())
}

/// Installs compiler and libraries if the installed ones are not those of the lock file.
fn install(directory: &Path) -> Result<()> {
    let stamp = directory.join("node_modules/.weft-lock");
    let lock = std::fs::read_to_string(directory.join("package-lock.json")).context("read package-lock.json")?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let status = Command::new("npm")
        .args(["ci", "--omit=optional"])
        .current_dir(directory)
        .stdout(Stdio::null())
        .status()
        .context("run npm: compiling the contracts needs Node.js with npm")?;
    ensure!(status.success(), "npm ci failed in {}", directory.display());
    std::fs::write(&stamp, lock).with_context(|| format!("write {}", stamp.display()))
}

/// Compiles all sources in Solidity: the compiler's `contracts` object.
fn compile_solidity(directory: &Path) -> Result<Value> {
    let mut sources = BTreeMap::new();
    let contracts = ALL.iter().filter(|contract| matches!(contract.source, Source::Solidity));
    let interfaces = ALL.iter().filter_map(|contract| match contract.source {
        Source::Yul(interface) => interface,
        Source::Solidity => None,
    });
    let mut wanted: Vec<String> =
        contracts.map(|contract| contract.path).chain(interfaces).map(str::to_owned).collect();
    while let Some(unit) = wanted.pop() {
        if sources.contains_key(&unit) {
            continue;
        }
        let text = read_unit(directory, &unit)?;
        wanted.extend(imports(&text).map(|import| resolve(&unit, import)));
        sources.insert(unit, json!({ "content": text }));
    }
    let settings = json!({
        "viaIR": true,
        "optimizer": { "enabled": true, "runs": RUNS },
        "evmVersion": "osaka",
        "metadata": { "appendCBOR": false, "bytecodeHash": "none" },
        "outputSelection": { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
    });
    let output = solc(directory, &json!({ "language": "Solidity", "sources": sources, "settings": settings }))?;
    Ok(output["contracts"].clone())
}

/// Whether a source is one of this repository.
fn is_ours(unit: &str) -> bool {
    unit.starts_with("src/") || unit.starts_with("tests/")
}

/// Text of a source: one of ours, or one of an installed library.
fn read_unit(directory: &Path, unit: &str) -> Result<String> {
    let path = if is_ours(unit) { directory.join(unit) } else { directory.join("node_modules").join(unit) };
    std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
}

/// Paths in the import directives of a source.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| line.starts_with("import ") || line.starts_with("} from "))
        .filter_map(|line| line.split('"').nth(1))
}

/// Name of the source that `unit` imports as `import`.
fn resolve(unit: &str, import: &str) -> String {
    if !import.starts_with('.') {
        return import.to_owned();
    }
    let mut path: Vec<&str> = unit.split('/').collect();
    path.pop();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}

/// Compiles a Yul object: the compiler's object for it.
fn compile_yul(directory: &Path, contract: Contract) -> Result<Value> {
    let text = read_unit(directory, contract.path)?;
    let settings = json!({
        "optimizer": { "enabled": true, "runs": RUNS, "details": { "yul": true } },
        "evmVersion": "osaka",
        "outputSelection": { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
    });
    let sources = json!({ contract.path: { "content": text } });
    let output = solc(directory, &json!({ "language": "Yul", "sources": sources, "settings": settings }))?;
    Ok(output["contracts"][contract.path][contract.name].clone())
}

/// Runs the compiler on a standard-JSON input; an error fails, and so does a warning about our own sources.
fn solc(directory: &Path, input: &Value) -> Result<Value> {
    let mut child = Command::new("node")
        .args(["scripts/compile.js", SOLC_VERSION])
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("run node")?;
    let mut stdin = child.stdin.take().context("node has no standard input")?;
    stdin.write_all(input.to_string().as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the compiler failed");
    let output: Value = serde_json::from_slice(&output.stdout).context("the compiler's output is no JSON")?;
    let messages: Vec<&str> = output["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|message| {
            let file = message["sourceLocation"]["file"].as_str().unwrap_or_default();
            message["severity"] == "error" || is_ours(file)
        })
        .filter_map(|message| message["formattedMessage"].as_str())
        .collect();
    if !messages.is_empty() {
        bail!("{}", messages.join("\n"));
    }
    Ok(output)
}

/// Text of a contract's artifact.
fn artifact(directory: &Path, contract: Contract, solidity: &Value) -> Result<String> {
    let (compiled, abi) = match contract.source {
        Source::Solidity => {
            let compiled = solidity[contract.path][contract.name].clone();
            let abi = compiled["abi"].clone();
            (compiled, abi)
        }
        Source::Yul(interface) => {
            let abi = interface.map_or(json!([]), |path| solidity[path][interface_name(path)]["abi"].clone());
            (compile_yul(directory, contract)?, abi)
        }
    };
    let code = |kind: &str| -> Result<String> {
        let object = compiled["evm"][kind]["object"].as_str();
        Ok(object.with_context(|| format!("{} is not in {}", contract.name, contract.path))?.to_owned())
    };
    let deployed = code("deployedBytecode")?;
    let bytes = deployed.len() / 2;
    ensure!(
        bytes <= CODE_BYTES_MAX,
        "{} has {bytes} bytes of code, at most {CODE_BYTES_MAX} can be deployed",
        contract.name
    );
    let artifact = json!({
        "contractName": contract.name,
        "abi": abi,
        "bytecode": format!("0x{}", code("bytecode")?),
        "deployedBytecode": format!("0x{deployed}"),
    });
    Ok(format!("{artifact}\n"))
}

/// Name of the interface in a file.
fn interface_name(path: &str) -> String {
    PathBuf::from(path).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_resolve_against_their_source() {
        assert_eq!(resolve("src/Rollup.sol", "./lib/Digests.sol"), "src/lib/Digests.sol");
        assert_eq!(resolve("tests/contracts/A.sol", "../../src/generated/Poseidon.sol"), "src/generated/Poseidon.sol");
        assert_eq!(resolve("src/Rollup.sol", "solady/src/utils/A.sol"), "solady/src/utils/A.sol");
    }

    #[test]
    fn import_directives_are_found() {
        let text = "import {A} from \"./A.sol\";\nimport {\n    B\n} from \"b/B.sol\";\n// \"c\"\n";
        assert_eq!(imports(text).collect::<Vec<_>>(), ["./A.sol", "b/B.sol"]);
    }
}
