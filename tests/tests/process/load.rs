//! Users who send transfers, whether the node is there or not, until each is acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use weft_api::Deployment;
use weft_node::client::{Client, ClientError};
use weft_node::clock;
use weft_node::demo::{Payment, User};
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, AssetId, SignedTransaction, TransactionKind};

use crate::stage::Stage;

/// Fee of a transfer, in ETH units.
const FEE: u64 = 1_000;
/// Transfers are valid for days.
const VALID_SECONDS: u64 = 7 * 24 * 3_600;
/// Longest time until a transfer is acknowledged, in which the node may be away.
const TIME_MAX: Duration = Duration::from_secs(120);
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// A transfer that the node has acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) id: Digest,
    pub(crate) transfer: Transfer,
}

/// What a transfer moves, as records tell it. No two of a test are alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Transfer {
    pub(crate) from: AccountIndex,
    pub(crate) to: AccountIndex,
    pub(crate) amount: u64,
    pub(crate) fee: u64,
}

/// The users at work.
pub(crate) struct Load {
    tasks: JoinSet<Result<Vec<Acknowledged>>>,
    acknowledged: Arc<AtomicU32>,
}

impl Load {
    /// Every user begins to send so many transfers, one after the other, to the user that comes next.
    pub(crate) async fn begin(stage: &Stage, each: u32) -> Result<Self> {
        let deployment = stage.client.status().await?.deployment;
        let mut load = Self { tasks: JoinSet::new(), acknowledged: Arc::default() };
        for (position, user) in stage.users.iter().enumerate() {
            let recipient = stage.users[(position + 1) % stage.users.len()].clone();
            let sender = Sender {
                user: user.clone(),
                recipient,
                client: stage.client.clone(),
                deployment,
                acknowledged: Arc::clone(&load.acknowledged),
            };
            load.tasks.spawn(sender.send(each));
        }
        Ok(load)
    }

    /// Waits until so many transfers are acknowledged.
    pub(crate) async fn until_acknowledged(&self, count: u32) {
        while self.acknowledged.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until all are acknowledged.
    pub(crate) async fn end(mut self) -> Result<Vec<Acknowledged>> {
        let mut all = Vec::new();
        while let Some(sent) = self.tasks.join_next().await {
            all.extend(sent.context("a sender panicked")??);
        }
        Ok(all)
    }
}

struct Sender {
    user: User,
    recipient: User,
    client: Client,
    deployment: Deployment,
    acknowledged: Arc<AtomicU32>,
}

impl Sender {
    async fn send(mut self, count: u32) -> Result<Vec<Acknowledged>> {
        let mut sent = Vec::new();
        for number in 0..count {
            let (from, to) = (self.user.index, self.recipient.index);
            let amount = 1_000_000 + u64::from(from.0) * 1_000 + u64::from(number);
            let payment = Payment {
                kind: TransactionKind::Transfer { to },
                named_address: self.recipient.owner,
                asset: AssetId::ETH,
                amount,
                fee: FEE,
            };
            let signed = self.user.sign(&payment, &self.deployment.domain, clock::now_seconds() + VALID_SECONDS)?;
            let id = self.submit(&signed).await?;
            self.user.sent();
            self.acknowledged.fetch_add(1, Ordering::SeqCst);
            let fee = signed.transaction.fee.value().get();
            sent.push(Acknowledged { id, transfer: Transfer { from, to, amount, fee } });
        }
        Ok(sent)
    }

    /// The same transaction again and again: that is safe, since it has one id.
    async fn submit(&self, signed: &SignedTransaction) -> Result<Digest> {
        let began = Instant::now();
        loop {
            match self.client.submit(signed.clone(), &self.deployment).await {
                Ok(view) => return Ok(view.id),
                // A node that lost something would refuse what comes after it.
                Err(error) => ensure!(is_away(&error), "a transfer is refused: {error}"),
            }
            ensure!(began.elapsed() < TIME_MAX, "a transfer is not acknowledged");
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }
}

/// Whether the node is not there, not ready, or busy.
fn is_away(error: &ClientError) -> bool {
    error.problem().is_none_or(|problem| matches!(problem.status, 429 | 503))
}
