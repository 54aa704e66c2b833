//! L1 and a node.

use std::time::{Duration, SystemTime};

use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::BlockNumberOrTag;

use super::Finding;
use crate::client::Client;
use crate::clock;

/// Longest time that a peer may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Difference of clocks that is nothing to worry about, in seconds.
const CLOCK_GOOD: u64 = 2;
/// Difference of clocks with which batches may be refused, in seconds.
const CLOCK_BAD: u64 = 30;
/// Age of L1's last block after which L1 seems to stand still, in seconds.
const BLOCK_OLD: u64 = 60;

/// L1: does it answer, is it the right chain, what time does it have?
pub(super) async fn l1(provider: Option<&DynProvider>, expected: Option<u64>) -> Vec<Finding> {
    let Some(provider) = provider else {
        return vec![Finding::warn("L1", "not named", "give --l1 URL to have it looked at")];
    };
    let away = |found: String| Finding::fail("L1", found, "check the address and that the L1 node runs");
    let chain_id = match tokio::time::timeout(ANSWER_WITHIN, provider.get_chain_id()).await {
        Ok(Ok(chain_id)) => chain_id,
        Ok(Err(error)) => return vec![away(error.to_string())],
        Err(_) => return vec![away(format!("no answer within {ANSWER_WITHIN:?}"))],
    };
    let chain = match expected {
        Some(expected) if expected != chain_id => {
            let found = format!("chain {chain_id} instead of {expected}");
            Finding::fail("L1", found, "this is another chain: check the address")
        }
        Some(_) | None => Finding::ok("L1", format!("chain {chain_id}")),
    };
    let block = provider.get_block_by_number(BlockNumberOrTag::Latest).await;
    let time = match block {
        Ok(Some(block)) => clock_against_l1(block.header.timestamp, clock::now_seconds()),
        Ok(None) => Finding::fail("L1 clock", "L1 has no block", "wait until the L1 node has synchronised"),
        Err(error) => Finding::fail("L1 clock", error.to_string(), "check that the L1 node runs"),
    };
    vec![chain, time]
}

/// L1 may be behind by the age of its last block, and must not be ahead.
fn clock_against_l1(block: u64, now: u64) -> Finding {
    let check = "L1 clock";
    if block > now.saturating_add(CLOCK_BAD) {
        let found = format!("L1's last block is {} s ahead of this machine", block - now);
        return Finding::fail(check, found, "set the clock: batches take their time from it");
    }
    let age = now.saturating_sub(block);
    if age > BLOCK_OLD {
        let found = format!("L1's last block is {age} s old");
        return Finding::warn(check, found, "L1 stands still, makes blocks on demand only, or this clock is ahead");
    }
    Finding::ok(check, format!("L1's last block is {age} s old"))
}

/// A node: does it answer, is it ready, what time does it have, is it on that L1?
pub(super) async fn node(client: Option<&Client>, l1: Option<&DynProvider>) -> Vec<Finding> {
    let Some(client) = client else {
        return vec![Finding::warn("node", "not named", "give --api URL to have it looked at")];
    };
    let date = match client.date().await {
        Ok(date) => date,
        Err(error) => {
            return vec![Finding::fail("node", error.to_string(), "check the address and that the node runs")];
        }
    };
    let mut findings = vec![readiness(client).await];
    let theirs = date.and_then(|date| httpdate::parse_http_date(&date).ok());
    findings.extend(theirs.map(|theirs| clock_against_node(theirs, clock::now_seconds())));
    if let (Ok(config), Some(l1)) = (client.config().await, l1)
        && let Ok(chain_id) = l1.get_chain_id().await
    {
        let expected = config.node.deployment.chain_id;
        findings.push(if expected == chain_id {
            Finding::ok("node's L1", format!("the node's rollup is on this L1, chain {chain_id}"))
        } else {
            let found = format!("the node's rollup is on chain {expected}, this L1 is chain {chain_id}");
            Finding::fail("node's L1", found, "name the L1 of that rollup with --l1")
        });
    }
    findings
}

async fn readiness(client: &Client) -> Finding {
    match client.ready().await {
        Ok(ready) if ready.ready => Finding::ok("node", format!("{} is ready", client.base())),
        Ok(ready) => {
            let open = ready.checks.iter().filter(|check| !check.ok);
            let reasons: Vec<_> = open.map(|check| format!("{}: {}", check.name, check.detail)).collect();
            let found = format!("{} is not ready: {}", client.base(), reasons.join("; "));
            Finding::fail("node", found, "see weft status and the node's log")
        }
        Err(error) => Finding::fail("node", error.to_string(), "check that this is a node of this version"),
    }
}

fn clock_against_node(theirs: SystemTime, now: u64) -> Finding {
    let theirs = theirs.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let difference = theirs.abs_diff(now);
    let found = format!("{difference} s between the node's clock and this one");
    match difference {
        0..=CLOCK_GOOD => Finding::ok("node clock", found),
        _ => Finding::warn("node clock", found, "set both by NTP: expiries are compared with the node's"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn l1_may_be_behind_but_not_ahead() {
        let level = |block| clock_against_l1(block, 1_000).level;
        assert_eq!(level(1_000), Level::Ok);
        assert_eq!(level(1_000 - BLOCK_OLD), Level::Ok);
        assert_eq!(level(999 - BLOCK_OLD), Level::Warn);
        assert_eq!(level(1_000 + CLOCK_BAD), Level::Ok);
        assert_eq!(level(1_001 + CLOCK_BAD), Level::Fail);
    }

    #[test]
    fn clocks_may_differ_by_seconds() {
        let level = |seconds| clock_against_node(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), 1_000).level;
        assert_eq!([level(998), level(1_002)], [Level::Ok; 2]);
        assert_eq!([level(997), level(1_003)], [Level::Warn; 2]);
    }

    #[tokio::test]
    async fn who_does_not_answer_fails() {
        let nobody = "http://127.0.0.1:1";
        let provider = alloy::providers::ProviderBuilder::new().connect_http(nobody.parse().unwrap()).erased();
        assert_eq!(l1(Some(&provider), None).await[0].level, Level::Fail);
        assert_eq!(node(Some(&Client::new(nobody)), None).await[0].level, Level::Fail);
        assert_eq!(l1(None, None).await[0].level, Level::Warn);
    }
}
