//! Native types and their wires: one definition for hashing, public inputs and witness.
//!
//! A type is written once, in `weft-protocol`. Here it learns how it looks in a circuit: [`Wired`] for basic types,
//! [`wires!`](crate::wires) for structs (by exhaustive destructuring, so that a new field does not compile until it is
//! part of everything), [`wired_uint!`](crate::wired_uint) for integers of a given width.

use std::fmt::Debug;

use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::{VerifierCircuitTarget, VerifierOnlyCircuitData};
use plonky2::plonk::proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget};
use starky::proof::StarkProofWithPublicInputsTarget;
use starky::recursive_verifier::set_stark_proof_with_pis_target;
use weft_crypto::Goldilocks;

use crate::builder::{Bool, Builder};
use crate::config::{C, D, F};
use crate::openings::OpeningsProof;

mod basic;

/// Wires of a native type.
pub type Wires<T> = <T as Wired>::Wires;

/// A native value cannot be put on the wires.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssignError {
    /// A wire already has another value.
    #[error("wire {target:?} has been set to another value")]
    Conflict {
        /// The wire.
        target: Target,
    },
    /// A proof or key does not have the shape that the circuit was built for.
    #[error("the proof does not have the expected shape: {reason}")]
    Shape {
        /// What the library said.
        reason: String,
    },
    /// Wires and values differ in number.
    #[error("{wires} wires cannot take {values} values")]
    Length {
        /// Number of wires.
        wires: usize,
        /// Number of values.
        values: usize,
    },
}

/// Values for the inputs of a circuit; the generators compute the rest.
#[derive(Clone, Debug, Default)]
pub struct Witness(PartialWitness<F>);

impl Witness {
    /// A witness without values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a wire.
    ///
    /// # Errors
    /// If it already has another value.
    pub fn set(&mut self, target: Target, value: F) -> Result<(), AssignError> {
        self.0.set_target(target, value).map_err(|_| AssignError::Conflict { target })
    }

    /// Sets the wires of `value`.
    ///
    /// # Errors
    /// If one of them already has another value.
    pub fn assign<T: Wired>(&mut self, wires: &T::Wires, value: &T) -> Result<(), AssignError> {
        value.assign(wires, self)
    }

    /// The library's form.
    #[must_use]
    pub fn into_partial(self) -> PartialWitness<F> {
        self.0
    }

    /// All values that were set, in no particular order.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn values(&self) -> impl Iterator<Item = (Target, F)> + '_ {
        self.0.target_values.iter().map(|(&target, &value)| (target, value))
    }

    pub(crate) fn set_proof(
        &mut self,
        wires: &ProofWithPublicInputsTarget<D>,
        proof: &ProofWithPublicInputs<F, C, D>,
    ) -> Result<(), AssignError> {
        let (expected, got) = (wires.public_inputs.len(), proof.public_inputs.len());
        if expected != got {
            return Err(AssignError::Length { wires: expected, values: got });
        }
        self.0.set_proof_with_pis_target(wires, proof).map_err(|error| AssignError::Shape { reason: error.to_string() })
    }

    pub(crate) fn set_openings(
        &mut self,
        wires: &StarkProofWithPublicInputsTarget<D>,
        proof: &OpeningsProof,
        degree_bits: usize,
        zero: Target,
    ) -> Result<(), AssignError> {
        set_stark_proof_with_pis_target(&mut self.0, wires, proof.inner(), degree_bits, zero)
            .map_err(|error| AssignError::Shape { reason: error.to_string() })
    }

    pub(crate) fn set_key(
        &mut self,
        wires: &VerifierCircuitTarget,
        key: &VerifierOnlyCircuitData<C, D>,
    ) -> Result<(), AssignError> {
        self.0.set_verifier_data_target(wires, key).map_err(|error| AssignError::Shape { reason: error.to_string() })
    }
}

/// Targets of well-formed wires, to be read back in the order of [`Wired::targets`].
///
/// Only this crate makes them, from wires that are constrained already: there is no way to call free wires well-formed.
#[derive(Debug)]
pub struct Targets<'a>(std::slice::Iter<'a, Target>);

impl<'a> Targets<'a> {
    pub(crate) fn new(targets: &'a [Target]) -> Self {
        Self(targets.iter())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    fn next(&mut self) -> Target {
        *self.0.next().expect("as many targets as the type has elements")
    }
}

/// A native type that has wires.
pub trait Wired: Sized {
    /// The value in a circuit.
    type Wires: Clone + Debug;

    /// Allocates wires and constrains them to well-formed values of the type.
    fn alloc(b: &mut Builder) -> Self::Wires;

    /// Appends the elements of the value, in the one order used for hashing, public inputs and witnesses.
    fn elements(&self, out: &mut Vec<F>);

    /// Appends the wires, in the order of [`Self::elements`].
    fn targets(wires: &Self::Wires, out: &mut Vec<Target>);

