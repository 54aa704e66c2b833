//! What is stored and sent has one inverse, and refuses what it does not encode.

use core::fmt::Debug;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::testing::{
    arb_amount, arb_digest, arb_object, arb_queue_entry, arb_running_state, arb_slot, arb_transaction,
};
use weft_protocol::{
    Address, Amount, Context, DataPoint, Domain, Environment, FeeAsset, MerklePath, Opening, Outcome, Record, Reject,
    SealStatement, SegmentStatement, SignedTransaction, TREE_DEPTH, Timestamp, Withdrawal,
};

fn encoded(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).expect("every value has an encoding")
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let bytes = encoded(value);
    let (decoded, rest) = postcard::take_from_bytes::<T>(&bytes).expect("what was encoded decodes");
    prop_assert_eq!(&decoded, value);
    prop_assert!(rest.is_empty());
    // A value that is cut off is no value.
    prop_assert!(bytes.is_empty() || postcard::from_bytes::<T>(&bytes[..bytes.len() - 1]).is_err());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slots_survive(slot in arb_slot()) {
        survives(&slot)?;
    }

    #[test]
    fn objects_and_openings_survive(object in arb_object(), sibling in arb_digest(), is_empty in any::<bool>()) {
        survives(&object)?;
        let path = MerklePath { siblings: [sibling; TREE_DEPTH] };
        survives(&Opening { object: (!is_empty).then_some(object), path })?;
    }

    #[test]
    fn queue_entries_survive(entry in arb_queue_entry()) {
        survives(&entry)?;
    }

    #[test]
    fn states_and_statements_survive(state in arb_running_state(), digest in arb_digest(), count in any::<u32>()) {
        survives(&state)?;
        let context = Context(digest);
        survives(&SegmentStatement { context, before: state.root, after: state.chain })?;
        let point = DataPoint([digest.0[0], digest.0[1]]);
        let (root_before, root_after, chain) = (digest, state.root, state.chain);
        survives(&SealStatement { context, root_before, root_after, chain, record_count: count, z: point, value: point })?;
    }

    #[test]
    fn environments_survive(digest in arb_digest(), batch_number in any::<u32>(), seconds in 0..1u64 << 40) {
        let timestamp = Timestamp::new(seconds).expect("below 2^40");
        survives(&Environment { domain: Domain(digest), batch_number, timestamp })?;
    }

    #[test]
    fn records_and_withdrawals_survive(transaction in arb_transaction(), amount in arb_amount(), owner in any::<[u8; 20]>()) {
        survives(&transaction.record())?;
        survives(&Withdrawal { owner: Address(owner), asset: transaction.asset, amount })?;
        survives(&Reject::InsufficientBalance { balance: amount, amount })?;
        survives(&Outcome::Bounced)?;
    }

    /// The key and the signature are the last 120 of the 202 bytes.
    #[test]
    fn keys_and_signatures_that_do_not_decode_are_refused(transaction in arb_transaction(), part in 0..3usize) {
        let signed = transaction.sign(&Domain(Digest::ZERO), &SecretKey::from_seed(&[7; 32]));
        let bytes = signed.to_bytes();
        survives(&signed)?;
        // Key, and the two halves of the signature: coordinates and a scalar, all of them too large.
        let first = [82, 122, 162][part];
        let mut changed = bytes.to_vec();
        changed[first..first + 40].fill(0xff);
        prop_assert!(postcard::from_bytes::<SignedTransaction>(&encoded(&changed)).is_err());
        prop_assert_eq!(encoded(&signed), encoded(&bytes.to_vec()));
    }

    #[test]
    fn a_record_is_its_bytes(transaction in arb_transaction()) {
        let record = transaction.record();
        prop_assert_eq!(encoded(&record), record.to_bytes());
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    assert!(postcard::from_bytes::<Amount>(&encoded(&Amount::MAX.get())).is_ok());
    assert!(postcard::from_bytes::<Amount>(&encoded(&(Amount::MAX.get() + 1))).is_err());
    assert!(postcard::from_bytes::<Timestamp>(&encoded(&(1u64 << 40))).is_err());
    assert!(postcard::from_bytes::<FeeAsset>(&encoded(&4u8)).is_err());
    assert!(postcard::from_bytes::<Outcome>(&[3]).is_err());
}

#[test]
fn elements_that_are_not_reduced_are_refused() {
    assert!(postcard::from_bytes::<Goldilocks>(&encoded(&(Goldilocks::ORDER - 1))).is_ok());
    assert!(postcard::from_bytes::<Goldilocks>(&encoded(&Goldilocks::ORDER)).is_err());
    let mut bytes = Digest::ZERO.to_bytes();
    bytes[8..16].copy_from_slice(&Goldilocks::ORDER.to_be_bytes());
    assert!(postcard::from_bytes::<Digest>(&bytes).is_err());
}

#[test]
fn transactions_are_decoded_strictly() {
    let mut bytes = encoded(&vec![0u8; 202]);
    assert!(postcard::from_bytes::<SignedTransaction>(&bytes).is_err(), "kind 0 does not exist");
    bytes.truncate(100);
    assert!(postcard::from_bytes::<SignedTransaction>(&bytes).is_err());
    assert!(postcard::from_bytes::<Record>(&[0; 20]).is_err());
}
