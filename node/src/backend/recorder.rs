//! The recorder of the process's metrics.

use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::telemetry;

/// Upper ends of the buckets of times: from a sync of the disk to a batch's way to L1.
const SECONDS: [f64; 16] =
    [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0];
/// How often what has come is put into buckets, so that it takes no room if nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder, installed by the first node of the process.
pub(super) fn recorder() -> PrometheusHandle {
    static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
        let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS);
        let recorder = builder.expect("there are buckets").build_recorder();
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
