//! From the trace of a request to that of its batch, and back.

use tracing::Instrument;

use super::world::*;
use crate::config::BatchLimits;
use crate::journal::Failure;
use crate::sequencer::{Phase, SequencerHandle};
use crate::telemetry::capture::{Capture, Fields};

const ONE_AT_A_TIME: BatchLimits = BatchLimits { unverified_max: 1, ..LIMITS };
const TRACES: [&str; 2] = ["4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"];

/// Where an event says that a transaction of a request with this trace was executed.
fn executed(capture: &Capture, trace: &str) -> Fields {
    let events = capture.events("transaction executed");
    let mut of_request = events
        .into_iter()
        .filter(|traced| traced.spans.iter().any(|span| span["span"] == "request" && span["trace_id"] == trace));
    of_request.next().expect("the trace of the request leads on").event
}

#[test]
fn a_request_leads_to_its_batch_and_a_batch_to_its_requests() {
    let capture = Capture::default();
    tracing::subscriber::with_default(capture.subscriber(), || {
        let mut world = World::new(ONE_AT_A_TIME);
        let request = |trace_id| tracing::info_span!("request", trace_id);
        request(TRACES[0]).in_scope(|| world.submit_transfer(1, 2, 0));
        world.seal();
        // This one waits: it is executed when the request is long over.
        request(TRACES[1]).in_scope(|| world.submit_transfer(1, 2, 1));
        assert_eq!(capture.events("transaction executed").len(), 1);
        world.prove(1);
        world.verify(1);
        world.advance_l1(5);
        world.advance();
        world.seal();
    });
    let [first, second] = TRACES.map(|trace| executed(&capture, trace));
    assert_eq!((&first["batch"][..], &second["batch"][..]), ("1", "2"));
    assert_ne!(first["batch_trace_id"], second["batch_trace_id"]);
    let of_batch = |message: &str| {
        let events = capture.events(message).into_iter();
        events.map(|traced| (traced.event["batch"].clone(), traced.event["trace_id"].clone())).collect::<Vec<_>>()
    };
    let traces = [first, second].map(|event| (event["batch"].clone(), event["batch_trace_id"].clone()));
    assert_eq!(of_batch("batch sealed"), traces);
    assert_eq!(of_batch("batch proven"), traces[..1]);
    assert_eq!(of_batch("batch verified on L1"), traces[..1]);
}

#[tokio::test]
async fn what_the_sequencer_does_belongs_to_the_request() {
    let capture = Capture::default();
    // The sequencer has a thread of its own. No other test of the crate sets a subscriber for all threads.
    tracing::subscriber::set_global_default(capture.subscriber()).unwrap();
    let world = World::new(LIMITS);
    let checked = weft_executor::check_signatures(&world.domain(), vec![world.transfer(1, 2, 0)]);
    let checked = checked.into_iter().next().unwrap().unwrap();
    let (handle, inbox) = SequencerHandle::new(Failure::default());
    handle.enter(Phase::Serving);
    let thread = inbox.serve(world.sequencer).unwrap();
    let span = tracing::info_span!("request", trace_id = TRACES[0]);
    handle.call(move |sequencer| sequencer.submit(checked).map(drop)).instrument(span).await.unwrap().unwrap();
    assert_eq!(executed(&capture, TRACES[0])["batch"], "1");
    handle.stop();
    thread.join().unwrap();
}
