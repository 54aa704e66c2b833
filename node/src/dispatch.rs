//! Does what the sequencer orders, one after the other.
//!
//! Everything that is done here outlives the process or can be ordered again: jobs and proof files are durable before what
//! follows them is begun, so that a state which stands at a batch implies that the job store has all jobs of the batch.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use weft_api::Finality;
use weft_protocol::Environment;
use weft_storage::RollupStore;

use crate::journal::{Failure, Order, RollBack};
use crate::l1::PostOrder;
use crate::proving::{BatchClaim, SegmentOrder};
use crate::supervise::Watchdog;

/// Where orders to provers and to L1 go. All may block; none is called by a thread of the async runtime.
pub trait Outlets: Send + 'static {
    /// Has a segment proved. The order is durable when this returns.
    ///
    /// # Errors
    /// The store of jobs fails, or knows another segment at this place.
    fn segment(&mut self, order: SegmentOrder) -> Result<()>;

    /// Has a batch sealed and wrapped. The order is durable when this returns.
    ///
    /// # Errors
    /// The store of jobs fails, or knows another end.
    fn finish(&mut self, claim: BatchClaim) -> Result<()>;

    /// Has a batch posted.
    fn post(&mut self, order: PostOrder);

    /// Gives up a batch that is taken back: what is known of another one with its number stays.
    ///
    /// # Errors
    /// The store of jobs fails.
    fn abandon(&mut self, batch: &Environment) -> Result<()>;

    /// Forgets the jobs of a batch.
    ///
    /// # Errors
    /// The store of jobs fails.
    fn release(&mut self, batch: u32) -> Result<()>;
}

/// News for the sequencer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    /// The state stands at this batch.
    Applied(u32),
    /// The store has the record of a batch at this step.
    Kept(u32, Finality),
}

/// Does orders. See the [module](self).
#[derive(Debug)]
pub struct Dispatcher<O> {
    store: Arc<RollupStore>,
    outlets: O,
}

impl<O: Outlets> Dispatcher<O> {
    /// A dispatcher that writes into `store`.
    #[must_use]
    pub fn new(store: Arc<RollupStore>, outlets: O) -> Self {
        Self { store, outlets }
    }

    /// The store that it writes into.
    #[must_use]
    pub const fn store(&self) -> &Arc<RollupStore> {
        &self.store
    }

    /// Where its orders go.
    #[must_use]
    pub const fn outlets(&self) -> &O {
        &self.outlets
    }

    /// Ends; gives back where its orders went.
    #[must_use]
    pub fn into_outlets(self) -> O {
        self.outlets
    }

    /// Does an order.
    ///
    /// # Errors
    /// It cannot be done; nothing after it may be.
    pub fn perform(&mut self, order: Order) -> Result<Option<Done>> {
        match order {
            Order::Segment(order) => self.outlets.segment(*order)?,
            Order::Finish(claim) => self.outlets.finish(*claim)?,
            Order::Apply(commit) => {
                let number = commit.standing.applied.batch;
                self.store.apply(&commit).with_context(|| format!("batch {number} cannot be stored"))?;
                return Ok(Some(Done::Applied(number)));
            }
            Order::Keep(batch) => {
                let (number, status) = (batch.number(), batch.status());
                self.store
                    .put_batch(number, &batch)
                    .with_context(|| format!("the record of batch {number} cannot be stored"))?;
                return Ok(Some(Done::Kept(number, status)));
            }
            Order::Proof { number, time, file } => self
                .store
                .put_proof(number, time, &file)
                .with_context(|| format!("the proof of batch {number} cannot be stored"))?,
            Order::Post(order) => self.outlets.post(*order),
            Order::RollBack(order) => self.roll_back(&order)?,
            Order::Release(batch) => self.outlets.release(batch)?,
        }
        Ok(None)
    }

    /// The state last: where it stands says that the rest is done.
    fn roll_back(&mut self, RollBack { batches, standing }: &RollBack) -> Result<()> {
        for batch in batches {
            self.outlets.abandon(batch)?;
            let number = batch.batch_number;
            let deleted = self.store.delete_proof(number, batch.timestamp);
            deleted.with_context(|| format!("the proof of batch {number} cannot be deleted"))?;
        }
        self.store.roll_back(standing).context("batches cannot be taken back")
    }

    /// Does the orders that come, on a thread of its own, and reports. Ends when none can come any more, or with the first
    /// that fails.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        mut self,
        orders: Receiver<Order>,
        report: impl Fn(Done) + Send + 'static,
        failure: Failure,
    ) -> Result<JoinHandle<()>> {
        let work = move || {
            let _watchdog = Watchdog::new("the dispatcher", failure.clone());
            for order in orders {
                match self.perform(order) {
                    Ok(done) => done.into_iter().for_each(&report),
                    Err(error) => return failure.set(format!("{error:#}")),
                }
            }
        };
        thread::Builder::new().name("dispatcher".to_owned()).spawn(work).context("cannot start the dispatcher")
    }
}
