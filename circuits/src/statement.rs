//! A claim told twice: natively and as constraints.

use std::fmt::Debug;

use crate::builder::Builder;
use crate::ledger::ClauseId;
use crate::wired::{Wired, Wires};

/// One claim of the protocol with its native and its in-circuit half.
///
/// Both halves must accept the same inputs with the same outputs, and the circuit must refuse by the clause that the
/// native half names: `conformance!` tests this.
pub trait Statement {
    /// Prefix of the clause ids, such as `TR`.
    const SPEC: &'static str;
    /// Ids of the clauses, as in PROTOCOL.md.
    const CLAUSES: &'static [ClauseId];
    /// What the claim is about.
    type Input: Wired + Clone + Debug;
    /// What follows from it.
    type Output: Wired + Clone + PartialEq + Debug;
    /// Why an input is refused.
    type Reject: Debug;

    /// The rule, natively.
    ///
    /// # Errors
    /// If the input violates a clause.
    fn evaluate(input: &Self::Input) -> Result<Self::Output, Self::Reject>;

    /// The rule as constraints, one [`Builder::clause`] for each id of [`Self::CLAUSES`].
    fn constrain(b: &mut Builder, input: &Wires<Self::Input>) -> Wires<Self::Output>;
}
