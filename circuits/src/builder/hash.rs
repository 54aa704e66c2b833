//! Poseidon in circuits: the sponge and the compression of `weft-crypto`, one row per permutation.

use plonky2::gates::poseidon::PoseidonGate;
use weft_crypto::Tag;

use super::{Bool, Builder, Target};
use crate::config::{D, F};

/// Elements absorbed by a permutation.
pub const HASH_RATE: usize = 8;

const WIDTH: usize = 12;
/// Column of the first input; from the layout of the library's gate.
const INPUT: usize = 0;
/// Column of the first output.
const OUTPUT: usize = WIDTH;
/// Column of the flag that swaps inputs 0–3 with inputs 4–7.
const SWAP: usize = 2 * WIDTH;

/// State of a hash between two blocks.
#[derive(Clone, Copy, Debug)]
pub struct Sponge([Target; WIDTH]);

impl Sponge {
    /// The digest, if all blocks are absorbed.
    #[must_use]
    pub const fn digest(&self) -> [Target; 4] {
        let [a, b, c, d, ..] = self.0;
        [a, b, c, d]
    }
}

impl Builder {
    /// `H(tag; inputs)` of PROTOCOL.md §2, equal to `weft_crypto::poseidon::hash`. One row per 8 inputs, at least one.
    pub fn hash(&mut self, tag: Tag, inputs: &[Target]) -> [Target; 4] {
        let start = self.sponge(tag, inputs.len());
        if inputs.is_empty() {
            return self.absorb(&start, &[]).digest();
        }
        inputs.chunks(HASH_RATE).fold(start, |sponge, block| self.absorb(&sponge, block)).digest()
    }

    /// The sponge before the first block of an input of `length` elements.
    pub fn sponge(&mut self, tag: Tag, length: usize) -> Sponge {
        Sponge(self.hash_start(tag, length))
    }

    /// The sponge after one more block of at most 8 elements, filled up with zeros. One row.
    ///
    /// A sponge can be continued in several ways, so that inputs with a common beginning share its rows.
    ///
    /// # Panics
    /// If the block is longer.
    pub fn absorb(&mut self, sponge: &Sponge, block: &[Target]) -> Sponge {
        assert!(block.len() <= HASH_RATE, "a block has at most {HASH_RATE} elements");
        let mut state = sponge.0;
        state[..HASH_RATE].fill(self.zero());
        state[..block.len()].copy_from_slice(block);
        Sponge(self.permute(state))
    }

    /// Inner node of a Merkle tree: `H(NODE; left ‖ right)`, one row.
    pub fn compress(&mut self, left: [Target; 4], right: [Target; 4]) -> [Target; 4] {
        let keep = self.constant_bool(false);
        self.compress_swapped(keep, left, right)
    }

    /// Parent of `node` and `sibling`, with `node` on the right if `bit`. One row: the gate swaps by itself.
    pub fn compress_swapped(&mut self, bit: Bool, node: [Target; 4], sibling: [Target; 4]) -> [Target; 4] {
        let mut state = self.hash_start(Tag::NODE, HASH_RATE);
        state[..4].copy_from_slice(&node);
        state[4..8].copy_from_slice(&sibling);
        let state = self.permute_swapped(bit, state);
        [state[0], state[1], state[2], state[3]]
    }

    /// State of the sponge before the first block.
    fn hash_start(&mut self, tag: Tag, length: usize) -> [Target; WIDTH] {
        let mut state = [self.zero(); WIDTH];
        state[HASH_RATE] = self.constant_u64(tag.0);
        state[HASH_RATE + 1] = self.constant_u64(u64::try_from(length).expect("a length fits 64 bits"));
        state
    }

    /// The permutation.
    pub fn permute(&mut self, state: [Target; WIDTH]) -> [Target; WIDTH] {
        let keep = self.constant_bool(false);
        self.permute_swapped(keep, state)
    }

    fn permute_swapped(&mut self, swap: Bool, state: [Target; WIDTH]) -> [Target; WIDTH] {
        let row = self.inner.add_gate(PoseidonGate::<F, D>::new(), vec![]);
        self.connect(swap.target(), Target::wire(row, SWAP));
        for (column, input) in state.into_iter().enumerate() {
            self.connect(input, Target::wire(row, INPUT + column));
        }
        std::array::from_fn(|i| Target::wire(row, OUTPUT + i))
    }
}