    /// Reads wires back, in the order of [`Self::targets`].
    fn rebuild(source: &mut Targets<'_>) -> Self::Wires;

    /// Sets the wires to the value.
    ///
    /// # Errors
    /// If a wire already has another value.
    fn assign(&self, wires: &Self::Wires, witness: &mut Witness) -> Result<(), AssignError> {
        let (targets, elements) = (targets_of::<Self>(wires), elements_of(self));
        if targets.len() != elements.len() {
            return Err(AssignError::Length { wires: targets.len(), values: elements.len() });
        }
        targets.into_iter().zip(elements).try_for_each(|(target, element)| witness.set(target, element))
    }
}

/// All elements of a value.
#[must_use]
pub fn elements_of<T: Wired>(value: &T) -> Vec<F> {
    let mut elements = Vec::new();
    value.elements(&mut elements);
    elements
}

/// All wires of a value, in the order of [`elements_of`].
#[must_use]
pub fn targets_of<T: Wired>(wires: &T::Wires) -> Vec<Target> {
    let mut targets = Vec::new();
    T::targets(wires, &mut targets);
    targets
}

/// The library's form of an element.
#[must_use]
pub fn to_field(element: Goldilocks) -> F {
    F::from_canonical_u64(element.as_u64())
}

/// Our form of an element of the library.
#[must_use]
pub fn from_field(element: F) -> Goldilocks {
    use plonky2::field::types::PrimeField64;
    Goldilocks::from_u64(element.to_canonical_u64())
}

impl Builder {
    /// Wires of an input, constrained to be well-formed; assertions are the gadget `input` outside of clauses.
    #[cfg_attr(test, track_caller)]
    pub fn alloc<T: Wired>(&mut self) -> T::Wires {
        self.gadget("input", |b| b.unconditionally(T::alloc))
    }

    /// Wires that carry a constant.
    pub fn constant_wires<T: Wired>(&mut self, value: &T) -> T::Wires {
        let targets: Vec<_> = elements_of(value).into_iter().map(|element| self.constant(element)).collect();
        T::rebuild(&mut Targets::new(&targets))
    }

    /// Asserts that two values are equal in every element, under the open conditions.
    pub fn assert_same<T: Wired>(&mut self, left: &T::Wires, right: &T::Wires) {
        self.assert_all_equal(&targets_of::<T>(left), &targets_of::<T>(right));
    }

    /// `yes` if `flag`, else `no`. Both are well-formed, so the result is.
    pub fn select_wires<T: Wired>(&mut self, flag: Bool, yes: &T::Wires, no: &T::Wires) -> T::Wires {
        let (yes, no) = (targets_of::<T>(yes), targets_of::<T>(no));
        let targets: Vec<_> = yes.into_iter().zip(no).map(|(yes, no)| self.select(flag, yes, no)).collect();
        T::rebuild(&mut Targets::new(&targets))
    }

    /// Makes a value public, after what was made public before.
    #[cfg_attr(test, track_caller)]
    pub fn expose_wires<T: Wired>(&mut self, wires: &T::Wires) {
        self.expose(&targets_of::<T>(wires));
    }
}

/// Implements [`Wired`] for an integer type of a given width: `wired_uint!(Amount, 62, |amount| amount.get())`.
///
/// The closure gives the value as `u64`; it must be below `2^width`, and the width is at most 63.
#[macro_export]
macro_rules! wired_uint {
    ($native:ty, $bits:literal, |$value:ident| $get:expr) => {
        impl $crate::wired::Wired for $native {
            type Wires = $crate::gadgets::uint::Uint<$bits>;

            fn alloc(b: &mut $crate::builder::Builder) -> Self::Wires {
                let target = b.input();
                b.uint::<$bits>(target)
            }

            fn elements(&self, out: &mut Vec<$crate::config::F>) {
                let $value = self;
                let value: u64 = $get;
                out.push($crate::gadgets::uint::element::<$bits>(value));
            }

            fn targets(wires: &Self::Wires, out: &mut Vec<$crate::builder::Target>) {
                out.push(wires.target());
            }

            fn rebuild(source: &mut $crate::wired::Targets<'_>) -> Self::Wires {
                $crate::gadgets::uint::Uint::read(source)
            }
        }
    };
}

/// Defines the wires of a struct and implements [`Wired`] for it.
///
/// ```ignore
/// wires! { pub struct AccountWires for Account { owner: Digest, balance: Amount, nonce: u32 } }
/// ```
/// The order of the fields is the order of the elements. All fields of the native type must be named.
#[macro_export]
macro_rules! wires {
    ($(#[$meta:meta])* $vis:vis struct $wires:ident for $native:ty { $($field:ident : $kind:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        #[allow(missing_docs, reason = "the fields are documented where the native type is defined")]
        $vis struct $wires { $(pub $field: $crate::wired::Wires<$kind>),+ }

        impl $crate::wired::Wired for $native {
            type Wires = $wires;

            fn alloc(b: &mut $crate::builder::Builder) -> $wires {
                $(let $field = <$kind as $crate::wired::Wired>::alloc(b);)+
                $wires { $($field),+ }
            }

            fn elements(&self, out: &mut Vec<$crate::config::F>) {
                let Self { $($field),+ } = self;
                $(<$kind as $crate::wired::Wired>::elements($field, out);)+
            }

            fn targets(wires: &$wires, out: &mut Vec<$crate::builder::Target>) {
                let $wires { $($field),+ } = wires;
                $(<$kind as $crate::wired::Wired>::targets($field, out);)+
            }

            fn rebuild(source: &mut $crate::wired::Targets<'_>) -> $wires {
                $(let $field = <$kind as $crate::wired::Wired>::rebuild(source);)+
                $wires { $($field),+ }
            }
        }
    };
}
