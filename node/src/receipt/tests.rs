//! Receipts in their one form, and the records of their slots.

use proptest::prelude::*;
use weft_api::{FixedBytes, L1Transaction};
use weft_circuits::digest::CircuitDigest;
use weft_protocol::crypto::Goldilocks;
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::testing::arb_transaction;
use weft_protocol::{AccountIndex, Address, Amount, AssetId, Domain, Kind, Lane, RecordFields, Transaction};

use super::*;
use crate::verify::{Check, check_transaction};

const CONTRACT: Address = Address([0xc0; 20]);
const CHAIN: u64 = 31_337;

fn domain() -> Domain {
    Domain::new(CHAIN, &CONTRACT, &Digest::ZERO).unwrap()
}

fn hash(byte: u8) -> L1Hash {
    FixedBytes([byte; 32])
}

fn l1_transaction(byte: u8) -> L1Transaction {
    L1Transaction { hash: hash(byte), gas: 1, data_bytes: 1 }
}

/// A transaction of the main key, between a deposit of three records and a transfer of somebody else.
fn receipt(transaction: &Transaction) -> Receipt {
    let transaction = Transaction { lane: Lane::Main, group: Digest::ZERO, ..transaction.clone() };
    let signed = transaction.sign(&domain(), &SecretKey::from_seed(&[3; 32]));
    let deposit = RecordFields::new(Kind::OpeningDeposit, AccountIndex(1), AssetId::ETH, Amount::MAX);
    let [first, second] = Record::key(&Digest::ZERO);
    let other = RecordFields::new(Kind::Transfer, AccountIndex(9), AssetId::ETH, Amount::MAX);
    let mut records = vec![deposit.record(), Record::address(&CONTRACT), first, second];
    let mut made = Receipt {
        transaction: signed,
        slot: 1,
        l1: L1Pointer { commit: hash(1), prove: hash(2) },
        batch: ProofFile {
            version: ProofFile::VERSION,
            chain_id: CHAIN,
            contract: CONTRACT,
            genesis_salt: Digest::ZERO,
            number: 1,
            timestamp: 5,
            root_before: Digest::ZERO,
            root_after: Digest::ZERO,
            records: HexBytes::default(),
            circuit: CircuitDigest([1; 32]),
            proof: HexBytes(vec![2]),
        },
    };
    records.extend(made.expected_records());
    records.push(other.record());
    made.batch.records = HexBytes(records.iter().flat_map(Record::to_bytes).collect());
    made
}

fn failed(receipt: &Receipt) -> Option<Check> {
    check_transaction(receipt).err().map(|failed| failed.check)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reading_undoes_writing(transaction in arb_transaction()) {
        let receipt = receipt(&transaction);
        let bytes = receipt.to_bytes();
        prop_assert!(Receipt::recognises(&bytes));
        prop_assert!(!Receipt::recognises(&receipt.batch.to_bytes()));
        prop_assert_eq!(Receipt::from_bytes(&bytes).unwrap(), receipt);
    }

    #[test]
    fn no_byte_is_without_meaning(
        transaction in arb_transaction(),
        position in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let receipt = receipt(&transaction);
        let bytes = receipt.to_bytes();
        let mut changed = bytes.clone();
        changed[position.index(bytes.len())] = byte;
        match Receipt::from_bytes(&changed) {
            Ok(other) => prop_assert_eq!(other == receipt, changed == bytes),
            Err(_) => prop_assert_ne!(changed, bytes),
        }
    }

    #[test]
    fn the_slot_must_hold_the_records_of_the_transaction(transaction in arb_transaction()) {
        let good = receipt(&transaction);
        prop_assert_eq!(failed(&good), None);
        for slot in [0, 2] {
            prop_assert_eq!(failed(&Receipt { slot, ..good.clone() }), Some(Check::Slot));
        }
        let missing = check_transaction(&Receipt { slot: 3, ..good.clone() }).unwrap_err();
        prop_assert_eq!(missing.reason, "batch 1 has no slot 3");
        // Any other byte among the records of the slot.
        let start = 4 * 21;
        let end = start + 21 * good.expected_records().len();
        for position in start..end {
            let mut changed = good.clone();
            changed.batch.records.0[position] ^= 1;
            prop_assert!(failed(&changed).is_some(), "byte {}", position - start);
        }
    }

    #[test]
    fn the_signature_covers_transaction_and_domain(transaction in arb_transaction(), bit in 0..8) {
        let good = receipt(&transaction);
        let bytes = good.transaction.to_bytes();
        for position in 0..bytes.len() {
            let mut changed = bytes;
            changed[position] ^= 1u8 << bit;
            let Ok(transaction) = SignedTransaction::from_bytes(&changed) else { continue };
            let failed = failed(&Receipt { transaction, ..good.clone() });
            prop_assert_eq!(failed, Some(Check::Signature), "byte {}", position);
        }
        let changed = |change: fn(&mut ProofFile)| {
            let mut receipt = good.clone();
            change(&mut receipt.batch);
            failed(&receipt)
        };
        prop_assert_eq!(changed(|batch| batch.chain_id += 1), Some(Check::Signature));
        prop_assert_eq!(changed(|batch| batch.contract.0[0] ^= 1), Some(Check::Signature));
        prop_assert_eq!(changed(|batch| batch.genesis_salt = Digest([Goldilocks::from_u64(1); 4])), Some(Check::Signature));
        prop_assert_eq!(changed(|batch| batch.records.0.truncate(22)), Some(Check::Statement));
    }
}

#[test]
fn a_receipt_is_made_once_l1_has_verified_the_batch() {
    let transaction = Transaction {
        kind: TransactionKind::Withdraw,
        sender: AccountIndex(4),
        lane: Lane::Main,
        asset: AssetId::ETH,
        amount: Amount::MAX,
        fee_asset: weft_protocol::FeeAsset::default(),
        fee: weft_protocol::Fee::ZERO,
        named_address: CONTRACT,
        group: Digest::ZERO,
        nonce: 0,
        expiry: weft_protocol::Timestamp::new(7).unwrap(),
    };
    let good = receipt(&transaction);
    let file = good.batch.to_bytes();
    let make = |l1: &L1View| Receipt::new(good.transaction.clone(), 1, &file, l1);
    let (commit, prove) = (Some(l1_transaction(1)), Some(l1_transaction(2)));
    assert!(matches!(make(&L1View { commit, prove: None }), Err(ReceiptError::NotVerified)));
    assert!(matches!(make(&L1View { commit: None, prove }), Err(ReceiptError::NotVerified)));
    assert_eq!(make(&L1View { commit, prove }).unwrap(), good);
    assert_eq!(good.id().unwrap(), good.transaction.transaction.id(&domain()));

    let text = String::from_utf8(good.to_bytes()).unwrap();
    let refused = |text: String| Receipt::from_bytes(text.as_bytes()).unwrap_err();
    assert!(matches!(refused(format!("{text} ")), ReceiptError::NotCanonical { .. }));
    assert!(matches!(refused(text.replace("\"weft-receipt-1\"", "\"weft-receipt-2\"")), ReceiptError::Format { .. }));
    assert!(matches!(refused(text.replace("\"slot\":1", "\"slot\":01")), ReceiptError::Json(_)));
}
