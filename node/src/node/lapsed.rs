//! Has batches taken back that L1 will never verify.

use std::time::Duration;

use crate::l1::{LapseError, Moment, Patience, Rollup};
use crate::sequencer::SequencerHandle;

/// How often the node looks for them.
const LAPSE_POLL: Duration = Duration::from_secs(2);

/// Has batches taken back that L1 will never verify, until the node stops or must halt.
pub(super) async fn take_back(rollup: Rollup, sequencer: SequencerHandle) {
    let mut patience = Patience::default();
    loop {
        match look_for_lapsed(&rollup, &sequencer).await {
            Ok(()) => {
                patience = Patience::default();
                tokio::time::sleep(LAPSE_POLL).await;
            }
            Err(error) => {
                if !patience.wait("it is not known whether L1 still takes the batches", &error).await {
                    return sequencer.halt(error.to_string());
                }
            }
        }
    }
}

async fn look_for_lapsed(rollup: &Rollup, sequencer: &SequencerHandle) -> Result<(), LapseError> {
    let moment = Moment::now(rollup).await?;
    // A sequencer that has ended has said why.
    let Ok(overdue) = sequencer.ask(move |sequencer| sequencer.overdue(moment.time)).await else { return Ok(()) };
    if let Some((batch, reason)) = moment.first_lapsed(rollup, &overdue).await? {
        sequencer.post(move |sequencer| sequencer.abandon(&batch.environment, reason));
    }
    Ok(())
}
