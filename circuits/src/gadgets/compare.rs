//! Generators behind comparisons; the constraints are in [`crate::builder::Builder::is_zero`] and
//! [`crate::builder::Builder::less_than`].

use anyhow::Result;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use crate::config::{D, F};

/// Computes whether a value is 0, and its inverse (0 for 0).
#[derive(Clone, Copy, Debug, Default)]
pub struct IsZeroGenerator {
    /// The value in question.
    pub value: Target,
    /// Receives 1 if the value is 0, else 0.
    pub flag: Target,
    /// Receives the inverse.
    pub inverse: Target,
}

impl SimpleGenerator<F, D> for IsZeroGenerator {
    fn id(&self) -> String {
        "weft::IsZeroGenerator".to_owned()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.value]
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let value = witness.get_target(self.value);
        out.set_target(self.flag, F::from_bool(value.is_zero()))?;
        out.set_target(self.inverse, value.try_inverse().unwrap_or(F::ZERO))
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_target(self.value)?;
        dst.write_target(self.flag)?;
        dst.write_target(self.inverse)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { value: src.read_target()?, flag: src.read_target()?, inverse: src.read_target()? })
    }
}

/// Computes whether an integer is below another.
#[derive(Clone, Copy, Debug, Default)]
pub struct LessThanGenerator {
    /// Left side.
    pub left: Target,
    /// Right side.
    pub right: Target,
    /// Receives 1 if left < right, else 0.
    pub flag: Target,
}

impl SimpleGenerator<F, D> for LessThanGenerator {
    fn id(&self) -> String {
        "weft::LessThanGenerator".to_owned()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.left, self.right]
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let [left, right] = [self.left, self.right].map(|target| witness.get_target(target).to_canonical_u64());
        out.set_target(self.flag, F::from_bool(left < right))
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_target(self.left)?;
        dst.write_target(self.right)?;
        dst.write_target(self.flag)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { left: src.read_target()?, right: src.read_target()?, flag: src.read_target()? })
    }
}
