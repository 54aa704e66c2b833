//! Jobs and workers as the API shows them.

use std::error::Error;

use weft_aggregator::OrderError;
use weft_aggregator::coordinator::{self, FleetCounts};
use weft_api::{
    AttemptsView, BackendError, EstimateView, FixedBytes, JobCounts, JobStateName, JobView, Progress, ProofTreeView,
    Time, WorkerState, WorkerView,
};
use weft_storage::jobs::{JobState, Millis};

use crate::fleet::NodeCoordinator;

/// A fault of the node.
pub(super) fn internal(error: impl Error + Send + Sync + 'static) -> BackendError {
    BackendError::Internal { source: Box::new(error) }
}

/// The jobs of a batch, children first.
///
/// # Errors
/// The store failed.
pub(super) async fn jobs(coordinator: &NodeCoordinator, batch: u32) -> Result<Vec<JobView>, OrderError> {
    let jobs = coordinator.job_views(batch).await?;
    Ok((0..).zip(jobs).map(|(position, job)| job_view(batch, position, job)).collect())
}

/// The proof tree of a batch that has reached `status`.
///
/// # Errors
/// The store failed.
pub(super) async fn tree(
    coordinator: &NodeCoordinator,
    batch: u32,
    status: weft_api::Finality,
) -> Result<ProofTreeView, OrderError> {
    let jobs = jobs(coordinator, batch).await?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let done = jobs.iter().filter(|job| job.state == JobStateName::Done).count();
    let is_open = done < jobs.len() && !jobs.is_empty();
    let rest = if is_open { coordinator.estimate(batch).await? } else { None };
    Ok(ProofTreeView {
        batch,
        status,
        progress: Progress { done: count(done), total: count(jobs.len()) },
        rest: rest.map(|rest| EstimateView { seconds: rest.as_secs_f64(), workers: workers_at_work(coordinator) }),
        jobs,
    })
}

fn can_prove(state: coordinator::WorkerState) -> bool {
    matches!(state, coordinator::WorkerState::Idle | coordinator::WorkerState::Proving)
}

fn time(at: Millis) -> Time {
    Time::from_unix_ms(at.0)
}

fn job_view(batch: u32, position: u32, job: coordinator::JobView) -> JobView {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let attempts = job.attempts;
    let view = JobView {
        id: FixedBytes(job.key.0),
        batch,
        position,
        name: job.job.to_string(),
        kind: job.job.kind().name().to_owned(),
        state: JobStateName::Waiting,
        height: job.height,
        children: job.children.into_iter().map(|child| FixedBytes(child.0)).collect(),
        worker: job.worker,
        stage: None,
        memory_mib: job.memory_mib,
        created_at: time(job.inserted),
        started_at: None,
        done_at: None,
        wall_seconds: None,
        cpu_seconds: None,
        attempts: AttemptsView {
            claims: attempts.claims,
            errors: count(attempts.errors.len()),
            lost: count(attempts.lost.len()),
            invalid: count(attempts.invalid.len()),
        },
        reason: attempts.last_reason,
    };
    match job.state {
        JobState::Waiting(_) => view,
        JobState::Ready(_) => JobView { state: JobStateName::Ready, ..view },
        JobState::Leased(lease) => JobView {
            state: JobStateName::Leased,
            stage: Some(lease.stage).filter(|stage| !stage.is_empty()),
            started_at: Some(time(lease.since)),
            ..view
        },
        JobState::Done(done) => JobView {
            state: JobStateName::Done,
            started_at: Some(Time::from_unix_ms(done.at.0.saturating_sub(milliseconds(done.wall)))),
            done_at: Some(time(done.at)),
            wall_seconds: Some(done.wall.as_secs_f64()),
            cpu_seconds: Some(done.cpu.as_secs_f64()),
            ..view
        },
        JobState::Quarantined { reason } => JobView { state: JobStateName::Quarantined, reason: Some(reason), ..view },
        JobState::Cancelled => JobView { state: JobStateName::Cancelled, ..view },
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A worker.
pub(super) fn worker_view(worker: coordinator::WorkerView) -> WorkerView {
    let current = worker.current;
    WorkerView {
        id: worker.id.0,
        name: worker.name,
        state: match worker.state {
            coordinator::WorkerState::Idle => WorkerState::Idle,
            coordinator::WorkerState::Proving => WorkerState::Working,
            coordinator::WorkerState::Draining => WorkerState::Draining,
            coordinator::WorkerState::Stuck => WorkerState::Stuck,
            coordinator::WorkerState::SetAside => WorkerState::SetAside,
            coordinator::WorkerState::Suspended => WorkerState::Suspended,
            coordinator::WorkerState::Gone => WorkerState::Lost,
        },
        job: current.as_ref().map(|current| format!("{}/{}", current.batch, current.job)),
        stage: current.map(|current| current.stage).filter(|stage| !stage.is_empty()),
        build: worker.build,
        cores: worker.cores,
        memory_mib: worker.memory_mib,
        registered_at: time(worker.registered),
        seen_at: time(worker.last_seen),
        done: worker.jobs_done,
        failed: worker.jobs_failed,
        last_failure: worker.last_failure,
    }
}

/// Jobs of all kinds together.
pub(super) fn counts(fleet: &FleetCounts) -> JobCounts {
    let mut counts = JobCounts::default();
    for kind in fleet.kinds.values() {
        counts.waiting += kind.waiting;
        counts.ready += kind.ready;
        counts.leased += kind.leased;
        counts.quarantined += kind.quarantined;
    }
    counts
}

/// Workers that may do jobs now.
pub(super) fn workers_at_work(coordinator: &NodeCoordinator) -> u32 {
    let there = coordinator.worker_views().into_iter().filter(|worker| can_prove(worker.state));
    u32::try_from(there.count()).unwrap_or(u32::MAX)
}
