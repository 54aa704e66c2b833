//! Jobs in memory, for tests, and the reference for stores that keep them on disk: no index, every question is answered by
//! looking at all records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::transitions::{self, Entry, Fit};
use super::{
    Aftermath, BeatReply, Budgets, Claimant, DoneJob, Failure, Holder, JobKey, JobRecord, JobState, JobStore, LeaseId,
    Millis, NewJob, Settled, StoreError, WORKERS_KEPT, WorkerId,
};

/// A [`JobStore`] in memory. See the [module](self).
#[derive(Debug)]
pub struct MemoryJobStore {
    budgets: Budgets,
    jobs: Mutex<Jobs>,
}

#[derive(Debug, Default)]
struct Jobs {
    entries: BTreeMap<JobKey, Entry>,
    /// Leases that have not been ended, with those of jobs that nobody needs any more until their time is over.
    leases: BTreeMap<LeaseId, Held>,
    /// Jobs by batch and the order in which the batch put them in.
    batches: BTreeMap<(u32, u64), JobKey>,
    /// What is kept of workers.
    workers: BTreeMap<WorkerId, Vec<u8>>,
    last_id: u64,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    key: JobKey,
    worker: WorkerId,
    until: Millis,
}

impl MemoryJobStore {
    /// An empty store.
    pub fn new(budgets: Budgets) -> Self {
        Self { budgets, jobs: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        // Every change is complete before anything can panic.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jobs {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn insert(&mut self, now: Millis, jobs: Vec<NewJob>) -> Result<Vec<JobKey>, StoreError> {
        self.check_children(&jobs)?;
        let mut new = Vec::new();
        for job in jobs {
            let (key, batch) = (job.key, job.batch);
            for child in &job.children {
                self.join(now, child, batch);
            }
            if self.entries.contains_key(&key) {
                self.join(now, &key, batch);
            } else {
                let (order, open) = (self.next_id(), self.open(&job.children));
                self.entries.insert(key, Entry::new(now, job, order, open));
                self.batches.insert((batch, order), key);
                new.push(key);
            }
        }
        Ok(new)
    }

    fn check_children(&self, jobs: &[NewJob]) -> Result<(), StoreError> {
        for (place, job) in jobs.iter().enumerate() {
            let known = |child: &JobKey| {
                self.entries.contains_key(child) || jobs[..place].iter().any(|before| before.key == *child)
            };
            if let Some(&child) = job.children.iter().find(|&child| !known(child)) {
                return Err(StoreError::UnknownChild { child });
            }
        }
        Ok(())
    }

    /// Makes a job one of this batch too, with all that it waits for.
    fn join(&mut self, now: Millis, key: &JobKey, batch: u32) {
        let Some(entry) = self.entries.get(key).filter(|entry| !entry.batches.contains(&batch)) else { return };
        let children = transitions::needs(&entry.record).to_vec();
        for child in &children {
            self.join(now, child, batch);
        }
        let (order, open) = (self.next_id(), self.open(&children));
        if let Some(entry) = self.entries.get_mut(key) {
            entry.join(now, batch, open);
            self.batches.insert((batch, order), *key);
        }
    }

    /// How many of these jobs are not done.
    fn open(&self, children: &[JobKey]) -> u32 {
        let done = |child: &JobKey| self.entries.get(child).is_some_and(|entry| transitions::is_done(&entry.record));
        let open: BTreeSet<_> = children.iter().filter(|&child| !done(child)).collect();
        u32::try_from(open.len()).unwrap_or(u32::MAX)
    }

    fn claim(&mut self, now: Millis, claimant: &Claimant, budgets: &Budgets) -> Option<JobRecord> {
        let alone = |held: &Held| self.entries.get(&held.key).is_some_and(|e| transitions::runs_alone(&e.record));
        let busy = claimant.running > 0;
        if busy && self.leases.iter().any(|(&id, held)| held.worker == claimant.worker && self.holds(id) && alone(held))
        {
            return None;
        }
        let mut fitting: Vec<_> = self
            .entries
            .values()
            .map(|entry| (entry, transitions::fits(&entry.record, now, claimant)))
            .filter(|(_, fit)| *fit != Fit::No)
            .collect();
        fitting.sort_by_key(|(entry, _)| transitions::rank(entry));
        let oldest = fitting.first()?.0.record.job.batch;
        let jobs = fitting.iter().map(|(entry, _)| &entry.record.job).take_while(|job| job.batch == oldest);
        let heights: Vec<_> = jobs.map(|job| job.height).collect();
        let (entry, fit) = fitting[transitions::choose(&heights, claimant)];
        let key = entry.record.job.key;
        if fit == Fit::OnceIdle {
            return None;
        }
        let id = LeaseId(self.next_id());
        let record = &mut self.entries.get_mut(&key)?.record;
        let until = transitions::lease(record, now, id, claimant, budgets);
        self.leases.insert(id, Held { key, worker: claimant.worker, until });
        Some(record.clone())
    }

    fn holds(&self, id: LeaseId) -> bool {
        let entry = self.leases.get(&id).and_then(|held| self.entries.get(&held.key));
        entry.is_some_and(|entry| transitions::holds(&entry.record, id))
    }

    fn beat(&mut self, now: Millis, holder: Holder, stage: &str, budgets: &Budgets) -> BeatReply {
        let held = self.leases.get_mut(&holder.lease).filter(|held| held.worker == holder.worker);
        let Some(held) = held else { return BeatReply::Lost };
        let Some(entry) = self.entries.get_mut(&held.key) else { return BeatReply::Cancelled };
        let reply = transitions::beat(&mut entry.record, now, holder, stage, budgets);
        if let JobState::Leased(lease) = &entry.record.state
            && lease.id == holder.lease
        {
            held.until = lease.until;
        }
        reply
    }

    fn settle(&mut self, key: &JobKey, done: DoneJob) -> Settled {
        let now = done.at;
        let Some(entry) = self.entries.get_mut(key) else { return Settled::Unknown };
        let settled = transitions::settle(&mut entry.record, done);
        if settled == Settled::First {
            for parent in self.entries.values_mut().filter(|entry| entry.record.job.children.contains(key)) {
                transitions::child_done(&mut parent.record, now);
            }
        }
        settled
    }

    /// Ends a lease of this worker and lets the job that it holds go on by `then`.
    fn end<T>(&mut self, holder: Holder, then: impl FnOnce(&mut JobRecord) -> T) -> Option<(JobKey, T)> {
        self.leases.get(&holder.lease).filter(|held| held.worker == holder.worker)?;
        let held = self.leases.remove(&holder.lease)?;
        let entry = self.entries.get_mut(&held.key)?;
        transitions::is_held_by(&entry.record, holder).then(|| (held.key, then(&mut entry.record)))
    }

    /// Has no lease end later than this.
    fn cut_leases(&mut self, now: Millis, latest: Millis) {
        for (&id, held) in self.leases.iter_mut().filter(|(_, held)| held.until > latest) {
            held.until = latest;
            if let Some(entry) = self.entries.get_mut(&held.key) {
                transitions::cut(&mut entry.record, id, now, latest);
            }
        }
    }

    fn lose_all(
        &mut self,
        now: Millis,
        why: &str,
        budgets: &Budgets,
        over: impl Fn(&Held) -> bool,
    ) -> Vec<(JobKey, Aftermath)> {
        let mut over: Vec<_> =
            self.leases.iter().filter(|(_, held)| over(held)).map(|(&id, h)| (h.until, id, h.worker)).collect();
        over.sort_unstable();
        over.into_iter()
            .filter_map(|(_, lease, worker)| {
                let lose = |record: &mut JobRecord| transitions::lose(record, now, lease, why, budgets);
                self.end(Holder { worker, lease }, lose)
            })
            .collect()
    }

    fn cancel(&mut self, batch: u32) {
        for entry in self.entries.values_mut() {
            entry.cancel(batch);
        }
    }

    fn forget(&mut self, batch: u32) {
        self.batches.retain(|&(of, _), _| of != batch);
        self.entries.retain(|_, entry| entry.leave(batch));
    }

    fn batch(&self, batch: u32) -> Vec<JobRecord> {
        let keys = self.batches.range((batch, 0)..=(batch, u64::MAX)).map(|(_, key)| key);
        keys.filter_map(|key| self.entries.get(key)).map(|entry| entry.record.clone()).collect()
    }
}

impl JobStore for MemoryJobStore {
    async fn new_worker(&self) -> Result<WorkerId, StoreError> {
        Ok(WorkerId(self.lock().next_id()))
    }

