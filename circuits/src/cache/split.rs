//! A circuit by halves.

use plonky2::plonk::circuit_data::VerifierCircuitData;
use plonky2::plonk::config::GenericConfig;

use super::file::ProverFile;
use super::{LoadError, ProverHalf};
use crate::builder::Circuit;
use crate::config::{D, F};
use crate::digest::CircuitDigest;

/// A circuit of which the verifier's half is at hand, and the prover's half wherever it is: it is hundreds of times larger,
/// and many a process never needs it.
#[derive(Debug)]
pub struct SplitCircuit<K: GenericConfig<D, F = F>> {
    /// What verifiers know.
    pub verifier: VerifierCircuitData<F, K, D>,
    /// Our name of the circuit; see [`crate::digest`].
    pub digest: CircuitDigest,
    pub(super) prover: ProverSide<K>,
}

/// Where a prover's half is.
#[derive(Debug)]
pub(super) enum ProverSide<K: GenericConfig<D, F = F>> {
    /// In memory, as the library built it.
    Whole(Box<Circuit<K>>),
    /// In memory.
    Half(Box<ProverHalf<K>>),
    /// In a file, for as often as it is read.
    File(ProverFile),
    /// With whoever took it.
    Taken,
}

impl<K: GenericConfig<D, F = F>> From<Circuit<K>> for SplitCircuit<K> {
    fn from(circuit: Circuit<K>) -> Self {
        let (verifier, digest) = (circuit.data.verifier_data(), circuit.digest);
        Self { verifier, digest, prover: ProverSide::Whole(Box::new(circuit)) }
    }
}

impl<K: GenericConfig<D, F = F>> SplitCircuit<K> {
    /// The circuit as the library built it, if it is in memory in this form.
    #[must_use]
    pub const fn whole(&self) -> Option<&Circuit<K>> {
        match &self.prover {
            ProverSide::Whole(circuit) => Some(circuit),
            ProverSide::Half(_) | ProverSide::File(_) | ProverSide::Taken => None,
        }
    }

    /// As [`Self::whole`], for good.
    #[must_use]
    pub fn into_whole(self) -> Option<Circuit<K>> {
        match self.prover {
            ProverSide::Whole(circuit) => Some(*circuit),
            ProverSide::Half(_) | ProverSide::File(_) | ProverSide::Taken => None,
        }
    }

    /// As [`Self::whole`], for tests that change it.
    #[cfg(test)]
    pub(crate) const fn whole_mut(&mut self) -> Option<&mut Circuit<K>> {
        match &mut self.prover {
            ProverSide::Whole(circuit) => Some(circuit),
            ProverSide::Half(_) | ProverSide::File(_) | ProverSide::Taken => None,
        }
    }

    /// Takes the prover's half out of the memory; `None` if it is in a file or was taken before.
    #[must_use]
    pub fn take_prover_half(&mut self) -> Option<ProverHalf<K>> {
        match std::mem::replace(&mut self.prover, ProverSide::Taken) {
            ProverSide::Whole(circuit) => Some(circuit.data.prover_only.into()),
            ProverSide::Half(half) => Some(*half),
            other @ (ProverSide::File(_) | ProverSide::Taken) => {
                self.prover = other;
                None
            }
        }
    }

    /// Size in bytes of the prover's half, if it is in a file: about what it takes in memory.
    #[must_use]
    pub const fn prover_file_bytes(&self) -> Option<u64> {
        match &self.prover {
            ProverSide::File(file) => Some(file.bytes()),
            ProverSide::Whole(_) | ProverSide::Half(_) | ProverSide::Taken => None,
        }
    }

    /// Reads the prover's half out of its file.
    ///
    /// # Errors
    /// It is in none, or the file was deleted or damaged since the circuit was found there. A damaged one is deleted, so that
    /// whoever looks for it next builds it anew.
    pub fn read_prover_half(&self) -> Result<ProverHalf<K>, LoadError> {
        match &self.prover {
            ProverSide::File(file) => file.read(&self.verifier),
            ProverSide::Whole(_) | ProverSide::Half(_) | ProverSide::Taken => Err(LoadError::NoFile),
        }
    }
}
