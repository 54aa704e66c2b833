//! The operations, each one transaction: what the [state machine](super::super::transitions) says, found by indices.

use rocksdb::WriteBatch;

use super::super::transitions::{self, Fit};
use super::super::{
    Aftermath, BeatReply, Budgets, Claimant, DoneJob, Failure, Holder, JobKey, JobRecord, JobState, LeaseId, Millis,
    NewJob, Settled, StoreError, WORKERS_KEPT, WorkerId,
};
use super::Writer;
use super::tables::{self, Held, Pair, Tables};
use super::transaction::Transaction;

/// Place of a job in the index of batches, and the job.
type Member = (Box<[u8]>, JobKey);

/// The store, in the hands of its one writer.
pub(super) struct Operations<'a> {
    pub(super) tables: &'a Tables,
    pub(super) budgets: &'a Budgets,
    pub(super) writer: &'a mut Writer,
}

impl Operations<'_> {
    pub(super) fn keep_worker(&mut self, worker: WorkerId, registration: Vec<u8>) -> Result<(), StoreError> {
        let key = worker.0.to_be_bytes();
        let mut batch = WriteBatch::default();
        let family = self.tables.family(tables::WORKERS);
        let known = self.tables.scan(tables::WORKERS, &[]).collect::<Result<Vec<_>, _>>()?;
        let is_new = known.iter().all(|(other, _)| **other != key);
        batch.put_cf(family, key, registration);
        let first = known.first().map(|(other, _)| other).filter(|_| is_new && known.len() >= WORKERS_KEPT);
        if let Some(first) = first {
            batch.delete_cf(family, if **first < key[..] { &first[..] } else { &key[..] });
        }
        self.tables.write(batch)
    }

    pub(super) fn forget_worker(&mut self, worker: WorkerId) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        batch.delete_cf(self.tables.family(tables::WORKERS), worker.0.to_be_bytes());
        self.tables.write(batch)
    }

    pub(super) fn insert(&mut self, now: Millis, jobs: Vec<NewJob>) -> Result<Vec<JobKey>, StoreError> {
        let mut transaction = Transaction::new(self.tables);
        let mut new = Vec::new();
        for job in jobs {
            let (key, batch) = (job.key, job.batch);
            for &child in &job.children {
                if transaction.entry(&child)?.is_none() {
                    return Err(StoreError::UnknownChild { child });
                }
                self.join(&mut transaction, now, &child, batch)?;
            }
            if transaction.entry(&key)?.is_some() {
                self.join(&mut transaction, now, &key, batch)?;
            } else {
                let order = self.writer.next_id();
                transaction.add(now, job, order)?;
                transaction.add_to_batch(batch, order, &key);
                new.push(key);
            }
        }
        transaction.commit()?;
        Ok(new)
    }

    /// Makes a job one of this batch too, with all that it waits for.
    fn join(
        &mut self,
        transaction: &mut Transaction<'_>,
        now: Millis,
        key: &JobKey,
        batch: u32,
    ) -> Result<(), StoreError> {
        let entry = transaction.known(key)?;
        if entry.batches.contains(&batch) {
            return Ok(());
        }
        let children = transitions::needs(&entry.record).to_vec();
        for child in &children {
            self.join(transaction, now, child, batch)?;
        }
        let open = transaction.open_children(&children)?;
        transaction.known(key)?.join(now, batch, open);
        transaction.add_to_batch(batch, self.writer.next_id(), key);
        Ok(())
    }

    pub(super) fn claim(&mut self, now: Millis, claimant: &Claimant) -> Result<Option<JobRecord>, StoreError> {
        let mut transaction = Transaction::new(self.tables);
        if claimant.running > 0 && self.runs_alone(&mut transaction, claimant.worker)? {
            return Ok(None);
        }
        let Some((key, Fit::Yes)) = self.next_job(&mut transaction, now, claimant)? else { return Ok(None) };
        let record = &mut transaction.known(&key)?.record;
        let id = LeaseId(self.writer.next_id());
        let until = transitions::lease(record, now, id, claimant, self.budgets);
        let leased = record.clone();
        transaction.put_lease(id, &Held { key, worker: claimant.worker, until }, None);
        transaction.commit()?;
        self.with_payload(leased).map(Some)
    }

    /// The job of the oldest batch with one for the worker that is the next one, and how it fits.
    fn next_job(
        &self,
        transaction: &mut Transaction<'_>,
        now: Millis,
        claimant: &Claimant,
    ) -> Result<Option<(JobKey, Fit)>, StoreError> {
        let (mut fitting, mut heights, mut oldest) = (Vec::new(), Vec::new(), None);
        for item in self.tables.scan(tables::READY, &[]) {
            let (place, key) = item?;
            let key = tables::indexed(tables::READY, &place, &key)?;
            let record = &transaction.known(&key)?.record;
            if oldest.is_some_and(|batch| batch != record.job.batch) {
                break;
            }
            let fit = transitions::fits(record, now, claimant);
            if fit != Fit::No {
                oldest = Some(record.job.batch);
                heights.push(record.job.height);
                fitting.push((key, fit));
            }
        }
        Ok(fitting.get(transitions::choose(&heights, claimant)).copied())
    }

    /// Whether the worker does a job that has a worker for itself.
    fn runs_alone(&self, transaction: &mut Transaction<'_>, worker: WorkerId) -> Result<bool, StoreError> {
        for lease in self.tables.leases() {
            let (id, held) = lease?;
            if held.worker == worker
                && let Some(entry) = transaction.entry(&held.key)?
                && transitions::holds(&entry.record, id)
                && transitions::runs_alone(&entry.record)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn beat(&mut self, now: Millis, holder: Holder, stage: &str) -> Result<BeatReply, StoreError> {
        let Some(held) = self.held_by(holder)? else { return Ok(BeatReply::Lost) };
        let mut transaction = Transaction::new(self.tables);
        let Some(entry) = transaction.entry(&held.key)? else { return Ok(BeatReply::Cancelled) };
        let reply = transitions::beat(&mut entry.record, now, holder, stage, self.budgets);
        if let JobState::Leased(lease) = &entry.record.state
            && lease.id == holder.lease
        {
            let until = lease.until;
            transaction.put_lease(holder.lease, &Held { until, ..held }, Some(held.until));
        }
        transaction.commit()?;
        Ok(reply)
    }

    pub(super) fn settle(&mut self, key: &JobKey, done: DoneJob) -> Result<Settled, StoreError> {
        let mut transaction = Transaction::new(self.tables);
        let now = done.at;
        let Some(entry) = transaction.entry(key)? else { return Ok(Settled::Unknown) };
        let settled = transitions::settle(&mut entry.record, done);
        if settled == Settled::First {
            for parent in self.tables.parents(key)? {
                transitions::child_done(&mut transaction.known(&parent)?.record, now);
            }
        }
        transaction.commit()?;
        Ok(settled)
    }

    pub(super) fn fail(&mut self, now: Millis, holder: Holder, failure: &Failure) -> Result<Aftermath, StoreError> {
        let budgets = self.budgets;
        let ended = self.end(holder, |record| transitions::fail(record, now, holder.lease, failure, budgets))?;
        Ok(ended.unwrap_or(Aftermath::Ignored))
    }

    pub(super) fn release(&mut self, now: Millis, holder: Holder) -> Result<bool, StoreError> {
        let released = self.end(holder, |record| transitions::release(record, now, holder.lease))?;
        Ok(released.unwrap_or(false))
    }

    /// Ends a lease of this worker and lets the job that it holds go on by `then`.
    fn end<T>(&self, holder: Holder, then: impl FnOnce(&mut JobRecord) -> T) -> Result<Option<T>, StoreError> {
        let Some(held) = self.held_by(holder)? else { return Ok(None) };
        let mut transaction = Transaction::new(self.tables);
        transaction.remove_lease(holder.lease, held.until);
        let entry = transaction.entry(&held.key)?.filter(|entry| transitions::is_held_by(&entry.record, holder));
        let result = entry.map(|entry| then(&mut entry.record));
        transaction.commit()?;
        Ok(result)
    }

    pub(super) fn expire(&mut self, now: Millis) -> Result<Vec<(JobKey, Aftermath)>, StoreError> {
        self.cut_leases(now, transitions::latest(now, self.budgets))?;
        let mut over = Vec::new();
        for item in self.deadlines(&[]) {
            let (until, id) = item?;
            if until > now {
                break;
            }
            over.push((id, self.must_hold(id)?));
        }
        self.lose_all(now, transitions::SILENT, &over)
    }

    /// Has no lease end later than this.
    fn cut_leases(&self, now: Millis, latest: Millis) -> Result<(), StoreError> {
        let Some(from) = latest.0.checked_add(1) else { return Ok(()) };
        let mut transaction = Transaction::new(self.tables);
        for item in self.deadlines(&from.to_be_bytes()) {
            let (until, id) = item?;
            let held = self.must_hold(id)?;
            transaction.put_lease(id, &Held { until: latest, ..held }, Some(until));
            if let Some(entry) = transaction.entry(&held.key)? {
                transitions::cut(&mut entry.record, id, now, latest);
            }
        }
        transaction.commit()
    }

    /// Ends of leases from a place on, rising.
    fn deadlines(&self, from: &[u8]) -> impl Iterator<Item = Result<(Millis, LeaseId), StoreError>> {
        self.tables.scan(tables::DEADLINES, from).map(|item| {
            let (key, _) = item?;
            let place = tables::array::<16>(&key).ok_or_else(|| tables::damaged(tables::DEADLINES, &key))?;
            let [until, id] = [&place[..8], &place[8..]].map(|half| tables::array(half).map_or(0, u64::from_be_bytes));
            Ok((Millis(until), LeaseId(id)))
        })
    }

    /// A lease that has a deadline.
    fn must_hold(&self, id: LeaseId) -> Result<Held, StoreError> {
        self.held(id)?.ok_or_else(|| tables::damaged(tables::LEASES, &id.0.to_be_bytes()))
    }

    pub(super) fn lose_worker(
        &mut self,
        now: Millis,
        worker: WorkerId,
    ) -> Result<Vec<(JobKey, Aftermath)>, StoreError> {
        let leases: Vec<_> = self.tables.leases().collect::<Result<_, _>>()?;
        let mut over: Vec<_> = leases.into_iter().filter(|(_, held)| held.worker == worker).collect();
        over.sort_unstable_by_key(|&(id, held)| (held.until, id));
        self.lose_all(now, transitions::GONE, &over)
    }

    fn lose_all(
        &self,
        now: Millis,
        why: &str,
        over: &[(LeaseId, Held)],
    ) -> Result<Vec<(JobKey, Aftermath)>, StoreError> {
        let mut transaction = Transaction::new(self.tables);
        let mut lost = Vec::new();
        for &(id, held) in over {
            transaction.remove_lease(id, held.until);
            if let Some(entry) = transaction.entry(&held.key)?
                && transitions::holds(&entry.record, id)
            {
                lost.push((held.key, transitions::lose(&mut entry.record, now, id, why, self.budgets)));
            }
        }
        transaction.commit()?;
        Ok(lost)
    }

    pub(super) fn cancel(&mut self, batch: u32) -> Result<(), StoreError> {
        let mut transaction = Transaction::new(self.tables);
        for (_, key) in self.members(batch)? {
            transaction.known(&key)?.cancel(batch);
        }
        transaction.commit()
    }

    pub(super) fn forget(&mut self, batch: u32) -> Result<(), StoreError> {
        let mut transaction = Transaction::new(self.tables);
        for (place, key) in self.members(batch)? {
            transaction.remove_from_batch(&place);
            if !transaction.known(&key)?.leave(batch) {
                transaction.remove(&key)?;
            }
        }
        transaction.commit()
    }

    pub(super) fn retry(&mut self, now: Millis, key: &JobKey) -> Result<bool, StoreError> {
        let mut transaction = Transaction::new(self.tables);
        let Some(entry) = transaction.entry(key)? else { return Ok(false) };
        let retried = transitions::retry(&mut entry.record, now);
        transaction.commit()?;
        Ok(retried)
    }

    pub(super) fn job(&self, key: &JobKey) -> Result<Option<JobRecord>, StoreError> {
        let entry = Transaction::new(self.tables).entry(key)?.cloned();
        entry.map(|entry| self.with_payload(entry.record)).transpose()
    }

    pub(super) fn batch(&self, batch: u32) -> Result<Vec<JobRecord>, StoreError> {
        let mut transaction = Transaction::new(self.tables);
        let record = |(_, key)| self.with_payload(transaction.known(&key)?.record.clone());
        self.members(batch)?.into_iter().map(record).collect()
    }

    pub(super) fn batches(&self) -> Result<Vec<u32>, StoreError> {
        let mut batches = Vec::new();
        let mut next = Some(0_u32);
        while let Some(from) = next {
            let Some(item) = self.tables.scan(tables::BATCHES, &from.to_be_bytes()).next() else { break };
            let (place, _) = item?;
            let batch = place.first_chunk().ok_or_else(|| tables::damaged(tables::BATCHES, &place))?;
            let batch = u32::from_be_bytes(*batch);
            batches.push(batch);
            next = batch.checked_add(1);
        }
        Ok(batches)
    }

    /// Jobs of a batch in order, with their places in the index.
    fn members(&self, batch: u32) -> Result<Vec<Member>, StoreError> {
        let member = |item: Result<Pair, StoreError>| {
            let (place, key) = item?;
            let key = tables::indexed(tables::BATCHES, &place, &key)?;
            Ok((place, key))
        };
        self.tables.scan_prefix(tables::BATCHES, &batch.to_be_bytes()).map(member).collect()
    }

    fn held(&self, id: LeaseId) -> Result<Option<Held>, StoreError> {
        self.tables.get(tables::LEASES, &id.0.to_be_bytes())
    }

    /// A lease, if it is this worker's.
    fn held_by(&self, holder: Holder) -> Result<Option<Held>, StoreError> {
        Ok(self.held(holder.lease)?.filter(|held| held.worker == holder.worker))
    }

    fn with_payload(&self, mut record: JobRecord) -> Result<JobRecord, StoreError> {
        let key = record.job.key.0;
        let payload = self.tables.bytes(tables::PAYLOADS, &key)?;
        record.job.payload = payload.ok_or_else(|| tables::damaged(tables::PAYLOADS, &key))?;
        Ok(record)
    }
}
