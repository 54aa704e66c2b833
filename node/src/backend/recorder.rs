//! The recorder of the process's metrics.

use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::telemetry;

/// How often what has come is summed up, so that it takes no room if nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder, installed by the first node of the process.
pub(super) fn recorder() -> PrometheusHandle {
    static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        match metrics::set_global_recorder(recorder) {
            Ok(()) => telemetry::describe(),
            Err(_) => tracing::warn!("another recorder of metrics was installed before; /metrics stays empty"),
        }
        let kept = handle.clone();
        let upkeep = move || {
            loop {
                thread::sleep(UPKEEP);
                kept.run_upkeep();
            }
        };
        if let Err(error) = thread::Builder::new().name("metrics".to_owned()).spawn(upkeep) {
            tracing::warn!(%error, "metrics take room until somebody asks for them");
        }
        handle
    });
    RECORDER.clone()
}
