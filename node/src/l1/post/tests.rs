use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tracing::instrument::WithSubscriber;
use weft_protocol::Environment;
use weft_protocol::crypto::Tag;

use super::*;
use crate::l1::testing::{Answer, World};
use crate::telemetry::capture::Capture;

const HOUR: u64 = 3_600;

type News = Arc<Mutex<Vec<PostNews>>>;

/// A poster that begins now, and what came of the order.
async fn post(rollup: &Rollup, operator: Address, order: &PostOrder) -> (Result<(), PostError>, Vec<PostNews>) {
    let news = News::default();
    let kept = Arc::clone(&news);
    let mut poster = Poster::new(rollup.clone(), operator, move |news| kept.lock().unwrap().push(news));
    poster.patience = Patience::short();
    let (orders, arrivals) = unbounded_channel();
    orders.send(PostCommand::Post(Box::new(order.clone()))).unwrap();
    drop(orders);
    let result = poster.run(arrivals).await;
    let news = news.lock().unwrap().clone();
    (result, news)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poster_that_begins_anew_sends_nothing_twice_and_finds_what_was_sent() {
    let world = World::new().await;
    let order = world.order(Tag::NODE).await;
    let before = world.sent().await;
    let (result, first) = post(&world.rollup, world.operator, &order).await;
    result.unwrap();
    assert_eq!(world.sent().await, before + 2, "the data and the proof");
    assert!(matches!(first[..], [PostNews::Posted(_, _), PostNews::Verified(_, _)]), "{first:?}");
    assert_eq!(world.rollup.root().call().await.unwrap(), word(&order.statement.root_after));

    let (result, again) = post(&world.rollup, world.operator, &order).await;
    result.unwrap();
    assert_eq!(again, first, "hash, gas and length as they were");
    assert_eq!(world.sent().await, before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_committed_is_only_proven() {
    let world = World::new().await;
    let order = world.order(Tag::NODE).await;
    let commit = world.rollup.commit(order.header(), order.data.clone().into());
    let receipt = commit.send().await.unwrap().get_receipt().await.unwrap();
    let before = world.sent().await;
    let (result, news) = post(&world.rollup, world.operator, &order).await;
    result.unwrap();
    assert_eq!(world.sent().await, before + 1);
    let [PostNews::Posted(_, posted), PostNews::Verified(_, _)] = news[..] else { panic!("{news:?}") };
    assert_eq!(posted.hash, FixedBytes(receipt.transaction_hash.0));
    assert_eq!(posted.gas, receipt.gas_used);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_batch_of_the_same_number_halts() {
    let world = World::new().await;
    let (one, other) = (world.order(Tag::NODE).await, world.order(Tag::LEAF).await);
    post(&world.rollup, world.operator, &one).await.0.unwrap();
    let (result, news) = post(&world.rollup, world.operator, &other).await;
    assert!(matches!(result, Err(PostError::OtherBatch { number: 1, .. })), "{result:?}");
    assert!(news.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_contract_refuses_for_good_is_tried_a_few_times() {
    let world = World::new().await;
    let mut order = world.order(Tag::NODE).await;
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
    assert!(news.iter().all(|news| matches!(news, PostNews::Delayed(_, _))), "{news:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_for_which_it_is_too_late_is_told_of_and_given_up_when_asked() {
    let world = World::new().await;
    let order = world.order(Tag::NODE).await;
    let (told, mut news) = unbounded_channel();
    let poster = Poster::new(world.rollup.clone(), world.operator, move |news| told.send(news).unwrap());
    let (commands, arrivals) = unbounded_channel();
    let running = tokio::spawn(poster.run(arrivals));
    for (hours, call) in [(25, "commit"), (49, "prove")] {
        let order = if call == "commit" { order.clone() } else { world.order(Tag::LEAF).await };
        if call == "prove" {
            let commit = world.rollup.commit(order.header(), order.data.clone().into());
            assert!(commit.send().await.unwrap().get_receipt().await.unwrap().status());
        }
        world.chain.advance_time(hours * HOUR).unwrap();
        commands.send(PostCommand::Post(Box::new(order.clone()))).unwrap();
        let delayed = loop {
            match news.recv().await.unwrap() {
                PostNews::Delayed(batch, reason) => break (batch, reason),
                PostNews::Posted(batch, _) => assert_eq!((batch, call), (order.environment, "prove")),
                PostNews::Verified(..) => panic!("it is too late"),
            }
        };
        assert_eq!(delayed.0, order.environment);
        assert!(delayed.1.contains("batch 1 cannot be posted any more"), "{}", delayed.1);
        assert!(delayed.1.contains(&format!("L1 takes {call} now only")), "{}", delayed.1);
        // Another batch that is given up has nothing to do with it.
        let other = Environment { batch_number: 2, ..order.environment };
        commands.send(PostCommand::GiveUp(other)).unwrap();
        commands.send(PostCommand::GiveUp(order.environment)).unwrap();
    }
    let last = world.order(Tag::NODE).await;
    commands.send(PostCommand::Post(Box::new(last.clone()))).unwrap();
    drop(commands);
    running.await.unwrap().unwrap();
    assert!(matches!(news.recv().await, Some(PostNews::Posted(batch, _)) if batch == last.environment));
    assert!(matches!(news.recv().await, Some(PostNews::Verified(batch, _)) if batch == last.environment));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_answer_is_lost_is_sent_once() {
    let world = World::new().await;
    let order = world.order(Tag::NODE).await;
    let before = world.sent().await;
    let sends = AtomicU32::new(0);
    let rollup = world.seen_through(move |_, method, _| match method {
        "eth_sendRawTransaction" if sends.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => Answer::Lost,
        _ => Answer::Honest,
    });
    let (result, news) = post(&rollup, world.operator, &order).await;
    result.unwrap();
    assert_eq!(world.sent().await, before + 2, "the data and the proof");
    assert!(matches!(news.last(), Some(PostNews::Verified(_, _))), "{news:?}");
}

/// Takes the first transaction, answers with an error, and has it in a block only after it was asked for the pending nonce.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_on_its_way_is_not_sent_again_once_it_arrives() {
    let world = World::new().await;
    let order = world.order(Tag::NODE).await;
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
    assert!(matches!(news[..], [PostNews::Posted(_, _), PostNews::Verified(_, _)]), "{news:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_requests_and_events_that_are_not_known_yet_pass() {
    let world = World::new().await;
    let order = world.order(Tag::NODE).await;
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
    assert!(matches!(news.last(), Some(PostNews::Verified(_, _))), "{news:?}");
    assert_eq!(world.sent().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_long_not_posted_is_told_of() {
    let world = World::new().await;
    let order = world.order(Tag::NODE).await;
    let sends = AtomicU32::new(0);
    let rollup = world.seen_through(move |_, method, _| match method {
        "eth_sendRawTransaction" if sends.fetch_add(1, Ordering::Relaxed) <= FAILURES_UNTOLD => Answer::Refused,
        _ => Answer::Honest,
    });
    let (result, news) = post(&rollup, world.operator, &order).await;
    result.unwrap();
    let [PostNews::Delayed(_, reason), PostNews::Posted(_, _), PostNews::Verified(_, _)] = &news[..] else {
        panic!("{news:?}")
    };
    assert!(reason.contains("too many requests"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_the_batch_leads_to_its_l1_transactions() {
    let world = World::new().await;
    let order = world.order(Tag::NODE).await;
    let capture = Capture::default();
    let (result, news) = post(&world.rollup, world.operator, &order).with_subscriber(capture.subscriber()).await;
    result.unwrap();
    let [PostNews::Posted(_, commit), PostNews::Verified(_, prove)] = news[..] else { panic!("{news:?}") };
    let sent = capture.events("L1 transaction is in a block");
    let told: Vec<_> = sent.iter().map(|traced| [&traced.event["call"], &traced.event["transaction"]]).collect();
    assert_eq!(told, [["commit", &commit.hash.to_string()], ["prove", &prove.hash.to_string()]]);
    let trace = BatchTrace::of(&order.environment.context()).to_string();
    for traced in sent {
        let span = traced.spans.iter().find(|span| span["span"] == "post").expect("it belongs to a post");
        assert_eq!((&span["batch"][..], &span["trace_id"]), ("1", &trace));
    }
}
