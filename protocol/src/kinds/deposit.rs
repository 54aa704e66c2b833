//! Deposit to an account that exists: a total function of entry and state (PROTOCOL.md §8, DE).

use crate::{Deposit, ENTRY_COUNT, Effects, FeeSums, OTHERS_ENTRY_COUNT, Object, Outcome};

/// Credits the account, or bounces.
pub(crate) fn apply(deposit: &Deposit, a: Option<&Object>, fee_sums: FeeSums) -> Effects {
    let a_after = deposit.credited(a);
    let outcome = if a_after.is_some() { Outcome::Done } else { Outcome::Bounced };
    Effects { a_after, b_after: None, records: deposit.records(outcome), fee_sums, outcome }
}

impl Deposit {
    /// The account at the deposit's index (`None`: empty leaf) with the amount; `None` if the deposit bounces (DE-1).
    #[must_use]
    pub fn credited(&self, a: Option<&Object>) -> Option<Object> {
        let account = a.filter(|object| object.is_account() && object.owner == self.owner)?;
        if self.asset.is_none() || self.amount.is_zero() {
            return None;
        }
        let positions = if self.by_owner { ENTRY_COUNT } else { OTHERS_ENTRY_COUNT };
        account.credited(self.asset, self.amount, positions).ok()
    }
}
