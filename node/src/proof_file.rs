//! The file with the proof of a batch: what `GET /v1/batches/{n}/proof` gives and `weft verify` reads.
//!
//! One JSON object in one form: the fields in this order, no spaces. A reader refuses every other form, so that no byte of
//! a file is without meaning.

use serde::{Deserialize, Serialize};
use weft_api::{FixedBytes, HexBytes};
use weft_circuits::digest::CircuitDigest;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Domain, Environment, RECORD_BYTES, Record, SealStatement, Timestamp};
use weft_protocol::{ValueError, chain_records};

/// Content of the file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "Json", try_from = "Json")]
pub struct ProofFile {
    /// Version of the format.
    pub version: u32,
    /// Chain id of L1.
    pub chain_id: u64,
    /// The rollup's contract.
    pub contract: Address,
    /// Salt of the deployment's domain.
    pub genesis_salt: Digest,
    /// Number of the batch.
    pub number: u32,
    /// Time of the batch, UNIX seconds.
    pub timestamp: u64,
    /// State root before the batch.
    pub root_before: Digest,
    /// State root after it.
    pub root_after: Digest,
    /// The batch's public data.
    pub records: HexBytes,
    /// Digest of the circuit that the proof belongs to.
    pub circuit: CircuitDigest,
    /// The wrapped proof.
    pub proof: HexBytes,
}

/// A file is not in its one form.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It is no such JSON object.
    #[error("not a proof file: {0}")]
    Json(#[from] serde_json::Error),
    /// It says the same as a proof file, but is not written as one.
    #[error("not written as proof files are: differs from the one form at byte {position}")]
    NotCanonical {
        /// The first byte that differs.
        position: usize,
    },
    /// A word is not below the order of the field.
    #[error("{field} is no digest")]
    Digest {
        /// The field.
        field: &'static str,
    },
    /// Another version of the format.
    #[error("the file has version {got}, this program reads {expected}")]
    Version {
        /// What this program reads.
        expected: u32,
        /// What the file says.
        got: u32,
    },
    /// The records are not a whole number of records.
    #[error("{got} bytes are no sequence of records of {RECORD_BYTES} bytes")]
    Records {
        /// Length of the data.
        got: usize,
    },
    /// A number is out of its range.
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// The file as JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    version: u32,
    chain_id: u64,
    contract: FixedBytes<20>,
    genesis_salt: FixedBytes<32>,
    number: u32,
    timestamp: u64,
    root_before: FixedBytes<32>,
    root_after: FixedBytes<32>,
    records: HexBytes,
    circuit: FixedBytes<32>,
    proof: HexBytes,
}

impl From<ProofFile> for Json {
    fn from(file: ProofFile) -> Self {
        Self {
            version: file.version,
            chain_id: file.chain_id,
            contract: FixedBytes(file.contract.0),
            genesis_salt: FixedBytes(file.genesis_salt.to_bytes()),
            number: file.number,
            timestamp: file.timestamp,
            root_before: FixedBytes(file.root_before.to_bytes()),
            root_after: FixedBytes(file.root_after.to_bytes()),
            records: file.records,
            circuit: FixedBytes(file.circuit.0),
            proof: file.proof,
        }
    }
}

impl TryFrom<Json> for ProofFile {
    type Error = FormatError;

    fn try_from(json: Json) -> Result<Self, FormatError> {
        let digest = |field, word: &FixedBytes<32>| Digest::from_bytes(&word.0).ok_or(FormatError::Digest { field });
        if json.version != Self::VERSION {
            return Err(FormatError::Version { expected: Self::VERSION, got: json.version });
        }
        Ok(Self {
            version: json.version,
            chain_id: json.chain_id,
            contract: Address(json.contract.0),
            genesis_salt: digest("genesis_salt", &json.genesis_salt)?,
            number: json.number,
            timestamp: json.timestamp,
            root_before: digest("root_before", &json.root_before)?,
            root_after: digest("root_after", &json.root_after)?,
            records: json.records,
            circuit: CircuitDigest(json.circuit.0),
            proof: json.proof,
        })
    }
}

impl ProofFile {
    /// Version of the format that this program writes and reads.
    pub const VERSION: u32 = 1;

    /// The bytes of the file.
    ///
    /// # Panics
    /// Never: nothing in it is without a form in JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and texts have a form in JSON")
    }

    /// Reads a file, in its one form only. Says nothing about the proof.
    ///
    /// # Errors
    /// The bytes are not what [`Self::to_bytes`] writes for some content of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let file = Self::try_from(serde_json::from_slice::<Json>(bytes)?)?;
        let written = file.to_bytes();
        if written != bytes {
            let same = written.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            return Err(FormatError::NotCanonical { position: same });
        }
        Ok(file)
    }

    /// The records.
    ///
    /// # Errors
    /// The data are no sequence of records.
    pub fn records(&self) -> Result<Vec<Record>, FormatError> {
        let (records, rest) = self.records.0.as_chunks::<RECORD_BYTES>();
        if !rest.is_empty() {
            return Err(FormatError::Records { got: self.records.0.len() });
        }
        Ok(records.iter().map(Record::from_bytes).collect())
    }

    /// The records of a slot, at least one: a slot ends where a record follows that continues none. `None` if the batch
    /// has no such slot.
    ///
    /// # Errors
    /// The data are no sequence of records.
    pub fn records_of_slot(&self, slot: u32) -> Result<Option<Vec<Record>>, FormatError> {
        let records = self.records()?;
        let starts: Vec<_> = (0..records.len()).filter(|&at| !is_continuation(&records[at])).collect();
        let Ok(slot) = usize::try_from(slot) else { return Ok(None) };
        let end = starts.get(slot + 1).copied().unwrap_or(records.len());
        Ok(starts.get(slot).map(|&start| records[start..end].to_vec()))
    }

    /// What the batch was.
    ///
    /// # Errors
    /// Chain id or timestamp are out of range.
    pub fn environment(&self) -> Result<Environment, ValueError> {
        Ok(Environment {
            domain: Domain::new(self.chain_id, &self.contract, &self.genesis_salt)?,
            batch_number: self.number,
            timestamp: Timestamp::new(self.timestamp)?,
        })
    }

    /// The statement that the proof must prove, computed from the rest of the file as L1 computes it.
    ///
    /// # Errors
    /// The file names no batch, or its data are no records.
    pub fn statement(&self) -> Result<SealStatement, FormatError> {
        let records = self.records()?;
        let context = self.environment()?.context();
        let chain = chain_records(Digest::ZERO, &records);
        Ok(SealStatement::of_batch(context, [self.root_before, self.root_after], chain, &records))
    }
}

/// Whether a record continues the one before it: its class, the highest two bits of its kind, says so (PROTOCOL.md §5).
fn is_continuation(record: &Record) -> bool {
    record.limbs()[0] >> 54 & 0b11 == 0b11
}

#[cfg(test)]
mod tests;
