//! Signatures, checked before execution: they are most of the work of a transaction, and independent of each other.

use rayon::prelude::*;
use weft_protocol::{Domain, Reject, SignedTransaction};

/// A transaction whose signature is valid. Whether its key is that of the sender is a question to the state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckedTransaction(SignedTransaction);

impl CheckedTransaction {
    /// The transaction.
    #[must_use]
    pub fn get(&self) -> &SignedTransaction {
        &self.0
    }

    pub(crate) fn into_signed(self) -> SignedTransaction {
        self.0
    }
}

/// Checks the signatures in `domain` on rayon's threads (TX-3). The results stand in the order of the transactions.
///
/// A node works in one domain; a transaction checked in another one would make its batch unprovable.
#[must_use]
pub fn check_signatures(
    domain: &Domain,
    transactions: Vec<SignedTransaction>,
) -> Vec<Result<CheckedTransaction, Reject>> {
    let check = |signed: SignedTransaction| {
        if signed.signature_is_valid(domain) { Ok(CheckedTransaction(signed)) } else { Err(Reject::BadSignature) }
    };
    transactions.into_par_iter().map(check).collect()
}
