//! What the server takes on.

use core::num::NonZeroU32;
use core::time::Duration;

use crate::ApiLimits;

/// Items of a page if the request does not say.
pub(crate) const PAGE_ITEMS_DEFAULT: usize = 100;
/// Most items of a page.
pub const PAGE_ITEMS_MAX: usize = 500;
/// Most items of a page of batches, of entries of the queue or of an account's history: each may take a read of a whole
/// batch.
pub const PAGE_READS_MAX: usize = 100;
/// Most transactions of one `POST /v1/transactions/batch`.
pub const SUBMIT_MAX: usize = 128;

/// What the server takes on. More is refused, slower is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a request's body; a transaction has about 800. The body of many transactions may be
    /// [`SUBMIT_MAX`] / 8 times as long.
    pub body_bytes_max: usize,
    /// Requests under `/v1` at the same time; more are refused with 429.
    pub requests_max: usize,
    /// Time for a request, with the reading of its body; after that the answer is 503.
    pub request_time_max: Duration,
    /// Requests of one client in a second, on the average; more are refused with 429.
    pub client_requests_per_second: NonZeroU32,
    /// Requests of one client at once, after a pause.
    pub client_requests_burst: NonZeroU32,
    /// Connections at the same time; further ones wait to be taken.
    pub connections_max: usize,
    /// Connections of one client at the same time; further ones are closed.
    pub client_connections_max: usize,
    /// Time for the head of a request, and for a connection between two requests.
    pub head_time_max: Duration,
    /// Time for which a client may take nothing of an answer.
    pub write_time_max: Duration,
    /// Streams of events at the same time; more are refused with 429.
    pub streams_max: usize,
    /// Of those, of one client; more are refused with 429.
    pub client_streams_max: usize,
    /// Time after which a stream ends.
    pub stream_time_max: Duration,
    /// How often a stream looks for news.
    pub stream_interval: Duration,
    /// Time for connections to end when the server stops.
    pub stop_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 16 * 1024,
            requests_max: 1024,
            request_time_max: Duration::from_secs(10),
            client_requests_per_second: NonZeroU32::new(2_000).expect("not zero"),
            client_requests_burst: NonZeroU32::new(4_000).expect("not zero"),
            connections_max: 2048,
            client_connections_max: 1024,
            head_time_max: Duration::from_secs(10),
            write_time_max: Duration::from_secs(20),
            streams_max: 256,
            client_streams_max: 32,
            stream_time_max: Duration::from_secs(600),
            stream_interval: Duration::from_millis(200),
            stop_time_max: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// Bytes of the body of many transactions.
    pub(crate) fn many_bytes_max(&self) -> usize {
        self.body_bytes_max.saturating_mul(SUBMIT_MAX / 8)
    }

    /// What clients are told.
    pub(crate) fn view(&self) -> ApiLimits {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        ApiLimits {
            body_bytes: u64::try_from(self.body_bytes_max).unwrap_or(u64::MAX),
            submit_transactions: count(SUBMIT_MAX),
            page_items: count(PAGE_ITEMS_MAX),
            requests_per_second: self.client_requests_per_second.get(),
            requests_burst: self.client_requests_burst.get(),
            streams: count(self.client_streams_max),
            stream_seconds: self.stream_time_max.as_secs(),
        }
    }
}
