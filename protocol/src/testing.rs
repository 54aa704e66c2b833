//! Strategies of property tests, beside the types that they make.

use proptest::prelude::*;

use crate::crypto::schnorr::SecretKey;
use crate::crypto::{Digest, Goldilocks};
use crate::{
    AccountIndex, Address, Agent, Amount, AssetId, Deposit, Domain, ENTRY_COUNT, Entry, Fee, FeeAsset, FeeSums, Lane,
    Object, OpeningDeposit, QueueEntry, QueueOperation, RunningState, Slot, Timestamp, Transaction, TransactionKind,
};

/// Any element.
pub fn arb_element() -> impl Strategy<Value = Goldilocks> {
    any::<u64>().prop_map(Goldilocks::from_u64)
}

/// Any digest.
pub fn arb_digest() -> impl Strategy<Value = Digest> {
    [arb_element(), arb_element(), arb_element(), arb_element()].prop_map(Digest)
}

/// Any address.
pub fn arb_address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address)
}

/// Any amount, small and extreme ones often.
pub fn arb_amount() -> impl Strategy<Value = Amount> {
    prop_oneof![0..3u64, 0..1_000_000u64, Amount::MAX.get() - 3..=Amount::MAX.get(), 0..=Amount::MAX.get(),]
        .prop_map(|value| Amount::new(value).expect("the ranges end at the largest amount"))
}

/// An index of 32 bits, those outside of the tree included.
pub fn arb_index() -> impl Strategy<Value = AccountIndex> {
    prop_oneof![0..64u32, 0..1u32 << 28, any::<u32>()].prop_map(AccountIndex)
}

/// Canonical entries: `filled` of them, at any positions, each of another asset from a small range.
pub fn arb_entries() -> impl Strategy<Value = [Entry; ENTRY_COUNT]> {
    let assets = Just((1..=16u16).collect::<Vec<_>>()).prop_shuffle();
    let amounts = proptest::collection::vec(prop_oneof![Just(Amount::ZERO), arb_amount()], ENTRY_COUNT);
    (assets, amounts).prop_map(|(assets, amounts)| {
        core::array::from_fn(|i| {
            let amount = amounts[i];
            let asset = if amount.is_zero() { AssetId::NONE } else { AssetId(assets[i]) };
            Entry { asset, amount }
        })
    })
}

/// An object of any kind and content that keeps to the layout.
pub fn arb_object() -> impl Strategy<Value = Object> {
    let header = prop_oneof![4 => Just((Object::ACCOUNT, 0)), 1 => any::<(u8, u8)>()];
    let agent = (arb_digest(), any::<u16>(), 0..1u64 << 40, any::<u32>());
    let nonce = prop_oneof![0..4u32, Just(u32::MAX)];
    (header, arb_address(), arb_digest(), agent, nonce, arb_entries()).prop_map(
        |((kind, flags), owner, main_key, (key, role, expiry, agent_nonce), nonce, entries)| {
            let expiry = Timestamp::new(expiry).expect("below 2^40");
            let agent = Agent { key, role, expiry, nonce: agent_nonce };
            Object { kind, flags, owner, main_key, agent, nonce, entries }
        },
    )
}

/// A deposit, its asset 0 to 17.
pub fn arb_deposit() -> impl Strategy<Value = Deposit> {
    (arb_index(), arb_address(), 0..18u16, arb_amount(), any::<bool>()).prop_map(
        |(account, owner, asset, amount, by_owner)| Deposit { account, owner, asset: AssetId(asset), amount, by_owner },
    )
}

/// An opening deposit, its asset 0 to 17.
pub fn arb_opening_deposit() -> impl Strategy<Value = OpeningDeposit> {
    (arb_address(), arb_digest(), 0..18u16, arb_amount()).prop_map(|(owner, key, asset, amount)| OpeningDeposit {
        owner,
        key,
        asset: AssetId(asset),
        amount,
    })
}

/// A transaction with fields over their whole ranges.
pub fn arb_transaction() -> impl Strategy<Value = Transaction> {
    let kind =
        prop_oneof![arb_index().prop_map(|to| TransactionKind::Transfer { to }), Just(TransactionKind::Withdraw),];
    let paid = (any::<u16>(), arb_amount(), 0..4u8, any::<u16>());
    let bound = (arb_address(), arb_digest(), any::<u32>(), 0..1u64 << 40);
    (kind, arb_index(), any::<bool>(), paid, bound).prop_map(
        |(kind, sender, agent, (asset, amount, fee_asset, fee), (named_address, group, nonce, expiry))| Transaction {
            kind,
            sender,
            lane: if agent { Lane::Agent } else { Lane::Main },
            asset: AssetId(asset),
            amount,
            fee_asset: FeeAsset::new(fee_asset).expect("below 4"),
            fee: Fee(fee),
            named_address,
            group,
            nonce,
            expiry: Timestamp::new(expiry).expect("below 2^40"),
        },
    )
}

/// An entry of the L1 queue.
pub fn arb_queue_entry() -> impl Strategy<Value = QueueEntry> {
    let operation = prop_oneof![
        arb_deposit().prop_map(QueueOperation::Deposit),
        arb_opening_deposit().prop_map(QueueOperation::OpeningDeposit),
    ];
    (operation, arb_address()).prop_map(|(operation, sender)| QueueEntry { operation, sender })
}

/// A slot of any kind. Its signature is valid in no domain.
pub fn arb_slot() -> impl Strategy<Value = Slot> {
    let fee_asset = (0..4u8).prop_map(|code| FeeAsset::new(code).expect("below 4"));
    prop_oneof![
        Just(Slot::Padding),
        arb_transaction().prop_map(|transaction| {
            let secret = SecretKey::from_seed(&[7; 32]);
            Slot::Signed(transaction.sign(&Domain(Digest::ZERO), &secret))
        }),
        arb_deposit().prop_map(Slot::Deposit),
        (arb_opening_deposit(), arb_index()).prop_map(|(deposit, index)| Slot::OpeningDeposit { deposit, index }),
        (arb_index(), fee_asset).prop_map(|(account, fee_asset)| Slot::CollectFees { account, fee_asset }),
    ]
}

/// A running state.
pub fn arb_running_state() -> impl Strategy<Value = RunningState> {
    let sums = [arb_amount(), arb_amount(), arb_amount(), arb_amount()];
    (arb_digest(), arb_digest(), sums).prop_map(|(root, chain, amounts)| {
        let fee_sums =
            FeeAsset::all().zip(amounts).fold(FeeSums::default(), |sums, (asset, sum)| sums.with(asset, sum));
        RunningState { root, chain, fee_sums }
    })
}
