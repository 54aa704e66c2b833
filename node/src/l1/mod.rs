//! L1 as the node sees it: what it reads and what it sends.

mod find;
mod lapse;
mod patience;
mod post;
mod queue;
#[cfg(test)]
pub(crate) mod testing;
mod watch;

use std::time::Duration;

use alloy::primitives::B256;
use alloy::transports::http::reqwest;
use weft_protocol::crypto::Digest;

pub use find::{FindError, find_posted};
pub use lapse::{Lapse, LapseError, Moment};
pub use patience::Patience;
pub use post::{PostCommand, PostError, PostNews, PostOrder, Poster};
pub use queue::{QueueError, decode_entry};
pub use watch::{L1News, QueueEvent, WatchError, Watcher, read_assets};

/// L1 blocks of one request for events: what providers commonly allow.
const BLOCKS_PER_READ: u64 = 2_000;
/// How long L1 may take for an answer: one that never comes must not look like one that is on its way.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a connection to L1 may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// The last L1 block that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct L1Head {
    /// Its number.
    pub number: u64,
    /// Its time, UNIX seconds.
    pub timestamp: u64,
    /// The time that a block would have now, UNIX seconds, if L1 has just said it.
    pub now: Option<u64>,
}

/// The contract's rollup binding over any provider.
pub type Rollup = weft_contract::bindings::IRollup::IRollupInstance<alloy::providers::DynProvider>;

/// A reason as everybody may read it: the address of an L1 provider often holds a key.
#[must_use]
pub fn without_urls(reason: &str) -> String {
    let mut words = String::with_capacity(reason.len());
    let mut rest = reason;
    while let Some(at) = rest.find("://") {
        let scheme = rest[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
        let end = rest[at..].find([' ', ')', '"', ',']).map_or(rest.len(), |length| at + length);
        words.push_str(&rest[..scheme]);
        words.push_str("[address]");
        rest = &rest[end..];
    }
    words.push_str(rest);
    words
}

/// A digest as the contract writes it.
#[must_use]
pub fn word(digest: &Digest) -> B256 {
    B256::from(digest.to_bytes())
}

/// A client for an L1 over HTTP that does not wait for ever.
///
/// # Errors
/// The system's TLS cannot be used.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().connect_timeout(CONNECT_TIME_MAX).timeout(ANSWER_TIME_MAX).build()
}

#[cfg(test)]
mod tests {
    use super::without_urls;

    #[test]
    fn reasons_hold_no_addresses() {
        let told =
            without_urls("commit: error for url (https://l1.example/v2/SECRET): refused, ws://user:SECRET@h/ too");
        assert_eq!(told, "commit: error for url ([address]): refused, [address] too");
        assert_eq!(without_urls("no ETH"), "no ETH");
    }
}
