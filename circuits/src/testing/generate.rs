//! Witness generation that finishes whatever it is given.

use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartitionWitness;
use plonky2::plonk::config::GenericConfig;

use crate::builder::Circuit;
use crate::config::{D, F};
use crate::wired::Witness;

/// A finished witness and what did not fit.
#[derive(Clone, Debug)]
pub struct Generated<'a> {
    /// The values. Where two were given to wires that are equal by construction, the first one stayed.
    pub witness: PartitionWitness<'a, F>,
    /// Wires that were given a second, different value.
    pub conflicts: Vec<Target>,
    /// Generators that could not run because inputs of theirs were never set.
    pub stuck: usize,
}

/// Finishes a witness: first `forced`, which nothing overwrites, then `inputs`, then whatever the generators compute from
/// these values. Honest inputs and no forced wires give the library's witness.
#[must_use]
pub fn generate<'a, K: GenericConfig<D, F = F>>(
    circuit: &'a Circuit<K>,
    inputs: &Witness,
    forced: &[(Target, F)],
) -> Generated<'a> {
    let (prover, common) = (&circuit.data.prover_only, &circuit.data.common);
    let empty = PartitionWitness::new(common.config.num_wires, common.degree(), &prover.representative_map);
    let mut generated = Generated { witness: empty, conflicts: Vec::new(), stuck: 0 };
    for &(target, value) in forced {
        generated.set(target, value);
    }
    generated.conflicts.clear();
    for (target, value) in sorted_values(inputs) {
        generated.set(target, value);
    }
    let mut done = vec![false; prover.generators.len()];
    let mut pending: Vec<usize> = (0..done.len()).collect();
    let mut buffer = GeneratedValues::empty();
    while !pending.is_empty() {
        let mut next = Vec::new();
        for index in std::mem::take(&mut pending) {
            if done[index] {
                continue;
            }
            done[index] = prover.generators[index].0.run(&generated.witness, &mut buffer);
            for (target, value) in buffer.target_values.drain(..) {
                if let Some(watchers) =
                    generated.set(target, value).and_then(|class| prover.generator_indices_by_watches.get(&class))
                {
                    next.extend(watchers.iter().copied().filter(|&watcher| !done[watcher]));
                }
            }
        }
        pending = next;
    }
    generated.stuck = done.iter().filter(|&&done| !done).count();
    generated
}

/// The inputs in an order that does not depend on the process.
fn sorted_values(inputs: &Witness) -> Vec<(Target, F)> {
    let mut values: Vec<_> = inputs.values().collect();
    values.sort_unstable_by_key(|&(target, _)| match target {
        Target::VirtualTarget { index } => (0, index, 0),
        Target::Wire(wire) => (1, wire.row, wire.column),
    });
    values
}

impl Generated<'_> {
    /// Whether every value fitted and every generator ran.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.conflicts.is_empty() && self.stuck == 0
    }

    /// Sets a wire unless its class has a value; returns the class if the value is new.
    fn set(&mut self, target: Target, value: F) -> Option<usize> {
        match self.witness.set_target_returning_rep(target, value) {
            Ok(class) => class,
            Err(_) => {
                self.conflicts.push(target);
                None
            }
        }
    }
}
