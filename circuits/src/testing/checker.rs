//! Checks every constraint of a circuit on a finished witness, without generators and without a proof.
//!
//! Rows are evaluated with the equations that the verifier uses. Copies need no check: wires that are connected share a
//! value in the library's witness. Lookups are not supported, and the circuits of this crate have none.

use std::collections::BTreeSet;

use plonky2::field::extension::Extendable;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::gates::gate::GateRef;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::hashing::hash_n_to_hash_no_pad;
use plonky2::hash::poseidon::PoseidonPermutation;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness as _};
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::vars::EvaluationVars;
use plonky2_maybe_rayon::{MaybeIntoParIter, ParallelIterator};

use crate::builder::Circuit;
use crate::config::{D, F};
use crate::ledger::{Assertion, Claim, ClauseId};

type Extension = <F as Extendable<D>>::Extension;

/// Value of a selector polynomial in rows whose gate belongs to another selector.
const UNUSED_SELECTOR: u64 = 0xffff_ffff;

/// A constraint that a witness breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A recorded claim is false.
    Clause(Assertion),
    /// A row does not satisfy its gate.
    Gate {
        /// The row.
        row: usize,
        /// Id of the gate.
        gate: String,
        /// Constraint of the gate, the first that fails.
        constraint: usize,
        /// Scope that was open when the row was added; other clauses may share the row.
        scope: Option<ClauseId>,
    },
}

/// A circuit with its rows laid out for checking.
#[derive(Debug)]
pub struct Checker<'a, K: GenericConfig<D, F = F>> {
    circuit: &'a Circuit<K>,
    /// Index of each row's gate in the common data.
    gate_of_row: Vec<usize>,
    /// Each row's constants.
    constants: Vec<Vec<Extension>>,
}

/// Checks gates and recorded claims.
///
/// # Errors
/// Everything that the witness breaks, recorded claims first.
pub fn check<K: GenericConfig<D, F = F>>(
    circuit: &Circuit<K>,
    witness: &PartitionWitness<'_, F>,
) -> Result<(), Vec<Violation>> {
    let checker = Checker::new(circuit);
    let mut violations = checker.broken_claims(witness);
    violations.extend(checker.broken_rows(witness));
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

/// The clauses among the violations.
#[must_use]
pub fn clauses_of(violations: &[Violation]) -> BTreeSet<ClauseId> {
    violations
        .iter()
        .filter_map(|violation| match violation {
            Violation::Clause(assertion) => Some(assertion.clause),
            Violation::Gate { .. } => None,
        })
        .collect()
}

impl<'a, K: GenericConfig<D, F = F>> Checker<'a, K> {
    /// Reads selectors and constants from the circuit's preprocessed polynomials.
    ///
    /// # Panics
    /// If the circuit has lookups.
    #[must_use]
    pub fn new(circuit: &'a Circuit<K>) -> Self {
        let common = &circuit.data.common;
        assert!(common.luts.is_empty(), "lookup tables are not checked here");
        let columns: Vec<_> = circuit.data.prover_only.constants_sigmas_commitment.polynomials[..common.num_constants]
            .iter()
            .map(|polynomial| polynomial.clone().fft().values)
            .collect();
        let (selectors, constants) = columns.split_at(common.selectors_info.num_selectors());
        let gate_of_row = (0..common.degree())
            .map(|row| {
                let index = selectors
                    .iter()
                    .map(|selector| selector[row].to_canonical_u64())
                    .find(|&index| index != UNUSED_SELECTOR)
                    .expect("one selector names the gate of each row");
                usize::try_from(index).expect("a circuit has few gates")
            })
            .collect();
        let constants = (0..common.degree())
            .map(|row| constants.iter().map(|column| Extension::from(column[row])).collect())
            .collect();
        Self { circuit, gate_of_row, constants }
    }

    /// The circuit.
    #[must_use]
    pub const fn circuit(&self) -> &'a Circuit<K> {
        self.circuit
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.gate_of_row.len()
    }

    /// The gate of a row.
    #[must_use]
    pub fn gate(&self, row: usize) -> &GateRef<F, D> {
        &self.circuit.data.common.gates[self.gate_of_row[row]]
    }

    /// The constants of a row, without the selectors.
    pub(super) fn base_constants(&self, row: usize) -> Vec<F> {
        self.constants[row].iter().map(|constant| constant.0[0]).collect()
    }

    /// All rows that do not satisfy their gates.
    #[must_use]
    pub fn broken_rows(&self, witness: &PartitionWitness<'_, F>) -> Vec<Violation> {
        let hash = self.public_inputs_hash(witness);
        let rows: Vec<Option<Violation>> =
            (0..self.rows()).into_par_iter().map(|row| self.broken_row(witness, &hash, row)).collect();
        rows.into_iter().flatten().collect()
    }

    /// Whether one of these rows does not satisfy its gate, or the row of the public inputs does not.
    #[must_use]
    pub fn any_broken(&self, witness: &PartitionWitness<'_, F>, rows: &[usize]) -> bool {
        let hash = self.public_inputs_hash(witness);
        rows.iter().any(|&row| self.broken_row(witness, &hash, row).is_some())
    }

    fn public_inputs_hash(&self, witness: &PartitionWitness<'_, F>) -> HashOut<F> {
        let values: Vec<_> =
            self.circuit.data.prover_only.public_inputs.iter().map(|&target| value_of(witness, target)).collect();
        // The configurations of this crate hash public inputs with Poseidon; the hash of commitments may differ.
        hash_n_to_hash_no_pad::<F, PoseidonPermutation<F>>(&values)
    }

    fn broken_row(&self, witness: &PartitionWitness<'_, F>, hash: &HashOut<F>, row: usize) -> Option<Violation> {
        let wires: Vec<_> = (0..self.circuit.data.common.config.num_wires)
            .map(|column| Extension::from(value_of(witness, Target::wire(row, column))))
            .collect();
        let gate = self.gate(row);
        let values = gate.0.eval_unfiltered(EvaluationVars {
            local_constants: &self.constants[row],
            local_wires: &wires,
            public_inputs_hash: hash,
        });
        let constraint = values.iter().position(|value| *value != Extension::ZERO)?;
        let scope = self.circuit.ledger.scope_of_row(row);
        Some(Violation::Gate { row, gate: gate.0.id(), constraint, scope })
    }

    /// All recorded claims that are false.
    #[must_use]
    pub fn broken_claims(&self, witness: &PartitionWitness<'_, F>) -> Vec<Violation> {
        let assertions = self.circuit.ledger.assertions();
        assertions
            .iter()
            .filter(|assertion| !self.holds(witness, assertion.claim))
            .map(|&assertion| Violation::Clause(assertion))
            .collect()
    }

    fn holds(&self, witness: &PartitionWitness<'_, F>, claim: Claim) -> bool {
        let value = |target| value_of(witness, target);
        match claim {
            Claim::Equal(left, right) => value(left) == value(right),
            Claim::EqualIf { flag, left, right } => value(flag) * (value(left) - value(right)) == F::ZERO,
            Claim::Bool(target) => value(target).is_zero() || value(target).is_one(),
            Claim::Range { value: target, bits } => value(target).to_canonical_u64() >> bits == 0,
            Claim::Rows { start, end } => {
                let rows: Vec<_> = (start..end).collect();
                !self.any_broken(witness, &rows)
            }
        }
    }
}

/// The value of a wire; the library fills wires that nobody sets with 0.
#[must_use]
pub fn value_of(witness: &PartitionWitness<'_, F>, target: Target) -> F {
    witness.try_get_target(target).unwrap_or(F::ZERO)
}
