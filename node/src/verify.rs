//! Checks proof files and receipts: offline, and against L1.

mod l1;
mod level;
mod receipt;

use serde::Serialize;
use weft_circuits::digest::CircuitDigest;
use weft_protocol::Address;
use weft_prover::CircuitSet;

use crate::proof_file::ProofFile;
use crate::receipt::Receipt;

pub use l1::{L1Error, OnL1, proven_root, verify_on_l1};
pub use level::SecurityLevel;
pub use receipt::{VerifiedReceipt, check_transaction, verify_receipt};

/// What has to hold besides the checks for a proof to mean what it says.
pub const ASSUMPTIONS: [&str; 3] = [
    "Poseidon over Goldilocks and Keccak-256 are collision resistant and may stand for random oracles",
    "FRI is sound up to list-decoding capacity: at least 100 bits in every layer under that conjecture",
    "the circuits of this program state PROTOCOL.md, and the batch before this one ended at root_before",
];
/// What remains open as long as L1 was not asked.
pub const WITHOUT_L1: &str =
    "nothing was asked of L1: whether the contract has verified this batch is still to be checked, with --l1";
/// What has to hold besides the checks for a receipt to mean what it says.
pub const OF_A_RECEIPT: &str = "the records hold neither key nor nonce nor expiry nor who owns the account that is paid: the proof \
    shows that the sender's key has signed a transaction between these accounts for this slot; that it was this very one is the \
    word of whoever made the file";
/// Parts of a receipt that the records do not hold: they are stated, not proven.
pub const STATED_BY_A_RECEIPT: [&str; 5] =
    ["id", "key", "transaction.nonce", "transaction.expiry", "transaction.recipient"];
/// What has to hold besides the checks for what L1 said to mean what it says.
pub const OF_L1: &str = "the L1 node that was asked tells the truth about a chain that is final; the contract was deployed \
    with the genesis root of PROTOCOL.md";

/// A file that can be verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Document {
    /// The proof of a batch.
    Proof(Box<ProofFile>),
    /// The receipt of a transaction.
    Receipt(Box<Receipt>),
}

impl Document {
    /// Reads either kind: the first check, which needs no circuits.
    ///
    /// # Errors
    /// The bytes are neither.
    pub fn read(bytes: &[u8]) -> Result<Self, FailedCheck> {
        if Receipt::recognises(bytes) {
            let receipt = Receipt::from_bytes(bytes).map_err(|error| Check::Format.failed(&error))?;
            return Ok(Self::Receipt(Box::new(receipt)));
        }
        read(bytes).map(|file| Self::Proof(Box::new(file)))
    }
}

/// A check that a file did not pass.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("check `{check}` failed: {reason}")]
pub struct FailedCheck {
    /// Name of the check.
    pub check: Check,
    /// What was wrong.
    pub reason: String,
}

/// The checks, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// The file is a proof file or a receipt in its one form.
    Format,
    /// The transaction of a receipt is signed by the key that it names.
    Signature,
    /// The records of the slot are those of the transaction.
    Slot,
    /// The proof belongs to the circuit of this program.
    Circuit,
    /// The fields name a batch and its records.
    Statement,
    /// The bytes are a proof of the circuit's shape.
    Encoding,
    /// The proof is valid.
    Proof,
    /// The proof is about this batch and these records.
    Binding,
    /// L1 is the chain that the file names.
    Chain,
    /// The contract at the address is the rollup of this program, in the file's domain.
    Contract,
    /// Its verifier is the one of the circuit, byte for byte.
    Verifier,
    /// The contract has taken the records of this batch, and derived from them what this program derives.
    Commitment,
    /// The contract has verified the proof of this batch, with this root.
    Verified,
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Format => "format",
            Self::Signature => "signature",
            Self::Slot => "slot",
            Self::Circuit => "circuit",
            Self::Statement => "statement",
            Self::Encoding => "encoding",
            Self::Proof => "proof",
            Self::Binding => "binding",
            Self::Chain => "chain",
            Self::Contract => "contract",
            Self::Verifier => "verifier",
            Self::Commitment => "commitment",
            Self::Verified => "verified",
        })
    }
}

/// What a verified file shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verified {
    /// Chain id of L1.
    pub chain_id: u64,
    /// The rollup's contract.
    pub contract: String,
    /// Number of the batch.
    pub number: u32,
    /// Time of the batch, UNIX seconds.
    pub timestamp: u64,
    /// Records of the batch.
    pub records: usize,
    /// State root before the batch.
    pub root_before: String,
    /// State root after it.
    pub root_after: String,
    /// Circuit of the proof.
    pub circuit: String,
    /// Digest of the public statement.
    pub statement: String,
}

impl Check {
    fn failed(self, reason: &impl ToString) -> FailedCheck {
        FailedCheck { check: self, reason: reason.to_string() }
    }
}

/// Checks that a file is about the contract that is meant.
///
/// # Errors
/// It is about another one.
pub fn check_contract(file: &ProofFile, meant: Address) -> Result<(), FailedCheck> {
    let contract = file.contract;
    if contract != meant {
        return Err(Check::Contract.failed(&format!("the file is about contract {contract}, {meant} is meant")));
    }
    Ok(())
}

/// Reads a proof file: the first check, which needs no circuits.
///
/// # Errors
/// The bytes are no proof file.
pub fn read(bytes: &[u8]) -> Result<ProofFile, FailedCheck> {
    ProofFile::from_bytes(bytes).map_err(|error| Check::Format.failed(&error))
}

/// Checks the rest of a file against the circuits of this program.
///
/// # Errors
/// The first check that fails.
pub fn verify(file: &ProofFile, circuits: &CircuitSet) -> Result<Verified, FailedCheck> {
    let family = circuits.family();
    let expected: CircuitDigest = family.wrap.summary().digest;
    let got = file.circuit;
    if expected != got {
        let reason = format!("the proof is one of circuit {got}, this program has {expected}");
        return Err(Check::Circuit.failed(&reason));
    }
    let statement = file.statement().map_err(|error| Check::Statement.failed(&error))?;
    let proof = family.decode_wrapped(&file.proof.0).map_err(|error| Check::Encoding.failed(&error))?;
    let got = family.verify_wrapped(&proof).map_err(|error| Check::Proof.failed(&error))?;
    let expected = statement.digest();
    if expected != got {
        let reason = format!("the proof is about statement {got}, the file describes {expected}");
        return Err(Check::Binding.failed(&reason));
    }
    Ok(Verified {
        chain_id: file.chain_id,
        contract: file.contract.to_string(),
        number: file.number,
        timestamp: file.timestamp,
        records: file.records.0.len() / weft_protocol::RECORD_BYTES,
        root_before: file.root_before.to_string(),
        root_after: file.root_after.to_string(),
        circuit: file.circuit.to_string(),
        statement: expected.to_string(),
    })
}
