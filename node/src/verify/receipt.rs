//! Receipts: is the transaction in the batch?

use serde::Serialize;
use weft_api::TransactionFields;
use weft_prover::CircuitSet;

use super::{Check, FailedCheck, Verified, verify};
use crate::receipt::Receipt;

/// What a verified receipt shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct VerifiedReceipt {
    /// Id of the transaction.
    pub id: String,
    /// What was signed.
    pub transaction: TransactionFields,
    /// Digest of the key that signed it.
    pub key: String,
    /// Position of its slot in the batch.
    pub slot: u32,
    /// The batch.
    pub batch: Verified,
}

/// Checks what needs no circuits: that the transaction is signed for this rollup, and that the slot's records are its own.
///
/// # Errors
/// The first check that fails.
pub fn check_transaction(receipt: &Receipt) -> Result<(), FailedCheck> {
    let Receipt { transaction, slot, batch, .. } = receipt;
    let environment = batch.environment().map_err(|error| Check::Statement.failed(&error))?;
    if !transaction.signature_is_valid(&environment.domain) {
        let key = transaction.key.digest();
        return Err(Check::Signature.failed(&format!("the signature is not that of key {key} for this rollup")));
    }
    let records = batch.records_of_slot(*slot).map_err(|error| Check::Statement.failed(&error))?;
    let number = batch.number;
    let Some(records) = records else {
        return Err(Check::Slot.failed(&format!("batch {number} has no slot {slot}")));
    };
    if records != receipt.expected_records() {
        let reason = format!("slot {slot} of batch {number} holds the records of another transaction");
        return Err(Check::Slot.failed(&reason));
    }
    Ok(())
}

/// Checks a receipt against the circuits of this program.
///
/// # Errors
/// The first check that fails.
pub fn verify_receipt(receipt: &Receipt, circuits: &CircuitSet) -> Result<VerifiedReceipt, FailedCheck> {
    check_transaction(receipt)?;
    let batch = verify(&receipt.batch, circuits)?;
    Ok(VerifiedReceipt {
        id: receipt.id().map_err(|error| Check::Statement.failed(&error))?.to_string(),
        transaction: TransactionFields::from(&receipt.transaction.transaction),
        key: receipt.transaction.key.digest().to_string(),
        slot: receipt.slot,
        batch,
    })
}
