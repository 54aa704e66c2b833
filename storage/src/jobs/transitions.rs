//! The state machine of one job: a record and an event give the next record. Pure: stores differ only in how they keep records.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    ALONE_AFTER_LOSSES, Aftermath, Attempts, BARRED, BeatReply, Budgets, Claimant, DoneJob, Failure, Holder, JobKey,
    JobRecord, JobState, Lease, LeaseId, MEMORY_DOUBLINGS_MAX, Millis, NewJob, REASON_BYTES_MAX, STAGE_BYTES_MAX,
    Settled, WorkerId,
};

/// Why a job was lost that was not heard of in time.
pub(super) const SILENT: &str = "the worker has not been heard of until its lease ended";

/// Why a job was lost whose worker is gone.
pub(super) const GONE: &str = "the worker is gone";

/// A record with what only stores know of it. A job that is not done has no batch that its children do not have, so what it
/// waits for is there as long as it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) record: JobRecord,
    /// Place in the order of insertion.
    pub(super) order: u64,
    /// Batches that put it in.
    pub(super) batches: BTreeSet<u32>,
    /// Those of them that were not cancelled.
    pub(super) wanted: BTreeSet<u32>,
}

/// Whether a job is for a claimant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fit {
    Yes,
    No,
    /// It would be, if the claimant had nothing else to do: it gets nothing else until then.
    OnceIdle,
}

impl Entry {
    /// A job that waits for `open` children.
    pub(super) fn new(now: Millis, job: NewJob, order: u64, open: u32) -> Self {
        let batches = BTreeSet::from([job.batch]);
        let record = JobRecord { state: waiting(now, open), attempts: Attempts::default(), inserted: now, job };
        Self { record, order, wanted: batches.clone(), batches }
    }

    /// Another batch needs it as well: it comes back if it was cancelled, to wait for `open` children.
    pub(super) fn join(&mut self, now: Millis, batch: u32, open: u32) {
        self.batches.insert(batch);
        self.wanted.insert(batch);
        if self.record.state == JobState::Cancelled {
            self.record.state = waiting(now, open);
        }
        self.name_batch();
    }

    /// A batch needs it no more.
    pub(super) fn cancel(&mut self, batch: u32) {
        if self.wanted.remove(&batch) && self.wanted.is_empty() && !is_done(&self.record) {
            self.record.state = JobState::Cancelled;
        }
        self.name_batch();
    }

    /// A batch is forgotten. Tells whether any other knows it.
    pub(super) fn leave(&mut self, batch: u32) -> bool {
        self.cancel(batch);
        self.batches.remove(&batch);
        self.name_batch();
        !self.batches.is_empty()
    }

    /// It ranks with the oldest batch that needs it.
    fn name_batch(&mut self) {
        if let Some(&oldest) = self.wanted.first().or_else(|| self.batches.first()) {
            self.record.job.batch = oldest;
        }
    }
}

fn waiting(now: Millis, open: u32) -> JobState {
    if open == 0 { JobState::Ready(now) } else { JobState::Waiting(open) }
}

/// Whether the job may be leased to the claimant now.
pub(super) fn fits(record: &JobRecord, now: Millis, claimant: &Claimant) -> Fit {
    let JobState::Ready(not_before) = record.state else { return Fit::No };
    if now < not_before || is_barred(record, now, claimant) || !claimant.circuits.contains(&record.job.circuit) {
        return Fit::No;
    }
    if runs_alone(record) && claimant.running > 0 {
        // What it has left of its memory says nothing: it will have all of it.
        return Fit::OnceIdle;
    }
    if record.job.memory_mib <= claimant.memory_mib { Fit::Yes } else { Fit::No }
}

/// Whether the job is left to others for a while.
fn is_barred(record: &JobRecord, now: Millis, claimant: &Claimant) -> bool {
    let failed = record.attempts.last_failure.filter(|(worker, _)| *worker == claimant.worker);
    claimant.workers > 1 && failed.is_some_and(|(_, at)| now < later(at, BARRED))
}

/// Whether it is proved.
pub(super) fn is_done(record: &JobRecord) -> bool {
    matches!(record.state, JobState::Done(_))
}

/// Jobs that whoever wants this one proved needs too.
pub(super) fn needs(record: &JobRecord) -> &[JobKey] {
    if is_done(record) { &[] } else { &record.job.children }
}

/// Whether its worker does nothing else meanwhile.
pub(super) fn runs_alone(record: &JobRecord) -> bool {
    record.attempts.lost.len() >= ALONE_AFTER_LOSSES
}

