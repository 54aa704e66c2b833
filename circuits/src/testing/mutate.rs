//! Changes to finished witnesses that a sound circuit must object to.

use std::panic::{AssertUnwindSafe, catch_unwind};

use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartitionWitness;
use plonky2::plonk::config::GenericConfig;
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::util::timing::TimingTree;

use super::checker::{Checker, value_of};
use super::generate::generate;
use crate::builder::Circuit;
use crate::config::{D, F};
use crate::ledger::{Freedom, Hint};
use crate::wired::Witness;

/// Wires that share one value, and the rows that read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireClass {
    /// Index of the value in the library's witness.
    pub representative: usize,
    /// Rows whose gates read the value, ascending.
    pub rows: Vec<usize>,
}

/// All classes of wires that have a value and that a gate or the author's code can read, but for harmless hints.
///
/// Wires without a value belong to operations that no clause uses: a gate computes something there, for nobody.
#[must_use]
pub fn wire_classes<K: GenericConfig<D, F = F>>(
    checker: &Checker<'_, K>,
    witness: &PartitionWitness<'_, F>,
) -> Vec<WireClass> {
    let mut rows_of = vec![Vec::new(); witness.values.len()];
    let mut unread = vec![true; witness.values.len()];
    for row in 0..checker.rows() {
        let read = checker.gate(row).0.num_wires();
        for column in 0..witness.num_wires {
            let class = witness.representative_map[row * witness.num_wires + column];
            if column < read {
                unread[class] = false;
                if rows_of[class].last() != Some(&row) {
                    rows_of[class].push(row);
                }
            }
        }
    }
    let virtual_targets = witness.num_wires * witness.degree..witness.representative_map.len();
    let mut floating = vec![false; witness.values.len()];
    for target in virtual_targets {
        floating[witness.representative_map[target]] = true;
    }
    let harmless = harmless_classes(checker.circuit(), witness);
    rows_of
        .into_iter()
        .enumerate()
        .filter(|(class, _)| !harmless.contains(class))
        .filter(|&(class, _)| witness.values[class].is_some() && (!unread[class] || floating[class]))
        .map(|(representative, rows)| WireClass { representative, rows })
        .collect()
}

/// Classes of hints that the constraints leave open without any effect.
pub(super) fn harmless_classes<K: GenericConfig<D, F = F>>(
    circuit: &Circuit<K>,
    witness: &PartitionWitness<'_, F>,
) -> Vec<usize> {
    circuit
        .ledger
        .hints()
        .iter()
        .filter(|hint| hint.freedom == Freedom::Harmless)
        .map(|hint| class_of(witness, hint.target))
        .collect()
}

/// Index of the value of a wire.
#[must_use]
pub fn class_of(witness: &PartitionWitness<'_, F>, target: Target) -> usize {
    witness.representative_map[target.index(witness.num_wires, witness.degree)]
}

/// Changes one class after the other and returns those that no gate objects to. `witness` must satisfy the circuit.
///
/// Every class is changed by 1 and by a large amount. On a circuit built for proving no recorded claim helps: the gates
/// alone must object.
#[must_use]
pub fn unconstrained_classes<K: GenericConfig<D, F = F>>(
    checker: &Checker<'_, K>,
    witness: &PartitionWitness<'_, F>,
) -> Vec<WireClass> {
    let changes = [F::ONE, F::from_canonical_u64(0x1234_5678_9abc_def1)];
    let mut witness = witness.clone();
    wire_classes(checker, &witness)
        .into_iter()
        .filter(|class| {
            let honest = witness.values[class.representative];
            let survives = changes.iter().any(|&change| {
                witness.values[class.representative] = Some(honest.unwrap_or(F::ZERO) + change);
                !checker.any_broken(&witness, &class.rows)
            });
            witness.values[class.representative] = honest;
            survives
        })
        .collect()
}

/// Lies about one hint after the other, lets everything else follow from the lie, and returns the hints for which a lie
/// satisfies all gates. Stronger than a change of one wire: whatever depends on the hint is consistent with it.
///
/// The inputs stay as they are, so a lie that satisfies all gates is a second witness for the same inputs.
#[must_use]
pub fn undetermined_hints<K: GenericConfig<D, F = F>>(checker: &Checker<'_, K>, inputs: &Witness) -> Vec<Hint> {
    let circuit = checker.circuit();
    let honest = generate(circuit, inputs, &[]);
    circuit
        .ledger
        .hints()
        .iter()
        .filter(|hint| hint.freedom == Freedom::Determined)
        .filter(|hint| {
            let value = value_of(&honest.witness, hint.target);
            [F::ONE - value, value + F::ONE, value - F::TWO].into_iter().filter(|&lie| lie != value).any(|lie| {
                let lied = generate(circuit, inputs, &[(hint.target, lie)]);
                checker.broken_rows(&lied.witness).is_empty()
            })
        })
        .copied()
        .collect()
}

/// Lies about one public input after the other, lets everything else follow from the lie, and returns the positions for which
/// a lie satisfies all gates: such a public input is tied to nothing that the circuit claims.
#[must_use]
pub fn untied_public_inputs<K: GenericConfig<D, F = F>>(checker: &Checker<'_, K>, inputs: &Witness) -> Vec<usize> {
    let circuit = checker.circuit();
    let honest = generate(circuit, inputs, &[]);
    let rows: Vec<_> = (0..checker.rows()).collect();
    let is_untied = |target: Target| {
        let lied = generate(circuit, inputs, &[(target, value_of(&honest.witness, target) + F::ONE)]);
        !checker.any_broken(&lied.witness, &rows)
    };
    let public_inputs = circuit.data.prover_only.public_inputs.iter().enumerate();
    public_inputs.filter(|&(_, &target)| is_untied(target)).map(|(position, _)| position).collect()
}

/// How a bad witness was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The prover found no quotient.
    Prover,
    /// The verifier refused the proof.
    Verifier,
}

/// Makes a proof from a finished witness without any check, and gives it to the verifier.
///
/// # Errors
/// How the witness was refused; a satisfying one never is.
pub fn prove_anyway<K: GenericConfig<D, F = F>>(
    circuit: &Circuit<K>,
    witness: PartitionWitness<'_, F>,
) -> Result<(), Refusal> {
    let data = &circuit.data;
    let proof = catch_unwind(AssertUnwindSafe(|| {
        prove_with_partition_witness(&data.prover_only, &data.common, witness, &mut TimingTree::default())
    }));
    match proof {
        Ok(Ok(proof)) => data.verify(proof).map_err(|_| Refusal::Verifier),
        Ok(Err(_)) | Err(_) => Err(Refusal::Prover),
    }
}
