use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use weft_protocol::testing::arb_object;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Up to more than one task hashes.
    #[test]
    fn leaves_are_the_digests_of_the_objects(objects in vec(option::weighted(0.8, arb_object()), 0..2 * LEAVES_PER_TASK)) {
        let indexed: Vec<_> = (0..).map(AccountIndex).zip(&objects).collect();
        let expected: Vec<_> = indexed
            .iter()
            .map(|(index, object)| (*index, object.as_ref().map_or(Digest::ZERO, Object::digest)))
            .collect();
        prop_assert_eq!(leaves(indexed.iter().map(|(index, object)| (*index, object.as_ref()))), expected);
    }
}
