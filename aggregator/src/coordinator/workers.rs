//! Who is there, and what they do at the moment. In memory: after a restart workers are taken in again when they speak.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use weft_storage::jobs::{Claimant, JobKey, Millis, WorkerId};

use super::FleetConfig;
use super::conduct::{ConductLimits, Conducts};
use super::fleet::CLAIM_WAIT_MAX;
use super::registration::Registration;
use super::views::{CurrentJob, WorkerState, WorkerView};
use crate::message::{Beat, FleetError, Held, WorkerHello};
use crate::pass::{FleetKey, SecretHash, WorkerPass};
use crate::{Job, JobKind};

/// Workers that are remembered, gone ones included.
const WORKERS_MAX: usize = 4096;
/// An empty answer to a claim that comes so soon was asked for in haste: a worker has time to wait for a job.
const HASTY: Duration = Duration::from_secs(1);
/// Hasty claims in a row that cost nothing.
const HASTE_FREE: u32 = 8;
/// Pause before the claim after them; twice as long after each further one.
const HASTE_PAUSE: Duration = Duration::from_millis(100);
/// Doublings of that pause at most.
const HASTE_DOUBLINGS_MAX: u32 = 10;
/// When a worker may claim again whose last claim still waits.
const CLAIM_RETRY: Duration = Duration::from_secs(1);

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Workers {
    known: BTreeMap<WorkerId, Worker>,
    conducts: Conducts,
}

#[derive(Debug)]
struct Worker {
    hello: WorkerHello,
    secret: SecretHash,
    registered: Millis,
    last_seen: Millis,
    current: Option<Current>,
    jobs_done: u64,
    jobs_failed: u64,
    cpu: Duration,
    last_failure: Option<String>,
    standing: Standing,
    /// Held by its claim.
    turn: Arc<Semaphore>,
    /// Claims in a row that were made in haste, and in vain.
    haste: u32,
    /// When its last claim ended.
    claimed: Option<Instant>,
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
    /// Whether one more worker can be taken in, perhaps after one was forgotten that has been silent for longest.
    pub(super) fn make_room(&mut self, now: Millis, config: &FleetConfig) -> bool {
        if self.known.len() < WORKERS_MAX {
            return true;
        }
        let is_idle = |worker: &Worker| worker.current.is_none() && is_away(worker, now, config);
        let silent = self.known.iter().filter(|(_, worker)| is_idle(worker));
        let oldest = silent.min_by_key(|(_, worker)| worker.last_seen).map(|(id, _)| *id);
        oldest.is_some_and(|id| self.known.remove(&id).is_some())
    }

    /// Takes a worker in.
    pub(super) fn register(&mut self, id: WorkerId, registration: Registration, now: Millis, config: &FleetConfig) {
        let Registration { hello, secret } = registration;
        let is_suspended = self.conducts.is_suspended(&hello.name, &config.conduct);
        let worker = Worker {
            hello,
            secret,
            registered: now,
            last_seen: now,
            current: None,
            jobs_done: 0,
            jobs_failed: 0,
            cpu: Duration::ZERO,
            last_failure: None,
            standing: if is_suspended { Standing::Suspended } else { Standing::Good },
            turn: Arc::new(Semaphore::new(1)),
            haste: 0,
            claimed: None,
        };
        // It may have been restored twice at once: what the first one does goes on.
        self.known.entry(id).or_insert(worker);
    }

