//! News from the coordinator.

use weft_prover::Cost;

use crate::Job;

/// Something has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FleetEvent {
    /// To a job.
    Job {
        /// Number of its batch.
        batch: u32,
        /// The job.
        job: Job,
        /// What has happened to it.
        news: JobNews,
    },
    /// The wrap of a batch is proved: [`Coordinator::result`](crate::Coordinator::result) has it.
    Proven {
        /// Number of the batch.
        batch: u32,
    },
    /// A batch will not be proved until somebody looks after it: a job is quarantined.
    Halted {
        /// Number of the batch.
        batch: u32,
        /// The job.
        job: Job,
        /// Why.
        reason: String,
    },
}

/// What has happened to a job.
///
/// The jobs that were ever queued are all that a batch needs so far, and all that it needs once it is finished: so
/// "proving x/y" is the number of jobs done over the number of jobs queued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobNews {
    /// It is part of the batch and will run when its children are proved.
    Queued,
    /// A worker does it.
    Leased {
        /// Name of the worker.
        worker: String,
        /// How often it was begun, this time included.
        attempt: u32,
    },
    /// The worker has come to another stage.
    Stage {
        /// The stage, one word.
        stage: String,
    },
    /// Its proof is verified and kept.
    Done {
        /// Name of the worker.
        worker: String,
        /// What it took, by the worker's word.
        cost: Cost,
    },
    /// It will be tried again.
    Requeued {
        /// Why.
        reason: String,
    },
    /// It will not be tried again.
    Quarantined {
        /// Why.
        reason: String,
    },
}

/// Hears of all that happens, in the order of each job; called from many threads, never under a lock. It must be quick, such
/// as a send on a channel.
pub type Observer = Box<dyn Fn(FleetEvent) + Send + Sync>;
