//! Proving: the only transition, in order, in time, for exactly the committed batch.

use alloy::primitives::{B256, U256, keccak256};
use alloy::sol_types::SolValue;
use weft_contract::bindings::Commitment;
use weft_contract::bindings::IRollup::{self, BatchProven, IRollupErrors};
use weft_protocol::Outcome;

use crate::support::*;

/// A commitment's hash.
fn hash(content: &Commitment) -> B256 {
    keccak256(content.abi_encode())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_the_statement_moves_the_root() {
    let fixture = Fixture::new().await;
    let entry = fixture.deposit_open(1, user(1), B256::ZERO, 100).await;
    let (mut records, withdrawal) = withdraw(user(1), ETH, 30);
    records.extend(taken(&entry, 12, Outcome::Done));
    let batch = fixture.batch(records, 1).await;
    let content = fixture.commit(&batch).await;

    let receipt = send(fixture.rollup.prove(content.clone(), fixture.proof(&batch))).await;
    let event: BatchProven = event(&receipt);
    let withdrawals_root = B256::from(withdrawal.leaf());
    assert_eq!((event.number, event.commitment), (1, hash(&content)));
    assert_eq!((event.root, event.withdrawalsRoot), (batch.header.rootAfter, withdrawals_root));
    assert_eq!(fixture.rollup.root().call().await.unwrap(), batch.header.rootAfter);
    assert_eq!(fixture.rollup.withdrawalsRoot(1).call().await.unwrap(), withdrawals_root);
    let progress = fixture.rollup.progress().call().await.unwrap();
    assert_eq!((progress.number, progress.timestamp), (1, batch.header.timestamp));
    assert_eq!((progress.queueHead, progress.queueLength), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_of_the_statement_reaches_the_verifier() {
    let fixture = Fixture::new().await;
    let batch = fixture.batch(vec![transfer(1), transfer(2)], 0).await;
    let content = fixture.commit(&batch).await;
    let good = fixture.proof(&batch);
    let mut others = Vec::new();
    let mut change = |alter: fn(&mut Batch)| {
        let mut other = batch.clone();
        alter(&mut other);
        others.push(fixture.proof(&other));
    };
    change(|batch| batch.header.number += 1);
    change(|batch| batch.header.timestamp += alloy::primitives::aliases::U40::from(1));
    change(|batch| batch.header.rootBefore = B256::ZERO);
    change(|batch| batch.header.rootAfter = B256::ZERO);
    change(|batch| batch.header.recordChain = B256::ZERO);
    change(|batch| batch.records[1] = transfer(3));
    change(|batch| batch.records.truncate(1));
    for proof in others {
        assert_ne!(proof, good);
        let result = fixture.rollup.prove(content.clone(), proof).from(user(0)).call().await;
        assert_eq!(refusal(result), IRollupErrors::ProofRejected(IRollup::ProofRejected {}));
    }
    send(fixture.rollup.prove(content, good)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_committed_can_be_proven() {
    let fixture = Fixture::new().await;
    let batch = fixture.batch(vec![transfer(1)], 0).await;
    let content = fixture.commit(&batch).await;
    let mut alterations: Vec<Commitment> = vec![content.clone(); 5];
    alterations[0].rootAfter = B256::ZERO;
    alterations[1].withdrawalsRoot = B256::repeat_byte(1);
    alterations[2].value ^= 1;
    alterations[3].queueEnd += 1;
    alterations[4].recordCount += 1;
    for altered in alterations {
        let commitment = hash(&altered);
        let result = fixture.rollup.prove(altered, fixture.proof(&batch)).from(user(0)).call().await;
        assert_eq!(refusal(result), IRollupErrors::UnknownCommitment(IRollup::UnknownCommitment { commitment }));
    }
    let by_other = fixture.rollup.prove(content, fixture.proof(&batch)).from(user(1)).call().await;
    assert_eq!(
        refusal(by_other),
        IRollupErrors::Unauthorized(IRollup::Unauthorized { caller: user(1), expected: user(0) })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_proven_in_order() {
    let fixture = Fixture::new().await;
    fixture.deposit(1, 5, user(1), 100).await;
    let base = fixture.batch(vec![transfer(1)], 0).await;
    let refused = |batch: Batch| {
        let fixture = &fixture;
        async move {
            let content = fixture.commit(&batch).await;
            refusal(fixture.rollup.prove(content, fixture.proof(&batch)).from(user(0)).call().await)
        }
    };
    let mut wrong_number = base.clone();
    wrong_number.header.number = 2;
    assert_eq!(
        refused(wrong_number).await,
        IRollupErrors::WrongBatchNumber(IRollup::WrongBatchNumber { expected: 1, given: 2 })
    );
    let mut wrong_root = base.clone();
    wrong_root.header.rootBefore = B256::ZERO;
    assert_eq!(
        refused(wrong_root).await,
        IRollupErrors::WrongRoot(IRollup::WrongRoot { expected: GENESIS_ROOT, given: B256::ZERO })
    );
    let mut gap = base.clone();
    (gap.header.queueStart, gap.header.queueEnd) = (1, 1);
    gap.header.queueChainStart = fixture.rollup.chainAt(1).call().await.unwrap();
    gap.header.queueChainEnd = gap.header.queueChainStart;
    assert_eq!(refused(gap).await, IRollupErrors::WrongQueueHead(IRollup::WrongQueueHead { expected: 0, given: 1 }));

    fixture.process(&base).await;
    let content = fixture.expected(&base, &[]);
    let replay = fixture.rollup.prove(content, fixture.proof(&base)).from(user(0)).call().await;
    assert_eq!(refusal(replay), IRollupErrors::WrongBatchNumber(IRollup::WrongBatchNumber { expected: 2, given: 1 }));
    let mut same_time = fixture.batch(vec![], 0).await;
    same_time.header.timestamp = base.header.timestamp;
    assert!(matches!(refused(same_time).await, IRollupErrors::TimestampOutOfRange(_)));
    let next = fixture.batch(vec![], 0).await;
    fixture.process(&next).await;
    assert_eq!(fixture.rollup.progress().call().await.unwrap().number, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_commitment_is_dead() {
    let fixture = Fixture::new().await;
    let batch = fixture.batch(vec![transfer(1)], 0).await;
    let content = fixture.commit(&batch).await;
    let prove = || fixture.rollup.prove(content.clone(), fixture.proof(&batch)).from(user(0));
    fixture.chain.advance_time(47 * 3_600).unwrap();
    prove().call().await.expect("within 48 hours");
    fixture.chain.advance_time(3_601).unwrap();
    let IRollupErrors::TimestampOutOfRange(error) = refusal(prove().call().await) else {
        panic!("refused for its time");
    };
    assert_eq!(error.timestamp, U256::from(batch.header.timestamp));
    assert!(error.earliest > error.timestamp);
}
