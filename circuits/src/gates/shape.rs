//! What a custom gate is: a [`GateShape`] says which wires it has and what they satisfy; [`CustomGate`] and
//! [`SlotGenerator`] turn it into plonky2's gate and witness generators.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::sync::{LazyLock, Mutex, PoisonError};

use plonky2::field::extension::FieldExtension;
use plonky2::field::packed::PackedField;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::gates::gate::Gate;
use plonky2::gates::packed_util::PackedEvaluableBase;
use plonky2::gates::util::StridedConstraintConsumer;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator, WitnessGeneratorRef};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::config::Hasher;
use plonky2::plonk::vars::{
    EvaluationTargets, EvaluationVars, EvaluationVarsBase, EvaluationVarsBaseBatch, EvaluationVarsBasePacked,
};
use plonky2::util::serialization::{Buffer, IoError, IoResult, Read, Write};

use super::algebra::{Algebra, Lanes, Recursive};
use super::{D, F, FE};
#[cfg(test)]
use crate::builder::mutation::mutated_term;

/// Equations and witness of one row of a custom gate.
///
/// A row holds [`slots`](Self::slots) independent instances; each has input columns, from which the honest prover computes
/// the output columns. Rows have no constants: whatever the equations need is part of the shape.
pub trait GateShape: Clone + Debug + Default + Send + Sync + 'static {
    /// Name of the gate, without its parameters.
    const NAME: &'static str;

    /// The numbers that select this member of the family; together with the name they determine the equations.
    fn parameters(&self) -> Vec<usize>;
    /// The shape with these parameters, or `None` where there is none.
    fn from_parameters(parameters: &[usize]) -> Option<Self>;

    /// Columns used, counted from 0.
    fn num_wires(&self) -> usize;
    /// Length of what [`constraints`](Self::constraints) returns.
    fn num_constraints(&self) -> usize;
    /// Highest total degree of a constraint in the wires.
    fn degree(&self) -> usize;
    /// The values that must vanish on a row with these wires.
    fn constraints<A: Algebra>(&self, algebra: &mut A, wires: &[A::Value]) -> Vec<A::Value>;

    /// Instances per row.
    fn slots(&self) -> usize {
        1
    }
    /// Columns that must be known before the slot can be filled.
    fn inputs(&self, slot: usize) -> Vec<usize>;
    /// Columns that [`fill`](Self::fill) computes.
    fn outputs(&self, slot: usize) -> Vec<usize>;
    /// Values of the output columns, in their order, or `None` if no values satisfy the equations.
    ///
    /// Inputs that no honest circuit produces get some values all the same, so that it is the gate that refuses them.
    fn fill(&self, inputs: &[F]) -> Option<Vec<F>>;
}

/// The plonky2 gate of a shape.
#[derive(Clone, Debug, Default)]
pub struct CustomGate<S>(S);

impl<S: GateShape> CustomGate<S> {
    /// The gate of this shape.
    pub const fn new(shape: S) -> Self {
        Self(shape)
    }

    /// The shape of this gate.
    pub const fn shape(&self) -> &S {
        &self.0
    }

    /// The values that must vanish on a row with these wires.
    pub(super) fn constraints<A: Algebra>(&self, algebra: &mut A, wires: &[A::Value]) -> Vec<A::Value> {
        let terms = self.0.constraints(algebra, wires);
        #[cfg(test)]
        if let Some(term) = mutated_term(S::NAME, || self.0.parameters(), terms.len()) {
            let mut terms = terms;
            terms[term] = algebra.constant(F::ZERO);
            return terms;
        }
        terms
    }
}

/// Number of fixed points at which [`fingerprint`] evaluates.
const FINGERPRINT_POINTS: u64 = 2;

/// Hash of the constraints at fixed points: two shapes whose equations differ get different fingerprints.
///
/// plonky2's circuit digest covers the names of gates, not their equations; with the fingerprint in the name it does.
fn fingerprint<S: GateShape>(shape: &S) -> String {
    let mut evaluations = Vec::new();
    for point in 0..FINGERPRINT_POINTS {
        let wires: Vec<FE> = (0..shape.num_wires())
            .map(|column| {
                let seed = [F::from_canonical_u64(point), F::from_canonical_usize(column)];
                let hash = PoseidonHash::hash_no_pad(&seed).elements;
                FE::from_basefield_array([hash[0], hash[1]])
            })
            .collect();
        let constraints = shape.constraints(&mut Lanes::<FE>::new(), &wires);
        evaluations.extend(constraints.iter().flat_map(FieldExtension::<D>::to_basefield_array));
    }
    let hash = PoseidonHash::hash_no_pad(&evaluations);
    hash.elements.iter().fold(String::new(), |mut text, element| {
        write!(text, "{:016x}", element.to_canonical_u64()).expect("writing to a string cannot fail");
        text
    })
}

