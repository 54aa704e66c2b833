//! What happens by the clock: leases end, stages that last too long are taken for hanging, gauges are set.

use std::collections::BTreeMap;

use weft_storage::blobs::BlobStore;
use weft_storage::jobs::{Failure, Holder, JobStore, StoreError};

use super::views::WorkerState;
use super::{Coordinator, timed};

/// Ticks from one setting of the gauges to the next.
const TICKS_PER_GAUGES: u32 = 10;

impl<S: JobStore, B: BlobStore> Coordinator<S, B> {
    /// Looks after the leases for ever.
    pub async fn tick_forever(&self) {
        let mut interval = tokio::time::interval(self.config.tick);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for tick in (0..TICKS_PER_GAUGES).cycle() {
            interval.tick().await;
            if let Err(error) = self.tick().await {
                tracing::error!(%error, "the leases cannot be looked after");
            }
            if tick == 0
                && let Err(error) = self.set_gauges().await
            {
                tracing::error!(%error, "the jobs cannot be counted");
            }
        }
    }

    /// Looks after the leases once.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tick(&self) -> Result<(), StoreError> {
        let now = self.now();
        for (key, aftermath) in timed("expire", self.store.expire(now)).await? {
            let attempts = self.store.job(&key).await?.map(|record| record.attempts).unwrap_or_default();
            let reason = attempts.last_reason.unwrap_or_default();
            if let Some((worker, _)) = attempts.last_failure {
                let held = self.workers().held(worker, &key);
                held.iter().for_each(|held| self.workers().failed(worker, held, &reason, (now, &self.config)));
            }
            self.tell_aftermath(&key, aftermath, &reason).await?;
        }
        let stalled = {
            let statistics = self.statistics();
            // A worker that sees to it itself is given a lease's time.
            let limit = |kind| statistics.stall(kind, self.config.stall) + self.config.budgets.lease;
            self.workers().take_stalled(now, limit)
        };
        for (worker, current, limit) in stalled {
            let reason = format!("no progress in stage {} for {limit:?}", current.stage);
            let holder = Holder { worker, lease: current.held.lease };
            let aftermath = self.store.fail(now, holder, Failure::Crashed(reason.clone())).await?;
            self.workers().failed(worker, &current.held, &reason, (now, &self.config));
            self.tell_aftermath(&current.held.key, aftermath, &reason).await?;
        }
        Ok(())
    }

    #[expect(clippy::float_arithmetic, reason = "gauges are real numbers, and nothing depends on them")]
    async fn set_gauges(&self) -> Result<(), super::OrderError> {
        let mut by_state: BTreeMap<WorkerState, u32> = WorkerState::ALL.into_iter().map(|state| (state, 0)).collect();
        for view in self.worker_views() {
            *by_state.entry(view.state).or_default() += 1;
        }
        for (state, count) in by_state {
            metrics::gauge!("fleet_workers", "state" => state.name()).set(count);
        }
        let counts = self.counts().await?;
        for (kind, count) in counts.kinds {
            let states = [
                ("waiting", count.waiting),
                ("ready", count.ready),
                ("leased", count.leased),
                ("done", count.done),
                ("quarantined", count.quarantined),
            ];
            for (state, jobs) in states {
                metrics::gauge!("fleet_jobs", "kind" => kind.name(), "state" => state).set(jobs);
            }
        }
        let committed = f64::from(counts.leased_mib) * f64::from(1 << 20);
        metrics::gauge!("fleet_worker_memory_committed_bytes").set(committed);
        metrics::gauge!("fleet_oldest_ready_seconds").set(counts.oldest_ready.unwrap_or_default());
        Ok(())
    }
}
