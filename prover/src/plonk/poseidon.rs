//! Poseidon's linear layer on packs.

use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::hash::poseidon::SPONGE_WIDTH;
use weft_circuits::config::F;
use weft_protocol::crypto::poseidon::{MIX_LANES, mix_lanes};

use super::Packed;

/// The linear layer of a full round.
#[inline]
pub(super) fn mix(state: &mut [Packed; SPONGE_WIDTH]) {
    let mut words = [[0; MIX_LANES]; SPONGE_WIDTH];
    for (words, element) in words.iter_mut().zip(&*state) {
        for (word, lane) in words.iter_mut().zip(element.as_slice()) {
            *word = lane.0;
        }
    }
    mix_lanes(&mut words);
    for (words, element) in words.iter().zip(state) {
        for (word, lane) in words.iter().zip(element.as_slice_mut()) {
            *lane = F::from_noncanonical_u64(*word);
        }
    }
}
