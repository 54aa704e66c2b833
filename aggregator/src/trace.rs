//! Traces of batches, as W3C Trace Context writes them.
//!
//! A batch has a trace of its own: many requests are in one batch, so none of their traces can be its. Spans and events
//! about a batch or its jobs carry its id as `trace_id`; where a transaction gets into a batch, an event in the trace of its
//! request names that of the batch.

use core::fmt;

use weft_protocol::Context;

/// The trace of a batch: the same in every run, so that a restart goes on with it. Displayed, it is its id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchTrace {
    trace: [u8; 16],
    span: [u8; 8],
}

impl BatchTrace {
    /// The trace of the batch with this context.
    #[must_use]
    pub fn of(context: &Context) -> Self {
        let bytes: Vec<u8> = context.0.0.iter().flat_map(|element| element.as_u64().to_le_bytes()).collect();
        let hash = blake3::derive_key("weft trace of a batch v1", &bytes);
        let (trace, rest) = hash.split_first_chunk().expect("a hash has 32 bytes");
        let span = rest.first_chunk().expect("a hash has 32 bytes");
        Self { trace: *trace, span: *span }
    }

    /// As a header: what is to be done is done for the batch.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{self}-{}-01", hex::encode(self.span))
    }
}

impl fmt::Display for BatchTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.trace))
    }
}

/// The id of the trace in a header; empty if it has none.
#[must_use]
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use weft_protocol::crypto::{Digest, Tag, poseidon};

    use super::*;

    #[test]
    fn batches_have_traces_of_their_own() {
        let [one, other] =
            [Digest::ZERO, poseidon::hash(Tag::NODE, &[])].map(|digest| BatchTrace::of(&Context(digest)));
        assert_ne!(one.to_string(), other.to_string());
        assert_eq!(one, BatchTrace::of(&Context(Digest::ZERO)));
        let header = one.traceparent();
        assert_eq!(header.split('-').map(str::len).collect::<Vec<_>>(), [2, 32, 16, 2]);
        assert_eq!(trace_id(&header), one.to_string());
        assert_eq!(trace_id("x"), "");
    }
}
