use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use alloy::eips::BlockNumberOrTag;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tracing::instrument::WithSubscriber;
use weft_protocol::crypto::{Digest, Tag, poseidon};
use weft_protocol::{DataPoint, Environment, RunningState, SealStatement, Timestamp, chain_records, evaluate_data};

use super::*;
use crate::l1::testing::{Answer, World};
use crate::telemetry::capture::Capture;

const HOUR: u64 = 3_600;

type News = Arc<Mutex<Vec<PostNews>>>;

/// The first batch, without records, that leads to a root named by `seed`.
async fn order_of(world: &World, seed: Tag) -> PostOrder {
    let head = world.rollup.provider().get_block_by_number(BlockNumberOrTag::Latest).await;
    let timestamp = head.unwrap().unwrap().header.timestamp;
    let timestamp = Timestamp::new(timestamp).unwrap();
    let environment = Environment { domain: world.domain, batch_number: 1, timestamp };
    let (context, chain) = (environment.context(), chain_records(Digest::ZERO, &[]));
    let z = DataPoint::of_batch(&context, &[], &chain);
    let statement = SealStatement {
        context,
        root_before: RunningState::genesis().root,
        root_after: poseidon::hash(seed, &[]),
        chain,
        record_count: 0,
        z,
        value: evaluate_data(&[], z),
    };
    PostOrder {
        statement,
        environment,
        data: Vec::new(),
        withdrawals_root: [0; 32],
        queue: 0..0,
        queue_chain_start: [0; 32],
        queue_chain_end: [0; 32],
        proof: vec![1, 2, 3],
        l1_block: 0,
    }
}

