//! What a segment proof costs, without a state to execute on, and what the library's prover takes beside ours.

use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::{CircuitData, VerifierCircuitData};
use weft_circuits::builder::{Builder, ChildKey, CircuitName, Mode};
use weft_circuits::config::{C, D, F, recursion_config};
use weft_circuits::recursion::{Aggregate, AggregateProof, Assembly, ProveError};
use weft_circuits::wired::Witness;
use weft_protocol::crypto::{Digest, Tag, poseidon};
use weft_protocol::{Domain, Environment, RunningState, SegmentWitness, Timestamp};

use crate::plonk::{PlonkError, ProvingKey};
use crate::{CircuitSet, Cost, ProofError, ProvenSegment, SegmentSize, StageLog, measure};

/// A segment that does nothing: any number of them are adjacent.
///
/// Circuits do the same work whatever the slots are; only the native statement, which checks signatures, is cheaper.
#[must_use]
pub fn idle_segment() -> SegmentWitness {
    let domain = Domain(poseidon::hash(Tag::DOMAIN, &[]));
    let environment = Environment { domain, batch_number: 1, timestamp: Timestamp::default() };
    SegmentWitness { environment, before: RunningState::start_of_batch(Digest::ZERO), slots: Vec::new() }
}

/// Proves an idle segment: the proof, and what each stage took.
///
/// # Errors
/// See [`CircuitSet::prove_segment`]; none if the circuits are sound.
pub fn bench_segment(circuits: &CircuitSet, size: SegmentSize) -> Result<(ProvenSegment, StageLog), ProofError> {
    let mut log = StageLog::new();
    let segment = circuits.prove_segment(size, &idle_segment(), &mut log)?;
    Ok((segment, log))
}

/// What both provers take for the same witness, its generation included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comparison {
    /// Our loop.
    pub ours: Cost,
    /// The library's prover.
    pub library: Cost,
}

/// Proves a small recursion by both provers: the verification of one proof of a small circuit, 2^12 rows.
///
/// # Errors
/// None if the provers are sound.
pub fn compare_small_recursion() -> Result<Comparison, ProofError> {
    let mut b = Builder::new(CircuitName { name: "bench-child", version: 1 }, recursion_config(), Mode::Proving);
    let wires = b.alloc::<Digest>();
    b.expose_wires::<Digest>(&wires);
    let child = b.build().data;
    let mut witness = Witness::new();
    witness.assign(&wires, &Digest::ZERO)?;
    let proof = child.prove(witness.into_partial()).map_err(|error| unsatisfied(&error))?;

    let mut b = Builder::new(CircuitName { name: "bench-parent", version: 1 }, recursion_config(), Mode::Proving);
    let verified = b.gadget("bench", |b| b.verify_child(&child.common, ChildKey::Constant(&child.verifier_only)));
    b.expose(verified.public_inputs());
    let parent = b.build().data;
    let mut witness = Witness::new();
    verified.assign(&mut witness, &proof, None)?;
    let inputs = witness.into_partial();
    let library = prove_by_library(&parent, &inputs)?;
    let CircuitData { prover_only, verifier_only, common } = parent;
    let key = ProvingKey::new(prover_only.into(), &common);
    let ours = prove_by_us(&VerifierCircuitData { verifier_only, common }, &key, &inputs)?;
    Ok(Comparison { ours, library })
}

/// Proves an aggregate by both provers. The circuit is built anew for the library's.
///
/// # Errors
/// The children do not merge, or one of them is invalid.
pub fn compare_aggregate(circuits: &CircuitSet, children: &[AggregateProof]) -> Result<Comparison, ProofError> {
    let family = circuits.family();
    let whole = Aggregate::build(family.common_shape(), Assembly::FRESH);
    let inputs = whole.witness(children, family.keys())?.into_partial();
    let library = prove_by_library(&whole.layer.circuit().data, &inputs)?;
    let ours = prove_by_us(family.aggregate.layer.verifier(), &circuits.aggregate_key(), &inputs)?;
    Ok(Comparison { ours, library })
}

fn prove_by_library(circuit: &CircuitData<F, C, D>, inputs: &PartialWitness<F>) -> Result<Cost, ProofError> {
    let (proof, cost) = measure(|| circuit.prove(inputs.clone()));
    proof.map_err(|error| unsatisfied(&error))?;
    Ok(cost)
}

fn prove_by_us(
    circuit: &VerifierCircuitData<F, C, D>,
    key: &ProvingKey<C>,
    inputs: &PartialWitness<F>,
) -> Result<Cost, ProofError> {
    let (proof, cost) = measure(|| {
        let witness = key.complete(inputs.clone(), &circuit.common)?;
        key.prove(&circuit.common, &witness)
    });
    let proof = proof.map_err(|error: PlonkError| unsatisfied(&error))?;
    circuit.verify(proof).map_err(|error| unsatisfied(&error))?;
    Ok(cost)
}

fn unsatisfied(reason: &impl ToString) -> ProofError {
    ProveError::Unsatisfied { layer: "bench", reason: reason.to_string() }.into()
}