/// Place of a job among those that may be claimed: the oldest batch, nearest to its end, put in first.
pub(super) fn rank(entry: &Entry) -> (u32, u16, u64) {
    (entry.record.job.batch, entry.record.job.height, entry.order)
}

/// Which of the jobs of one batch that fit the claimant, by rising rank, is the next one: its place among their heights.
pub(super) fn choose(heights: &[u16], claimant: &Claimant) -> usize {
    let farthest = heights.iter().copied().max();
    let is_farthest = |height: &u16| Some(*height) == farthest;
    let left = heights.iter().filter(|height| is_farthest(height)).count();
    let are_last = u32::try_from(left).is_ok_and(|left| left < claimant.workers);
    if are_last { heights.iter().position(is_farthest).unwrap_or(0) } else { 0 }
}

/// The job is leased. Returns the time at which the lease ends.
pub(super) fn lease(
    record: &mut JobRecord,
    now: Millis,
    id: LeaseId,
    claimant: &Claimant,
    budgets: &Budgets,
) -> Millis {
    let until = latest(now, budgets).min(later(now, record.job.lease_max));
    record.attempts.claims = record.attempts.claims.saturating_add(1);
    record.state = JobState::Leased(Lease {
        id,
        worker: claimant.worker,
        since: now,
        until,
        stage: String::new(),
        stage_since: now,
    });
    until
}

/// When a lease ends at the latest that is extended now. One that would end later was made by a clock that has since been
/// set back.
pub(super) fn latest(now: Millis, budgets: &Budgets) -> Millis {
    later(now, budgets.lease)
}

/// The lease ends at this time, and not later; it has not begun after `now`.
pub(super) fn cut(record: &mut JobRecord, id: LeaseId, now: Millis, latest: Millis) {
    if let JobState::Leased(lease) = &mut record.state
        && lease.id == id
    {
        lease.until = lease.until.min(latest);
        lease.since = lease.since.min(now);
    }
}

/// Whether the lease is the one that holds the job.
pub(super) fn holds(record: &JobRecord, id: LeaseId) -> bool {
    matches!(&record.state, JobState::Leased(lease) if lease.id == id)
}

/// Whether it is this worker's lease that holds the job.
pub(super) fn is_held_by(record: &JobRecord, holder: Holder) -> bool {
    matches!(&record.state, JobState::Leased(lease) if lease.holder() == holder)
}

/// A beat of a lease that the job had at some time.
pub(super) fn beat(record: &mut JobRecord, now: Millis, holder: Holder, stage: &str, budgets: &Budgets) -> BeatReply {
    match &mut record.state {
        JobState::Leased(lease) if lease.holder() == holder => {
            let stage = head(stage, STAGE_BYTES_MAX);
            if lease.stage != stage {
                stage.clone_into(&mut lease.stage);
                lease.stage_since = now;
            }
            // A clock that was set back does not shorten a lease.
            let end = later(lease.since, record.job.lease_max);
            lease.until = lease.until.max(latest(now, budgets).min(end));
            BeatReply::Extended
        }
        JobState::Done(_) | JobState::Cancelled => BeatReply::Cancelled,
        JobState::Waiting(_) | JobState::Ready(_) | JobState::Leased(_) | JobState::Quarantined { .. } => {
            BeatReply::Lost
        }
    }
}

/// The holder of the lease gives the job back, for this reason.
pub(super) fn fail(
    record: &mut JobRecord,
    now: Millis,
    id: LeaseId,
    failure: &Failure,
    budgets: &Budgets,
) -> Aftermath {
    let JobState::Leased(lease) = &record.state else { return Aftermath::Ignored };
    if lease.id != id {
        return Aftermath::Ignored;
    }
    let (worker, attempts) = (lease.worker, &mut record.attempts);
    let mut wait = Duration::ZERO;
    attempts.last_failure = Some((worker, now));
    let text = match failure {
        Failure::Error(text) => {
            let doublings = u32::try_from(attempts.errors.len()).unwrap_or(u32::MAX).min(u32::BITS - 1);
            wait = budgets.backoff.saturating_mul(1 << doublings);
            attempts.errors.push(worker);
            text
        }
        Failure::Crashed(text) => {
            attempts.lost.push(worker);
            text
        }
        Failure::OutOfMemory(text) => {
            attempts.lost.push(worker);
            if attempts.memory.len() < MEMORY_DOUBLINGS_MAX && !attempts.memory.contains(&worker) {
                attempts.memory.push(worker);
                record.job.memory_mib = record.job.memory_mib.saturating_mul(2);
            }
            text
        }
        Failure::InvalidProof(text) => {
            attempts.invalid.push(worker);
            text
        }
    };
    attempts.last_reason = Some(head(text, REASON_BYTES_MAX).to_owned());
    put_back(record, later(now, wait), budgets)
}

