//! Commitments: every check of the header and the data, and what is derived from them.

use alloy::primitives::aliases::U40;
use alloy::primitives::{B256, Bytes, U256, keccak256};
use alloy::sol_types::SolValue;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use weft_contract::bindings::Commitment;
use weft_contract::bindings::IRollup::{self, IRollupErrors};
use weft_protocol::{MAX_RECORDS, Outcome, QueueEntry, Record, Withdrawal};

use crate::support::*;

/// The refusal of a batch's commitment.
async fn refused(fixture: &Fixture, batch: &Batch) -> IRollupErrors {
    let call = fixture.rollup.commit(batch.header.clone(), data(&batch.records));
    refusal(call.from(user(0)).call().await)
}

/// A plain record with arbitrary fields.
fn plain_record() -> impl Strategy<Value = Record> {
    any::<[u8; 21]>().prop_map(|mut bytes| {
        bytes[0] &= 0x3f; // class 0
        Record::from_bytes(&bytes)
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    block_in_place(|| Handle::current().block_on(future))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_is_what_the_protocol_says() {
    let fixture = Fixture::new().await;
    let batch = fixture.batch(vec![transfer(1), transfer(2)], 0).await;
    let content = fixture.commit(&batch).await;
    assert_eq!(content, fixture.expected(&batch, &[]));
    let hash = keccak256(content.abi_encode());
    assert_eq!(fixture.rollup.committedAt(hash).call().await.unwrap(), U40::from(fixture.now().await));

    // Nothing else has changed, and the same batch may be committed again.
    assert_eq!(fixture.rollup.root().call().await.unwrap(), GENESIS_ROOT);
    assert_eq!(fixture.rollup.progress().call().await.unwrap().number, 0);
    assert_eq!(fixture.commit(&batch).await, content);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_every_block_shape_have_the_reference_value() {
    let fixture = Fixture::new().await;
    // Blocks are of 42 records.
    for count in [0, 1, 2, 41, 42, 43, 84, 85, 127, 128, 129, 1_000, MAX_RECORDS] {
        let records = (0..count).map(|index| transfer(u32::try_from(index).unwrap()));
        let batch = fixture.batch(records.collect(), 0).await;
        assert_eq!(fixture.commit(&batch).await, fixture.expected(&batch, &[]), "{count} records");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arbitrary_data_have_the_reference_value() {
    let fixture = Fixture::new().await;
    let extreme = Just(Record::from_bytes(&{
        let mut bytes = [0xff; 21];
        bytes[0] = 0x3f;
        bytes
    }));
    let records = prop::collection::vec(prop_oneof![4 => plain_record(), 1 => extreme], 0..200);
    let outcome = TestRunner::new(ProptestConfig::with_cases(24)).run(&records, |records| {
        block_on(async {
            let batch = fixture.batch(records, 0).await;
            prop_assert_eq!(fixture.commit(&batch).await, fixture.expected(&batch, &[]));
            Ok(())
        })
    });
    outcome.unwrap();
}

/// A step of a batch, chosen at random.
#[derive(Clone, Debug)]
enum Step {
    Plain(Record),
    Withdraw(u8, u64),
    TakeNext(Outcome, u32),
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![Just(Outcome::Done), Just(Outcome::Bounced), Just(Outcome::Void)];
    prop_oneof![
        plain_record().prop_map(Step::Plain),
        (any::<u8>(), 1..1u64 << 62).prop_map(|(owner, amount)| Step::Withdraw(owner, amount)),
        (outcome, any::<u32>()).prop_map(|(outcome, index)| Step::TakeNext(outcome, index)),
    ]
}

/// The records of the steps, their withdrawals, and how many of `queue` they take.
fn play(steps: &[Step], queue: &[QueueEntry]) -> (Vec<Record>, Vec<Withdrawal>, usize) {
    let (mut records, mut withdrawals, mut next) = (Vec::new(), Vec::new(), 0);
    for step in steps {
        match step {
            Step::Plain(record) => records.push(*record),
            Step::Withdraw(owner, amount) => {
                let (pair, withdrawal) = withdraw([*owner; 20].into(), ETH, *amount);
                records.extend(pair);
                withdrawals.push(withdrawal);
            }
            Step::TakeNext(outcome, index) => {
                let Some(entry) = queue.get(next) else {
                    continue;
                };
                next += 1;
                records.extend(taken(entry, *index, *outcome));
                if *outcome == Outcome::Bounced {
                    withdrawals.push(refund(entry));
                }
            }
        }
    }
    (records, withdrawals, next)
}

#[tokio::test(flavor = "multi_thread")]
async fn arbitrary_walks_take_the_queue_in_order_and_collect_the_withdrawals() {
    let fixture = Fixture::new().await;
    let mut queue = Vec::new();
    for index in 0..4 {
        queue.push(fixture.deposit(index, index, user(1), u64::from(index) + 1).await);
        queue.push(fixture.deposit_open(index + 3, user(2), B256::repeat_byte(3), 1 << index).await);
    }
    let steps = prop::collection::vec(step(), 0..40);
    let outcome = TestRunner::new(ProptestConfig::with_cases(24)).run(&steps, |steps| {
        block_on(async {
            let (records, withdrawals, taken) = play(&steps, &queue);
            let batch = fixture.batch(records, taken as u64).await;
            prop_assert_eq!(fixture.commit(&batch).await, fixture.expected(&batch, &withdrawals));
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_commits() {
    let fixture = Fixture::new().await;
    let batch = fixture.batch(vec![], 0).await;
    let call = fixture.rollup.commit(batch.header, Bytes::new());
    assert_eq!(
        refusal(call.from(user(1)).call().await),
        IRollupErrors::Unauthorized(IRollup::Unauthorized { caller: user(1), expected: user(0) })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn data_are_whole_records_and_not_too_many() {
    let fixture = Fixture::new().await;
    let batch = fixture.batch(vec![], 0).await;
    for length in [1, 20, 22, 21 * (MAX_RECORDS + 1)] {
        let call = fixture.rollup.commit(batch.header.clone(), vec![0; length].into());
        assert_eq!(
            refusal(call.from(user(0)).call().await),
            IRollupErrors::WrongDataLength(IRollup::WrongDataLength { length: U256::from(length) })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_header_are_below_p() {
    let fixture = Fixture::new().await;
    let good = fixture.batch(vec![transfer(1)], 0).await;
    for word in 0..4 {
        let digest = non_canonical(word);
        let mut bad = [good.clone(), good.clone(), good.clone()];
        bad[0].header.rootBefore = digest;
        bad[1].header.rootAfter = digest;
        bad[2].header.recordChain = digest;
        for batch in bad {
            assert_eq!(
                refused(&fixture, &batch).await,
                IRollupErrors::NonCanonicalDigest(IRollup::NonCanonicalDigest { digest })
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timestamp_is_of_the_last_24_hours() {
    let fixture = Fixture::new().await;
    let now = fixture.now().await;
    let at = async |timestamp: u64| {
        let mut batch = fixture.batch(vec![transfer(1)], 0).await;
        batch.header.timestamp = U40::from(timestamp);
        fixture.rollup.commit(batch.header, data(&batch.records)).from(user(0)).call().await
    };
    const DAY: u64 = 24 * 3_600;
    at(now).await.expect("the present");
    at(now - DAY + 60).await.expect("a day ago, with a minute for the test to run");
    for timestamp in [0, now - DAY - 1, now + 600] {
        let IRollupErrors::TimestampOutOfRange(error) = refusal(at(timestamp).await) else {
            panic!("refused for its time");
        };
        assert_eq!(error.timestamp, U256::from(timestamp));
        assert_eq!(error.latest - error.earliest, U256::from(DAY));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_range_exists_and_has_the_named_chain() {
    let fixture = Fixture::new().await;
    let entry = fixture.deposit(1, 5, user(1), 100).await;
    let good = fixture.batch(taken(&entry, 0, Outcome::Done), 1).await;

    let mut beyond = good.clone();
    beyond.header.queueEnd = 2;
    let mut reversed = good.clone();
    (reversed.header.queueStart, reversed.header.queueEnd) = (1, 0);
    for (batch, start, end) in [(beyond, 0, 2), (reversed, 1, 0)] {
        assert_eq!(
            refused(&fixture, &batch).await,
            IRollupErrors::QueueRangeOutOfBounds(IRollup::QueueRangeOutOfBounds { start, end, length: 1 })
        );
    }
    let mut start = good.clone();
    start.header.queueChainStart = B256::repeat_byte(1);
    let mut end = good.clone();
    end.header.queueChainEnd = B256::repeat_byte(2);
    for (batch, index) in [(start, 0), (end, 1)] {
        assert!(matches!(
            refused(&fixture, &batch).await,
            IRollupErrors::WrongQueueChain(error) if error.index == index
        ));
    }
    let mut skipped = good.clone();
    skipped.records = vec![transfer(1)];
    assert_eq!(
        refused(&fixture, &skipped).await,
        IRollupErrors::WrongQueueEnd(IRollup::WrongQueueEnd { expected: 1, given: 0 })
    );
    let mut twice = good.clone();
    twice.records.extend(good.records.clone());
    assert_eq!(
        refused(&fixture, &twice).await,
        IRollupErrors::WrongQueueEnd(IRollup::WrongQueueEnd { expected: 1, given: 2 })
    );
    fixture.commit(&good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bit_of_a_queue_entry_counts_but_the_masked_ones() {
    let fixture = Fixture::new().await;
    let first = fixture.deposit(1, 5, user(1), 100).await;
    let second = fixture.deposit_open(1, user(1), B256::repeat_byte(6), 100).await;
    let mut records = taken(&first, 0, Outcome::Done);
    records.extend(taken(&second, 0, Outcome::Done));
    let good = fixture.batch(records, 2).await;
    let strategy = (any::<Index>(), 0..168usize);
    let outcome = TestRunner::new(ProptestConfig::with_cases(96)).run(&strategy, |(position, bit)| {
        let position = position.index(good.records.len());
        let mut bytes = good.records[position].to_bytes();
        bytes[bit / 8] ^= 0x80 >> (bit % 8);
        let mut batch = good.clone();
        batch.records[position] = Record::from_bytes(&bytes);
        let first_of_entry = position == 0 || position == 2;
        let is_outcome = first_of_entry && bit >= 166;
        let is_index_of_opening = position == 2 && (8..40).contains(&bit);
        block_on(async {
            let call = fixture.rollup.commit(batch.header.clone(), data(&batch.records));
            let accepted = call.from(user(0)).call().await.is_ok();
            prop_assert_eq!(accepted, is_outcome || is_index_of_opening);
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_taken_in_order() {
    let fixture = Fixture::new().await;
    let first = fixture.deposit(1, 5, user(1), 100).await;
    let second = fixture.deposit(1, 6, user(1), 100).await;
    let mut records = taken(&second, 0, Outcome::Done);
    records.extend(taken(&first, 0, Outcome::Done));
    let swapped = fixture.batch(records, 2).await;
    assert!(matches!(refused(&fixture, &swapped).await, IRollupErrors::QueueMismatch(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_moves_money_needs_its_continuation() {
    let fixture = Fixture::new().await;
    let entry = fixture.deposit(1, 5, user(1), 100).await;
    let (withdrawal, _) = withdraw(user(1), ETH, 5);
    let deposit = taken(&entry, 0, Outcome::Done);
    for (records, position) in [
        (vec![withdrawal[0]], 0),
        (vec![transfer(1), withdrawal[0], transfer(2)], 1),
        (vec![deposit[0]], 0),
        (vec![deposit[0], transfer(1)], 0),
    ] {
        let batch = fixture.batch(records, 1).await;
        assert_eq!(
            refused(&fixture, &batch).await,
            IRollupErrors::MissingContinuation(IRollup::MissingContinuation { position: U256::from(position) })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commitment_binds_every_field() {
    let fixture = Fixture::new().await;
    let batch = fixture.batch(vec![transfer(1)], 0).await;
    let content = fixture.expected(&batch, &[]);
    let other = Commitment { withdrawalsRoot: B256::repeat_byte(1), ..content.clone() };
    fixture.commit(&batch).await;
    for (content, known) in [(content, true), (other, false)] {
        let at = fixture.rollup.committedAt(keccak256(content.abi_encode())).call().await.unwrap();
        assert_eq!(!at.is_zero(), known);
    }
}
