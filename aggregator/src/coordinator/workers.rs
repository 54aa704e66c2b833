//! Who is there, and what they do at the moment. In memory: after a restart workers register again.

use std::collections::BTreeMap;
use std::time::Duration;

use weft_storage::jobs::{Claimant, JobKey, Millis, WorkerId};

use super::FleetConfig;
use super::fleet::CLAIM_WAIT_MAX;
use super::views::{CurrentJob, WorkerState, WorkerView};
use crate::message::{Beat, FleetError, Held, WorkerHello};
use crate::{Job, JobKind};

/// Workers that are remembered, gone ones included.
const WORKERS_MAX: usize = 4096;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Workers {
    known: BTreeMap<WorkerId, Worker>,
    /// Invalid proofs by the name of who sent them: a worker that comes back is not forgiven.
    invalid: BTreeMap<String, u32>,
}

#[derive(Debug)]
struct Worker {
    hello: WorkerHello,
    registered: Millis,
    last_seen: Millis,
    current: Option<Current>,
    jobs_done: u64,
    jobs_failed: u64,
    cpu: Duration,
    last_failure: Option<String>,
    standing: Standing,
}

/// What is special about a worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Good,
    /// Its last job hung, and it has asked for no other since.
    Stuck,
    /// It takes no more jobs.
    Draining,
    Suspended,
    /// It said so.
    Gone,
}

/// What a worker does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Current {
    pub(super) held: Held,
    pub(super) batch: u32,
    pub(super) job: Job,
    pub(super) stage: String,
    pub(super) since: Millis,
    pub(super) stage_since: Millis,
}

/// What a beat says that was not known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum BeatNews {
    Nothing,
    Stage {
        batch: u32,
        job: Job,
    },
    /// The worker does something that the coordinator does not know of, as after a restart.
    UnknownJob,
}

impl Workers {
    /// Takes a worker in; false if there are too many.
    pub(super) fn register(&mut self, id: WorkerId, hello: WorkerHello, now: Millis, config: &FleetConfig) -> bool {
        if self.known.len() >= WORKERS_MAX {
            let away = self.known.iter().find(|(_, worker)| is_away(worker, now, config)).map(|(id, _)| *id);
            let Some(away) = away else { return false };
            self.known.remove(&away);
        }
        let is_suspended = self.invalid.get(&hello.name).is_some_and(|count| *count >= config.invalid_per_worker_max);
        let worker = Worker {
            hello,
            registered: now,
            last_seen: now,
            current: None,
            jobs_done: 0,
            jobs_failed: 0,
            cpu: Duration::ZERO,
            last_failure: None,
            standing: if is_suspended { Standing::Suspended } else { Standing::Good },
        };
        self.known.insert(id, worker);
        true
    }

    /// Notes that a worker lives.
    pub(super) fn seen(&mut self, id: WorkerId, now: Millis) -> Result<(), FleetError> {
        self.active(id, now).map(drop)
    }

    fn active(&mut self, id: WorkerId, now: Millis) -> Result<&mut Worker, FleetError> {
        let worker = self.known.get_mut(&id).filter(|worker| worker.standing != Standing::Gone);
        let worker = worker.ok_or(FleetError::UnknownWorker)?;
        worker.last_seen = now;
        match worker.standing {
            Standing::Suspended => Err(FleetError::Suspended),
            Standing::Good | Standing::Stuck | Standing::Draining | Standing::Gone => Ok(worker),
        }
    }

    /// What a worker can do that asks for a job, and the job that it should have but does not know of: the answer to its
    /// last claim was lost.
    pub(super) fn claimant(
        &mut self,
        id: WorkerId,
        now: Millis,
        config: &FleetConfig,
    ) -> Result<(Claimant, Option<Current>), FleetError> {
        let worker = self.active(id, now)?;
        worker.standing = Standing::Good;
        let (circuits, memory, current) =
            (worker.hello.circuits.clone(), worker.hello.memory_mib, worker.current.clone());
        let can = |worker: &&Worker| worker.standing == Standing::Good && !is_away(worker, now, config);
        let memories: Vec<_> = self.known.values().filter(can).map(|worker| worker.hello.memory_mib).collect();
        // A job that has outgrown all workers goes to the largest one: better there than nowhere.
        let is_largest = memories.iter().all(|other| *other <= memory);
        let memory_mib = if is_largest { u32::MAX } else { memory };
        let workers = u32::try_from(memories.len()).unwrap_or(u32::MAX);
        Ok((Claimant { worker: id, circuits, memory_mib, running: 0, workers }, current))
    }

    pub(super) fn begin(&mut self, current: Current) {
        if let Some(worker) = self.known.get_mut(&current.held.worker) {
            worker.current = Some(current);
        }
    }

    pub(super) fn beat(&mut self, beat: &Beat, now: Millis) -> Result<BeatNews, FleetError> {
        let worker = self.active(beat.held.worker, now)?;
        if beat.is_draining {
            worker.standing = Standing::Draining;
        }
        let Some(current) = worker.current.as_mut().filter(|current| current.held == beat.held) else {
            return Ok(BeatNews::UnknownJob);
        };
        if current.stage == beat.stage {
            return Ok(BeatNews::Nothing);
        }
        current.stage.clone_from(&beat.stage);
        current.stage_since = now;
        Ok(BeatNews::Stage { batch: current.batch, job: current.job })
    }

    /// Notes that a worker does not do a job any more.
    pub(super) fn end(&mut self, held: &Held, failure: Option<&str>) {
        if let Some(worker) = self.known.get_mut(&held.worker) {
            worker.current.take_if(|current| current.held == *held);
            if let Some(failure) = failure {
                worker.last_failure = Some(failure.to_owned());
                worker.jobs_failed += 1;
            }
        }
    }

