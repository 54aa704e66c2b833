//! The receipt of a transaction: what `GET /v1/transactions/{id}/receipt` gives, `weft tx --receipt` keeps and
//! `weft verify` reads.
//!
//! One file holds all that is needed to check, without the node, that the transaction was executed in a batch whose proof
//! holds: the signed transaction, the position of its slot, the file with the proof of its batch, and the L1 transactions
//! in which the contract took that batch. Like a proof file it is one JSON object in one form, so that no byte is without
//! meaning.

use serde::{Deserialize, Serialize};
use weft_api::{HexBytes, L1Hash, L1View};
use weft_protocol::crypto::Digest;
use weft_protocol::{CodecError, Record, SignedTransaction, TransactionKind, ValueError};

use crate::proof_file::{FormatError, ProofFile};

/// Content of a receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "Json", try_from = "Json")]
pub struct Receipt {
    /// The transaction as it was submitted.
    pub transaction: SignedTransaction,
    /// Position of its slot in the batch, counted from 0.
    pub slot: u32,
    /// Where L1 has the batch.
    pub l1: L1Pointer,
    /// The batch with its records and its proof; names chain and contract.
    pub batch: ProofFile,
}

/// The L1 transactions of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct L1Pointer {
    /// Hash of the one that published the records.
    pub commit: L1Hash,
    /// Hash of the one in which the contract verified the proof.
    pub prove: L1Hash,
}

/// A receipt cannot be read, or not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// It is no such JSON object.
    #[error("not a receipt: {0}")]
    Json(#[from] serde_json::Error),
    /// It says the same as a receipt, but is not written as one.
    #[error("not written as receipts are: differs from the one form at byte {position}")]
    NotCanonical {
        /// The first byte that differs.
        position: usize,
    },
    /// Another format or version.
    #[error("the file is a {got}, this program reads a {expected}")]
    Format {
        /// What this program reads.
        expected: &'static str,
        /// What the file says.
        got: String,
    },
    /// The transaction does not decode.
    #[error("the transaction does not decode: {0}")]
    Transaction(#[from] CodecError),
    /// The batch is no proof file.
    #[error(transparent)]
    Batch(#[from] FormatError),
    /// The contract has not verified the batch yet.
    #[error("L1 has not verified the batch of the transaction yet")]
    NotVerified,
}

/// The receipt as JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    format: String,
    transaction: HexBytes,
    slot: u32,
    l1: L1Pointer,
    batch: ProofFile,
}

impl Receipt {
    /// Name and version of the format, the first field of each receipt.
    pub const FORMAT: &'static str = "weft-receipt-1";

    /// The receipt of a transaction that was executed in `slot` of the batch with this proof file, whose L1 transactions
    /// are `l1`.
    ///
    /// # Errors
    /// [`ReceiptError::NotVerified`] until both L1 transactions exist, or the bytes are no proof file.
    pub fn new(
        transaction: SignedTransaction,
        slot: u32,
        proof_file: &[u8],
        l1: &L1View,
    ) -> Result<Self, ReceiptError> {
        let (Some(commit), Some(prove)) = (l1.commit, l1.prove) else { return Err(ReceiptError::NotVerified) };
        let batch = ProofFile::from_bytes(proof_file)?;
        Ok(Self { transaction, slot, l1: L1Pointer { commit: commit.hash, prove: prove.hash }, batch })
    }

    /// Whether bytes mean to be a receipt; says nothing about whether they are a good one.
    #[must_use]
    pub fn recognises(bytes: &[u8]) -> bool {
        bytes.starts_with(b"{\"format\":")
    }

    /// The bytes of the file.
    ///
    /// # Panics
    /// Never: nothing in it is without a form in JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and texts have a form in JSON")
    }

    /// Reads a receipt, in its one form only. Says nothing about whether it is true.
    ///
    /// # Errors
    /// The bytes are not what [`Self::to_bytes`] writes for some content.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let receipt = Self::try_from(serde_json::from_slice::<Json>(bytes)?)?;
        let written = receipt.to_bytes();
        if written != bytes {
            let same = written.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            return Err(ReceiptError::NotCanonical { position: same });
        }
        Ok(receipt)
    }

    /// Id of the transaction in the domain of the batch.
    ///
    /// # Errors
    /// The batch names no rollup.
    pub fn id(&self) -> Result<Digest, ValueError> {
        Ok(self.transaction.transaction.id(&self.batch.environment()?.domain))
    }

    /// The records that the transaction publishes.
    #[must_use]
    pub fn expected_records(&self) -> Vec<Record> {
        let transaction = &self.transaction.transaction;
        let first = transaction.record();
        match transaction.kind {
            TransactionKind::Transfer { .. } => vec![first],
            TransactionKind::Withdraw => vec![first, Record::address(&transaction.named_address)],
        }
    }
}

impl From<Receipt> for Json {
    fn from(receipt: Receipt) -> Self {
        let Receipt { transaction, slot, l1, batch } = receipt;
        let transaction = HexBytes(transaction.to_bytes().to_vec());
        Self { format: Receipt::FORMAT.to_owned(), transaction, slot, l1, batch }
    }
}

impl TryFrom<Json> for Receipt {
    type Error = ReceiptError;

    fn try_from(json: Json) -> Result<Self, ReceiptError> {
        let Json { format, transaction, slot, l1, batch } = json;
        if format != Self::FORMAT {
            return Err(ReceiptError::Format { expected: Self::FORMAT, got: format });
        }
        Ok(Self { transaction: SignedTransaction::from_bytes(&transaction.0)?, slot, l1, batch })
    }
}

#[cfg(test)]
mod tests;