    async fn keep_worker(&self, worker: WorkerId, registration: Vec<u8>) -> Result<(), StoreError> {
        let workers = &mut self.lock().workers;
        workers.insert(worker, registration);
        if workers.len() > WORKERS_KEPT {
            workers.pop_first();
        }
        Ok(())
    }

    async fn kept_worker(&self, worker: WorkerId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().workers.get(&worker).cloned())
    }

    async fn forget_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.lock().workers.remove(&worker);
        Ok(())
    }

    async fn insert(&self, now: Millis, jobs: Vec<NewJob>) -> Result<Vec<JobKey>, StoreError> {
        self.lock().insert(now, jobs)
    }

    async fn claim(&self, now: Millis, claimant: &Claimant) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.lock().claim(now, claimant, &self.budgets))
    }

    async fn beat(&self, now: Millis, holder: Holder, stage: &str) -> Result<BeatReply, StoreError> {
        Ok(self.lock().beat(now, holder, stage, &self.budgets))
    }

    async fn settle(&self, key: &JobKey, done: DoneJob) -> Result<Settled, StoreError> {
        Ok(self.lock().settle(key, done))
    }

    async fn fail(&self, now: Millis, holder: Holder, failure: Failure) -> Result<Aftermath, StoreError> {
        let then = |record: &mut JobRecord| transitions::fail(record, now, holder.lease, &failure, &self.budgets);
        Ok(self.lock().end(holder, then).map_or(Aftermath::Ignored, |(_, aftermath)| aftermath))
    }

    async fn release(&self, now: Millis, holder: Holder) -> Result<bool, StoreError> {
        let released = self.lock().end(holder, |record| transitions::release(record, now, holder.lease));
        Ok(released.is_some_and(|(_, held)| held))
    }

    async fn expire(&self, now: Millis) -> Result<Vec<(JobKey, Aftermath)>, StoreError> {
        let mut state = self.lock();
        state.cut_leases(now, transitions::latest(now, &self.budgets));
        Ok(state.lose_all(now, transitions::SILENT, &self.budgets, |held| held.until <= now))
    }

    async fn lose_worker(&self, now: Millis, worker: WorkerId) -> Result<Vec<(JobKey, Aftermath)>, StoreError> {
        Ok(self.lock().lose_all(now, transitions::GONE, &self.budgets, |held| held.worker == worker))
    }

    async fn cancel(&self, batch: u32) -> Result<(), StoreError> {
        self.lock().cancel(batch);
        Ok(())
    }

    async fn retry(&self, now: Millis, key: &JobKey) -> Result<bool, StoreError> {
        Ok(self.lock().entries.get_mut(key).is_some_and(|entry| transitions::retry(&mut entry.record, now)))
    }

    async fn job(&self, key: &JobKey) -> Result<Option<JobRecord>, StoreError> {
        Ok(self.lock().entries.get(key).map(|entry| entry.record.clone()))
    }

    async fn batch(&self, batch: u32) -> Result<Vec<JobRecord>, StoreError> {
        Ok(self.lock().batch(batch))
    }

    async fn batches(&self) -> Result<Vec<u32>, StoreError> {
        let mut batches: Vec<u32> = self.lock().batches.keys().map(|&(batch, _)| batch).collect();
        batches.dedup();
        Ok(batches)
    }

    async fn forget(&self, batch: u32) -> Result<(), StoreError> {
        self.lock().forget(batch);
        Ok(())
    }
}