/// A poster that begins now, and what came of the order.
async fn post(rollup: &Rollup, operator: Address, order: &PostOrder) -> (Result<(), PostError>, Vec<PostNews>) {
    let news = News::default();
    let kept = Arc::clone(&news);
    let mut poster = Poster::new(rollup.clone(), operator, move |news| kept.lock().unwrap().push(news));
    poster.patience = Patience::short();
    let (orders, arrivals) = unbounded_channel();
    orders.send(order.clone()).unwrap();
    drop(orders);
    let result = poster.run(arrivals).await;
    let news = news.lock().unwrap().clone();
    (result, news)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poster_that_begins_anew_sends_nothing_twice_and_finds_what_was_sent() {
    let world = World::new().await;
    let order = order_of(&world, Tag::NODE).await;
    let before = world.sent().await;
    let (result, first) = post(&world.rollup, world.operator, &order).await;
    result.unwrap();
    assert_eq!(world.sent().await, before + 2, "the data and the proof");
    assert!(matches!(first[..], [PostNews::Posted(1, _), PostNews::Verified(1, _)]), "{first:?}");
    assert_eq!(world.rollup.root().call().await.unwrap(), word(&order.statement.root_after));

    let (result, again) = post(&world.rollup, world.operator, &order).await;
    result.unwrap();
    assert_eq!(again, first, "hash, gas and length as they were");
    assert_eq!(world.sent().await, before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_committed_is_only_proven() {
    let world = World::new().await;
    let order = order_of(&world, Tag::NODE).await;
    let commit = world.rollup.commit(order.header(), order.data.clone().into());
    let receipt = commit.send().await.unwrap().get_receipt().await.unwrap();
    let before = world.sent().await;
    let (result, news) = post(&world.rollup, world.operator, &order).await;
    result.unwrap();
    assert_eq!(world.sent().await, before + 1);
    let [PostNews::Posted(1, posted), PostNews::Verified(1, _)] = news[..] else { panic!("{news:?}") };
    assert_eq!(posted.hash, FixedBytes(receipt.transaction_hash.0));
    assert_eq!(posted.gas, receipt.gas_used);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_batch_of_the_same_number_halts() {
    let world = World::new().await;
    let (one, other) = (order_of(&world, Tag::NODE).await, order_of(&world, Tag::LEAF).await);
    post(&world.rollup, world.operator, &one).await.0.unwrap();
    let (result, news) = post(&world.rollup, world.operator, &other).await;
    assert!(matches!(result, Err(PostError::OtherBatch { number: 1, .. })), "{result:?}");
    assert!(news.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_contract_refuses_for_good_is_tried_a_few_times() {
    let world = World::new().await;
    let mut order = order_of(&world, Tag::NODE).await;
    order.queue_chain_start = [1; 32];
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let rollup = world.seen_through(move |_, method, _| {
        counted.fetch_add(u32::from(method == "eth_estimateGas"), Ordering::Relaxed);
        Answer::Honest
    });
    let (result, news) = post(&rollup, world.operator, &order).await;
    let Err(error @ PostError::Refused { call: "commit", .. }) = result else { panic!("{result:?}") };
    assert!(error.to_string().contains("WrongQueueChain"), "{error}");
    assert_eq!(tries.load(Ordering::Relaxed), DOUBTS_MAX);
    assert!(news.iter().all(|news| matches!(news, PostNews::Delayed(1, _))), "{news:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waited_too_long_cannot_be_posted_and_the_error_says_so() {
    let world = World::new().await;
    let order = order_of(&world, Tag::NODE).await;
    world.chain.advance_time(25 * HOUR).unwrap();
    let (result, news) = post(&world.rollup, world.operator, &order).await;
    let Err(error @ PostError::TooOld { number: 1, call: "commit", .. }) = result else { panic!("{result:?}") };
    assert!(error.to_string().starts_with("batch 1 cannot be posted any more"), "{error}");
    assert!(error.to_string().contains("stays that after batch 0"), "{error}");
    assert!(news.is_empty(), "{news:?}");

    let order = order_of(&world, Tag::NODE).await;
    let commit = world.rollup.commit(order.header(), order.data.clone().into());
    assert!(commit.send().await.unwrap().get_receipt().await.unwrap().status());
    world.chain.advance_time(49 * HOUR).unwrap();
    let (result, _) = post(&world.rollup, world.operator, &order).await;
    assert!(matches!(result, Err(PostError::TooOld { number: 1, call: "prove", .. })), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_answer_is_lost_is_sent_once() {
    let world = World::new().await;
    let order = order_of(&world, Tag::NODE).await;
    let before = world.sent().await;
    let sends = AtomicU32::new(0);
    let rollup = world.seen_through(move |_, method, _| match method {
        "eth_sendRawTransaction" if sends.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => Answer::Lost,
        _ => Answer::Honest,
    });
    let (result, news) = post(&rollup, world.operator, &order).await;
    result.unwrap();
    assert_eq!(world.sent().await, before + 2, "the data and the proof");
    assert!(matches!(news.last(), Some(PostNews::Verified(1, _))), "{news:?}");
}

/// Takes the first transaction, answers with an error, and has it in a block only after it was asked for the pending nonce.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_on_its_way_is_not_sent_again_once_it_arrives() {
    let world = World::new().await;
    let order = order_of(&world, Tag::NODE).await;
    let before = world.sent().await;
    let (held, is_first) = (Mutex::new(None::<Value>), Mutex::new(true));
    let rollup = world.seen_through(move |chain, method, params| match method {
        "eth_sendRawTransaction" if std::mem::take(&mut *is_first.lock().unwrap()) => {
            *held.lock().unwrap() = Some(params.clone());
            Answer::Refused
        }
        "eth_getTransactionCount" if params[1] == "pending" => {
            let Some(held) = held.lock().unwrap().take() else { return Answer::Honest };
            chain.call("eth_sendRawTransaction", held).unwrap();
            Answer::Other(json!(format!("{:#x}", before + 1)))
        }
        _ => Answer::Honest,
    });
    let (result, news) = post(&rollup, world.operator, &order).await;
    result.unwrap();
    assert_eq!(world.sent().await, before + 2, "the data and the proof");
    assert!(matches!(news[..], [PostNews::Posted(1, _), PostNews::Verified(1, _)]), "{news:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_and_events_that_are_not_known_yet_pass() {
    let world = World::new().await;
    let order = order_of(&world, Tag::NODE).await;
    post(&world.rollup, world.operator, &order).await.0.unwrap();
    let before = world.sent().await;
    let seen = Mutex::new(HashSet::new());
    let rollup =
        world.seen_through(move |_, method, _| match (method, seen.lock().unwrap().insert(method.to_owned())) {
            ("eth_getLogs", true) => Answer::Other(json!([])),
            ("eth_getTransactionReceipt", true) => Answer::Other(Value::Null),
            (_, true) => Answer::Refused,
            (_, false) => Answer::Honest,
        });
    let (result, news) = post(&rollup, world.operator, &order).await;
    result.unwrap();
    assert!(matches!(news.last(), Some(PostNews::Verified(1, _))), "{news:?}");
    assert_eq!(world.sent().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_long_not_posted_is_told_of() {
    let world = World::new().await;
    let order = order_of(&world, Tag::NODE).await;
    let sends = AtomicU32::new(0);
    let rollup = world.seen_through(move |_, method, _| match method {
        "eth_sendRawTransaction" if sends.fetch_add(1, Ordering::Relaxed) <= FAILURES_UNTOLD => Answer::Refused,
        _ => Answer::Honest,
    });
    let (result, news) = post(&rollup, world.operator, &order).await;
    result.unwrap();
    let [PostNews::Delayed(1, reason), PostNews::Posted(1, _), PostNews::Verified(1, _)] = &news[..] else {
        panic!("{news:?}")
    };
    assert!(reason.contains("too many requests"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_the_batch_leads_to_its_l1_transactions() {
    let world = World::new().await;
    let order = order_of(&world, Tag::NODE).await;
    let capture = Capture::default();
    let (result, news) = post(&world.rollup, world.operator, &order).with_subscriber(capture.subscriber()).await;
    result.unwrap();
    let [PostNews::Posted(1, commit), PostNews::Verified(1, prove)] = news[..] else { panic!("{news:?}") };
    let sent = capture.events("L1 transaction is in a block");
    let told: Vec<_> = sent.iter().map(|traced| [&traced.event["call"], &traced.event["transaction"]]).collect();
    assert_eq!(told, [["commit", &commit.hash.to_string()], ["prove", &prove.hash.to_string()]]);
    let trace = BatchTrace::of(&order.environment.context()).to_string();
    for traced in sent {
        let span = traced.spans.iter().find(|span| span["span"] == "post").expect("it belongs to a post");
        assert_eq!((&span["batch"][..], &span["trace_id"]), ("1", &trace));
    }
}
