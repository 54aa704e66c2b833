//! Merkle paths in circuits: one row per level.

use crate::builder::{Bool, Builder, Target};

impl Builder {
    /// Root of the tree in which `leaf` sits at the index with these bits, lowest first, beside these siblings, lowest
    /// first. A set bit means that the node is a right child.
    ///
    /// # Soundness
    /// The index is given by flags, so it is exactly as wide as the path is long. Leaves and inner nodes are hashed under
    /// different tags; a leaf digest must come from the leaf's own hash.
    ///
    /// # Panics
    /// If there are not as many siblings as bits.
    pub fn merkle_root(&mut self, leaf: [Target; 4], index: &[Bool], siblings: &[[Target; 4]]) -> [Target; 4] {
        assert_eq!(index.len(), siblings.len(), "a path has one sibling per level");
        index.iter().zip(siblings).fold(leaf, |node, (&bit, &sibling)| self.compress_swapped(bit, node, sibling))
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::PrimeField64;
    use weft_crypto::{Digest, Goldilocks, poseidon};

    use crate::builder::{Builder, CircuitName, Mode};
    use crate::config::segment_config;
    use crate::testing::checker::{check, value_of};
    use crate::testing::generate;
    use crate::wired::Witness;

    const DEPTH: usize = 5;

    #[test]
    fn the_root_is_the_native_one_from_every_side() {
        let digest = |seed: u64| Digest([0, 1, 2, 3].map(|i| Goldilocks::from_u64(0x1234_5678 * seed + i)));
        let (leaf, siblings) = (digest(1), std::array::from_fn::<_, DEPTH, _>(|level| digest(2 + level as u64)));
        let mut b = Builder::new(CircuitName { name: "test", version: 1 }, segment_config(), Mode::Proving);
        let leaf_wires = b.alloc::<Digest>();
        let bits = b.alloc::<[bool; DEPTH]>();
        let sibling_wires = b.alloc::<[Digest; DEPTH]>();
        let root = b.merkle_root(leaf_wires, &bits, &sibling_wires);
        let circuit = b.build();
        for index in [0_u32, 1, 0b10110, 0b11111] {
            let directions = std::array::from_fn(|level| index >> level & 1 == 1);
            let native = siblings.iter().zip(directions).fold(leaf, |node, (sibling, right)| match right {
                true => poseidon::compress(sibling, &node),
                false => poseidon::compress(&node, sibling),
            });
            let mut witness = Witness::new();
            witness.assign(&leaf_wires, &leaf).expect("set once");
            witness.assign(&bits, &directions).expect("set once");
            witness.assign(&sibling_wires, &siblings).expect("set once");
            let generated = generate(&circuit, &witness, &[]);
            assert_eq!(check(&circuit, &generated.witness), Ok(()));
            let got = root.map(|target| Goldilocks::from_u64(value_of(&generated.witness, target).to_canonical_u64()));
            assert_eq!(Digest(got), native, "index {index}");
        }
    }
}