    /// The same for whoever does the job.
    pub(super) fn end_job(&mut self, key: &JobKey, failure: &str) {
        let held = self.known.values().filter_map(|worker| worker.current.as_ref()).map(|current| current.held);
        let held: Vec<_> = held.filter(|held| held.key == *key).collect();
        for held in held {
            self.end(&held, Some(failure));
        }
    }

    pub(super) fn done(&mut self, held: &Held, cpu: Duration) {
        self.end(held, None);
        if let Some(worker) = self.known.get_mut(&held.worker) {
            worker.jobs_done += 1;
            worker.cpu = worker.cpu.saturating_add(cpu);
        }
    }

    /// Counts an invalid proof. Returns whether the worker is suspended for it.
    pub(super) fn invalid(&mut self, held: &Held, reason: &str, config: &FleetConfig) -> bool {
        self.end(held, Some(reason));
        let Some(worker) = self.known.get_mut(&held.worker) else { return false };
        let count = self.invalid.entry(worker.hello.name.clone()).or_insert(0);
        *count += 1;
        let is_suspended = *count >= config.invalid_per_worker_max;
        if is_suspended {
            worker.standing = Standing::Suspended;
        }
        is_suspended
    }

    /// Forgives all workers of a name their invalid proofs. Returns whether they were suspended; `None` if nobody of that
    /// name is remembered.
    pub(super) fn readmit(&mut self, name: &str, config: &FleetConfig) -> Option<bool> {
        let mut is_known = false;
        for worker in self.known.values_mut().filter(|worker| worker.hello.name == name) {
            is_known = true;
            if worker.standing == Standing::Suspended {
                worker.standing = Standing::Good;
            }
        }
        let invalid = self.invalid.remove(name);
        let was_suspended = invalid.is_some_and(|count| count >= config.invalid_per_worker_max);
        (is_known || invalid.is_some()).then_some(was_suspended)
    }

    /// Whether this process has registered the worker.
    pub(super) fn is_known(&self, id: WorkerId) -> bool {
        self.known.contains_key(&id)
    }

    /// Takes leave of a worker. Returns the job that it had.
    pub(super) fn goodbye(&mut self, id: WorkerId, now: Millis) -> Option<Held> {
        let worker = self.known.get_mut(&id)?;
        worker.last_seen = now;
        if worker.standing != Standing::Suspended {
            worker.standing = Standing::Gone;
        }
        worker.current.take().map(|current| current.held)
    }

    /// Takes jobs from workers whose stage has lasted too long. Returns them with the time that they were given.
    pub(super) fn take_stalled(
        &mut self,
        now: Millis,
        limit: impl Fn(JobKind) -> Duration,
    ) -> Vec<(Current, Duration)> {
        let mut stalled = Vec::new();
        for worker in self.known.values_mut() {
            // A clock that was set back gives nobody more time.
            worker.last_seen = worker.last_seen.min(now);
            let Some(current) = &mut worker.current else { continue };
            current.stage_since = current.stage_since.min(now);
            let limit = limit(current.job.kind());
            if elapsed(current.stage_since, now) > limit {
                stalled.extend(worker.current.take().map(|current| (current, limit)));
                worker.standing = Standing::Stuck;
            }
        }
        stalled
    }

    /// Name of a worker; its number, if it registered before a restart.
    pub(super) fn name(&self, id: WorkerId) -> String {
        self.known.get(&id).map_or_else(|| id.0.to_string(), |worker| worker.hello.name.clone())
    }

    pub(super) fn views(&self, now: Millis, config: &FleetConfig) -> Vec<WorkerView> {
        self.known.iter().map(|(id, worker)| view(*id, worker, now, config)).collect()
    }
}

/// Time from one moment to another; zero if the clock went back.
pub(super) const fn elapsed(from: Millis, to: Millis) -> Duration {
    Duration::from_millis(to.0.saturating_sub(from.0))
}

/// Whether nothing was heard of a worker for longer than it may be silent.
fn is_away(worker: &Worker, now: Millis, config: &FleetConfig) -> bool {
    worker.standing == Standing::Gone
        || elapsed(worker.last_seen, now) > config.budgets.lease.saturating_add(CLAIM_WAIT_MAX)
}

fn view(id: WorkerId, worker: &Worker, now: Millis, config: &FleetConfig) -> WorkerView {
    let state = match worker.standing {
        Standing::Suspended => WorkerState::Suspended,
        _ if is_away(worker, now, config) => WorkerState::Gone,
        Standing::Draining => WorkerState::Draining,
        Standing::Stuck => WorkerState::Stuck,
        Standing::Good | Standing::Gone if worker.current.is_some() => WorkerState::Proving,
        Standing::Good | Standing::Gone => WorkerState::Idle,
    };
    let current = worker.current.as_ref().map(|current| CurrentJob {
        batch: current.batch,
        job: current.job,
        stage: current.stage.clone(),
        since: current.since,
    });
    WorkerView {
        id,
        name: worker.hello.name.clone(),
        build: worker.hello.build.clone(),
        cores: worker.hello.cores,
        memory_mib: worker.hello.memory_mib,
        state,
        registered: worker.registered,
        last_seen: worker.last_seen,
        jobs_done: worker.jobs_done,
        jobs_failed: worker.jobs_failed,
        cpu: worker.cpu,
        current,
        last_failure: worker.last_failure.clone(),
    }
}
