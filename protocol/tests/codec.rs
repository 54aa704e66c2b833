//! Every encoding has one inverse, and refuses what it does not encode.

use proptest::prelude::*;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::testing::{arb_address, arb_amount, arb_digest, arb_object, arb_transaction};
use weft_protocol::{
    AccountIndex, Address, Amount, CodecError, Domain, Fee, FeeAsset, Kind, Record, RecordFields, SignedTransaction,
    Transaction, TransactionKind,
};

fn domain() -> Domain {
    Domain::new(31_337, &Address([7; 20]), &Digest::ZERO).expect("a small chain id")
}

fn sign(transaction: Transaction) -> SignedTransaction {
    transaction.sign(&domain(), &SecretKey::from_seed(&[9; 32]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn transactions_survive_their_bytes(transaction in arb_transaction()) {
        let signed = sign(transaction);
        prop_assert!(signed.signature_is_valid(&domain()));
        prop_assert_eq!(SignedTransaction::from_bytes(&signed.to_bytes()), Ok(signed));
    }

    /// Whatever field is changed, the signature does not hold any more: every field is in the message.
    #[test]
    fn every_field_is_signed(transaction in arb_transaction(), other in arb_transaction()) {
        let signed = sign(transaction.clone());
        let with = |changed: Transaction| SignedTransaction { transaction: changed, ..signed.clone() };
        let t = || transaction.clone();
        let changes = [
            Transaction { kind: other.kind, ..t() },
            Transaction { sender: other.sender, ..t() },
            Transaction { lane: other.lane, ..t() },
            Transaction { asset: other.asset, ..t() },
            Transaction { amount: other.amount, ..t() },
            Transaction { fee_asset: other.fee_asset, ..t() },
            Transaction { fee: other.fee, ..t() },
            Transaction { named_address: other.named_address, ..t() },
            Transaction { group: other.group, ..t() },
            Transaction { nonce: other.nonce, ..t() },
            Transaction { expiry: other.expiry, ..t() },
        ];
        for changed in changes {
            let same = changed == transaction;
            prop_assert_eq!(with(changed).signature_is_valid(&domain()), same);
        }
    }

    #[test]
    fn records_survive_their_bytes(transaction in arb_transaction()) {
        let record = transaction.record();
        prop_assert_eq!(Record::from_bytes(&record.to_bytes()), record);
        prop_assert_eq!(record.fields().expect("a first record").record(), record);
    }

    #[test]
    fn a_key_is_in_its_records(key in arb_digest()) {
        let words = Record::key(&key).map(|record| {
            let [high, middle, low] = record.limbs();
            let value = u128::from(high & 0xffff) << 112 | u128::from(middle) << 56 | u128::from(low);
            [value >> 64, value & u128::from(u64::MAX)]
        });
        prop_assert_eq!(words.concat(), key.0.map(|word| u128::from(word.as_u64())).to_vec());
    }

    #[test]
    fn an_address_is_in_its_record(address in arb_address()) {
        let bytes = Record::address(&address).to_bytes();
        prop_assert_eq!(&bytes[1..], &address.0[..]);
        prop_assert_eq!(bytes[0], (Kind::Address as u8) << 3);
    }

    #[test]
    fn the_least_fee_is_enough_and_no_smaller_one_is(value in arb_amount()) {
        match Fee::at_least(value) {
            None => prop_assert!(value.get() > 2047 << 31),
            Some(fee) => {
                prop_assert!(fee.value() >= value);
                let smaller = (0..=u16::MAX).map(Fee).any(|f| f.value() >= value && f.value() < fee.value());
                prop_assert!(!smaller);
            }
        }
    }

    /// Credits and debits keep objects canonical.
    #[test]
    fn objects_stay_canonical(object in arb_object(), asset in 1..18u16, amount in arb_amount(), own in any::<bool>()) {
        let asset = weft_protocol::AssetId(asset);
        prop_assume!(!amount.is_zero());
        let positions = if own { 12 } else { 8 };
        if let Ok(credited) = object.credited(asset, amount, positions) {
            let mut assets: Vec<_> = credited.entries.iter().map(|e| e.asset).filter(|a| !a.is_none()).collect();
            let count = assets.len();
            assets.sort();
            assets.dedup();
            prop_assert_eq!(assets.len(), count);
            prop_assert!(credited.entries.iter().all(|e| e.asset.is_none() == e.amount.is_zero()));
            prop_assert_eq!(credited.balance(asset).get(), object.balance(asset).get() + amount.get());
            let back = credited.debited(asset, amount).expect("it was just credited");
            prop_assert_eq!(back, object);
        }
    }
}

#[test]
fn a_transaction_with_an_unused_field_is_refused() {
    let signed = sign(withdrawal());
    let mut bytes = signed.to_bytes();
    bytes[10] = 1; // B, which a withdrawal does not name
    assert_eq!(SignedTransaction::from_bytes(&bytes), Err(CodecError::UnusedField { field: "b" }));
    let mut bytes = signed.to_bytes();
    bytes[20] |= 1; // outcome
    assert_eq!(SignedTransaction::from_bytes(&bytes), Err(CodecError::UnusedField { field: "outcome" }));
}

#[test]
fn kinds_that_users_cannot_send_are_refused() {
    let signed = sign(withdrawal());
    for kind in (0..32).filter(|kind| ![Kind::Transfer as u8, Kind::Withdraw as u8].contains(kind)) {
        let mut bytes = signed.to_bytes();
        bytes[0] = kind << 3 | bytes[0] & 7;
        assert_eq!(SignedTransaction::from_bytes(&bytes), Err(CodecError::UnsupportedKind { kind }));
    }
}

#[test]
fn a_group_field_that_is_no_digest_is_refused() {
    let mut bytes = sign(withdrawal()).to_bytes();
    bytes[41..49].copy_from_slice(&Goldilocks::ORDER.to_be_bytes());
    assert_eq!(SignedTransaction::from_bytes(&bytes), Err(CodecError::NotCanonical { what: "group field" }));
}

#[test]
fn wrong_lengths_are_refused() {
    let bytes = sign(withdrawal()).to_bytes();
    for got in [0, 1, bytes.len() - 1] {
        let expected = SignedTransaction::BYTES;
        let error = CodecError::Length { what: "transaction", expected, got };
        assert_eq!(SignedTransaction::from_bytes(&bytes[..got]), Err(error));
    }
}

#[test]
fn amounts_end_below_2_to_the_62() {
    assert!(Amount::new((1 << 62) - 1).is_ok());
    assert!(Amount::new(1 << 62).is_err());
    assert!(Amount::new(u64::MAX).is_err());
}

fn withdrawal() -> Transaction {
    let fields = RecordFields::new(Kind::Withdraw, AccountIndex(5), weft_protocol::AssetId::ETH, Amount::MAX);
    Transaction {
        kind: TransactionKind::Withdraw,
        sender: fields.a,
        lane: fields.lane,
        asset: fields.asset,
        amount: fields.amount,
        fee_asset: FeeAsset::default(),
        fee: Fee::ZERO,
        named_address: Address::ZERO,
        group: Digest::ZERO,
        nonce: 0,
        expiry: weft_protocol::Timestamp::MAX,
    }
}