    /// The worker that a pass is of.
    pub(super) fn authenticate(&self, pass: &WorkerPass, fleet: &FleetKey) -> Result<WorkerId, FleetError> {
        let worker = self.known.get(&pass.worker).ok_or(FleetError::UnknownWorker)?;
        if worker.secret.is_of(&pass.secret, fleet) { Ok(pass.worker) } else { Err(FleetError::Unauthorized) }
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

    /// Leave to claim, which a worker has once at a time, and when the claim may begin: one that has claimed in haste, and
    /// in vain, waits longer each time.
    pub(super) fn turn(&self, id: WorkerId) -> Result<(OwnedSemaphorePermit, Option<Instant>), FleetError> {
        let worker = self.known.get(&id).ok_or(FleetError::UnknownWorker)?;
        let turn = Arc::clone(&worker.turn).try_acquire_owned();
        let turn = turn.map_err(|_| FleetError::TooMany { wait: CLAIM_RETRY })?;
        let excess = worker.haste.checked_sub(HASTE_FREE);
        let pause = excess.map(|excess| (HASTE_PAUSE * (1 << excess.min(HASTE_DOUBLINGS_MAX))).min(CLAIM_WAIT_MAX));
        Ok((turn, worker.claimed.zip(pause).map(|(claimed, pause)| claimed + pause)))
    }

    /// Notes how a claim has ended, and how long it took.
    pub(super) fn claimed(&mut self, id: WorkerId, has_job: bool, took: Duration) {
        let Some(worker) = self.known.get_mut(&id) else { return };
        let is_hasty = !has_job && took < HASTY;
        worker.haste = if is_hasty { worker.haste.saturating_add(1) } else { 0 };
        worker.claimed = Some(Instant::now());
    }

    /// What a worker can do that asks for a job, and the job that it should have but does not know of: the answer to its
    /// last claim was lost. `None` while it gets no jobs.
    pub(super) fn claimant(
        &mut self,
        id: WorkerId,
        now: Millis,
        config: &FleetConfig,
    ) -> Result<Option<(Claimant, Option<Current>)>, FleetError> {
        let worker = self.active(id, now)?;
        worker.standing = Standing::Good;
        let name = worker.hello.name.clone();
        let (circuits, memory, current) =
            (worker.hello.circuits.clone(), worker.hello.memory_mib, worker.current.clone());
        let is_set_aside = |name: &str| self.conducts.is_set_aside(name, now, &config.conduct);
        let can =
            |worker: &&Worker| worker.standing == Standing::Good && !is_away(worker, now, config) && is_at_work(worker);
        let others = || self.known.iter().filter(|(other, _)| **other != id).map(|(_, worker)| worker).filter(can);
        // Set aside it is only for others: if there is nobody else, better it than nobody.
        let is_replaced = is_set_aside(&name) && others().any(|other| !is_set_aside(&other.hello.name));
        if self.conducts.rests(&name, now) || is_replaced {
            return Ok(None);
        }
        // A job that has outgrown all workers goes to the largest one: better there than nowhere.
        let is_largest = others().all(|other| other.hello.memory_mib <= memory);
        let memory_mib = if is_largest { u32::MAX } else { memory };
        let workers = u32::try_from(1 + others().count()).unwrap_or(u32::MAX);
        Ok(Some((Claimant { worker: id, circuits, memory_mib, running: 0, workers }, current)))
    }

    pub(super) fn begin(&mut self, id: WorkerId, current: Current) {
        if let Some(worker) = self.known.get_mut(&id) {
            worker.current = Some(current);
        }
    }

    pub(super) fn beat(&mut self, id: WorkerId, beat: &Beat, now: Millis) -> Result<BeatNews, FleetError> {
        let worker = self.active(id, now)?;
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
    pub(super) fn end(&mut self, id: WorkerId, held: &Held) {
        if let Some(worker) = self.known.get_mut(&id) {
            worker.current.take_if(|current| current.held == *held);
        }
    }

    /// The same, since the job has failed.
    pub(super) fn failed(&mut self, id: WorkerId, held: &Held, reason: &str, (now, config): (Millis, &FleetConfig)) {
        self.end(id, held);
        let Some(worker) = self.known.get_mut(&id) else { return };
        worker.jobs_failed += 1;
        let ConductLimits { failures_max, cooling, .. } = config.conduct;
        let text = if self.conducts.failed(&worker.hello.name, now, &config.conduct) {
            tracing::warn!(worker = worker.hello.name, reason, "worker set aside");
            format!("set aside for {cooling:?}: {failures_max} failures more than proofs; the last one: {reason}")
        } else {
            reason.to_owned()
        };
        worker.last_failure = Some(text);
    }

    /// What a worker does of this job.
    pub(super) fn held(&self, id: WorkerId, key: &JobKey) -> Option<Held> {
        let current = self.known.get(&id)?.current.as_ref()?;
        (current.held.key == *key).then_some(current.held)
    }

    pub(super) fn done(&mut self, id: WorkerId, held: &Held, cpu: Duration) {
        self.end(id, held);
        if let Some(worker) = self.known.get_mut(&id) {
            worker.jobs_done += 1;
            worker.cpu = worker.cpu.saturating_add(cpu);
            self.conducts.proved(&worker.hello.name);
        }
    }

    /// The worker has given a job back.
    pub(super) fn released(&mut self, id: WorkerId, now: Millis) {
        if let Some(worker) = self.known.get(&id) {
            self.conducts.released(&worker.hello.name, now);
        }
    }

    /// Counts an invalid proof. Returns whether the worker is suspended for it.
    pub(super) fn invalid(&mut self, id: WorkerId, held: &Held, reason: &str, at: (Millis, &FleetConfig)) -> bool {
        self.failed(id, held, reason, at);
        let (now, config) = at;
        let Some(worker) = self.known.get_mut(&id) else { return false };
        let is_suspended = self.conducts.invalid(&worker.hello.name, now) >= config.conduct.invalid_max;
        if is_suspended {
            worker.standing = Standing::Suspended;
        }
        is_suspended
    }

    /// Forgives all workers of a name what they did. Returns whether they were suspended or set aside; `None` if nobody of
    /// that name is remembered.
    pub(super) fn readmit(&mut self, name: &str, now: Millis, config: &FleetConfig) -> Option<bool> {
        let mut is_known = false;
        for worker in self.known.values_mut().filter(|worker| worker.hello.name == name) {
            is_known = true;
            if worker.standing == Standing::Suspended {
                worker.standing = Standing::Good;
            }
        }
        let forgiven = self.conducts.forgive(name, now, &config.conduct);
        (is_known || forgiven.is_some()).then_some(forgiven.unwrap_or(false))
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
    ) -> Vec<(WorkerId, Current, Duration)> {
        let mut stalled = Vec::new();
        for (id, worker) in &mut self.known {
            // A clock that was set back gives nobody more time.
            worker.last_seen = worker.last_seen.min(now);
            let Some(current) = &mut worker.current else { continue };
            current.stage_since = current.stage_since.min(now);
            let limit = limit(current.job.kind());
            if elapsed(current.stage_since, now) > limit {
                stalled.extend(worker.current.take().map(|current| (*id, current, limit)));
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
        let view = |(id, worker): (&WorkerId, &Worker)| {
            let is_set_aside = self.conducts.is_set_aside(&worker.hello.name, now, &config.conduct);
            let view = view(*id, worker, now, config);
            match view.state {
                WorkerState::Idle if is_set_aside => WorkerView { state: WorkerState::SetAside, ..view },
                _ => view,
            }
        };
        self.known.iter().map(view).collect()
    }
}

/// Time from one moment to another; zero if the clock went back.
pub(super) const fn elapsed(from: Millis, to: Millis) -> Duration {
    Duration::from_millis(to.0.saturating_sub(from.0))
}

/// Whether a worker does a job or asks for one: only then do others leave it anything.
fn is_at_work(worker: &Worker) -> bool {
    let has_asked = worker.claimed.is_some_and(|claimed| claimed.elapsed() < CLAIM_WAIT_MAX);
    worker.current.is_some() || worker.turn.available_permits() == 0 || has_asked
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