/// Ids of gates by name and parameters.
type Ids = BTreeMap<(&'static str, Vec<usize>), String>;

/// Ids computed so far: the builder asks for the id of a gate at every row it adds.
static IDS: LazyLock<Mutex<Ids>> = LazyLock::new(Mutex::default);

impl<S: GateShape> Gate<F, D> for CustomGate<S> {
    fn id(&self) -> String {
        let mut ids = IDS.lock().unwrap_or_else(PoisonError::into_inner);
        ids.entry((S::NAME, self.0.parameters()))
            .or_insert_with(|| format!("{}{:?} {}", S::NAME, self.0.parameters(), fingerprint(&self.0)))
            .clone()
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize_vec(&self.0.parameters())
    }

    fn deserialize(src: &mut Buffer<'_>, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        read_shape(src).map(Self)
    }

    fn eval_unfiltered(&self, vars: EvaluationVars<'_, F, D>) -> Vec<FE> {
        self.constraints(&mut Lanes::<FE>::new(), vars.local_wires)
    }

    fn eval_unfiltered_base_one(
        &self,
        vars: EvaluationVarsBase<'_, F>,
        mut yield_constr: StridedConstraintConsumer<'_, F>,
    ) {
        let wires: Vec<F> = vars.local_wires.iter().copied().collect();
        yield_constr.many(self.constraints(&mut Lanes::<F>::new(), &wires));
    }

    fn eval_unfiltered_base_batch(&self, vars_base: EvaluationVarsBaseBatch<'_, F>) -> Vec<F> {
        self.eval_unfiltered_base_batch_packed(vars_base)
    }

    fn eval_unfiltered_circuit(
        &self,
        builder: &mut CircuitBuilder<F, D>,
        vars: EvaluationTargets<'_, D>,
    ) -> Vec<ExtensionTarget<D>> {
        self.constraints(&mut Recursive::new(builder), vars.local_wires)
    }

    fn generators(&self, row: usize, _local_constants: &[F]) -> Vec<WitnessGeneratorRef<F, D>> {
        (0..self.0.slots())
            .map(|slot| {
                let shape = self.0.clone();
                WitnessGeneratorRef::new(SlotGenerator { shape, row, slot }.adapter())
            })
            .collect()
    }

    fn num_wires(&self) -> usize {
        self.0.num_wires()
    }

    fn num_constants(&self) -> usize {
        0
    }

    fn degree(&self) -> usize {
        self.0.degree()
    }

    fn num_constraints(&self) -> usize {
        self.0.num_constraints()
    }
}

impl<S: GateShape> PackedEvaluableBase<F, D> for CustomGate<S> {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars: EvaluationVarsBasePacked<'_, P>,
        mut yield_constr: StridedConstraintConsumer<'_, P>,
    ) {
        // The view holds every column of the circuit; the gate reads its own.
        let wires: Vec<P> = vars.local_wires.iter().take(self.0.num_wires()).copied().collect();
        yield_constr.many(self.constraints(&mut Lanes::<P>::new(), &wires));
    }
}

fn read_shape<S: GateShape>(src: &mut Buffer<'_>) -> IoResult<S> {
    S::from_parameters(&src.read_usize_vec()?).ok_or(IoError)
}

/// Fills the output columns of one slot of a row.
#[derive(Clone, Debug, Default)]
pub struct SlotGenerator<S> {
    shape: S,
    row: usize,
    slot: usize,
}

impl<S: GateShape> SimpleGenerator<F, D> for SlotGenerator<S> {
    fn id(&self) -> String {
        format!("{}Slot", S::NAME)
    }

    fn dependencies(&self) -> Vec<Target> {
        self.shape.inputs(self.slot).into_iter().map(|column| Target::wire(self.row, column)).collect()
    }

    fn run_once(&self, witness: &PartitionWitness<'_, F>, out_buffer: &mut GeneratedValues<F>) -> anyhow::Result<()> {
        let inputs = witness.get_targets(&self.dependencies());
        let values = self.shape.fill(&inputs).ok_or(Unsatisfiable { gate: S::NAME, row: self.row, slot: self.slot })?;
        for (column, value) in self.shape.outputs(self.slot).into_iter().zip(values) {
            out_buffer.set_target(Target::wire(self.row, column), value)?;
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common_data: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize_vec(&self.shape.parameters())?;
        dst.write_usize(self.row)?;
        dst.write_usize(self.slot)
    }

    fn deserialize(src: &mut Buffer<'_>, _common_data: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let shape = read_shape(src)?;
        Ok(Self { shape, row: src.read_usize()?, slot: src.read_usize()? })
    }
}

/// No values of a row's outputs satisfy its equations for the given inputs.
#[derive(Debug, thiserror::Error)]
#[error("{gate}: the inputs of row {row}, slot {slot} admit no witness")]
struct Unsatisfiable {
    gate: &'static str,
    row: usize,
    slot: usize,
}

#[cfg(test)]
mod tests {
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::super::{Comb, KeyCheck, RangeCheck, ScalarMul};
    use super::*;
    use crate::config::{C, segment_config};