/// The lease has ended without a word, or because it was as long as one may be.
pub(super) fn lose(record: &mut JobRecord, now: Millis, id: LeaseId, why: &str, budgets: &Budgets) -> Aftermath {
    let JobState::Leased(lease) = &record.state else { return Aftermath::Ignored };
    let max = record.job.lease_max;
    let why = if now >= later(lease.since, max) {
        format!("too slow: a worker had it for {max:?}, which is the most")
    } else {
        why.to_owned()
    };
    fail(record, now, id, &Failure::Crashed(why), budgets)
}

fn put_back(record: &mut JobRecord, not_before: Millis, budgets: &Budgets) -> Aftermath {
    match exhausted(&record.attempts, budgets) {
        None => {
            record.state = JobState::Ready(not_before);
            Aftermath::Requeued
        }
        Some(reason) => {
            record.state = JobState::Quarantined { reason: reason.clone() };
            Aftermath::Quarantined(reason)
        }
    }
}

/// Says which budget is used up, if one is.
fn exhausted(attempts: &Attempts, budgets: &Budgets) -> Option<String> {
    let Attempts { errors, lost, invalid, .. } = attempts;
    let (count, workers) = (<[WorkerId]>::len, |list: &[WorkerId]| list.iter().collect::<BTreeSet<_>>().len());
    let what = if is_spent(errors, budgets.errors_max) {
        format!("provers reported {} errors, on {} workers", count(errors), workers(errors))
    } else if is_spent(lost, budgets.lost_max) {
        format!("{} provers were lost over it, on {} workers", count(lost), workers(lost))
    } else if is_spent(invalid, budgets.invalid_max) {
        format!("{} proofs of it did not hold, from {} workers", count(invalid), workers(invalid))
    } else {
        return None;
    };
    Some(format!("{what}; the last time: {}", attempts.last_reason.as_deref().unwrap_or("no reason was given")))
}

/// Whether these failures, by worker, use a budget up. See [`Budgets`].
fn is_spent(failures: &[WorkerId], max: u32) -> bool {
    let mut by_worker = BTreeMap::new();
    for worker in failures {
        *by_worker.entry(worker).or_insert(0_u32) += 1;
    }
    let share = max.div_ceil(2);
    let spent: u32 = by_worker.values().map(|count| (*count).min(share)).sum();
    let all: u32 = by_worker.values().sum();
    all > 0 && (spent >= max || all >= max.saturating_mul(2))
}

/// The holder of the lease gives the job back and nobody is to blame.
pub(super) fn release(record: &mut JobRecord, now: Millis, id: LeaseId) -> bool {
    let held = holds(record, id);
    if held {
        record.state = JobState::Ready(now);
    }
    held
}

/// A proof that was verified.
pub(super) fn settle(record: &mut JobRecord, done: DoneJob) -> Settled {
    match record.state {
        JobState::Done(_) => Settled::Duplicate,
        JobState::Cancelled => Settled::Unknown,
        JobState::Waiting(_) | JobState::Ready(_) | JobState::Leased(_) | JobState::Quarantined { .. } => {
            record.state = JobState::Done(done);
            Settled::First
        }
    }
}

/// One of its children is done. Tells whether it waited for that.
pub(super) fn child_done(record: &mut JobRecord, now: Millis) -> bool {
    let JobState::Waiting(open) = record.state else { return false };
    record.state = waiting(now, open.saturating_sub(1));
    true
}

/// A person wants a quarantined job tried again.
pub(super) fn retry(record: &mut JobRecord, now: Millis) -> bool {
    let quarantined = matches!(record.state, JobState::Quarantined { .. });
    if quarantined {
        let Attempts { claims, last_reason, memory, .. } = std::mem::take(&mut record.attempts);
        record.attempts = Attempts { claims, last_reason, memory, ..Attempts::default() };
        record.state = JobState::Ready(now);
    }
    quarantined
}

fn later(now: Millis, by: Duration) -> Millis {
    Millis(now.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}

/// As much of the start of the text as fits.
fn head(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
