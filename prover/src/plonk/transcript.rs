//! Fiat–Shamir: the library's challenger, with a state that can be read for grinding.

use plonky2::field::extension::FieldExtension;
use plonky2::field::types::Field;
use plonky2::fri::{FriConfig, FriParams};
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::config::GenericHashOut;
use rayon::prelude::*;
use weft_circuits::config::{D, F};

use super::Extension;
use super::hasher::{PackedHasher, grinding_zeros};

/// Nonces that a task tries.
const GRINDING_TASK: u64 = 1 << 10;

/// A duplex sponge: elements overwrite the state, challenges are taken from the end of the response.
#[derive(Debug)]
pub(super) struct Transcript<H: PackedHasher> {
    state: H::Permutation,
    pending: Vec<F>,
    challenges: Vec<F>,
}

impl<H: PackedHasher> Transcript<H> {
    /// A transcript that has absorbed nothing.
    pub(super) fn empty() -> Self {
        Self { state: H::Permutation::default(), pending: Vec::new(), challenges: Vec::new() }
    }

    /// A transcript that has absorbed the parameters of the low-degree test.
    pub(super) fn new(parameters: &FriParams) -> Self {
        let mut transcript = Self::empty();
        transcript.absorb_config(&parameters.config);
        transcript.absorb(&[F::from_bool(parameters.hiding), F::from_canonical_usize(parameters.degree_bits)]);
        let arities = parameters.reduction_arity_bits.iter();
        transcript.absorb(&arities.map(|&bits| F::from_canonical_usize(bits)).collect::<Vec<_>>());
        transcript
    }

    /// Absorbs what the low-degree test has in common for all sizes.
    pub(super) fn absorb_config(&mut self, config: &FriConfig) {
        self.absorb(&[
            F::from_canonical_usize(config.rate_bits),
            F::from_canonical_usize(config.cap_height),
            F::from_canonical_u32(config.proof_of_work_bits),
        ]);
        self.absorb(&config.reduction_strategy.serialize::<F>());
        self.absorb(&[F::from_canonical_usize(config.num_query_rounds)]);
    }

    /// Absorbs elements.
    pub(super) fn absorb(&mut self, elements: &[F]) {
        self.challenges.clear();
        for &element in elements {
            self.pending.push(element);
            if self.pending.len() == H::Permutation::RATE {
                self.mix();
            }
        }
    }

    /// Absorbs elements of the extension.
    pub(super) fn absorb_extensions(&mut self, elements: &[Extension]) {
        for element in elements {
            self.absorb(&FieldExtension::<D>::to_basefield_array(element));
        }
    }

    /// Absorbs the cap of a tree.
    pub(super) fn absorb_cap(&mut self, cap: &MerkleCap<F, H>) {
        for hash in &cap.0 {
            self.absorb(&GenericHashOut::<F>::to_vec(hash));
        }
    }

    /// A challenge.
    pub(super) fn challenge(&mut self) -> F {
        if !self.pending.is_empty() || self.challenges.is_empty() {
            self.mix();
        }
        self.challenges.pop().expect("a response has elements")
    }

    /// So many challenges.
    pub(super) fn challenges(&mut self, count: usize) -> Vec<F> {
        (0..count).map(|_| self.challenge()).collect()
    }

    /// A challenge of the extension.
    pub(super) fn extension_challenge(&mut self) -> Extension {
        FieldExtension::<D>::from_basefield_array([self.challenge(), self.challenge()])
    }

    /// Finds the first nonce whose response has so many leading zeros, and absorbs it.
    pub(super) fn grind(&mut self, bits: u32) -> F {
        let mut state = self.state;
        state.set_from_slice(&self.pending, 0);
        let (position, zeros) = (self.pending.len(), grinding_zeros(bits));
        // A window has a nonce that grinds more often than not, and little is tried beyond the first one.
        let window = (1 << bits) / GRINDING_TASK + 1;
        let nonce = (0..)
            .step_by(usize::try_from(window).expect("windows are small"))
            .find_map(|first| {
                (first..first + window).into_par_iter().find_map_first(|task| {
                    H::grind(&state, position, task * GRINDING_TASK..(task + 1) * GRINDING_TASK, zeros)
                })
            })
            .expect("one of 2^64 nonces grinds");
        let nonce = F::from_canonical_u64(nonce);
        self.absorb(&[nonce]);
        let response = self.challenge();
        debug_assert!(plonky2::field::types::PrimeField64::to_canonical_u64(&response).leading_zeros() >= zeros);
        nonce
    }

    /// Absorbs what is pending and takes a new response.
    fn mix(&mut self) {
        self.state.set_from_slice(&self.pending, 0);
        self.pending.clear();
        self.state.permute();
        self.challenges.clear();
        self.challenges.extend_from_slice(self.state.squeeze());
    }
}