    /// `a · b = FACTOR · c`.
    #[derive(Clone, Debug, Default)]
    struct Product<const FACTOR: u64>;

    impl<const FACTOR: u64> GateShape for Product<FACTOR> {
        const NAME: &'static str = "ProductGate";

        fn parameters(&self) -> Vec<usize> {
            Vec::new()
        }

        fn from_parameters(_: &[usize]) -> Option<Self> {
            Some(Self)
        }

        fn num_wires(&self) -> usize {
            3
        }

        fn num_constraints(&self) -> usize {
            1
        }

        fn degree(&self) -> usize {
            2
        }

        fn constraints<A: Algebra>(&self, algebra: &mut A, wires: &[A::Value]) -> Vec<A::Value> {
            let product = algebra.mul(wires[0], wires[1]);
            let expected = algebra.affine(F::ZERO, &[F::from_canonical_u64(FACTOR)], &wires[2..]);
            vec![algebra.sub(product, expected)]
        }

        fn inputs(&self, _: usize) -> Vec<usize> {
            vec![0, 1]
        }

        fn outputs(&self, _: usize) -> Vec<usize> {
            vec![2]
        }

        fn fill(&self, inputs: &[F]) -> Option<Vec<F>> {
            Some(vec![inputs[0] * inputs[1] / F::from_canonical_u64(FACTOR)])
        }
    }

    #[test]
    fn equations_change_the_fingerprint() {
        assert_eq!(fingerprint(&Product::<1>), fingerprint(&Product::<1>));
        assert_ne!(fingerprint(&Product::<1>), fingerprint(&Product::<2>));
    }

    #[test]
    fn parameters_change_the_id() {
        let id = |bits| CustomGate::new(RangeCheck::for_config(bits, &segment_config())).id();
        assert_eq!(id(31), id(31));
        // One and two digits of base 2 at the end: as many wires and slots.
        assert_ne!(id(31), id(32));
        assert!(id(31).starts_with("RangeGate[31, 7] "));
    }

    fn common_data() -> CommonCircuitData<F, D> {
        CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config()).build::<C>().common
    }

    fn assert_survives_serialization<S: GateShape>(shape: S, common: &CommonCircuitData<F, D>) {
        let (parameters, slot) = (shape.parameters(), shape.slots() - 1);
        let gate = CustomGate::new(shape.clone());
        let mut bytes = Vec::new();
        Gate::serialize(&gate, &mut bytes, common).unwrap();
        let read: CustomGate<S> = Gate::deserialize(&mut Buffer::new(&bytes), common).unwrap();
        assert_eq!((read.id(), read.shape().parameters()), (gate.id(), parameters.clone()));

        let generator = SlotGenerator { shape, row: 1_000_003, slot };
        let mut bytes = Vec::new();
        SimpleGenerator::serialize(&generator, &mut bytes, common).unwrap();
        let read: SlotGenerator<S> = SimpleGenerator::deserialize(&mut Buffer::new(&bytes), common).unwrap();
        assert_eq!((read.row, read.slot, read.shape.parameters()), (1_000_003, slot, parameters));
        // The library's serializers recognise a generator by the id that its default has.
        assert_eq!(generator.id(), SlotGenerator::<S>::default().id());
        assert_eq!(read.dependencies(), generator.dependencies());
    }

    #[test]
    fn gates_and_generators_survive_serialization() {
        let common = common_data();
        assert_survives_serialization(ScalarMul, &common);
        assert_survives_serialization(Comb, &common);
        assert_survives_serialization(KeyCheck::for_config(&segment_config()), &common);
        assert_survives_serialization(RangeCheck::for_config(17, &segment_config()), &common);
    }

    #[test]
    fn bad_parameters_are_refused() {
        let common = common_data();
        for parameters in [vec![], vec![32], vec![0, 7], vec![64, 3], vec![32, 0], vec![1, 2, 3]] {
            let mut bytes = Vec::new();
            bytes.write_usize_vec(&parameters).unwrap();
            let read: IoResult<CustomGate<RangeCheck>> = Gate::deserialize(&mut Buffer::new(&bytes), &common);
            assert!(read.is_err(), "{parameters:?}");
        }
        assert!(KeyCheck::from_parameters(&[0]).is_none() && KeyCheck::from_parameters(&[]).is_none());
        assert!(ScalarMul::from_parameters(&[1]).is_none() && Comb::from_parameters(&[1]).is_none());
    }
}
