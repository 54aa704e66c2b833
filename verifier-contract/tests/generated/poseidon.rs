//! The Solidity hash equals the protocol's.

use crate::common::{creation_code, selector, word};
use crate::evm::Evm;
use proptest::collection::vec;
use proptest::prelude::*;
use weft_crypto::poseidon::hash;
use weft_crypto::{Goldilocks, Tag};

/// Gas of a block of eight elements: a permutation, the copy of the block and its calldata.
const BLOCK_GAS_MAX: u64 = 28_000;

/// Order of the field.
const ORDER: u64 = 0xffff_ffff_0000_0001;

fn element() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..ORDER, 1 => 0..3_u64, 1 => ORDER - 3..ORDER]
}

fn calldata(tag: Tag, elements: &[u64]) -> Vec<u8> {
    let mut data = selector("hash(uint256,uint256[])").to_vec();
    for value in [tag.0, 64, elements.len() as u64].iter().chain(elements) {
        data.extend(word(*value));
    }
    data
}

#[test]
fn hash_equals_the_native_one() {
    let evm = Evm::new();
    let contract = evm.deploy(&creation_code(include_str!("../testbed/PoseidonHarness.json")), &[]);
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(elements in vec(element(), 0..40))| {
        let outcome = evm.call(contract, calldata(Tag::NODE, &elements));
        prop_assert!(outcome.success);
        let native: Vec<Goldilocks> =
            elements.iter().map(|&e| Goldilocks::from_canonical(e).expect("below the order")).collect();
        let expected = hash(Tag::NODE, &native);
        let expected: Vec<u8> = expected.0.iter().flat_map(|e| word(e.as_u64())).collect();
        prop_assert_eq!(outcome.output, expected);
    });
}

#[test]
fn a_block_has_its_price() {
    let evm = Evm::new();
    let contract = evm.deploy(&creation_code(include_str!("../testbed/PoseidonHarness.json")), &[]);
    let gas = |blocks: usize, evm: &Evm| evm.call(contract, calldata(Tag::NODE, &vec![1; 8 * blocks])).gas;
    let (two, twelve) = (gas(2, &evm), gas(12, &evm));
    let per_block = (twelve - two) / 10;
    println!("poseidon: {per_block} gas a block of eight elements");
    assert!(per_block < BLOCK_GAS_MAX, "{per_block}");
}
